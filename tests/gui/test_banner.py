"""A banner covers no content in use, moves nothing, and takes no focus."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QCursor, QFontMetrics, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QLabel,
    QLineEdit,
    QMenu,
    QPlainTextEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from core.errors import InvalidInput, Throttled
from gui.widgets import banner as banner_module
from gui.widgets.banner import Banner, banner_above, report_unchanged
from gui.widgets.buttons import plain_button
from gui.widgets.elide import fitted_text
from gui.widgets.fitted import FittedText
from gui.widgets.free_space import cheapest, free_place
from gui.widgets.page import Page
from gui.widgets.table import choose_row, make_table


@pytest.fixture
def view(qtbot, themed):
    view = QWidget()
    view.banner = Banner(view)
    view.first, view.text, view.last = QLineEdit(), QPlainTextEdit(), QLineEdit()
    box = QVBoxLayout(view)
    for part in (view.first, view.text, view.last):
        box.addWidget(part)
    view.resize(700, 400)
    qtbot.addWidget(view)
    QCursor.setPos(view.mapToGlobal(QPoint(5, 5)))
    view.show()
    view.activateWindow()
    view.first.setFocus()
    qtbot.waitUntil(view.first.hasFocus)
    return view


def _places(view):
    parts = (view.first, view.text, view.last)
    return [part.geometry() for part in parts]


def _area(part, view):
    return QRect(part.mapTo(view, QPoint()), part.size())


def test_nothing_moves_and_the_focus_stays(view, qtbot):
    before = _places(view)
    for show in (
        lambda: view.banner.show_good("Done"),
        lambda: view.banner.show_warning("Careful", "a reason " * 60),
        lambda: view.banner.show_error(Throttled("Slow", details="x\n" * 50), lambda: None),
        view.banner.clear,
    ):
        show()
        qtbot.wait(1)
        assert _places(view) == before
        assert view.first.hasFocus()


def test_it_stays_inside_the_view_whatever_its_size(view):
    view.banner.show_warning("Careful", "a reason " * 60)
    for width, height in ((700, 400), (300, 200), (1900, 1000)):
        view.resize(width, height)
        assert view.rect().contains(view.banner.geometry())


def test_it_covers_neither_the_focus_nor_the_pointer(view, qtbot):
    for part in (view.last, view.first):
        part.setFocus()
        QCursor.setPos(part.mapToGlobal(QPoint(50, 5)))
        view.banner.show_good("Done")
        assert not view.banner.geometry().intersects(_area(part, view))


@given(
    st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 40)), min_size=1),
    st.lists(st.tuples(*(st.integers(0, 90),) * 2, *(st.integers(0, 60),) * 2, st.integers(1, 9))),
)
def test_the_first_of_the_cheapest_positions_is_found(points, parts):
    places = [QPoint(x, y) for x, y, _size in points]
    size = QSize(points[0][2], points[0][2])
    costs = [(QRect(x, y, width, height), cost) for x, y, width, height, cost in parts]

    def cost(point):
        card = QRect(point, size)
        # To Qt an empty rectangle inside of another one intersects it.
        return sum(price for place, price in costs if place.isValid() and card.intersects(place))

    assert cheapest(places, size, costs) == min(places, key=cost)


def test_it_gives_way_to_the_control_that_gets_the_focus(view, qtbot):
    button = plain_button("Save")
    button.setParent(view)
    view.banner.show_good("Done")
    button.move(view.banner.pos())
    button.show()
    button.setFocus()
    assert not view.banner.geometry().intersects(button.geometry())


def test_a_result_goes_by_itself_but_what_needs_a_decision_stays(view, qtbot, monkeypatch):
    for name in ("_RESULT_MS", "_OFFER_MS"):
        monkeypatch.setattr(banner_module, name, 1)
    view.banner.show_good("Done")
    qtbot.waitUntil(view.banner.isHidden)
    undo = ("Undo", lambda: None)
    view.banner.show_good("Deleted; Ctrl+Z does the same", action=undo, passing=True)
    qtbot.waitUntil(view.banner.isHidden)
    view.banner.show_good("Saved", action=undo)
    assert not view.banner._later.isActive()
    view.banner.show_warning("Careful")
    assert not view.banner._later.isActive()


@pytest.fixture
def rows(qtbot, themed):
    """A view that is filled by a table, which can have any number of rows."""
    view = QWidget()
    view.banner = Banner(view)
    view.model = QStandardItemModel(0, 1)
    view.table = make_table(view.model, "Rows")
    QVBoxLayout(view).addWidget(view.table)
    view.resize(700, 400)
    qtbot.addWidget(view)
    QCursor.setPos(view.mapToGlobal(QPoint(5, 5)))
    view.show()
    view.activateWindow()
    view.table.setFocus()
    qtbot.waitUntil(view.table.hasFocus)
    return view


def _fill(view, count):
    for number in range(count):
        view.model.appendRow(QStandardItem(f"row {number}"))


def _row(view, number):
    table = view.table
    rect = table.visualRect(table.model().index(number, 0))
    return QRect(table.viewport().mapTo(view, rect.topLeft()), rect.size())


def test_it_covers_no_row_where_there_is_room_beside_them(rows):
    _fill(rows, 9)
    rows.banner.show_warning("Careful")
    card = rows.banner.geometry()
    assert not [n for n in range(9) if _row(rows, n).intersects(card)]


def test_every_row_can_be_scrolled_above_it(rows, qtbot):
    _fill(rows, 60)
    bar = rows.table.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    before = bar.maximum()
    rows.banner.show_error(Throttled("Slow"), lambda: None)
    bar.setValue(bar.maximum())
    assert _row(rows, 59).bottom() < rows.banner.geometry().top()
    rows.banner.clear()
    assert bar.maximum() == before


def test_in_a_low_view_it_covers_rows_rather_than_the_titles_of_their_columns(rows):
    """Rows can be scrolled from below it, titles cannot."""
    _fill(rows, 60)
    rows.resize(360, 230)
    QCursor.setPos(rows.mapToGlobal(QPoint(-90, -90)))
    rows.banner.show_info("8,612 keys: 8,612 keys added, 0 changed, 0 removed, with 36 requests.")
    rows.table.setFocus()
    header = rows.table.horizontalHeader()
    for row in range(rows.model.rowCount()):
        choose_row(rows.table, row)
        assert not _area(header, rows).intersects(rows.banner.geometry())


def test_it_makes_way_for_the_row_that_the_keyboard_reaches(rows, qtbot):
    _fill(rows, 60)
    rows.banner.show_error(Throttled("Slow"), lambda: None)
    for _press in range(30):
        qtbot.keyClick(rows.table, Qt.Key.Key_Down)
        current = _row(rows, rows.table.currentIndex().row())
        assert not current.intersects(rows.banner.geometry())
        assert rows.rect().contains(current)


def test_a_cancel_is_reported_by_the_nearest_view(view):
    assert banner_above(view.text) is view.banner
    view.banner.show_good("3 objects deleted.")
    report_unchanged(view.text)
    assert view.banner.text == "Nothing was changed."


def test_a_widget_without_a_view_reports_nothing(qtbot):
    lonely = QWidget()
    qtbot.addWidget(lonely)
    report_unchanged(lonely)
    assert banner_above(lonely) is None


def test_it_moves_when_text_appears_under_it_but_not_under_the_pointer(view, monkeypatch):
    view.text.hide()
    late = QLabel("This appeared later", view)
    late.hide()
    view.banner.show_error(Throttled("Slow"), lambda: None)
    late.setGeometry(view.banner.geometry())
    late.show()
    late.lower()
    before = view.banner.geometry()
    monkeypatch.setattr(view.banner, "underMouse", lambda: True)
    view.banner.keep_clear()
    assert view.banner.geometry() == before
    monkeypatch.setattr(view.banner, "underMouse", lambda: False)
    view.banner.keep_clear()
    assert view.banner.geometry() != before
    assert not view.banner.geometry().intersects(late.geometry())


def test_the_sentences_of_an_error_end_with_a_full_stop(view):
    error = InvalidInput("No", cause='Candidates: "open" ', remedy="Correct the SQL.")
    view.banner.show_error(error)
    assert view.banner._why.text() == 'Candidates: "open". Correct the SQL.'


def test_it_does_not_cover_another_message(view):
    other = Banner(view)
    view.banner.show_error(Throttled("Slow"), lambda: None)
    other.show_warning("Careful", "a reason " * 20)
    assert not other.geometry().intersects(view.banner.geometry())


def test_in_a_page_that_scrolls_it_stays_in_sight(view, qtbot):
    view.setMinimumSize(1400, 900)
    window = Page(view)
    qtbot.addWidget(window)
    window.resize(600, 400)
    window.show()
    view.banner.show_error(Throttled("Slow"), lambda: None)
    for bar in (window.horizontalScrollBar(), window.verticalScrollBar()):
        bar.setValue(bar.maximum())
        place = view.banner.mapTo(window.viewport(), QPoint())
        assert window.viewport().rect().contains(QRect(place, view.banner.size()))
    window.takeWidget()


def test_in_a_view_that_opaque_children_fill_it_has_all_of_its_room(qtbot, themed):
    window, inside = QWidget(), QWidget()
    inside.banner = Banner(inside)
    box = QVBoxLayout(inside)
    box.setContentsMargins(0, 0, 0, 0)
    cover = QWidget()
    cover.setAutoFillBackground(True)
    box.addWidget(cover)
    QVBoxLayout(window).addWidget(inside)
    qtbot.addWidget(window)
    window.resize(900, 400)
    window.show()
    inside.banner.show_info("Ctrl+Shift+S works in: Lists, tables and trees (Sort by a column…).")
    assert inside.banner.width() > 400
    assert inside.rect().contains(inside.banner.geometry())


def test_the_menus_of_a_page_remain_after_a_message_above_it(view, qtbot):
    """Searching the part of a scroll area that only Qt knows invalidated the entries of menus."""
    around = QScrollArea()
    qtbot.addWidget(around)
    menu = QMenu(view)
    entry = menu.addAction("Averages")
    around.setWidget(view)
    around.show()
    free_place(view, QSize(100, 40), view.banner)
    gc.collect()
    around.takeWidget()
    assert isValid(entry)
    assert entry.text() == "Averages"


def test_a_very_long_word_is_elided_and_hides_no_part_of_the_message(view, qtbot):
    key = "x" * 1030
    view.banner.show_error(InvalidInput(f"{key} is no key", cause="It is long.", remedy="Shorten."))
    area = view.banner.findChild(QScrollArea).viewport()
    labels = [label for label in view.banner.findChildren(FittedText) if label.isVisible()]
    summary, why = labels

    def shows_everything():
        ends = [label.mapTo(area, label.rect().topRight()).x() for label in labels]
        fits = summary.fontMetrics().horizontalAdvance(summary.text().split()[0]) < area.width()
        return fits and max(ends) < area.width()

    assert view.banner.text == f"{key} is no key"
    for width in (700, 420, 800):
        view.resize(width, 400)
        qtbot.waitUntil(shows_everything)
        assert summary.text().endswith(" is no key")
        assert "…" in summary.text()
        assert why.text() == "It is long. Shorten."
    assert summary.minimumSizeHint().width() <= 60
    assert key in summary.toolTip()
    view.banner.show_good("short")
    assert summary.toolTip() == ""


@pytest.mark.parametrize("text", ["a" * 60, "🚀" * 60, "2024/01/" * 30, "a b " * 40, "\ud800" * 50])
def test_no_unbreakable_part_is_wider_than_the_label(themed, text):
    metrics = QFontMetrics(QLabel().font())
    fitted = fitted_text(text, metrics, 100)
    label = QLabel(fitted)
    label.setWordWrap(True)
    assert label.minimumSizeHint().width() <= 110
    assert fitted_text("short words", metrics, 100) == "short words"
    assert fitted_text(text, metrics, 100_000) == text
