"""What a run would back up."""

from __future__ import annotations

from dataclasses import dataclass

from core.model.selection import Skipped


@dataclass(frozen=True, slots=True)
class PlannedTable:
    """A table that a run would back up, and how many rows of it; `filter` is their condition.

    `estimated`: their number is an estimate.
    """

    name: str
    rows: int
    filter: str = ""
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """What a run would back up of a database.

    `skipped` tables cannot be backed up; `excluded` ones are left out by the patterns of the run.
    """

    database: str
    tables: tuple[PlannedTable, ...]
    skipped: tuple[Skipped, ...] = ()
    excluded: tuple[Skipped, ...] = ()
