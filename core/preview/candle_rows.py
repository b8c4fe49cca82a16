"""Conversion of single rows to candles: objects by name, lists by a known column order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.preview.cells import cell_text
from core.preview.exact import decimal_of, first_of, moment_of
from core.preview.problems import Findings, ProblemKind
from core.preview.series import Candle

TIME = (
    "timestamp", "time", "t", "ts", "date", "datetime", "open_time", "opentime", "start", "start_time", "id",
)  # fmt: skip
FIELDS = (
    ("open", ("open", "o")),
    ("high", ("high", "h")),
    ("low", ("low", "l")),
    ("close", ("close", "c")),
    ("volume", ("volume", "v", "vol")),
)
_NAMES = tuple(name for name, _ in FIELDS)
#: Number of rows from which the column order is derived.
_SAMPLE = 50
#: Kraken's rows: time, open, high, low, close, average, volume, count.
_KRAKEN_LENGTH = 8


@dataclass(frozen=True, slots=True)
class ColumnOrder:
    """Positions of open, high, low, close and volume in a list after its time.

    `average` is the position of the average price, if the order has one.
    """

    source: str
    places: tuple[int, int, int, int, int]
    average: int = 0

    def fits(self, row: Sequence[Any]) -> bool:
        """Return whether a list is a possible candle in this order."""
        numbers = [_number(row, at) for at in self.places[:4]]
        if any(number is None for number in numbers):
            return False
        first, high, low, last = (number or Decimal(0) for number in numbers)
        if self.average:
            average = _number(row, self.average)
            if average is None or not (low <= average <= high or not average):
                return False
        return low <= min(first, last) and max(first, last) <= high


def _number(row: Sequence[Any], at: int) -> Decimal | None:
    return decimal_of(row[at]) if at < len(row) else None


#: The documented orders of lists, see `resources/docs/market-data-conventions.md`. The first one
#: that most rows match is used; all except the first are reported in a note.
COLUMN_ORDERS = (
    ColumnOrder("ccxt", (1, 2, 3, 4, 5)),
    ColumnOrder("Coinbase: low, high, open, close, volume", (3, 2, 1, 4, 5)),
    ColumnOrder("Bitfinex and KuCoin: open, close, high, low, volume", (1, 3, 4, 2, 5)),
    ColumnOrder("Gate: quote volume, close, high, low, open, volume", (5, 3, 4, 2, 6)),
)
#: Kraken's rows also match ccxt's order, but their sixth value is an average price, not the volume.
_KRAKEN = ColumnOrder("Kraken: open, high, low, close, average, volume", (1, 2, 3, 4, 6), average=5)


def column_order(rows: Sequence[Any], findings: Findings) -> ColumnOrder:
    """Return the column order of the lists in `rows`; an order other than that of ccxt is noted."""
    lists = [row for row in rows[:_SAMPLE] if isinstance(row, list) and len(row) >= 5]
    usual = COLUMN_ORDERS[0]
    if not lists:
        return usual
    order = next((order for order in COLUMN_ORDERS if _most_fit(order, lists)), usual)
    if order is usual and all(len(row) == _KRAKEN_LENGTH for row in lists):
        order = _KRAKEN if all(map(_KRAKEN.fits, lists)) else usual
    if order is not usual:
        findings.note(ProblemKind.NOTE, f"columns are read in the order of {order.source}")
    return order


def _most_fit(order: ColumnOrder, lists: Sequence[Sequence[Any]]) -> bool:
    # More than half, since single rows may have errors of their data.
    return sum(map(order.fits, lists)) * 2 > len(lists)


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reader of single rows; their problems are added to the findings."""

    order: ColumnOrder
    findings: Findings

    def candle(self, row: Any, number: int) -> Candle | datetime | None:
        """Return the candle of a row, only its time if the interval has no prices, or None."""
        if isinstance(row, dict):
            when = moment_of(first_of(row, TIME))
            values = [first_of(row, names) for _, names in FIELDS]
        elif isinstance(row, list) and len(row) >= 5:
            when = moment_of(row[0])
            values = [row[at] if at < len(row) else None for at in self.order.places]
        else:
            finding = f"row {number + 1:,} is not a candle"
            self.findings.note(ProblemKind.BAD_ROW, finding, row=number)
            return None
        # Some exchanges return intervals without trades as a time without prices.
        if when is not None and all(value is None for value in values[:4]):
            return when
        return self._complete(when, values, number)

    def _complete(self, when: datetime | None, values: list[Any], number: int) -> Candle | None:
        numbers = [decimal_of(value) for value in values]
        unread = {
            name: value
            for name, value, exact in zip(_NAMES, values, numbers, strict=True)
            # A candle may have no volume; a volume that is no number is a finding.
            if exact is None and not (name == "volume" and value is None)
        }
        if unread:
            finding = f"row {number + 1:,}: {_unread_text(unread)}"
            self.findings.note(ProblemKind.BAD_NUMBER, finding, row=number)
        if when is None:
            finding = f"row {number + 1:,} has no readable time"
            self.findings.note(ProblemKind.BAD_TIME, finding, row=number)
        first, high, low, last, volume = numbers
        if when is None or first is None or high is None or low is None or last is None:
            return None
        return Candle(when, first, high, low, last, volume)


def _unread_text(unread: Mapping[str, Any]) -> str:
    """Return a text such as `open and high are missing; low is “n/a”, not a number`."""
    missing = [name for name, value in unread.items() if value is None]
    texts = [
        f"{name} is “{cell_text(value, 40)}”, not a number"
        for name, value in unread.items()
        if value is not None
    ]
    if len(missing) == 1:
        texts.insert(0, f"{missing[0]} is missing")
    elif missing:
        texts.insert(0, f"{', '.join(missing[:-1])} and {missing[-1]} are missing")
    return "; ".join(texts)


def are_candles(rows: Iterable[Any]) -> bool:
    """Return whether a list contains candles: its first object has open, high, low and close."""
    # Only objects: lists of numbers are candles only by the name of the file.
    first = next((row for row in rows if isinstance(row, dict)), {})
    return all(first_of(first, names) is not None for _, names in FIELDS[:4])
