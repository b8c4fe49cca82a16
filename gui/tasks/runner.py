"""Runs work in worker threads and delivers the results on the GUI thread."""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

import shiboken6
from PySide6.QtCore import QObject, Qt, Signal

from core.engine.changes import OperationCall
from core.engine.operations import OPERATION_NAMES, changes_made
from core.engine.operations import operation as operation_named
from core.model.change import Change
from core.model.connection import Connection
from core.pauses import pause_with
from core.preview.releasing import hand_over_fields
from core.work import CancelToken, Work
from gui.tasks import thread_pool as messages
from gui.tasks.busy import BusyThread, busy_clock
from gui.tasks.garbage import GarbageCollector
from gui.tasks.task import Order, Task, TaskOptions
from gui.tasks.thread_pool import Job, ThreadPool

if TYPE_CHECKING:
    from core.engine.client import EngineClient

T = TypeVar("T")

#: The bulk threads only drive the engine processes, of which there are at most four.
_INTERACTIVE_THREADS, _BULK_THREADS = 8, 4
_SHUTDOWN_SECONDS = 4.0
#: Seconds after which a thread that computes lets another one run. Painting a table calls Python
#: for each cell and waits that long each time while a worker thread computes: with 0.5 ms a page of
#: rows takes 40 ms instead of 15, with Python's default of 5 ms a second.
_SWITCH_SECONDS = 0.0001
#: Number of finished tasks retained for the activity drawer.
_RETAINED = 200


# The payload is `object`: a Qt `int` has 32 bits and would truncate sizes without an error.
class _Bridge(QObject):
    """Passes messages of worker threads to the GUI thread.

    Signals:
        posted: job number, kind of message, payload.
    """

    posted = Signal(int, int, object)


class TaskRunner(QObject):
    """Owns all tasks. Callbacks run on the GUI thread, and only while their owner exists.

    Signals:
        task_started, task_changed, task_finished: the `Task`.
        change_made: a `Change`, before the callback of the task, and the name of the profile.
    """

    task_started = Signal(object)
    task_changed = Signal(object)
    task_finished = Signal(object)
    change_made = Signal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        sys.setswitchinterval(_SWITCH_SECONDS)
        self.tasks: list[Task] = []
        self._running: dict[int, Task] = {}
        self._owners: weakref.WeakSet[QObject] = weakref.WeakSet()
        self._next = 0
        self._closed = False
        self._engine: EngineClient | None = None
        #: Checked when an operation starts, since writing may have been locked after it was queued.
        self.present_connection: Callable[[Connection], Connection] = lambda connection: connection
        self._bridge = _Bridge(self)
        # Queued, since it is emitted in worker threads and must arrive on the GUI thread.
        self._bridge.posted.connect(self._on_posted, Qt.ConnectionType.QueuedConnection)
        self._interactive = ThreadPool("interactive", _INTERACTIVE_THREADS, self._post)
        self._bulk = ThreadPool("bulk", _BULK_THREADS, self._post)
        self._garbage = GarbageCollector(self)
        self._garbage.start()
        if (clock := busy_clock()) is not None:
            pause_with(BusyThread(clock).wait)

    @property
    def busy(self) -> bool:
        """Whether any task is running."""
        return bool(self._running)

    @property
    def running_since(self) -> datetime | None:
        """The start of the oldest running task; None if none is running."""
        return min((task.started for task in self._running.values()), default=None)

    @property
    def bulk_running(self) -> list[Task]:
        """The tasks that run in the engine, which are confirmed before the window closes.

        Quiet ones are stopped without a question, since the next start repeats them.
        """
        return [task for task in self._running.values() if task.bulk and not task.quiet]

    def run(
        self,
        name: str,
        fn: Callable[[Work], T],
        *,
        owner: QObject,
        then: Callable[[T], object] | None = None,
        call: OperationCall | None = None,
        **options: Unpack[TaskOptions],
    ) -> Task:
        """Run `fn(work)` in a worker thread.

        Args:
            name: its title in the activity drawer.
            fn: the work; it must not use Qt.
            owner: callbacks are dropped once this object is deleted.
            then: gets the result.
            call: the operation that `fn` is, with its arguments: its changes are announced.
            options: see `TaskOptions`.
        """
        return self._start(Order(name, fn, owner, then=then, call=call, **options))

    def run_bulk(  # noqa: PLR0913 - one request; all but the first three by name
        self,
        name: str,
        operation: str,
        arguments: dict[str, Any],
        *,
        connection: Connection,
        owner: QObject,
        then: Callable[[T], object] | None = None,
        source: str = "",
        target: str = "",
        command: str = "",
        origin: str = "",
        **options: Unpack[TaskOptions],
    ) -> Task:
        """Run a named operation in the engine process, driven by a worker thread.

        The operation is plain data, so that it can be retried; see `core.engine.operations`.

        Args:
            name: its title in the activity drawer.
            operation: its name in `core.engine.operations`.
            arguments: its arguments, as plain data.
            connection: the connection that it uses.
            owner: callbacks are dropped once this object is deleted.
            then: gets the result.
            source: where the data comes from, for the drawer.
            target: where the data goes, for the drawer.
            command: the equivalent command line, for the drawer.
            origin: the view that is named in the log of changes.
            options: see `TaskOptions`.
        """
        engine = self._engine_client()
        profile = connection.profile
        made = OperationCall(operation, arguments, profile.bucket, profile.name, origin)

        def call(work: Work) -> Any:
            present = self.present_connection(connection)
            return engine.call(operation, arguments, connection=present, work=work)

        return self._start(
            Order(
                name,
                call,
                owner,
                then=then,
                bulk=True,
                source=source,
                target=target,
                command=command,
                call=made if operation in OPERATION_NAMES else None,  # an engine may have others
                **options,
            )
        )

    def shutdown(self) -> None:
        """Cancel all tasks and stop threads and engine; nothing is delivered afterwards."""
        if self._closed:
            return
        self._closed = True
        for task in self._running.values():
            (task.pause if task.order.resumable else task.cancel)()
        for pool in (self._interactive, self._bulk):
            pool.stop()
        # Both pools share one deadline: the window is already hidden, and its process must end.
        deadline = time.monotonic() + _SHUTDOWN_SECONDS
        if self._engine is not None:
            self._engine.close()
        self._interactive.join(deadline)
        self._bulk.join(deadline)
        self._running.clear()
        self._garbage.stop()
        pause_with(None)

    def engine_pids(self) -> list[int]:
        """Return the engine processes' ids, for the diagnostics."""
        return self._engine.pids() if self._engine is not None else []

    def _engine_client(self) -> EngineClient:
        if self._engine is None:
            from core.engine.client import EngineClient

            self._engine = EngineClient()
        return self._engine

    def _start(self, order: Order) -> Task:
        task = Task(order, self._restart, self)
        if self._closed:
            task.end("cancelled")
            return task
        self._watch(order.owner)
        # Before the new task is registered, so that it does not cancel itself.
        if order.latest is not None:
            self._supersede(order.latest)
        self._next += 1
        number = self._next
        self._running[number] = task
        self._add_to_list(task)
        self.task_started.emit(task)
        pool = self._bulk if order.bulk else self._interactive
        pool.put(Job(number, task.outcome.run, order.token, order.limits))
        return task

    def _restart(self, order: Order) -> Task:
        return self._start(replace(order, token=CancelToken()))

    def _supersede(self, latest: str) -> None:
        for task in self._running.values():
            if task.order.latest == latest:
                task.superseded = True
                task.cancel()

    def _watch(self, owner: QObject) -> None:
        """Cancel the tasks of an owner when it ends; one connection for each owner."""
        if owner not in self._owners and shiboken6.isValid(owner):
            self._owners.add(owner)
            owner.destroyed.connect(self._on_owner_gone, Qt.ConnectionType.QueuedConnection)

    def _on_owner_gone(self) -> None:
        # A copy: a cancel may end a task at once and change the dictionary.
        for task in list(self._running.values()):
            if not shiboken6.isValid(task.order.owner):
                task.cancel()

    def _add_to_list(self, task: Task) -> None:
        if task.quiet:
            return
        self.tasks.append(task)
        ended = [each for each in self.tasks if not each.running]
        for old in ended[: max(0, len(ended) - _RETAINED)]:
            self.tasks.remove(old)
            old.deleteLater()

    def _post(self, number: int, kind: int, payload: Any) -> None:
        if not self._closed:
            self._bridge.posted.emit(number, kind, payload)

    def _on_posted(self, number: int, kind: int, payload: Any) -> None:
        task = self._running.get(number)
        if self._closed or task is None:  # a message that was queued before the end of the task
            return
        if kind in {messages.PROGRESS, messages.BATCH}:
            self._report(task, kind, payload)
            return
        # Before the callbacks, so that `busy` is false when a view asks in its callback.
        del self._running[number]
        self._end(task, kind, payload)

    def _report(self, task: Task, kind: int, payload: Any) -> None:
        order = task.order
        # A batch of such an operation is a result: what it changed is announced even if a later
        # part fails.
        if (
            kind == messages.BATCH
            and order.call
            and operation_named(order.call.operation).partial_batches
        ):
            self._announce(task, changes_made(order.call, payload))
        callback = order.progress if kind == messages.PROGRESS else order.batch
        if kind == messages.PROGRESS:
            task.set_progress(payload)
            self.task_changed.emit(task)
        self._call(task, callback, payload)

    def _end(self, task: Task, kind: int, payload: Any) -> None:
        try:
            self._announce(task, task.outcome.changes())
        finally:  # an exception is a bug of the description; the task has ended all the same
            self._call_back(task, kind, payload)
            hand_over_fields(payload)

    def _call_back(self, task: Task, kind: int, payload: Any) -> None:
        order = task.order
        try:
            if kind == messages.CANCELLED or task.superseded:
                task.end("cancelled")
                self._call_cancelled(task)
                self._call(task, order.stopped, task.outcome.value)
            elif kind == messages.FAILED:
                task.end("failed", payload)
                self._call(task, order.failed, payload)
            else:
                task.end("done")
                self._call(task, order.then, task.outcome.value)
        finally:  # an exception in a callback is a bug of its view; the task ends anyway
            # The list of tasks retains it, but not its result.
            task.outcome = order.outcome()
            self.task_finished.emit(task)
            if task.quiet:
                task.deleteLater()

    def _announce(self, task: Task, changes: Iterable[Change]) -> None:
        """Announce what an operation has changed, unless it was announced with a former batch."""
        call = task.order.call
        if call is None:
            return
        for change in changes:
            known = (change.action, change.subject)
            # The final result contains the changes of all batches again.
            if known not in task.announced:
                task.announced.add(known)
                self.change_made.emit(change, call.profile)

    @staticmethod
    def _call_cancelled(task: Task) -> None:
        callback, owner = task.order.cancelled, task.order.owner
        if callback is not None and not task.superseded and shiboken6.isValid(owner):
            callback()

    @staticmethod
    def _call(task: Task, callback: Callable[[Any], object] | None, payload: Any) -> None:
        """Call back if the owner exists; its C++ object may be deleted before the Python one."""
        if callback is not None and not task.superseded and shiboken6.isValid(task.order.owner):
            callback(payload)
