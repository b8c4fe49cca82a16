"""Types of each engine and what they become in each other engine, as data.

A rule has a regular expression for the declared type in lower case, the type in the other engine,
the form of its values (a function of `values`, with arguments) and the difference that a person has
to know. `{0}` is the first group of the expression, and `{width}` the number of characters that an
indexed text may have. The first rule that matches counts; every table ends with one for any type.
"""

from __future__ import annotations

from dataclasses import dataclass

POSTGRESQL, SQLITE, MARIADB = "PostgreSQL", "SQLite", "MariaDB"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a type becomes; `keyed` is its type if it is in a primary or unique key."""

    pattern: str
    type: str
    form: str
    note: str = ""
    keyed: str = ""


_AS_TEXT = "the values are stored as text in the notation of the backup's database"
_AS_DIGITS = "the exact digits are stored as text, because SQLite would round them"
_UTC_TEXT = "the times are stored as text in UTC"
_ISO_TEXT = "the values are stored as text; SQLite's functions read them"
_JSON_TEXT = "JSON is stored as text, character by character"
_ARRAY = "arrays are stored as JSON text"
_LENGTH = "the length is not limited"
_COLLATED = "comparisons distinguish upper and lower case, as the collation is not carried over"
_INSTANT = "the times are stored in UTC without a zone"
_LABELS = "a check allows the same labels"
_DYNAMIC = "values of another kind than the column declares are refused"

#: An array of any type, of which each element is JSON.
_ARRAY_OF = r"(.+?)(?:\[\])+"
_KEYED_TEXT, _KEYED_BYTES = "varchar({width})", "varbinary({bytes})"

_POSTGRESQL_TO_SQLITE = (
    Rule(r"box(?:\[\])+", "TEXT", "text", _AS_TEXT),
    Rule(_ARRAY_OF, "TEXT", "array {0}", _ARRAY),
    Rule("boolean", "BOOLEAN", "flag", "true and false are stored as 1 and 0"),
    Rule("smallint|integer|bigint|oid", "INTEGER", "integer"),
    Rule(r"numeric.*", "TEXT", "text", _AS_DIGITS),
    Rule("real|double precision", "REAL", "real infinite zero", "NaN is refused, and -0 becomes 0"),
    Rule("bytea", "BLOB", "hex"),
    Rule("date", "TEXT", "date", _ISO_TEXT),
    Rule(r"timestamp.* without time zone", "TEXT", "timestamp", _ISO_TEXT),
    Rule(r"timestamp.* with time zone", "TEXT", "instant +00:00", _UTC_TEXT),
    Rule(r"time(?:\(\d\))? without time zone", "TEXT", "text", _ISO_TEXT),
    Rule("uuid", "TEXT", "text", _AS_TEXT),
    Rule("jsonb?", "TEXT", "text", _JSON_TEXT),
    Rule(r"text|citext|name|character varying", "TEXT", "text"),
    Rule(r'character.*|"char"', "TEXT", "text", _LENGTH),
    Rule("enum", "TEXT", "text", _LABELS),
    Rule(".*", "TEXT", "text", _AS_TEXT),
)
_POSTGRESQL_TO_MARIADB = (
    Rule(r"box(?:\[\])+", "longtext", "text", _AS_TEXT),
    Rule(_ARRAY_OF, "longtext", "array {0}", _ARRAY, _KEYED_TEXT),
    Rule("boolean", "tinyint(1)", "flag", "true and false are stored as 1 and 0"),
    Rule("smallint", "smallint(6)", "integer"),
    Rule("integer", "int(11)", "integer"),
    Rule("bigint", "bigint(20)", "integer"),
    Rule("oid", "int(10) unsigned", "integer"),
    Rule(
        r"numeric\(([1-9]|[1-5]\d|6[0-5]),([0-9]|[12]\d|3[0-8])\)",
        "decimal({0},{1})", "decimal {0} {1}", "NaN is refused",
    ),
    Rule(
        r"numeric.*", "decimal(65,30)", "decimal 65 30",
        "numbers get 30 decimals; NaN, Infinity and numbers that do not fit are refused",
    ),
    Rule(
        "real|double precision", "double", "real zero",
        "NaN and Infinity are refused, and -0 becomes 0",
    ),
    Rule("bytea", "longblob", "hex", "", _KEYED_BYTES),
    Rule("date", "date", "date", "infinity and years before 1 or after 9999 are refused"),
    Rule(
        r"timestamp.* without time zone", "datetime(6)", "timestamp 6",
        "infinity and years before 1 or after 9999 are refused",
    ),
    Rule(r"timestamp.* with time zone", "datetime(6)", "instant 6", _INSTANT),
    Rule(r"time(?:\(\d\))? without time zone", "time(6)", "time 6"),
    Rule("uuid", "char(36)", "text", "the values are stored as text"),
    Rule("jsonb?", "longtext", "text", _JSON_TEXT, _KEYED_TEXT),
    Rule(r"character varying\(([1-9]\d{0,2})\)", "varchar({0})", "text"),
    Rule(
        r"character\(([1-9]\d{0,2})\)", "varchar({0})", "text",
        "the values keep their trailing spaces",
    ),
    Rule("text|citext|name|character varying", "longtext", "text", "", _KEYED_TEXT),
    Rule(r'character.*|"char"', "longtext", "text", _LENGTH, _KEYED_TEXT),
    Rule("enum", "enum", "text"),
    Rule(".*", "longtext", "text", _AS_TEXT, _KEYED_TEXT),
)  # fmt: skip
_MARIADB_INTEGERS = (
    Rule(r"tinyint.* unsigned.*", "smallint", "integer"),
    Rule(r"tinyint.*", "smallint", "integer"),
    Rule(r"smallint.* unsigned.*", "integer", "integer"),
    Rule(r"smallint.*", "smallint", "integer"),
    Rule(r"mediumint.*", "integer", "integer"),
    Rule(r"int.* unsigned.*", "bigint", "integer"),
    Rule(r"int.*", "integer", "integer"),
)
_MARIADB_TO_POSTGRESQL = (
    *_MARIADB_INTEGERS,
    Rule(r"bigint.* unsigned.*", "numeric(20,0)", "digits", "the numbers exceed bigint"),
    Rule(r"bigint.*", "bigint", "integer"),
    Rule(r"bit\((\d+)\)", "bit({0})", "bits {0}"),
    Rule(r"decimal\((\d+), ?(\d+)\).*", "numeric({0},{1})", "number"),
    Rule(r"float.*|double.*|real.*", "double precision", "real infinite"),
    Rule("date", "date", "date", "zero dates are refused"),
    Rule(r"datetime(?:\((\d)\))?", "timestamp without time zone", "timestamp short", "zero dates are refused"),
    Rule(
        r"timestamp(?:\((\d)\))?", "timestamp with time zone", "instant short",
        "zero dates are refused",
    ),
    Rule(
        r"time(?:\((\d)\))?", "time without time zone", "time short",
        "times below 0 and above 24 hours are refused",
    ),
    Rule(r"year.*", "smallint", "integer"),
    Rule("uuid", "uuid", "text"),
    Rule("inet4", "inet", "text"),
    Rule("inet6", "text", "text", "the values are stored as text"),
    Rule("json", "json", "text"),
    Rule(r"(?:var)?char\((\d+)\)", "character varying({0})", "text", _COLLATED),
    Rule(r"(?:tiny|medium|long)?text", "text", "text", _COLLATED),
    Rule(r"(?:var)?binary.*|(?:tiny|medium|long)?blob", "bytea", "bytes"),
    Rule(r"enum.*", "text", "text", _LABELS),
    Rule(r"set.*", "text", "text", "the labels of a value are separated by commas"),
    Rule(".*", "bytea", "bytes", "geometries are stored in the server's internal form"),
)  # fmt: skip
_MARIADB_TO_SQLITE = (
    Rule(
        r"bigint.* unsigned.*", "INTEGER", "integer signed",
        "numbers above 9223372036854775807 are refused",
    ),
    Rule(r"(?:tiny|small|medium|big)?int.*", "INTEGER", "integer"),
    Rule(r"bit.*", "INTEGER", "integer signed", "the bits are stored as a number"),
    Rule(r"decimal.*", "TEXT", "number", _AS_DIGITS),
    Rule(r"float.*|double.*|real.*", "REAL", "real infinite"),
    Rule("date", "TEXT", "date", "dates are stored as text; zero dates are refused"),
    Rule(r"datetime.*", "TEXT", "timestamp", "times are stored as text; zero dates are refused"),
    Rule(
        r"timestamp.*", "TEXT", "instant +00:00",
        "times are stored as text in UTC; zero dates are refused",
    ),
    Rule(r"time.*", "TEXT", "text", _ISO_TEXT),
    Rule(r"year.*", "INTEGER", "integer"),
    Rule("json", "TEXT", "text", _JSON_TEXT),
    Rule(r"(?:var)?char.*|(?:tiny|medium|long)?text", "TEXT", "text", _COLLATED),
    Rule(r"(?:var)?binary.*|(?:tiny|medium|long)?blob", "BLOB", "bytes"),
    Rule(r"enum.*", "TEXT", "text", _LABELS),
    Rule(r"set.*", "TEXT", "text", "the labels of a value are separated by commas"),
    Rule("uuid|inet[46]", "TEXT", "text", "the values are stored as text"),
    Rule(".*", "BLOB", "bytes", "geometries are stored in the server's internal form"),
)  # fmt: skip
#: The order is that of SQLite's rules for affinity: https://sqlite.org/datatype3.html, section 3.1.
_SQLITE_TO_POSTGRESQL = (
    Rule(r".*bool.*", "boolean", "boolean", "values other than 0 and 1 are refused"),
    Rule(r".*int.*", "bigint", "integer", _DYNAMIC),
    Rule(r".*(?:char|clob|text|json|date|time|uuid).*", "text", "any_text", "numbers become text"),
    Rule(r".*blob.*", "bytea", "bytes", _DYNAMIC),
    Rule(r".*(?:real|floa|doub).*", "double precision", "real infinite", _DYNAMIC),
    Rule(r".*(?:num|dec).*", "numeric", "number", _DYNAMIC),
    Rule(".*", "text", "any_text", "numbers become text"),
)
_SQLITE_TO_MARIADB = (
    Rule(r".*bool.*", "tinyint(1)", "flag", "values other than 0 and 1 are refused"),
    Rule(r".*int.*", "bigint(20)", "integer", _DYNAMIC),
    Rule(
        r".*(?:char|clob|text|json|date|time|uuid).*", "longtext", "any_text",
        "numbers become text", _KEYED_TEXT,
    ),
    Rule(r".*blob.*", "longblob", "bytes", _DYNAMIC, _KEYED_BYTES),
    Rule(r".*(?:real|floa|doub).*", "double", "real", f"{_DYNAMIC}, and Infinity"),
    Rule(
        r".*(?:num|dec).*", "decimal(65,30)", "decimal 65 30",
        "numbers get 30 decimals; those that do not fit are refused",
    ),
    Rule(".*", "longtext", "any_text", "numbers become text", _KEYED_TEXT),
)  # fmt: skip

#: The rules of each pair: the engine of the backup, and that of the database.
RULES: dict[tuple[str, str], tuple[Rule, ...]] = {
    (POSTGRESQL, SQLITE): _POSTGRESQL_TO_SQLITE,
    (POSTGRESQL, MARIADB): _POSTGRESQL_TO_MARIADB,
    (MARIADB, POSTGRESQL): _MARIADB_TO_POSTGRESQL,
    (MARIADB, SQLITE): _MARIADB_TO_SQLITE,
    (SQLITE, POSTGRESQL): _SQLITE_TO_POSTGRESQL,
    (SQLITE, MARIADB): _SQLITE_TO_MARIADB,
}
