"""Names and texts as parts of SQL statements."""

from __future__ import annotations


def quoted(name: str) -> str:
    """Return an identifier for a statement."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """Return a text as a literal of a statement."""
    return "'" + text.replace("'", "''") + "'"
