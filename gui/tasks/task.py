"""A task as the window sees it; it belongs to the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypedDict

from PySide6.QtCore import QObject, Signal

from core.engine.changes import OperationCall
from core.errors import StorageError
from core.limits import TransferLimits
from core.units import utc_now
from core.work import CancelToken, Progress, Standstill, Work
from gui.tasks.outcome import Outcome
from gui.tasks.rates import Pace


class TaskOptions(TypedDict, total=False):
    """Options of every task, by keyword.

    Attributes:
        failed: gets the error.
        progress: gets progress reports, at most ten a second.
        batch: gets partial results, which `work` carries untyped.
        cancelled: called after a cancel by the user; not if a newer task replaced this one.
        stopped: the same, but gets the result until then (`StorageError.partial`), or None if it is
            not known.
        prepare: makes of the result what `then` and `stopped` get, in the worker thread: what takes
            long for 200,000 objects.
        latest: starting another task of this name cancels this one and drops its result.
        quiet: whether the task is omitted from the activity drawer.
        limits: the limits of its transfers, which may be changed while it runs.
        resumable: whether a later run continues it, so that the end of the program pauses it.
    """

    failed: Callable[[StorageError], object] | None
    progress: Callable[[Progress], object] | None
    batch: Callable[[Any], object] | None
    cancelled: Callable[[], object] | None
    stopped: Callable[[Any], object] | None
    prepare: Callable[[Any], Any] | None
    latest: str | None
    quiet: bool
    limits: TransferLimits | None
    resumable: bool


@dataclass(frozen=True, slots=True)
class Order:
    """A request for a task, with everything needed to run it again."""

    name: str
    fn: Callable[[Work], Any]
    owner: QObject
    then: Callable[[Any], object] | None = None
    failed: Callable[[StorageError], object] | None = None
    progress: Callable[[Progress], object] | None = None
    batch: Callable[[Any], object] | None = None
    latest: str | None = None
    quiet: bool = False
    bulk: bool = False
    source: str = ""
    target: str = ""
    command: str = ""
    cancelled: Callable[[], object] | None = None
    stopped: Callable[[Any], object] | None = None
    prepare: Callable[[Any], Any] | None = None
    call: OperationCall | None = None
    limits: TransferLimits | None = None
    resumable: bool = False
    token: CancelToken = field(default_factory=CancelToken)

    def outcome(self) -> Outcome:
        """Return what will be the result of one run."""
        return Outcome(self.fn, self.call, self.prepare)


class Task(QObject):
    """A running or finished task: its state, progress, error and times.

    `state` is one of `running done failed cancelled`. `quiet` tasks are not listed in the drawer.

    Signals:
        changed: state or progress changed.
    """

    changed = Signal()

    def __init__(self, order: Order, restart: Callable[[Order], Task], parent: QObject) -> None:
        super().__init__(parent)
        self._order = order
        self._restart = restart
        self.outcome = order.outcome()
        self.state = "running"
        self.progress: Progress | None = None
        #: The only measurement of its speed, so that all displays of it agree.
        self.pace = Pace()
        #: How long there was no progress.
        self.still = Standstill()
        self.error: StorageError | None = None
        self.started: datetime = utc_now()
        self.finished: datetime | None = None
        self.superseded = False
        #: Action and subject of the changes that were announced.
        self.announced: set[tuple[str, str]] = set()

    @property
    def name(self) -> str:
        """The title of the task."""
        return self._order.name

    @property
    def source(self) -> str:
        """The source of the data, or an empty text."""
        return self._order.source

    @property
    def target(self) -> str:
        """The target of the data, or an empty text."""
        return self._order.target

    @property
    def command(self) -> str:
        """The equivalent command line, or an empty text."""
        return self._order.command

    @property
    def quiet(self) -> bool:
        """Whether the task is not listed in the drawer."""
        return self._order.quiet

    @property
    def bulk(self) -> bool:
        """Whether the task runs in the engine process."""
        return self._order.bulk

    @property
    def order(self) -> Order:
        """The request."""
        return self._order

    @property
    def running(self) -> bool:
        """Whether the task is running."""
        return self.state == "running"

    def cancel(self) -> None:
        """Cancel the task; it ends within 2 seconds."""
        self._order.token.cancel()

    def pause(self) -> None:
        """Cancel the task so that another run can continue it (see `CancelToken.paused`)."""
        self._order.token.pause()

    def retry(self) -> Task | None:
        """Run the request again as a new task; None while this one runs or after a success."""
        # A running task is not doubled, and a successful one has nothing to repeat.
        return self._restart(self._order) if self.state in {"failed", "cancelled"} else None

    def set_progress(self, progress: Progress) -> None:
        """Set the progress; called by the runner."""
        self.progress = progress
        self.pace.take(progress)
        self.still.take(progress)
        self.changed.emit()

    def end(self, state: str, error: StorageError | None = None) -> None:
        """Set the final state; called by the runner."""
        self.state, self.error, self.finished = state, error, utc_now()
        self.changed.emit()
