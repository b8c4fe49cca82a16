"""Notes of backups in the window: given when a backup is made, added and changed afterwards."""

import pytest

from core.backup.listing import list_backups
from gui.dialogs.name import NameDialog
from gui.tabs.backups.condition_dialog import ConditionDialog
from gui.tabs.backups.selection_dialog import SelectionDialog
from gui.widgets.buttons import Button

HOSTILE = "before <b>the</b> \u202emigration = 1"


def shown(tab, kind):
    return next(each for each in tab.findChildren(kind) if each.isVisible())


def shown_button(parent, text):
    return next(each for each in parent.findChildren(Button) if each.text() == text)


@pytest.fixture
def idle(qtbot, tab):
    """Wait until no task of the window runs."""

    def wait():
        qtbot.waitUntil(lambda: not tab.context.runner.busy, timeout=20_000)

    return wait


def answer(tab, text):
    prompt = shown(tab, NameDialog)
    prompt.field.setText(text)
    prompt.go.click()


def test_a_note_is_added_after_one_click_changed_and_removed(qtbot, tab, idle, elsewhere):
    tab.tables.select("users")
    idle()
    assert tab.backups.note.change.reason == "Select a backup first."
    tab.tables.back_up.click()
    qtbot.waitUntil(lambda: "Backed up users: 3 rows" in tab.banner.text, timeout=20_000)
    idle()
    shown_button(tab.banner, "Add a note…").click()
    answer(tab, HOSTILE)
    qtbot.waitUntil(lambda: "The note of the backup" in tab.banner.text, timeout=20_000)
    idle()
    assert tab.backups.current.note == HOSTILE
    assert tab.backups.note.text.text() == "before <b>the</b> \\u202emigration = 1"
    workspace = tab.context.workspace
    assert [each.note for each in elsewhere(lambda: list_backups(workspace))] == [HOSTILE]
    tab.backups.note.change.click()
    prompt = shown(tab, NameDialog)
    assert prompt.field.text() == HOSTILE
    prompt.field.clear()
    prompt.go.click()
    qtbot.waitUntil(lambda: "was removed" in tab.banner.text, timeout=20_000)
    idle()
    assert tab.backups.note.change.text() == "Add a note…"
    assert [each.note for each in elsewhere(lambda: list_backups(workspace))] == [""]
    tab.backups.allow("The profile is read-only.")
    assert tab.backups.note.change.reason == "The profile is read-only."


def test_chosen_rows_and_tables_get_their_note_when_they_are_made(qtbot, tab, idle, elsewhere):
    tab.tables.select("orders")
    idle()
    tab.tables.some_rows.click()
    dialog = shown(tab, ConditionDialog)
    dialog.field.setText("status = 'open'")
    dialog.remark.setText(" only the open ones ")
    dialog.go.click()
    qtbot.waitUntil(lambda: "Backed up orders" in tab.banner.text, timeout=20_000)
    idle()
    tab.tables.some_tables.click()
    dialog = shown(tab, SelectionDialog)
    dialog.remark.setText("all of them")
    dialog.go.click()
    qtbot.waitUntil(
        lambda: "Backed up " in tab.banner.text and "users" in tab.banner.text, timeout=20_000
    )
    idle()
    workspace = tab.context.workspace
    made = {(b.table, b.filter): b.note for b in elsewhere(lambda: list_backups(workspace))}
    assert made.pop(("orders", "status = 'open'")) == "only the open ones"
    assert set(made.values()) == {"all of them"}
    assert ("users", "") in made


def test_one_table_and_all_tables_get_the_note_of_the_field(qtbot, tab, idle, elsewhere):
    tab.tables.select("users")
    idle()
    tab.tables.remark.setText(" before the release ")
    tab.tables.back_up.click()
    qtbot.waitUntil(lambda: "Backed up users" in tab.banner.text, timeout=20_000)
    idle()
    assert not tab.tables.remark.text()
    workspace = tab.context.workspace
    assert [each.note for each in elsewhere(lambda: list_backups(workspace))] == [
        "before the release"
    ]
    tab.tables.remark.setText(HOSTILE)
    tab.tables.back_up_all.click()
    tab.tables.remark.setText("of the next one")
    qtbot.waitUntil(lambda: "orders" in tab.banner.text, timeout=20_000)
    idle()
    assert tab.tables.remark.text() == "of the next one"
    notes = [each.note for each in elsewhere(lambda: list_backups(workspace))]
    assert notes.count(HOSTILE) > 1
    assert set(notes) == {"before the release", HOSTILE}


def test_the_dialogs_begin_with_the_note_of_the_field(tab, idle):
    tab.tables.select("orders")
    idle()
    tab.tables.remark.setText("before the release")
    tab.tables.some_rows.click()
    dialog = shown(tab, ConditionDialog)
    assert dialog.remark.text() == "before the release"
    dialog.reject()
    tab.tables.some_tables.click()
    dialog = shown(tab, SelectionDialog)
    assert dialog.remark.text() == "before the release"
    dialog.reject()
    tab.tables.allow("The profile is read-only.")
    assert not tab.tables.remark.isEnabled()
    assert tab.tables.remark.accessibleDescription() == "The profile is read-only."
