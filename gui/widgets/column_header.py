"""The header of tables and trees: titles aligned like their cells, and the sort arrow."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QRect, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QStyleOptionHeader

from gui.widgets.cells import PADDING
from gui.widgets.icons import icon

#: Width and height of the sort arrow in pixels.
_ARROW = 10


class Header(QHeaderView):
    """A header whose titles are aligned like the cells below them.

    Signals:
        width_changed: the width of the header has changed.
    """

    width_changed = Signal()

    def setSelectionModel(self, _model: QItemSelectionModel) -> None:
        """Ignore the selection: Qt would check for every section whether all rows are selected.

        With 25,000 selected rows that takes 0.4 s per repaint, and the header does not show it.
        """
        # A separate empty model, because a header must have one.
        own = QItemSelectionModel(self.model(), self)
        super().setSelectionModel(own)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Emit the change of the width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.width_changed.emit()

    def initStyleOptionForIndex(self, option: QStyleOptionHeader, section: int) -> None:
        """Use the alignment of the column's first cell; `paintSection` draws the arrow."""
        super().initStyleOptionForIndex(option, section)
        option.sortIndicator = QStyleOptionHeader.SortIndicator.None_
        if self._right(section):
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            option.textAlignment = side

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        """Draw the title, and the sort arrow on its free side."""
        super().paintSection(painter, rect, section)
        if not self.isSortIndicatorShown() or section != self.sortIndicatorSection():
            return
        title = str(self.model().headerData(section, self.orientation()) or "")
        width = QFontMetrics(self.font()).horizontalAdvance(title)
        inner = rect.adjusted(PADDING, 0, -PADDING, 0)
        right = self._right(section)
        x = inner.right() - width - _ARROW - 3 if right else inner.left() + width + 4
        # A title that fills its column is overlapped, so that the arrow stays in sight.
        x = max(x, rect.left() + 1) if right else min(x, rect.right() - _ARROW)
        falling = self.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
        place = QRect(x, self._title_area(rect).center().y() - _ARROW // 2, _ARROW, _ARROW)
        icon("chevron-down" if falling else "chevron-up", "muted").paint(painter, place)

    def _title_area(self, rect: QRect) -> QRect:
        """Return the part of a section in whose middle the title is."""
        return rect

    def _right(self, section: int) -> bool:
        cell = self.model().index(0, section)
        side = cell.data(Qt.ItemDataRole.TextAlignmentRole) if cell.isValid() else None
        if side is None:
            role = Qt.ItemDataRole.TextAlignmentRole
            side = self.model().headerData(section, self.orientation(), role)
        return side is not None and bool(int(side) & int(Qt.AlignmentFlag.AlignRight.value))


def title_width(header: QHeaderView, section: int, *, arrow: bool = True) -> int:
    """Return the width in pixels that a title needs, with the sort arrow if it can be clicked.

    Args:
        header: the header.
        section: the column.
        arrow: whether there is room for the arrow also in a column that is not sorted.
    """
    title = str(header.model().headerData(section, Qt.Orientation.Horizontal) or "")
    # One more pixel, since font metrics are rounded but the elision is not.
    width = QFontMetrics(header.font()).horizontalAdvance(title) + 2 * PADDING + 1
    arrow = arrow or header.sortIndicatorSection() == section
    return width + (_ARROW + 4 if arrow and header.sectionsClickable() else 0)
