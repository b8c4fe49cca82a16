"""Reading of OHLCV candles: sorted by time, with repeats, updates and gaps as findings.

The conventions are those of `resources/docs/market-data-conventions.md`. Values are compared as
columns of doubles, and exactly if two doubles are equal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.preview.candle_checks import check_prices, report_disorder, report_repeats
from core.preview.candle_columns import Columns, read_columns
from core.preview.problems import Findings, Problem, ProblemKind
from core.preview.reading import Reading
from core.preview.row_order import NEWEST_FIRST, time_range, time_text
from core.preview.series import Candle, CandleSeries, moment_at
from core.preview.values import Candles, Gap
from core.units import format_counted

if TYPE_CHECKING:
    from core.preview.series import Moments

_DAY = 86_400
_MICROS = 1_000_000
#: A document with the time of its last candle is named after it, and was not saved at that moment.
_NAMING = timedelta(seconds=1)
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": _DAY, "w": 7 * _DAY}
_TIMEFRAME = re.compile(r"(\d{1,4})\s*(s|min|m|h|d|w)\Z")


def step_of(timeframe: str) -> int:
    """Return the seconds of a timeframe such as `1h`; 0 for unknown and for months."""
    found = _TIMEFRAME.match(timeframe if timeframe.endswith("M") else timeframe.lower())
    return int(found[1]) * _UNITS[found[2]] if found else 0


def read_candles(
    rows: Sequence[Any],
    symbol: str,
    timeframe: str,
    reading: Reading,
    *,
    saved: datetime | None = None,
) -> Candles:
    """Return the candles of `rows` in order of time; problems are added to the findings.

    `saved` is the time of the data: a last candle that ends after it is incomplete.
    """
    findings = reading.findings
    found = read_columns(rows, reading)
    if _is_newest_first(found.times):
        findings.note(ProblemKind.NOTE, f"{NEWEST_FIRST}: drawn in order of time")
        # Before the checks: otherwise every row would be reported as out of order.
        found = found.reversed()
    check_prices(found, findings, last=len(rows) - 1 if reading.truncated else None)
    report_disorder(found, findings)
    series = _in_order(found, findings)
    step = step_of(timeframe) or usual_step(series.times)
    if saved and len(series) and _is_open(series[-1], saved, step):
        finding = (
            f"the last candle, {time_text(series[-1].when)}, was incomplete when this was saved"
        )
        findings.add(Problem(ProblemKind.NOTE, finding, start=series[-1].when))
    return Candles(
        symbol, timeframe, series, _gaps(series.times, step, found.empty, findings), step
    )


def join_candles(parts: Sequence[Candles], findings: Findings) -> Candles:
    """Return the candles of several objects as one series in order of time.

    A candle that is in several objects is taken from the last of them, as a later object has the
    final values of a candle that was incomplete before.

    Args:
        parts: candles of one symbol and timeframe, at least one.
        findings: receives repeats with other values, and gaps.
    """
    import numpy as np

    chained = CandleSeries.chained([part.series for part in parts])
    rows = np.arange(len(chained))
    found = Columns(chained.times, chained.floats, rows, rows, chained.columns, ())
    order = np.argsort(found.times, kind="stable")
    earlier, later = order[:-1], order[1:]
    again = found.times[earlier] == found.times[later]
    repeats = np.flatnonzero(again)
    former, now = (found.floats[:, side[repeats]] for side in (earlier, later))
    equal = (former == now).all(axis=0)
    # Files of a stream usually overlap: only repeats that disagree are worth a finding each.
    if count := int(equal.sum()):
        finding = f"{format_counted(count, 'repeated candle')} in several objects"
        findings.add(Problem(ProblemKind.NOTE, finding, amount=count))
    differing = repeats[~equal]
    report_repeats(found, earlier[differing], later[differing], findings)
    last = order[np.append(~again, True)] if len(order) else order
    series = _chosen(found, last)
    step = step_of(parts[0].timeframe) or usual_step(series.times)
    gaps = _gaps(series.times, step, (), findings)
    return Candles(parts[0].symbol, parts[0].timeframe, series, gaps, step)


def _chosen(found: Columns, rows: Moments) -> CandleSeries:
    """Return the candles of some rows, in their order."""
    if len(rows) == len(found.times) and (rows[1:] > rows[:-1]).all():
        # All of them as they are: copies of a million would need another 50 MB.
        return CandleSeries(found.times, found.floats, found.cells, found.places).prepared()
    # `take` leaves each row in one piece, which is drawn twice as fast as numpy's usual result.
    floats = found.floats.take(rows, axis=1)
    return CandleSeries(found.times[rows], floats, found.cells, found.places[rows]).prepared()


def _is_newest_first(times: Moments) -> bool:
    """Return whether most rows are earlier than the previous row, ignoring equal times."""
    import numpy as np

    steps = np.diff(times)
    return bool((steps < 0).sum() > (steps > 0).sum())


def _is_open(candle: Candle, moment: datetime, step: int) -> bool:
    """Return whether a candle is incomplete at a time that is after its start."""
    return _NAMING < moment - candle.when < timedelta(seconds=step)


def _in_order(found: Columns, findings: Findings) -> CandleSeries:
    """Return the candles by time, with the last one of each time; repeats are findings."""
    import numpy as np

    # Stable: of several rows with the same time, the last one in the file counts.
    order = np.argsort(found.times, kind="stable")
    times = found.times[order]
    again = times[1:] == times[:-1]
    if again.any():
        report_repeats(found, order[:-1][again], order[1:][again], findings)
    last = order[np.append(~again, True)] if len(order) else order
    return _chosen(found, last)


def usual_step(times: Moments) -> int:
    """Return the most frequent interval of candles in seconds, or 0."""
    import numpy as np

    steps, counts = np.unique(np.diff(times) // _MICROS, return_counts=True)
    return int(steps[counts.argmax()]) if len(steps) else 0


def _gaps(times: Moments, step: int, empty: Sequence[int], findings: Findings) -> tuple[Gap, ...]:
    """Return the gaps between candles; those in `empty` are already findings."""
    import numpy as np

    if not step or len(times) < 2:
        return ()
    # Rounded, so that times that are off by less than half an interval make no gap.
    missing = np.rint(np.diff(times) / (step * _MICROS)).astype(np.int64) - 1
    before = np.flatnonzero(missing > 0)
    missing = missing[before]
    known = np.sort(np.array(empty, dtype=np.int64))
    named = known.searchsorted(times[before + 1], "left") - known.searchsorted(
        times[before], "right"
    )
    unnamed = missing - named
    places = np.flatnonzero(unnamed > 0)
    gaps = (_gap(times, int(before[at]), step, int(unnamed[at])) for at in places)
    findings.add_all(ProblemKind.GAP, gaps, int(unnamed[places].sum()))
    pairs = zip(before.tolist(), missing.tolist(), strict=True)
    return tuple(Gap(at, at + 1, count) for at, count in pairs)


def _gap(times: Moments, at: int, step: int, missing: int) -> Problem:
    # The gap begins one interval after the last candle before it.
    first = moment_at(int(times[at])) + timedelta(seconds=step)
    last = moment_at(int(times[at + 1])) - timedelta(seconds=step)
    between = time_range(first, last, days=step >= _DAY)
    finding = f"{format_counted(missing, 'empty interval')}: {between}"
    return Problem(ProblemKind.GAP, finding, start=first, end=last, amount=missing)
