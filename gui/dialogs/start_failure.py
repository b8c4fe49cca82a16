"""The dialog that states why the program cannot start."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from core.errors import StorageError
from gui.widgets.buttons import primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.labels import sentence, shown, text_label


class StartFailure(Dialog):
    """States the error that prevents the start: users may not see the standard error."""

    def __init__(self, error: StorageError, parent: QWidget | None = None) -> None:
        super().__init__(parent, "Strongroom cannot start", width=520)
        for part in filter(None, (error.summary, error.cause, error.remedy)):
            self.body.addWidget(text_label(shown(sentence(part)), wrap=True))
        leave = primary_button("Quit", self.accept)
        leave.setDefault(True)
        self.add_buttons(leave)
