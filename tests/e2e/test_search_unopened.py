"""Ctrl+K finds and opens what belongs to tabs that were never opened."""

from PySide6.QtCore import Qt

from core.model.connection import DEFAULT_SECRET_NAME
from gui.main_window.palette import Palette
from gui.models.roles import ASIDE_ROLE


def _typed(hands, qtbot, text):
    """Open the search and type; return it."""
    hands.window.search()
    palette = hands.window.findChild(Palette)
    qtbot.keyClicks(palette.field, text)
    return palette


def _closed(hands):
    hands.until(lambda: hands.window.findChild(Palette) is None)


def _found(hands, qtbot, text, kind):
    """Return the names of a kind that are found."""
    palette = _typed(hands, qtbot, text)
    hands.until(lambda: not palette.searching)
    model = palette.list.model()
    rows = [model.index(row, 0) for row in range(model.rowCount())]
    names = [row.data() for row in rows if row.data(ASIDE_ROLE) == kind]
    palette.close()
    _closed(hands)
    return names


def _run(hands, qtbot, text):
    """Type and press Enter at once."""
    qtbot.keyClick(_typed(hands, qtbot, text).field, Qt.Key.Key_Return)
    _closed(hands)


def test_secrets_tables_and_backups_are_found_and_opened_before_their_tabs(hands, program, qtbot):
    window = program.window
    window.show_tab("links")
    assert _found(hands, qtbot, "portfolio", "Table") == ["portfolio"]
    backup = _found(hands, qtbot, "portfolio 2024-02-0", "Backup")[0]
    assert "backups" not in window.tabs
    _run(hands, qtbot, backup)
    tab = window.tabs["backups"]
    assert window.current_tab is tab
    hands.until(lambda: tab.backups.current is not None and tab.backups.current.key == backup)
    assert "credentials" not in window.tabs
    _run(hands, qtbot, DEFAULT_SECRET_NAME)
    credentials = window.tabs["credentials"]
    assert window.current_tab is credentials
    hands.until(lambda: credentials.secrets.current is not None)
    assert credentials.secrets.current.name == DEFAULT_SECRET_NAME
