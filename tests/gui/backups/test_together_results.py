"""The result of a restore of several tables is undone, and a restore that is not possible is explained."""

from dataclasses import replace

import pytest
from helpers.backups import sql
from helpers.restores_together import WAIT, answer, compared, restored, visible
from PySide6.QtWidgets import QLabel, QPushButton

from gui.tabs.backups.together_dialog import TogetherDialog
from gui.tabs.backups.together_result import TogetherResult


def restored_but_one(qtbot, tab, path):
    """Restore all tables but the last, which a view has replaced; return the dialog of the result."""
    dialog = compared(qtbot, tab)
    last = dialog.model.backups[-1].table
    sql(path, f"DROP TABLE {last}; CREATE VIEW {last} AS SELECT 1")
    dialog.restore.click()
    answer(qtbot, tab, "trading.db")
    return restored(qtbot, tab)


@pytest.mark.parametrize("other", ["", "Something else"])
def test_the_result_of_undo_all_replaces_that_of_the_restore_only(qtbot, changed, path, other):
    result = restored_but_one(qtbot, changed, path)
    assert "2 of 3 tables restored" in changed.banner.text
    if other:
        changed.banner.show_info(other)
    result.undo_all.click()
    answer(qtbot, changed, "trading.db")
    qtbot.waitUntil(lambda: result.banner.text.startswith("Undone: "), timeout=WAIT)
    assert changed.banner.text == (other or result.banner.text)
    assert "Undone: " in result.summary.text()
    qtbot.waitUntil(lambda: not changed.busy, timeout=WAIT)
    result.reject()


def test_the_result_of_an_incomplete_undo_leads_back_to_that_of_the_restore(qtbot, changed, path):
    result = restored_but_one(qtbot, changed, path)
    second = result.outcome.undoable[1]
    sql(path, f"DROP TABLE {second.kept}")
    result.undo_all.click()
    answer(qtbot, changed, "trading.db")
    qtbot.waitUntil(lambda: "Not undone: " in changed.banner.text, timeout=WAIT)
    assert changed.banner.text.endswith(f"Not undone: {second.table}.")
    qtbot.waitUntil(lambda: not changed.busy, timeout=WAIT)
    result.reject()
    buttons = changed.banner.findChildren(QPushButton)
    next(each for each in buttons if each.text() == "Show the result…").click()
    assert "Undone: " in changed.banner.text
    visible(qtbot, changed, TogetherResult).reject()


def test_a_table_that_changed_since_the_preview_is_previewed_again_with_the_same_choice(
    qtbot, changed, path
):
    """It was only shown as failed, and the choice of the backups had to be repeated by hand."""
    dialog = compared(qtbot, changed)
    dialog.moment.setText("2999-01-01")
    before = dialog.request
    last = dialog.model.backups[-1].table
    sql(path, f"DELETE FROM {last}")
    dialog.restore.click()
    answer(qtbot, changed, "trading.db")
    result = restored(qtbot, changed)
    reason = f"{last} has changed since the preview of the restore. It had "
    assert reason in result.notes.text()
    assert "Preview the restore again" in result.notes.text()
    labels = changed.banner.findChildren(QLabel)
    assert any(reason in label.toolTip() + label.text() for label in labels)
    result.preview.click()
    again = visible(qtbot, changed, TogetherDialog)
    assert again.request == replace(before, tables=(last,))
    qtbot.waitUntil(lambda: again.restore.text() == "Restore 1 table…", timeout=WAIT)
    again.reject()


def test_an_unreadable_database_is_the_reason_why_nothing_can_be_restored_into_it(
    qtbot, tab, path, tmp_path
):
    """Its button was enabled, and would have restored into another database."""
    silent = "postgresql://backup@127.0.0.1:9/trading"  # nothing listens there
    button = tab.tables.together
    assert button.isEnabled()
    tab.open_databases.show((str(path), silent))
    tab.sources.select(silent)
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    assert not button.isEnabled()
    assert button.reason == f"The database cannot be read. {tab.sources.current.problem}."
    tab.sources.select("")
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    assert button.isEnabled(), "the other database can be chosen"
    tab.sources.select(str(path))
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    path.rename(tmp_path / "elsewhere.db")
    tab.refresh()
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    assert not button.isEnabled()
    tab.sources.select("")
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    assert button.reason.startswith("The database cannot be read."), "none can be read"
    (tmp_path / "elsewhere.db").rename(path)
    tab.sources.select(str(path))
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    assert button.isEnabled()


def test_no_second_restore_begins_while_one_runs(qtbot, changed):
    dialog = compared(qtbot, changed)
    dialog.restore.click()
    answer(qtbot, changed, "trading.db")
    assert changed.tables.together.reason == "Tables are being restored. Wait for the result."
    result = restored(qtbot, changed)
    assert changed.tables.together.isEnabled()
    qtbot.waitUntil(lambda: not changed.busy, timeout=WAIT)
    result.reject()
