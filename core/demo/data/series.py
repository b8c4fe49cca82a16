"""Price series: one random walk an hour for each symbol, and longer candles made from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

from core.demo.data.sample import DAYS, START, randomness

#: Candles in a file: what an exchange gives when the last 64 are asked for.
WINDOW = 64
HOURS = {"1h": 1, "4h": 4, "1d": 24}
#: Price on the first day of the walk, volatility an hour, decimals, volume an hour.
MARKETS = {
    "BTC-USD": (36_900.0, 0.0042, 1, 310.0),
    "ETH-USD": (1_980.0, 0.0051, 2, 4_100.0),
    "SOL-USD": (58.0, 0.0083, 3, 96_000.0),
}
_BEGIN = START - timedelta(days=WINDOW)


class Candle(NamedTuple):
    """Open, high, low, close and volume of the time that begins at `epoch` seconds."""

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
    price, volatility, decimals, usual = MARKETS[symbol]
    random = randomness(f"walk {symbol}")
    level, trend, found = price, 0.0, []
    first = int(_BEGIN.timestamp())
    for hour in range((WINDOW + DAYS) * 24):
        trend = 0.97 * trend + random.gauss(0.00002, volatility / 9)
        move = random.gauss(trend, volatility)
        close = level * (1 + move)
        high = max(level, close) * (1 + abs(random.gauss(0, volatility / 2)))
        low = min(level, close) * (1 - abs(random.gauss(0, volatility / 2)))
        volume = usual * (0.55 + random.random() + 90 * abs(move))
        prices = tuple(round(each, decimals) for each in (level, high, low, close))
        found.append(Candle._make((first + hour * 3600, *prices, round(volume, 4))))
        level = prices[-1]
    return found


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
    """Return the price at the end of the hour of a moment."""
    hour = moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return _closes(symbol)[int(hour.timestamp())]
