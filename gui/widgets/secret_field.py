"""A field whose text is hidden, and hidden again some time after it was shown."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QHideEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from core.aws.limits import SECRET_BYTES
from core.redaction import Secret
from gui import shortcuts, theme
from gui.widgets.buttons import icon_button
from gui.widgets.fields import set_read_only
from gui.widgets.labels import set_tooltip
from gui.widgets.secret_clipboard import CLEAR_SECONDS, drop_selection, secret_clipboard

#: Seconds that a revealed value stays visible.
REVEAL_SECONDS = 20

_HINTS = (
    Qt.InputMethodHint.ImhHiddenText
    | Qt.InputMethodHint.ImhSensitiveData
    | Qt.InputMethodHint.ImhNoPredictiveText
    | Qt.InputMethodHint.ImhNoAutoUppercase
)


class GuardedLine(QLineEdit):
    """A line edit that copies only through the secret clipboard."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy through the secret clipboard; handle other keys as usual."""
        if shortcuts.is_copy(event):
            self._copy_selection()
        elif shortcuts.is_cut(event):
            self._copy_selection()
            if not self.isReadOnly():
                self.del_()
        else:
            super().keyPressEvent(event)
            drop_selection(self.selectedText())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Select as usual, but clear X11's primary selection."""
        super().mouseReleaseEvent(event)
        drop_selection(self.selectedText())

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Show the usual menu without its Copy and Cut."""
        menu = self.createStandardContextMenu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for action in menu.actions():
            # Qt's names of these actions, which do not depend on the language as the texts do.
            if action.objectName() in {"edit-copy", "edit-cut"}:
                menu.removeAction(action)
        menu.popup(event.globalPos())

    def _copy_selection(self) -> None:
        if self.echoMode() is QLineEdit.EchoMode.Normal and self.selectedText():
            # A part of a value may be a public word, which the log filter must not mask.
            secret_clipboard().copy(Secret(self.selectedText(), remembered=False))


class SecretField(QWidget):
    """A value with a button to show it for 20 seconds and a button to copy it.

    Args:
        name: the accessible name, for example the key of the value.
        masked: whether the value is hidden; values such as a host name are not.
        copyable: whether there is a button to copy it.
        parent: the view.

    Signals:
        edited: the user changed the text.
    """

    edited = Signal()

    def __init__(
        self,
        name: str,
        *,
        masked: bool = True,
        copyable: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._masked = masked
        # Qt changes some texts (half a surrogate pair, a byte order mark): an unedited value is
        # returned as it was given.
        self._given, self._given_shown = Secret("", remembered=False), ""
        self.line = GuardedLine()
        # Qt's default limit of 32,767 characters would truncate a value.
        # Twice the limit, so that a value that is too long can be corrected after pasting.
        self.line.setMaxLength(2 * SECRET_BYTES)
        self.line.setFont(theme.mono_font())
        self.line.setAccessibleName(name)
        self.line.textEdited.connect(self._on_edited)
        self.eye = icon_button("eye", f"Show {name}", self._on_eye)
        self.copy = icon_button("copy", f"Copy {name}", self._on_copy)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.hide_text)
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addWidget(self.line, 1)
        box.addWidget(self.eye)
        box.addWidget(self.copy)
        policy = self.eye.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.eye.setSizePolicy(policy)  # fields with and without this button have the same width
        self.eye.setVisible(masked)
        self.copy.setVisible(copyable)
        self.setFocusProxy(self.line)
        if masked:
            self.line.setInputMethodHints(_HINTS)
            self.hide_text()

    @property
    def draft(self) -> Secret:
        """The text while it is being typed; the log filter does not mask it.

        Its beginning may be an ordinary word, which would be masked in later messages.
        """
        text = self.line.text()
        return self._given if text == self._given_shown else Secret(text, remembered=False)

    @property
    def value(self) -> Secret:
        """The text that is used from now on, which the log filter masks."""
        return Secret(self.draft.reveal())

    def set_value(self, value: Secret) -> None:
        """Show another value, hidden if the field hides values."""
        if self._masked:
            self.hide_text()
        self.line.setText(value.reveal())
        self.line.setCursorPosition(0)
        self._given, self._given_shown = value, self.line.text()

    @property
    def revealed(self) -> bool:
        """Whether the text is readable on the screen."""
        return self.line.echoMode() is QLineEdit.EchoMode.Normal

    def reveal(self) -> None:
        """Show the text for a while."""
        self.line.setEchoMode(QLineEdit.EchoMode.Normal)
        self._set_eye("eye-off", f"Hide {self.line.accessibleName()}")
        self._timer.start(REVEAL_SECONDS * 1000)

    def hide_text(self) -> None:
        """Show bullets, on the screen and to screen readers."""
        self._timer.stop()
        if self._masked:
            self.line.setEchoMode(QLineEdit.EchoMode.Password)
            self._set_eye("eye", f"Show {self.line.accessibleName()}")

    def hideEvent(self, event: QHideEvent) -> None:
        """Hide the text when the field is hidden."""
        super().hideEvent(event)
        # Otherwise the value would be visible at once when the user returns to the tab.
        if self._masked:
            self.hide_text()

    def set_read_only(self, read_only: bool, reason: str = "") -> None:
        """Make the field read-only, with the reason."""
        set_read_only(self.line, read_only)
        set_tooltip(self.line, reason if read_only else "")

    def _set_eye(self, icon: str, what: str) -> None:
        self.eye.set_icon(icon, "muted")
        self.eye.setAccessibleName(what)
        self.eye.set_hint(what)

    def _on_eye(self) -> None:
        if self.revealed:
            self.hide_text()
        else:
            self.reveal()

    def _on_copy(self) -> None:
        secret_clipboard().copy(self.draft)
        shortcuts.explain(self, f"Copied. The clipboard is cleared after {CLEAR_SECONDS} seconds.")

    def _on_edited(self, _text: str) -> None:
        # Typing extends the time; otherwise the text would be hidden within a word.
        if self._timer.isActive():
            self._timer.start(REVEAL_SECONDS * 1000)
        self.edited.emit()
