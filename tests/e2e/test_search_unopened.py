"""Ctrl+K finds and opens what belongs to tabs that were never opened."""

from PySide6.QtCore import Qt

from core.model.connection import DEFAULT_SECRET_NAME
from gui.main_window.palette import Palette
from gui.models.roles import ASIDE_ROLE


def _typed(user, qtbot, text):
    """Open the search and type; return it."""
    user.window.search()
    palette = user.window.findChild(Palette)
    qtbot.keyClicks(palette.field, text)
    return palette


def _closed(user):
    user.until(lambda: user.window.findChild(Palette) is None)


def _found(user, qtbot, text, kind):
    """Return the names of a kind that are found."""
    palette = _typed(user, qtbot, text)
    user.until(lambda: not palette.searching)
    model = palette.list.model()
    rows = [model.index(row, 0) for row in range(model.rowCount())]
    names = [row.data() for row in rows if row.data(ASIDE_ROLE) == kind]
    palette.close()
    _closed(user)
    return names


def _run(user, qtbot, text):
    """Type and press Enter at once."""
    qtbot.keyClick(_typed(user, qtbot, text).field, Qt.Key.Key_Return)
    _closed(user)


def test_secrets_tables_and_backups_are_found_and_opened_before_their_tabs(user, program, qtbot):
    window = program.window
    window.show_tab("links")
    assert _found(user, qtbot, "portfolio", "Table") == ["portfolio"]
    backup = _found(user, qtbot, "portfolio 2024-02-0", "Backup")[0]
    assert "backups" not in window.tabs
    _run(user, qtbot, backup)
    tab = window.tabs["backups"]
    assert window.current_tab is tab
    user.until(lambda: tab.backups.current is not None and tab.backups.current.key == backup)
    assert "credentials" not in window.tabs
    _run(user, qtbot, DEFAULT_SECRET_NAME)
    credentials = window.tabs["credentials"]
    assert window.current_tab is credentials
    user.until(lambda: credentials.secrets.current is not None)
    assert credentials.secrets.current.name == DEFAULT_SECRET_NAME
    user.until(lambda: window.focusWidget() is credentials.secrets.table)
