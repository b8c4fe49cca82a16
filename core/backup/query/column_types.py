"""Types of a backup's columns in DuckDB, chosen so that no value is changed.

Each column is first loaded as text, or as double if its values are doubles. `measure` returns SQL
that inspects the loaded values, and `settled` chooses the type from its result: a column whose
values do not all fit in the type that is declared is read as text, and a note names it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.backup.databases.mysql.rows import base_type, has_bytes
from core.backup.databases.postgresql.names import TableName
from core.errors import InvalidInput
from core.model.tables import Column, TableSchema

#: Most digits of a DECIMAL in DuckDB. Source: https://duckdb.org/docs/sql/data_types/numeric.
MOST_DIGITS = 38
#: Most digits of a DECIMAL that DuckDB stores as a 64-bit integer, which is faster.
_FEW_DIGITS = 18

#: Kinds of JSON values, as bits: those of all values of a column are combined with `bit_or`.
_TEXT, _BLOB, _OTHER, _BOOLEAN, _REAL, _INTEGER, _LARGE, _HUGE = (1 << n for n in range(8))

_POSTGRESQL = {
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "oid": "UINTEGER",
    "real": "FLOAT",
    "double precision": "DOUBLE",
    "boolean": "BOOLEAN",
    "uuid": "UUID",
    "bytea": "BLOB",
    "date": "DATE",
    "time without time zone": "TIME",
    "timestamp without time zone": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMPTZ",
}
_MARIADB = {
    "tinyint": "BIGINT",
    "smallint": "BIGINT",
    "mediumint": "BIGINT",
    "int": "BIGINT",
    "integer": "BIGINT",
    "bigint": "BIGINT",
    "boolean": "BIGINT",
    "bit": "UBIGINT",
    "year": "BIGINT",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "timestamp": "TIMESTAMP",
    "time": "TIME",
    "uuid": "UUID",
}
_DOUBLES = frozenset(("float", "double", "real"))
_DECIMAL = re.compile(r"(?:decimal|numeric)\((\d+)(?:, ?(\d+))?\)", re.IGNORECASE)
#: A length or a precision, which may precede further words: `timestamp(3) without time zone`.
_MODIFIER = re.compile(r"\(\d+(?:,-?\d+)?\)")
#: SQLite's rules of affinity, in their order. Source: https://sqlite.org/datatype3.html, section
#: 3.1.
_AFFINITIES = (
    (re.compile("INT"), "BIGINT"),
    (re.compile("CHAR|CLOB|TEXT"), "VARCHAR"),
    (re.compile("BLOB|^$"), "BLOB"),
    (re.compile("REAL|FLOA|DOUB"), "DOUBLE"),
)
#: Types in which values of an affinity are read as long as all values have it.
_SQLITE_SOURCES = {"BIGINT": "VARCHAR", "VARCHAR": "VARCHAR", "DOUBLE": "DOUBLE"}


@dataclass(frozen=True, slots=True)
class Plan:
    """How a column is read: its `source` type in the part, and the type that it is meant to have.

    `source` is `JSON` for columns of SQLite and old-form backups, whose values may have any type.
    An empty `target` is a decimal of any length. `raw` is the name of the loaded column.
    """

    name: str
    source: str
    target: str
    raw: str


@dataclass(frozen=True, slots=True)
class Typed:
    """A column of the view: its name, its type, the SQL of its value, and a note about the type.

    `source` is the type in which the column of the loaded table was read, as in `Plan`.
    """

    name: str
    type: str
    sql: str
    note: str = ""
    source: str = ""


def plans(schema: TableSchema, engine: str) -> tuple[Plan, ...]:
    """Return how each stored column of a backup is read; `engine` is empty for the old form."""
    found = []
    for number, column in enumerate(schema.stored):
        source, target = _source_and_target(column, engine, schema)
        found.append(Plan(column.name, source, target, f"c{number}"))
    return tuple(found)


def _source_and_target(column: Column, engine: str, schema: TableSchema) -> tuple[str, str]:
    if engine == "PostgreSQL":
        return "VARCHAR", _postgresql(column.type, schema)
    if engine == "SQLite":
        target = affinity(column.type)
        # Columns of the other affinities often have numbers beside texts.
        return _SQLITE_SOURCES.get(target, "JSON"), target
    if engine == "MariaDB":
        return _mariadb(column)
    return "JSON", affinity(column.type)


def affinity(declared: str) -> str:
    """Return the type of most values of an SQLite column with a declared type."""
    kind = declared.upper()
    return next((name for pattern, name in _AFFINITIES if pattern.search(kind)), "NUMERIC")


def _postgresql(declared: str, schema: TableSchema) -> str:
    declared = _base_of_domain(declared, schema)
    if declared == "numeric":
        return ""
    return _decimal(declared) or _POSTGRESQL.get(_MODIFIER.sub("", declared), "VARCHAR")


def _base_of_domain(declared: str, schema: TableSchema) -> str:
    """Return the base type of a domain of the schema, or the declared type itself."""
    bases = {TableName.parse(t.name): t.base for t in schema.types if t.kind == "domain"}
    for _ in bases:  # a domain may be of another domain
        try:
            declared = bases.get(TableName.parse(declared), declared)
        except InvalidInput:
            break
    return declared


def _mariadb(column: Column) -> tuple[str, str]:
    kind = base_type(column)
    if has_bytes(column):
        return "JSON", "BLOB"
    if kind in _DOUBLES:
        return "DOUBLE", "DOUBLE"
    target = _decimal(column.type) or _MARIADB.get(kind, "VARCHAR")
    if kind == "bigint" and "unsigned" in column.type.lower():
        target = "UBIGINT"
    return "VARCHAR", target


def _decimal(declared: str) -> str:
    """Return the DECIMAL of a declared type; empty if it is none, VARCHAR if it is too long."""
    found = _DECIMAL.match(declared)  # `unsigned` may follow
    if found is None:
        return ""
    digits, scale = int(found[1]), int(found[2] or 0)
    return f"DECIMAL({digits},{scale})" if scale <= digits <= MOST_DIGITS else "VARCHAR"


def doubt(plan: Plan) -> str:
    """Return an aggregate that is true if a value of JSON is not of the type that was read.

    DuckDB reads any JSON value as text: 1.5 in a column of integers, and the object of a BLOB.
    """
    if plan.source != "VARCHAR":
        return "bool_or(false)"
    if plan.target == "BIGINT":
        number = f"CAST(TRY_CAST({plan.raw} AS BIGINT) AS VARCHAR)"
        return f"bool_or({number} IS DISTINCT FROM {plan.raw})"
    return f"bool_or(starts_with({plan.raw}, '{{\"$'))"


def measure(plan: Plan) -> str:
    """Return an aggregate over the loaded values from which `settled` chooses the type."""
    raw = plan.raw
    if plan.source == "JSON":
        return f"bit_or({_kind_sql(raw)})"
    if plan.source == plan.target:
        return "max(0)"
    if plan.target:
        # The number of values that the type cannot represent.
        return f"count({raw}) - count({_cast(plan.target, raw, attempt=True)})"
    # Integer digits and fraction digits as one number, or NULL if a value is not a finite number.
    digits = f"max(strlen(ltrim(split_part({raw}, '.', 1), '-')))"
    fraction = f"max(strlen(split_part({raw}, '.', 2)))"
    odd = rf"bool_or(NOT regexp_full_match({raw}, '-?\d+(\.\d+)?'))"
    return f"CASE WHEN {odd} THEN NULL ELSE coalesce({digits} * 100000 + {fraction}, 0) END"


def _kind_sql(raw: str) -> str:
    """Return the SQL of a JSON value's kind as a bit.

    Integers up to 2^53 are doubles without loss, so that a column may have them beside doubles.
    """
    return (
        f"CASE WHEN {raw} IS NULL THEN 0 WHEN starts_with({raw}, '\"') THEN {_TEXT} "
        f'WHEN starts_with({raw}, \'{{"$hex":"\') THEN {_BLOB} '
        f"WHEN starts_with({raw}, '{{') OR starts_with({raw}, '[') THEN {_OTHER} "
        f"WHEN {raw} IN ('true', 'false') THEN {_BOOLEAN} "
        f"WHEN contains({raw}, '.') OR contains({raw}, 'e') OR contains({raw}, 'E') THEN {_REAL} "
        f"WHEN strlen({raw}) <= 15 THEN {_INTEGER} "
        f"WHEN TRY_CAST({raw} AS BIGINT) IS NULL THEN {_HUGE} "
        f"WHEN abs(CAST({raw} AS HUGEINT)) <= {1 << 53} THEN {_INTEGER} ELSE {_LARGE} END"
    )


def settled(plan: Plan, measured: int | None) -> Typed:
    """Return the column of the view, from the result of `measure`."""
    if plan.source == "JSON":
        return _of_kinds(plan, measured or 0)
    if plan.source == plan.target:
        return Typed(plan.name, plan.target, plan.raw)
    if not plan.target:
        return _any_decimal(plan, measured)
    if measured:
        note = f"The column {plan.name} is read as text: {plan.target} cannot represent all values."
        return Typed(plan.name, "VARCHAR", plan.raw, note)
    return Typed(plan.name, plan.target, _cast(plan.target, plan.raw))


def _any_decimal(plan: Plan, measured: int | None) -> Typed:
    digits, scale = divmod(measured or 0, 100_000)
    if measured is None or digits + scale > MOST_DIGITS:
        note = f"The column {plan.name} is read as text: a DECIMAL cannot represent all values."
        return Typed(plan.name, "VARCHAR", plan.raw, note)
    width = _FEW_DIGITS if digits + scale <= _FEW_DIGITS else MOST_DIGITS
    target = f"DECIMAL({width},{scale})"
    return Typed(plan.name, target, f"CAST({plan.raw} AS {target})")


def _of_kinds(plan: Plan, kinds: int) -> Typed:
    """Return the column for the kinds of its values; a mixture is text, as it is in the part."""
    raw = plan.raw
    target = _type_of_kinds(kinds, plan.target)
    if target == "BLOB":
        return Typed(plan.name, target, f"unhex(substr({raw}, 10, strlen({raw}) - 11))")
    if target:
        text = f"json_extract_string({raw}, '$')"
        sql = text if target == "VARCHAR" else f"CAST({raw} AS {target})"
        return Typed(plan.name, target, sql)
    note = f"The column {plan.name} is read as text, because its values have several types."
    sql = f"CASE WHEN starts_with({raw}, '\"') THEN json_extract_string({raw}, '$') ELSE {raw} END"
    return Typed(plan.name, "VARCHAR", sql, note)


def _type_of_kinds(kinds: int, declared: str) -> str:
    if not kinds:
        return "DOUBLE" if declared == "NUMERIC" else declared
    if not kinds & ~(_INTEGER | _LARGE):
        return "BIGINT"
    if not kinds & ~(_INTEGER | _REAL):
        return "DOUBLE"
    return {_TEXT: "VARCHAR", _BLOB: "BLOB", _BOOLEAN: "BOOLEAN"}.get(kinds, "")


def _cast(target: str, raw: str, *, attempt: bool = False) -> str:
    cast = "TRY_CAST" if attempt else "CAST"
    if target == "BLOB":  # PostgreSQL's hexadecimal form, \x00ff
        return f"unhex(substr({raw}, 3))"
    if attempt and target.startswith(("DATE", "TIME")):
        # DuckDB reads the year 44 BC as the year 44.
        return f"CASE WHEN NOT contains({raw}, 'BC') THEN TRY_CAST({raw} AS {target}) END"
    return f"{cast}({raw} AS {target})"
