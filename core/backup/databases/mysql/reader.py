"""Reading of SHOW CREATE TABLE as data. Every token is used; an unknown one is an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from core.backup.databases.mysql.tokens import (
    Token,
    default_length,
    group_end,
    joined,
    split_at_commas,
    tokens,
)
from core.errors import NotSupported
from core.model.tables import (
    Check,
    Column,
    ForeignKey,
    Index,
    Key,
    KeyPart,
    Partition,
    TableSchema,
)

_TYPE_KEYWORDS = ("UNSIGNED", "SIGNED", "ZEROFILL", "PRECISION", "VARYING")
_INDEX_KINDS = ("UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR")
#: Stands for any token.
_ANY = "*"
_RULES = ("RESTRICT", "CASCADE")


def read_table(text: str) -> TableSchema:
    """Return the schema in the result of SHOW CREATE TABLE, without triggers.

    Raises:
        NotSupported: The table has something that a backup does not record.
    """
    found = tokens(text, hints=True)
    start = _Cursor(found, text)
    start.require("CREATE")
    start.require("TABLE")
    name = start.name()
    end = group_end(found, start.at)
    parts = _Parts()
    for item in split_at_commas(found[start.at + 1 : end - 1]):
        try:
            _read_item(_Cursor(item, joined(item)), parts)
        except NotSupported as error:
            error.summary = f"{name} cannot be described: {error.summary}"
            raise
    tail = _Cursor(found[end:], text)
    tail.options(parts)
    schema = TableSchema(
        name,
        tuple(parts.columns),
        tuple(parts.keys),
        tuple(parts.checks),
        tuple(parts.foreign_keys),
        tuple(parts.indexes),
        options=tuple(parts.options),
        comment=parts.comment,
        sequence=parts.sequence,
    )
    return _with_partitions(schema, tail)


@dataclass(slots=True)
class _Parts:
    columns: list[Column] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    comment: str = ""
    sequence: int | None = None


class _Cursor:
    """A position in tokens."""

    def __init__(self, found: Sequence[Token], text: str) -> None:
        self.found = found
        self.text = text
        self.at = 0

    def done(self) -> bool:
        return self.at >= len(self.found)

    def peek(self, *keywords: str) -> bool:
        return not self.done() and self.found[self.at].matches(*keywords)

    def take(self, *keywords: str) -> bool:
        """Skip keywords if all of them follow."""
        ahead = self.found[self.at : self.at + len(keywords)]
        if len(ahead) < len(keywords):
            return False
        pairs = zip(ahead, keywords, strict=True)
        if not all(word == _ANY or token.matches(word) for token, word in pairs):
            return False
        self.at += len(keywords)
        return True

    def require(self, keyword: str) -> None:
        if not self.take(keyword):
            raise self.unknown()

    def next(self) -> Token:
        if self.done():
            raise self.unknown()
        self.at += 1
        return self.found[self.at - 1]

    def name(self) -> str:
        token = self.next()
        if token.kind != "quoted":
            self.at -= 1
            raise self.unknown()
        return token.value

    def group(self) -> Sequence[Token]:
        """Return the tokens in the parentheses that follow."""
        if not self.peek("("):
            raise self.unknown()
        start, self.at = self.at, group_end(self.found, self.at)
        return self.found[start + 1 : self.at - 1]

    def unknown(self) -> NotSupported:
        there = joined(self.found[self.at : self.at + 6]) or "the end"
        return NotSupported(
            "A property of the table is not supported",
            cause=f"It is not known how to restore {there[:100]!r}.",
            remedy="Copy the table without it (CREATE TABLE copy LIKE …) and back up the copy.",
            subject=self.text[:300],
        )

    def options(self, parts: _Parts) -> None:
        """Read the options of a table, up to its partitions."""
        while not self.done() and not self.peek("PARTITION"):
            keywords = [self.next().value]  # those of a storage engine are quoted: `NAME`='value'
            while not self.done() and not self.peek("="):
                if keywords[-1].upper() not in ("DEFAULT", "CHARACTER", "DATA", "INDEX"):
                    raise self.unknown()
                keywords.append(self.next().text)
            self.require("=")
            value = self.next()
            option = " ".join(keywords).upper()
            if option == "COMMENT":
                parts.comment = value.value
            elif option == "AUTO_INCREMENT":
                parts.sequence = int(value.text) - 1
            else:
                parts.options.append(f"{option}={value.value}")


def _read_item(item: _Cursor, parts: _Parts) -> None:
    if not item.done() and item.found[0].kind == "quoted":
        parts.columns.append(_column(item))
    elif item.take("PRIMARY", "KEY"):
        names, definition = _key_parts(item), _index_options(item)
        parts.keys.append(Key(names, primary=True, definition=definition))
    elif item.peek("KEY", *_INDEX_KINDS):
        parts.indexes.append(_index(item))
    else:
        name = item.name() if item.take("CONSTRAINT") else ""
        if item.take("CHECK"):
            parts.checks.append(Check(joined(item.group()), name))
        else:
            parts.foreign_keys.append(_foreign_key(item, name))
    if not item.done():
        raise item.unknown()


def _column(item: _Cursor) -> Column:
    column = Column(item.name(), _type(item))
    attributes: list[str] = []
    while not item.done():
        changed = _with_text_clause(item, column) or _with_value_clause(item, column)
        if changed is not None:
            column = changed
        else:
            attributes.append(_attribute(item))
    return replace(column, attributes=tuple(attributes))


def _with_text_clause(item: _Cursor, column: Column) -> Column | None:
    if item.take("COLLATE"):
        return replace(column, collation=item.next().text)
    if item.take("COMMENT"):
        return replace(column, comment=item.next().value)
    if item.take("CHARACTER", "SET", _ANY, "COLLATE"):
        item.at -= 1  # the name of a collation starts with that of its character set
        return column
    return None


def _with_value_clause(item: _Cursor, column: Column) -> Column | None:
    if item.take("NOT", "NULL"):
        return replace(column, not_null=True)
    if item.take("NULL") or item.take("AUTO_INCREMENT"):
        numbered = item.found[item.at - 1].matches("AUTO_INCREMENT")
        return replace(column, numbering="auto_increment") if numbered else column
    if item.take("DEFAULT"):
        start, item.at = item.at, default_length(item.found, item.at)
        return replace(column, default=joined(item.found[start : item.at]))
    if item.take("GENERATED", "ALWAYS", "AS"):
        expression = joined(item.group())
        stored = item.take("STORED") or item.take("PERSISTENT") or not item.take("VIRTUAL")
        return replace(column, generated=expression, stored=stored)
    return None


def _type(item: _Cursor) -> str:
    keywords = [item.next().text]
    if item.peek("("):
        start, item.at = item.at, group_end(item.found, item.at)
        keywords[-1] += joined(item.found[start : item.at])
    while item.peek(*_TYPE_KEYWORDS):
        keywords.append(item.next().text)
    return " ".join(keywords)


def _attribute(item: _Cursor) -> str:
    if item.take("ON", "UPDATE"):
        end = default_length(item.found, item.at)
        text, item.at = joined(item.found[item.at : end]), end
        return f"ON UPDATE {text}"
    if item.take("CHECK"):
        return f"CHECK ({joined(item.group())})"
    if item.take("CHARACTER", "SET"):  # MySQL omits the default collation of a character set
        return f"CHARACTER SET {item.next().text}"
    if item.peek("INVISIBLE", "COMPRESSED"):
        return item.next().text.upper()
    if item.peek("REF_SYSTEM_ID", "SRID"):
        word = item.next().text.upper()
        item.take("=")
        number = item.next()
        if number.kind == "number":
            return f"{word} {number.text}" if word == "SRID" else f"{word}={number.text}"
        item.at -= 1
    raise item.unknown()


def _index(item: _Cursor) -> Index:
    kind = item.next().text.upper() if item.peek(*_INDEX_KINDS) else ""
    item.require("KEY")
    name, parts, options = item.name(), _key_parts(item), _index_options(item)
    unique = kind == "UNIQUE"
    definition = " ".join(part for part in ("" if unique else kind, options) if part)
    return Index(name, parts, unique=unique, definition=definition)


def _key_parts(item: _Cursor) -> tuple[KeyPart, ...]:
    return tuple(_key_part(_Cursor(part, item.text)) for part in split_at_commas(item.group()))


def _key_part(part: _Cursor) -> KeyPart:
    if part.peek("("):  # an expression, in MySQL
        found = KeyPart(joined(part.group()), expression=True)
    else:
        found = KeyPart(part.name())
        if part.peek("("):
            found = replace(found, length=int(joined(part.group())))
    if part.take("DESC"):
        found = replace(found, descending=True)
    part.take("ASC")
    if not part.done():
        raise part.unknown()
    return found


def _index_options(item: _Cursor) -> str:
    """Return the options of an index in a uniform notation, for example `USING HASH`."""
    found: list[str] = []
    while not item.done():
        if item.take("USING"):
            found.append(f"USING {item.next().text.upper()}")
        elif item.take("COMMENT"):
            found.append(f"COMMENT {item.next().text}")
        elif item.take("KEY_BLOCK_SIZE"):
            item.take("=")
            found.append(f"KEY_BLOCK_SIZE={item.next().text}")
        elif item.take("WITH", "PARSER"):
            token = item.next()
            found.append(f"WITH PARSER {token.text}")
        elif item.peek("IGNORED", "INVISIBLE"):
            found.append(item.next().text.upper())
        else:
            raise item.unknown()
    return " ".join(found)


def _foreign_key(item: _Cursor, name: str) -> ForeignKey:
    item.require("FOREIGN")
    item.require("KEY")
    columns = tuple(part.name for part in _key_parts(item))
    item.require("REFERENCES")
    table = item.name()
    if item.peek("."):
        raise NotSupported(
            "A foreign key refers to a table of another database",
            cause=f"The database is {table}.",
            remedy="Back up a copy of the table without it (CREATE TABLE copy LIKE …).",
            subject=item.text[:300],
        )
    references = tuple(part.name for part in _key_parts(item))
    rules = {"DELETE": "", "UPDATE": ""}
    while item.take("ON"):
        event = item.next().text.upper()
        if item.peek(*_RULES):
            rules[event] = item.next().text.upper()
        elif item.take("SET", "NULL"):
            rules[event] = "SET NULL"
        elif item.take("SET", "DEFAULT"):
            rules[event] = "SET DEFAULT"
        elif item.take("NO", "ACTION"):
            rules[event] = "NO ACTION"
        else:
            raise item.unknown()
    return ForeignKey(columns, table, references, name, rules["DELETE"], rules["UPDATE"])


def _with_partitions(schema: TableSchema, tail: _Cursor) -> TableSchema:
    if tail.done():
        return schema
    start = tail.at
    while not tail.done() and not _starts_list(tail):
        tail.at = group_end(tail.found, tail.at) if tail.peek("(") else tail.at + 1
    key = joined(tail.found[start : tail.at])
    partitions = []
    for part in split_at_commas(tail.group()) if not tail.done() else ():
        one = _Cursor(part, tail.text)
        one.require("PARTITION")
        partitions.append(Partition(one.name(), joined(one.found[one.at :])))
    if not tail.done():
        raise tail.unknown()
    return replace(schema, partition_key=key, partitions=tuple(partitions))


def _starts_list(tail: _Cursor) -> bool:
    ahead = tail.found[tail.at : tail.at + 2]
    return len(ahead) == 2 and ahead[0].matches("(") and ahead[1].matches("PARTITION")
