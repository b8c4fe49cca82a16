"""A field for pairs of name and value, one in each line: tags and metadata."""

from __future__ import annotations

from PySide6.QtWidgets import QPlainTextEdit, QWidget

from core.errors import InvalidInput
from core.model.upload_options import Pairs
from gui import theme

#: The minimum and maximum number of visible lines.
_LINES, _MOST_LINES = 3, 24
#: Pixels above and below the lines.
_AROUND = 20


class PairsField(QPlainTextEdit):
    """Lines of the form NAME=VALUE; the field is as tall as its lines.

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
        self.blockCountChanged.connect(self._fit)
        self.horizontalScrollBar().rangeChanged.connect(self._fit)
        self._fit()

    def _fit(self, *_change: int) -> None:
        # A scroll bar of the field inside of that of a dialog would be hard to use.
        lines = min(max(self.blockCount(), _LINES), _MOST_LINES)
        bar = self.horizontalScrollBar()
        below = bar.sizeHint().height() if bar.maximum() > 0 else 0
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + _AROUND + below)

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
