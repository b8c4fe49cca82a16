"""The strip of tabs above the contents: one tab for each open folder and page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import cast

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QTabBar, QWidget

from gui import actions, theme
from gui.tabs.browser.pages import PAGES
from gui.widgets.buttons import icon_button
from gui.widgets.icons import icon
from gui.widgets.labels import shown, tooltip

#: Height of the strip, and maximum width of a title, in pixels.
_HEIGHT, _MAX_TITLE = 32, 180
#: Widths in pixels beside a title: padding of 8 at both sides, icon and gap; close button and gap.
_ICON, _CLOSE = 44, 26


class _Bar(QTabBar):
    """Tabs that can be moved; the middle mouse button closes one.

    Signals:
        close_wanted: the index of a tab to close.
    """

    close_wanted = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("folders")
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setMovable(True)
        self.setUsesScrollButtons(True)
        self.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.setAccessibleName("Open folders and pages")
        self.setFixedHeight(_HEIGHT - 1)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)

    def tabSizeHint(self, index: int) -> QSize:
        """Return the size of the bold title, so that selecting a tab moves nothing."""
        width = QFontMetrics(theme.bold_font()).horizontalAdvance(self.tabText(index))
        close = self.tabButton(index, QTabBar.ButtonPosition.RightSide) is not None
        return QSize(min(width, _MAX_TITLE) + _ICON + close * _CLOSE, _HEIGHT - 1)

    def minimumTabSizeHint(self, index: int) -> QSize:
        """Return the width below which the bar scrolls instead of shortening titles."""
        return QSize(min(self.tabSizeHint(index).width(), 110), _HEIGHT - 1)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Close a tab that is clicked with the middle button."""
        if event.button() == Qt.MouseButton.MiddleButton:
            index = self.tabAt(event.position().toPoint())
            if index >= 0:
                self.close_wanted.emit(index)
        super().mouseReleaseEvent(event)


class Strip(QFrame):
    """The tabs, a button that opens another folder, and a button for each kind of page.

    Each tab is identified by an object: the state of a folder, or the name of a page.

    Signals:
        chosen: the object of the tab that became current.
        closed: the object of a tab that the user closes.
        new_wanted: the user wants another folder tab.
        page_wanted: the name of a page to open.
    """

    chosen = Signal(object)
    closed = Signal(object)
    new_wanted = Signal()
    page_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("surface", "bar")
        self.setFixedHeight(_HEIGHT)
        self.bar = _Bar()
        # Qt would convert an object that it stores itself, so it only stores a number.
        self._tabs: dict[int, tuple[object, str]] = {}
        self._next = 0
        self.add = icon_button("add", actions.tip("browser.new_tab"), self.new_wanted.emit)
        self.buttons = {
            name: icon_button(kind.icon, actions.tip(f"browser.{name}"), self._opener(name))
            for name, kind in PAGES.items()
        }
        line = QHBoxLayout(self)
        line.setContentsMargins(4, 0, 8, 0)
        line.setSpacing(4)
        line.addWidget(self.bar)
        line.addWidget(self.add)
        line.addStretch(1)
        for button in self.buttons.values():
            line.addWidget(button)
        self.bar.currentChanged.connect(self._on_current)
        self.bar.close_wanted.connect(self.close_at)
        theme.current().changed.connect(self._paint)

    # Tabs

    def open(self, what: object, title: str, icon_name: str) -> None:
        """Add a tab, without making it current."""
        self.bar.blockSignals(True)  # noqa: FBT003 - Qt's own
        index = self.bar.addTab(title)
        self._tabs[self._next] = (what, icon_name)
        self.bar.setTabData(index, self._next)
        self._next += 1
        self.bar.blockSignals(False)  # noqa: FBT003 - Qt's own
        self._paint()
        self._allow_closing()

    def set_title(self, what: object, title: str, hint: str = "") -> None:
        """Show another title and tooltip of a tab."""
        index = self.index_of(what)
        if index >= 0:
            # An ampersand would underline the next letter.
            self.bar.setTabText(index, shown(title).replace("&", "&&"))
            self.bar.setTabToolTip(index, tooltip(hint or title))
            button = self._button(index)
            if button is not None:
                button.setAccessibleName(f"Close {shown(title)}")

    def choose(self, what: object) -> None:
        """Make a tab current."""
        self.bar.setCurrentIndex(self.index_of(what))

    def remove(self, what: object) -> None:
        """Remove a tab; another one becomes current if it was."""
        index = self.index_of(what)
        if index >= 0:
            del self._tabs[self.bar.tabData(index)]
            self.bar.removeTab(index)
            self._allow_closing()

    def close_at(self, index: int) -> None:
        """Announce that the user closes the tab at an index."""
        self.closed.emit(self.at(index))

    def step(self, by: int) -> None:
        """Make the next or previous tab current; after the last one follows the first."""
        if self.bar.count():
            self.bar.setCurrentIndex((self.bar.currentIndex() + by) % self.bar.count())

    @property
    def current(self) -> object:
        """The object of the current tab; None without tabs."""
        return self.at(self.bar.currentIndex())

    def at(self, index: int) -> object:
        """Return the object of the tab at an index; None if there is none."""
        number = self.bar.tabData(index)
        return None if number is None else self._tabs[number][0]

    def all(self) -> Iterator[object]:
        """Yield the objects of all tabs in their order."""
        yield from (self.at(index) for index in range(self.bar.count()))

    def index_of(self, what: object) -> int:
        """Return the index of a tab, or -1."""
        return next((n for n, each in enumerate(self.all()) if each is what or each == what), -1)

    def _on_current(self, index: int) -> None:
        if index >= 0:
            self.chosen.emit(self.at(index))

    def _allow_closing(self) -> None:
        """Show a close button in each tab except the only folder, which cannot be closed."""
        right = QTabBar.ButtonPosition.RightSide
        only = sum(not isinstance(each, str) for each in self.all()) == 1
        for index, what in enumerate(self.all()):
            button = self._button(index)
            if only and not isinstance(what, str):
                # Removed, since Qt reserves the width of a hidden button.
                self.bar.setTabButton(index, right, cast("QWidget", None))
                if button is not None:
                    button.deleteLater()
            elif button is None:
                self.bar.setTabButton(index, right, self._close_button(index, what))

    def _button(self, index: int) -> QWidget | None:
        """Return the close button of a tab, or None."""
        return self.bar.tabButton(index, QTabBar.ButtonPosition.RightSide)

    def _close_button(self, index: int, what: object) -> QWidget:
        title = self.bar.tabText(index).replace("&&", "&")
        close = icon_button("close", f"Close {title}", lambda: self.closed.emit(what))
        close.setFixedSize(18, 18)
        # Reachable by the shortcut instead: Tab would stop at each of the buttons.
        close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return close

    def _opener(self, name: str) -> Callable[[], object]:
        return lambda: self.page_wanted.emit(name)

    def _paint(self) -> None:
        for index in range(self.bar.count()):
            self.bar.setTabIcon(index, icon(self._tabs[self.bar.tabData(index)][1], "muted"))
