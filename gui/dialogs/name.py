"""A dialog for one line of text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from PySide6.QtWidgets import QLineEdit, QWidget

from gui import theme
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog


class NameDialog(Dialog):
    """Prompts for a name, which cannot be empty unless that is allowed.

    Args:
        parent: the view that opens the dialog.
        title: the heading, and the accessible name of the field.
        text: the explanation.
        then: called with the name, without surrounding blanks unless the given name has some.
        button: the label of the button that accepts the name.
        given: the name that is in the field at first.
        file: whether the given name is that of a file: its ending is not selected at first.
        missing: why the button is disabled while the field is empty; empty if it may be empty.
    """

    def __init__(  # noqa: PLR0913 - the texts of one prompt, mostly by keyword
        self,
        parent: QWidget | None,
        title: str,
        text: str,
        then: Callable[[str], object],
        *,
        button: str = "Open",
        given: str = "",
        file: bool = False,
        missing: str = "Type a name first.",
    ) -> None:
        super().__init__(parent, title, text, width=400)
        self._then, self._missing = then, missing
        self._exact = given != given.strip()
        self._selected = len(given) - (len(PurePosixPath(given).suffix) if file else 0)
        self.field = QLineEdit(given)
        self.field.setFont(theme.mono_font())
        self.field.setAccessibleName(title)
        self.go = primary_button(button, self._on_go)
        self.go.setDefault(True)
        self.body.addWidget(self.field)
        self.add_buttons(plain_button("Cancel", self.reject), self.go)
        self.field.textChanged.connect(self._on_text)
        self._on_text(given)
        self.field.setFocus()

    def setVisible(self, visible: bool) -> None:
        """Select the name after the dialog is shown, which selects the entire text."""
        super().setVisible(visible)
        if visible:
            self.field.setSelection(0, self._selected)

    def _on_text(self, text: str) -> None:
        self.go.allow(bool(text.strip()) or not self._missing, self._missing)

    def _on_go(self) -> None:
        # First, so that a dialog which `then` opens is not below this one.
        self.accept()
        text = self.field.text()
        self._then(text if self._exact else text.strip())
