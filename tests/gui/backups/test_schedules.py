"""Schedules in the window: they run when due, are caught up once, and are shown and changed."""

import contextlib
from dataclasses import replace
from datetime import timedelta

import apsw
import pytest
from helpers.backups import trading_database
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QSystemTrayIcon, QTabBar

from core.backup.databases import origin_of
from core.backup.listing import list_backups
from core.backup.runs import last_runs, record_failure, recorded_run
from core.backup.schedule import checked_schedule, schedule_name
from core.backup.schedules import save_schedule, schedules
from core.backup.store import place_of
from core.errors import Offline
from core.model.connection import KeySource
from core.model.schedule import BackupProblem, Every, Schedule, ScheduleFormat
from core.model.selection import Selection
from core.units import utc_now
from gui.dialogs.confirm import Confirm
from gui.main_window.backup_findings import FindingsNotifier, TabBadge
from gui.tabs.backups.findings_dialog import FindingsDialog
from gui.tabs.backups.schedule_entry import ScheduleEntry
from gui.tabs.backups.schedule_form import ScheduleForm
from gui.tabs.backups.schedules_dialog import SchedulesDialog

LOCKED = "The profile is read-only. Unlock it first."


def scheduled(path, *tables, **fields):
    made = checked_schedule(str(path), tables, Every.HOUR, "00:00")
    return save_schedule(replace(made, **{"starter": None, **fields}))


def shown(tab, kind):
    return next(each for each in tab.findChildren(kind) if each.isVisible())


@pytest.fixture
def watch(tab):
    return tab.context.backup_watch


@pytest.fixture
def idle(qtbot, tab):
    """Wait until no task of the window runs."""

    def wait():
        qtbot.waitUntil(lambda: not tab.context.runner.busy, timeout=20_000)

    return wait


def test_a_missed_run_is_caught_up_once_when_the_window_starts(
    tab, path, watch, idle, elsewhere, qtbot
):
    long_ago = utc_now() - timedelta(days=3)
    scheduled(path, "users", created=long_ago)
    scheduled(path, "orders", created=long_ago, paused=True)
    scheduled(path, "audit", created=long_ago, starter=ScheduleFormat.CRON)
    scheduled(path, created=long_ago, options=("--profile=another",))
    with qtbot.waitSignal(watch.ended, timeout=20_000) as ended:
        watch.start(str)
    idle()
    assert ended.args[0].tables == ("users",)
    workspace = tab.context.workspace
    assert [each.table for each in elsewhere(lambda: list_backups(workspace))] == ["users"]
    assert "Scheduled backup of users of trading.db: 1 table with 3 rows" in tab.banner.text
    watch.read()
    idle()
    assert len(elsewhere(lambda: list_backups(workspace))) == 1
    (run,) = last_runs().values()
    assert not run.failed


def test_a_new_schedule_backs_up_the_selected_database(tab, path, qtbot):
    other = path.with_name("other.db")
    trading_database(other, rows=1)
    tab.open_file(str(other))
    qtbot.waitUntil(lambda: not tab.busy and tab.sources.current.address == str(other))
    tab.routines.bar.schedules.click()
    dialog = shown(tab, SchedulesDialog)
    dialog.add.click()
    form = shown(tab, ScheduleForm)
    assert form.database.currentData() == str(other)
    form.reject()
    dialog.reject()


def test_a_locked_profile_starts_nothing(tab, path, watch, idle):
    scheduled(path, "users", created=utc_now() - timedelta(days=3))
    watch.start(lambda: LOCKED)
    idle()
    assert last_runs() == {}


def test_a_run_that_a_locked_profile_misses_is_shown_with_the_reason(tab, path, watch, idle, qtbot):
    """It showed the next run as if nothing was missed, and *Run now* sent notices of a failure."""
    scheduled(path, "users", created=utc_now() - timedelta(days=3))
    watch.start(lambda: LOCKED)
    tab.routines.bar.schedules.click()
    dialog = shown(tab, SchedulesDialog)
    qtbot.waitUntil(lambda: dialog.current is not None)
    assert dialog.model.index(0, 4).data().startswith("missed ")
    tip = dialog.model.index(0, 4).data(Qt.ItemDataRole.ToolTipRole)
    assert f"A run was missed. {LOCKED}" in tip
    assert dialog.run.reason == LOCKED
    dialog.reject()
    idle()


def test_the_schedule_of_a_finding_is_run_from_the_finding(tab, path, watch, idle, qtbot):
    scheduled(path, "users", origin=origin_of(str(path)), created=utc_now() - timedelta(days=3))
    record_failure(str(path), Selection(("orders",)), Offline("The endpoint cannot be reached"))
    locked = [LOCKED]
    watch.start(lambda: locked[0])
    watch.examine()
    qtbot.waitUntil(lambda: watch.health is not None, timeout=20_000)
    tab.routines.bar.findings.click()
    dialog = shown(tab, FindingsDialog)
    idle()
    problems = [each.problem for each in watch.health.findings]
    dialog.table.selectRow(problems.index(BackupProblem.FAILED))
    assert dialog.run.reason == "No schedule makes it."
    dialog.table.selectRow(problems.index(BackupProblem.MISSING))
    assert dialog.run.reason == LOCKED
    locked[0] = ""
    dialog.refresh()
    with qtbot.waitSignal(watch.ended, timeout=20_000):
        dialog.run.click()
    qtbot.waitUntil(lambda: len(watch.health.findings) == 1, timeout=20_000)
    assert dialog.banner.text.startswith("Scheduled backup of users")
    dialog.reject()
    idle()


def test_a_failed_run_is_recorded_and_is_a_finding(tab, path, watch, idle, qtbot):
    schedule = scheduled(path, "users", created=utc_now() - timedelta(days=3))
    connection = apsw.Connection(str(path))
    connection.execute("DROP TABLE users")
    connection.close()
    with qtbot.waitSignals([watch.ended, watch.found], timeout=20_000):
        watch.start(str)
    idle()
    assert last_runs()[schedule_name(schedule)].failed
    assert [each.problem for each in watch.health.findings] == [
        BackupProblem.FAILED, BackupProblem.MISSING,
    ]  # fmt: skip
    assert tab.routines.bar.text.text().startswith("2 findings: The backup of users of ")
    tab.routines.bar.findings.click()
    dialog = shown(tab, FindingsDialog)
    assert dialog.dismiss.isEnabled()
    dialog.dismiss.click()
    qtbot.waitUntil(lambda: len(watch.health.findings) == 1, timeout=20_000)
    assert not dialog.dismiss.isEnabled()
    dialog.show_backups.click()
    idle()
    assert tab.tables.current.name == "users"


def test_a_failure_belongs_to_the_bucket_of_the_run_although_another_one_is_open(
    tab, path, watch, idle, qtbot
):
    schedule = scheduled(path, "users", created=utc_now())
    connection = apsw.Connection(str(path))
    connection.execute("DROP TABLE users")
    connection.close()
    watch.start(lambda: LOCKED)
    idle()
    place = place_of(tab.context.workspace.profile)
    with qtbot.waitSignal(watch.ended, timeout=20_000):
        watch.run_now(schedule)
        watch.follow(None)
    assert last_runs()[schedule_name(schedule)].place == place


@pytest.mark.parametrize("named", [True, False])
def test_a_backup_in_another_bucket_is_no_run_of_a_schedule_that_names_its_bucket(
    tab, path, watch, idle, elsewhere, named
):
    options = (f"--bucket={tab.context.workspace.profile.bucket}",) if named else ()
    scheduled(path, "users", created=utc_now() - timedelta(days=3), options=options)
    with recorded_run(str(path), Selection(("users",)), "AWS/another-bucket"):
        pass
    watch.start(str)
    idle()
    workspace = tab.context.workspace
    made = [each.table for each in elsewhere(lambda: list_backups(workspace))]
    assert made == (["users"] if named else [])


def test_without_findings_the_next_backup_is_shown(tab, path, watch, idle, qtbot):
    bar = tab.routines.bar
    assert bar.text.text() == "The backups were not examined yet."
    watch.start(lambda: LOCKED)
    watch.examine()
    idle()
    assert bar.text.text() == "No findings about 0 backups. No backup is scheduled."
    assert bar.findings.reason == "There are no findings."
    scheduled(path, "users", paused=False)
    watch.read()
    idle()
    assert "The next scheduled backup is on " in bar.text.text()


def test_schedules_are_added_changed_paused_and_removed(tab, path, watch, idle, qtbot):
    with contextlib.closing(apsw.Connection(str(path))) as connection:  # left by a restore
        connection.execute(
            "CREATE TABLE orders__before_20260101T000000Z (id);"
            "CREATE VIEW orders__before_20260101T000000Z__note AS SELECT 1"
        )
    tab.routines.bar.schedules.click()
    idle()
    dialog = shown(tab, SchedulesDialog)
    assert dialog.run.reason == "Select a schedule first."
    dialog.add.click()
    form = shown(tab, ScheduleForm)
    assert "The next run is on " in form.note.text()
    form.scope.setCurrentIndex(1)
    idle()
    assert form.go.reason == "Check at least one table."
    names = [form.model.item(row).text() for row in range(form.model.rowCount())]
    assert names == ["audit", "orders", "users"]
    form.model.item(1).setCheckState(Qt.CheckState.Checked)
    form.command.setText("'")
    assert "quotation mark" in form.go.reason
    form.command.setText("true")
    form.go.click()
    qtbot.waitUntil(lambda: dialog.current is not None)
    (made,) = schedules().values()
    assert (made.tables, made.every, made.starter, made.on_failure) == (
        ("orders",), Every.DAY, None, "true",
    )  # fmt: skip
    assert "--bucket=" in made.options[1]
    dialog.pause.click()
    qtbot.waitUntil(lambda: dialog.pause.text() == "Resume")
    assert dialog.model.index(0, 4).data() == "paused"
    dialog.remove.click()
    qtbot.waitUntil(lambda: dialog.current is None)
    assert schedules() == {}
    assert dialog.banner.text == "The schedule of orders of trading.db was removed."
    dialog.banner._buttons[1].click()
    qtbot.waitUntil(lambda: dialog.current is not None)
    assert schedules()[schedule_name(made)].paused
    dialog.reject()


def test_a_new_schedule_names_the_one_that_it_replaces(tab, path, watch, idle, qtbot):
    scheduled(path, "orders", options=("--bucket=another",), created=utc_now())
    tab.routines.bar.schedules.click()
    idle()
    dialog = shown(tab, SchedulesDialog)
    dialog.add.click()
    form = shown(tab, ScheduleForm)
    form.scope.setCurrentIndex(1)
    idle()
    form.model.item(1).setCheckState(Qt.CheckState.Checked)
    form.go.click()
    idle()
    assert "It replaces the one of the same tables: every hour at 00:00 --bucket=another." in (
        dialog.banner.text
    )
    dialog.reject()


def test_a_schedule_is_run_now(tab, path, watch, idle, qtbot):
    scheduled(path, "users")
    tab.tables.select("users")
    idle()
    tab.routines.bar.schedules.click()
    qtbot.waitUntil(lambda: shown(tab, SchedulesDialog).current is not None)
    dialog = shown(tab, SchedulesDialog)
    with qtbot.waitSignal(watch.ended, timeout=20_000):
        dialog.run.click()
        assert dialog.run.reason == "It is running."
    idle()
    assert dialog.model.index(0, 3).data().startswith("done ")
    last = dialog.model.LAST
    qtbot.waitUntil(lambda: dialog.table.columnWidth(last) >= dialog.table.sizeHintForColumn(last))
    assert len(tab.backups.model.backups) == 1
    dialog.reject()


def test_an_entry_is_copied_and_saved(tab, path, idle, qtbot, monkeypatch, tmp_path):
    tab.context.demo_database = None
    schedule = scheduled(path, "users", starter=ScheduleFormat.SYSTEMD)
    tab.routines.schedules._show_entry(schedule)
    entry = shown(tab, ScheduleEntry)
    assert entry.text.toPlainText().count("[Unit]") == 2
    entry.copy.click()
    assert entry.banner.text == "The entry was copied."
    monkeypatch.setattr(QFileDialog, "open", lambda dialog: dialog.fileSelected.emit(str(tmp_path)))
    entry.save.click()
    idle()
    name = schedule_name(schedule)
    assert (tmp_path / f"{name}.timer").read_text().startswith("[Unit]")
    entry.form.setCurrentIndex(1)
    assert entry.text.toPlainText().startswith("0 * * * * ")
    entry.reject()


def test_an_entry_names_the_variables_that_the_profile_needs(tab, path, monkeypatch):
    profile = replace(tab.context.workspace.profile, source=KeySource.ENVIRONMENT)
    monkeypatch.setattr(type(tab.context.workspace), "profile", profile)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    for name, noted in ((profile.name, True), ("another", False)):
        schedule = scheduled(path, "users", options=(f"--profile={name}",))
        tab.routines.schedules._show_entry(schedule)
        entry = shown(tab, ScheduleEntry)
        assert ("AWS_* variables" in entry.note.text()) is noted
        entry.reject()


def test_keys_in_memory_are_only_those_of_the_window(tab, path, monkeypatch, idle):
    profile = replace(tab.context.workspace.profile, source=KeySource.SESSION)
    monkeypatch.setattr(type(tab.context.workspace), "profile", profile)
    tab.context.demo_database = None
    tab.routines.bar.schedules.click()
    dialog = shown(tab, SchedulesDialog)
    dialog.add.click()
    form = shown(tab, ScheduleForm)
    idle()
    assert form.go.isEnabled()
    form.starter.setCurrentIndex(1)
    assert "in the memory of the window" in form.go.reason
    assert form.note.text() == form.go.reason
    form.reject()
    dialog.reject()


def test_the_removal_of_a_systemd_schedule_is_confirmed(tab, path, watch, idle, qtbot):
    scheduled(path, "users", starter=ScheduleFormat.SYSTEMD)
    tab.routines.bar.schedules.click()
    qtbot.waitUntil(lambda: shown(tab, SchedulesDialog).current is not None)
    dialog = shown(tab, SchedulesDialog)
    assert "another program" in dialog.pause.reason
    dialog.remove.click()
    question = next(each for each in dialog.findChildren(Confirm) if each.isVisible())
    question.go.click()
    qtbot.waitUntil(lambda: dialog.current is None)
    assert schedules() == {}
    dialog.reject()


def test_findings_are_shown_on_the_tab_and_as_a_notification(
    qtbot, tab, path, watch, idle, monkeypatch
):
    bar = QTabBar()
    qtbot.addWidget(bar)
    bar.addTab("Backups")
    bar.show()
    badge = TabBadge(bar, 0)
    messages = []
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", staticmethod(lambda: True))
    monkeypatch.setattr(QSystemTrayIcon, "show", lambda _icon: None)
    monkeypatch.setattr(
        QSystemTrayIcon, "showMessage", lambda _icon, *texts: messages.append(texts[:2])
    )
    clicks = []
    notifier = FindingsNotifier(watch, badge, lambda: clicks.append(1), tab)
    monkeypatch.setattr(
        "gui.main_window.notifier.QApplication.activeWindow", staticmethod(lambda: None)
    )
    record_failure(str(path), Selection(("users",)), Offline("The endpoint cannot be reached"))
    watch.start(lambda: LOCKED)
    watch.examine()
    qtbot.waitUntil(lambda: bool(messages), timeout=20_000)
    assert messages[0][0] == "1 finding about backups"
    assert "The endpoint cannot be reached." in messages[0][1]
    assert (badge.isVisible(), badge.text()) == (True, "1")
    assert bar.accessibleTabName(0) == "Backups, 1 finding"
    watch.examine()
    idle()
    assert len(messages) == 1, "known findings are not notified of again"
    notifier.desktop.tray.messageClicked.emit()
    assert clicks == [1]


def test_a_schedule_of_another_profile_cannot_run_here(tab, path, watch):
    other = Schedule(str(path), options=("--profile=another",))
    assert "another profile" in watch.why_not_here(other)
    tab.context.set_workspace(None)
    assert watch.why_not_here(other) == "Connect to a bucket first."
