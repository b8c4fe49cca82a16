"""Names of former tables, and of the notes beside them."""

from __future__ import annotations

import re

import apsw

_FORMER_NAME = re.compile(r"(?P<table>.+)__before_\d{8}T\d{6}Z(?:_\d+)?", re.DOTALL)
NOTE = "__note"


def former_name(connection: apsw.Connection, name: str) -> str:
    """Return the original name of a former table, or an empty string for any other table."""
    match = _FORMER_NAME.fullmatch(name)
    if match is None or not is_there(connection, name + NOTE, "view"):
        return ""
    return match["table"]


def is_note(connection: apsw.Connection, name: str) -> bool:
    """Return whether `name` is the note beside a former table, which only contains texts."""
    return name.endswith(NOTE) and bool(former_name(connection, name[: -len(NOTE)]))


def is_there(connection: apsw.Connection, name: str, kind: str) -> bool:
    """Return whether a database has a table, view, index or trigger of a name."""
    rows = connection.execute(
        "SELECT 1 FROM sqlite_schema WHERE type=? AND lower(name)=lower(?)", (kind, name)
    ).fetchall()
    return bool(rows)
