"""Names and texts as parts of SQL statements."""

from __future__ import annotations

import re
from pathlib import Path


def quoted(name: str) -> str:
    """Return an identifier for a statement."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """Return a text as a literal of a statement."""
    return "'" + text.replace("'", "''") + "'"


def path_literal(path: Path) -> str:
    """Return the literal of one file for functions that also accept patterns of names."""
    return text_literal(re.sub(r"[*?\[]", r"[\g<0>]", str(path)))
