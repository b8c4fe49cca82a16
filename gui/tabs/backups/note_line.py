"""The line below the list of backups with the note of the selected one."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from core.model.backup import Backup, BackupState
from gui import theme
from gui.widgets.buttons import link_button
from gui.widgets.labels import Elided
from gui.widgets.panel import row, rule

_OLD_FORM = "A backup of the old form is a single object, which has no note."


class NoteLine(QWidget):
    """The note of a backup, the reason of its pin, and a button to change the note.

    Its height never changes.

    Signals:
        wanted: the user wants to change the note.
    """

    wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.text = Elided("", "muted", mode=Qt.TextElideMode.ElideRight)
        self.text.setFont(theme.text_font(12))
        self.change = link_button("Add a note…", self.wanted.emit)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(rule())
        box.addWidget(row(self.text, self.change, margins=(12, 0, 7, 0)))
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_note(self, backup: Backup | None, why_not: str) -> None:
        """Show the note of the only selected backup.

        Args:
            backup: the backup; None if none or several are selected.
            why_not: why notes cannot be changed; empty if they can.
        """
        note = "" if backup is None else backup.note
        pinned = f"pinned: {backup.pin_note}" if backup is not None and backup.pin_note else ""
        text = " · ".join(filter(None, (note, pinned)))
        self.text.setText(text)
        self.text.setAccessibleName(f"Note: {text}" if text else "")
        self.change.setText("Change the note…" if note else "Add a note…")
        why = why_not
        if backup is not None and backup.state is BackupState.OLD_FORM:
            why = _OLD_FORM
        self.change.allow(not why, why)
