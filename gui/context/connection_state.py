"""The state of the connection, derived from the result of every request."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from core.aws.attempts import FAILING, Attempt, endpoint_of
from core.errors import DATABASE_SERVER_ERRORS, ErrorKind, StorageError
from core.units import format_age, format_duration, utc_now
from core.workspace import Workspace
from gui.tasks import Task, TaskRunner

#: Seconds for which an answer counts as proof of the connection.
FRESH = timedelta(minutes=1)
#: Seconds after which a request without an answer is shown.
PATIENCE = timedelta(seconds=2)
#: Seconds after which a request is considered cancelled, since it ended without a report.
_FORGOTTEN = timedelta(seconds=130)
#: Milliseconds for which answers are collected before the window is updated.
_DELAY_MS = 100
_REFUSED = frozenset(
    {
        ErrorKind.CREDENTIALS_MISSING,
        ErrorKind.CREDENTIALS_EXPIRED,
        ErrorKind.CREDENTIALS_INVALID,
        ErrorKind.CLOCK_SKEW,
    }
)
_FAILURES = {
    ErrorKind.NOT_S3: "{host} does not answer as an S3 server",
    ErrorKind.SERVICE: "{host} answers with errors",
    ErrorKind.CREDENTIALS_MISSING: "no keys for {host}",
    ErrorKind.CREDENTIALS_EXPIRED: "{host}: the keys have expired",
    ErrorKind.CREDENTIALS_INVALID: "{host} refuses the keys",
    ErrorKind.CLOCK_SKEW: "{host} refuses this computer's clock",
}
_SILENT = "{host} does not answer"


@dataclass(frozen=True, slots=True)
class Shown:
    """What the indicator shows.

    Attributes:
        tone: `good`, `warning`, `danger`, or `muted` while there is no connection.
        text: the state as text.
        cause: why, for the tooltip; empty if there is nothing to add.
        retry: whether trying again makes sense.
    """

    tone: str
    text: str
    cause: str = ""
    retry: bool = False


@dataclass(slots=True)
class _Host:
    """The last attempts and answers of one endpoint."""

    answered: datetime | None = None
    #: The kind of the last failed attempt, if none was answered since.
    retrying: ErrorKind | None = None
    #: The failure that a call ended with, if none was answered since.
    failed: ErrorKind | None = None
    cause: str = ""


class ConnectionState(QObject):
    """Follows all requests of the current connection; those of the engine by its progress.

    Any answer counts, even a denial: the server is reachable and knows the keys. A failed call
    counts as a failure until the same endpoint answers; refused keys until it answers a request
    for which it checks the keys.

    Signals:
        changed: what the indicator shows may have changed.
    """

    changed = Signal()
    _reported = Signal(int, object, object)

    def __init__(self, runner: TaskRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._round = 0
        self._hosts: dict[str, _Host] = {}
        self._sent: dict[int, tuple[str, datetime]] = {}  # by thread
        self._connected, self._main_host = False, ""
        self._since = utc_now()
        self._opening = ""
        self._no_connection: StorageError | None = None
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(_DELAY_MS)
        self._delay.timeout.connect(self.changed)
        self._reported.connect(self._on_reported, Qt.ConnectionType.QueuedConnection)
        runner.task_finished.connect(self._on_task)
        runner.task_changed.connect(self._on_progress)

    def follow(self, workspace: Workspace | None) -> None:
        """Follow another connection from now on, or none."""
        self._round += 1
        self._since = utc_now()
        self._hosts.clear()
        self._sent.clear()
        self._connected = workspace is not None
        self._main_host, self._opening, self._no_connection = "", "", None
        if workspace is not None:
            clients = workspace.clients
            self._main_host = endpoint_of(clients.endpoint_url or "") or "AWS"
            clients.watch(self.watcher())
        self.changed.emit()

    def watcher(self) -> Callable[[Attempt], None]:
        """Return the observer to which other clients of the current connection report requests."""
        return partial(self._report, self._round)

    def set_opening(self, name: str) -> None:
        """Show that a profile is being opened; no request was sent yet."""
        self._opening, self._no_connection = name, None
        self.changed.emit()

    def set_not_opened(self, error: StorageError) -> None:
        """Show that a connection could not be opened; a former connection stays."""
        self._opening = ""
        if not self._connected:
            self._no_connection = error
        self.changed.emit()

    def set_failed(self, error: StorageError) -> None:
        """Show a failure of the current connection, even if no request could be sent."""
        if self._connected and error.kind in FAILING:
            self._fail(error)
            self.changed.emit()

    @property
    def last_answer(self) -> datetime | None:
        """The time of the last answer from any endpoint of the server."""
        return max((h.answered for h in self._hosts.values() if h.answered), default=None)

    @property
    def refused(self) -> bool:
        """Whether the keys are refused, so that automatic retries have no effect."""
        return any(host.failed in _REFUSED for host in self._hosts.values())

    @property
    def waiting(self) -> bool:
        """Whether a request is waiting for its answer."""
        return bool(self._sent)

    def shown(self, now: datetime | None = None) -> Shown:
        """Return what the indicator shows at a given time."""
        now = now or utc_now()
        if not self._connected:
            return self._without_connection()
        for name, host in self._hosts.items():
            if host.failed is not None:
                text = _FAILURES.get(host.failed, _SILENT).format(host=name)
                return Shown("danger", text, host.cause, retry=True)
        return self._waiting_for(now) or self._answered(now)

    def _without_connection(self) -> Shown:
        if self._opening:
            return Shown("warning", f"connecting to {self._opening}…")
        if self._no_connection is not None:
            return Shown("danger", "not connected", str(self._no_connection), retry=True)
        return Shown("muted", "not connected")

    def _waiting_for(self, now: datetime) -> Shown | None:
        for name, host in self._hosts.items():
            if host.retrying is not None:
                return Shown("warning", f"no answer from {name}, trying again", retry=True)
        oldest = min(self._sent.values(), key=lambda each: each[1], default=None)
        if oldest is not None and PATIENCE < now - oldest[1] < _FORGOTTEN:
            passed = format_duration(int((now - oldest[1]).total_seconds()) or 1)
            return Shown("warning", f"waiting for {oldest[0]} ({passed.replace('.0', '')})")
        return None

    def _answered(self, now: datetime) -> Shown:
        last = self.last_answer
        if last is None:
            return Shown("warning", f"connecting to {self._main_host}…")
        names = ", ".join(name for name, host in self._hosts.items() if host.answered)
        if now - last > FRESH:
            return Shown("warning", f"last answer {format_age(last, now)}", names, retry=True)
        return Shown("good", "connected", f"{names} answered {format_age(last, now)}.")

    def _report(self, number: int, attempt: Attempt) -> None:
        """Receive a report in the thread of the request."""
        self._reported.emit(number, attempt, threading.get_ident())

    def _on_reported(self, number: int, attempt: Attempt, thread: int) -> None:
        if number != self._round:  # a late report about a former connection
            return
        if not attempt.over:
            self._sent[thread] = (attempt.endpoint, utc_now())
        else:
            self._sent.pop(thread, None)
            self._record(attempt)
        # A timer that is already running is not restarted: in a stream of answers it would never
        # fire.
        if not self._delay.isActive():
            self._delay.start()

    def _record(self, attempt: Attempt) -> None:
        host = self._hosts.setdefault(attempt.endpoint, _Host())
        if attempt.failed is None:
            host.answered, host.retrying = utc_now(), None
            if attempt.keys_accepted or host.failed not in _REFUSED:
                host.failed, host.cause = None, ""
        elif attempt.failed in _REFUSED:
            # Refused keys are final, so this needs no failed call; other failures are tried again
            # first.
            host.failed = attempt.failed
        else:
            host.retrying = attempt.failed

    def _on_task(self, task: Task) -> None:
        """Count a call that ended with a server failure, regardless of attempts in the meantime."""
        if not self._runner.busy:  # requests without a report were cancelled
            self._sent.clear()
        engine = task.bulk and task.started >= self._since
        if isinstance(task.error, DATABASE_SERVER_ERRORS):
            pass  # says nothing about the connection to AWS
        elif task.error is not None and task.error.kind in FAILING:
            self._fail(task.error, engine=engine)
        elif engine and task.state == "done":
            self._record(Attempt(self._main_host, over=True))
        self.changed.emit()

    def _on_progress(self, task: Task) -> None:
        """Count progress of the engine as answers."""
        moved = task.progress is not None and task.progress.done
        if task.bulk and moved and task.started >= self._since:
            self._record(Attempt(self._main_host, over=True))

    def _fail(self, error: StorageError, *, engine: bool = True) -> None:
        """Turn failed attempts into a failure; errors of other connections are ignored."""
        hosts = [host for host in self._hosts.values() if host.retrying or host.failed]
        if not hosts and engine:
            hosts = [self._hosts.setdefault(self._main_host, _Host())]
        for host in hosts:
            # The first failure is the cause; later ones often follow from it.
            host.failed = host.failed or error.kind
            host.cause = str(error)
            host.retrying = None
