"""OHLCV candles in any order: put in order of time; repeats, updates and empty intervals found.

The conventions are those of `resources/docs/market-data-conventions.md`.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from core.preview.candle_rows import RowReader, column_order
from core.preview.problems import Findings, Problem, ProblemKind
from core.preview.reading import Reading
from core.preview.row_order import NEWEST_FIRST, instant, is_newest_first, stretch
from core.preview.values import Candle, Candles, Gap

_DAY = 86_400
_NAMING = timedelta(seconds=1)
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": _DAY, "w": 7 * _DAY}
_TIMEFRAME = re.compile(r"(\d{1,4})\s*(s|min|m|h|d|w)\Z")

_Numbered = list[tuple[Candle, int]]


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
    """Return the candles of `rows` in order of time; what is wrong goes to the findings.

    `saved` is when the data was taken: a last candle that goes on beyond it is incomplete.
    """
    findings = reading.findings
    found, empty = _read_rows(rows, reading)
    if is_newest_first([candle.when for candle, _ in found]):
        findings.note(ProblemKind.NOTE, f"{NEWEST_FIRST}: drawn in order of time")
        found.reverse()
    candles = _in_order(found, findings)
    step = step_of(timeframe) or _usual_step(candles)
    if saved and candles and _is_open(candles[-1], saved, step):
        finding = f"the last candle, {instant(candles[-1].when)}, was not over when this was saved"
        findings.add(Problem(ProblemKind.NOTE, finding, start=candles[-1].when))
    return Candles(symbol, timeframe, candles, _gaps(candles, step, empty, findings), step)


def _is_open(candle: Candle, moment: datetime, step: int) -> bool:
    """Whether a candle goes on at a moment; one at its very beginning only names the candle."""
    return _NAMING < moment - candle.when < timedelta(seconds=step)


def _read_rows(rows: Sequence[Any], reading: Reading) -> tuple[_Numbered, set[datetime]]:
    """Return the candles with the numbers of their rows, and the intervals without prices."""
    findings, deadline = reading.findings, reading.next_deadline()
    reader = RowReader(column_order(rows, findings), findings)
    found: _Numbered = []
    empty: set[datetime] = set()
    cap = min(len(rows), reading.limits.rows)
    for number, row in enumerate(rows[:cap]):
        if number % 256 == 0 and deadline.passed:
            cap = number
            break
        if reading.cut and number == len(rows) - 1:  # its fields are cut off: one cause is enough
            reader = RowReader(reader.order, Findings())
        candle = reader.candle(row, number)
        if isinstance(candle, Candle):
            found.append((candle, number))
        elif candle is not None:
            empty.add(candle)
            finding = f"empty interval: no prices at {instant(candle)}"
            findings.add(Problem(ProblemKind.GAP, finding, row=number, start=candle, end=candle))
    if cap < len(rows):
        finding = f"only the first {cap:,} of {len(rows):,} candles are shown"
        findings.note(ProblemKind.LIMIT, finding)
    return found, empty


def _in_order(found: _Numbered, findings: Findings) -> tuple[Candle, ...]:
    """Return the candles by time, the last of each time; disorder and repeats are findings."""
    for (before, _), (after, number) in itertools.pairwise(found):
        if after.when < before.when:
            finding = (
                f"{instant(after.when)} follows {instant(before.when)}: drawn in order of time"
            )
            findings.add(Problem(ProblemKind.OUT_OF_ORDER, finding, row=number, start=after.when))
    unique: dict[datetime, Candle] = {}
    updated: list[int] = []
    for candle, number in found:
        earlier = unique.get(candle.when)
        if earlier is not None and _updates(candle, earlier):
            updated.append(number)
        elif earlier is not None:
            _note_repeat(candle, earlier, number, findings)
        unique[candle.when] = candle
    if updated:
        count = len(updated)
        rows = "1 row updates" if count == 1 else f"{count:,} rows update"
        finding = f"{rows} the candle before: the last state is drawn"
        findings.add(Problem(ProblemKind.NOTE, finding, row=updated[0], amount=count))
    return tuple(unique[when] for when in sorted(unique))


def _updates(candle: Candle, earlier: Candle) -> bool:
    """Whether a candle is a later state of one that was still open, as streams send them."""
    if candle.volume is None or earlier.volume is None or candle.open != earlier.open:
        return False
    grown = candle.high >= earlier.high and candle.low <= earlier.low
    return grown and candle.volume > earlier.volume


def _note_repeat(candle: Candle, earlier: Candle, number: int, findings: Findings) -> None:
    finding = f"1 duplicate at {instant(candle.when)}"
    finding += "" if candle == earlier else " with other values: the last is drawn"
    findings.add(Problem(ProblemKind.DUPLICATE, finding, row=number, start=candle.when))


def _usual_step(candles: Sequence[Candle]) -> int:
    pairs = itertools.pairwise(candles)
    steps = Counter(int((after.when - before.when).total_seconds()) for before, after in pairs)
    return steps.most_common(1)[0][0] if steps else 0


def _gaps(
    candles: Sequence[Candle], step: int, empty: set[datetime], findings: Findings
) -> tuple[Gap, ...]:
    """Return where intervals have no candle; those in `empty` are findings already."""
    if not step:
        return ()
    gaps = []
    known = sorted(empty)
    for at, (before, after) in enumerate(itertools.pairwise(candles)):
        missing = round((after.when - before.when).total_seconds() / step) - 1
        if missing > 0:
            gaps.append(Gap(at, at + 1, missing))
            missing -= bisect_left(known, after.when) - bisect_right(known, before.when)
            if missing > 0:
                findings.add(_gap(before.when, after.when, step, missing))
    return tuple(gaps)


def _gap(before: datetime, after: datetime, step: int, missing: int) -> Problem:
    first, last = before + timedelta(seconds=step), after - timedelta(seconds=step)
    noun = "empty interval" if missing == 1 else "empty intervals"
    finding = f"{missing:,} {noun}: {stretch(first, last, days=step >= _DAY)}"
    return Problem(ProblemKind.GAP, finding, start=first, end=last, amount=missing)
