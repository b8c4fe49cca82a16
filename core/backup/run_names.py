"""Names by which the local records of a backup are found: its runs, and its schedule."""

from __future__ import annotations

import hashlib

from core.local.state.database import state_database
from core.model.selection import Selection


def name_of(database: str, selection: Selection) -> str:
    """Return a name for units and tasks; equal for equal database, tables, patterns and conditions.

    Args:
        database: The address without a password.
        selection: The tables and rows.
    """
    conditions = (f"{table}={condition}" for table, condition in sorted(selection.where.items()))
    # Without conditions and patterns the names are those of earlier versions. A text contains no
    # null byte, so a pattern with one is not taken for a table or a condition.
    patterns = [f"\0include={pattern}" for pattern in selection.include]
    patterns += [f"\0exclude={pattern}" for pattern in selection.exclude]
    text = "\0".join((database, *(selection.tables or ()), *conditions, *patterns))
    return f"strongroom-backup-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def is_scheduled(name: str) -> bool:
    """Return whether a schedule of this machine has a name, without reading the schedule.

    Raises:
        LocalIOError: The state database cannot be read.
    """
    return bool(state_database().rows("SELECT 1 FROM schedules WHERE name = ?", (name,)))
