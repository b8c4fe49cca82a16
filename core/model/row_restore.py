"""Values of the restore of single rows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from core.model.backup import Backup


class RowAction(Enum):
    """What a restore does with one row."""

    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Numbers of rows by what is done with them."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    unchanged: int = 0

    @property
    def changes(self) -> int:
        """The number of rows that change."""
        return self.inserted + self.updated + self.deleted


@dataclass(frozen=True, slots=True)
class RowEffect:
    """A selected row: its key as text, and what is done with it."""

    key: str
    action: RowAction


@dataclass(frozen=True, slots=True)
class RowsPreview:
    """Preview of the restore of single rows; `rows` are the first of them.

    `problems` describe triggers that fire and differences between the schemas.
    """

    backup: Backup
    database: str
    table: str
    counts: RowCounts
    rows: tuple[RowEffect, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowsReport:
    """Report of the restore of single rows.

    `former` is the name of the table with their former values, which `undo` accepts; empty if all
    rows were as in the backup.
    """

    backup: Backup
    database: str
    table: str
    counts: RowCounts
    former: str
    verified: str
    seconds: float
    problems: tuple[str, ...] = ()
