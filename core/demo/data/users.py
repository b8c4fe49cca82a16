"""Portfolios and trades of four users; the later portfolios were written twice (versions)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from core.demo.data.sample import (
    START,
    SYMBOLS,
    USERS,
    Sample,
    days,
    iso,
    json_sample,
    naive,
    randomness,
    written,
)
from core.demo.data.series import price_at

#: Most trades are filled: a status occurs as often as it is listed.
_STATUSES = ("filled", "filled", "filled", "partial", "cancelled")


def portfolios() -> Iterator[Sample]:
    """Yield a portfolio a day for each user; from 20 January on, each has an earlier version."""
    for user in USERS:
        random = randomness(f"portfolio {user}")
        held = {
            symbol: random.uniform(0.4, 9) * 30_000 / (200 if symbol[0] == "S" else 40) / 1000
            for symbol in SYMBOLS
        }
        for day, midnight in enumerate(days()):
            moment = midnight + timedelta(hours=12)
            symbol = random.choice(SYMBOLS)
            before = dict(held)
            held[symbol] = max(0.0, held[symbol] * random.uniform(0.93, 1.09))
            if day >= 19:
                yield _portfolio(user, moment, before, written(moment))
            yield _portfolio(user, moment, held, written(moment) + timedelta(minutes=7))


def _portfolio(user: str, moment: datetime, held: dict[str, float], when: datetime) -> Sample:
    """Return a portfolio; assets of two users have a value, the others an average price."""
    stamp = iso(moment)
    prices = {symbol: price_at(symbol, moment) for symbol in held}
    with_value = USERS.index(user) % 2 == 0
    assets = [
        {
            "symbol": symbol,
            "quantity": round(amount, 8),
            "value_usd": round(amount * prices[symbol], 2),
        }
        if with_value
        else {
            "symbol": symbol,
            "quantity": f"{amount:.8f}",
            "avg_price": round(prices[symbol] * 0.91, 2),
            "current_price": prices[symbol],
        }
        for symbol, amount in held.items()
    ]
    total = round(sum(amount * prices[symbol] for symbol, amount in held.items()), 2)
    body = {
        "user_id": user,
        "timestamp": stamp,
        "portfolio": {"total_value_usd": total, "currency": "USD", "assets": assets},
    }
    key = f"user-data/{user}/portfolio/{moment:%Y/%m/%d}/{stamp}.json"
    return json_sample(
        key,
        body,
        when,
        user_id=user,
        data_type="portfolio",
        timestamp=stamp,
        asset_count=str(len(assets)),
    )


def trades() -> Iterator[Sample]:
    """Yield 45 files of trades for each user; their keys have no day folder."""
    for number, user in enumerate(USERS):
        random = randomness(f"trades {user}")
        for file in range(45):
            moment = START + timedelta(hours=14 + 32 * file, minutes=30 if number else 0)
            yield _trades(user, moment, file, random)


def _trades(user: str, moment: datetime, file: int, random: Random) -> Sample:
    # One user's files have the times of earlier software, without a zone.
    stamp = naive(moment) if user == "crowe" else iso(moment)
    minutes = sorted((random.randint(1, 1900) for _ in range(random.randint(3, 12))), reverse=True)
    rows = [
        _trade(user, moment - timedelta(minutes=ago), file * 20 + each, random)
        for each, ago in enumerate(minutes)
    ]
    body = {"user_id": user, "timestamp": stamp, "trades": rows}
    key = f"user-data/{user}/trades/{moment:%Y/%m}/{stamp}.json"
    return json_sample(
        key,
        body,
        written(moment),
        user_id=user,
        data_type="trades",
        timestamp=stamp,
        trade_count=str(len(rows)),
    )


def _trade(user: str, at: datetime, number: int, random: Random) -> dict[str, object]:
    symbol = random.choice(SYMBOLS)
    price = price_at(symbol, at) * random.uniform(0.999, 1.001)
    amount = random.uniform(200, 20_000) / price
    row: dict[str, object] = {
        "id": f"{user[:2].upper()}{number:06d}",
        "timestamp": iso(at),
        "symbol": symbol,
        "side": random.choice(("buy", "sell")),
        "quantity": round(amount, 6),
        "price": round(price, 3),
        "fee": round(amount * price * 0.001, 4),
        "status": random.choice(_STATUSES),
    }
    if user == "okafor":  # written by software that stored decimals as text
        row |= {name: str(Decimal(str(row[name]))) for name in ("quantity", "price", "fee")}
    return row
