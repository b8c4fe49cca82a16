"""`Tab`, the base class of all tabs: banner, tasks, and the calls from the window."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, Unpack

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QWidget

from core.aws.attempts import FAILING
from core.engine.changes import OperationCall
from core.engine.command_line import command_line
from core.errors import ErrorKind, InvalidInput, StorageError
from core.model.change import Change
from core.model.connection import Connection
from core.work import Work
from core.workspace import Workspace
from gui.context import Context
from gui.models.names import NameSource
from gui.shortcuts import explain
from gui.tabs.own_workspace import only_in
from gui.tasks import Task, TaskOptions
from gui.widgets.banner import Banner

if TYPE_CHECKING:
    from core.transfer.values import Failure

T = TypeVar("T")
P = TypeVar("P")

_ENDED = frozenset({"done", "failed", "cancelled"})


class Tab(QWidget):
    """One tab. It loads when it is first shown, and again when the workspace changes.

    Signals:
        settled: no task of this tab is running any more.
    """

    settled = Signal()
    #: The name of the tab in the log of changes, by which it knows its own changes.
    origin = ""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = context
        self.banner = Banner(self)
        self._running: list[Task] = []
        self._pending = True
        #: Whether a request of the content on the screen has failed because of the server or the
        #: keys, and whether the content is reloaded for this reason when the tab is shown.
        self._interrupted = self._reload_due = False
        #: The task that failed last, and the number of the banner's message about it.
        self._failure = ("", 0)
        context.workspace_changed.connect(self._on_workspace)
        context.changed.connect(self._on_change)

    @property
    def busy(self) -> bool:
        """Whether a task of this tab is running."""
        return any(task.state not in _ENDED for task in self._running)

    def run(
        self,
        name: str,
        fn: Callable[[Work], T],
        then: Callable[[T], object] | None = None,
        *,
        call: OperationCall | None = None,
        **options: Unpack[TaskOptions],
    ) -> Task:
        """Run `fn` in a worker thread; by default, the banner shows its error.

        All callbacks but `cancelled` are dropped once another workspace is in force.

        Args:
            name: what it does, for the list of tasks.
            fn: the work; it must not use Qt.
            then: gets the result.
            call: the operation that `fn` is (see `call`): its changes are announced before `then`.
            options: see `TaskOptions`; `failed` gets the error instead of the banner.
        """
        workspace = self.context.workspace

        def if_current(call: Callable[[P], object] | None) -> Callable[[P], object] | None:
            def guarded(value: P) -> None:
                if call is not None and self.context.workspace is workspace:
                    call(value)

            return guarded if call is not None else None

        again = partial(self.run, name, fn, then, call=call, **options)
        done, failed = self._replacing_failure(name, again, then, options)
        guarded_options: TaskOptions = {
            **options,
            "failed": if_current(failed),
            "progress": if_current(options.get("progress")),
            "batch": if_current(options.get("batch")),
            "stopped": if_current(options.get("stopped")),
        }
        task = self.context.runner.run(
            name, fn, owner=self, then=if_current(done), call=call, **guarded_options
        )
        return self._track(task)

    def bulk(  # noqa: PLR0913 - one order; all but the first four by name
        self,
        name: str,
        operation: str,
        arguments: dict[str, Any],
        then: Callable[[T], object] | None = None,
        *,
        source: str = "",
        target: str = "",
        command: str = "",
        connection: Connection | None = None,
        here: bool = False,
        **options: Unpack[TaskOptions],
    ) -> Task:
        """Run an operation in the engine process; by default, the banner shows its error.

        Args:
            name: what it does, for the list of tasks.
            operation: its name in `core.engine.operations`.
            arguments: its arguments, as plain data.
            then: gets the result, whose type it states: an operation is named by a text.
            source: where the data comes from, for the list of tasks.
            target: where the data goes, for the list of tasks.
            command: the equivalent command line.
            connection: that of the operation; by default the one in force.
            here: whether the result concerns what this tab shows. All callbacks but `cancelled` are
                then dropped once another workspace is in force, since rows, an undo or a retry
                would be those of another bucket; the banner shows where a change has ended.
            options: see `TaskOptions`; `failed` gets the error instead of the banner.

        Raises:
            InvalidInput: there is no connection.
        """
        texts = {"source": source, "target": target, "command": command}
        workspace, used = self.context.workspace, connection or self._connection()

        def again() -> Task:
            # With new keys if there are any, but never in another bucket.
            place = connection if self.context.workspace is workspace else used
            return self.bulk(
                name, operation, arguments, then, connection=place, here=here, **texts, **options
            )

        done, failed = self._replacing_failure(name, again, then, options)
        complete: TaskOptions = {**options, "failed": failed}
        if here:
            done, complete = only_in(self.context, self.banner, (name, operation), done, complete)
        task = self.context.runner.run_bulk(
            name, operation, arguments, connection=used, owner=self,
            then=done, origin=self.origin, **texts, **complete,
        )  # fmt: skip
        return self._track(task)

    def call(self, operation: str, *, origin: str = "", **arguments: object) -> OperationCall:
        """Return the call of an operation by this tab with the profile in force, for `run`.

        Args:
            operation: its name in `core.engine.operations`.
            origin: the view that is named in the log of changes; by default this tab.
            arguments: those of its function by which its changes are described.
        """
        return self.context.call(operation, origin or self.origin, **arguments)

    def command(
        self,
        operation: str,
        *arguments: str,
        options: Mapping[str, str | bool | Sequence[str]] | None = None,
    ) -> str:
        """Return the command line of an operation with the current profile."""
        workspace = self.context.workspace
        profile = workspace.profile if workspace else None
        return command_line(operation, *arguments, profile=profile, options=options)

    def show_error(self, error: StorageError, retry: Callable[[], object] | None = None) -> None:
        """Show an error in the banner unless the window already shows it."""
        # Not by the banner: its button hides it, and it stays hidden during an outage.
        self._interrupted = self._interrupted or error.kind in FAILING
        if error.summary == self.context.outage:
            return
        if error.kind is ErrorKind.CREDENTIALS_EXPIRED:
            self.banner.show_error(error, *self.context.renewal())
        elif error.kind is ErrorKind.READ_ONLY:
            self.banner.show_error(error, self.context.unlock_wanted.emit, "Unlock…")
        else:
            self.banner.show_error(error, retry)

    def note_failures(self, failures: Sequence[Failure]) -> None:
        """Show a server failure that ended a transfer in the connection indicator."""
        found = next((each for each in failures if each.kind in FAILING), None)
        if found is not None:
            error = StorageError(found.summary, cause=found.cause, kind=found.kind)
            # Later, since the reporting task counts as an answer when it ends.
            QTimer.singleShot(0, self, partial(self.context.connection_state.set_failed, error))

    @property
    def loaded(self) -> bool:
        """Whether it shows the current workspace; a hidden tab loads when it is shown again."""
        return not self._pending

    def ensure_loaded(self) -> None:
        """Load the content of the current workspace unless it is loaded."""
        if self._pending:
            self._pending = False
            self._do_workspace(self.context.workspace)

    def refresh(self) -> None:
        """Reload the content (F5)."""
        self._interrupted = self._reload_due = False
        if self._pending:
            self.ensure_loaded()
        else:
            self._do_refresh()

    def try_again(self) -> None:
        """Reload if a failure is shown, since its cause may have been fixed.

        A hidden tab is reloaded when it is shown.
        """
        if not (self._interrupted or (self.isVisible() and self.banner.failed)):
            return
        self.banner.clear()
        self._reload_due = True
        if self.isVisible():
            self.refresh()

    def choose_profile(self) -> None:
        """Open the profiles, since there is no connection yet."""
        self.context.go("credentials")

    def focus_filter(self) -> None:
        """Focus the tab's filter (Ctrl+F)."""
        self._do_filter()

    def perform(self, _action_id: str) -> bool:
        """Run the tab's implementation of an action; return whether there is one."""
        return False

    def searchable(self) -> Sequence[NameSource]:
        """Return the names in this tab for the search (Ctrl+K); their targets are for this tab."""
        return ()

    def open_target(self, target: object) -> None:
        """Show a target sent by another view; the tab is already loaded."""

    def showEvent(self, event: QShowEvent) -> None:
        """Load when the tab is first shown."""
        super().showEvent(event)
        self.ensure_loaded()
        if self._reload_due:
            self.refresh()

    def _do_workspace(self, workspace: Workspace | None) -> None:
        """Clear the tab and load the content of another workspace (or none)."""

    def _do_change(self, change: Change) -> None:
        """Handle a change, possibly made by another view."""

    def _do_refresh(self) -> None:
        """Reload the content."""

    def _do_filter(self) -> None:
        """Focus the filter; tabs without one show a message."""
        explain(self, "There is nothing to filter in this tab.")

    def _on_workspace(self, _workspace: object) -> None:
        self._pending = True
        self._interrupted = self._reload_due = False
        self.banner.clear()
        if self.isVisible():
            self.ensure_loaded()

    def _on_change(self, change: Change) -> None:
        if not self._pending:
            self._do_change(change)

    def _replacing_failure(
        self,
        name: str,
        again: Callable[[], object],
        then: Callable[[T], object] | None,
        options: TaskOptions,
    ) -> tuple[Callable[[T], None], Callable[[StorageError], None]]:
        """Return what a task calls with its result or error, and hide the message of its last failure.

        Otherwise the error stays although the user has repeated the action with another control
        than *Retry*. One that is read again in the background is hidden after its success only.
        """
        task = options.get("latest") or name
        report = options.get("failed") or self._failed(again)

        def done(result: T) -> None:
            self._hide_failure(task)
            if then is not None:
                then(result)

        def failed(error: StorageError) -> None:
            before = self.banner.message
            report(error)
            if self.banner.message != before:
                self._failure = (task, self.banner.message)

        if not options.get("quiet"):
            self._hide_failure(task)
        return done, failed

    def _hide_failure(self, task: str) -> None:
        """Hide the message about the last failure of a task, unless it was replaced or closed."""
        if self._failure == (task, self.banner.message):
            self.banner.clear()

    def _failed(self, again: Callable[[], object]) -> Callable[[StorageError], None]:
        def show(error: StorageError) -> None:
            self.show_error(error, again if error.retryable else None)

        return show

    def _connection(self) -> Connection:
        if self.context.workspace is None:
            raise InvalidInput("There is no connection.", remedy="Select a profile.")
        return self.context.workspace.connection

    def _track(self, task: Task) -> Task:
        self._running = [other for other in self._running if other.state not in _ENDED]
        self._running.append(task)
        task.changed.connect(self._on_task)
        return task

    def _on_task(self) -> None:
        if not self.busy:  # its `then` may start another task, so check again afterwards
            QTimer.singleShot(0, self, self._emit_settled)

    def _emit_settled(self) -> None:
        if not self.busy:
            self._running = []
            self.settled.emit()
            # After the view has been laid out again.
            QTimer.singleShot(0, self, self.banner.keep_clear)
