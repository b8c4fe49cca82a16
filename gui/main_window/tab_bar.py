"""The tab bar: words with a line under the present one; widths do not jump when it changes."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QTabBar, QWidget

from gui import theme

_PADDING = 14


class TabBar(QTabBar):
    """Drawn by hand, as the sketches show it; keyboard and screen readers get Qt's own bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setUsesScrollButtons(True)
        self.setMouseTracking(True)
        self.setAccessibleName("Views")
        self.setFixedHeight(theme.TABS - 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._hovered = -1

    def tabSizeHint(self, index: int) -> QSize:
        """Return the room of the bold title, so that choosing a tab moves nothing."""
        width = QFontMetrics(theme.bold_font()).horizontalAdvance(self.tabText(index))
        return QSize(width + 2 * _PADDING, theme.TABS - 1)

    def minimumTabSizeHint(self, index: int) -> QSize:
        """Return the same: titles are short."""
        return self.tabSizeHint(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Brighten the title under the pointer."""
        super().mouseMoveEvent(event)
        self._hover(self.tabAt(event.position().toPoint()))

    def leaveEvent(self, event: object) -> None:
        """Brighten nothing."""
        super().leaveEvent(event)  # type: ignore[arg-type]  # Qt hands in a QEvent
        self._hover(-1)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the titles, the line under the present one, and the focus."""
        painter = QPainter(self)
        colours = theme.tokens()
        painter.fillRect(self.rect(), colours.panel)
        for index in range(self.count()):
            self._draw(painter, index, self.tabRect(index), colours)

    def _draw(self, painter: QPainter, index: int, area: QRect, colours: theme.Tokens) -> None:
        present = index == self.currentIndex()
        if present and self.hasFocus():
            painter.fillRect(area.adjusted(2, 6, -2, -6), colours.selection)
        bright = present or index == self._hovered
        painter.setPen(colours.text if bright else colours.muted)
        painter.setFont(theme.bold_font() if present else theme.text_font())
        painter.drawText(
            area.adjusted(0, 2, 0, 0), int(Qt.AlignmentFlag.AlignCenter), self.tabText(index)
        )
        if present:
            line = QRect(area.left(), area.bottom() - 1, area.width(), 2)
            painter.fillRect(line, colours.accent)

    def _hover(self, index: int) -> None:
        if index != self._hovered:
            self._hovered = index
            self.update()
