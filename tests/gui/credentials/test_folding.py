"""The profiles are folded in a narrow window, and shown again by a button or with more width."""

import pytest
from PySide6.QtWidgets import QLabel

from gui.tabs.credentials.profiles.profiles_pane import FoldingColumns
from gui.widgets.buttons import link_button


@pytest.fixture
def columns(qtbot):
    first, second, switch = QLabel("profiles"), QLabel("secrets"), link_button("Profiles")
    made = FoldingColumns(first, second, switch, sizes=(270, 1000))
    qtbot.addWidget(made)
    qtbot.addWidget(switch)
    made.resize(1280, 600)
    made.show()
    return made, first, second, switch


def test_both_columns_are_shown_where_there_is_room(columns, qtbot):
    made, first, second, switch = columns
    assert first.isVisible()
    assert second.isVisible()
    assert not switch.isVisible()
    made.resize(853, 500)
    assert not first.isVisible()
    assert second.isVisible()
    qtbot.waitUntil(lambda: second.width() == 853)
    made.resize(1280, 600)
    assert first.isVisible()


def test_the_switch_shows_and_hides_the_first_column(columns):
    made, first, _second, switch = columns
    made.resize(853, 500)
    assert switch.isVisible()
    switch.click()
    assert first.isVisible()
    switch.click()
    assert not first.isVisible()
