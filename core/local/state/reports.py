"""What could not be read of the state, for the views that show it.

A report is repeated while the file that it names exists: its user removes the file when it is not
needed any more.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from core.local.state.database import Database


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Names of entries that could not be imported, and the file that still has them."""

    names: tuple[str, ...]
    file: Path


def unreadable_entries(database: Database, store: str) -> tuple[Unreadable, ...]:
    """Return what could not be imported from the files of an earlier version.

    Args:
        database: the state database.
        store: a name of `core.local.state.old_files.OLD_STORES`.

    Raises:
        LocalIOError: the database cannot be read.
    """
    rows = database.rows(
        "SELECT unreadable, moved_to FROM imported_files WHERE store = ? AND unreadable <> '[]'",
        (store,),
    )
    found = [Unreadable(tuple(json.loads(names)), Path(file)) for names, file in rows]
    return tuple(each for each in found if each.file.exists())


def damaged_files(database: Database) -> tuple[Path, ...]:
    """Return the damaged databases that were set aside and still exist, oldest first.

    Raises:
        LocalIOError: the database cannot be read.
    """
    rows = database.rows("SELECT path FROM damaged_files ORDER BY moment")
    return tuple(Path(path) for (path,) in rows if Path(path).exists())
