"""Reads CREATE INDEX and CREATE TRIGGER of SQLite into schema values."""

from __future__ import annotations

from core.backup.databases.sqlite.ddl_reader import Reader
from core.backup.databases.sqlite.tokens import Token, sliced
from core.model.tables import Index, Trigger


def read_index(text: str) -> Index:
    """Return the index that a CREATE INDEX text declares."""
    reader = Reader(text)
    reader.need("CREATE")
    unique = reader.skip("UNIQUE")
    reader.need("INDEX")
    reader.skip("IF", "NOT", "EXISTS")
    name = reader.target()
    reader.need("ON")
    reader.take()
    parts, _ = reader.parts()
    where = sliced(reader.until()) if reader.skip("WHERE") else None
    return Index(name, parts, unique, where)


def read_trigger(text: str) -> Trigger:
    """Return the trigger that a CREATE TRIGGER text declares."""
    reader = Reader(text)
    reader.need("CREATE")
    reader.one_of("TEMP", "TEMPORARY")
    reader.need("TRIGGER")
    reader.skip("IF", "NOT", "EXISTS")
    name = reader.target()
    timing = reader.one_of("BEFORE", "AFTER")
    event = reader.take().text.upper()
    columns = _of(reader)
    reader.need("ON")
    reader.take()
    each = reader.skip("FOR", "EACH", "ROW")
    condition = sliced(reader.until("BEGIN")) if reader.skip("WHEN") else None
    reader.need("BEGIN")
    words: list[Token] = []
    while reader.here.kind != "end":
        words.append(reader.take())
    return Trigger(name, timing, event, sliced(words[:-1]), columns, condition, each)


def _of(reader: Reader) -> tuple[str, ...]:
    if not reader.skip("OF"):
        return ()
    found = [reader.take().name]
    while reader.skip(","):
        found.append(reader.take().name)
    return tuple(found)
