"""The shell of the window, which is painted first: surfaces and the tab bar, without content."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QSize
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QFrame, QSizePolicy, QTabBar, QVBoxLayout, QWidget

from gui import theme

#: Pixels at both sides of a tab's title.
_PADDING = 14


class TabBar(QTabBar):
    """The titles of the tabs with a line below the current one, drawn by the style sheet.

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


class Shell(QWidget):
    """The surfaces of header, content and status bar, and the tab bar between them.

    Attributes:
        bar: the tab bar, which is complete from the start.
    """

    def __init__(self, titles: Iterable[str]) -> None:
        super().__init__()
        self.bar = TabBar()
        for title in titles:
            self.bar.addTab(title)
        strip = QWidget()
        strip.setProperty("surface", "panel")
        line = QVBoxLayout(strip)
        line.setContentsMargins(8, 0, 8, 0)
        line.addWidget(self.bar)
        self._header = _surface("bar", theme.HEADER)
        self._content = QWidget()
        self._status = _surface("foot", theme.STATUS)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(0)
        for part in (self._header, strip, _surface("rule", 1)):
            self._box.addWidget(part)
        self._box.addWidget(self._content, 1)
        self._box.addWidget(self._status)

    def focus_content(self) -> None:
        """Focus the content instead of the tab bar, which would be highlighted."""
        self._content.setFocus()

    def fill(self, header: QWidget, content: QWidget, status: QWidget) -> None:
        """Replace the empty surfaces by the real parts, which have the same sizes."""
        for place, part in (
            (self._header, header),
            (self._content, content),
            (self._status, status),
        ):
            self._box.replaceWidget(place, part)
            place.deleteLater()


def _surface(name: str, height: int) -> QFrame:
    frame = QFrame()
    frame.setProperty("surface", name)
    frame.setFixedHeight(height)
    return frame
