"""Retention, pins and restore drills in the window."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from core.backup.listing import list_backups
from core.backup.run import backup
from core.errors import Corrupt, DatabaseError
from gui.dialogs.confirm import Confirm
from gui.dialogs.name import NameDialog
from gui.tabs.backups.retention_dialog import RetentionDialog
from gui.tabs.backups.schedule_form import ScheduleForm


def elsewhere(function):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result()


@pytest.fixture
def made(qtbot, tab, path):
    """Three backups of a table, oldest first, of which the last is selected."""
    workspace = tab.context.workspace
    found = [
        elsewhere(lambda: backup(workspace, database=str(path), tables=["users"])).backups[0]
        for _ in range(3)
    ]
    tab.refresh()
    tab.tables.select("users")
    qtbot.waitUntil(lambda: len(tab.backups.model.backups) == 3, timeout=15_000)
    qtbot.waitUntil(lambda: not tab.context.runner.busy, timeout=15_000)
    return found


def ids(tab):
    workspace = tab.context.workspace
    return {each.id for each in elsewhere(lambda: list_backups(workspace))}


def shown(parent, kind):
    return next(each for each in parent.findChildren(kind) if each.isVisible())


def test_a_rule_is_previewed_and_removes_only_what_was_shown(qtbot, tab, made):
    tab.routines.bar.retention.click()
    dialog = shown(tab, RetentionDialog)
    assert dialog.scope.currentText() == "Backups of the table users"
    qtbot.waitUntil(dialog.remove.isEnabled, timeout=15_000)
    assert dialog.summary.text().startswith("Backups that stay: 1. Backups that are removed: 2, ")
    assert ids(tab) == {each.id for each in made}
    keys = [each.backup.id for each in dialog.model.decisions]
    dialog.table.selectRow(keys.index(made[0].id))
    dialog.pin.click()
    prompt = shown(dialog, NameDialog)
    assert prompt.go.reason == "Type a reason first."
    prompt.field.setText("before the migration")
    prompt.go.click()
    qtbot.waitUntil(lambda: len(dialog.removed) == 1, timeout=15_000)
    qtbot.waitUntil(lambda: not tab.context.runner.busy, timeout=15_000)
    dialog.fields["daily"].setValue(1)
    assert dialog.remove.reason == "Preview the rule first."
    dialog.preview.click()
    qtbot.waitUntil(dialog.remove.isEnabled, timeout=15_000)
    assert dialog.remove.text() == "Remove 1 backup…"
    dialog.remove.click()
    qtbot.waitUntil(lambda: bool(dialog.findChildren(Confirm)), timeout=15_000)
    question = shown(dialog, Confirm)
    assert not question.go.isEnabled(), "the bucket has no versioning"
    question.field.setText("users")
    question.go.click()
    qtbot.waitUntil(lambda: dialog.banner.text.startswith("1 backup removed"), timeout=15_000)
    qtbot.waitUntil(lambda: not tab.context.runner.busy, timeout=15_000)
    assert ids(tab) == {made[0].id, made[2].id}
    assert [each.id for each in tab.backups.model.backups] == [made[2].id, made[0].id]
    dialog.reject()


def test_a_rule_is_stored_for_the_next_time_and_an_empty_one_is_refused(qtbot, tab, made):
    tab.routines.bar.retention.click()
    dialog = shown(tab, RetentionDialog)
    dialog.fields["yearly"].setValue(5)
    dialog.preview.click()
    qtbot.waitUntil(lambda: not tab.context.runner.busy, timeout=15_000)
    for field in dialog.fields.values():
        field.setValue(0)
    assert "retains no backup" in dialog.preview.reason
    dialog.reject()
    tab.routines.bar.retention.click()
    again = shown(tab, RetentionDialog)
    assert again.fields["yearly"].value() == 5
    qtbot.waitUntil(lambda: not tab.context.runner.busy, timeout=15_000)
    again.reject()


def test_a_restore_drill_is_run_from_the_list(qtbot, tab, made):
    tab.backups.drill.click()
    qtbot.waitUntil(lambda: "is proven: 3 rows" in tab.banner.text, timeout=20_000)
    assert tab.backups.current.proven is not None
    assert tab.backups.model.index(0, 3).data().startswith("proven ")
    qtbot.waitUntil(lambda: not tab.context.runner.busy, timeout=15_000)
    tab.backups.pin.click()
    prompt = shown(tab, NameDialog)
    prompt.field.setText("the proven one")
    prompt.go.click()
    qtbot.waitUntil(lambda: tab.backups.pin.text() == "Unpin", timeout=15_000)
    assert tab.backups.current.pin_note == "the proven one"
    tab.backups.pin.click()
    qtbot.waitUntil(lambda: tab.backups.pin.text() == "Pin…", timeout=15_000)


def test_a_failed_drill_states_what_is_left_and_can_be_repeated(tab, made, monkeypatch):
    errors = [Corrupt("A part is damaged"), DatabaseError("The server was stopped")]
    for error in errors:
        error.effect = "The scratch table in app was removed."

    def fail(*_order, failed, **_options):
        failed(errors.pop())

    monkeypatch.setattr(tab, "bulk", fail)
    tab.proofs.drill(made[2])
    assert tab.banner._why.text() == "The scratch table in app was removed."
    retry = tab.banner._buttons[0]
    assert (retry.text(), retry.isHidden()) == ("Retry", False)
    retry.click()
    assert tab.banner.text == "A part is damaged"
    # It would be damaged again.
    assert (errors, retry.isHidden()) == ([], True)


def test_a_dialog_may_be_closed_before_its_answers_arrive(qtbot, tab, made):
    tab.routines.bar.retention.click()
    shown(tab, RetentionDialog).reject()
    tab.routines.schedules._show_form(None)
    form = shown(tab, ScheduleForm)
    form.scope.setCurrentIndex(1)
    form.reject()
    qtbot.waitUntil(lambda: not tab.context.runner.busy, timeout=15_000)
    qtbot.waitUntil(lambda: not tab.findChildren(ScheduleForm))
    assert tab.banner.text == ""
