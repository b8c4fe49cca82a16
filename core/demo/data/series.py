"""Price series: one random walk an hour for each symbol, and longer candles made from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import NamedTuple

from core.demo.data.sample import DAYS, START, randomness

#: Candles in a file, like an exchange's answer to a request for the last 64.
WINDOW = 64
HOURS = {"1h": 1, "4h": 4, "1d": 24}
#: Volatility per hour, decimals of prices, volume per hour.
MARKETS = {
    "BTC-USD": (0.0042, 1, 310.0),
    "ETH-USD": (0.0051, 2, 4_100.0),
    "SOL-USD": (0.0083, 3, 96_000.0),
}
#: Approximate historical prices that the walks are drawn to: day of the walk, price.
_ANCHORS = {
    "BTC-USD": (
        (0, 34_200),
        (64, 42_300),
        (72, 46_300),
        (86, 39_600),
        (108, 51_900),
        (124, 61_900),
    ),
    "ETH-USD": ((0, 1_790), (64, 2_290), (72, 2_590), (86, 2_230), (108, 2_790), (124, 3_360)),
    "SOL-USD": ((0, 31), (56, 113), (64, 101), (86, 85), (108, 112), (124, 127)),
}
#: Part of the distance to these prices that a walk covers per hour.
_PULL = 0.02
_BEGIN = START - timedelta(days=WINDOW)


class Candle(NamedTuple):
    """Open, high, low, close and volume of the interval that begins at `epoch` seconds."""

    epoch: int
    open: float
    high: float
    low: float
    close: float
    volume: float


@cache
def candles(symbol: str, timeframe: str) -> tuple[Candle, ...]:
    """Return all candles of a symbol, from a window before the sample period to its end."""
    if timeframe == "1h":
        return tuple(_walk(symbol))
    hours, hourly = HOURS[timeframe], candles(symbol, "1h")
    groups = (hourly[at : at + hours] for at in range(0, len(hourly), hours))
    return tuple(_joined(group) for group in groups)


def _walk(symbol: str) -> list[Candle]:
    volatility, decimals, usual = MARKETS[symbol]
    random = randomness(f"walk {symbol}")
    level, found = float(_ANCHORS[symbol][0][1]), []
    first = int(_BEGIN.timestamp())
    for hour in range((WINDOW + DAYS) * 24):
        # A random walk alone would drift away from realistic prices within weeks.
        move = random.gauss(_PULL * (_anchor(symbol, hour / 24) / level - 1), volatility)
        close = level * (1 + move)
        high = max(level, close) * (1 + abs(random.gauss(0, volatility / 2)))
        low = min(level, close) * (1 - abs(random.gauss(0, volatility / 2)))
        volume = usual * (0.55 + random.random() + 90 * abs(move))
        prices = tuple(round(each, decimals) for each in (level, high, low, close))
        found.append(Candle._make((first + hour * 3600, *prices, round(volume, 4))))
        # From the rounded price, so that each candle opens where the former one closed.
        level = prices[-1]
    return found


def _anchor(symbol: str, day: float) -> float:
    """Return the price on the straight line between the two anchors around a day."""
    for (before, low), (after, high) in pairwise(_ANCHORS[symbol]):
        if day <= after:
            return low + (high - low) * (day - before) / (after - before)
    return _ANCHORS[symbol][-1][1]


def _joined(group: tuple[Candle, ...]) -> Candle:
    return Candle(
        group[0].epoch,
        group[0].open,
        max(each.high for each in group),
        min(each.low for each in group),
        group[-1].close,
        round(sum(each.volume for each in group), 4),
    )


@cache
def _closes(symbol: str) -> dict[int, float]:
    return {each.epoch: each.close for each in candles(symbol, "1h")}


def price_at(symbol: str, moment: datetime) -> float:
    """Return the price at the end of the hour that contains a time."""
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return _closes(symbol)[int(hour.timestamp())]
