"""One secret: its editor, or why there is none, and its actions."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedLayout, QVBoxLayout, QWidget

from core.aws.secret_faults import NoSecretValue
from core.errors import Corrupt, NotSupported, ScheduledForDeletion, StorageError
from core.model.secrets import SecretInfo, SecretValue
from core.redaction import Secret
from core.rotation.service import kind_of_value
from core.units import format_age, format_moment
from gui import theme
from gui.tabs.credentials.secrets.binary_page import BinaryPage
from gui.widgets.buttons import danger_button, plain_button, primary_button
from gui.widgets.empty import EmptyState, Skeleton
from gui.widgets.labels import Elided
from gui.widgets.panel import SectionHead
from gui.widgets.secret_editor import SecretEditor

_NOTHING = (
    "No secret is selected",
    "Select a secret to see its keys. Values stay hidden until you show them.",
)
_RESTORE = "Restore secret"


class SecretView(QWidget):
    """Shows one secret, with buttons to save, delete, restore and rotate it.

    Signals:
        save_clicked, delete_clicked, restore_clicked, reload_clicked, rotate_clicked: the user
            clicked the button.
        replace_clicked, save_file_clicked: the same, for a binary value and a file.
    """

    save_clicked = Signal()
    replace_clicked = Signal()
    save_file_clicked = Signal()
    delete_clicked = Signal()
    restore_clicked = Signal()
    reload_clicked = Signal()
    rotate_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = ""
        self.value: SecretValue | None = None
        self._locked, self._stale = "", False
        self._scheduled = ""  # the name of the secret if it is scheduled for deletion
        self.editor = SecretEditor()
        self.editor.edited.connect(self._update)
        self.empty = EmptyState(*_NOTHING, on_click=self._on_empty)
        self._empty_action = self.reload_clicked
        self.save = primary_button("Save…", self.save_clicked.emit)
        self.delete = danger_button("Delete…", self.delete_clicked.emit)
        self.revert = plain_button("Discard", self._on_revert)
        self.revert.set_hint("Discard your changes")
        self.rotate = plain_button("Rotate…", self.rotate_clicked.emit)
        self.binary = BinaryPage()
        self.replace = plain_button("Replace…", self.replace_clicked.emit)
        self.save_file = primary_button("Save as file…", self.save_file_clicked.emit)
        self._rotated_by_aws, self._not_rotatable = False, ""
        self._age = Elided("", "muted")
        self._age.setFont(theme.text_font(12))
        self.head = SectionHead("", self.editor.modes)
        self._lay_out()
        self.show_nothing()

    def _lay_out(self) -> None:
        self._foot = QFrame()
        self._foot.setProperty("surface", "foot")
        line = QHBoxLayout(self._foot)
        line.setContentsMargins(12, 8, 12, 8)
        line.setSpacing(8)
        line.addWidget(self._age, 1)
        buttons = (self.delete, self.revert, self.rotate, self.save, self.replace, self.save_file)
        for button in buttons:
            line.addWidget(button)
        pages = QWidget()
        self._pages = QStackedLayout(pages)
        self._skeleton = Skeleton(4)
        for page in (self.empty, self._skeleton, self.editor, self.binary):
            self._pages.addWidget(page)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.head)
        box.addWidget(pages, 1)
        box.addWidget(self._foot)

    @property
    def dirty(self) -> bool:
        """Whether there are unsaved changes."""
        return self.value is not None and not self.value.binary and self.editor.dirty

    @property
    def text(self) -> Secret:
        """The current text.

        Raises:
            InvalidInput: the form is not complete.
        """
        return self.editor.value

    def set_rotated_by_aws(self, rotated: bool) -> None:
        """Set whether managed rotation by AWS is enabled for the secret shown."""
        self._rotated_by_aws = rotated
        self._update()

    def show_nothing(self) -> None:
        """Show that no secret is selected."""
        self._show_message("", *_NOTHING, "")

    def show_loading(self, name: str) -> None:
        """Show that a secret is being read; the former one is removed from the screen at once."""
        # Else the value of another secret would stay visible under the new name.
        self._set(name, None)
        self._pages.setCurrentWidget(self._skeleton)

    def show_value(self, value: SecretValue) -> None:
        """Show a secret's value, hidden, unless the secret is known to be deleted."""
        if value.name == self._scheduled:
            return
        self._set(value.name, value)
        if value.binary:
            self.binary.show_value(value)
            self._pages.setCurrentWidget(self.binary)
            self._update()
            return
        self.editor.set_text(value.text.reveal())
        self._pages.setCurrentWidget(self.editor)
        self._update()

    def show_deleted(self, info: SecretInfo) -> None:
        """Show that the secret is scheduled for deletion, and offer to restore it."""
        self._empty_action = self.restore_clicked
        when = format_moment(info.deleted) if info.deleted else ""
        text = f"It cannot be read or changed. It will be deleted on {when} and can be restored until then."
        self._show_message(info.name, "Scheduled for deletion", text, _RESTORE)
        self._scheduled = info.name

    def show_failed(self, name: str, error: StorageError) -> None:
        """Show why the value could not be read; a value that was read before stays, with a note.

        For a secret without a value, the editor is shown empty.
        """
        if isinstance(error, NoSecretValue):
            if self.value is None or self.name != name:
                self.show_value(SecretValue(name, "", Secret("{}", remembered=False)))
            return
        if name == self._scheduled:  # it was being read when the list has shown the deletion
            return
        # The value shown may have unsaved changes, which a failed refresh must not remove.
        if self.value is not None and self.name == name:
            self._stale = True
            self._update()
            return
        why = " ".join(part for part in (error.cause, error.remedy) if part)
        if isinstance(error, ScheduledForDeletion):  # by another client, after the list was read
            self._empty_action = self.restore_clicked
            self._show_message(name, error.summary, why, _RESTORE)
            return
        self._empty_action = self.reload_clicked
        self._show_message(name, error.summary, why, "Try again" if error.retryable else "")

    def set_locked(self, reason: str) -> None:
        """Disable changes with a reason, or enable them with an empty one."""
        self._locked = reason
        self.editor.set_read_only(bool(reason), reason)
        self._update()

    def _show_message(self, name: str, title: str, text: str, button: str) -> None:
        self._set(name, None)
        self.empty.set_text(title, text, button)
        self._pages.setCurrentWidget(self.empty)

    def _set(self, name: str, value: SecretValue | None) -> None:
        self.name, self.value, self._stale, self._scheduled = name, value, False, ""
        self._not_rotatable = _why_not_rotatable(value) if value is not None else ""
        self.head.set_title(name or "Secret")
        self.editor.set_text("{}")  # the former value does not stay in memory
        self.binary.clear()
        self._update()

    def _update(self) -> None:
        value, problem = self.value, self.editor.problem
        editable = value is not None and not value.binary
        self.editor.modes.setVisible(editable)
        self._foot.setVisible(bool(value))
        self.revert.setVisible(self.dirty)
        binary = value is not None and value.binary
        for button in (self.replace, self.save_file):
            button.setVisible(binary)
        self.replace.set_hint("Replace the value by the bytes of a file")
        self.replace.allow(not self._locked, self._locked)
        self.save.setVisible(not binary)
        self.rotate.setVisible(not binary or self._rotated_by_aws)
        reason = self._locked or problem or ("" if self.dirty else "Nothing was changed.")
        self.save.allow(editable and not reason, reason)
        reloads = self._empty_action is self.reload_clicked
        self.empty.button.allow(reloads or not self._locked, self._locked)
        self.delete.allow(not self._locked, self._locked)
        reason = self._locked or self._no_rotation()
        self.rotate.allow(not reason, reason)
        missing = value is not None and not value.version_id
        age = partial(_made, value.created if value else None, stale=self._stale, missing=missing)
        self._age.show_live(age)
        self._age.set_tone("warning" if self._stale else "muted")
        self._age.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def _no_rotation(self) -> str:
        """Return why the secret cannot be rotated now, or an empty text."""
        if self._not_rotatable and not self._rotated_by_aws:
            return self._not_rotatable
        return "Save or discard your changes first." if self.dirty else ""

    def _on_revert(self) -> None:
        if self.value is not None:
            self.show_value(self.value)

    def _on_empty(self) -> None:
        self._empty_action.emit()


def _why_not_rotatable(value: SecretValue) -> str:
    """Return why Strongroom cannot rotate a value itself, or an empty text."""
    if value.binary:
        return "A binary value can only be rotated by AWS."
    try:
        kind_of_value(value.name, value.text)
    except Corrupt:
        return "A secret without fields can only be rotated by AWS."
    except NotSupported as error:
        return error.cause
    return ""


def _made(created: datetime | None, *, stale: bool, missing: bool) -> str:
    if missing:
        return "has no value yet"
    if created is None:
        return "could not be refreshed" if stale else ""
    age = format_age(created)
    return f"created {age} · could not be refreshed" if stale else f"created {age}"
