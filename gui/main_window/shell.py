"""The tab bar: titles with a line below the current one; widths stay when it changes."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QSizePolicy, QTabBar, QWidget

from gui import theme

_PADDING = 14


class TabBar(QTabBar):
    """The tab bar, drawn by the style sheet.

    It is not painted by hand, since a colour in a QPainter call loads PySide6's namespace `Qt`,
    which would add a sixth of the startup time to the first paint.
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
        """Return the size of the bold title, so that selecting a tab moves nothing."""
        width = QFontMetrics(theme.bold_font()).horizontalAdvance(self.tabText(index))
        return QSize(width + 2 * _PADDING, theme.TABS - 1)

    def minimumTabSizeHint(self, index: int) -> QSize:
        """Return the same size, since titles are short."""
        return self.tabSizeHint(index)
