"""A field for pairs of name and value, one in each line: tags and metadata."""

from __future__ import annotations

from PySide6.QtWidgets import QPlainTextEdit, QWidget

from core.errors import InvalidInput
from core.model.upload_options import Pairs
from gui import theme

_LINES = 3


class PairsField(QPlainTextEdit):
    """Lines of the form NAME=VALUE.

    Args:
        name: the accessible name.
        parent: the owner.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setPlaceholderText("NAME=VALUE, one in each line")
        self.setFont(theme.mono_font())
        # Otherwise Tab would stay in the text instead of moving to the next field.
        self.setTabChangesFocus(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setFixedHeight(_LINES * self.fontMetrics().lineSpacing() + 16)

    def set_pairs(self, pairs: Pairs) -> None:
        """Show pairs."""
        self.setPlainText("\n".join(f"{name}={value}" for name, value in pairs))

    def pairs(self) -> Pairs:
        """Return the pairs that are typed.

        Raises:
            InvalidInput: a line has no name or no equals sign.
        """
        found = []
        for line in self.toPlainText().splitlines():
            name, equals, value = line.partition("=")
            if not line.strip():
                continue
            if not name.strip() or not equals:
                raise InvalidInput(
                    f"{self.accessibleName()}: “{line.strip()}” has no name and value",
                    cause="Each line has a name, an equals sign and a value.",
                    remedy="Write it as NAME=VALUE.",
                )
            found.append((name.strip(), value.strip()))
        return tuple(found)
