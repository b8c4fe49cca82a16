"""Several tables are compared, restored together after a question, and undone, from the window."""

from dataclasses import replace
from datetime import UTC, datetime

from helpers.backups import everything, sql
from helpers.restores_together import WAIT, answer, compared, restored, visible
from helpers.together_dialogs import preview_dialog
from PySide6.QtCore import QItemSelectionModel
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QWidget

from core.backup.restore_tables import restore_tables
from core.backup.run import backup
from core.errors import DatabaseError
from core.model.backup import Backup
from core.model.database import Dependant
from core.model.restore import Difference, RestorePreview, RestoreReport
from core.model.selection import Skipped
from core.model.table_restores import TablesPreview, TablesReport
from core.model.tables import TableSchema
from core.work import Progress
from gui.dialogs.confirm import Confirm
from gui.shortcuts import Binding
from gui.tabs.backups.restore_panel import progress_text
from gui.tabs.backups.together_dialog import TogetherDialog
from gui.tabs.backups.together_models import (
    FAILED,
    RESTORED,
    UNCHANGED,
    UNDONE,
    UNKNOWN,
    ResultModel,
    TogetherModel,
    TogetherOutcome,
)
from gui.tabs.backups.together_result import TogetherResult

COUNTS = slice(3, 6)


def contents(path):
    """Return the rows of the tables and the columns of one, without the quotes of a renamed table."""
    found = [sorted(sql(path, f"SELECT * FROM {name}"), key=str) for name in ("orders", "audit")]
    return found, sql(path, "SELECT name, type FROM pragma_table_info('audit')")


def select(tab, *names):
    view = tab.tables.table
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    view.clearSelection()
    for row in range(view.model().rowCount()):
        if view.model().index(row, 0).data() in names:
            view.selectionModel().select(view.model().index(row, 0), flags)


def rows(model):
    columns = range(model.columnCount())
    return {
        model.index(row, 0).data(): [model.index(row, column).data() for column in columns]
        for row in range(model.rowCount())
    }


def question_text(qtbot, tab):
    return " ".join(each.text() for each in visible(qtbot, tab, Confirm).findChildren(QLabel))


def fails(view, former):
    return f"The view {view} uses {former}, which does not exist after the undo"


def test_selected_tables_are_restored_together_and_undone(qtbot, changed, path):
    tab = changed
    before = contents(path)
    select(tab, "orders", "audit")
    assert tab.tables.back_up.text() == "Back up 2 tables"
    assert tab.tables.some_rows.reason == "Select a single table."
    dialog = compared(qtbot, tab)
    assert "orders" in dialog.scope.currentText()
    found = rows(dialog.model)
    assert set(found) == {"audit", "orders"}
    assert found["orders"][COUNTS] == ["59", "60", "+2 ~2 \N{MINUS SIGN}1"]
    assert found["audit"][1] == "schema differs"
    table = dialog.table
    qtbot.waitUntil(lambda: table.columnWidth(1) >= table.sizeHintForColumn(1), timeout=WAIT)
    for row in range(2):
        dialog.table.selectRow(row)
        if dialog.model.index(row, 0).data() == "audit":
            assert "extra" in dialog.details.toPlainText()
    dialog.restore.click()
    question = visible(qtbot, tab, Confirm)
    assert "orders: +2 ~2 \N{MINUS SIGN}1" in question.findChild(QPlainTextEdit).toPlainText()
    question.field.setText("orders")
    assert not question.go.isEnabled()
    assert contents(path) == before
    answer(qtbot, tab, "trading.db")
    result = visible(qtbot, tab, TogetherResult)
    assert not any(each.isVisible() for each in tab.findChildren(TogetherDialog))
    assert {row[1] for row in rows(result.model).values()} == {RESTORED}
    assert "2 tables restored." in tab.banner.text
    assert sql(path, "SELECT count(*) FROM orders WHERE status = 'lost'") == [(0,)]
    formers = {each.table: each.kept for each in result.outcome.undoable}
    views = "; ".join(f"CREATE VIEW of_{t} AS SELECT * FROM {f}" for t, f in formers.items())
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)  # nothing reads the database
    sql(path, views)
    result.undo.click()
    table = result.current.table
    assert fails(f"of_{table}", formers[table]) in question_text(qtbot, tab)
    answer(qtbot, tab, table)
    qtbot.waitUntil(lambda: not result.undo.isEnabled(), timeout=WAIT)
    assert result.undo.reason == "The restore was undone."
    assert len(result.outcome.undoable) == 1
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    result.reject()
    (undo,) = (each for each in tab.findChildren(Binding) if each.action.id == "backups.undo")
    undo.perform()
    result = restored(qtbot, tab)
    assert sorted(row[1] for row in rows(result.model).values()) == [RESTORED, UNDONE]
    result.undo_all.click()
    (other,) = formers.keys() - {table}
    assert fails(f"of_{other}", formers[other]) in question_text(qtbot, tab)
    answer(qtbot, tab, "trading.db")
    qtbot.waitUntil(lambda: not result.outcome.undoable and not tab.busy, timeout=WAIT)
    assert contents(path) == before
    result.reject()


def test_a_table_without_a_backup_is_skipped_with_the_reason(qtbot, changed, path):
    sql(path, "CREATE TABLE fresh (id INTEGER)")
    changed.refresh()
    qtbot.waitUntil(lambda: changed.tables.model.row_of("fresh") >= 0, timeout=WAIT)
    select(changed, "orders", "fresh")
    dialog = compared(qtbot, changed)
    assert rows(dialog.model)["fresh"][1] == "skipped"
    assert dialog.restore.text() == "Restore 1 table…"
    dialog.table.selectRow(1)
    assert "There is no backup" in dialog.details.toPlainText()
    dialog.moment.setText("2001-01-01")
    dialog.moment.textEdited.emit("2001-01-01")
    assert not dialog.restore.isEnabled()
    dialog.preview.click()
    qtbot.waitUntil(lambda: dialog.banner.failed, timeout=WAIT)
    assert not dialog.restore.isEnabled()
    dialog.reject()


def test_the_database_whose_backups_are_used_is_chosen(
    qtbot, empty_bucket, tab, path, tmp_path, elsewhere
):
    workspace = tab.context.workspace
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    for number, source in enumerate((first, second)):
        sql(source, f"CREATE TABLE audit (what); INSERT INTO audit VALUES ({number})")
        elsewhere(lambda source=source: backup(workspace, database=str(source)))
    tab.refresh()
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    tab.tables.together.click()
    dialog = visible(qtbot, tab, TogetherDialog)
    qtbot.waitUntil(lambda: dialog.banner.failed, timeout=WAIT)
    assert dialog.source.count() == 4
    entries = [dialog.source.itemText(place) for place in range(4)]
    chosen = next(place for place, text in enumerate(entries) if str(first) in text)
    dialog.source.setCurrentIndex(chosen)
    qtbot.waitUntil(dialog.restore.isEnabled, timeout=WAIT)
    assert [each.origin.path for each in dialog.model.backups] == [str(first)]
    assert str(first) in dialog.request.source
    dialog.restore.click()
    answer(qtbot, tab, "trading.db")
    result = restored(qtbot, tab)
    assert sql(path, "SELECT * FROM audit") == [(0,)]
    commands = [task.order.command for task in tab.context.runner.tasks]
    assert any("--source" in text and str(first) in text for text in commands)
    result.reject()


def test_a_failure_names_the_restored_tables(qtbot, changed, path):
    """Rows of a table that is created after the preview would lose what they refer to."""
    dialog = compared(qtbot, changed)
    order = [backup.table for backup in dialog.model.backups]
    last = order[-1]
    sql(path, f"CREATE TABLE later (c REFERENCES {last} (rowid)); INSERT INTO later VALUES (-5)")
    sql(path, f"DROP TABLE {last}; CREATE VIEW {last} AS SELECT 1")
    dialog.restore.click()
    answer(qtbot, changed, "trading.db")
    result = restored(qtbot, changed)
    found = rows(result.model)
    assert [found[table][1] for table in order] == [RESTORED] * (len(order) - 1) + [FAILED]
    assert f"Unchanged: {last}." in result.summary.text()
    assert result.undo_all.isEnabled()
    result.reject()


def test_all_tables_or_none_are_restored_in_one_transaction(qtbot, changed, path):
    dialog = compared(qtbot, changed)
    assert dialog.single.isVisible()
    dialog.single.setChecked(True)
    last = dialog.model.backups[-1].table
    sql(path, f"DROP TABLE {last}; CREATE VIEW {last} AS SELECT 1")
    before = everything(path)
    dialog.restore.click()
    question = visible(qtbot, changed, Confirm)
    assert any("a failure changes nothing" in each.text() for each in question.findChildren(QLabel))
    answer(qtbot, changed, "trading.db")
    result = restored(qtbot, changed)
    assert {row[1] for row in rows(result.model).values()} == {UNCHANGED}
    assert not result.undo_all.isEnabled()
    assert last in result.notes.text()
    assert everything(path) == before
    commands = [task.order.command for task in changed.context.runner.tasks]
    assert any("--single-transaction" in text for text in commands)
    result.reject()


def test_a_database_without_such_transactions_disables_the_choice_with_the_reason(qtbot, changed):
    dialog = compared(qtbot, changed)
    dialog.single.setChecked(True)
    dialog._plan = replace(dialog._plan, one_transaction=False)
    dialog.show_preview(dialog.request, dialog._preview)
    assert dialog.single.isVisible()
    assert not dialog.single.isEnabled()
    assert not dialog.single_transaction
    assert "ends its transaction at each change of a table" in dialog.single.toolTip()
    assert dialog.single.accessibleDescription() in dialog.single.toolTip()
    dialog.reject()


def test_a_lost_answer_of_one_transaction_is_unknown_for_every_table(qtbot, themed):
    backups = tuple(
        Backup(name, name, datetime(2024, 1, 15, tzinfo=UTC), 1, name) for name in ("a", "b")
    )
    error = DatabaseError("The engine process ended during the task")
    outcome = TogetherOutcome(
        "x", backups, TablesReport((), 0.0), error=error, complete=False, single_transaction=True
    )
    assert outcome.summary == "It is not known whether the tables were restored: a, b."
    assert {row[1] for row in rows(ResultModel(outcome)).values()} == {UNKNOWN}


def test_the_lists_are_loaded_again_after_a_lost_answer(
    qtbot, changed, path, elsewhere, monkeypatch
):
    dialog = compared(qtbot, changed)
    dialog.single.setChecked(True)
    run, workspace = changed.bulk, changed.context.workspace

    def without_answer(name, operation, arguments, *rest, failed=None, **options):
        if operation != "backup.restore_tables":
            return run(name, operation, arguments, *rest, failed=failed, **options)
        done = {**arguments, "database": str(path)}
        elsewhere(lambda: restore_tables(workspace, **done))
        return failed(DatabaseError("The engine process ended during the task"))

    monkeypatch.setattr(changed, "bulk", without_answer)
    dialog.restore.click()
    answer(qtbot, changed, "trading.db")
    result = restored(qtbot, changed)
    assert {row[1] for row in rows(result.model).values()} == {UNKNOWN}

    def formers():
        return [info.name for info in changed.tables.model.tables if "_before_" in info.name]

    qtbot.waitUntil(lambda: len(formers()) == len(result.outcome.backups), timeout=WAIT)
    qtbot.waitUntil(lambda: not changed.busy, timeout=WAIT)
    assert changed.banner.text.startswith("It is not known whether the tables were restored")
    result.reject()


def test_a_stopped_comparison_changes_nothing_and_can_be_repeated(qtbot, changed, path):
    before = everything(path)
    changed.tables.together.click()
    (dialog,) = changed.findChildren(TogetherDialog)
    assert dialog.preview.text() == "Stop"
    dialog.preview.click()
    qtbot.waitUntil(lambda: dialog.preview.text() != "Stop", timeout=WAIT)
    assert dialog.summary.text() == "The comparison was stopped."
    assert not dialog.restore.isEnabled()
    dialog.preview.click()
    qtbot.waitUntil(dialog.restore.isEnabled, timeout=WAIT)
    dialog.reject()
    assert everything(path) == before


def test_a_lost_answer_is_not_reported_as_unchanged(qtbot, themed):
    taken = datetime(2024, 1, 15, tzinfo=UTC)
    backups = tuple(Backup(name, name, taken, 1, name) for name in ("a", "b", "c"))
    error = DatabaseError("The engine process ended during the task")
    outcome = TogetherOutcome("x", backups, TablesReport((), 0.0), error=error, complete=False)
    assert outcome.summary == "0 of 3 tables restored. Not known: a. Unchanged: b, c."
    result = TogetherResult(None, outcome)
    qtbot.addWidget(result)
    states = [row[1] for row in rows(result.model).values()]
    assert states == [UNKNOWN, UNCHANGED, UNCHANGED]
    assert not result.undo_all.isEnabled()


def test_without_an_open_database_it_says_what_to_do(qtbot, fresh_tab, context, workspace):
    context.set_workspace(workspace)
    fresh_tab.show()
    qtbot.waitUntil(lambda: not fresh_tab.busy, timeout=WAIT)
    assert fresh_tab.tables.together.reason == "Open the database to restore into first."


def test_old_backups_of_one_moment_are_shown_apart():
    moment = datetime(2024, 2, 2, 2, tzinfo=UTC)
    names = {"orders": 3, "users": 4}
    backups = [
        Backup("2024-02-02T02:00:00Z", name, moment, 2_560, f"backups/database/{name}/2.json")
        for name in names
    ]
    model = TogetherModel()
    model.show(backups, ())
    for backup_, count in zip(backups, names.values(), strict=True):
        difference, schema = Difference(count, 0, 0), TableSchema(backup_.table, ())
        facts = ("d.db", backup_.table, True, 10, count, difference, schema)
        model.put(RestorePreview(backup_, *facts))
    assert rows(model)["orders"][COUNTS] == ["10", "3", "+3 ~0 \N{MINUS SIGN}0"]
    assert rows(model)["users"][COUNTS] == ["10", "4", "+4 ~0 \N{MINUS SIGN}0"]
    model.set_state(backups[0], "failed", "danger")
    assert [rows(model)[name][1] for name in names] == ["failed", "rows differ"]
    report = RestoreReport(backups[0], "d.db", "orders", 3, "", "rows counted only", 1.0)
    outcome = TogetherOutcome("d.db", tuple(backups), TablesReport((report,), 1.0))
    assert outcome.remaining == ("users",)
    assert ResultModel(outcome).report(1) is None


def test_an_object_that_prevents_the_restore_of_one_table_is_named_before_it_begins(qtbot):
    """The tables before it were replaced, and the others were not."""
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = preview_dialog(parent)
    assert dialog.restore.isEnabled()
    preview = dialog._preview
    bound = Dependant("trigger", "noted", "Its definer is root@localhost.", blocks=True)
    last = preview.tables[-1]
    for exists in (False, True):
        table = replace(last, exists=exists, dependants=(bound,))
        dialog.show_preview(dialog.request, replace(preview, tables=(*preview.tables[:-1], table)))
        assert dialog.restore.isEnabled() != exists
    assert dialog.restore.reason == (
        f"{last.table} cannot be replaced: trigger noted: Its definer is root@localhost."
    )


def test_a_table_that_cannot_be_compared_is_shown_as_skipped_with_the_reason(qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = preview_dialog(parent)
    first, *others = dialog.model.backups
    dialog.compare_wanted.disconnect()
    dialog.plan()
    left = TablesPreview((), (Skipped(first.table, "Its file is damaged."),))
    dialog.show_preview(dialog.request, left)
    assert rows(dialog.model)[first.table][1] == "skipped"
    assert "It is not restored: Its file is damaged." in dialog.model.about(0)
    assert rows(dialog.model)[others[0].table][1] == "not compared"


def test_progress_of_one_backup_is_singular():
    assert progress_text(Progress(1, 1, "backups")) == "1 of 1 backup"
    assert progress_text(Progress(1, 2, "backups")) == "1 of 2 backups"
