"""A checksum of the rows of a table that PostgreSQL computes itself, independent of their order."""

from __future__ import annotations

from core.backup.databases.condition import clause
from core.backup.databases.postgresql.names import TableName, quoted
from core.backup.databases.postgresql.session import Session
from core.model.tables import TableSchema

#: Types whose equal values are always written equally, so that their own hash is exact. The others
#: are hashed as text: 1.0 and 1.00 are equal numbers, but different values.
_EXACT = frozenset(
    (
        "boolean", "smallint", "integer", "bytea", "uuid", "date", "oid",
    )
)  # fmt: skip
#: Types of 64 bits: PostgreSQL joins their halves with XOR before it hashes them, so that 1 and 2^32
#: have one hash (`hashint8extended`). A second value distinguishes them.
_SECOND_VALUES = {
    "bigint": "({name} >> 32)::integer",
    # A moment is a number of microseconds: within one hour the upper half changes at most once.
    "timestamp with time zone": "date_trunc('hour', {name})",
    "timestamp without time zone": "date_trunc('hour', {name})",
}
#: `hash_record_extended` is new in version 14.
_RECORD_HASH = 140_000


def fingerprint(session: Session, schema: TableSchema, where: str = "") -> str:
    """Return method, row count and sum of the 64-bit hashes of the rows that meet `where`."""
    table = TableName.parse(schema.table).sql
    values = ", ".join(_hashed(column.name, column.type) for column in schema.stored)
    if session.version_number >= _RECORD_HASH:
        method, expression = "record-hash-2", f"hash_record_extended(ROW({values}), 0)"
    else:
        method, expression = "text-hash-1", f"hashtextextended(ROW({values})::text, 0)"
    # The sum of bigint values is a numeric, so it cannot overflow.
    statement = f"SELECT count(*), coalesce(sum({expression}), 0)::text FROM {table}{clause(where)}"  # noqa: S608 - names are quoted
    count, total = session.query(statement)[0]
    return f"{method}:{count}:{total}"


def counted_rows(found: str) -> int:
    """Return the row count that a fingerprint contains."""
    return int(found.split(":")[1])


def _hashed(name: str, kind: str) -> str:
    if second := _SECOND_VALUES.get(kind):
        return f"{quoted(name)}, {second.replace('{name}', quoted(name))}"
    return quoted(name) if kind in _EXACT else f'{quoted(name)}::text COLLATE "C"'
