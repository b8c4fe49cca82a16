"""The banner floats: nothing moves, nothing loses the focus, and what is worked on stays visible."""

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QLabel, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from core.errors import Throttled
from gui.widgets.banner import Banner, banner_above, report_unchanged
from gui.widgets.buttons import plain_button
from gui.widgets.panel import page


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


def test_it_gives_way_to_the_control_that_gets_the_focus(view, qtbot):
    button = plain_button("Save")
    button.setParent(view)
    view.banner.show_good("Done")
    button.move(view.banner.pos())
    button.show()
    button.setFocus()
    assert not view.banner.geometry().intersects(button.geometry())


def test_a_result_goes_by_itself_but_what_needs_a_decision_stays(view, qtbot):
    view.banner._later.setInterval(1)
    view.banner.show_good("Done")
    qtbot.waitUntil(view.banner.isHidden)
    view.banner.show_good("Deleted", action=("Undo", lambda: None))
    assert not view.banner._later.isActive()
    view.banner.show_warning("Careful")
    assert not view.banner._later.isActive()


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


def test_it_does_not_cover_another_message(view):
    other = Banner(view)
    view.banner.show_error(Throttled("Slow"), lambda: None)
    other.show_warning("Careful", "a reason " * 20)
    assert not other.geometry().intersects(view.banner.geometry())


def test_in_a_page_that_scrolls_it_stays_in_sight(view, qtbot):
    view.setMinimumSize(1400, 900)
    window = page(view)
    qtbot.addWidget(window)
    window.resize(600, 400)
    window.show()
    view.banner.show_error(Throttled("Slow"), lambda: None)
    for bar in (window.horizontalScrollBar(), window.verticalScrollBar()):
        bar.setValue(bar.maximum())
        place = view.banner.mapTo(window.viewport(), QPoint())
        assert window.viewport().rect().contains(QRect(place, view.banner.size()))
    window.takeWidget()
