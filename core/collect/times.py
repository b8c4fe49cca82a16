"""The SQL of times that are text: ISO 8601 or an epoch number, exact to the nanosecond.

A column has DuckDB's type of microseconds, which every reader of Parquet knows, unless one of its
times is finer. Digits below nanoseconds, which no type holds, are cut, but such rows count as equal
only if their times are written the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from core.sql.literals import text_literal
from core.units import iso_utc

if TYPE_CHECKING:
    from collections.abc import Sequence

COARSE, FINE = "TIMESTAMPTZ", "TIMESTAMPTZ_NS"
#: Epoch numbers below the bound are seconds, then milli- and microseconds, at last nanoseconds;
#: see `core.preview.exact`. The factors convert them to micro- and nanoseconds.
_EPOCH_UNITS = (
    ("1e11", "1000000", "1000000000"),
    ("1e14", "1000", "1000000"),
    ("1e17", "1", "1000"),
)
_LAST_FACTORS = ("0.001", "1")
_EPOCH = "DECIMAL(38, 15)"
_NUMBER = r"[-+]?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?"
#: Dates, also with a time, without separators, as in `core.preview.exact`: 20240115.
_COMPACT = (
    "(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])"
    "(([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9])?"
)
#: Numbers of micro- or nanoseconds that a time can have; the largest integer means infinity.
_MOST = 9_200_000_000_000_000_000
#: Nanoseconds of 64 bits end in 1677 and 2262. Times beyond these are outside every range, and
#: become the first or the last of these moments.
_FIRST, _LAST = datetime(1678, 1, 1, tzinfo=UTC), datetime(2261, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Precision:
    """Whether a column has times with digits below microseconds, and below nanoseconds."""

    nanoseconds: bool = False
    beyond: bool = False

    @property
    def type(self) -> str:
        """DuckDB's type of the column."""
        return FINE if self.nanoseconds else COARSE

    @staticmethod
    def of(found: Sequence[bool | None]) -> Precision:
        """Return the precision for the values of `precision_sql`."""
        nanoseconds, beyond = map(bool, found)
        return Precision(nanoseconds or beyond, beyond)


def precision_sql(text: str) -> str:
    """Return two aggregates: whether any time is finer than micro- and than nanoseconds."""
    # Nearly all times have neither a fraction nor so many digits, and need no slow test.
    long = f"contains({text}, '.') OR (length({text}) > 16 AND NOT contains({text}, ':'))"
    value = _nanoseconds(text)
    tests = (
        f"CASE WHEN {_is_number_sql(text)} THEN {value} % {unit} <> 0 "
        f"ELSE regexp_matches({text}, '\\.\\d{{{digits}}}\\d*[1-9]') END"
        for unit, digits in ((1000, 6), (1, 9))
    )
    return ", ".join(f"bool_or(CASE WHEN {long} THEN {test} END)" for test in tests)


def time_sql(text: str, precision: Precision) -> str:
    """Return the SQL of a time (without zone: UTC); NULL if it is none."""
    coarse = _coarse(text)
    if not precision.nanoseconds:
        return coarse
    fine = (
        f"CASE WHEN {_is_compact_sql(text)} THEN {coarse}::{FINE} WHEN {_is_number_sql(text)} "
        f"THEN make_timestamp_ns({_limited(f'floor({_nanoseconds(text)})')})::{FINE} "
        f"ELSE TRY_CAST({text} AS {FINE}) END"
    )
    first, last = (f"{COARSE} {text_literal(iso_utc(each))}" for each in (_FIRST, _LAST))
    return (
        f"CASE WHEN {coarse} < {first} THEN ({first})::{FINE} "
        f"WHEN {coarse} >= {last} THEN ({last})::{FINE} ELSE {fine} END"
    )


def within_sql(time: str, start: datetime, end: datetime, precision: Precision) -> str:
    """Return the condition that a time is in a range, without its end."""
    if precision.nanoseconds:
        # The moments that stand for all earlier and later ones do not count.
        start, end = max(start, datetime(1678, 1, 2, tzinfo=UTC)), min(end, _LAST)
    first, last = (f"{precision.type} {text_literal(iso_utc(each))}" for each in (start, end))
    return f"{time} >= {first} AND {time} < {last}"


def written_sql(text: str) -> str:
    """Return the SQL of the text of a time that is finer than nanoseconds; NULL for others."""
    finer = f"{_nanoseconds(text)} % 1 <> 0"
    return (
        f"CASE WHEN CASE WHEN {_is_number_sql(text)} THEN {finer} "
        f"ELSE regexp_matches({text}, '\\.\\d{{9}}\\d*[1-9]') END THEN {text} END"
    )


def _is_number_sql(text: str) -> str:
    return f"regexp_full_match({text}, '{_NUMBER}')"


def _is_compact_sql(text: str) -> str:
    # Nearly all times have another length, and need no slow test.
    return f"(length({text}) IN (8, 14) AND regexp_full_match({text}, '{_COMPACT}'))"


def _coarse(text: str) -> str:
    written = f"TRY_CAST({text} AS {COARSE})"
    digits = (
        f"CASE length({text}) WHEN 8 THEN try_strptime({text}, '%Y%m%d') "
        f"ELSE try_strptime({text}, '%Y%m%d%H%M%S') END"
    )
    return (
        f"CASE WHEN {_is_compact_sql(text)} THEN {digits} AT TIME ZONE 'UTC' WHEN {_is_number_sql(text)} "
        f"THEN make_timestamp({_limited(_epoch(text, 0))}) AT TIME ZONE 'UTC' "
        f"WHEN isfinite({written}) THEN {written} END"
    )


def _nanoseconds(text: str) -> str:
    return _epoch(text, 1)


def _epoch(text: str, unit: int) -> str:
    """Return the SQL of an epoch number in microseconds (unit 0) or nanoseconds (1)."""
    number = f"TRY_CAST({text} AS {_EPOCH})"
    cases = "".join(
        f"WHEN abs({number}) < {bound}::{_EPOCH} THEN {number} * {factors[unit]} "
        for bound, *factors in _EPOCH_UNITS
    )
    return f"CASE {cases}ELSE {number} * {_LAST_FACTORS[unit]} END"


def _limited(number: str) -> str:
    """Return the SQL of a number as an integer that can be a time; NULL for others."""
    return f"CASE WHEN abs({number}) < {_MOST} THEN TRY_CAST({number} AS BIGINT) END"
