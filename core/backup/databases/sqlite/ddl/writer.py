"""Builds SQLite's statements from schema values; names are quoted, fragments checked.

A schema may come from a forged manifest: everything that becomes SQL here is either quoted or was
checked by the guards of `tokens`.
"""

from __future__ import annotations

import re

from core.backup.databases.sqlite.tokens import (
    COLUMN_KEYWORDS,
    default_value,
    expression,
    quoted,
    statements,
)
from core.errors import Corrupt
from core.model.tables import (
    Check,
    Column,
    ForeignKey,
    Index,
    Key,
    KeyPart,
    TableSchema,
    Trigger,
)

_PLAIN_TYPE = re.compile(
    r"[^\W\d][\w$]*(?: [^\W\d][\w$]*)*"
    r" ?(?:\(\s*[+-]?[\d.]+\s*(?:,\s*[+-]?[\d.]+\s*)?\))?"
)
_CONFLICTS = frozenset(("", "ROLLBACK", "FAIL", "IGNORE", "REPLACE"))
_ACTIONS = frozenset(("", "CASCADE", "RESTRICT", "SET NULL", "SET DEFAULT"))
_DEFERRALS = ("",) + tuple(  # noqa: RUF005 - reads better than two stars
    no + "DEFERRABLE" + when
    for no in ("", "NOT ")
    for when in ("", " INITIALLY DEFERRED", " INITIALLY IMMEDIATE")
)
_OPTIONS = {"strict": "STRICT", "without rowid": "WITHOUT ROWID"}


def create_table(schema: TableSchema, name: str) -> str:
    """Return the CREATE TABLE for `schema` under another name.

    Raises:
        Corrupt: When a part of the schema is not of the form it must have.
    """
    inline = {key.parts[0].name: key for key in schema.keys if key.inline and key.parts}
    pieces = [_column(column, inline.get(column.name)) for column in schema.columns]
    pieces += [_key(key) for key in schema.keys if not key.inline]
    pieces += [_check(check) for check in schema.checks]
    pieces += [_foreign(key) for key in schema.foreign_keys]
    options = ", ".join(_known(option, _OPTIONS) for option in schema.options)
    return f"CREATE TABLE {quoted(name)} ({', '.join(pieces)}) {options}".rstrip()


def create_index(index: Index, table: str) -> str:
    """Return the CREATE INDEX for `index` on a table."""
    unique = "UNIQUE " if index.unique else ""
    where = "" if index.where is None else f" WHERE {expression(index.where)}"
    parts = ", ".join(_part(part) for part in index.parts)
    return f"CREATE {unique}INDEX {quoted(index.name)} ON {quoted(table)} ({parts}){where}"


def create_trigger(trigger: Trigger, table: str) -> str:
    """Return the CREATE TRIGGER for `trigger` on a table."""
    timing = _one_of(trigger.timing, ("", "BEFORE", "AFTER"))
    event = _one_of(trigger.event, ("INSERT", "UPDATE", "DELETE"))
    columns = ", ".join(quoted(column) for column in trigger.columns)
    parts = ["CREATE TRIGGER", quoted(trigger.name), timing, event]
    parts += [f"OF {columns}" if columns else "", "ON", quoted(table)]
    parts.append("FOR EACH ROW" if trigger.each_row else "")
    parts.append("" if trigger.condition is None else f"WHEN {expression(trigger.condition)}")
    parts += ["BEGIN", statements(trigger.body), "END"]
    return " ".join(word for word in parts if word)


def _column(column: Column, key: Key | None) -> str:
    parts = [quoted(column.name), _type(column.type)]
    if key is not None:
        parts.append(_inline_key(key))
    if column.not_null:
        parts.append("NOT NULL" + _conflict(column.on_conflict))
    if column.default is not None:
        parts.append(f"DEFAULT {default_value(column.default)}")
    if column.collation is not None:
        parts.append(f"COLLATE {quoted(column.collation)}")
    if column.generated is not None:
        stored = " STORED" if column.stored else ""
        parts.append(f"GENERATED ALWAYS AS ({expression(column.generated)}){stored}")
    return " ".join(word for word in parts if word)


def _inline_key(key: Key) -> str:
    if len(key.parts) != 1 or not key.primary:
        raise Corrupt("A key declared at its column must be that column's primary key")
    down = " DESC" if key.parts[0].descending else ""
    identity = " AUTOINCREMENT" if key.identity else ""
    return f"{_named(key.name)}PRIMARY KEY{down}{_conflict(key.on_conflict)}{identity}"


def _key(key: Key) -> str:
    parts = ", ".join(_part(part) for part in key.parts)
    identity = " AUTOINCREMENT" if key.identity else ""
    word = "PRIMARY KEY" if key.primary else "UNIQUE"
    return f"{_named(key.name)}{word} ({parts}{identity}){_conflict(key.on_conflict)}"


def _check(check: Check) -> str:
    return f"{_named(check.name)}CHECK ({expression(check.expression)})"


def _foreign(key: ForeignKey) -> str:
    here = ", ".join(quoted(column) for column in key.columns)
    there = ", ".join(quoted(column) for column in key.references)
    parts = [f"{_named(key.name)}FOREIGN KEY ({here}) REFERENCES {quoted(key.table)}"]
    parts.append(f"({there})" if there else "")
    parts.append(_action("DELETE", key.on_delete) + _action("UPDATE", key.on_update))
    parts.append(f"MATCH {quoted(key.match)}" if key.match else "")
    parts.append(_one_of(key.deferrable, _DEFERRALS))
    return " ".join(word for word in parts if word)


def _part(part: KeyPart) -> str:
    text = expression(part.name) if part.expression else quoted(part.name)
    collation = "" if part.collation is None else f" COLLATE {quoted(part.collation)}"
    return f"{text}{collation}{' DESC' if part.descending else ''}"


def _type(text: str) -> str:
    reserved = set(COLUMN_KEYWORDS).intersection(text.upper().split())
    if not text or (_PLAIN_TYPE.fullmatch(text) and not reserved):
        return text
    if text[0] == '"' == text[-1] and '"' not in text[1:-1] and "\0" not in text:
        return text
    raise Corrupt("A column's type cannot be read", subject=text[:200])


def _named(name: str) -> str:
    return f"CONSTRAINT {quoted(name)} " if name else ""


def _conflict(resolution: str) -> str:
    return f" ON CONFLICT {resolution}" if _one_of(resolution, _CONFLICTS) else ""


def _action(verb: str, action: str) -> str:
    return f"ON {verb} {action} " if _one_of(action, _ACTIONS) else ""


def _known(keyword: str, known: dict[str, str]) -> str:
    return known[_one_of(keyword, known)]


def _one_of(keyword: str, known: tuple[str, ...] | frozenset[str] | dict[str, str]) -> str:
    if keyword not in known:
        raise Corrupt("A word of the schema is not known", subject=keyword[:200])
    return keyword
