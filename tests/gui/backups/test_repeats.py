"""Failed and stopped backups, comparisons and restores: what can be repeated, and what is shown."""

from types import SimpleNamespace

import pytest
from helpers.backups import sql
from PySide6.QtWidgets import QPushButton

from core.backup.databases.naming import LockedError
from core.backup.listing import list_backups
from core.backup.run import backup
from core.errors import Conflict, DatabaseError, DatabaseOffline, Offline
from core.hints import Hint
from core.model.backup import BackupReport
from core.model.objects import Verdict
from core.model.selection import Skipped
from gui.dialogs.confirm import Confirm
from gui.widgets.labels import Elided

WAIT = 8_000
LOST = "The answer was lost, so it may have been restored all the same. Refresh to see."


@pytest.fixture
def made(qtbot, tab, path, elsewhere):
    """The backup of `orders`, selected and compared with the table, which has lost a row since."""
    workspace = tab.context.workspace
    elsewhere(lambda: backup(workspace, database=str(path), tables=["orders"]))
    sql(path, "DELETE FROM orders WHERE id = 1")
    tab.refresh()
    tab.tables.select("orders")
    qtbot.waitUntil(lambda: tab.restoring.preview is not None and not tab.busy, timeout=WAIT)
    return elsewhere(lambda: list_backups(workspace, table="orders"))[0]


@pytest.fixture
def requests(tab, monkeypatch):
    """The operations that the tab requests; none of them is run."""
    found = []

    def bulk(name, operation, arguments, then=None, **options):
        found.append((operation, arguments, {**options, "then": then}))
        return SimpleNamespace(name=name, running=True, state="running", cancel=lambda: None)

    monkeypatch.setattr(tab, "bulk", bulk)
    return found


def button(tab, text):
    found = [each for each in tab.banner.findChildren(QPushButton) if each.isVisible()]
    return next((each for each in found if each.text() == text), None)


def failed_again(tab, requests, error):
    """Let the last operation fail, press Retry, and return whether the same one is requested."""
    operation, arguments, options = requests[-1]
    options["failed"](error)
    retry = button(tab, "Retry")
    if retry is None:
        return False
    retry.click()
    return len(requests) == 2 and requests[-1][:2] == (operation, arguments)


@pytest.mark.parametrize(
    ("error", "repeated"),
    [
        (DatabaseOffline("The connection to the database ended"), True),
        (DatabaseError("The database is locked"), True),
        (LockedError("Another session holds a lock"), True),
        (Conflict("Rows would refer to missing rows"), False),
        # All rows were read: the bar of interrupted backups completes it.
        (Offline("The storage is out of reach", hints=Hint.RESUME), False),
    ],
)
def test_a_failed_backup_can_be_repeated(tab, requests, error, repeated):
    """Only *Details* was offered after a server was restarted during a backup."""
    tab.tables.select("orders")
    tab.tables.back_up.click()
    tab.tables.select("audit")
    assert failed_again(tab, requests, error) == repeated
    assert tab.banner.text == error.summary or repeated


def test_tables_that_were_locked_during_a_backup_of_all_can_be_backed_up_afterwards(tab, requests):
    tab.tables.back_up_all.click()
    skipped = (Skipped("odd", "Unknown collation"), Skipped("a[1]", "Locked", locked=True))
    requests[-1][2]["then"](BackupReport((), 1.0, Verdict.SHA256, skipped))
    button(tab, "Retry").click()
    (_operation, arguments, _options) = requests[-1]
    assert (arguments["tables"], arguments["include"]) == (None, ["a[[]1]"])


def test_a_failed_restore_can_be_repeated_with_the_same_options(tab, made, requests):
    tab.restoring.triggers.setChecked(True)
    tab.restoring.as_new.click()
    tab.restoring.triggers.setChecked(False)
    assert failed_again(tab, requests, DatabaseOffline("The connection ended"))


def test_a_restore_whose_answer_was_lost_is_not_repeated_but_read_again(tab, made, requests):
    tab.restoring.as_new.click()
    requests[-1][2]["failed"](DatabaseOffline("The connection ended", effect=LOST))
    assert button(tab, "Retry") is None
    assert button(tab, "Refresh") is not None


def test_a_failed_restore_of_rows_can_be_repeated(tab, made, requests):
    tab.restoring.table.selectRow(0)
    tab.restoring.rows.click()
    assert failed_again(tab, requests, DatabaseOffline("The connection ended"))


def test_a_comparison_that_a_lock_prevented_can_be_repeated(tab, made):
    """It was shown as a backup that cannot be restored."""
    tab.restoring.show_failure(made, LockedError("Another session holds a lock on orders"))
    empty = tab.restoring.empty
    assert empty.findChildren(Elided)[0].text() == "The comparison failed"
    assert (empty.button.isHidden(), empty.button.text()) == (False, "Compare")


def test_a_table_that_cannot_be_compared_because_it_is_damaged_is_restored_as_a_new_one(
    tab, made, requests
):
    """It could not be restored in the window."""
    tab.flow.compare()
    error = DatabaseError("Invalid page", hints=Hint.NEW_TABLE_NAME, hint_value="orders_2")
    requests[-1][2]["failed"](error)
    button(tab, "Restore as new table").click()
    operation, arguments, options = requests[-1]
    assert (operation, arguments["target"]) == ("backup.restore", "orders_2")
    options["failed"](DatabaseError("The disk is full"))
    assert tab.banner.text == "The disk is full"
    assert requests[-1][0] == "backup.restore", "another comparison would replace the message"


def test_a_comparison_that_was_cancelled_in_the_activities_is_not_shown_as_running(
    qtbot, tab, made
):
    tab.flow.compare()
    assert not tab.restoring.in_place.isVisible()
    next(task for task in tab.context.runner.tasks if task.running).cancel()
    qtbot.waitUntil(tab.restoring.in_place.isVisible, timeout=WAIT)


def test_another_backup_that_was_selected_during_a_restore_is_shown_after_its_failure(
    qtbot, tab, made, path, elsewhere, monkeypatch
):
    """The preview of the former one stayed, with its buttons."""
    workspace = tab.context.workspace
    elsewhere(lambda: backup(workspace, database=str(path), tables=["orders"]))
    newer = elsewhere(lambda: list_backups(workspace, table="orders"))[0]
    found = []
    real = tab.bulk

    def bulk(name, operation, arguments, then=None, **options):
        if operation != "backup.restore":
            return real(name, operation, arguments, then, **options)
        found.append(options)
        return SimpleNamespace(running=True, cancel=lambda: None)

    monkeypatch.setattr(tab, "bulk", bulk)
    tab.restoring.in_place.click()
    question = next(each for each in tab.findChildren(Confirm) if each.isVisible())
    question.field.setText("orders")
    question.go.click()
    tab.flow.show(str(path), newer)
    found[-1]["failed"](DatabaseOffline("The connection ended"))
    qtbot.waitUntil(
        lambda: tab.restoring.preview is not None and tab.restoring.preview.backup.id == newer.id,
        timeout=WAIT,
    )
    assert tab.restoring.in_place.isVisible()


def test_a_table_that_changed_since_its_preview_is_previewed_again_before_a_restore(
    qtbot, tab, made, path
):
    """Rows that another program had added since then were removed without a word."""
    sql(path, "INSERT INTO orders VALUES (900, 1, 1, 'new'), (901, 1, 1, 'new')")
    before = tab.restoring.preview
    tab.restoring.in_place.click()
    question = next(each for each in tab.findChildren(Confirm) if each.isVisible())
    question.field.setText("orders")
    question.go.click()
    qtbot.waitUntil(lambda: "orders has changed" in tab.banner.text, timeout=WAIT)
    qtbot.waitUntil(
        lambda: tab.restoring.in_place.isVisible() and tab.restoring.preview is not before,
        timeout=WAIT,
    )
    assert tab.banner.text == "orders has changed since the preview of the restore."
    assert tab.restoring.preview.difference.removed == 2
    assert (900,) in sql(path, "SELECT id FROM orders")
