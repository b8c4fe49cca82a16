"""Copies secrets, marked for clipboard managers and cleared after a while."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QCoreApplication, QMimeData, QObject, QTimer
from PySide6.QtGui import QClipboard, QGuiApplication

from core.redaction import Secret

#: Seconds after which a copied secret is removed from the clipboard.
CLEAR_SECONDS = 30

#: MIME types that exclude a text from clipboard histories: of KDE and compatible ones, of Windows
#: (history and cloud), and of macOS.
_HINTS = {
    "x-kde-passwordManagerHint": b"secret",
    "ExcludeClipboardContentFromMonitorProcessing": b"1",
    "CanIncludeInClipboardHistory": b"\x00\x00\x00\x00",
    "CanUploadToCloudClipboard": b"\x00\x00\x00\x00",
    "application/x-nspasteboard-concealed-type": b"secret",
}


class SecretClipboard(QObject):
    """Clears a copied secret after a while unless something else was copied."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        # Several, since each may still be in the clipboard or in the selection of X11.
        self._copied: set[Secret] = set()  # as Qt returns them
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.clear)

    def copy(self, secret: Secret) -> None:
        """Copy a secret to the clipboard, on an explicit action of the user."""
        QGuiApplication.clipboard().setMimeData(self.mime_data(secret))

    def mime_data(self, secret: Secret) -> QMimeData:
        """Return the clipboard data of a secret, and clear it after a while."""
        data = QMimeData()
        data.setText(secret.reveal())
        for name, value in _HINTS.items():
            data.setData(name, value)
        # Qt may return another text than it was given, for example without a byte order mark.
        self._copied.add(Secret(data.text(), remembered=False))
        self._timer.start(CLEAR_SECONDS * 1000)
        return data

    def clear(self) -> None:
        """Remove the secret from the clipboard unless its content has changed."""
        self._timer.stop()
        copied, self._copied = self._copied, set()
        for secret in copied:
            # X11 has a second clipboard for selected text, which middle click pastes.
            for mode in (QClipboard.Mode.Clipboard, QClipboard.Mode.Selection):
                _clear_if_equal(mode, secret.reveal())


def drop_selection(text: str) -> None:
    """Remove a selected text from X11's primary selection, since selecting is not copying."""
    if text:
        _clear_if_equal(QClipboard.Mode.Selection, text)


def _clear_if_equal(mode: QClipboard.Mode, text: str) -> None:
    clipboard = QGuiApplication.clipboard()
    if mode is QClipboard.Mode.Selection and not clipboard.supportsSelection():
        return
    if clipboard.text(mode) == text:
        clipboard.clear(mode)


@cache
def secret_clipboard() -> SecretClipboard:
    """Return the instance of this process, which also clears at exit."""
    app = QCoreApplication.instance()
    made = SecretClipboard(app)
    if app is not None:
        app.aboutToQuit.connect(made.clear)
    return made
