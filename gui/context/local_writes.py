"""What the window writes to this computer's database without waiting for it."""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import QObject, Qt, QTimer, Signal

from core.local.activity import ChangeLog
from core.local.settings import Settings
from core.model.change import Change

#: Milliseconds after a change of a setting until all settings are written: several changes, such
#: as those of the columns of a table, are written together.
_SETTINGS_MS = 2_000


class LocalWrites(QObject):
    """Writes the log of changes and the settings in other threads.

    Another process can lock the database for seconds. Settings are written soon after they were
    changed, since a program that is killed would otherwise lose those of a day.

    Args:
        settings: The settings.
        log: The log of changes.
        parent: The owner.

    Signals:
        failed: A `LocalIOError`: a change is not in the log, or settings are not written yet.
    """

    failed = Signal(object)
    _failed_there = Signal(object)

    def __init__(self, settings: Settings, log: ChangeLog, parent: QObject) -> None:
        super().__init__(parent)
        self._settings, self._log = settings, log
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTINGS_MS)
        self._timer.timeout.connect(self._write_settings)
        settings.changed = self._on_setting
        # Queued, since it is emitted in the threads that write.
        self._failed_there.connect(self.failed, Qt.ConnectionType.QueuedConnection)

    def add_to_log(self, change: Change, profile: str) -> None:
        """Write a change to the log; the profile is given by its name."""
        self._log.append_later(change, profile=profile, failed=self._failed_there.emit)

    def _on_setting(self) -> None:
        # The settings exist longer than the window.
        if shiboken6.isValid(self) and not self._timer.isActive():
            self._timer.start()

    def _write_settings(self) -> None:
        self._settings.flush_later(self._failed_there.emit)
