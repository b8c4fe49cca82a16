"""A checksum of the rows of a table that PostgreSQL computes itself, independent of their order."""

from __future__ import annotations

import re

from core.backup.databases.condition import clause
from core.backup.databases.postgresql.catalog import own_rows
from core.backup.databases.postgresql.names import quoted
from core.backup.databases.postgresql.session import Session
from core.model.tables import TableSchema

#: What distinguishes NULL from the value that replaces it; it becomes part of the seed.
_NULL = "CASE WHEN {value} IS NULL THEN 1::bigint ELSE 0 END"
_TEXT = "hashtextextended(coalesce({value} COLLATE \"C\", ''), {before} # {null})"
#: The hash of zero and of minus zero is their seed, so both are replaced, and distinguished by
#: their text.
_FLOAT = (
    "coalesce(nullif({value}, 0), 1), {before} # CASE WHEN {value} IS NULL THEN 1::bigint "
    "WHEN {value} = 0 THEN hashtextextended({value}::text, 0) ELSE 0 END"
)
_TIME = "timestamp_hash_extended(coalesce({time}, 'epoch'), {before} # {null})"
#: Hashes of one value, with the hash of the values before it as seed: the values of a row need not
#: be copied into a record, which would take as long again. The functions are those of hash indexes
#: and exact, except that `hashint8extended` and `timestamp_hash_extended` join the halves of 64
#: bits with XOR: a bigint is also part of its seed, since 1 and 2^32 would have one hash otherwise.
#: Times with one hash are a multiple of 72 minutes and some microseconds apart, by chance only. The
#: hash of a numeric ignores its sign and scale, so its text is hashed.
_CHAINED = {
    "boolean": "hashint4extended(coalesce({value}::int, 2), {before})",
    "smallint": "hashint2extended(coalesce({value}, 0::smallint), {before} # {null})",
    "integer": "hashint4extended(coalesce({value}, 0), {before} # {null})",
    "bigint": "hashint8extended(coalesce({value}, 0), {before} # coalesce({value}, 1))",
    "real": f"hashfloat4extended({_FLOAT})",
    "double precision": f"hashfloat8extended({_FLOAT})",
    "numeric": _TEXT.replace("{value} COLLATE", "{value}::text COLLATE"),
    "text": _TEXT,
    "character varying": _TEXT,
    "uuid": "uuid_hash_extended(coalesce({value}, '00000000-0000-0000-0000-000000000000'), {before} # {null})",
    "timestamp without time zone": _TIME.replace("{time}", "{value}"),
    "timestamp with time zone": _TIME.replace("{time}", "timezone('UTC', {value})"),
}
#: Each value is an argument of the next function, and the server limits the depth of an expression
#: (`max_stack_depth`).
_MOST_CHAINED = 40
#: Other types whose equal values are always written equally, so that their own hash is exact. The
#: rest is hashed as text.
_EXACT = frozenset(("bytea", "date", "oid"))
#: The scale or precision of a type, for example of `timestamp(3) without time zone`.
_MODIFIER = re.compile(r"\([\d,-]+\)")
#: `hash_record_extended` is new in version 14.
_RECORD_HASH = 140_000


def fingerprint(session: Session, schema: TableSchema, where: str = "", like: str = "") -> str:
    """Return method, row count and sum of the 64-bit hashes of the rows that meet `where`.

    It is empty if `like` is a fingerprint of another method.
    """
    method, expression = row_hash(
        [(column.name, column.type) for column in schema.stored],
        records=session.version_number >= _RECORD_HASH,
    )
    if like.partition(":")[0] not in ("", method):
        return ""
    # The sum of bigint values is a numeric, so it cannot overflow.
    statement = f"SELECT count(*), coalesce(sum({expression}), 0)::text FROM {own_rows(schema)}{clause(where)}"  # noqa: S608 - names are quoted
    count, total = session.query(statement)[0]
    return f"{method}:{count}:{total}"


def counted_rows(found: str) -> int:
    """Return the row count that a fingerprint contains."""
    return int(found.split(":")[1])


def row_hash(columns: list[tuple[str, str]], *, records: bool) -> tuple[str, str]:
    """Return the name of the method, and the SQL expression of the hash of a row.

    Args:
        columns: Names and types of the columns.
        records: Whether the server has hashes of records.
    """
    kinds = [_MODIFIER.sub("", kind) for _, kind in columns]
    places = [place for place, kind in enumerate(kinds) if kind in _CHAINED][:_MOST_CHAINED]
    rest = [column for place, column in enumerate(columns) if place not in set(places)]
    # First, because the hash of a record of NULLs does not depend on the seed.
    found = _record_hash(rest, records=records) if rest or not places else "0::bigint"
    if not places:
        # The hash of a record is a sum of the hashes of its values: without another hash, values
        # that are exchanged between two rows would not change the sum of all rows.
        found = f"hashint4extended(0, {found})"
    for place in places:
        value = quoted(columns[place][0])
        null, template = _NULL.replace("{value}", value), _CHAINED[kinds[place]]
        found = "".join(
            {"{value}": value, "{null}": null, "{before}": found}.get(piece, piece)
            for piece in re.split(r"(\{\w+\})", template)
        )
    return "chained-hash-2" if records else "chained-text-hash-2", found


def _record_hash(columns: list[tuple[str, str]], *, records: bool) -> str:
    """Return the expression of the hash of columns together."""
    values = ", ".join(
        quoted(name) if _MODIFIER.sub("", kind) in _EXACT else f'{quoted(name)}::text COLLATE "C"'
        for name, kind in columns
    )
    if records:
        return f"hash_record_extended(ROW({values}), 0)"
    return f"hashtextextended(ROW({values})::text, 0)"
