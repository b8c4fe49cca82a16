"""OHLCV candles: read in any order and spelling; gaps, repeats and impossible values told."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from core.preview.exact import decimal_of, first_of, moment_of
from core.preview.problems import Findings, Problem, ProblemKind
from core.preview.reading import Reading
from core.preview.values import Candle, Candles, Gap

_TIME = ("timestamp", "time", "t", "date", "datetime", "open_time")
_FIELDS = (
    ("open", ("open", "o")),
    ("high", ("high", "h")),
    ("low", ("low", "l")),
    ("close", ("close", "c")),
    ("volume", ("volume", "v", "vol")),
)
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_TIMEFRAME = re.compile(r"(\d{1,4})\s*(s|min|m|h|d|w)\Z")


def step_of(timeframe: str) -> int:
    """Return the seconds of a timeframe such as `1h`; 0 for unknown and for months."""
    found = _TIMEFRAME.match(timeframe if timeframe.endswith("M") else timeframe.lower())
    return int(found[1]) * _UNITS[found[2]] if found else 0


def read_candles(rows: Sequence[Any], symbol: str, timeframe: str, reading: Reading) -> Candles:
    """Return the candles of `rows` in order of time; what is wrong goes to the findings."""
    findings, deadline = reading.findings, reading.next_deadline()
    found: list[tuple[Candle, int]] = []
    for number, row in enumerate(rows[: reading.limits.rows]):
        if number % 256 == 0 and deadline.passed:
            findings.note(ProblemKind.LIMIT, f"only the first {number:,} candles are shown")
            break
        candle = _candle(row, number, findings)
        if candle:
            found.append((candle, number))
            _check(candle, number, findings)
    candles = _in_order(found, findings)
    step = step_of(timeframe) or _usual_step(candles)
    return Candles(symbol, timeframe, candles, _gaps(candles, step, findings), step)


def _candle(row: Any, number: int, findings: Findings) -> Candle | None:
    if isinstance(row, dict):
        when = moment_of(first_of(row, _TIME))
        values = [first_of(row, names) for _, names in _FIELDS]
    elif isinstance(row, list) and len(row) >= 5:
        when, values = moment_of(row[0]), [*row[1:6], None][:5]
    else:
        findings.note(ProblemKind.BAD_ROW, f"row {number + 1:,} is no candle", row=number)
        return None
    return _whole(when, values, number, findings)


def _whole(
    when: datetime | None, values: list[Any], number: int, findings: Findings
) -> Candle | None:
    numbers = [decimal_of(value) for value in values]
    for (name, _), value, exact in zip(_FIELDS, values, numbers, strict=True):
        if exact is None and not (name == "volume" and value is None):
            told = f"row {number + 1:,}: {name} is {_shown(value)}"
            findings.note(ProblemKind.BAD_NUMBER, told, row=number)
    if when is None:
        findings.note(ProblemKind.BAD_TIME, f"row {number + 1:,} has no readable time", row=number)
    first, high, low, last, volume = numbers
    if when is None or first is None or high is None or low is None or last is None:
        return None
    return Candle(when, first, high, low, last, volume)


def _shown(value: Any) -> str:
    return "missing" if value is None else f"“{str(value)[:40]}”, no number"


def _check(candle: Candle, number: int, findings: Findings) -> None:
    at = clock(candle.when)
    if candle.high < candle.low:
        told = f"high below low at {at}"
        findings.add(Problem(ProblemKind.HIGH_BELOW_LOW, told, row=number, start=candle.when))
    elif not all(candle.low <= price <= candle.high for price in (candle.open, candle.close)):
        told = f"open or close outside high and low at {at}"
        findings.add(Problem(ProblemKind.OUTSIDE_RANGE, told, row=number, start=candle.when))
    if candle.volume is not None and candle.volume < 0:
        told = f"negative volume at {at}"
        findings.add(Problem(ProblemKind.NEGATIVE, told, row=number, start=candle.when))
    if candle.low <= 0:
        told = f"price of zero or less at {at}"
        findings.add(Problem(ProblemKind.NEGATIVE, told, row=number, start=candle.when))


def clock(moment: datetime) -> str:
    """Return `18:00`, with seconds when there are any."""
    return moment.strftime("%H:%M:%S" if moment.second else "%H:%M")


def _in_order(found: list[tuple[Candle, int]], findings: Findings) -> tuple[Candle, ...]:
    """Return the candles by time, the last of each time; rows in disorder and repeats are told."""
    for (before, _), (after, number) in itertools.pairwise(found):
        if after.when < before.when:
            told = f"{clock(after.when)} follows {clock(before.when)}: drawn in order of time"
            findings.add(Problem(ProblemKind.OUT_OF_ORDER, told, row=number, start=after.when))
    unique: dict[datetime, Candle] = {}
    for candle, number in found:
        if candle.when in unique:
            _repeat(candle, unique[candle.when], number, findings)
        unique[candle.when] = candle
    return tuple(unique[when] for when in sorted(unique))


def _repeat(candle: Candle, earlier: Candle, number: int, findings: Findings) -> None:
    same = candle == earlier
    told = f"1 duplicate at {clock(candle.when)}"
    told += "" if same else " with other values: the last is drawn"
    findings.add(Problem(ProblemKind.DUPLICATE, told, row=number, start=candle.when))


def _usual_step(candles: Sequence[Candle]) -> int:
    pairs = itertools.pairwise(candles)
    steps = Counter(int((after.when - before.when).total_seconds()) for before, after in pairs)
    return steps.most_common(1)[0][0] if steps else 0


def _gaps(candles: Sequence[Candle], step: int, findings: Findings) -> tuple[Gap, ...]:
    if not step:
        return ()
    gaps = []
    for at, (before, after) in enumerate(itertools.pairwise(candles)):
        missing = round((after.when - before.when).total_seconds() / step) - 1
        if missing > 0:
            gaps.append(Gap(at, at + 1, missing))
            findings.add(_gap_told(before.when, after.when, step, missing))
    return tuple(gaps)


def _gap_told(before: datetime, after: datetime, step: int, missing: int) -> Problem:
    first, last = before + timedelta(seconds=step), after - timedelta(seconds=step)
    day = "" if first.date() == last.date() else f"{last.day} {last:%b} "
    until = f"\u2013{day}{clock(last)}" if missing > 1 else ""
    noun = "candle" if missing == 1 else "candles"
    told = f"{missing:,} {noun} missing: {clock(first)}{until}"
    return Problem(ProblemKind.GAP, told, start=first, end=last, amount=missing)


def looks_like_candles(rows: Iterable[Any]) -> bool:
    """Whether a list holds candles: its first object has open, high, low and close."""
    first = next((row for row in rows if isinstance(row, dict)), {})
    return all(first_of(first, names) is not None for _, names in _FIELDS[:4])
