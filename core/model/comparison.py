"""Values of the comparison of two backups."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from core.model.backup import Backup


class RowChange(Enum):
    """How a row of the second backup differs from the first one."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class ComparedRow:
    """A row that differs, with its values as text in the order of the compared columns.

    `before` is empty for an added row, and `after` for a removed one. `different` names the columns
    whose values differ in a changed row. Long values are cut.
    """

    change: RowChange
    before: tuple[str, ...]
    after: tuple[str, ...]
    different: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BackupComparison:
    """The differences from the first backup (`before`) to the second one (`after`) of a table.

    `by_key` names the columns of the key by which rows are compared; it is empty if complete rows
    are. `columns` are those that both backups have. `rows` are samples. `drift` describes the
    differences of the schemas. `by_hash` means that the hashes of all rows are equal, so that no
    part was read.
    """

    before: Backup
    after: Backup
    added: int
    changed: int
    removed: int
    unchanged: int
    by_key: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[ComparedRow, ...] = ()
    drift: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    by_hash: bool = False
    seconds: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether both backups have the same rows."""
        return not (self.added or self.changed or self.removed)
