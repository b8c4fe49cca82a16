"""Order books and trades (ticks) around the prices of the candle series."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from core.demo.data.sample import START, SYMBOLS, Sample, iso, randomness, written
from core.demo.data.series import MARKETS, price_at

#: Price levels of each side of an order book.
LEVELS = 24
#: Hours of order books (from 8 January) and of ticks (from 12 January).
_BOOK_HOURS = 24 * 24
_TICK_HOURS = 8 * 24


def orderbooks() -> Iterator[Sample]:
    """Yield one order book an hour for each symbol, at half past."""
    for symbol in SYMBOLS:
        random = randomness(f"books {symbol}")
        for hour in range(_BOOK_HOURS):
            yield _book(symbol, START + timedelta(days=7, hours=hour, minutes=30), random)


def _book(symbol: str, moment: datetime, random: Random) -> Sample:
    price, decimals, stamp = price_at(symbol, moment), MARKETS[symbol][1], iso(moment)
    bids = _side(price, -1, decimals, random)
    asks = _side(price, 1, decimals, random)
    body = (
        f'{{\n  "symbol": "{symbol}",\n  "timestamp": "{stamp}",\n  "orderbook": {{\n'
        f'    "bids": [\n{bids}\n    ],\n    "asks": [\n{asks}\n    ],\n'
        f'    "exchange": "coinbase",\n    "sequence": {int(moment.timestamp()) * 7}\n  }}\n}}'
    )
    metadata = {
        "symbol": symbol,
        "data_type": "orderbook",
        "timestamp": stamp,
        "bid_count": str(LEVELS),
        "ask_count": str(LEVELS),
    }
    key = f"market-data/orderbook/{symbol}/{moment:%Y/%m/%d/%H/%M}_{stamp}.json"
    return Sample(key, body.encode(), written(moment), metadata=metadata)


def _side(price: float, sign: int, decimals: int, random: Random) -> str:
    """Return the levels of one side; amounts grow with the distance from the middle price."""
    at, rows = price, []
    for level in range(LEVELS):
        at += sign * price * (0.00004 + 0.00012 * random.random())
        amount = (0.2 + level / 6) * 2200 / price * random.expovariate(0.05)
        rows.append(f"      [\n        {at:.{decimals}f},\n        {amount:.4f}\n      ]")
    return ",\n".join(rows)


def ticks() -> Iterator[Sample]:
    """Yield one file of trades an hour for each symbol, at a quarter past."""
    for symbol in SYMBOLS:
        random = randomness(f"ticks {symbol}")
        for hour in range(_TICK_HOURS):
            yield _trade_file(symbol, START + timedelta(days=11, hours=hour, minutes=15), random)


def _trade_file(symbol: str, moment: datetime, random: Random) -> Sample:
    price, decimals, stamp = price_at(symbol, moment), MARKETS[symbol][1], iso(moment)
    first, rows, count = int(moment.timestamp()) // 3600 * 64, [], random.randint(30, 60)
    for number in range(count):
        at = moment - timedelta(seconds=(count - number) * 14)
        price *= 1 + random.gauss(0, 0.0002)
        rows.append(
            f'    {{\n      "id": "{first + number}",\n      "timestamp": "{iso(at)}",\n'
            f'      "price": {price:.{decimals}f},\n'
            f'      "quantity": {random.expovariate(4000 / price) or 0.0001:.6f},\n'
            f'      "side": "{random.choice(("buy", "sell"))}"\n    }}'
        )
    listed = ",\n".join(rows)
    body = (
        f'{{\n  "symbol": "{symbol}",\n  "timestamp": "{stamp}",\n  "trades": [\n{listed}\n  ]\n}}'
    )
    metadata = {
        "symbol": symbol,
        "data_type": "trades",
        "timestamp": stamp,
        "trade_count": str(count),
    }
    key = f"market-data/trades/{symbol}/{moment:%Y/%m/%d/%H}/{stamp}.json"
    return Sample(key, body.encode(), written(moment), metadata=metadata)
