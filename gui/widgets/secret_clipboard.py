"""Copying a secret: marked as one for clipboard managers, and cleared again after a while."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QCoreApplication, QMimeData, QObject, QTimer
from PySide6.QtGui import QGuiApplication

from core.redaction import Secret

#: Seconds after which a copied secret is taken off the clipboard, if it is still there.
CLEAR_SECONDS = 30

#: What KDE's, GNOME's and Windows' clipboard histories look for before they keep a text.
_HINTS = {
    "x-kde-passwordManagerHint": b"secret",
    "ExcludeClipboardContentFromMonitorProcessing": b"1",
    "CanIncludeInClipboardHistory": b"\x00\x00\x00\x00",
}


class SecretClipboard(QObject):
    """Remembers what was copied last, so that it can be cleared if nothing else was copied."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._copied: Secret | None = None
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
        self._copied = secret
        self._timer.start(CLEAR_SECONDS * 1000)
        return data

    def clear(self) -> None:
        """Take the secret off the clipboard unless something else is there by now."""
        self._timer.stop()
        copied, self._copied = self._copied, None
        clipboard = QGuiApplication.clipboard()
        if copied is not None and clipboard.text() == copied.reveal():
            clipboard.clear()


@cache
def secret_clipboard() -> SecretClipboard:
    """Return the one of this process; it also clears when the program ends."""
    app = QCoreApplication.instance()
    made = SecretClipboard(app)
    if app is not None:
        app.aboutToQuit.connect(made.clear)
    return made
