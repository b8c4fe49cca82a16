"""Access to the stored queue: one call after another, in worker threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Signal

from core.errors import StorageError
from core.transfer.queue import TransferQueue
from core.work import Work
from gui.tasks import TaskRunner

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Call:
    fn: Callable[[TransferQueue], Any]
    then: Callable[[Any], object] | None
    failed: Callable[[StorageError], object] | None


class Store(QObject):
    """Calls methods of the stored queue in the order in which they were requested.

    Signals:
        failed: the `StorageError` of a call.
        idle: all calls have ended.
    """

    failed = Signal(object)
    idle = Signal()

    def __init__(self, runner: TaskRunner, parent: QObject) -> None:
        super().__init__(parent)
        self._runner = runner
        self._calls: deque[_Call] = deque()
        self._calling = False
        self._queue: TransferQueue | None = None

    @property
    def busy(self) -> bool:
        """Whether a call is running or waits."""
        return self._calling or bool(self._calls)

    def put(
        self,
        fn: Callable[[TransferQueue], T],
        then: Callable[[T], object] | None = None,
        failed: Callable[[StorageError], object] | None = None,
    ) -> None:
        """Call `fn` with the stored queue.

        Args:
            fn: the call; it runs in a worker thread.
            then: gets the result.
            failed: gets the error, in addition to the signal.
        """
        self._calls.append(_Call(fn, then, failed))
        self._next()

    def _next(self) -> None:
        # One at a time: several worker threads would run the calls in any order.
        if self._calling or not self._calls:
            return
        self._calling = True
        call = self._calls.popleft()
        self._runner.run(
            "Update the queue of transfers",
            partial(self._run, call),
            owner=self,
            then=partial(self._on_done, call),
            failed=partial(self._on_failed, call),
            quiet=True,
        )

    def _run(self, call: _Call, _work: Work) -> Any:
        if self._queue is None:  # it opens the database
            self._queue = TransferQueue()
            self._queue.adopt_interrupted()
        return call.fn(self._queue)

    def _on_done(self, call: _Call, result: Any) -> None:
        self._calling = False
        if call.then is not None:
            call.then(result)
        self._go_on()

    def _on_failed(self, call: _Call, error: StorageError) -> None:
        self._calling = False
        if call.failed is not None:
            call.failed(error)
        self.failed.emit(error)
        self._go_on()

    def _go_on(self) -> None:
        self._next()
        if not self.busy:
            self.idle.emit()
