"""A page hides what does not fit into it, and buttons elide the names in them."""

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QHBoxLayout, QToolTip, QWidget

from gui.tabs.backups.button_row import ButtonRow
from gui.widgets.buttons import name_button, plain_button
from gui.widgets.page import Page, fit_to_page

NAME = "daily_account_balances_of_all_customers_before_the_R&D_migration"


class _Columns(QWidget):
    """Two columns of 500 pixels; the second one is hidden below 900."""

    def __init__(self):
        super().__init__()
        self.first, self.second = QWidget(), QWidget()
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        for part in (self.first, self.second):
            part.setMinimumSize(450, 300)
            box.addWidget(part)
        self.widths = []
        fit_to_page(self, self._fit)

    def _fit(self, size):
        self.widths.append(size.width())
        self.second.setVisible(size.width() >= 900)


@pytest.fixture
def columns():
    return _Columns()


@pytest.fixture
def page(columns, qtbot):
    holder = QWidget()
    box = QHBoxLayout(holder)
    box.setContentsMargins(0, 0, 0, 0)
    box.addWidget(columns)
    page = Page(holder)
    qtbot.addWidget(page)
    return page


@pytest.mark.parametrize("first_width", [1280, 600])
def test_a_column_is_hidden_in_a_narrow_page_however_it_became_narrow(
    page, columns, qtbot, first_width
):
    page.resize(first_width, 400)
    page.show()
    qtbot.waitUntil(lambda: columns.width() == first_width)
    page.resize(600, 400)
    qtbot.waitUntil(lambda: columns.width() == 600)
    assert not columns.second.isVisible()
    assert not page.horizontalScrollBar().isVisible()


def test_a_vertical_scroll_bar_does_not_change_what_is_shown(page, columns, qtbot):
    page.resize(905, 400)
    page.show()
    qtbot.waitUntil(columns.second.isVisible)
    page.resize(905, 200)
    qtbot.waitUntil(lambda: page.verticalScrollBar().isVisible())
    assert columns.second.isVisible()
    assert set(columns.widths) == {905}


def test_without_a_page_its_own_width_counts(columns, qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    columns.setParent(window)
    columns.resize(1000, 400)
    window.show()
    assert columns.second.isVisible()
    columns.resize(700, 400)
    assert not columns.second.isVisible()


def test_a_long_name_in_a_button_is_elided_in_the_middle(qtbot):
    button = name_button(f"Restore as {NAME}")
    qtbot.addWidget(button)
    assert button.minimumSizeHint().width() < 160 < button.sizeHint().width()
    button.resize(200, 32)
    assert button.elided.startswith("Restore as ")
    assert button.elided.endswith("tion")
    assert "…" in button.elided
    assert button.text() == button.accessibleName() == f"Restore as {NAME}"
    button.resize(button.sizeHint())
    assert button.elided == f"Restore as {NAME}"


def test_an_ampersand_in_a_name_is_no_shortcut(qtbot):
    button = name_button("Back up R&D")
    qtbot.addWidget(button)
    assert button.shortcut().isEmpty()
    assert button.text() == button.elided == "Back up R&D"


@pytest.mark.parametrize(("width", "shown"), [(160, [NAME, "slow"]), (900, ["slow"])])
def test_the_tooltip_has_an_elided_name_and_the_hint(qtbot, monkeypatch, width, shown):
    button = name_button(NAME)
    qtbot.addWidget(button)
    button.set_hint("slow")
    button.resize(width, 32)
    texts = []
    monkeypatch.setattr(QToolTip, "showText", lambda _at, text, _view: texts.append(text))
    button.event(QHelpEvent(QHelpEvent.Type.ToolTip, QPoint(5, 5), QPoint(5, 5)))
    (text,) = texts
    found = [each for each in (NAME, "slow") if each.replace("&", "&amp;") in text]
    assert found == shown


def test_a_row_of_buttons_is_as_narrow_as_an_elided_name(qtbot):
    name = name_button(f"Restore as {NAME}")
    row = ButtonRow(name, plain_button("Restore in place…"))
    qtbot.addWidget(row)
    row.resize(180, 100)
    row.show()
    qtbot.waitUntil(lambda: name.width() <= 156)
    assert row.minimumSizeHint().width() <= 180
