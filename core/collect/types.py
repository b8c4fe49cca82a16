"""Exact DuckDB types for columns of numbers that are text, from the digits that occur in them."""

from __future__ import annotations

from typing import NamedTuple

from core.sql.literals import quoted

#: Most digits of a DECIMAL in DuckDB, and of those that it stores as a 64-bit integer.
#: Source: https://duckdb.org/docs/sql/data_types/numeric.
_MOST_DIGITS, _FEW_DIGITS = 38, 18


class Digits(NamedTuple):
    """The most digits before and after the decimal point in a column; None without values."""

    before: int | None
    after: int | None


def digits_sql(name: str) -> str:
    """Return two aggregates for a select list: the fields of `Digits` of a column."""
    return digits_of_sql(quoted(name))


def digits_of_sql(text: str) -> str:
    """Return the aggregates of `digits_sql` for any expression that returns texts of numbers."""
    lowered, exponent = f"lower({text})", f"TRY_CAST(split_part(lower({text}), 'e', 2) AS INTEGER)"
    mantissa = f"split_part({lowered}, 'e', 1)"
    # Few numbers have an exponent, and the functions that divide texts take most of the time.
    power = f"contains({text}, 'e') OR contains({text}, 'E')"
    # DuckDB reads the digits before it uses the exponent, so that the type must hold both.
    most = f"greatest(1, {_before(mantissa)}, {_before(mantissa)} + {exponent})"
    before = f"CASE WHEN {power} THEN {most} ELSE {_before(text)} END"
    after = f"CASE WHEN {power} THEN greatest(0, {_after(mantissa)} - {exponent}) ELSE {_after(text)} END"
    return f"max({before}), max({after})"


def number_type(digits: Digits) -> str | None:
    """Return the smallest type that holds all numbers exactly; None if no type does."""
    if digits.before is None or digits.after is None:
        return None
    width = max(1, digits.before) + digits.after
    if width > _MOST_DIGITS:
        return None
    if not digits.after and width <= _FEW_DIGITS:
        return "BIGINT"
    return f"DECIMAL({_FEW_DIGITS if width <= _FEW_DIGITS else _MOST_DIGITS},{digits.after})"


def doubles_sql(name: str) -> str:
    """Return an aggregate: whether a double holds each number of a column with all of its digits.

    A double is written with the fewest digits that identify it. Where these are the digits of the
    text, for example `1.5e300`, nothing is lost.
    """
    text = quoted(name)
    double = f"TRY_CAST({text} AS DOUBLE)"
    same = f"isfinite({double}) AND {_significant(text)} = {_significant(f'CAST({double} AS VARCHAR)')}"
    return f"bool_and(coalesce({same}, false)) FILTER (WHERE {text} IS NOT NULL)"


def _significant(text: str) -> str:
    """Return the SQL of the digits of a number without zeros at both ends."""
    mantissa = f"split_part(lower({text}), 'e', 1)"
    return f"trim(regexp_replace({mantissa}, '[-+.]', '', 'g'), '0')"


def _before(text: str) -> str:
    point = f"instr({text}, '.')"
    signed = f"CASE WHEN starts_with({text}, '-') OR starts_with({text}, '+') THEN 1 ELSE 0 END"
    return f"(CASE WHEN {point} > 0 THEN {point} - 1 ELSE length({text}) END - {signed})"


def _after(text: str) -> str:
    point = f"instr({text}, '.')"
    return f"(CASE WHEN {point} > 0 THEN length({text}) - {point} ELSE 0 END)"
