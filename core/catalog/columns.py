"""The columns of the catalogue, and the SQL that derives them from keys by the data contract."""

from __future__ import annotations

import re

from core.layout.kinds import KINDS, Kind
from core.sql.literals import text_literal

#: Columns of listings. Times are TIMESTAMP WITH TIME ZONE.
LISTED = ("key", "size", "modified", "etag", "storage_class")
#: Names in keys, see `core.layout.kinds.Kind.names`; NULL where a key has none.
NAMES = ("symbol", "timeframe", "user_id", "report_type", "table_name", "log_type")
#: Columns that follow from the key; `moment` is the time in it and `day` its date in UTC.
PARSED = ("kind", *NAMES, "moment", "day")
#: All columns of a segment.
COLUMNS = (*LISTED, *PARSED)

#: Hours of a timestamp that exist; DuckDB also accepts `24:00:00`, and Python does not.
_POSSIBLE_TIME = r"^.{11}([01]\d|2[0-3]):[0-5]\d:[0-5]\d"
#: The range of `datetime`; DuckDB's is larger.
_FIRST_TIME = "TIMESTAMPTZ '0001-01-01 00:00:00+00'"
_LAST_TIME = "TIMESTAMPTZ '9999-12-31 23:59:59.999999+00'"


def parsed_sql(source: str) -> str:
    """Return a SELECT of all columns for the rows of a table with the columns of a listing.

    It finds the same kinds and names as `core.layout.parsing.parse`.
    """
    # Each pattern is only matched with the keys of its kind: matching takes most of the time.
    parts = [_kind_sql(kind) for kind in KINDS]
    parts.append(_other_sql())
    return (
        f"WITH candidates AS (SELECT *, {_candidate_sql()} AS candidate FROM {source}) "  # noqa: S608 - names of this module
        + " UNION ALL ".join(parts)
    )


def stream_depth(kind: Kind) -> int:
    """Return the number of folders before the date in keys of a kind."""
    return kind.template.partition("{Y}")[0].count("/")


def day_depth(kind: Kind) -> int:
    """Return the number of folders up to and including the day, or the month, in keys of a kind."""
    date = kind.template[: kind.template.rindex("/")].partition("{Y}")[2]
    return stream_depth(kind) + 1 + min(2, date.count("/"))


def _candidate_sql() -> str:
    """Return the expression for the kind that the beginning of a key identifies."""
    cases = []
    for kind in KINDS:
        # Portfolios and trades of users share the prefix user-data/; the folder after it differs.
        middle = re.sub(r"^\{[a-z_]+\}", "", kind.template.removeprefix(kind.prefix))
        middle = middle.partition("{")[0] if kind.prefix == "user-data/" else ""
        test = f"starts_with(key, {text_literal(kind.prefix)})"
        if middle:
            test += f" AND contains(key, {text_literal(middle)})"
        cases.append(f"WHEN {test} THEN {text_literal(kind.id)}")
    return f"CASE {' '.join(cases)} END"


def _kind_sql(kind: Kind) -> str:
    groups = re.findall(r"\(\?P<(\w+)>", kind.pattern.pattern)
    # RE2 names groups as Python does, but `regexp_extract` only knows them by their position.
    names = ", ".join(text_literal(name) for name in groups)
    pattern = text_literal(f"^(?:{kind.pattern.pattern})$")
    listed = ", ".join(LISTED)
    cast = f"CASE WHEN regexp_matches(part.ts, {text_literal(_POSSIBLE_TIME)}) THEN TRY_CAST(part.ts AS TIMESTAMPTZ) END"  # fmt: skip
    columns = [
        f"CASE WHEN moment IS NOT NULL THEN part.{name} END AS {name}"
        if name in kind.names
        else f"NULL::VARCHAR AS {name}"
        for name in NAMES
    ]
    return (
        f"SELECT {listed}, CASE WHEN moment IS NOT NULL THEN candidate END AS kind, "  # noqa: S608 - names of this module
        f"{', '.join(columns)}, moment, moment::DATE AS day FROM (SELECT *, "
        f"CASE WHEN cast_time BETWEEN {_FIRST_TIME} AND {_LAST_TIME} THEN cast_time END AS moment "
        f"FROM (SELECT *, {cast} AS cast_time FROM (SELECT *, regexp_extract(key, {pattern}, [{names}]) AS part "
        f"FROM candidates WHERE candidate = {text_literal(kind.id)})))"
    )


def _other_sql() -> str:
    nothing = ", ".join(f"NULL::VARCHAR AS {name}" for name in NAMES)
    return (
        f"SELECT {', '.join(LISTED)}, NULL::VARCHAR AS kind, {nothing}, "  # noqa: S608 - names of this module
        "NULL::TIMESTAMPTZ AS moment, NULL::DATE AS day FROM candidates WHERE candidate IS NULL"
    )
