"""Single rows that are selected in the preview are restored after a question, and undone."""

import pytest
from helpers.backups import everything, sql
from PySide6.QtCore import QItemSelectionModel
from PySide6.QtWidgets import QPlainTextEdit

from core.backup.run import backup
from gui.dialogs.confirm import Confirm

WAIT = 15_000


@pytest.fixture
def compared(qtbot, tab, path, elsewhere):
    """The tab with the preview of `orders`: 2 rows were changed, 2 removed and 1 added."""
    workspace = tab.context.workspace
    elsewhere(lambda: backup(workspace, database=str(path), tables=["orders"]))
    sql(path, "UPDATE orders SET status = 'lost', price = 0 WHERE id < 3")
    sql(path, "DELETE FROM orders WHERE id > 58; DELETE FROM audit")
    sql(path, "INSERT INTO orders VALUES (99, 1, 1, 'new')")
    tab.refresh()
    tab.tables.select("orders")
    qtbot.waitUntil(lambda: tab.restoring.preview is not None and not tab.busy, timeout=WAIT)
    return tab


def select_rows(tab, *rows):
    model = tab.restoring.table.selectionModel()
    model.clearSelection()
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    for row in rows:
        model.select(tab.restoring.cells.index(row, 0), flags)


def question(qtbot, tab):
    qtbot.waitUntil(lambda: any(d.isVisible() for d in tab.findChildren(Confirm)), timeout=WAIT)
    return next(d for d in tab.findChildren(Confirm) if d.isVisible())


def test_selected_rows_are_restored_and_undone(qtbot, compared, path):
    tab, panel = compared, compared.restoring
    before = everything(path)
    assert not panel.rows.isEnabled()
    assert panel.rows.reason == "Select rows of the list first."
    texts = [panel.cells.index(row, 0).data() for row in range(panel.cells.rowCount())]
    assert texts == ["1", "1", "2", "2", "59", "60", "99"]
    select_rows(tab, 0)
    assert panel.rows.text() == "Restore the selected row…"
    select_rows(tab, 0, 1, 4, 6)
    assert panel.rows.text() == "Restore 3 selected rows…"
    panel.rows.click()
    dialog = question(qtbot, tab)
    assert dialog.findChild(QPlainTextEdit).toPlainText() == "~ 1\n+ 59\n\N{MINUS SIGN} 99"
    assert everything(path) == before
    dialog.go.click()
    qtbot.waitUntil(lambda: not tab.former_bar.isHidden(), timeout=WAIT)
    assert "1 inserted, 1 updated, 1 deleted" in tab.banner.text
    found = "SELECT id, status FROM orders WHERE id IN (1, 2, 59, 60, 99) ORDER BY id"
    assert sql(path, found) == [(1, "open"), (2, "lost"), (59, "open")]
    assert sql(path, "SELECT * FROM audit") == [("order 99",)]
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    tab.former_bar.undo.click()
    dialog = question(qtbot, tab)
    dialog.field.setText("orders")
    dialog.go.click()
    qtbot.waitUntil(lambda: "undone" in tab.banner.text, timeout=WAIT)
    assert sorted(map(str, everything(path))) == sorted(map(str, before))


def test_a_declined_question_changes_nothing(qtbot, compared, path):
    before = everything(path)
    select_rows(compared, 4)
    compared.restoring.rows.click()
    question(qtbot, compared).reject()
    qtbot.waitUntil(lambda: not compared.busy, timeout=WAIT)
    assert everything(path) == before


def test_a_table_without_a_primary_key_offers_no_rows(qtbot, tab, path, elsewhere):
    sql(path, "INSERT INTO audit VALUES ('x')")
    workspace = tab.context.workspace
    elsewhere(lambda: backup(workspace, database=str(path), tables=["audit"]))
    sql(path, "DELETE FROM audit")
    tab.refresh()
    tab.tables.select("audit")
    qtbot.waitUntil(lambda: tab.restoring.preview is not None and not tab.busy, timeout=WAIT)
    assert not tab.restoring.rows.isVisible()
