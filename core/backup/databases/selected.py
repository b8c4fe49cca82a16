"""Which tables of a run are read completely, before their schemas are known."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.backup.databases.base import Database
    from core.model.selection import Selection


def is_read_completely(database: Database, selection: Selection, table: str) -> bool:
    """Return whether a run reads all rows of a table: it is selected, and has no condition."""
    if any(database.same_name(table, name) for name in selection.where):
        return False
    if selection.tables is not None:
        return any(database.same_name(table, name) for name in selection.tables)
    included = not selection.include or any(
        matches(database, table, pattern) for pattern in selection.include
    )
    return included and not any(matches(database, table, one) for one in selection.exclude)


def matches(database: Database, table: str, pattern: str) -> bool:
    """Return whether a pattern with `*`, `?` or `[ab]` matches a name of a table."""
    # Whether upper and lower case differ depends on the engine, and on a setting of MariaDB.
    flags = re.IGNORECASE if database.same_name("a", "A") else re.NOFLAG
    expression = re.compile(translate(pattern), flags)
    return any(map(expression.fullmatch, database.pattern_names(table)))
