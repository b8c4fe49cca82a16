"""`Context`: the one thing that views share. It is passed in constructors; there are no globals."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from core.errors import LocalIOError
from core.local.activity import ChangeLog
from core.local.connections import Connections
from core.local.settings import Settings
from core.model.change import Change
from core.model.connection import Connection, Identity
from core.units import utc_now
from core.workspace import Workspace
from gui import theme
from gui.context.connection_state import ConnectionState
from gui.tasks import TaskRunner

_log = logging.getLogger(__name__)


class Context(QObject):
    """The present connection and what all views need around it.

    Signals:
        workspace_changed: another workspace (or None) is in force.
        identity_changed: an `Identity`, None while it is unknown.
        changed: a `Change` was made, by whichever view.
        read_only_changed: writing was locked or unlocked.
        navigate: a tab's id and a target: the frame goes there.
        profile_wanted: the name of a profile that somebody asks to switch to.
        bucket_wanted: the name of a bucket that shall be opened with the present keys.
        renewal_wanted: a fresh session of the present profile is wanted.
        retry_wanted: the server shall be asked again whether it answers.
        unlock_wanted: somebody asks to unlock writing; the frame asks the question.
        trouble: a `StorageError` that belongs to no view.
    """

    workspace_changed = Signal(object)
    identity_changed = Signal(object)
    changed = Signal(object)
    read_only_changed = Signal(bool)
    navigate = Signal(str, object)
    profile_wanted = Signal(str)
    bucket_wanted = Signal(str)
    renewal_wanted = Signal()
    retry_wanted = Signal()
    unlock_wanted = Signal()
    trouble = Signal(object)

    def __init__(
        self,
        runner: TaskRunner,
        *,
        settings: Settings | None = None,
        log: ChangeLog | None = None,
        connections: Connections | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.runner = runner
        self.connection_state = ConnectionState(runner, self)
        self.settings = settings or Settings()
        self.log = log or ChangeLog()
        self.connections = connections or Connections()
        self.demo_database: Path | None = None
        #: The summary of the failure that the frame tells; views need not repeat it.
        self.outage = ""
        self._workspace: Workspace | None = None
        self._identity: Identity | None = None
        self._read_only = False
        self._unlocked_until: datetime | None = None
        self._relock = QTimer(self)
        self._relock.setSingleShot(True)
        self._relock.timeout.connect(self.lock)
        runner.task_finished.connect(self._lock_core)
        runner.present_connection = self._present

    @property
    def workspace(self) -> Workspace | None:
        """The services of the present connection, or None."""
        return self._workspace

    @property
    def identity(self) -> Identity | None:
        """Who AWS says we are, as soon as that is known."""
        return self._identity

    @property
    def read_only(self) -> bool:
        """Whether views must not offer to write."""
        return self._read_only

    @property
    def locked_reason(self) -> str:
        """Why nothing can be changed and what to do about it; empty while changes are allowed."""
        if not self._read_only or self._workspace is None:
            return ""
        name = self._workspace.profile.name
        return f"The profile {name} is read-only. Unlock it at the top of the window first."

    @property
    def unlocked_until(self) -> datetime | None:
        """When a protected profile locks itself again; None if it is locked or never locks."""
        return self._unlocked_until

    @property
    def tokens(self) -> theme.Tokens:
        """The colours in force."""
        return theme.tokens()

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Put another connection in force; the former one is closed after everybody let go."""
        former, self._workspace = self._workspace, workspace
        self.connection_state.follow(workspace)
        self._relock.stop()
        self._unlocked_until = None
        if workspace is not None:
            workspace.set_unlocked(unlocked=False)
        self._set_read_only(read_only=workspace is not None and workspace.profile.production)
        self.set_identity(None)
        self.workspace_changed.emit(workspace)
        if former is not None and former is not workspace:
            former.close()

    def set_outage(self, summary: str) -> None:
        """Remember what the frame tells of an outage; nothing when it is over."""
        self.outage = summary

    def set_identity(self, identity: Identity | None) -> None:
        """Tell everybody who we are."""
        self._identity = identity
        self.identity_changed.emit(identity)

    def unlock(self, minutes: int) -> None:
        """Allow writing for some minutes: the one deliberate act on a protected profile."""
        self._unlocked_until = utc_now() + timedelta(minutes=minutes)
        if self._workspace is not None:
            self._workspace.set_unlocked(unlocked=True)
        self._relock.start(minutes * 60_000)
        self._set_read_only(read_only=False)

    def lock(self) -> None:
        """Forbid writing (again): at once for whatever begins now.

        `core` refuses every change as soon as the running tasks have ended: a rotation that is
        stopped between two steps would do more harm than one that ends.
        """
        self._relock.stop()
        self._unlocked_until = None
        self._set_read_only(read_only=True)
        self._lock_core()

    def _lock_core(self, *_ended: object) -> None:
        running = any(task.running for task in self.runner.tasks)
        if self._read_only and self._workspace is not None and not running:
            self._workspace.set_unlocked(unlocked=False)

    def _present(self, connection: Connection) -> Connection:
        """Return the connection that a task of the engine uses: unlocked only while we are.

        A task that is tried again later brings the connection of its first time.
        """
        return replace(connection, unlocked=connection.unlocked and not self._read_only)

    def announce(self, change: Change) -> None:
        """Write a change into the log and tell every view of it."""
        profile = self._workspace.profile.name if self._workspace else ""
        try:
            self.log.append(change, profile=profile)
        except LocalIOError as error:  # the change itself is made; only its record is missing
            _log.warning("%s", error)
            self.trouble.emit(error)
        self.changed.emit(change)

    def go(self, tab_id: str, target: object = None) -> None:
        """Ask the frame to show a tab, which then opens `target`."""
        self.navigate.emit(tab_id, target)

    def switch_profile(self, name: str) -> None:
        """Ask the frame to connect with another profile."""
        self.profile_wanted.emit(name)

    def switch_bucket(self, name: str) -> None:
        """Ask the frame to open another bucket with the present keys."""
        self.bucket_wanted.emit(name)

    def _set_read_only(self, *, read_only: bool) -> None:
        if read_only != self._read_only:
            self._read_only = read_only
            self.read_only_changed.emit(read_only)
