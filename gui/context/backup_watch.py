"""Starts scheduled backups while the window is open, and examines all backups for findings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from core.backup.runs import (
    cancel_claimed_run,
    claim_run,
    incomplete,
    last_runs,
    release_run,
)
from core.backup.schedule import condition_texts, key_name_of, schedule_name
from core.backup.scheduled import report_failure
from core.backup.schedules import applies_to, names_bucket, schedules
from core.backup.store import place_of
from core.backup.timetable import missed_time
from core.engine.command_line import command_line
from core.errors import StorageError
from core.model.backup import BackupReport
from core.model.backup_run import BackupRun
from core.model.change import Change, ChangeKind
from core.model.schedule import BackupFinding, BackupHealth, Schedule
from core.work import Work
from core.workspace import Workspace
from gui.tasks import TaskRunner

_log = logging.getLogger(__name__)

_MINUTE_MS, _HOUR_MS = 60_000, 3_600_000
#: The last runs by the names of their schedules.
Runs = Mapping[str, BackupRun]
#: A start of the window has more important requests than the examination, and several changes in
#: a row, as of a run over many tables, are examined once.
_FIRST_MS, _AFTER_CHANGE_MS = 3_000, 2_000
#: The name of the scheduler in the log of changes.
ORIGIN = "Schedule"


class BackupWatch(QObject):
    """The schedules of this machine with their last runs, and the findings about the backups.

    Nothing is read and no schedule is started before `start`.

    Attributes:
        schedules: the stored schedules by name; None until they were read.
        runs: the last runs by name.
        health: the last examination of the present bucket; None before the first.
        problem: why the last examination failed; empty if it did not.
        argument: returns the argument for the address of a database, with a password that is only
            in memory.

    Signals:
        changed: schedules, runs or findings have changed.
        found: findings that were not known before.
        ended: a scheduled backup has ended: the schedule, and its `BackupReport` or `StorageError`.
    """

    changed = Signal()
    found = Signal(object)
    ended = Signal(object, object)

    def __init__(self, runner: TaskRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._workspace: Workspace | None = None
        self._locked: Callable[[], str] = str
        self._started = False
        self._running: set[str] = set()
        self._known: frozenset[tuple[str, str, str]] = frozenset()
        self.schedules: Mapping[str, Schedule] | None = None
        self.runs: Runs = {}
        self._runs_here: Runs = {}
        self.health: BackupHealth | None = None
        self.problem = ""
        self.argument: Callable[[str], Any] = lambda address: address
        self._minute = _timer(self, _MINUTE_MS, self.read)
        self._hour = _timer(self, _HOUR_MS, self.examine)
        self._later = _timer(self, _AFTER_CHANGE_MS, self.examine)
        self._later.setSingleShot(True)

    def start(self, locked: Callable[[], str]) -> None:
        """Examine the backups and start schedules from now on.

        Args:
            locked: returns why changes are refused, so that no schedule is started; empty if they
                are not.
        """
        self._started, self._locked = True, locked
        self._minute.start()
        self._hour.start()
        self.follow(self._workspace)

    def follow(self, workspace: Workspace | None) -> None:
        """Watch the backups of another connection."""
        self._workspace = workspace
        self.health, self.problem, self._known = None, "", frozenset()
        self.changed.emit()
        if self._started and workspace is not None:
            self.read()
            self._later.start(_FIRST_MS)

    def note_change(self, change: Change) -> None:
        """Examine the backups again after one was made, removed or changed."""
        if self._started and change.kind is ChangeKind.BACKUPS:
            self._later.start(_AFTER_CHANGE_MS)

    def read(self) -> None:
        """Read the schedules and runs, and start the schedules that are due."""
        place = self._place()
        self._runner.run(
            "Read the schedules",
            lambda _work: (schedules(), last_runs(), last_runs(place)),
            owner=self,
            then=self._on_read,
            failed=self._on_failed,
            latest="backups/schedules",
            quiet=True,
        )

    def examine(self) -> None:
        """Examine the backups of the present bucket, in the engine process."""
        workspace = self._workspace
        if workspace is None:
            return
        self._runner.run_bulk(
            "Examine the backups",
            "backup.health",
            {},
            connection=workspace.connection,
            owner=self,
            then=partial(self._on_examined, workspace),
            failed=partial(self._on_not_examined, workspace),
            latest="backups/health",
            quiet=True,
        )

    def run_now(self, schedule: Schedule) -> None:
        """Run a schedule now, regardless of its time."""
        self._start(schedule)

    def is_running(self, schedule: Schedule) -> bool:
        """Return whether this window runs a schedule."""
        return schedule_name(schedule) in self._running

    def schedule_of(self, finding: BackupFinding) -> Schedule | None:
        """Return the schedule whose run would make the backup that a finding misses, if any."""
        found = (self.schedules or {}).items()
        name = finding.run.partition(" ")[0]
        return next(
            (each for key, each in found if (key == name if name else _expects(each, finding))),
            None,
        )

    def why_not_here(self, schedule: Schedule) -> str:
        """Return why this window cannot run a schedule now; empty if it can."""
        if self._workspace is None:
            return "Connect to a bucket first."
        if not applies_to(schedule, self._workspace.profile):
            return "It belongs to another profile or bucket: connect to that one first."
        if reason := self._locked():
            return reason
        return "It is running." if self.is_running(schedule) else ""

    def _on_read(self, read: tuple[dict[str, Schedule], Runs, Runs]) -> None:
        self.schedules, self.runs, self._runs_here = read
        self.changed.emit()
        self._start_due()

    def _start_due(self) -> None:
        if not self._started or self._locked():
            return
        for name, schedule in (self.schedules or {}).items():
            runs = self._runs_here if names_bucket(schedule) else self.runs
            due = missed_time(schedule, runs.get(name))
            mine = schedule.starter is None and not self.why_not_here(schedule)
            if mine and due is not None:
                self._claim(schedule, due, runs.get(name))

    def _claim(self, schedule: Schedule, due: datetime, former: BackupRun | None) -> None:
        place = self._place()
        self._runner.run(
            "Start a scheduled backup",
            lambda _work: claim_run(schedule, due, place),
            owner=self,
            then=partial(self._on_claimed, schedule, former, place),
            failed=self._on_failed,
            quiet=True,
        )

    def _place(self) -> str:
        """Return the bucket of the present connection, for the record of a run."""
        return place_of(self._workspace.profile) if self._workspace is not None else ""

    def _on_claimed(
        self, schedule: Schedule, former: BackupRun | None, place: str, claimed: bool
    ) -> None:
        """Start the backup, unless another window has started it.

        Args:
            schedule: the schedule.
            former: its last run before the claim.
            place: the bucket of the claim: the window may have another one by now, or be locked.
            claimed: whether this window may start it.
        """
        if not claimed:
            return
        if place == self._place() and not self.why_not_here(schedule):
            self._start(schedule)
            return
        self._runner.run(
            "Release a scheduled backup",
            lambda _work: release_run(schedule, former, place),
            owner=self,
            then=lambda _released: self.read(),
            failed=self._on_failed,
            quiet=True,
        )

    def _start(self, schedule: Schedule) -> None:
        workspace = self._workspace
        if workspace is None or self.is_running(schedule):
            return
        self._running.add(schedule_name(schedule))
        tables = list(schedule.tables)
        profile, key = workspace.profile, key_name_of(schedule)
        command = command_line(
            "backup.run",
            schedule.database,
            *tables,
            profile=profile,
            options={
                "--all-tables": not tables,
                "--include": schedule.include,
                "--exclude": schedule.exclude,
                "--where": condition_texts(schedule),
                "--encrypt": key,
            },
        )
        self._runner.run_bulk(
            f"Scheduled backup of {schedule.title}",
            "backup.run",
            {
                "database": self.argument(schedule.database),
                "tables": tables or None,
                "encrypt_with": key,
                "where": dict(schedule.where),
                "include": list(schedule.include),
                "exclude": list(schedule.exclude),
            },
            connection=workspace.connection,
            owner=self,
            then=partial(self._on_done, schedule, place_of(profile)),
            failed=partial(self._on_run_failed, schedule, place_of(profile)),
            cancelled=partial(self._on_cancelled, schedule, place_of(profile)),
            source=schedule.database,
            target=f"s3://{profile.bucket}/",
            command=command,
            origin=ORIGIN,
        )
        self.changed.emit()

    def _on_done(self, schedule: Schedule, place: str, report: BackupReport) -> None:
        error = incomplete(report)
        if error is not None:
            self._on_run_failed(schedule, place, error)
            return
        self._on_ended(schedule)
        self.ended.emit(schedule, report)

    def _on_cancelled(self, schedule: Schedule, place: str) -> None:
        """Record the cancel of a run that has not begun; one that has begun has recorded it."""

        def failed(error: StorageError) -> None:
            self._on_failed(error)
            self._on_ended(schedule)

        self._runner.run(
            "Record a cancelled backup",
            lambda _work: cancel_claimed_run(schedule, place),
            owner=self,
            then=lambda _recorded: self._on_ended(schedule),
            failed=failed,
            quiet=True,
        )

    def _on_run_failed(self, schedule: Schedule, place: str, error: StorageError) -> None:
        """Record the failure, also of a run that did not reach the database, and send notices.

        Args:
            schedule: the schedule.
            place: the bucket of the backup: the window may have another one by now.
            error: why it failed.
        """

        def report(work: Work) -> tuple[str, ...]:
            return report_failure(schedule, error, work, place=place)

        self._runner.run(
            "Report a failed backup",
            report,
            owner=self,
            then=partial(self._on_reported, schedule, error),
            failed=lambda problem: self._on_reported(schedule, error, (str(problem),)),
            cancelled=lambda: self._on_reported(schedule, error, ()),
        )

    def _on_reported(
        self, schedule: Schedule, error: StorageError, problems: tuple[str, ...]
    ) -> None:
        for problem in problems:
            _log.warning("%s", problem)
        self._on_ended(schedule)
        self.ended.emit(schedule, error)

    def _on_ended(self, schedule: Schedule) -> None:
        self._running.discard(schedule_name(schedule))
        self.read()
        self._later.start(_AFTER_CHANGE_MS)

    def _on_examined(self, workspace: Workspace, health: BackupHealth) -> None:
        if self._workspace is not workspace:
            return
        self.health, self.problem = health, ""
        new = tuple(each for each in health.findings if _identity(each) not in self._known)
        self._known = frozenset(map(_identity, health.findings))
        self.changed.emit()
        if new:
            self.found.emit(new)

    def _on_not_examined(self, workspace: Workspace, error: StorageError) -> None:
        """Keep the former findings; the indicator of the window shows an outage."""
        if self._workspace is workspace:
            self.problem = error.summary
            self.changed.emit()

    def _on_failed(self, error: StorageError) -> None:
        _log.warning("%s", error)
        self.problem = error.summary
        self.changed.emit()


def _identity(finding: BackupFinding) -> tuple[str, str, str]:
    """Return what stays the same while a finding persists: not its text, which contains an age."""
    return finding.problem.value, finding.table, finding.database


def _expects(schedule: Schedule, finding: BackupFinding) -> bool:
    """Return whether a schedule backs up the table of a finding."""
    if finding.database not in (schedule.database, str(schedule.origin)):
        return False
    tables = schedule.tables
    complete = not (schedule.include or schedule.exclude)
    return finding.table == ", ".join(tables) or (finding.table in tables if tables else complete)


def _timer(owner: QObject, milliseconds: int, then: Callable[[], object]) -> QTimer:
    timer = QTimer(owner)
    timer.setInterval(milliseconds)
    timer.timeout.connect(then)
    return timer
