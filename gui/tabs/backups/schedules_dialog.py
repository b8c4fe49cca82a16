"""The dialog with the schedules of this computer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from PySide6.QtCore import QItemSelection, QObject, Qt, Signal
from PySide6.QtWidgets import QWidget

from core.backup.schedule import schedule_name
from core.backup.timetable import missed_time, next_time
from core.model.backup_run import BackupRun
from core.model.schedule import Every, Schedule, ScheduleFormat
from core.units import format_age, format_moment, utc_now
from gui.context.backup_watch import BackupWatch
from gui.models.columns import CellText
from gui.models.roles import PILL_ROLE
from gui.tabs.backups.rows_model import Rows
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.columns import SettingsStore
from gui.widgets.dialog import Dialog
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.labels import shown, tooltip
from gui.widgets.panel import row
from gui.widgets.table import choose_row, columns_of, make_table

#: The programs that start a schedule, for lists.
STARTERS: dict[ScheduleFormat | None, str] = {
    None: "this window",
    ScheduleFormat.SYSTEMD: "systemd",
    ScheduleFormat.CRON: "cron",
    ScheduleFormat.TASK_SCHEDULER: "Task Scheduler",
}
_RUNS = {
    Every.HOUR: "hourly at :{minute}",
    Every.DAY: "daily at {at}",
    Every.WEEK: "Mondays at {at}",
}
_TONES = {"failed": "danger", "done": "good", "running": "accent"}
_NONE = "Select a schedule first."
_STARTS = "It starts within a minute."
_WIDTHS = (230, 130, 120, 130)
_TEXT = (
    "A schedule that is started by this window runs while it is open and connected. A missed time "
    "is caught up when the window is opened again. Times are those of the zone of this computer."
)


def interval(schedule: Schedule) -> str:
    """Return when a schedule runs, for example `daily at 02:00`."""
    return _RUNS[schedule.every].format(at=schedule.at, minute=schedule.at[3:])


class SchedulesModel(Rows):
    """The schedules with their last and next runs."""

    heads = ("Backup", "Runs", "Started by", "Last run", "Next run")
    moments = frozenset((4,))
    ages = True
    LAST = 3

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.schedules: tuple[Schedule, ...] = ()
        self._runs: Mapping[str, BackupRun] = {}
        self._why_not: Callable[[Schedule], str] = lambda _schedule: ""

    def show(
        self,
        schedules: Mapping[str, Schedule],
        runs: Mapping[str, BackupRun],
        why_not: Callable[[Schedule], str],
    ) -> None:
        """Show schedules and the last runs by name.

        Args:
            schedules: the schedules.
            runs: their last runs.
            why_not: returns why the window cannot run a schedule now; empty if it can.
        """
        self._why_not = why_not
        self.schedules = tuple(sorted(schedules.values(), key=lambda each: each.title.lower()))
        self._runs = runs
        texts: list[tuple[CellText, ...]] = []
        values: list[tuple[Any, ...]] = []
        for each in self.schedules:
            run = self.run_of(each)
            texts.append(
                (
                    shown(each.title),
                    interval(each),
                    STARTERS[each.starter],
                    partial(_last, run),
                    partial(_next, each, run),
                )
            )
            started = run.started.timestamp() if run is not None else 0.0
            values.append((schedule_name(each), each.at, STARTERS[each.starter], started, 0))
        self._replace(texts, values)

    def run_of(self, schedule: Schedule) -> BackupRun | None:
        """Return the last run of a schedule."""
        return self._runs.get(schedule_name(schedule))

    def row_of(self, schedule: Schedule) -> int:
        """Return the row of a schedule, or -1."""
        names = [schedule_name(each) for each in self.schedules]
        name = schedule_name(schedule)
        return names.index(name) if name in names else -1

    def _drawn(self, row: int, column: int, role: int) -> Any:
        schedule = self.schedules[row]
        run = self.run_of(schedule)
        if role == PILL_ROLE and column == self.LAST and run is not None:
            return _TONES.get(_state(run), "neutral")
        if role == Qt.ItemDataRole.ToolTipRole:
            lines = [_about(schedule, run)]
            if _missed(schedule, run) is not None:
                lines.append(f"A run was missed. {self._why_not(schedule) or _STARTS}")
            return tooltip("\n".join(lines))
        return super()._drawn(row, column, role)


def _state(run: BackupRun) -> str:
    if run.running:
        return "running"
    if run.failed:
        return "failed"
    return "stopped" if run.cancelled else "done"


def _last(run: BackupRun | None) -> str:
    if run is None:
        return "never"
    if run.running:
        return "running"
    return f"{_state(run)} {format_age(run.started)}"


def _missed(schedule: Schedule, run: BackupRun | None) -> datetime | None:
    """Return when the window should have started a schedule, but could not."""
    running = run is not None and run.running
    return None if schedule.starter is not None or running else missed_time(schedule, run)


def _next(schedule: Schedule, run: BackupRun | None) -> str:
    if schedule.paused:
        return "paused"
    if (missed := _missed(schedule, run)) is not None:
        return f"missed {format_age(missed)}"
    return format_moment(next_time(schedule, utc_now()), zone=False)


def _about(schedule: Schedule, run: BackupRun | None) -> str:
    lines = [schedule.title, schedule.database, *schedule.options]
    if run is not None:
        lines.append(f"last run on {format_moment(run.started)}")
    if run is not None and run.problem:
        lines.append(run.problem)
    elif run is not None and run.failed:
        lines.append("Its process ended before the backup was complete.")
    return "\n".join(lines)


class SchedulesDialog(Dialog):
    """The list of schedules; its owner changes them.

    Args:
        parent: the view that opens the dialog.
        watch: has the schedules and their runs.
        settings: where the widths of columns are stored.
        why_no_entry: why no entry for another program can be made; empty if it can.

    Signals:
        add_wanted: the user wants to create a schedule.
        edit_wanted, entry_wanted, remove_wanted, run_wanted: the selected `Schedule`.
        pause_wanted: the selected `Schedule`, to pause it or to resume it.
    """

    add_wanted = Signal()
    edit_wanted = Signal(object)
    entry_wanted = Signal(object)
    remove_wanted = Signal(object)
    run_wanted = Signal(object)
    pause_wanted = Signal(object)

    def __init__(
        self,
        parent: QWidget | None,
        watch: BackupWatch,
        settings: SettingsStore | None = None,
        why_no_entry: str = "",
    ) -> None:
        super().__init__(parent, "Scheduled backups", _TEXT, width=800, height=440)
        self._watch, self._why_no_entry = watch, why_no_entry
        self.banner = Banner(self)
        self.model = SchedulesModel(self)
        self.table = make_table(
            self.model, "Schedules", settings=settings, key="backups/schedules", sortable=False
        )
        for column, width in enumerate(_WIDTHS):
            self.table.setColumnWidth(column, width)
        empty = EmptyState(
            "No schedules",
            "A schedule backs tables up regularly, so that no day without a backup is overlooked.",
            "Add a schedule…",
            self.add_wanted.emit,
        )
        self.view = Loadable(self.table, empty)
        self.add = plain_button("Add…", self.add_wanted.emit)
        self.edit = plain_button("Edit…", lambda: self._emit(self.edit_wanted))
        self.pause = plain_button("Pause", lambda: self._emit(self.pause_wanted))
        self.run = plain_button("Run now", lambda: self._emit(self.run_wanted))
        self.entry = plain_button("Entry…", lambda: self._emit(self.entry_wanted))
        self.remove = plain_button("Remove", lambda: self._emit(self.remove_wanted))
        self.add.set_hint("Back tables up regularly.")
        self.entry.set_hint("Shows the entry for systemd, cron or the Task Scheduler.")
        self.remove.set_hint("Removes the schedule; its backups stay.")
        self.add_stretching(self.view)
        self.body.addWidget(
            row(self.add, self.edit, self.pause, self.run, self.entry, self.remove, stretch=True)
        )
        self.add_buttons(primary_button("Close", self.reject))
        self.table.selectionModel().selectionChanged.connect(self._on_selection)
        watch.changed.connect(self.refresh)
        self.refresh()

    @property
    def current(self) -> Schedule | None:
        """The selected schedule."""
        chosen = self.table.selectionModel().selectedRows()
        return self.model.schedules[chosen[0].row()] if chosen else None

    def refresh(self) -> None:
        """Show the present schedules; the selected one stays."""
        former = self.current
        schedules = self._watch.schedules
        self.model.show(schedules or {}, self._watch.runs, self._watch.why_not_here)
        if schedules:
            self.view.show_view()
        elif schedules is None:
            self.view.show_loading()
        else:
            self.view.show_empty()
        place = self.model.row_of(former) if former is not None else -1
        if self.model.schedules:
            choose_row(self.table, max(place, 0))
            columns_of(self.table).fit_content()  # "never" becomes "done 5 min ago"
        self._update()

    def select(self, schedule: Schedule) -> None:
        """Select a schedule that was saved."""
        place = self.model.row_of(schedule)
        if place >= 0:
            choose_row(self.table, place)

    def _emit(self, signal: Any) -> None:
        if self.current is not None:
            signal.emit(self.current)

    def _on_selection(self, _now: QItemSelection, _before: QItemSelection) -> None:
        self._update()

    def _update(self) -> None:
        schedule = self.current
        none = "" if schedule is not None else _NONE
        for button in (self.edit, self.remove):
            button.allow(not none, none)
        why = none or self._why_no_entry
        self.entry.allow(not why, why)
        paused = schedule is not None and schedule.paused
        self.pause.setText("Resume" if paused else "Pause")
        self.pause.setAccessibleName("Resume" if paused else "Pause")
        self.pause.set_hint(
            "Starts the schedule again at its next time."
            if paused
            else "Starts no backup until it is resumed, and expects none."
        )
        outside = schedule is not None and schedule.starter is not None
        why = none or (_OUTSIDE if outside else "")
        self.pause.allow(not why, why)
        why = none or (self._watch.why_not_here(schedule) if schedule is not None else "")
        self.run.allow(not why, why)


_OUTSIDE = "It is started by another program, so it can only be paused there."
