"""The tab bar: words with a line under the present one; widths do not jump when it changes."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QSizePolicy, QTabBar, QWidget

from gui import theme

_PADDING = 14


class TabBar(QTabBar):
    """Drawn by the style sheet, as the sketches show it.

    Not by hand: a colour in a call of QPainter loads the namespace `Qt` of PySide6, which takes as
    long as a sixth of a bare start, and this is in the first picture.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", "views")
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setUsesScrollButtons(True)
        self.setMouseTracking(True)
        self.setAccessibleName("Views")
        self.setFixedHeight(theme.TABS - 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def tabSizeHint(self, index: int) -> QSize:
        """Return the room of the bold title, so that choosing a tab moves nothing."""
        width = QFontMetrics(theme.bold_font()).horizontalAdvance(self.tabText(index))
        return QSize(width + 2 * _PADDING, theme.TABS - 1)

    def minimumTabSizeHint(self, index: int) -> QSize:
        """Return the same: titles are short."""
        return self.tabSizeHint(index)
