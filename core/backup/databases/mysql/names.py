"""Names of tables beside another table, within the limit of 64 characters."""

from __future__ import annotations

import hashlib
import re

_LONGEST_NAME = 64
#: In bytes, with room for the suffixes of files and partitions.
_LONGEST_FILE_NAME = 220
NOTE = "__note"
former_pattern = re.compile(r".+__before_\d{8}T\d{6}Z(?:_\d+)?", re.DOTALL)
#: The comment of a table that a restore has begun to load. A table without it is never removed.
LOADING = "strongroom: this table is being loaded by a restore"
_LOADED_NAME = re.compile(r".+__restoring(?:_\d+)?", re.DOTALL)


def related_name(table: str, suffix: str) -> str:
    """Return the name of a table beside `table`; a long name is shortened and made unique."""
    if _fits(table + suffix + NOTE):
        return table + suffix
    number = hashlib.sha256(table.encode()).hexdigest()[:6]
    short = table
    while not _fits(f"{short}~{number}{suffix}{NOTE}"):
        short = short[:-1].rstrip()
    return f"{short}~{number}{suffix}"


def _fits(name: str) -> bool:
    """Return whether a name is valid, also as a file name, in which most characters need 5 bytes."""
    size = sum(1 if c.isascii() and (c.isalnum() or c == "_") else 5 for c in name)
    return len(name) <= _LONGEST_NAME and size <= _LONGEST_FILE_NAME


def is_being_loaded(name: str, comment: str) -> bool:
    """Return whether a table is being loaded by a restore or a drill, or was when it was killed."""
    return comment == LOADING and _LOADED_NAME.fullmatch(name) is not None


def is_note_name(name: str, names: frozenset[str]) -> bool:
    """Return whether `name` is the note beside a former table in `names`."""
    table = name.removesuffix(NOTE)
    return table != name and former_pattern.fullmatch(table) is not None and table in names
