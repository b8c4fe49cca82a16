"""Table models of text lines and of hexadecimal bytes; only visible lines are processed."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QObject, Qt

from core.preview import HexDump, Lines
from gui.models.columns import RIGHT
from gui.models.indexes import NOWHERE, Index
from gui.models.roles import MONO_ROLE, TONE_ROLE

_TONES = {"E": "danger", "W": "warning", "D": "muted"}
#: Bytes in one line of a hexadecimal view, and in a narrow one.
BYTES, FEW_BYTES = 16, 8
_DOTS = bytes(code if 32 <= code < 127 else ord(".") for code in range(256))


class LinesModel(QAbstractTableModel):
    """Two columns: the line's number (or offset), and the line."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lines = Lines(())

    def set_lines(self, lines: Lines) -> None:
        """Show other lines."""
        self.beginResetModel()
        self._lines = lines
        self.endResetModel()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of lines."""
        return 0 if parent.isValid() else len(self._lines.lines)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Return 2: number and text."""
        return 0 if parent.isValid() else 2

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a line's number or text, and the tone of its level."""
        if role == MONO_ROLE:
            return True
        return self._number(index, role) if index.column() == 0 else self._line(index, role)

    def _number(self, index: Index, role: int) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{index.row() + 1}"
        if role == TONE_ROLE:
            return "muted"
        return RIGHT if role == Qt.ItemDataRole.TextAlignmentRole else None

    def _line(self, index: Index, role: int) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            # The delegate shows control characters escaped: a tab would be `\x09`.
            return self._lines.lines[index.row()].expandtabs(4)
        if role == TONE_ROLE and self._lines.levels:
            return _TONES.get(self._lines.levels[index.row()])
        return None

    def longest(self) -> int:
        """Return the number of characters of the longest line."""
        return self._lines.longest

    def found(self, text: str) -> list[int]:
        """Return the rows that contain `text`, ignoring case."""
        wanted = text.casefold()
        if not wanted:
            return []
        # `casefold` also matches letters such as ß, which `lower` does not change.
        return [row for row, line in enumerate(self._lines.lines) if wanted in line.casefold()]


class HexModel(QAbstractTableModel):
    """Three columns: offset, the bytes of a line in hexadecimal, and their letters."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._data = b""
        self._width = BYTES

    @property
    def width(self) -> int:
        """The number of bytes in a line."""
        return self._width

    def set_width(self, width: int) -> None:
        """Show another number of bytes in a line."""
        if width != self._width:
            self.beginResetModel()
            self._width = width
            self.endResetModel()

    def set_dump(self, dump: HexDump) -> None:
        """Show other bytes."""
        self.beginResetModel()
        self._data = dump.data
        self.endResetModel()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of lines."""
        return 0 if parent.isValid() else -(-len(self._data) // self._width)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Return 3."""
        return 0 if parent.isValid() else 3

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return offset, bytes or letters of one row."""
        if role == MONO_ROLE:
            return True
        if role == TONE_ROLE:
            return "muted" if index.column() == 0 else None
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        at = index.row() * self._width
        part = self._data[at : at + self._width]
        if index.column() == 0:
            return f"{at:08x}"
        return part.hex(" ") if index.column() == 1 else part.translate(_DOTS).decode("ascii")
