"""Values of scheduled backups and of findings about backups."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from core.model.selection import Selection

if TYPE_CHECKING:
    from core.model.backup import Origin


def _no_origin() -> Origin:
    # `schedule` imports this module for its options, which do not need the values of backups.
    from core.model.backup import Origin

    return Origin()


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
        starter: The program that starts it; None for the window while it is open.
        paused: Whether the window does not start it, and its backups are not expected.
        on_failure: A command that is run after a failure; empty for none.
        webhook: A URL to which a failure is sent; empty for none.
        created: When it was created, from which its first run is counted; None if not recorded.
        where: Pairs of a table and an SQL condition: only these rows of it are backed up.
        include: Patterns of the tables that are backed up, instead of `tables`; empty for all.
        exclude: Patterns of tables that are not backed up, instead of `tables`.
    """

    database: str
    tables: tuple[str, ...] = ()
    every: Every = Every.DAY
    at: str = "02:00"
    options: tuple[str, ...] = ()
    origin: Origin = field(default_factory=_no_origin)
    starter: ScheduleFormat | None = ScheduleFormat.SYSTEMD
    paused: bool = False
    on_failure: str = ""
    webhook: str = ""
    created: datetime | None = None
    where: tuple[tuple[str, str], ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    @property
    def scope(self) -> str:
        """The tables, for lists and messages."""
        return Selection(self.tables, {}, self.include, self.exclude).scope

    @property
    def timing(self) -> str:
        """Interval, time and options, for messages."""
        return " ".join((f"every {self.every.value} at {self.at}", *self.options))

    @property
    def title(self) -> str:
        """The tables and the database, for lists and messages."""
        database = self.origin.database or self.database
        some = "some rows of " if self.where else ""
        return f"{some}{self.scope} of {database}"


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """A generated file, with its name and its text."""

    name: str
    text: str


class BackupProblem(Enum):
    """Kind of a finding about the backups of a table."""

    MISSING = "missing"
    OVERDUE = "overdue"
    FAILED = "failed"
    DAMAGED = "damaged"
    SMALL = "abnormally small"
    LARGE = "abnormally large"


@dataclass(frozen=True, slots=True)
class BackupFinding:
    """A finding about the backups of a table; `text` is a complete sentence.

    `run` is the key of the failed run, with which the finding can be dismissed; else empty.
    """

    problem: BackupProblem
    table: str
    database: str
    text: str
    run: str = ""


@dataclass(frozen=True, slots=True)
class LastBackup:
    """The newest backup of a table of one database among `backups` that were examined."""

    table: str
    origin: Origin
    taken: datetime
    backups: int


@dataclass(frozen=True, slots=True)
class BackupHealth:
    """The findings about the backups of a bucket, their number, and when they were examined.

    `last` has the newest backup of each table and database. Of a table with very many backups only
    the newest ones are examined.
    """

    findings: tuple[BackupFinding, ...]
    backups: int
    examined: datetime
    last: tuple[LastBackup, ...] = ()
