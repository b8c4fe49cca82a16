"""A tab that needs a connection states this and leads to the profiles."""

import pytest
from PySide6.QtWidgets import QLabel, QPushButton

from gui.tab_list import TABS


def without_connection(context, qtbot, tab_id):
    tab = next(spec for spec in TABS if spec.id == tab_id).factory(context)
    qtbot.addWidget(tab)
    tab.show()
    tab.ensure_loaded()
    return tab


def shown(tab, kind):
    return {part.text(): part for part in tab.findChildren(kind) if part.isVisible()}


@pytest.mark.parametrize("tab_id", ["credentials", "browser", "statistics", "bucket"])
def test_a_tab_that_needs_a_connection_says_so(context, qtbot, tab_id):
    output = shown(without_connection(context, qtbot, tab_id), QLabel)
    assert "Not connected" in output
    assert "No lifecycle rules" not in output


@pytest.mark.parametrize("tab_id", ["browser", "statistics", "bucket"])
def test_it_leads_to_the_profiles(context, qtbot, tab_id):
    tab = without_connection(context, qtbot, tab_id)
    with qtbot.waitSignal(context.navigate) as led:
        shown(tab, QPushButton)["Select a profile"].click()
    assert led.args[0] == "credentials"
