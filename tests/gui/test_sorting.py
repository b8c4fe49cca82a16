"""Every table can be sorted with the keyboard, or explains why not."""

from types import SimpleNamespace

import pytest
from helpers.dialogs import MAKERS
from PySide6.QtCore import QSortFilterProxyModel, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QMainWindow, QMenu, QTableView, QTreeView, QWidget

from core.local.settings import Settings
from gui.actions import action
from gui.main_window.drawer import Drawer
from gui.main_window.tasks_model import TasksModel
from gui.shortcuts import Binding
from gui.tab_list import TABS
from gui.views.preview_view import PreviewView
from gui.widgets import sorting
from gui.widgets.table import make_list, make_table, make_tree

KEY = action("lists.sort").keys[0]
CTRL_SHIFT = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
PARTS = {
    **{spec.id: spec.factory for spec in TABS},
    "drawer": lambda context: Drawer(context, TasksModel(context.runner)),
    "preview": lambda _context: PreviewView(),
}


def sorting_of(view):
    """Return what the key for sorting does in a view."""
    (found,) = [
        b for b in view.children() if isinstance(b, Binding) and b.action.id == "lists.sort"
    ]
    return found


def menu_of(view):
    (menu,) = view.findChildren(QMenu)
    return menu


def titles(view):
    header = view.horizontalHeader()
    columns = [header.logicalIndex(place) for place in range(header.count())]
    return [
        str(view.model().headerData(column, Qt.Orientation.Horizontal))
        for column in columns
        if not header.isSectionHidden(column)
    ]


def sorts(model):
    """Whether a model puts its rows in order, by itself or as a proxy."""
    own = any("sort" in vars(kind) for kind in type(model).__mro__ if "gui." in kind.__module__)
    return own or isinstance(model, QSortFilterProxyModel)


def choose(view, title):
    """Open the menu of headings and choose one."""
    sorting_of(view).perform()
    menu = menu_of(view)
    assert [entry.text().partition(", ")[0] for entry in menu.actions()] == titles(view)
    next(e for e in menu.actions() if e.text().partition(", ")[0] == title).trigger()
    menu.close()
    menu.setParent(None)


def check(part):
    """Sort every table below a widget by each of its columns."""
    for view in part.findChildren(QAbstractItemView):
        if not isinstance(view, QTableView | QTreeView):
            continue
        bound = sorting_of(view)
        if not isinstance(view, QTableView) or not view.isSortingEnabled():
            assert bound._reason(), f"{view.accessibleName()} does not say why it is not sorted"
            continue
        assert bound._reason() == ""
        assert sorts(view.model()), f"{view.accessibleName()} shows an order that it does not have"
        for title in titles(view):
            before = view.horizontalHeader().accessibleDescription()
            choose(view, title)
            after = view.horizontalHeader().accessibleDescription()
            assert after != before
            assert after.startswith(f"Sorted by {title}, ")


@pytest.mark.parametrize("name", PARTS)
def test_every_table_is_sorted_by_the_keyboard_or_says_why_not(context, qtbot, name):
    part = PARTS[name](context)
    qtbot.addWidget(part)
    check(part)


def test_every_table_of_a_dialog_is_sorted_by_the_keyboard_or_says_why_not(context, qtbot):
    host = QWidget()
    qtbot.addWidget(host)
    for make in MAKERS.values():
        check(make(host, context))


@pytest.fixture
def table(qtbot, themed):
    model = QStandardItemModel(0, 2)
    model.setHorizontalHeaderLabels(["Name", "R & D"])
    for cells in (("b", "1"), ("a", "2")):
        model.appendRow([QStandardItem(cell) for cell in cells])
    window = QMainWindow()
    qtbot.addWidget(window)
    view = make_table(model, "Projects", settings=Settings(), key="projects", rising=0)
    window.setCentralWidget(view)
    view.frame = window
    window.show()
    window.activateWindow()
    view.setFocus()
    qtbot.waitUntil(view.hasFocus)
    return view


def column(view):
    return [view.model().index(row, 0).data() for row in range(view.model().rowCount())]


def test_the_key_opens_the_headings_and_the_present_one_reverses(table, qtbot):
    assert KEY == "Ctrl+Shift+S"
    assert column(table) == ["a", "b"]
    qtbot.keyClick(table, "s", CTRL_SHIFT)
    menu = menu_of(table)
    assert [entry.text() for entry in menu.actions()] == ["Name, ascending", "R && D"]
    assert menu.activeAction() is menu.actions()[0]
    qtbot.keyClick(menu, Qt.Key.Key_Return)
    assert column(table) == ["b", "a"]
    table.setColumnHidden(0, True)
    qtbot.keyClick(table, "s", CTRL_SHIFT)
    menu = table.findChildren(QMenu)[-1]
    assert [entry.text() for entry in menu.actions()] == ["R && D"]
    menu.close()


def test_a_screen_reader_is_reported_the_new_order_however_it_was_chosen(table, monkeypatch):
    said = []
    active = SimpleNamespace(
        isActive=lambda: True, updateAccessibility=lambda event: said.append(event.message())
    )
    monkeypatch.setattr(sorting, "QAccessible", active)
    table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    assert said == ["Projects: Sorted by R & D, descending"]
    assert table.horizontalHeader().accessibleDescription() == "Sorted by R & D, descending"


def test_a_list_without_an_order_of_choice_says_so(qtbot, themed):
    model = QStandardItemModel(0, 1)
    for make in (make_list, make_tree):
        view = make(model, "Lines")
        qtbot.addWidget(view)
        assert "fixed order" in sorting_of(view)._reason()
