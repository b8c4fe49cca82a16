"""Values of the verification of backups, and of restore drills."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.model.backup import Backup, BackupState
from core.units import format_counted


@dataclass(frozen=True, slots=True)
class Verification:
    """The last comparison of all bytes of a backup with their hashes.

    `by` is `verify`, `restore` or `preview`; `problem` is empty if all hashes matched.
    """

    when: datetime
    by: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Drill:
    """The last restore drill of a backup; `problem` is empty if the restored table is the same."""

    when: datetime
    target: str
    verified: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class DrillReport:
    """Report of a restore drill: a backup that was restored into a scratch table.

    `target` is the scratch database and `table` the name of the removed scratch table; `remains`
    names the table that could not be removed, which the next drill removes, and `remains_because`
    is the reason, as sentences. `verified` describes how the rows were compared. `notes` are parts
    of the schema that a scratch database cannot have, and other databases with backups of such a
    table; `problems` are differences.
    """

    backup: Backup
    target: str
    table: str
    rows: int
    verified: str
    seconds: float
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    remains: str = ""
    remains_because: str = ""

    @property
    def end(self) -> str:
        """What has become of the scratch table, as a sentence."""
        if not self.remains:
            return "The scratch table was removed."
        why = f"{self.remains_because.rstrip('.')}. " if self.remains_because else ""
        return (
            f"The scratch table {self.remains} could not be removed from {self.target}. {why}"
            "The next restore drill in this database removes it."
        )

    @property
    def proven(self) -> bool:
        """Whether the restored table is the same; an old-form backup has no hash to prove it."""
        return not self.problems and self.backup.state is BackupState.COMPLETE


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Report of a verification; without `problems` every byte is as recorded.

    `notes` name other databases with backups of such a table, if none was chosen by its id.
    """

    backup: Backup
    rows: int
    size: int
    seconds: float
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether every part exists and matches its hash."""
        return not self.problems

    @property
    def outcome(self) -> str:
        """The result as text; an old-form backup has no hash to compare with."""
        if not self.good:
            return "damaged"
        counted = f"{format_counted(self.rows, 'row')} read again"
        if self.backup.state is BackupState.OLD_FORM:
            return f"{counted}, no hash recorded"
        return f"{counted}, every hash as written"
