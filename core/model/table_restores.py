"""Values of the restore of several tables."""

from __future__ import annotations

from dataclasses import dataclass

from core.model.backup import Backup
from core.model.restore import RestorePreview, RestoreReport
from core.model.selection import Skipped


@dataclass(frozen=True, slots=True)
class TablesPlan:
    """The backup of each table that a restore would use, in the order of the restore.

    `skipped` and `notes` are those of `TablesPreview`. `one_transaction` is whether the database
    can restore them in a single transaction.
    """

    backups: tuple[Backup, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    one_transaction: bool = False

    @property
    def size(self) -> int:
        """The stored size of the backups in bytes."""
        return sum(backup.size for backup in self.backups)


@dataclass(frozen=True, slots=True)
class TablesPreview:
    """Preview of the restore of several tables, in the order in which they are restored.

    `skipped` tables have no backup that can be used, or cannot be compared. `notes` name tables whose backups are
    not of the same snapshot as the others, or are not the newest.
    """

    tables: tuple[RestorePreview, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TablesReport:
    """Report of the restore of several tables, in the order in which they were restored.

    `attached` are foreign keys that were created when the table to which they refer was restored.
    `remaining` are the tables that were not restored after a failure. `problems` are rows that
    refer to missing rows, and foreign keys that could not be created.
    """

    tables: tuple[RestoreReport, ...]
    seconds: float
    attached: tuple[str, ...] = ()
    remaining: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
