"""Two selected backups are compared, and their differences are shown in a dialog."""

from dataclasses import replace

import pytest
from helpers.backups import sql
from PySide6.QtCore import QItemSelectionModel, Qt

from core.backup.run import backup
from core.model.backup import Origin
from gui.tabs.backups.comparison import ComparisonDialog

WAIT = 15_000


@pytest.fixture
def listed(qtbot, tab, path, elsewhere):
    """The tab with three backups of `orders`, the second of which has only some rows."""
    workspace = tab.context.workspace
    database = str(path)
    elsewhere(lambda: backup(workspace, database=database, tables=["orders"]))
    sql(path, "UPDATE orders SET status = 'lost', price = 0 WHERE id = 2")
    sql(path, "DELETE FROM orders WHERE id > 59")
    elsewhere(
        lambda: backup(workspace, database=database, tables=["orders"], where={"orders": "id < 9"})
    )
    elsewhere(lambda: backup(workspace, database=database, tables=["orders"]))
    tab.refresh()
    tab.tables.select("orders")
    qtbot.waitUntil(lambda: len(tab.backups.model.backups) == 3 and not tab.busy, timeout=WAIT)
    return tab


def select(tab, *rows):
    selection = tab.backups.table.selectionModel()
    selection.clearSelection()
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    for row in rows:
        selection.select(tab.backups.table.model().index(row, 0), flags)


def dialog_of(qtbot, tab):
    tab.backups.compare.click()
    qtbot.waitUntil(
        lambda: any(d.isVisible() for d in tab.findChildren(ComparisonDialog)), timeout=WAIT
    )
    return next(d for d in tab.findChildren(ComparisonDialog) if d.isVisible())


def test_two_selected_backups_are_compared_from_the_older_to_the_newer(qtbot, listed):
    panel = listed.backups
    assert not panel.compare.isEnabled()
    assert panel.compare.reason == "Select two backups, the second one with Ctrl."
    select(listed, 0, 2)
    assert panel.current is None
    assert panel.verify.reason == panel.pin.reason == "Select a single backup."
    assert panel.note.change.reason == "Select a single backup."
    assert listed.restoring.empty._title.text() == "2 backups are selected"
    dialog = dialog_of(qtbot, listed)
    assert dialog.counts.text() == (
        "0 rows added, 1 row changed, 1 row removed, 58 rows unchanged."
    )  # fmt: skip
    model = dialog.model
    texts = [
        [model.index(row, column).data() for column in range(5)] for row in range(model.rowCount())
    ]
    assert texts == [
        ["changed", "2", "price", "0.2857142857142857", "0.0"],
        ["changed", "2", "status", "filled", "lost"],
        [
            "removed",
            "60",
            "(row)",
            "user_id: 1, price: 8.571428571428571, status: filled",
            "\N{EN DASH}",
        ],
    ]
    dialog.reject()
    select(listed, 0)
    assert panel.current is panel.model.backups[0]
    assert not panel.compare.isEnabled()


def test_a_backup_of_some_rows_is_marked_in_the_list_and_in_the_comparison(qtbot, listed):
    model = listed.backups.model
    assert str(model.index(1, model.CHECKED).data()).startswith("some rows · ")
    tip = model.index(1, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert "contains only the rows that meet: id < 9" in tip
    select(listed, 1)
    panel = listed.restoring
    qtbot.waitUntil(lambda: panel.preview is not None and not listed.busy, timeout=WAIT)
    qtbot.waitUntil(lambda: panel.preview.backup.filter == "id < 9", timeout=WAIT)
    assert not panel.in_place.isEnabled()
    assert panel.in_place.reason == (
        "The backup contains only some rows: all others would be removed."
    )  # fmt: skip
    assert panel.as_new.isEnabled()
    select(listed, 0, 1)
    dialog = dialog_of(qtbot, listed)
    assert "only the rows that meet: id < 9" in dialog.notes.text()
    dialog.reject()


def test_equal_backups_are_shown_as_equal(qtbot, listed, path, elsewhere):
    workspace = listed.context.workspace
    elsewhere(lambda: backup(workspace, database=str(path), tables=["orders"]))
    listed.refresh()
    qtbot.waitUntil(
        lambda: len(listed.backups.model.backups) == 4 and not listed.busy, timeout=WAIT
    )
    select(listed, 0, 1)
    dialog = dialog_of(qtbot, listed)
    assert "unchanged" in dialog.counts.text()
    assert not dialog.table.isVisible()
    assert "Compared by hash" in dialog.method.text()
    dialog.reject()


def test_backups_of_two_engines_cannot_be_compared(listed):
    panel = listed.backups
    first, *others = panel.model.backups
    other = replace(first, origin=Origin("MariaDB", "d", "localhost:3306", "d"))
    panel.show_backups("orders", [other, *others], None)
    select(listed, 0, 1)
    assert not panel.compare.isEnabled()
    assert panel.compare.reason == (
        "Backups of SQLite and MariaDB write the same values in different forms."
    )
