"""The header of a table with the type of each column below its title."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFontMetrics, QPainter
from PySide6.QtWidgets import QStyleOptionHeader, QWidget

from gui import theme
from gui.views.rows_model import TYPE_ROLE
from gui.widgets.cells import PADDING
from gui.widgets.column_header import Header
from gui.widgets.labels import shown

#: Heights in pixels of the header and of its lower line; the style sheet has the upper margin of
#: the titles.
_HEIGHT, _LOWER = 42, 18


class TypedHeader(Header):
    """A header of two lines: the title with the sort arrow, and the type."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._small = theme.text_font(theme.SMALL_SIZE)

    def set_height(self) -> None:
        """Set the height of two lines; called after a table has set that of one."""
        self.setFixedHeight(_HEIGHT)

    def type_width(self, section: int) -> int:
        """Return the width in pixels of the type of a column."""
        return QFontMetrics(self._small).horizontalAdvance(self._type_of(section))

    def initStyleOptionForIndex(self, option: QStyleOptionHeader, section: int) -> None:
        """Move the title to the upper line."""
        super().initStyleOptionForIndex(option, section)
        side = Qt.AlignmentFlag.AlignRight if self._right(section) else Qt.AlignmentFlag.AlignLeft
        option.textAlignment = side | Qt.AlignmentFlag.AlignTop

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        """Draw the title with its arrow, and the type below it."""
        super().paintSection(painter, rect, section)
        lower = rect.adjusted(PADDING, rect.height() - _LOWER - 1, -PADDING, -1)
        side = Qt.AlignmentFlag.AlignRight if self._right(section) else Qt.AlignmentFlag.AlignLeft
        painter.save()
        painter.setFont(self._small)
        painter.setPen(theme.tokens().muted)
        text = QFontMetrics(self._small).elidedText(
            self._type_of(section), Qt.TextElideMode.ElideRight, lower.width()
        )
        painter.drawText(lower, side | Qt.AlignmentFlag.AlignTop, text)
        painter.restore()

    def _title_area(self, rect: QRect) -> QRect:
        return rect.adjusted(0, 0, 0, -_LOWER)

    def _type_of(self, section: int) -> str:
        return shown(str(self.model().headerData(section, self.orientation(), TYPE_ROLE) or ""))
