"""A checksum of the rows of a table that PostgreSQL computes itself, independent of their order."""

from __future__ import annotations

import re

from core.backup.databases.condition import clause
from core.backup.databases.postgresql.catalog import own_rows
from core.backup.databases.postgresql.names import quoted
from core.backup.databases.postgresql.session import Session
from core.model.tables import TableSchema

#: Types whose equal values are always written equally, so that their own hash is exact. The others
#: are hashed as text: 1.0 and 1.00 are equal numbers, but different values.
_EXACT = frozenset(
    (
        "boolean", "smallint", "integer", "bytea", "uuid", "date", "oid",
    )
)  # fmt: skip
#: Not a number has several bit patterns, of which only one comes back.
_FLOAT = "CASE WHEN {name} = 'NaN' THEN 'NaN' ELSE {name} END"
#: Types that are hashed in the form in which the server sends them: exact, and in half of the time
#: of their text. A hash of a 64-bit value itself would not be exact, because PostgreSQL joins its
#: halves with XOR before, so that 1 and 2^32 have one hash (`hashint8extended`).
_SENT = {
    "bigint": "int8send({name})",
    "real": f"float4send({_FLOAT})",
    "double precision": f"float8send({_FLOAT})",
    "numeric": "numeric_send({name})",
    "timestamp with time zone": "timestamptz_send({name})",
    "timestamp without time zone": "timestamp_send({name})",
}
#: The scale or precision of a type, for example of `timestamp(3) without time zone`.
_MODIFIER = re.compile(r"\([\d,-]+\)")
#: `hash_record_extended` is new in version 14.
_RECORD_HASH = 140_000


def fingerprint(session: Session, schema: TableSchema, where: str = "") -> str:
    """Return method, row count and sum of the 64-bit hashes of the rows that meet `where`."""
    values = ", ".join(_hashed(column.name, column.type) for column in schema.stored)
    if session.version_number >= _RECORD_HASH:
        method, expression = "record-hash-3", f"hash_record_extended(ROW({values}), 0)"
    else:
        method, expression = "text-hash-1", f"hashtextextended(ROW({values})::text, 0)"
    # The sum of bigint values is a numeric, so it cannot overflow.
    statement = f"SELECT count(*), coalesce(sum({expression}), 0)::text FROM {own_rows(schema)}{clause(where)}"  # noqa: S608 - names are quoted
    count, total = session.query(statement)[0]
    return f"{method}:{count}:{total}"


def counted_rows(found: str) -> int:
    """Return the row count that a fingerprint contains."""
    return int(found.split(":")[1])


def _hashed(name: str, kind: str) -> str:
    if sent := _SENT.get(_MODIFIER.sub("", kind)):
        return sent.replace("{name}", quoted(name))
    return quoted(name) if kind in _EXACT else f'{quoted(name)}::text COLLATE "C"'
