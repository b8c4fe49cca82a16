"""Opens the dialogs of schedules and findings, and stores what they change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog

from core.backup.filters import plan_backup
from core.backup.runs import dismiss_failure
from core.backup.schedule import schedule_name, selection_of, with_key
from core.backup.schedules import remove_schedule, replace_schedule, save_schedule
from core.backup.systemd_units import remove_units
from core.errors import InvalidInput, StorageError
from core.local.atomic import write_atomically
from core.local.environment import environment_names_keys
from core.model.backup import BackupReport
from core.model.connection import KeySource
from core.model.database import DatabaseInfo
from core.model.schedule import BackupFinding, GeneratedFile, Schedule, ScheduleFormat
from core.units import format_counted
from core.work import Work
from gui.dialogs.confirm import ask
from gui.tabs.backups.encryption_dialog import chosen_key
from gui.tabs.backups.findings_dialog import FindingsDialog
from gui.tabs.backups.open_databases import OpenDatabases, read_info
from gui.tabs.backups.schedule_entry import ScheduleEntry
from gui.tabs.backups.schedule_form import ScheduleChoices, ScheduleForm
from gui.tabs.backups.schedules_dialog import STARTERS, SchedulesDialog
from gui.tabs.backups.servers import ServerFacts
from gui.tabs.base import Tab
from gui.widgets.banner import Banner
from gui.widgets.dialog import while_exists

_DEMO = "The demo server ends with the window, so only the window can start this backup."
_IN_MEMORY = (
    "The keys of this profile are in the memory of the window until it is closed, so only the window "
    "can start this backup."
)
_VARIABLES = (
    "The profile uses the AWS_* variables with which this window was started: the program that starts "
    "the backup usually does not have them, and needs them, too."
)


class ScheduleActions(QObject):
    """Shows, adds, changes, runs and removes schedules; the tab runs the tasks.

    Args:
        tab: runs the tasks and shows errors.
        databases: the open databases, whose tables can be backed up.
        show_table: shows the backups of a table by its name.
    """

    def __init__(
        self, tab: Tab, databases: OpenDatabases, show_table: Callable[[str], object]
    ) -> None:
        super().__init__(tab)
        self._tab, self._databases, self._show_table = tab, databases, show_table
        self._watch = tab.context.backup_watch
        self._watch.argument = databases.argument
        self._watch.ended.connect(self._on_ended)
        self._dialog: SchedulesDialog | None = None
        self._findings: FindingsDialog | None = None

    def show_schedules(self) -> None:
        """Show the schedules of this computer."""
        dialog = SchedulesDialog(
            self._tab, self._watch, self._tab.context.settings, self._why_window_only
        )
        dialog.add_wanted.connect(lambda: self._show_form(None))
        dialog.edit_wanted.connect(self._show_form)
        dialog.pause_wanted.connect(self._on_pause_wanted)
        dialog.run_wanted.connect(self._on_run_wanted)
        dialog.entry_wanted.connect(self._show_entry)
        dialog.remove_wanted.connect(self._on_remove_wanted)
        self._dialog = dialog
        dialog.finished.connect(self._on_closed)
        self._watch.read()
        dialog.open()

    def show_findings(self) -> None:
        """Show the findings about the backups."""
        dialog = FindingsDialog(self._tab, self._watch)
        dialog.show_wanted.connect(self._on_show_wanted)
        dialog.dismiss_wanted.connect(self._on_dismiss_wanted)
        dialog.run_wanted.connect(self._on_run_wanted)
        dialog.examine_wanted.connect(self._watch.examine)
        self._findings = dialog
        dialog.finished.connect(self._on_findings_closed)
        self._watch.read()
        dialog.open()

    @property
    def _why_window_only(self) -> str:
        """Why no other program can start a backup with the present profile; empty if one can."""
        if self._tab.context.demo_database is not None:
            return _DEMO
        workspace = self._tab.context.workspace
        in_memory = workspace is not None and workspace.profile.source is KeySource.SESSION
        return _IN_MEMORY if in_memory else ""

    def _remark(self, schedule: Schedule) -> str:
        """Return what the program that starts a schedule needs; empty if nothing is known."""
        workspace = self._tab.context.workspace
        profile = workspace.profile if workspace is not None else None
        present = profile is not None and f"--profile={profile.name}" in schedule.options
        variables = profile is not None and profile.source is KeySource.ENVIRONMENT
        return _VARIABLES if present and variables and environment_names_keys() else ""

    def _on_closed(self) -> None:
        self._dialog = None

    def _on_findings_closed(self) -> None:
        self._findings = None

    # Form and entry

    def _show_form(self, schedule: Schedule | None) -> None:
        workspace = self._tab.context.workspace
        profile = workspace.profile if workspace is not None else None
        options = (f"--profile={profile.name}", f"--bucket={profile.bucket}") if profile else ()
        choices = ScheduleChoices(
            self._databases.all,
            options,
            self._why_window_only,
            self._databases.selected,
        )
        form = ScheduleForm(self._dialog or self._tab, choices, self._save, schedule)
        form.tables_wanted.connect(partial(self._list_tables, form))
        form.check_wanted.connect(partial(self._check, form))
        form.list_tables()
        form.open()

    def _list_tables(self, form: ScheduleForm, address: str) -> None:
        workspace = self._tab.context.workspace
        database = self._databases.argument(address)

        def listed(read: tuple[DatabaseInfo, ServerFacts | None]) -> None:
            infos = read[0].tables
            tables = [t.name for t in infos if not (t.problem or t.former_name or t.derived)]
            form.show_tables(address, tables)

        self._tab.run(
            "Read tables",
            lambda work: read_info(database, workspace, work),
            while_exists(form, listed),
            latest="backups/schedule tables",
            quiet=True,
            failed=while_exists(form, form.show_error),
        )

    def _check(self, form: ScheduleForm, schedule: Schedule) -> None:
        """Let the database check the patterns and conditions of a schedule before it is saved."""
        workspace = self._tab.context.workspace
        if workspace is None:
            form.show_error(InvalidInput("The tables cannot be checked", remedy="Connect first."))
            return
        database = self._databases.argument(schedule.database)
        selection = selection_of(schedule)
        self._tab.run(
            "Check the choice of tables",
            lambda work: plan_backup(
                workspace, work, database=database, selection=selection, exact=False
            ),
            while_exists(form, lambda _plan: form.save()),
            latest="backups/schedule conditions",
            quiet=True,
            failed=while_exists(form, form.show_error),
        )

    def _save(self, schedule: Schedule, former: Schedule | None) -> None:
        """Store a schedule; one for another program is shown as its entry afterwards."""
        key = chosen_key(self._tab.context.settings, schedule.database)
        schedule = with_key(schedule, key)

        def save(work: Work) -> Schedule:
            work.check()
            return replace_schedule(schedule, former)

        other = (self._watch.schedules or {}).get(schedule_name(schedule))
        if former is not None and schedule_name(former) == schedule_name(schedule):
            other = None
        self._change("Save a schedule", save, partial(self._on_saved, former, other))

    def _on_saved(
        self, former: Schedule | None, other: Schedule | None, schedule: Schedule
    ) -> None:
        text = f"The schedule of {schedule.title} was saved."
        if other is not None:
            text += f" It replaces the one of the same tables: {other.timing}."
        text += "".join(_entry_left(each, schedule) for each in (former, other) if each is not None)
        self._report(text)
        changed = former is None or replace(former, created=schedule.created) != schedule
        if schedule.starter is not None and changed:
            self._show_entry(schedule)

    def _show_entry(self, schedule: Schedule) -> None:
        dialog = ScheduleEntry(self._dialog or self._tab, schedule, self._remark(schedule))
        dialog.save_wanted.connect(partial(self._on_save_wanted, dialog))
        dialog.open()

    def _on_save_wanted(self, entry: ScheduleEntry, files: Sequence[GeneratedFile]) -> None:
        """Prompt for the folder, since systemd needs two files with their names."""
        dialog = QFileDialog(entry, "Save the entry in a folder", str(Path.home()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(partial(self._save_files, entry, tuple(files)))
        dialog.open()

    def _save_files(
        self, entry: ScheduleEntry, files: Sequence[GeneratedFile], folder: str
    ) -> None:
        def save(work: Work) -> str:
            for file in files:
                work.check()
                write_atomically(Path(folder) / file.name, file.text.encode())
            return ", ".join(file.name for file in files)

        def saved(names: str) -> None:
            entry.banner.show_good(f"Saved in {folder}: {names}.")

        self._tab.run(
            "Save the entry of a schedule",
            save,
            while_exists(entry, saved),
            failed=while_exists(entry, entry.banner.show_error),
        )

    # Pause, run, remove

    def _on_pause_wanted(self, schedule: Schedule) -> None:
        changed = replace(schedule, paused=not schedule.paused)
        texts = {
            True: f"The schedule of {schedule.title} is paused.",
            False: f"The schedule of {schedule.title} runs again at its next time.",
        }
        if schedule.paused:  # times before now are not caught up
            changed = replace(changed, created=None)
        self._change(
            "Pause or resume a schedule",
            lambda _work: save_schedule(changed),
            lambda _saved: self._report(texts[changed.paused]),
        )

    def _on_run_wanted(self, schedule: Schedule) -> None:
        self._watch.run_now(schedule)
        self._report(f"The backup of {schedule.title} was started.")

    def _on_remove_wanted(self, schedule: Schedule) -> None:
        if schedule.starter is not ScheduleFormat.SYSTEMD:
            self._remove(schedule)
            return
        ask(
            self._dialog or self._tab,
            f"Remove the schedule of {schedule.title}?",
            "Its timer is stopped and its systemd units of this user are removed, if they are "
            "installed. The backups stay.",
            partial(self._remove, schedule),
            button="Remove",
            danger=True,
        )

    def _remove(self, schedule: Schedule) -> None:
        def remove(work: Work) -> Schedule:
            work.check()
            name = schedule_name(schedule)
            if schedule.starter is ScheduleFormat.SYSTEMD:
                remove_units(name)
            return remove_schedule(name)

        self._change("Remove a schedule", remove, self._on_removed)

    def _on_removed(self, schedule: Schedule) -> None:
        def undo() -> None:
            self._change(
                "Undo the removal of a schedule",
                lambda _work: save_schedule(schedule),
                lambda _saved: self._report(f"The schedule of {schedule.title} is back."),
            )

        text = f"The schedule of {schedule.title} was removed."
        if schedule.starter in {ScheduleFormat.CRON, ScheduleFormat.TASK_SCHEDULER}:
            text = f"{text} Also remove its entry from the program that starts it."
        banner = self._banner
        undoable = schedule.starter is not ScheduleFormat.SYSTEMD
        banner.show_good(text, action=("Undo", undo) if undoable else None)

    def _change(
        self,
        name: str,
        change: Callable[[Work], Schedule],
        then: Callable[[Schedule], object],
    ) -> None:
        def changed(schedule: Schedule) -> None:
            self._watch.read()
            self._watch.examine()
            then(schedule)

        self._tab.run(name, change, changed, failed=self._show_error)

    def _show_error(self, error: StorageError) -> None:
        if self._banner is self._tab.banner:
            self._tab.show_error(error)
        else:
            self._banner.show_error(error)

    @property
    def _banner(self) -> Banner:
        """The banner of the open dialog, which covers that of the tab."""
        dialog = self._dialog or self._findings
        return self._tab.banner if dialog is None else dialog.banner

    def _report(self, text: str) -> None:
        self._banner.show_good(text)

    def _on_ended(self, schedule: Schedule, result: object) -> None:
        """Show the result of a scheduled backup."""
        if isinstance(result, BackupReport):
            rows = sum(backup.rows or 0 for backup in result.backups)
            tables = format_counted(len(result.backups), "table")
            self._report(
                f"Scheduled backup of {schedule.title}: {tables} with "
                f"{format_counted(rows, 'row')} backed up in {result.seconds:.1f} s."
            )
        elif isinstance(result, StorageError):
            self._show_error(result)

    # Findings

    def _on_show_wanted(self, finding: BackupFinding) -> None:
        self._show_table(finding.table.partition(", ")[0])

    def _on_dismiss_wanted(self, finding: BackupFinding) -> None:
        self._tab.run(
            "Dismiss a finding",
            lambda _work: dismiss_failure(finding.run),
            lambda _done: self._watch.examine(),
            quiet=True,
        )


def _entry_left(former: Schedule, schedule: Schedule) -> str:
    """Return what became of the entry that started the former one of a schedule, as a sentence."""
    same = (schedule_name(former), former.starter) == (schedule_name(schedule), schedule.starter)
    if same or former.starter is None:
        return ""
    if former.starter is ScheduleFormat.SYSTEMD:
        return " The timer of the former one was removed, if it was installed for this user."
    return f" Also remove the entry of the former one from {STARTERS[former.starter]}."
