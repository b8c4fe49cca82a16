"""Readers of SQLite's CREATE TABLE, CREATE INDEX and CREATE TRIGGER: text to schema values.

The pragmas tell names and types but neither checks, expressions, conflict clauses nor constraint
names, so the text itself is read; grammar: https://sqlite.org/src/file/src/parse.y.
"""

from __future__ import annotations

from dataclasses import replace

from core.backup.databases.sqlite.ddl.reader import Reader
from core.backup.databases.sqlite.tokens import COLUMN_KEYWORDS, Token, sliced
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

_TABLE_KEYWORDS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")


class TableReader(Reader):
    """Reads one CREATE TABLE."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._columns: list[Column] = []
        self._keys: list[Key] = []
        self._checks: list[Check] = []
        self._foreign: list[ForeignKey] = []

    def read(self) -> TableSchema:
        """Return the table without indexes, triggers and sequence, which stand elsewhere."""
        table = self._head()
        self.need("(")
        while not self.here.matches(")"):
            if not self._table_constraint():
                self._column()
            self.skip(",")
        self.need(")")
        return TableSchema(
            table,
            tuple(self._columns),
            tuple(self._keys),
            tuple(self._checks),
            tuple(self._foreign),
            options=self._options(),
        )

    def _head(self) -> str:
        self.need("CREATE")
        self.one_of("TEMP", "TEMPORARY")
        self.need("TABLE")
        self.skip("IF", "NOT", "EXISTS")
        return self.target()

    def _options(self) -> tuple[str, ...]:
        found: list[str] = []
        while self.here.kind != "end":
            if self.skip("WITHOUT", "ROWID"):
                found.append("without rowid")
            else:
                self.need("STRICT")
                found.append("strict")
            self.skip(",")
        return tuple(sorted(found))

    def _column(self) -> None:
        self._columns.append(Column(self.take().name, self._type()))
        name = self.take().name if self.skip("CONSTRAINT") else ""
        while self._column_constraint(name):
            name = self.take().name if self.skip("CONSTRAINT") else ""

    def _type(self) -> str:
        parts: list[Token] = []
        while self.here.kind in ("word", "quoted", "string"):
            generated = self.here.matches("GENERATED") and self.peek(2).matches("AS")
            if self.here.matches(*COLUMN_KEYWORDS) or generated:
                break
            parts.append(self.take())
        text = sliced(parts)
        if parts and self.here.matches("("):
            text += f"({self.inside()})"
        return text

    def _change(self, **values: object) -> bool:
        self._columns[-1] = replace(self._columns[-1], **values)  # type: ignore[arg-type] # names are Column's own
        return True

    def _column_constraint(self, name: str) -> bool:
        column = self._columns[-1].name
        if self.skip("NOT", "NULL"):
            return self._change(not_null=True, on_conflict=self.conflict())
        if self.skip("NULL"):
            self.conflict()
            return True
        if self.skip("COLLATE"):
            return self._change(collation=self.take().name)
        if self.skip("DEFAULT"):
            return self._change(default=self._default())
        return self._computed() or self._column_key(column, name) or self._pointer(column, name)

    def _default(self) -> str:
        if self.here.matches("("):
            return f"({self.inside()})"
        sign = self.one_of("+", "-")
        return sign + self.take().text

    def _computed(self) -> bool:
        if not (self.skip("GENERATED", "ALWAYS", "AS") or self.skip("AS")):
            return False
        return self._change(generated=self.inside(), stored=self._stored())

    def _stored(self) -> bool:
        return self.one_of("STORED", "VIRTUAL") == "STORED"

    def _column_key(self, column: str, name: str) -> bool:
        if self.skip("CHECK"):
            self._checks.append(Check(self.inside(), name))
            self.conflict()
            return True
        primary = self.skip("PRIMARY", "KEY")
        if not primary and not self.skip("UNIQUE"):
            return False
        descending = self.one_of("ASC", "DESC") == "DESC"
        conflict = self.conflict()
        identity = "autoincrement" if self.skip("AUTOINCREMENT") else ""
        part = KeyPart(column, descending=descending)
        self._keys.append(Key((part,), primary, name, primary, identity, conflict))
        return True

    def _pointer(self, column: str, name: str) -> bool:
        if self.skip("REFERENCES"):
            self._foreign.append(self._reference((column,), name))
            return True
        late = self.here.matches("DEFERRABLE") or self.peek(1).matches("DEFERRABLE")
        if late and self._foreign:
            self._foreign[-1] = replace(self._foreign[-1], deferrable=self._deferral())
            return True
        return False

    def _reference(self, columns: tuple[str, ...], name: str) -> ForeignKey:
        table = self.take().name
        there = self.names() if self.here.matches("(") else ()
        rules = {"DELETE": "", "UPDATE": "", "MATCH": ""}
        while self.here.matches("ON", "MATCH"):
            verb = "MATCH" if self.take().matches("MATCH") else self.take().text.upper()
            rules[verb] = self.take().name if verb == "MATCH" else self._action()
        late = self._deferral()
        return ForeignKey(
            columns, table, there, name, rules["DELETE"], rules["UPDATE"], rules["MATCH"], late
        )

    def _action(self) -> str:
        word = self.take().text.upper()
        word = f"{word} {self.take().text.upper()}" if word in ("SET", "NO") else word
        return "" if word == "NO ACTION" else word

    def _deferral(self) -> str:
        parts = ["NOT"] if self.here.matches("NOT") and self.peek(1).matches("DEFERRABLE") else []
        if parts:
            self.take()
        if not self.skip("DEFERRABLE"):
            return ""
        parts.append("DEFERRABLE")
        if self.skip("INITIALLY"):
            parts += ["INITIALLY", self.take().text.upper()]
        return " ".join(parts)

    def _table_constraint(self) -> bool:
        if not self.here.matches(*_TABLE_KEYWORDS):
            return False
        name = self.take().name if self.skip("CONSTRAINT") else ""
        if self.skip("FOREIGN", "KEY"):
            columns = self.names()
            self.need("REFERENCES")
            self._foreign.append(self._reference(columns, name))
        elif self.skip("CHECK"):
            self._checks.append(Check(self.inside(), name))
            self.conflict()
        else:
            self._table_key(name)
        return True

    def _table_key(self, name: str) -> None:
        primary = self.skip("PRIMARY", "KEY")
        if not primary:
            self.need("UNIQUE")
        parts, automatic = self.parts()
        identity = "autoincrement" if automatic else ""
        self._keys.append(Key(parts, primary, name, identity=identity, on_conflict=self.conflict()))


def read_table(text: str) -> TableSchema:
    """Return the schema that a CREATE TABLE text declares.

    Raises:
        Corrupt: When the text is not understood; nothing is guessed.
    """
    return TableReader(text).read()


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
    body: list[Token] = []
    while reader.here.kind != "end":
        body.append(reader.take())
    return Trigger(name, timing, event, sliced(body[:-1]), columns, condition, each)


def _of(reader: Reader) -> tuple[str, ...]:
    if not reader.skip("OF"):
        return ()
    found = [reader.take().name]
    while reader.skip(","):
        found.append(reader.take().name)
    return tuple(found)
