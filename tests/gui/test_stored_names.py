"""The search finds secrets, tables and backups whose tabs were never opened."""

from datetime import timedelta

import pytest
from helpers.frame import workspace_of
from PySide6.QtCore import Qt

from core.engine.changes import OperationCall
from core.engine.operations import changes_made
from core.errors import AccessDenied
from gui.main_window import stored_names
from gui.main_window.palette import Palette
from gui.models.names import Name

SECRET = "cryptotrading/exchange-keys"
BACKUP = "backups/database/orders/2024/02/02/2024-02-02T02:00:00Z.json"


class Stored:
    """Answers for the server; a gate holds the answers back until it is opened."""

    def __init__(self, monkeypatch):
        self.asked = {"secrets": 0, "backups": 0}
        self.names = {
            "secrets": (Name("Secret", SECRET, SECRET),),
            "backups": (Name("Table", "orders", "orders"), Name("Backup", BACKUP, BACKUP)),
        }
        self.refused = ""
        monkeypatch.setattr(stored_names, "_secret_names", lambda _w, _work: self.ask("secrets"))
        monkeypatch.setattr(stored_names, "_backup_names", lambda _w, _work: self.ask("backups"))

    def ask(self, what):
        self.asked[what] += 1
        if what == self.refused:
            raise AccessDenied("Listing secrets is not permitted")
        return self.names[what]


@pytest.fixture
def stored(window, context, monkeypatch):
    stored = Stored(monkeypatch)
    context.set_workspace(workspace_of())
    window.show_tab("links")
    yield stored
    context.set_workspace(None)


def rows(palette):
    model = palette.list.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


@pytest.fixture
def search(window, qtbot):
    """Open the search, type, and return what is found once everything is known."""

    def run(text):
        window.search()
        palette = window.findChild(Palette)
        palette.field.setText(text)
        qtbot.waitUntil(lambda: not palette.searching)
        found, note = rows(palette), palette._note.text()
        palette.close()
        qtbot.waitUntil(lambda: window.findChild(Palette) is None)
        return found, note

    return run


def test_names_are_found_although_their_tabs_were_never_opened(window, stored, search):
    assert search("exchange")[0] == [SECRET]
    assert search("orders")[0] == ["orders", BACKUP]
    assert "backups" not in window.tabs
    assert stored.asked == {"secrets": 1, "backups": 1}, "they are cached"


def test_enter_waits_for_names_and_says_what_is_loading(window, stored, qtbot):
    window.search()
    palette = window.findChild(Palette)
    assert palette._note.text() == "Loading the names of secrets, tables and backups…"
    qtbot.keyClicks(palette.field, "exchange")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    tab = window.tab("credentials")
    qtbot.waitUntil(lambda: ("target", SECRET) in tab.calls)
    assert window.current_tab is tab


def test_an_action_that_comes_before_every_name_needs_no_names(window, stored, qtbot):
    window.search()
    palette = window.findChild(Palette)
    qtbot.keyClicks(palette.field, "Go to Bucket")
    qtbot.keyClick(palette.field, Qt.Key.Key_Return)
    assert window.current_tab is window.tabs["bucket"]


def test_names_are_fetched_again_after_a_change_and_for_another_bucket(
    stored, search, context, monkeypatch
):
    search("x")
    (change,) = changes_made(OperationCall("secrets.save", {"name": SECRET}, origin="test"), None)
    context.announce(change)
    stored.names["secrets"] = (Name("Secret", "cryptotrading/new", "cryptotrading/new"),)
    assert search("cryptotrading")[0] == ["cryptotrading/new"]
    assert stored.asked == {"secrets": 2, "backups": 1}
    context.set_workspace(workspace_of("other"))
    search("x")
    assert stored.asked == {"secrets": 3, "backups": 2}
    monkeypatch.setattr(stored_names, "_FRESH", timedelta())
    search("x")
    assert stored.asked == {"secrets": 4, "backups": 3}


def test_what_could_not_be_fetched_is_named(stored, search):
    stored.refused = "secrets"
    found, note = search("orders")
    assert found == ["orders", BACKUP]
    assert note == "Secrets cannot be searched: Listing secrets is not permitted."
