"""Statements that recreate a PostgreSQL table from a manifest; every fragment of SQL is checked."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from typing import Any

from core.backup.recovery_kit.script.failures import INTEGERS, corrupt, texts
from core.backup.recovery_kit.script.sqlite import quoted

# A backslash escapes in E'…' only (standard_conforming_strings), and is refused outside of quotes,
# where psql would read a command.
_SQL_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<string>[eE]'(?:[^'\\]|''|\\.)*'|[bBxXnN]?'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<number>\d[\w.]*)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<mark>::|:=|=>|[-+*/<>=~!@\#%^&|`?(){}\[\],.:])""",
    re.VERBOSE | re.DOTALL,
)
_NAME_PART = r'(?:[^".]+|"(?:[^"]|"")+")'
_TABLE_NAME = re.compile(rf"(?:({_NAME_PART})\.)?({_NAME_PART})")
_IDENTIFIER = r'(?:"(?:[^"\0]|"")+"|[^\W\d][\w$]*)'
_QUALIFIED_NAME = re.compile(rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})?")
_TYPE_MODIFIERS = r"(?: ?\(-?\w+(?: ?, ?-?\w+)*\))?"
#: A word that begins a clause of a column (CHECK, DEFAULT, REFERENCES) cannot follow the name.
_TYPE_NAME = re.compile(
    rf"{_QUALIFIED_NAME.pattern}{_TYPE_MODIFIERS}(?: (?:precision|varying|with|without|time|zone|year"
    rf"|month|day|hour|minute|second|to)\b{_TYPE_MODIFIERS})*(?:\[\d*\])*"
)
_REGCLASS = re.compile(r"'(?P<name>(?:[^']|'')+)'::regclass")
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_NUMBERING = {"always": "ALWAYS", "by default": "BY DEFAULT"}
_COUNTERS = ("increment", "minimum", "maximum", "start", "cache")
SESSION = (
    "SET client_encoding = 'UTF8'",
    "SET DateStyle = 'ISO, YMD'",
    "SET IntervalStyle = 'postgres'",
    "SET TimeZone = 'UTC'",
    "SET standard_conforming_strings = on",
    "SET search_path = pg_catalog",
)


class PostgreSQLTable:
    """A table of a manifest's schema, under the name `name`.

    Under another name than its own, its keys and indexes get names that the server chooses.
    """

    def __init__(self, schema: dict[str, Any], name: str) -> None:
        self._schema = schema
        self._renamed = name != schema["table"]
        self._place = split_name(name)
        self.sql = joined_name(*self._place)
        self._columns = self._list("columns")
        stored = [one for one in self._columns if one.get("generated") is None]
        if not stored:
            raise corrupt("The manifest's schema has no columns.")
        self.columns = ", ".join(quoted(_word(one, "name")) for one in stored)

    def _list(self, name: str) -> list[dict[str, Any]]:
        found = self._schema.get(name, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise corrupt(f"The manifest's {name} is not a list of objects.")
        return found

    def create(self) -> Iterator[str]:
        """Yield the statements before the rows: schemas, types, the table, partitions."""
        schemas = {self._place[0]}
        named = self._list("types")
        if not self._renamed:  # otherwise they are in the schema of the table
            named = [*named, *self._list("partitions")]
        schemas |= {split_name(_word(one, "name"))[0] for one in named}
        for schema in sorted(schemas - {"public"}):
            yield f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}"
        for kind in self._list("types"):
            # A tag that the text cannot contain: it would end the quotes.
            tag = f"$kit_{secrets.token_hex(12)}$"
            yield (
                f"DO {tag} BEGIN {_type_statement(kind)}; "
                f"EXCEPTION WHEN duplicate_object THEN NULL; END {tag}"
            )
        yield self._table()
        for partition in self._list("partitions"):
            yield self._partition(partition)

    def _table(self) -> str:
        numbered = {_word(one, "column") for one in self._list("sequences")}
        columns = ", ".join(self._column(one, numbered) for one in self._columns)
        options = texts(self._schema.get("options", []), "options")
        kind = "UNLOGGED " if "unlogged" in options else ""
        text = f"CREATE {kind}TABLE {self.sql} ({columns})"
        if key := _word(self._schema, "partition_key"):
            return f"{text} PARTITION BY {definition(key, 'RANGE ', 'LIST ', 'HASH ')}"
        storage = [fragment(one) for one in options if "=" in one]
        return f"{text} WITH ({', '.join(storage)})" if storage else text

    def _column(self, column: dict[str, Any], numbered: set[str]) -> str:
        name = _word(column, "name")
        pieces = [quoted(name), type_name(_word(column, "type"))]
        if column.get("collation"):
            pieces.append(f"COLLATE {collation_name(_word(column, 'collation'))}")
        if column.get("generated") is not None:
            pieces.append(f"GENERATED ALWAYS AS ({fragment(_word(column, 'generated'))}) STORED")
        elif column.get("default") is not None and name not in numbered | set(
            self._late_defaults()
        ):
            pieces.append(f"DEFAULT ({fragment(_word(column, 'default'))})")
        return " ".join(pieces) + (" NOT NULL" if column.get("not_null") else "")

    def _partition(self, partition: dict[str, Any]) -> str:
        bound = definition(_word(partition, "bound"), "FOR VALUES ", "DEFAULT")
        parent = _word(partition, "parent")
        above = self._partition_name(parent) if parent else self.sql
        key = _word(partition, "key")
        below = f" PARTITION BY {definition(key, 'RANGE ', 'LIST ', 'HASH ')}" if key else ""
        name = self._partition_name(_word(partition, "name"))
        return f"CREATE TABLE {name} PARTITION OF {above} {bound}{below}"

    def _partition_name(self, name: str) -> str:
        schema, table = split_name(name)
        if not self._renamed:
            return joined_name(schema, table)
        return joined_name(self._place[0], f"{self._place[1]}_{table}")

    def complete(self) -> Iterator[str]:
        """Yield the statements after the rows: keys, checks, indexes, sequences, comments."""
        for key in self._list("keys"):
            text = definition(_word(key, "definition"), "PRIMARY KEY ", "UNIQUE ", "EXCLUDE ")
            yield f"ALTER TABLE {self.sql} ADD {self._constraint(key)}{text}"
        for check in self._list("checks"):
            text = definition(_word(check, "definition"), "CHECK ")
            # Rows that violate the check already violated it in the backup.
            valid = "" if text.endswith(" NOT VALID") else " NOT VALID"
            yield f"ALTER TABLE {self.sql} ADD {self._constraint(check)}{text}{valid}"
        for index in self._list("indexes"):
            unique = "UNIQUE " if index.get("unique") else ""
            name = "" if self._renamed else f"{quoted(_word(index, 'name'))} "
            text = definition(_word(index, "definition"), "USING ")
            yield f"CREATE {unique}INDEX {name}ON {self.sql} {text}"
        yield from self._numbering()
        if comment := _word(self._schema, "comment"):
            yield f"COMMENT ON TABLE {self.sql} IS {sql_text(comment)}"
        for column in self._columns:
            if comment := _word(column, "comment"):
                place = f"{self.sql}.{quoted(_word(column, 'name'))}"
                yield f"COMMENT ON COLUMN {place} IS {sql_text(comment)}"

    def _numbering(self) -> Iterator[str]:
        for sequence in self._list("sequences"):
            yield from self._sequence(sequence)
        for name, default in self._late_defaults().items():
            yield f"ALTER TABLE {self.sql} ALTER COLUMN {quoted(name)} SET DEFAULT ({default})"

    def _constraint(self, key: dict[str, Any]) -> str:
        return "" if self._renamed else f"CONSTRAINT {quoted(_word(key, 'name'))} "

    def _sequence(self, sequence: dict[str, Any]) -> Iterator[str]:
        name = _word(sequence, "column")
        column = next((one for one in self._columns if one.get("name") == name), None)
        numbers = [sequence.get(one, 1) for one in (*_COUNTERS, "last")]
        if column is None or any(
            type(n) is not int or n not in INTEGERS for n in numbers if n is not None
        ):
            raise corrupt("The manifest contains an invalid sequence.")
        by, low, high, start, cache = numbers[:5]
        kind = _word(sequence, "type")
        present = joined_name(*self._sequence_place(sequence))
        options = (
            f"INCREMENT {by} MINVALUE {low} MAXVALUE {high} START {start} CACHE {cache} "
            f"{'' if sequence.get('cycle') else 'NO '}CYCLE"
        )
        alter = f"ALTER TABLE {self.sql} ALTER COLUMN {quoted(name)}"
        if column.get("numbering"):
            numbering = _NUMBERING.get(column["numbering"], "BY DEFAULT")
            yield f"{alter} ADD GENERATED {numbering} AS IDENTITY (SEQUENCE NAME {present} {options})"
        else:
            owner = f"{self.sql}.{quoted(name)}"
            yield f"CREATE SEQUENCE {present} AS {type_name(kind)} {options} OWNED BY {owner}"
        if sequence.get("last") is not None:
            yield f"SELECT setval({sql_text(present)}::regclass, {sequence['last']}, true)"

    def _late_defaults(self) -> dict[str, str]:
        """Return the defaults that use a sequence of the table, with its new name, by column.

        For example `'C' || nextval('s'::regclass)`, also of another column than the one that owns
        it.
        """
        names = {
            split_name(_word(one, "name")): joined_name(*self._sequence_place(one))
            for one in self._list("sequences")
        }
        owners = {_word(one, "column") for one in self._list("sequences")}
        found: dict[str, str] = {}

        def renamed(match: re.Match[str]) -> str:
            own = names.get(split_name(match["name"].replace("''", "'")))
            return f"{sql_text(own)}::regclass" if own else match[0]

        for column in self._columns:
            if column.get("default") is not None and not column.get("numbering"):
                name, default = _word(column, "name"), fragment(_word(column, "default"))
                text = _REGCLASS.sub(renamed, default)
                if name in owners or text != default:
                    found[name] = text
        return found

    def _sequence_place(self, sequence: dict[str, Any]) -> tuple[str, str]:
        if self._renamed:
            return (self._place[0], f"{self._place[1]}_{_word(sequence, 'column')}_seq")
        return split_name(_word(sequence, "name"))

    def foreign_keys(self) -> Iterator[str]:
        """Yield the statements for the foreign keys, to run after all tables were restored."""
        for key in self._list("foreign_keys"):
            text = definition(_word(key, "definition"), "FOREIGN KEY ")
            yield f"ALTER TABLE {self.sql} ADD {self._constraint(key)}{text}"

    @property
    def extensions(self) -> list[str]:
        """The extensions that define types of the columns."""
        return texts(self._schema.get("extensions", []), "extensions")


def _type_statement(kind: dict[str, Any]) -> str:
    name = joined_name(*split_name(_word(kind, "name")))
    items = texts(kind.get("items", []), "items")
    form = _word(kind, "kind")
    if form == "enum":
        return f"CREATE TYPE {name} AS ENUM ({', '.join(map(sql_text, items))})"
    if form == "composite":
        return f"CREATE TYPE {name} AS ({', '.join(map(fragment, items))})"
    base = type_name(_word(kind, "base"))
    if form == "range":
        return f"CREATE TYPE {name} AS RANGE (SUBTYPE = {base})"
    default = kind.get("default")
    pieces = [f"CREATE DOMAIN {name} AS {base}"]
    pieces += [] if default is None else [f"DEFAULT {fragment(default)}"]
    pieces += ["NOT NULL"] if kind.get("not_null") else []
    return " ".join(pieces + [definition(item, "CONSTRAINT ") for item in items])


def _word(value: dict[str, Any], name: str) -> str:
    """Return a text of an object of the manifest; empty if it is missing."""
    found = value.get(name, "")
    if not isinstance(found, str) or "\0" in found:
        raise corrupt(f"The manifest's {name} is not a text.")
    return found


def split_name(name: str) -> tuple[str, str]:
    """Return schema and name of `orders`, `analytics.orders` or `"a.b"."c"`."""
    found = _TABLE_NAME.fullmatch(name)
    if found is None:
        raise corrupt(f"{name!r} is not the name of a table.")
    schema, table = (
        part[1:-1].replace('""', '"') if part.startswith('"') else part
        for part in (found[1] or "public", found[2])
    )
    return schema, table


def joined_name(schema: str, name: str) -> str:
    """Return a quoted name with its schema."""
    return f"{quoted(schema)}.{quoted(name)}"


def sql_text(text: str) -> str:
    """Return a text as a literal of PostgreSQL."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def fragment(text: Any) -> str:
    """Return a fragment of SQL that cannot end the statement or the parentheses around it."""
    if not isinstance(text, str):
        raise corrupt(f"A fragment of SQL is not a text: {text!r:.200}")
    position = 0
    open_marks: list[str] = []
    while position < len(text):
        token = _SQL_TOKEN.match(text, position)
        if token is None or text.startswith(("--", "/*"), position):
            raise corrupt(f"A fragment of SQL is not allowed: {text[:200]}")
        position = token.end()
        mark = token["mark"] or ""
        if mark in _CLOSING:
            open_marks.append(_CLOSING[mark])
        elif mark and mark in ")]}" and (not open_marks or open_marks.pop() != mark):
            raise corrupt(f"A fragment of SQL is unbalanced: {text[:200]}")
    if open_marks or not text.strip():
        raise corrupt(f"A fragment of SQL is unbalanced: {text[:200]}")
    return text


def definition(text: str, *beginnings: str) -> str:
    """Return a fragment that begins with one of the given clauses."""
    if not text.startswith(beginnings):
        raise corrupt(f"A definition is not allowed: {text[:200]}")
    return fragment(text)


def type_name(text: str) -> str:
    """Return the name of a type as the server writes it, without any other clause of a column."""
    if not _TYPE_NAME.fullmatch(text):
        raise corrupt(f"A type is not allowed: {text[:200]}")
    return text


def collation_name(text: str) -> str:
    """Return a name with an optional schema as the server writes it."""
    if not _QUALIFIED_NAME.fullmatch(text):
        raise corrupt(f"A collation is not allowed: {text[:200]}")
    return text
