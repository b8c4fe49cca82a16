"""The table of a preview is sorted, filtered and summed up in a worker thread, also by keyboard."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import QPersistentModelIndex, QPoint, Qt
from PySide6.QtGui import QAccessible, QGuiApplication
from PySide6.QtWidgets import QMenu

from core.preview import Problem, ProblemKind, Table, preview
from core.preview import table_rows as table_rows_module
from gui.views.background import background_of
from gui.views.preview_view import PreviewView
from gui.views.rows_model import TYPE_ROLE, RowsModel
from gui.views.statistics_dialog import StatisticsDialog
from gui.views.table_view import TableView
from gui.widgets.sorting import open_sort_menu

CTRL = Qt.KeyboardModifier.ControlModifier
ASCENDING, DESCENDING = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder
HEADS = ("id", "side", "note text")
ROWS = [(str(n * 7919 % 100), "buy" if n % 3 else "sell", "") for n in range(100)]


def table(rows=ROWS, heads=HEADS):
    return Table(heads, rows, (True, False, False), types=("integer", "text", "empty"))


class Later:
    """Runs the work when the test calls `finish`; a later request replaces an earlier one."""

    def __init__(self):
        self.waiting = {}

    def __call__(self, owner, name, fn, then, latest):
        self.waiting[latest] = (fn, then)

    def finish(self, work=None):
        for fn, then in [*self.waiting.values()]:
            then(fn(work))
        self.waiting.clear()


@pytest.fixture
def view(show):
    made = show(TableView())
    made.show_content(table())
    return made


def column(model, number=0):
    return [model.index(row, number).data() for row in range(model.rowCount())]


def write(view, text):
    """Type a filter and press Enter, which does not wait for the delay."""
    view.filter.setText(text)
    view.filter.returnPressed.emit()


def test_the_thread_of_the_window_never_sorts_filters_or_counts(view, context, qtbot, monkeypatch):
    threads = []
    for name in ("read_column", "order_of", "holds", "statistics_of"):
        used = getattr(table_rows_module, name)

        def watched(*args, used=used, **named):
            threads.append(threading.get_ident())
            return used(*args, **named)

        monkeypatch.setattr(table_rows_module, name, watched)
    view.set_background(background_of(context.runner))
    view.view.sortByColumn(0, ASCENDING)
    qtbot.waitUntil(lambda: column(view.model)[:2] == ["0", "1"])
    write(view, "id > 9 and side = sell")
    qtbot.waitUntil(lambda: view.count.text() == "33 of 100 rows")
    dialog = view.open_statistics(0)
    qtbot.waitUntil(lambda: dialog.facts.rowCount() > 0)
    dialog.reject()
    assert len(threads) >= 5
    assert threading.get_ident() not in threads


def test_the_former_rows_are_shown_until_the_new_ones_are_ready_and_stale_ones_are_dropped(qapp):
    model, later = RowsModel(), Later()
    model.background = later
    model.set_table(table())
    stored = QPersistentModelIndex(model.index(1, 0))
    model.sort(0, DESCENDING)
    assert column(model) == [row[0] for row in ROWS]
    ((_fn, stale),) = later.waiting.values()
    result = _fn(None)
    model.sort(0, ASCENDING)
    stale(result)
    assert column(model) == [row[0] for row in ROWS]
    later.finish()
    assert column(model) == sorted((row[0] for row in ROWS), key=int)
    assert stored.data() == ROWS[1][0]
    model.sort(0, DESCENDING)
    other = table([("5", "", ""), ("4", "", "")])
    model.set_table(other)
    later.finish()
    assert column(model) == ["5", "4"]


def test_an_order_is_taken_back_by_the_third_click_on_a_title(view, qtbot):
    header = view.view.horizontalHeader()
    where = QPoint(header.sectionViewportPosition(0) + 20, 10)
    for expected in ("0", "99", ROWS[0][0]):
        qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=where)
        assert column(view.model)[0] == expected


def test_an_order_is_taken_back_with_the_keyboard_too(view, qtbot):
    header = view.view.horizontalHeader()
    for expected in ("Sorted by id, ascending", "Sorted by id, descending", ""):
        menu = open_sort_menu(view.view)
        menu.actions()[0].trigger()
        menu.close()
        assert header.accessibleDescription() == expected
    assert column(view.model) == [row[0] for row in ROWS]


def test_a_filter_is_typed_counted_and_cleared_with_keys(view, qtbot):
    view.view.setFocus()
    qtbot.keyClick(view.view, Qt.Key.Key_Slash)
    assert view.filter.hasFocus()
    qtbot.keyClicks(view.filter, "side = sell")
    qtbot.waitUntil(lambda: view.count.text() == "34 of 100 rows")
    assert set(column(view.model, 1)) == {"sell"}
    qtbot.keyClick(view.filter, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: view.count.text() == "")
    assert view.model.rowCount() == 100
    qtbot.keyClick(view.filter, Qt.Key.Key_Escape)
    assert view.view.hasFocus()


def test_what_is_wrong_with_a_filter_is_shown_and_the_rows_stay(view):
    write(view, "id < 10")
    write(view, "prize < 10")
    assert view.banner.text == "There is no column “prize”"
    assert view.banner.failed
    assert "Use the name of a column" in view.filter.accessibleDescription()
    assert (view.model.rowCount(), view.count.text()) == (10, "10 of 100 rows")
    write(view, "id < 20")
    assert (view.count.text(), view.banner.text) == ("20 of 100 rows", "")
    assert "column" in view.filter.placeholderText()
    assert "both conditions" in view.filter.accessibleDescription()


def test_what_is_wrong_is_shown_once_nothing_is_typed_any_more(view, qtbot):
    qtbot.keyClicks(view.filter, "side =")
    qtbot.waitUntil(lambda: view.banner.text == "A value is missing after “side =”")
    qtbot.keyClicks(view.filter, " sell")
    qtbot.waitUntil(lambda: view.count.text() == "34 of 100 rows")
    assert view.banner.text == ""


def test_a_selected_row_stays_selected_while_it_is_shown(view):
    view.go_to(Problem(ProblemKind.BAD_ROW, "", row=3))
    write(view, 'side = "sell"')
    assert [index.data() for index in view.view.selectionModel().selectedRows()] == [ROWS[3][0]]
    write(view, "side = buy")
    assert view.view.selectionModel().selectedRows() == []


def test_a_problem_in_a_hidden_row_clears_the_filter(view):
    later = Later()
    view.set_background(later)
    view.view.sortByColumn(0, ASCENDING)
    write(view, "side = buy")
    later.finish()
    view.go_to(Problem(ProblemKind.BAD_ROW, "", row=3))
    later.finish()
    assert view.filter.text() == ""
    assert view.view.currentIndex().data() == ROWS[3][0]
    assert view.view.currentIndex().row() == int(ROWS[3][0])


def test_another_table_has_neither_order_nor_filter(view):
    view.view.sortByColumn(0, ASCENDING)
    write(view, "id < 10")
    view.show_content(table([("5", "", ""), ("4", "", "")]))
    assert column(view.model) == ["5", "4"]
    assert (view.filter.text(), view.count.text()) == ("", "")
    assert view.view.horizontalHeader().sortIndicatorSection() == -1


def test_columns_grow_with_the_numbers_of_similar_tables_until_their_width_is_chosen(view):
    """The prices of the next object may have twenty digits; then they would be cut off."""
    narrow = view.view.columnWidth(0)
    long = [("0.00000000012345678901", "buy", "")]
    view.show_content(table(long))
    wide = view.view.columnWidth(0)
    assert wide > narrow
    view.show_content(table())
    assert view.view.columnWidth(0) == wide
    view.view.setColumnWidth(0, 60)
    view.show_content(table(long))
    assert view.view.columnWidth(0) == 60


def test_columns_have_room_for_the_codes_of_invisible_characters(show):
    wide, plain = show(TableView()), show(TableView())
    wide.show_content(table([("\u202e" * 5, "buy", "")]))
    plain.show_content(table([("x" * 5, "buy", "")]))
    assert wide.view.columnWidth(0) > plain.view.columnWidth(0)


def test_a_title_has_a_menu_with_statistics_and_a_filter(view, qtbot):
    header = view.view.horizontalHeader()
    header.customContextMenuRequested.emit(QPoint(header.sectionViewportPosition(2) + 5, 5))
    (menu,) = view.view.findChildren(QMenu)
    entries = {entry.text(): entry for entry in menu.actions() if entry.text()}
    assert list(entries)[-2:] == ["Statistics of “note text”…", "Filter by “note text”"]
    entries["Filter by “note text”"].trigger()
    assert view.filter.text() == '"note text" = '
    entries["Statistics of “note text”…"].trigger()
    (dialog,) = view.findChildren(StatisticsDialog)
    assert dialog.box.currentText() == "note text"
    dialog.reject()
    menu.close()


def test_statistics_are_opened_with_a_key_changed_and_copied(view, qtbot):
    view.partial = True
    view.view.setFocus()
    qtbot.keyClick(view.view, "i", CTRL)
    (dialog,) = view.findChildren(StatisticsDialog)
    qtbot.waitUntil(dialog.copy.isEnabled)
    facts = dict(zip(column(dialog.facts), column(dialog.facts, 1), strict=True))
    assert (facts["Type"], facts["Distinct"], facts["Sum"]) == ("numbers", "at least 100", "4950")
    assert dialog.frequent_table.isHidden()
    dialog.box.setCurrentIndex(1)
    dialog.box.activated.emit(1)
    assert (dialog.note.text(), dialog.copy.isEnabled()) == ("Calculating…", False)
    qtbot.waitUntil(dialog.copy.isEnabled)
    assert [column(dialog.frequent, number)[0] for number in range(3)] == ["buy", "66", "66.0%"]
    assert not dialog.frequent_table.isHidden()
    dialog.copy.click()
    assert "Distinct\tat least 2" in QGuiApplication.clipboard().text()
    dialog.reject()


def test_statistics_are_those_of_the_filtered_rows(view, qtbot):
    write(view, "id < 10")
    dialog = view.open_statistics(0)
    qtbot.waitUntil(dialog.copy.isEnabled)
    assert column(dialog.facts, 1)[1] == "10 of 100, filtered"
    dialog.reject()


def test_statistics_say_that_they_are_calculated(view, qtbot):
    later = Later()
    view.set_background(later)
    dialog = view.open_statistics(0)
    qtbot.waitUntil(lambda: bool(later.waiting))
    assert (dialog.note.text(), dialog.copy.isEnabled()) == ("Calculating…", False)
    later.finish()
    assert (dialog.note.text(), dialog.copy.isEnabled()) == ("", True)
    dialog.reject()


def test_the_header_has_the_type_of_each_column_for_eyes_and_screen_readers(view):
    header = view.view.horizontalHeader()
    kinds = [view.model.headerData(n, Qt.Orientation.Horizontal, TYPE_ROLE) for n in range(3)]
    assert kinds == ["integer", "text", "empty"]
    read = QAccessible.queryAccessibleInterface(view.view)
    # The first child is the corner between the headers.
    names = [read.child(n).text(QAccessible.Text.Name) for n in range(1, 4)]
    assert names == ["id, integer", "side, text", "note text, empty"]
    tips = [
        view.model.headerData(n, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
        for n in (0, 2)
    ]
    assert "Type in the first rows: integer" in tips[0]
    assert "no values" in tips[1]
    view.show_content(Table(HEADS, ROWS, (True, False, False), types=("mixed", "text", "text")))
    mixed = view.model.headerData(0, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
    assert "numbers, then times, then texts" in mixed
    former = header.grab().toImage()
    view.show_content(Table(HEADS, ROWS, (True, False, False), types=("decimal(18,8)",) * 3))
    assert header.grab().toImage() != former


def test_the_view_of_a_preview_passes_on_what_it_knows(show, qtbot):
    later = Later()
    view = show(PreviewView())
    view.background = later
    seen = preview(b"id,price\n1,2\n3,4\n5,", "x.csv", total=100)
    view.show_preview(seen)
    view.content_view.view.sortByColumn(0, DESCENDING)
    later.finish()
    assert column(view.content_view.model) == ["3", "1"]
    dialog = view.content_view.open_statistics(0)
    qtbot.waitUntil(lambda: bool(later.waiting))
    later.finish()
    assert column(dialog.facts, 1)[3] == "at least 2"
    dialog.reject()
