"""Connects a profile: keys, clients, identity, and properties of the bucket."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from core.aws.sign_in import may_need_mfa, signed_in
from core.errors import ErrorKind, NotSupported, StorageError
from core.local.connections import Connections
from core.local.profiles import DEMO_NAME
from core.model.connection import Connection, KeySource
from core.model.identity import Identity
from core.units import utc_now
from core.work import Work
from core.workspace import Workspace
from gui.context import Context
from gui.context.connection_state import FRESH
from gui.dialogs.mfa import MfaPrompter
from gui.tasks import Task

if TYPE_CHECKING:
    from core.aws.buckets import BucketBrief
    from core.demo import DemoServer

T = TypeVar("T")

#: Errors that a new session of the same profile may fix.
_SESSION_ERRORS = frozenset(
    {ErrorKind.CREDENTIALS_MISSING, ErrorKind.CREDENTIALS_EXPIRED, ErrorKind.CREDENTIALS_INVALID}
)


#: Seconds without a request after which the connection is checked.
_PROBE_MS = int(FRESH.total_seconds() * 1000)
#: Seconds without progress after which an operation of the engine may be waiting for the server.
_STUCK = timedelta(seconds=5)


class Connector(QObject):
    """Connects in worker threads; the newest request wins.

    While the program is used without requests to the server, one cheap request a minute
    (GetBucketVersioning) checks the connection; none while the keys are refused.

    Signals:
        connecting: connecting to the profile of that name has started.
        connected: the workspace is ready; no request was sent to AWS yet.
        failed: connecting failed with a `StorageError`, or the keys were refused.
        bucket_described: a `BucketBrief` of the current bucket.
    """

    connecting = Signal(str)
    connected = Signal()
    failed = Signal(object)
    bucket_described = Signal(object)

    def __init__(self, context: Context, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._demo: DemoServer | None = None
        # The name of the last request, which `again` repeats after a failure.
        self._requested = ""
        #: The task of the last request, if it takes time, and the number of the last request.
        self._task: Task | None = None
        self._request = 0
        self.mfa_prompter = MfaPrompter(self)
        self._idle = QTimer(self)
        self._idle.setInterval(_PROBE_MS)
        self._idle.timeout.connect(self.probe_when_idle)
        self._stuck = QTimer(self)
        self._stuck.setSingleShot(True)
        self._stuck.setInterval(int(_STUCK.total_seconds() * 1000))
        self._stuck.timeout.connect(self.probe_when_stuck)
        context.runner.task_started.connect(self._watch_bulk)
        context.profile_wanted.connect(self.open_profile)
        context.bucket_wanted.connect(self.open_bucket)
        context.renewal_wanted.connect(self.refresh)
        context.retry_wanted.connect(self.retry)
        context.workspace_changed.connect(self._on_workspace)

    def open_profile(self, name: str) -> None:
        """Connect with a stored profile or the demo profile."""
        self._begin(name)
        if name == DEMO_NAME:
            self._open_demo()
            return
        connections = self._context.connections
        self._connect(name, lambda: connections.connect(name))

    def open_bucket(self, bucket: str) -> None:
        """Open another bucket with the current keys."""
        workspace = self._context.workspace
        if workspace is not None and bucket and bucket != workspace.profile.bucket:
            profile = replace(workspace.profile, bucket=bucket)
            self._begin(profile.name)
            self._on_opened(Workspace.open(replace(workspace.connection, profile=profile)))

    def open_connection(self, connection: Connection) -> None:
        """Use an existing connection."""
        self._begin(connection.profile.name)
        # The code is requested in a worker thread, because signing in sends requests.
        if may_need_mfa(connection.profile):
            self._connect(connection.profile.name, lambda: connection)
        else:
            self._on_opened(Workspace.open(connection))

    def again(self) -> None:
        """Repeat the last request to connect."""
        if self._requested:
            self.open_profile(self._requested)

    def refresh(self) -> None:
        """Start a new session of the current profile; views and running tasks stay."""
        workspace = self._context.workspace
        if workspace is None:
            self.again()
            return
        connections, prompter = self._context.connections, self.mfa_prompter
        self._context.runner.run(
            "Refresh the session",
            lambda work: _renewed(workspace, connections, prompter, work),
            owner=self,
            then=lambda identity: self._on_renewed(workspace, identity),
            failed=self._on_request_failed,
            latest="connect",
            quiet=True,
        )

    def retry(self) -> None:
        """Check again whether the server answers; if the keys were refused, with a new session."""
        workspace, state = self._context.workspace, self._context.connection_state
        if workspace is None:
            self.again()
        elif state.refused:
            self.refresh()
        else:
            self._load_brief(workspace, self._on_request_failed)

    def probe_when_idle(self) -> None:
        """Check the connection if the server has not answered in the last minute."""
        workspace, state = self._context.workspace, self._context.connection_state
        last = state.last_answer
        # Half of the interval, so that an answer is never older than the interval.
        fresh = last is not None and utc_now() - last < FRESH / 2
        used = QGuiApplication.applicationState() == Qt.ApplicationState.ApplicationActive
        if workspace is not None and used and not (fresh or state.waiting or state.refused):
            self._load_brief(workspace, lambda _error: None)  # the indicator shows the failure

    def probe_when_stuck(self) -> None:
        """Check the connection while an operation of the engine makes no progress."""
        workspace, state = self._context.workspace, self._context.connection_state
        last = state.last_answer
        fresh = last is not None and utc_now() - last < _STUCK
        if workspace is not None and not (fresh or state.waiting or state.refused):
            self._load_brief(workspace, lambda _error: None)  # the indicator shows the failure
        self._watch_bulk()  # the timer is single-shot: check again while bulk tasks run

    def _watch_bulk(self, *_task: object) -> None:
        if self._context.runner.bulk_running and not self._stuck.isActive():
            self._stuck.start()

    def recovery(self, error: StorageError) -> tuple[Callable[[], object], str]:
        """Return the function and label of the button of a failure: a new session, or a retry."""
        workspace = self._context.workspace
        present = workspace is not None and workspace.profile.name == self._requested
        ended = error.kind in _SESSION_ERRORS
        if present and error.kind is ErrorKind.CREDENTIALS_EXPIRED:
            return self._context.renewal()
        return (self.refresh if present and ended else self.again), "Refresh" if ended else "Retry"

    def stop(self) -> None:
        """Stop the demo server if it is running."""
        if self._demo is not None:
            self._demo.stop()
            self._demo = None

    def _connect(self, name: str, made: Callable[[], Connection]) -> None:
        prompter = self.mfa_prompter
        self._task = self._context.runner.run(
            f"Connect {name}",
            lambda work: _opened(made(), prompter, work),
            owner=self,
            then=self._if_last(self._on_opened),
            failed=self._if_last(self._on_failed),
            latest="connect",
            quiet=True,
        )

    def _on_renewed(self, workspace: Workspace, identity: Identity | None) -> None:
        if workspace is self._context.workspace:
            self._context.set_identity(identity)
            self.connected.emit()

    def _begin(self, name: str) -> None:
        """Begin a request to connect; a former one that takes longer is dropped."""
        if self._task is not None and self._task.running:
            self._task.cancel()
        self._requested, self._task, self._request = name, None, self._request + 1
        self._context.connection_state.set_opening(name)
        self.connecting.emit(name)

    def _if_last(self, call: Callable[[T], object]) -> Callable[[T], None]:
        """Return a callback of the present request that does nothing after a later request."""
        number = self._request

        def guarded(value: T) -> None:
            if number == self._request:
                call(value)

        return guarded

    def _open_demo(self) -> None:
        known = self._demo if self._demo is not None and self._demo.running else None
        self._task = self._context.runner.run(
            "Start the demo server",
            lambda work: known or _started(work),
            owner=self,
            then=partial(self._on_demo, self._if_last(self._open_demo_server)),
            failed=self._if_last(self._on_failed),
            latest="connect",
            quiet=True,
        )

    def _on_demo(self, then: Callable[[DemoServer], None], demo: DemoServer) -> None:
        self._demo = demo  # also after a later request, so that it is stopped with the window
        then(demo)

    def _open_demo_server(self, demo: DemoServer) -> None:
        self._context.demo_database = demo.database_path
        self._on_opened(Workspace.open(demo.connection))

    def _on_opened(self, workspace: Workspace) -> None:
        self._context.set_workspace(workspace)
        # The demo is not a stored profile and is remembered by another setting.
        if workspace.profile.name != DEMO_NAME:
            self._store_current(workspace.profile.name)
        self.connected.emit()
        # After the workspace is set: views load at once and need not wait for the identity.
        self._identify(workspace)
        self._load_brief(workspace, self._on_request_failed)

    def _store_current(self, name: str) -> None:
        """Store which profile the next start uses; the connection does not depend on it."""
        profiles = self._context.connections.profiles
        self._context.runner.run(
            "Store which profile is used",
            lambda _work: profiles.set_current(name),
            owner=self,
            failed=self._context.trouble.emit,
            latest="connect/current",
            quiet=True,
        )

    def _load_brief(self, workspace: Workspace, failed: Callable[[StorageError], object]) -> None:
        clients, bucket = workspace.clients, workspace.profile.bucket

        def load(work: Work) -> BucketBrief:
            from core.aws.buckets import bucket_brief

            return bucket_brief(clients, bucket, work=work)

        self._context.runner.run(
            "Load the properties of the bucket",
            load,
            owner=self,
            then=self._on_brief,
            failed=failed,
            latest="brief",
            quiet=True,
        )

    def _on_brief(self, found: BucketBrief) -> None:
        """Handle an answer; after an outage the views load again what failed."""
        workspace = self._context.workspace
        self.bucket_described.emit(found)
        # The first answer after an outage: views show errors of requests that would now succeed.
        if self._context.outage:
            self.connected.emit()
        if workspace is not None and self._context.identity is None:
            self._identify(workspace)

    def _on_workspace(self, workspace: Workspace | None) -> None:
        self._idle.stop() if workspace is None else self._idle.start()

    def _identify(self, workspace: Workspace) -> None:
        self._context.runner.run(
            "Identify the owner of the keys",
            lambda work: _identity_of(workspace, work),
            owner=self,
            then=partial(self._on_identity, workspace),
            failed=self._on_request_failed,
            latest="identity",
            quiet=True,
        )

    def _on_identity(self, workspace: Workspace, identity: Identity | None) -> None:
        if workspace is self._context.workspace:
            self._context.set_identity(identity)

    def _on_failed(self, error: StorageError) -> None:
        self._context.connection_state.set_not_opened(error)
        self.failed.emit(error)

    def _on_request_failed(self, error: StorageError) -> None:
        self._context.connection_state.set_failed(error)
        self.failed.emit(error)


def _opened(connection: Connection, prompter: MfaPrompter, work: Work) -> Workspace:
    work.check()
    ready = signed_in(connection, lambda question: prompter.ask(question, work), work=work)
    work.check()
    return Workspace.open(ready)


def _identity_of(workspace: Workspace, work: Work) -> Identity | None:
    """Return the identity, or None on a server with S3 only, which has no STS."""
    try:
        return workspace.identity(work=work)
    except NotSupported:
        return None


def _renewed(
    workspace: Workspace, connections: Connections, prompter: MfaPrompter, work: Work
) -> Identity | None:
    """Test the new session before the old one is closed."""
    # Keys may have been rotated since the program started.
    connection = _with_current_keys(workspace.connection, connections)
    trial = _opened(connection, prompter, work)
    try:
        _identity_of(trial, work)
        work.check()
        workspace.clients.renew(trial.connection)
    finally:
        trial.close()
    return _identity_of(workspace, work)


def _with_current_keys(connection: Connection, connections: Connections) -> Connection:
    """Read the keys from their source again; keys that only this program knows are reused."""
    profile = connection.profile
    if profile.source is KeySource.KEYRING:
        return connections.with_keys(profile)
    return connection if profile.source is KeySource.SESSION else Connection(profile)


def _started(work: Work) -> DemoServer:
    from core.demo import DemoServer

    return DemoServer.start(work=work)
