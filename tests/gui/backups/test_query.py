"""A backup is queried and exported in the window before anything is restored."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel
from shiboken6 import isValid

from gui.tabs.backups.query_dialog import QueryDialog

#: Milliseconds; a busy machine may need seconds to start the engine process.
WAIT = 30_000


@pytest.fixture
def dialog(qtbot, tab):
    """The dialog of a new backup of `orders`."""
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    tab.tables.select("orders")
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    assert not tab.backups.query.isEnabled()
    assert "Select a backup first." in tab.backups.query.toolTip()
    tab.tables.back_up.click()
    qtbot.waitUntil(lambda: tab.backups.query.isEnabled() and not tab.busy, timeout=WAIT)
    tab.backups.query.click()
    opened = next(each for each in tab.findChildren(QueryDialog) if each.isVisible())
    yield opened
    if isValid(opened):
        opened.reject()
        qtbot.waitUntil(lambda: not isValid(opened))


def run(qtbot, dialog, sql):
    dialog.statement.setPlainText(sql)
    dialog.go.click()
    assert dialog.go.text() == "Stop"
    assert "Running the statement…" in shown_texts(dialog)
    qtbot.waitUntil(lambda: dialog.go.text() == "Run", timeout=WAIT)


def shown_texts(dialog):
    return [label.text() for label in dialog.empty.findChildren(QLabel)]


def texts(model):
    return [
        [model.index(row, column).data() for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def test_a_statement_is_run_its_error_is_shown_and_the_next_one_works(qtbot, dialog):
    run(qtbot, dialog, "SELECT id, status, NULL AS nothing FROM backup WHERE id <= 12 ORDER BY id")
    model = dialog.model
    heads = [model.headerData(n, Qt.Orientation.Horizontal) for n in range(model.columnCount())]
    assert heads == ["id", "status", "nothing"]
    assert [row[0] for row in texts(model)] == [str(n) for n in range(1, 13)]
    assert texts(model)[0][2] == "NULL"
    assert dialog.note.text().startswith("12 rows in ")
    dialog.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert [row[0] for row in texts(model)] == [str(n) for n in range(12, 0, -1)]

    run(qtbot, dialog, "DELETE FROM orders")
    assert dialog.banner.failed
    assert "SELECT" in dialog.banner.text
    assert dialog.model.rowCount() == 0, "the rows of another statement"
    assert dialog.view.empty.isVisible()
    dialog.statement.setPlainText("SELECT 1")
    assert dialog.banner.isHidden()
    run(qtbot, dialog, "SELECT count(*) AS n FROM orders")
    assert texts(model) == [["60"]]
    assert dialog.banner.isHidden()


def test_all_rows_are_exported(qtbot, dialog, tmp_path):
    path = tmp_path / "orders.json"
    dialog.export_wanted.emit(path, "json")
    assert "Exporting all rows…" in shown_texts(dialog)
    qtbot.waitUntil(lambda: "were written to" in dialog.banner.text, timeout=WAIT)
    assert len(json.loads(path.read_text())) == 60


def test_without_a_statement_nothing_runs(dialog):
    dialog.statement.setPlainText("  ")
    assert not dialog.go.isEnabled()
    assert "Enter a statement." in dialog.go.toolTip()


def test_a_closed_dialog_ignores_its_answer(qtbot, tab, dialog):
    dialog.statement.setPlainText("SELECT * FROM range(1000000) JOIN backup ON true")
    dialog.go.click()
    dialog.reject()
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    assert not tab.banner.failed


@pytest.mark.parametrize(
    ("name", "usual", "written"),
    [
        ("a.parquet", "csv", "parquet"),
        ("a.JSON", "csv", "json"),
        ("a.csv", "sql", "csv"),
        ("a.txt", "sql", "sql"),
        ("a", "csv", "csv"),
    ],
)
def test_the_ending_of_the_file_decides_about_its_format(
    qtbot, dialog, tmp_path, name, usual, written
):
    with qtbot.waitSignal(dialog.export_wanted) as wanted:
        dialog.export_to(str(tmp_path / name), usual)
    assert wanted.args == [tmp_path / name, written]
    qtbot.waitUntil(lambda: "were written to" in dialog.banner.text, timeout=WAIT)
    head = (tmp_path / name).read_bytes()[:4]
    assert (head == b"PAR1") == (written == "parquet")


def test_times_are_complete_although_the_columns_need_more_than_the_width(qtbot, dialog):
    moment = "2024-01-01 00:00:28"
    others = ", ".join(f"{n} AS a_column_with_a_long_name_{n}" for n in range(6))
    run(qtbot, dialog, f"SELECT id, '{moment}' AS created_at, {others} FROM backup LIMIT 9")
    dialog.resize(700, 500)
    table = dialog.table
    qtbot.waitUntil(lambda: table.horizontalScrollBar().maximum() > 0)
    needed = table.sizeHintForColumn(1)
    assert table.columnWidth(1) >= needed > 120
    run(qtbot, dialog, "SELECT repeat('x', 900) AS text, id FROM backup LIMIT 9")
    assert table.columnWidth(0) == 420


def test_the_file_of_an_export_has_the_ending_of_the_chosen_format(qtbot, dialog):
    """After *Parquet* was chosen, the proposed name made it a CSV file."""
    dialog.export.click()
    chooser = dialog.findChild(QFileDialog)
    chooser.setOption(QFileDialog.Option.DontUseNativeDialog)
    parquet = next(each for each in chooser.nameFilters() if "parquet" in each)
    chooser.selectNameFilter(parquet)
    chooser.filterSelected.emit(parquet)
    assert [Path(file).name for file in chooser.selectedFiles()] == ["orders.parquet"]
    chooser.selectFile("rows.txt")
    chooser.filterSelected.emit(parquet)
    assert [Path(file).name for file in chooser.selectedFiles()] == ["rows.txt"]
    chooser.reject()


@pytest.mark.parametrize(
    ("table", "proposed"),
    [('"a:b?"', "%22a%3Ab%3F%22.csv"), ("CON", "%43ON.csv"), ("a b", "a b.csv"), ("x" * 300, "")],
)
def test_the_file_of_an_export_is_possible_on_every_disk(dialog, table, proposed):
    dialog.backup = replace(dialog.backup, table=table)
    dialog.export.click()
    chooser = dialog.findChild(QFileDialog)
    (file,) = chooser.selectedFiles()
    name = Path(file).name
    assert Path(file).parent == Path.home()
    assert name == proposed or not proposed
    assert name.endswith(".csv")
    assert len(name) < 250
    chooser.reject()
