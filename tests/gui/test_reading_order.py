"""Tab visits the controls of the window in reading order."""

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)

from gui.main_window.event_filters import TabKeys
from gui.tabs.browser.path_bar import PathBar
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button
from gui.widgets.dialog import Dialog
from gui.widgets.page import Page
from gui.widgets.panel import splitter
from gui.widgets.reading_order import focus_next, reading_order
from gui.widgets.segmented import Segmented


class _View(QWidget):
    """A path, a switch and two fields; Tab follows their order."""

    def __init__(self):
        super().__init__()
        self.banner = Banner(self)
        self.last, self.first = QLineEdit(), QLineEdit()
        self.last.setAccessibleName("last")
        self.first.setAccessibleName("first")
        self.path, self.switch = PathBar(), Segmented(("Chart",), name="View")
        left, right = QWidget(), QWidget()
        upper = QHBoxLayout()
        upper.addWidget(self.path, 1)
        upper.addWidget(self.switch)
        box = QVBoxLayout(left)
        box.addLayout(upper)
        box.addWidget(self.first)
        box = QVBoxLayout(right)
        box.addWidget(Page(self.last))
        box.addWidget(self._chart())
        QVBoxLayout(self).addWidget(splitter(left, right, sizes=(800, 800)))

    @staticmethod
    def _chart():
        """A view that hands its focus to the chart inside, as previews do."""
        holder, chart, zoom = QWidget(), QLineEdit(), QLineEdit()
        chart.setAccessibleName("chart")
        zoom.setAccessibleName("zoom")
        box = QVBoxLayout(holder)
        box.addWidget(chart)
        box.addWidget(zoom)
        holder.setFocusProxy(chart)
        return holder

    def focusNextPrevChild(self, forward):  # noqa: N802 - Qt's own name
        return focus_next(self, forward=forward)


@pytest.fixture
def view(qtbot, themed):
    view = _View()
    qtbot.addWidget(view)
    view.resize(1600, 300)
    view.show()
    view.activateWindow()
    view.first.setFocus()
    qtbot.waitUntil(view.first.hasFocus)
    return view


def _walk(view, qtbot, key):
    """Press a key until the focus is where it began; return the names of what had it."""
    names, start = [], QApplication.focusWidget()
    while not names or QApplication.focusWidget() is not start:
        names.append(QApplication.focusWidget().accessibleName())
        qtbot.keyClick(QApplication.focusWidget(), key)
        assert len(names) < 30
    return names


def test_a_control_below_the_visible_part_of_its_page_is_scrolled_into_view(qtbot, themed):
    part = QWidget()
    box, fields = QVBoxLayout(part), [QLineEdit() for _ in range(20)]
    for field in fields:
        box.addWidget(field)
    page = Page(part)
    qtbot.addWidget(page)
    page.resize(300, 200)
    page.show()
    page.activateWindow()
    fields[0].setFocus()
    qtbot.waitUntil(fields[0].hasFocus)
    for forward in (False, True):
        focus_next(part, forward=forward)
        focused = fields[0] if forward else fields[-1]
        assert part.window().focusWidget() is focused
        assert focused.visibleRegion().boundingRect() == focused.rect()


def test_the_beginning_of_a_control_that_is_larger_than_its_page_is_visible(qtbot, themed):
    part = QWidget()
    box, large = QVBoxLayout(part), QListWidget()
    large.setMinimumSize(800, 900)
    box.addWidget(QLineEdit())
    box.addWidget(large)
    page = Page(part)
    qtbot.addWidget(page)
    page.resize(300, 200)
    page.show()
    focus_next(part, forward=False)
    assert part.window().focusWidget() is large
    assert large.visibleRegion().contains(QPoint(2, 2))


def test_controls_that_were_made_late_are_reached_where_they_are(view, qtbot):
    view.path.show_prefix("a/b/c/")
    view.switch.set_items(("Table", "JSON"))
    view.banner.show_warning("Careful", action=("Do it", lambda: None))
    qtbot.waitUntil(lambda: "Table" in [part.accessibleName() for part in reading_order(view)])
    forward = _walk(view, qtbot, Qt.Key.Key_Tab)
    assert forward == [
        "first", "last", "chart", "zoom", "Do it", "Close this message",
        "The entire bucket", "Go to a/", "Go to a/b/", "Table",
    ]  # fmt: skip
    backward = _walk(view, qtbot, Qt.Key.Key_Backtab)
    assert backward == [forward[0], *reversed(forward[1:])]


def test_what_cannot_have_the_focus_is_left_out(view):
    view.first.setEnabled(False)
    view.last.hide()
    assert view.first not in reading_order(view)
    assert view.last not in reading_order(view)


def test_the_focus_stays_in_the_path_when_the_folder_of_the_button_is_left(view, qtbot):
    view.path.show_prefix("a/b/c/")
    _walk(view, qtbot, Qt.Key.Key_Tab)
    button = next(w for w in reading_order(view) if w.accessibleName() == "Go to a/b/")
    button.setFocus()
    view.path.show_prefix("a/b/c/")
    assert button.hasFocus(), "the folder is the same"
    view.path.show_prefix("a/b/")
    assert view.path.root.hasFocus()


def test_tab_follows_the_reading_order_in_dialogs_of_the_window(qtbot, themed):
    window = QMainWindow()
    qtbot.addWidget(window)
    window.setCentralWidget(QLineEdit())
    TabKeys(window)
    window.show()
    dialog = Dialog(window, "Versions")
    dialog.add_buttons(plain_button("Close", dialog.reject))
    fields = [QLineEdit(), QLineEdit()]
    for field, name in zip(fields, ("list", "find"), strict=True):
        field.setAccessibleName(name)
    dialog.body.addWidget(fields[1])  # Qt's order would be list, Close, find
    dialog.body.insertWidget(0, fields[0])
    dialog.open()
    dialog.activateWindow()
    fields[0].setFocus()
    qtbot.waitUntil(fields[0].hasFocus)
    assert _walk(dialog, qtbot, Qt.Key.Key_Tab) == ["list", "find", "Close"]
    assert _walk(dialog, qtbot, Qt.Key.Key_Backtab) == ["list", "Close", "find"]
    dialog.reject()
