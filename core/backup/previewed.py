"""The checks of a restore that its table is as requested, or still as its preview has shown it."""

from __future__ import annotations

from core.backup.databases.base import Database
from core.errors import NOTHING_CHANGED, AlreadyExists, Conflict
from core.units import format_counted
from core.work import Work


class TableChangedError(Conflict):
    """The table that a restore would replace is not the one that was previewed."""


def refuse_changed(target: Database, table: str, rows: int, work: Work) -> None:
    """Refuse to replace a table that has more or fewer rows than in the preview.

    The count is cheap in comparison with the restore. Changed values are not noticed.

    Args:
        target: The database, in which the table exists.
        table: The name of the table.
        rows: The rows that it had; 0 if it did not exist.
        work: Cancel token.

    Raises:
        TableChangedError: It has another number of rows.
    """
    found = target.count(table, work=work)
    if found != rows:
        raise TableChangedError(
            f"{table} has changed since the preview of the restore",
            cause=f"It had {format_counted(rows, 'row')}, and has {found:,} now.",
            remedy="Preview the restore again, then decide.",
            effect=NOTHING_CHANGED,
            subject=table,
        )


def refuse_existing(target: Database, name: str | None) -> None:
    """Refuse to restore under the name of a table that exists.

    Args:
        target: The database.
        name: The name of the new table; None for a restore in place.

    Raises:
        AlreadyExists: There is a table with this name.
    """
    if name is not None and target.exists(name):
        raise AlreadyExists(
            f"A table {name} already exists", remedy="Choose another name.", subject=name
        )
