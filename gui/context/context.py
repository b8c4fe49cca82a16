"""`Context`, which all views share. It is passed to constructors; there are no globals."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from core.engine.changes import OperationCall
from core.errors import InvalidInput, LocalIOError
from core.limits import LimitValues
from core.local.activity import ChangeLog
from core.local.connections import Connections
from core.local.settings import Settings
from core.model.change import Change
from core.model.connection import Connection, KeySource
from core.model.identity import Identity
from core.units import utc_now
from core.workspace import Workspace
from gui import theme
from gui.context.connection_state import ConnectionState
from gui.context.local_writes import LocalWrites
from gui.tasks import TaskRunner

if TYPE_CHECKING:  # imported on first use: they load the database engines and the journal
    from gui.context.backup_watch import BackupWatch
    from gui.context.transfers import TransferQueue

_log = logging.getLogger(__name__)

#: Milliseconds between two checks of the time until which writing is unlocked.
_CHECK_MS = 10_000
#: The setting of the limits of transfers.
_LIMITS = "transfers/limits"


class Context(QObject):
    """The current connection and the services that all views need.

    Args:
        runner: runs all tasks.
        settings: the stored settings; by default those of this computer, as for the next two.
        log: the log of changes.
        connections: the stored profiles and their keys.
        parent: the owner.

    Signals:
        workspace_changed: a different workspace (or None) is current.
        identity_changed: the current `Identity`, None while it is unknown.
        changed: a view has made a `Change`.
        read_only_changed: writing was locked or unlocked.
        navigate: show the tab of an id, with a target.
        profile_wanted: the name of a profile to switch to.
        bucket_wanted: the name of a bucket to open with the current keys.
        renewal_wanted: start a new session of the current profile.
        retry_wanted: check again whether the server answers.
        unlock_wanted: the user wants to unlock writing; the window requests confirmation.
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
        #: The summary of the failure that the window already shows; views need not repeat it.
        self.outage = ""
        self._workspace: Workspace | None = None
        self._identity: Identity | None = None
        self._read_only = False
        self._unlocked_until: datetime | None = None
        self._relock = QTimer(self)
        self._relock.setSingleShot(True)
        self._relock.timeout.connect(self.lock)
        # The timer above does not run while the computer sleeps.
        self._relock_check = QTimer(self)
        self._relock_check.timeout.connect(self._lock_if_over)
        runner.task_finished.connect(self._lock_core)
        runner.change_made.connect(self.announce)
        self._writes = LocalWrites(self.settings, self.log, self)
        self._writes.failed.connect(self._on_not_written)
        runner.present_connection = self._present

    @property
    def workspace(self) -> Workspace | None:
        """The services of the current connection, or None."""
        return self._workspace

    @cached_property
    def backup_watch(self) -> BackupWatch:
        """The schedules and findings of backups, whose modules are imported on first use."""
        from gui.context.backup_watch import BackupWatch

        watch = BackupWatch(self.runner, self)
        watch.follow(self._workspace)
        self.changed.connect(watch.note_change)
        return watch

    @cached_property
    def transfers(self) -> TransferQueue:
        """The queue of uploads and downloads."""
        from gui.context.transfers import TransferQueue

        queue = TransferQueue(self.runner, self)
        queue.locked_reason = lambda: self.locked_reason
        with suppress(LocalIOError):  # the settings cannot be read: no limits
            queue.limits.change(limits_of(self.settings.get(_LIMITS)))
        queue.follow(self._workspace)
        self.read_only_changed.connect(queue.start_next)
        self.connection_state.changed.connect(
            lambda: queue.reconnect() if self.connection_state.shown().tone == "good" else None
        )
        return queue

    def set_limits(self, values: LimitValues) -> None:
        """Limit the transfers, and store the limits for the next start."""
        self.transfers.limits.change(values)
        self.settings.set(
            _LIMITS, {"bytes_per_second": values.bytes_per_second, "parallel": values.parallel}
        )

    def require_workspace(self) -> Workspace:
        """Return the services of the current connection.

        Raises:
            InvalidInput: there is no connection; the buttons that need one are disabled then.
        """
        if self._workspace is None:
            raise InvalidInput("There is no connection.", remedy="Select a profile.")
        return self._workspace

    @property
    def identity(self) -> Identity | None:
        """The identity that AWS reports for the keys, None while it is unknown."""
        return self._identity

    @property
    def read_only(self) -> bool:
        """Whether writing is locked."""
        return self._read_only

    @property
    def locked_reason(self) -> str:
        """The reason why changes are locked and what to do; empty while they are allowed."""
        if not self._read_only or self._workspace is None:
            return ""
        name = self._workspace.profile.name
        return f"The profile {name} is read-only. Unlock it at the top of the window first."

    @property
    def unlocked_until(self) -> datetime | None:
        """When a protected profile is locked again; None if it is locked or never locks."""
        return self._unlocked_until

    @property
    def tokens(self) -> theme.Tokens:
        """The current colours."""
        return theme.tokens()

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Use another connection; the former one is closed when no view uses it any more."""
        former, self._workspace = self._workspace, workspace
        # Before the signal, whose receivers send the first requests of the new connection.
        self.connection_state.follow(workspace)
        self._end_unlocking()
        if workspace is not None:
            workspace.set_unlocked(unlocked=False)
        self._set_read_only(read_only=workspace is not None and workspace.profile.production)
        self.set_identity(None)
        if "backup_watch" in self.__dict__:  # else it was never used
            self.backup_watch.follow(workspace)
        if "transfers" in self.__dict__:
            self.transfers.follow(workspace)
        self.workspace_changed.emit(workspace)
        if former is not None and former is not workspace:
            # After the signal: views have then replaced the clients of the former connection.
            former.close()

    def renewal(self) -> tuple[Callable[[], object], str]:
        """Return what renews expired keys, as the function and the label of a button.

        A new session has no effect with temporary keys that the user has entered.
        """
        connection = self._workspace.connection if self._workspace is not None else None
        keys = connection.keys if connection is not None else None
        if connection is None or keys is None or keys.session_token is None:
            return self.renewal_wanted.emit, "Refresh"
        profile = connection.profile
        if profile.role_arn or profile.source not in {KeySource.KEYRING, KeySource.SESSION}:
            return self.renewal_wanted.emit, "Refresh"
        return partial(self.go, "credentials", "profile"), "Enter new keys…"

    def set_outage(self, summary: str) -> None:
        """Store the summary of an outage that the window shows, or an empty text after it."""
        self.outage = summary

    def set_identity(self, identity: Identity | None) -> None:
        """Announce the identity to all views."""
        self._identity = identity
        self.identity_changed.emit(identity)

    def unlock(self, minutes: int) -> None:
        """Allow writing on a protected profile for some minutes."""
        self._unlocked_until = utc_now() + timedelta(minutes=minutes)
        if self._workspace is not None:
            self._workspace.set_unlocked(unlocked=True)
        self._relock.start(minutes * 60_000)
        self._relock_check.start(_CHECK_MS)
        self._set_read_only(read_only=False)

    def lock(self) -> None:
        """Lock writing again, at once for new operations.

        `core` refuses every change as soon as the running tasks have ended: a rotation that is
        stopped between two steps would do more harm than one that ends.
        """
        self._end_unlocking()
        self._set_read_only(read_only=True)
        self._lock_core()

    def _end_unlocking(self) -> None:
        self._relock.stop()
        self._relock_check.stop()
        self._unlocked_until = None

    def _lock_if_over(self) -> None:
        if self._unlocked_until is not None and utc_now() >= self._unlocked_until:
            self.lock()

    def _lock_core(self, *_ended: object) -> None:
        running = any(task.running for task in self.runner.tasks)
        if self._read_only and self._workspace is not None and not running:
            self._workspace.set_unlocked(unlocked=False)

    def _present(self, connection: Connection) -> Connection:
        """Return the connection for a task of the engine, unlocked only while writing is.

        A task that is retried later uses its original connection.
        """
        return replace(connection, unlocked=connection.unlocked and not self._read_only)

    def announce(self, change: Change, profile: str | None = None) -> None:
        """Write a change to the log and announce it to all views."""
        if profile is None:
            profile = self._workspace.profile.name if self._workspace else ""
        self._writes.add_to_log(change, profile)
        self.changed.emit(change)

    def _on_not_written(self, error: LocalIOError) -> None:
        _log.warning("%s", error)
        self.trouble.emit(error)

    def call(self, operation: str, origin: str, **arguments: object) -> OperationCall:
        """Return the call of an operation with the profile in force, for `TaskRunner.run`.

        Args:
            operation: its name in `core.engine.operations`.
            origin: the view that makes the call, for the log of changes.
            arguments: those of its function by which its changes are described.
        """
        profile = self._workspace.profile if self._workspace else None
        bucket, name = (profile.bucket, profile.name) if profile else ("", "")
        return OperationCall(operation, arguments, bucket, name, origin)

    def go(self, tab_id: str, target: object = None) -> None:
        """Show a tab, which then opens `target`."""
        self.navigate.emit(tab_id, target)

    def switch_profile(self, name: str) -> None:
        """Connect with another profile."""
        self.profile_wanted.emit(name)

    def switch_bucket(self, name: str) -> None:
        """Open another bucket with the current keys."""
        self.bucket_wanted.emit(name)

    def _set_read_only(self, *, read_only: bool) -> None:
        if read_only != self._read_only:
            self._read_only = read_only
            self.read_only_changed.emit(read_only)


def limits_of(setting: object) -> LimitValues:
    """Return the limits of a setting; none if it is missing or cannot be read."""
    if not isinstance(setting, dict):
        return LimitValues()
    try:
        return LimitValues(setting.get("bytes_per_second"), setting.get("parallel"))
    except (TypeError, ValueError):  # another program may have changed it
        return LimitValues()
