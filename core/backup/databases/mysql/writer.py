"""Statements that build a table from its data. Every text in the data is checked first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from core.backup.databases.mysql.reader import read_table
from core.backup.databases.mysql.rows import charset_of
from core.backup.databases.mysql.tokens import (
    check_expression,
    default_value,
    expression,
    literal,
    quoted,
    tokens,
)
from core.errors import Corrupt
from core.model.tables import Check, Column, ForeignKey, Index, Key, KeyPart, TableSchema, Trigger

_TYPES = frozenset(
    [
        "tinyint",
        "smallint",
        "mediumint",
        "int",
        "integer",
        "bigint",
        "bit",
        "boolean",
        "bool",
        "decimal",
        "numeric",
        "float",
        "double",
        "real",
        "date",
        "datetime",
        "timestamp",
        "time",
        "year",
        "char",
        "varchar",
        "tinytext",
        "text",
        "mediumtext",
        "longtext",
        "binary",
        "varbinary",
        "tinyblob",
        "blob",
        "mediumblob",
        "longblob",
        "enum",
        "set",
        "json",
        "geometry",
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geometrycollection",
        "geomcollection",
        "uuid",
        "inet4",
        "inet6",
        "unsigned",
        "signed",
        "zerofill",
        "precision",
        "varying",
    ]
)
#: Types of backups of other engines and of the old form, and what they become here.
_FOREIGN_TYPES = {"": "longtext", "TEXT": "longtext", "INTEGER": "bigint", "REAL": "double"}
_OPTIONS = frozenset(
    [
        "ENGINE",
        "DEFAULT_CHARSET",
        "CHARSET",
        "COLLATE",
        "ROW_FORMAT",
        "KEY_BLOCK_SIZE",
        "STATS_PERSISTENT",
        "STATS_AUTO_RECALC",
        "STATS_SAMPLE_PAGES",
        "PAGE_COMPRESSED",
        "PAGE_COMPRESSION_LEVEL",
        "ENCRYPTED",
        "ENCRYPTION_KEY_ID",
        "MAX_ROWS",
        "MIN_ROWS",
        "AVG_ROW_LENGTH",
        "CHECKSUM",
        "DELAY_KEY_WRITE",
        "PACK_KEYS",
    ]
)
_OF_ENGINES = ("PAGE_COMPRESSED", "PAGE_COMPRESSION_LEVEL", "ENCRYPTED", "ENCRYPTION_KEY_ID")
_PARTITION_KEYWORDS = frozenset(
    [
        "PARTITION",
        "BY",
        "RANGE",
        "LIST",
        "HASH",
        "KEY",
        "LINEAR",
        "COLUMNS",
        "VALUES",
        "LESS",
        "THAN",
        "IN",
        "MAXVALUE",
        "ENGINE",
        "INNODB",
        "COMMENT",
        "SUBPARTITION",
        "SUBPARTITIONS",
        "PARTITIONS",
        "DEFAULT",
        "ALGORITHM",
        "MAX_ROWS",
        "MIN_ROWS",
    ]
)
_RULES = frozenset(("", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT", "NO ACTION"))
_WORD = re.compile(r"[A-Za-z0-9_]+")
_OPTION = re.compile(r"([A-Z ]+(?:_[A-Z]+)*)=([A-Za-z0-9_]+)")
_ATTRIBUTE = re.compile(
    r"INVISIBLE|COMPRESSED|REF_SYSTEM_ID=\d+|SRID \d+|CHARACTER SET [A-Za-z0-9_]+"
)
_INDEX_OPTION = re.compile(
    r"(?:FULLTEXT|SPATIAL|VECTOR|IGNORED|INVISIBLE|USING (?:BTREE|HASH|RTREE)"
    r"|KEY_BLOCK_SIZE=\d+|WITH PARSER (?:`ngram`|`mecab`|ngram|mecab)"
    r"|COMMENT '(?:[^'\\]|''|\\.)*')(?: |\Z)",
    re.DOTALL,
)
_KINDS = ("FULLTEXT", "SPATIAL", "VECTOR")
_TIMINGS, _EVENTS = ("BEFORE", "AFTER"), ("INSERT", "UPDATE", "DELETE")


def create_table(
    schema: TableSchema,
    *,
    comment: str | None = None,
    numbered: bool = True,
    complete: bool = False,
) -> str:
    """Return the statement that creates a table.

    Args:
        schema: The table.
        comment: A comment instead of that of the schema.
        numbered: Whether AUTO_INCREMENT is declared, which requires an index of the column.
        complete: Whether indexes and foreign keys are created with it.

    Raises:
        Corrupt: A text of the schema is not allowed.
    """
    items = [column_sql(column, numbered=numbered) for column in schema.columns]
    items += [_primary(key) for key in schema.keys]
    items += [_check(check) for check in schema.checks]
    if complete:
        items += [index_sql(index) for index in schema.indexes]
        items += [foreign_key_sql(key, key.name) for key in schema.foreign_keys]
    text = f"CREATE TABLE {quoted(schema.table)} ({', '.join(items)})"
    for option in schema.options:
        text += f" {_option(option)}"
    if note := schema.comment if comment is None else comment:
        text += f" COMMENT={literal(note)}"
    if complete and schema.sequence is not None:
        text += f" AUTO_INCREMENT={schema.sequence + 1}"
    return text + _partitions(schema)


def column_sql(column: Column, *, numbered: bool = True) -> str:
    """Return the declaration of a column.

    Raises:
        Corrupt: A text of the column is not allowed; the cause names both.
    """
    try:
        return _column_sql(column, numbered=numbered)
    except Corrupt as error:
        error.cause = f"The column {column.name}: {error.subject or column.type}."
        raise


def _column_sql(column: Column, *, numbered: bool) -> str:
    attributes = [_attribute(text) for text in column.attributes]
    pieces = [quoted(column.name), _type(column.type)]
    pieces += _starting_with(attributes, "CHARACTER SET ", "COMPRESSED")
    pieces += [*_collation(column), *_value_rule(column)]
    pieces += _starting_with(attributes, "INVISIBLE", "REF_SYSTEM_ID", "SRID")
    if column.default is not None:
        pieces.append(f"DEFAULT {default_value(column.default)}")
    if column.numbering and numbered:
        if column.numbering != "auto_increment":
            raise Corrupt("The numbering of a column cannot be read", subject=column.numbering)
        pieces.append("AUTO_INCREMENT")
    pieces += _starting_with(attributes, "ON UPDATE ")
    if column.comment:
        pieces.append(f"COMMENT {literal(column.comment)}")
    pieces += _starting_with(attributes, "CHECK (")
    return " ".join(pieces)


def _starting_with(attributes: Sequence[str], *starts: str) -> list[str]:
    return [text for text in attributes if text.startswith(starts)]


def _collation(column: Column) -> Iterator[str]:
    if column.collation:
        if not _WORD.fullmatch(column.collation):
            raise Corrupt("A collation cannot be read", subject=column.collation[:200])
        yield f"CHARACTER SET {charset_of(column.collation)} COLLATE {column.collation}"


def _value_rule(column: Column) -> Iterator[str]:
    if column.generated is None:
        yield "NOT NULL" if column.not_null else "NULL"
    else:
        kind = "STORED" if column.stored else "VIRTUAL"
        yield f"GENERATED ALWAYS AS ({expression(column.generated)}) {kind}"


def _type(text: str) -> str:
    if text.upper() in _FOREIGN_TYPES and text != "text":
        return _FOREIGN_TYPES[text.upper()]
    keywords = [token for token in tokens(text) if not token.matches("(", ")", ",")]
    ok = keywords and keywords[0].kind == "word"
    for token in keywords:
        known = token.kind == "word" and token.text.lower() in _TYPES
        ok = ok and (known or token.kind == "string" or token.text.isdecimal())
    if not ok or text.count("(") > 1 + text.count("'"):
        raise Corrupt("The type of a column cannot be read", subject=text[:200])
    check_expression(tokens(text), text)
    return text


def _attribute(text: str) -> str:
    if _ATTRIBUTE.fullmatch(text):
        return text
    if text.startswith("ON UPDATE "):
        return f"ON UPDATE {default_value(text.removeprefix('ON UPDATE '))}"
    if text.startswith("CHECK (") and text.endswith(")"):
        return f"CHECK ({expression(text[7:-1])})"
    raise Corrupt("A property of a column cannot be read", subject=text[:200])


def _primary(key: Key) -> str:
    kind, options = _index_definition(key.definition)
    if kind or not key.primary:
        raise Corrupt("A key of the table cannot be read", subject=key.definition[:200])
    return f"PRIMARY KEY {_parts(key.parts)}{options}"


def _parts(parts: Iterable[KeyPart]) -> str:
    return f"({', '.join(map(_part, parts))})"


def _part(part: KeyPart) -> str:
    text = f"({expression(part.name)})" if part.expression else quoted(part.name)
    if part.length:
        text += f"({int(part.length)})"
    return text + (" DESC" if part.descending else "")


def index_sql(index: Index) -> str:
    """Return the declaration of an index."""
    kind, options = _index_definition(index.definition)
    kind = "UNIQUE " if index.unique else kind
    return f"{kind}KEY {quoted(index.name)} {_parts(index.parts)}{options}"


def is_fulltext(index: Index) -> bool:
    """Return whether an index is a full-text index, of which one can be added at a time."""
    return index.definition.startswith("FULLTEXT")


def _index_definition(text: str) -> tuple[str, str]:
    at = 0
    while at < len(text):
        match = _INDEX_OPTION.match(text, at)
        if match is None:
            raise Corrupt("An index of the table cannot be read", subject=text[:200])
        at = match.end()
    kind = next((kind for kind in _KINDS if text.split(" ", maxsplit=1)[0] == kind), "")
    options = text.removeprefix(kind).strip()
    return (kind and kind + " "), (options and " " + options)


def _check(check: Check) -> str:
    name = f"CONSTRAINT {quoted(check.name)} " if check.name else ""
    return f"{name}CHECK ({expression(check.expression)})"


def foreign_key_sql(key: ForeignKey, name: str) -> str:
    """Return the declaration of a foreign key under a name; the server chooses an empty one."""
    if key.on_delete not in _RULES or key.on_update not in _RULES:
        raise Corrupt("A rule of a foreign key cannot be read", subject=key.on_delete[:200])
    text = f"CONSTRAINT {quoted(name)} " if name else ""
    text += f"FOREIGN KEY ({', '.join(map(quoted, key.columns))}) REFERENCES {quoted(key.table)}"
    text += f" ({', '.join(map(quoted, key.references))})"
    text += f" ON DELETE {key.on_delete}" if key.on_delete else ""
    return text + (f" ON UPDATE {key.on_update}" if key.on_update else "")


def _option(text: str) -> str:
    match = _OPTION.fullmatch(text)
    if match is None or match[1].replace(" ", "_") not in _OPTIONS:
        raise Corrupt(
            "An option of the table cannot be read",
            cause=f"The option {text[:100]} is not known.",
            subject=text[:200],
        )
    # Values such as ON are keywords outside of quotes.
    return f"{match[1]}='{match[2]}'" if match[1] in _OF_ENGINES else text


def _partitions(schema: TableSchema) -> str:
    if not schema.partition_key:
        return ""
    text = f" {_partition_text(schema.partition_key)}"
    if not text.startswith(" PARTITION BY "):
        raise Corrupt("The partitions of the table cannot be read", subject=text[:200])
    items = [f"PARTITION {quoted(p.name)} {_partition_text(p.bound)}" for p in schema.partitions]
    return text + (f" ({', '.join(items)})" if items else "")


def _partition_text(text: str) -> str:
    """Check a clause of partitions: known keywords, and expressions in parentheses."""
    found = tokens(text) if text else []
    if found:
        check_expression(found, text)
    depth = 0
    for token in found:
        depth += token.matches("(") - token.matches(")")
        if not depth and token.kind == "word" and token.text.upper() not in _PARTITION_KEYWORDS:
            raise Corrupt("The partitions of the table cannot be read", subject=text[:200])
    return text


def create_trigger(trigger: Trigger, table: str, name: str, definer: str) -> str:
    """Return the statement that creates a trigger under a name.

    Its body is code; the server refuses a text with several statements.
    """
    if trigger.timing not in _TIMINGS or trigger.event not in _EVENTS:
        raise Corrupt("A trigger of the table cannot be read", subject=trigger.timing[:50])
    return (
        f"CREATE {definer}TRIGGER {quoted(name)} {trigger.timing} {trigger.event} "
        f"ON {quoted(table)} FOR EACH ROW {trigger.body}"
    )


def check_complete(schema: TableSchema) -> None:
    """Check that a schema describes the table completely: built again, it is the same.

    Raises:
        Corrupt: It is not.
    """
    again = read_table(create_table(schema, complete=True))
    if normalized(again) != normalized(schema):
        raise Corrupt(
            "The schema of the table is not understood",
            cause=next(iter(differences(normalized(again), normalized(schema))), ""),
            subject=schema.table,
        )


def normalized(schema: TableSchema) -> tuple[object, ...]:
    """Return what is compared of two schemas of the same table."""
    return (
        *schema.columns, schema.keys, schema.checks, schema.foreign_keys, schema.indexes,
        schema.options, schema.comment, schema.partition_key, schema.partitions,
    )  # fmt: skip


def differences(one: Sequence[object], other: Sequence[object]) -> Iterable[str]:
    """Yield descriptions of what differs, for a bug report."""
    if len(one) != len(other):
        yield "The numbers of columns differ."
    for left, right in zip(one, other, strict=False):
        if left != right:
            yield f"{left!r:.300} is not {right!r:.300}."
