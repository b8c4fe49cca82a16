"""Backups of some rows, schedules with conditions, and backups that were interrupted."""

import pytest
from helpers.backups import sql
from PySide6.QtCore import QRect, Qt

from core.backup.listing import list_backups
from core.backup.run import backup
from core.backup.schedules import schedules
from core.backup.store import BucketStore
from core.errors import Offline
from core.model.backup_plan import BackupPlan, PlannedTable
from gui.dialogs.confirm import Confirm
from gui.tabs.backups.condition_dialog import ConditionDialog
from gui.tabs.backups.schedule_form import ScheduleForm
from gui.tabs.backups.schedules_dialog import SchedulesDialog
from gui.tabs.backups.selection_dialog import SelectionDialog
from gui.widgets import dialog as dialog_module


def shown(tab, kind):
    return next(each for each in tab.findChildren(kind) if each.isVisible())


@pytest.fixture
def idle(qtbot, tab):
    """Wait until no task of the window runs."""

    def wait():
        qtbot.waitUntil(lambda: not tab.context.runner.busy, timeout=20_000)

    return wait


@pytest.fixture
def orders(tab, idle):
    """The tab with the table `orders` selected, as a window shows it."""
    tab.show()
    tab.tables.select("orders")
    idle()
    return tab


def test_an_estimated_number_of_rows_is_marked_in_the_preview(qtbot, themed):
    dialog = SelectionDialog(None, "shop", ("large", "small"), lambda *_: None)
    qtbot.addWidget(dialog)
    planned = (PlannedTable("large", 4_000_000, estimated=True), PlannedTable("small", 3))
    dialog.plan_wanted.connect(lambda _selection, then: then(BackupPlan("shop", planned)))
    dialog.preview.click()
    assert cells(dialog.tables, 1) == ["≈ 4,000,000", "3"]
    assert dialog.note.text() == "2 tables with about 4,000,003 rows would be backed up."


def test_some_rows_are_backed_up_after_the_database_has_checked_the_condition(
    orders, idle, elsewhere, qtbot
):
    orders.tables.some_rows.click()
    dialog = shown(orders, ConditionDialog)
    assert not dialog.go.isEnabled()
    dialog.field.setText("nothing = 1")
    dialog.go.click()
    idle()
    assert dialog.isVisible()
    assert "cannot be used: nothing = 1" in dialog.banner.text
    dialog.field.setText("status = 'open'")
    dialog.count.click()
    idle()
    assert dialog.note.text() == "Rows that meet the condition: 30."
    dialog.go.click()
    qtbot.waitUntil(lambda: "Backed up orders: 30 rows" in orders.banner.text, timeout=20_000)
    workspace = orders.context.workspace
    (made,) = elsewhere(lambda: list_backups(workspace))
    assert made.filter == "status = 'open'"


def cells(table, column):
    model = table.model()
    return [model.index(row, column).data() for row in range(model.rowCount())]


def test_tables_are_chosen_by_patterns_and_conditions(orders, path, idle, elsewhere, qtbot):
    sql(path, "CREATE TABLE audit_log (id INTEGER PRIMARY KEY)")
    orders.refresh()
    idle()
    orders.tables.some_tables.click()
    dialog = shown(orders, SelectionDialog)
    qtbot.keyClicks(dialog.exclude, "audit_*, nothing_*")
    dialog.go.click()
    idle()
    assert dialog.isVisible()
    assert "No table matches the pattern nothing_*" in dialog.banner.text
    dialog.exclude.clear()
    qtbot.keyClicks(dialog.exclude, "audit_*")
    names = cells(dialog.tables, 0)
    dialog.tables.setCurrentIndex(dialog.model.index(names.index("orders"), 0))
    qtbot.keyClicks(dialog.where, "status = 'open'")
    dialog.preview.click()
    idle()
    plan = dict(
        zip(names, zip(cells(dialog.tables, 1), cells(dialog.tables, 2), strict=True), strict=True)
    )
    assert plan["orders"] == ("30", "status = 'open'")
    assert plan["audit_log"] == ("", "none: The pattern audit_* excludes it.")
    assert dialog.tables.textElideMode() is Qt.TextElideMode.ElideRight, "its beginning is shown"
    assert "audit_log" not in dialog.note.text()
    assert " would be backed up." in dialog.note.text()
    qtbot.keyClicks(dialog.exclude, ", u*")  # another selection than the one of the preview
    assert (dialog.note.text(), set(cells(dialog.tables, 1))) == ("", {""})
    dialog.go.click()
    qtbot.waitUntil(lambda: "Backed up " in orders.banner.text, timeout=20_000)
    workspace = orders.context.workspace
    made = {backup.table: backup for backup in elsewhere(lambda: list_backups(workspace))}
    assert not made.keys() & {"audit_log", "users"}
    assert (made["orders"].rows, made["orders"].filter) == (30, "status = 'open'")


def test_the_reason_why_a_schedule_cannot_be_saved_is_visible_in_a_small_window(
    orders, idle, monkeypatch
):
    monkeypatch.setattr(dialog_module, "available_area", lambda _dialog: QRect(0, 0, 853, 533))
    orders.routines.bar.schedules.click()
    schedules_dialog = shown(orders, SchedulesDialog)
    schedules_dialog.add.click()
    form = shown(orders, ScheduleForm)
    idle()
    form.scope.setCurrentIndex(1)
    assert form.note.text() == "Check at least one table."
    assert form.note.visibleRegion().boundingRect() == form.note.rect()
    assert form.command.visibleRegion().isEmpty(), "the window is not small"
    form.reject()
    schedules_dialog.reject()


def test_a_schedule_of_some_rows_is_saved_after_a_check(orders, path, idle, qtbot):
    orders.routines.bar.schedules.click()
    schedules_dialog = shown(orders, SchedulesDialog)
    schedules_dialog.add.click()
    form = shown(orders, ScheduleForm)
    form.scope.setCurrentIndex(1)
    idle()
    assert not form.exclude.isVisible()
    rows = {form.model.item(n).data(): n for n in range(form.model.rowCount())}
    assert not form.where.isEnabled()
    for table in ("orders", "users"):
        form.model.item(rows[table]).setCheckState(Qt.CheckState.Checked)
    form.tables.setCurrentIndex(form.model.index(rows["orders"], 0))
    assert form.where.isEnabled()
    form.where.setFocus()
    qtbot.keyClicks(form.where, "nothing = 1")
    form.go.click()
    idle()
    assert form.isVisible()
    assert "cannot be used: nothing = 1" in form.banner.text
    form.where.clear()
    qtbot.keyClicks(form.where, "price > 1")
    assert form.banner.isHidden(), "the error is about another condition, and covers the note"
    assert form.model.item(rows["orders"]).text() == "orders, only rows where price > 1"
    form.tables.setCurrentIndex(form.model.index(rows["users"], 0))
    assert form.where.text() == ""
    form.go.click()
    idle()
    (stored,) = schedules().values()
    assert (set(stored.tables), stored.where) == ({"orders", "users"}, (("orders", "price > 1"),))
    schedules_dialog.reject()


def test_a_schedule_of_all_tables_has_patterns_and_conditions(orders, path, idle, qtbot):
    orders.routines.bar.schedules.click()
    schedules_dialog = shown(orders, SchedulesDialog)
    schedules_dialog.add.click()
    form = shown(orders, ScheduleForm)
    idle()
    rows = {form.model.item(n).data(): n for n in range(form.model.rowCount())}
    assert form.model.item(0).data(Qt.ItemDataRole.CheckStateRole) is None
    qtbot.keyClicks(form.exclude, "nothing_*")
    form.go.click()
    idle()
    assert "No table matches the pattern nothing_*" in form.banner.text
    form.exclude.clear()
    qtbot.keyClicks(form.exclude, "a*, u*")
    form.tables.setCurrentIndex(form.model.index(rows["orders"], 0))
    qtbot.keyClicks(form.where, "price > 1")
    form.go.click()
    idle()
    (stored,) = schedules().values()
    assert (stored.tables, stored.include, stored.exclude) == ((), (), ("a*", "u*"))
    assert stored.where == (("orders", "price > 1"),)
    title = schedules_dialog.table.model().index(0, 0).data()
    assert title == "some rows of all tables except a*, u* of trading.db"
    schedules_dialog.edit.click()
    form = shown(orders, ScheduleForm)
    idle()
    assert (form.include.text(), form.exclude.text()) == ("", "a*, u*")
    form.tables.setCurrentIndex(form.model.index(rows["orders"], 0))
    assert form.where.text() == "price > 1"
    form.reject()
    schedules_dialog.reject()


@pytest.fixture
def interrupted(orders, path, elsewhere, monkeypatch, idle):
    """The tab after a backup of `orders` whose parts could not be sent."""

    def refuse(*_arguments, **_named):
        raise Offline("The endpoint cannot be reached")

    workspace = orders.context.workspace
    with monkeypatch.context() as patch:
        patch.setattr(BucketStore, "put", refuse)
        with pytest.raises(Offline):
            elsewhere(lambda: backup(workspace, database=str(path), tables=["orders"]))
    orders.refresh()
    idle()
    return orders


def test_an_interrupted_backup_is_resumed(interrupted, path, elsewhere, qtbot):
    bar = interrupted.interrupted
    assert bar.isVisible()
    assert bar.accessibleName().startswith("The backup of orders of ")
    sql(path, "DELETE FROM orders")
    bar.resume.click()
    qtbot.waitUntil(
        lambda: "The backup of orders was completed with 60 rows" in interrupted.banner.text,
        timeout=20_000,
    )
    qtbot.waitUntil(lambda: not bar.isVisible(), timeout=20_000)
    qtbot.waitUntil(lambda: len(interrupted.backups.model.backups) == 1, timeout=20_000)


def test_an_interrupted_backup_is_discarded_after_a_question(interrupted, idle, elsewhere, qtbot):
    bar = interrupted.interrupted
    bar.discard.click()
    dialog = shown(interrupted, Confirm)
    dialog.go.click()
    qtbot.waitUntil(lambda: not bar.isVisible(), timeout=20_000)
    workspace = interrupted.context.workspace
    assert elsewhere(lambda: list_backups(workspace)) == ()


def test_a_locked_profile_resumes_nothing(interrupted):
    bar = interrupted.interrupted
    bar.allow("Changes are locked.")
    assert (bar.resume.reason, bar.discard.reason) == ("Changes are locked.",) * 2
    bar.allow("")
    assert bar.resume.isEnabled()
