"""Checks of candles and of their order, computed by columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from core.preview.candle_columns import Columns
from core.preview.numbers import text_of
from core.preview.problems import Findings, Problem, ProblemKind
from core.preview.row_order import time_text
from core.preview.series import Candle, CandleSeries, cell_decimal, moment_at

if TYPE_CHECKING:
    from core.preview.series import Moments

_OPEN, _HIGH, _LOW, _CLOSE, _VOLUME = range(5)


def check_prices(found: Columns, findings: Findings, *, last: int | None) -> None:
    """Report candles with impossible values, except the truncated row `last`."""
    crossed = _exceeds(found, _LOW, _HIGH)
    pairs = ((_LOW, _OPEN), (_OPEN, _HIGH), (_LOW, _CLOSE), (_CLOSE, _HIGH))
    # An array of the same shape that is False everywhere.
    outside = crossed & False
    for low, high in pairs:
        outside |= _exceeds(found, low, high)
    checks = (
        (ProblemKind.HIGH_BELOW_LOW, "high below low", crossed),
        (ProblemKind.OUTSIDE_RANGE, "open or close outside high and low", outside & ~crossed),
        (ProblemKind.NEGATIVE, "negative volume", found.floats[_VOLUME] < 0),
        (ProblemKind.NEGATIVE, "price of zero or less", found.floats[_LOW] <= 0),
    )
    for kind, text, wrong in checks:
        places = (wrong if last is None else wrong & (found.rows != last)).nonzero()[0]
        findings.add_all(kind, _at(found, places, kind, text), len(places))


def _exceeds(found: Columns, low: int, high: int) -> Any:
    """Return for each candle whether its value `low` is above `high`, compared exactly.

    Rounding to doubles keeps the order, so only equal doubles are compared as written.
    """
    lower, upper = found.floats[low], found.floats[high]
    above = lower > upper
    for at in (lower == upper).nonzero()[0].tolist():
        place = int(found.places[at])
        one, other = found.cells[low][place], found.cells[high][place]
        above[at] = _above(one, other)
    return above


def _above(one: Any, other: Any) -> bool:
    # The comparison of texts is fast, and equal numbers are usually written alike.
    return text_of(one) != text_of(other) and cell_decimal(one) > cell_decimal(other)


def _at(found: Columns, places: Moments, kind: ProblemKind, text: str) -> Iterator[Problem]:
    for at in places.tolist():
        when = moment_at(int(found.times[at]))
        yield Problem(kind, f"{text} at {time_text(when)}", row=int(found.rows[at]), start=when)


def report_disorder(found: Columns, findings: Findings) -> None:
    """Report each row that is earlier than the one before it."""
    places = (found.times[1:] < found.times[:-1]).nonzero()[0]
    findings.add_all(ProblemKind.OUT_OF_ORDER, _disorder(found, places), len(places))


def _disorder(found: Columns, places: Moments) -> Iterator[Problem]:
    for at in places.tolist():
        before, after = (moment_at(int(found.times[one])) for one in (at, at + 1))
        finding = f"{time_text(after)} follows {time_text(before)}: drawn in order of time"
        row = int(found.rows[at + 1])
        yield Problem(ProblemKind.OUT_OF_ORDER, finding, row=row, start=after)


def report_repeats(found: Columns, earlier: Moments, later: Moments, findings: Findings) -> None:
    """Report candles with the time of an earlier one: updates once, others one by one.

    An update is a later state of an open candle, as streams send them: the same open, an equal or
    larger range, and more volume.
    """
    # In the order of rows, so that findings appear as in the file.
    order = later.argsort()
    earlier, later = earlier[order], later[order]
    former, now = found.floats[:, earlier], found.floats[:, later]
    grown = (now[_HIGH] >= former[_HIGH]) & (now[_LOW] <= former[_LOW])
    updates = grown & (now[_OPEN] == former[_OPEN]) & (now[_VOLUME] > former[_VOLUME])
    updates &= found.with_volume(earlier) & found.with_volume(later)
    series = CandleSeries(found.times, found.floats, found.cells, found.places)
    pairs = zip(earlier[~updates].tolist(), later[~updates].tolist(), strict=True)
    repeats = (_repeat(series[one], series[other], int(found.rows[other])) for one, other in pairs)
    findings.add_all(ProblemKind.DUPLICATE, repeats, int((~updates).sum()))
    if count := int(updates.sum()):
        finding = (
            "1 row updates the candle before: the last state is drawn"
            if count == 1
            else f"{count:,} rows update the candle before: the last state is drawn"
        )
        row = int(found.rows[later[updates][0]])
        findings.add(Problem(ProblemKind.NOTE, finding, row=row, amount=count))


def _repeat(earlier: Candle, later: Candle, row: int) -> Problem:
    finding = (
        f"1 duplicate at {time_text(later.when)}"
        if later == earlier
        else f"1 duplicate at {time_text(later.when)} with other values: the last is drawn"
    )
    return Problem(ProblemKind.DUPLICATE, finding, row=row, start=later.when)
