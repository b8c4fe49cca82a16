"""Copying a secret: marked as one for clipboard managers, and cleared again after a while."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QCoreApplication, QMimeData, QObject, QTimer
from PySide6.QtGui import QClipboard, QGuiApplication

from core.redaction import Secret

#: Seconds after which a copied secret is taken off the clipboard, if it is still there.
CLEAR_SECONDS = 30

#: What clipboard histories look for before they keep a text: KDE's and those that follow it,
#: Windows' (history and cloud), and those of macOS.
_HINTS = {
    "x-kde-passwordManagerHint": b"secret",
    "ExcludeClipboardContentFromMonitorProcessing": b"1",
    "CanIncludeInClipboardHistory": b"\x00\x00\x00\x00",
    "CanUploadToCloudClipboard": b"\x00\x00\x00\x00",
    "application/x-nspasteboard-concealed-type": b"secret",
}


class SecretClipboard(QObject):
    """Remembers what was copied, so that it can be cleared if nothing else was copied."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._copied: set[Secret] = set()  # as Qt gives them back
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.clear)

    def copy(self, secret: Secret) -> None:
        """Put a secret on the clipboard on the user's explicit act."""
        QGuiApplication.clipboard().setMimeData(self.packed(secret))

    def packed(self, secret: Secret) -> QMimeData:
        """Return a secret as it goes on the clipboard, and watch it from now on."""
        data = QMimeData()
        data.setText(secret.reveal())
        for name, value in _HINTS.items():
            data.setData(name, value)
        self._copied.add(Secret(data.text()))
        self._timer.start(CLEAR_SECONDS * 1000)
        return data

    def clear(self) -> None:
        """Take the secret off the clipboard unless something else is there by now."""
        self._timer.stop()
        copied, self._copied = self._copied, set()
        for secret in copied:
            for mode in (QClipboard.Mode.Clipboard, QClipboard.Mode.Selection):
                _take_off(mode, secret.reveal())


def drop_selection(text: str) -> None:
    """Take a selected text off X11's primary selection: selecting is not yet copying."""
    if text:
        _take_off(QClipboard.Mode.Selection, text)


def _take_off(mode: QClipboard.Mode, text: str) -> None:
    clipboard = QGuiApplication.clipboard()
    if mode is QClipboard.Mode.Selection and not clipboard.supportsSelection():
        return
    if clipboard.text(mode) == text:
        clipboard.clear(mode)


@cache
def secret_clipboard() -> SecretClipboard:
    """Return the one of this process; it also clears when the program ends."""
    app = QCoreApplication.instance()
    made = SecretClipboard(app)
    if app is not None:
        app.aboutToQuit.connect(made.clear)
    return made
