"""Values of scheduled backups and of findings about backups."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from core.model.backup import Origin


class Every(Enum):
    """Interval of a schedule."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"

    @property
    def seconds(self) -> int:
        """Length of the interval."""
        return {Every.HOUR: 3_600, Every.DAY: 86_400, Every.WEEK: 7 * 86_400}[self]


class ScheduleFormat(Enum):
    """The program that starts scheduled backups."""

    SYSTEMD = "systemd"
    CRON = "cron"
    TASK_SCHEDULER = "task-scheduler"


@dataclass(frozen=True, slots=True)
class Schedule:
    """Tables of a database that are backed up at a time of the machine's zone.

    Attributes:
        database: The address without a password.
        tables: The tables; empty for all.
        every: The interval; a week begins on Monday.
        at: The time as `HH:MM`; of an hourly backup only the minutes count.
        options: Options of every command, for example `--profile=prod`.
        origin: The database as recorded in backups.
    """

    database: str
    tables: tuple[str, ...] = ()
    every: Every = Every.DAY
    at: str = "02:00"
    options: tuple[str, ...] = ()
    origin: Origin = field(default_factory=Origin)


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """A generated file, with its name and its text."""

    name: str
    text: str


class BackupProblem(Enum):
    """Kind of a finding about the backups of a table."""

    MISSING = "missing"
    OVERDUE = "overdue"
    DAMAGED = "damaged"
    SMALL = "abnormally small"
    LARGE = "abnormally large"


@dataclass(frozen=True, slots=True)
class BackupFinding:
    """A finding about the backups of a table; `text` is a complete sentence."""

    problem: BackupProblem
    table: str
    database: str
    text: str
