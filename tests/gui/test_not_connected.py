import pytest
from PySide6.QtWidgets import QLabel

from gui.tab_list import TABS


@pytest.mark.parametrize("tab_id", ["credentials", "browser", "statistics", "bucket"])
def test_a_tab_that_needs_a_connection_says_so(context, qtbot, tab_id):
    tab = next(spec for spec in TABS if spec.id == tab_id).factory(context)
    qtbot.addWidget(tab)
    tab.show()
    tab.ensure_loaded()
    told = [label.text() for label in tab.findChildren(QLabel) if label.isVisible()]
    assert "Not connected" in told
    assert "No lifecycle rules" not in told
