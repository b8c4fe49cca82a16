"""The focus while a scan runs, and the text of an empty list of groups."""

import pytest
from PySide6.QtCore import Qt


@pytest.mark.parametrize("first", [lambda tab: tab.scan, lambda tab: tab._empty.button])
def test_the_focus_follows_scan_to_stop_and_back(tab, qtbot, first):
    tab.activateWindow()
    first(tab).setFocus()
    qtbot.keyClick(first(tab), Qt.Key.Key_Space)
    assert tab.window().focusWidget() is tab.stop
    qtbot.waitUntil(lambda: tab._task is None, timeout=30_000)
    assert tab.window().focusWidget() is tab.scan
    assert not tab.stop.isVisible()
    tab.scope.field.setFocus()
    tab.refresh()
    qtbot.waitUntil(lambda: tab._task is None, timeout=30_000)
    assert tab.window().focusWidget() is tab.scope.field


def test_a_folder_without_symbols_is_not_an_empty_table(tab, qtbot):
    tab.scan.click()
    qtbot.waitUntil(lambda: tab._task is None, timeout=30_000)
    tab.groups.select("symbols")
    panel = tab._groups_panel
    assert not panel._empty.isVisible()
    tab.open_target("logs")
    assert panel._empty.isVisible()
    assert panel._empty._title.text() == "No object here has a symbol"
    tab.groups.select("kinds")
    assert not panel._empty.isVisible()
