"""Ctrl+K and Ctrl+L find and open anything with the keyboard alone."""

from helpers.keys import press_key
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from core.model.connection import DEFAULT_SECRET_NAME
from gui.main_window.palette import Palette
from gui.models.roles import ASIDE_ROLE

FOLDER = "market-data/ohlcv/BTC-USD/1h/2024/01/15/"
KEY = f"{FOLDER}2024-01-15T10:00:00Z.json"
CTRL = Qt.KeyboardModifier.ControlModifier


class Search:
    """Types into the search of a window."""

    def __init__(self, user, qtbot):
        self.user, self.qtbot = user, qtbot

    def press(self, key, modifier=CTRL):
        press_key(key, modifier)

    def open(self, text):
        self.press(Qt.Key.Key_K)
        palette = self.user.window.findChild(Palette)
        self.qtbot.keyClicks(palette.field, text)
        return palette

    def rows(self, text):
        """Return what is found, and close the search."""
        palette = self.open(text)
        self.user.until(lambda: not palette.searching)
        model = palette.list.model()
        rows = [model.index(row, 0) for row in range(model.rowCount())]
        found = [(row.data(), row.data(ASIDE_ROLE)) for row in rows]
        self.qtbot.keyClick(palette.field, Qt.Key.Key_Escape)
        self.user.until(lambda: self.user.window.findChild(Palette) is None)
        return found

    def run(self, text):
        """Find something and press Enter at once, before the search may have ended."""
        palette = self.open(text)
        self.qtbot.keyClick(palette.field, Qt.Key.Key_Return)
        self.user.until(lambda: self.user.window.findChild(Palette) is None)


def test_what_is_found_is_opened(user, program, qtbot):
    window, search = program.window, Search(user, qtbot)
    browser = window.show_tab("browser")
    user.until(lambda: "objects" in browser.tree_panel.total.text())
    credentials = window.show_tab("credentials")
    user.until(lambda: credentials.secrets.current is not None)
    credentials.secrets.table.setFocus()

    found = search.rows("btc 1h 2024/01/15")
    assert found[0] == (FOLDER, "Folder")
    assert (KEY, "Key") in found
    search.run("btc 1h 2024-01-15T10")
    assert window.current_tab is browser
    user.until(lambda: [entry.key for entry in browser.folder.selected] == [KEY])
    search.run("ohlcv/BTC-USD/1h/2024/01/1")
    user.until(lambda: browser.prefix.startswith("market-data/ohlcv/BTC-USD/1h/2024/01/1"))
    search.run(DEFAULT_SECRET_NAME)
    assert window.current_tab is credentials
    assert credentials.secrets.current.name == DEFAULT_SECRET_NAME
    assert next(text for text, _aside in search.rows("go backups")) == "Go to Backups"
    assert search.rows("zzz no such thing") == []


def test_a_place_is_gone_to_from_anywhere(user, program, qtbot):
    window, search = program.window, Search(user, qtbot)
    browser = window.show_tab("browser")
    for start, place in (
        ("links", f"s3://tentimecrypto/{FOLDER}"),
        ("uploads", "market-data/ohlcv"),
        ("bucket", f"arn:aws:s3:::tentimecrypto/{KEY}"),
    ):
        tab = window.show_tab(start)
        tab.setFocus()
        search.press(Qt.Key.Key_L)
        assert QApplication.focusWidget() is browser.folder.path.field
        browser.folder.path.field.clear()
        qtbot.keyClicks(browser.folder.path.field, place)
        qtbot.keyClick(browser.folder.path.field, Qt.Key.Key_Return)
        last = place.rpartition("tentimecrypto/")[2]
        folder = last[: last.rfind("/") + 1] if last == KEY else f"{last.rstrip('/')}/"
        user.until(lambda folder=folder: browser.prefix == folder)
    user.until(lambda: [entry.key for entry in browser.folder.selected] == [KEY])
    search.run("s3://another-bucket/x")
    user.until(lambda: "another-bucket" in browser.banner.text)
    assert browser.prefix == FOLDER
