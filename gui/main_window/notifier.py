"""Notifications of the desktop, while no window of the program is active."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from core.errors import StorageError
from core.transfer.values import TransferReport
from core.units import format_count, format_counted
from gui.context.transfers import Batch, TransferQueue

#: Milliseconds for which the icon of a notification stays.
_NOTIFIED_MS = 15_000


class DesktopNotifier(QObject):
    """Shows notifications on desktops with a system tray.

    Signals:
        clicked: the user has clicked the notification or its icon.
    """

    clicked = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.tray: QSystemTrayIcon | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_NOTIFIED_MS)
        self._later.timeout.connect(self._hide)

    def notify(self, title: str, text: str, *, warning: bool = False) -> None:
        """Show a notification, unless a window of the program is active."""
        if QApplication.activeWindow() is not None or not QSystemTrayIcon.isSystemTrayAvailable():
            return
        tray = self.tray = self.tray or self._created()
        tray.show()
        icons = QSystemTrayIcon.MessageIcon
        icon = icons.Warning if warning else icons.Information
        tray.showMessage(title, text, icon, _NOTIFIED_MS)
        self._later.start()

    def _created(self) -> QSystemTrayIcon:
        tray = QSystemTrayIcon(QApplication.windowIcon(), self)
        tray.setToolTip("Strongroom")
        tray.messageClicked.connect(self._on_clicked)
        tray.activated.connect(self._on_clicked)
        return tray

    def _hide(self) -> None:
        if self.tray is not None:
            self.tray.hide()

    def _on_clicked(self, *_reason: object) -> None:
        self._hide()
        self.clicked.emit()


class TransfersNotifier(QObject):
    """Notifies of transfers that have ended or were stopped.

    Args:
        queue: the transfers.
        desktop: shows the notifications.
        parent: the window.
    """

    def __init__(self, queue: TransferQueue, desktop: DesktopNotifier, parent: QWidget) -> None:
        super().__init__(parent)
        self._desktop = desktop
        queue.ended.connect(self._on_ended)
        queue.stopped.connect(self._on_stopped)

    def _on_ended(self, batch: Batch, report: TransferReport) -> None:
        done, planned = format_count(len(report.done)), format_counted(report.planned, "file")
        if report.failed:
            failed = format_count(len(report.failed))
            text = f"{done} of {planned} transferred, {failed} failed."
        else:
            text = f"{done} of {planned} transferred."
        self._desktop.notify(batch.title, text, warning=not report.complete)

    def _on_stopped(self, batch: Batch, error: StorageError) -> None:
        self._desktop.notify(batch.title, f"Stopped: {error.summary}.", warning=True)
