"""A small question for one line of text."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from gui import theme
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.labels import heading, muted_label


class NameDialog(QDialog):
    """Asks for a name; an empty one cannot be given."""

    def __init__(
        self,
        parent: QWidget | None,
        title: str,
        text: str,
        then: Callable[[str], object],
        *,
        button: str = "Open",
        given: str = "",
    ) -> None:
        super().__init__(parent)
        self._then = then
        self.setWindowTitle(title)
        self.setModal(True)
        self.setMinimumWidth(400)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.field = QLineEdit(given)
        self.field.setFont(theme.mono_font())
        self.field.setAccessibleName(title)
        self.go = primary_button(button, self._on_go)
        self.go.setDefault(True)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addStretch(1)
        line.addWidget(plain_button("Cancel", self.reject))
        line.addWidget(self.go)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(12)
        box.addWidget(heading(title))
        box.addWidget(muted_label(text, wrap=True))
        box.addWidget(self.field)
        box.addLayout(line)
        self.field.textChanged.connect(self._on_text)
        self._on_text(given)
        self.field.setFocus()

    def _on_text(self, text: str) -> None:
        self.go.setEnabled(bool(text.strip()))

    def _on_go(self) -> None:
        self.accept()
        self._then(self.field.text().strip())
