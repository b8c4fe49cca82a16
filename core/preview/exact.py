"""Exact numbers and times of JSON values, in every spelling of the data contract."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from core.preview.numbers import is_number, text_of
from core.units import as_utc

#: Longer or larger numbers are no prices or amounts: they are shown, but not calculated with.
_MAX_DIGITS = 60
_MAX_SCALE = 30
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: Epoch numbers below the first bound are seconds, then milli-, micro- and nanoseconds: the
#: bounds lie in the year 5138 for the smaller unit and in 1973 for the larger one.
_EPOCH_UNITS = ((Decimal(10) ** 11, 1), (Decimal(10) ** 14, 10**3), (Decimal(10) ** 17, 10**6))


#: Dates, also with a time, without separators: as seconds these are days of August 1970, and as
#: milliseconds times after the year 2570, which no data has.
_COMPACT = re.compile(
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:(?:[01]\d|2[0-3])[0-5]\d[0-5]\d)?\Z",
    re.ASCII,
)


def decimal_of(value: Any) -> Decimal | None:
    """Return a number or numeric text exactly; None for anything else, NaN, or extreme sizes."""
    text = text_of(value)
    if text is None or len(text) > _MAX_DIGITS:
        return None
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > _MAX_SCALE:
        return None
    return number


def moment_of(value: Any) -> datetime | None:
    """Return a time written as ISO 8601 (no zone: UTC) or as an epoch number, or None.

    `20240115` and `20240115103000` are dates, as texts and as numbers.
    """
    text = text_of(value)
    if text is not None and _COMPACT.match(bare := text.strip()):
        return _from_digits(bare)
    number = decimal_of(value)
    # A text of few digits, such as a year, is no epoch number.
    if number is not None and (is_number(value) or number > 10_000_000):
        return _from_epoch(number)
    if not isinstance(value, str) or is_number(value) or len(value) > _MAX_DIGITS:
        return None
    try:
        return as_utc(datetime.fromisoformat(value.strip()))
    except (ValueError, OverflowError):
        return None


def _from_digits(text: str) -> datetime | None:
    date, time = text[:8], text[8:]
    try:
        return as_utc(datetime.fromisoformat(f"{date}T{time}" if time else date))
    except ValueError:
        return None  # for example 30 February


def _from_epoch(number: Decimal) -> datetime | None:
    per_second = next((per for bound, per in _EPOCH_UNITS if abs(number) < bound), 10**9)
    try:
        return _EPOCH + timedelta(microseconds=int(number * 1_000_000 / per_second))
    except OverflowError:
        return None


def first_of(record: Mapping[str, Any], names: Iterable[str]) -> Any:
    """Return the value of the first of `names` that the record has, ignoring case."""
    for name in names:
        if name in record:
            return record[name]
    lowered = {name.lower(): value for name, value in record.items()}
    return next((lowered[name] for name in names if name in lowered), None)
