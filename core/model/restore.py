"""Values of the restore of a table, and of its comparison with a backup."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from core.model.backup import Backup
from core.model.database import Dependant, Reference
from core.model.tables import TableSchema, Trigger
from core.units import format_counted


@dataclass(frozen=True, slots=True)
class ChangedCell:
    """A cell that a restore would change, with values as text; `key` identifies the row.

    `row` is the exact key, as the restore of single rows reads it; empty if it cannot be written.
    """

    key: str
    column: str
    today: str
    backup: str
    row: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """Rows that a restore would add, change and remove; `by_key` is empty without a key.

    `added_keys` and `removed_keys` are the exact keys of these rows; see `ChangedCell.row`.
    """

    added: int
    changed: int
    removed: int
    by_key: tuple[str, ...] = ()
    cells: tuple[ChangedCell, ...] = ()
    added_rows: tuple[str, ...] = ()
    removed_rows: tuple[str, ...] = ()
    added_keys: tuple[str, ...] = ()
    removed_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RestorePreview:
    """Preview of an in-place restore.

    `drift` describes schema changes since the backup. `orphans` counts the rows of referring tables
    that would refer to missing rows. `schema` is the schema to build: from the backup, or inferred
    for the old form (`inferred`). `triggers` are those of the backup that the present table does
    not have. `dependants` are the other objects of the database that read or index the table, each
    with its future problem. `single_rows` means that the rows were compared by the primary key,
    so that single ones can be restored.
    """

    backup: Backup
    database: str
    table: str
    exists: bool
    rows_today: int | None
    rows: int
    difference: Difference
    schema: TableSchema
    inferred: bool = False
    drift: tuple[str, ...] = ()
    incoming: tuple[Reference, ...] = ()
    orphans: tuple[tuple[str, int], ...] = ()
    triggers: tuple[Trigger, ...] = ()
    problems: tuple[str, ...] = ()
    suggested_name: str = ""
    dependants: tuple[Dependant, ...] = ()
    single_rows: bool = False


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """Report of a restore; `kept` is the name of the former table, or empty.

    `verified` describes how the rows were compared: by hash, by value, or only counted (old form).
    `dependants` are the other objects that read or index the table after the restore.
    """

    backup: Backup
    database: str
    table: str
    rows: int
    kept: str
    verified: str
    seconds: float
    problems: tuple[str, ...] = ()
    dependants: tuple[Dependant, ...] = ()


@dataclass(frozen=True, slots=True)
class UndoReport:
    """Report of the undo of a restore: the name of the table, and what is not as it was before."""

    table: str
    problems: tuple[str, ...] = ()


def dangling_after_undo(lost: Iterable[tuple[str, int]]) -> tuple[str, ...]:
    """Return texts about rows that refer to missing rows after an undo, by their table."""
    return tuple(
        f"{format_counted(rows, 'row')} of {table} {'refers' if rows == 1 else 'refer'} to missing rows."
        for table, rows in lost
    )


@dataclass(frozen=True, slots=True)
class Content:
    """Row count of a table, and the SHA-256 of the lines of all rows."""

    rows: int
    sha256: str
