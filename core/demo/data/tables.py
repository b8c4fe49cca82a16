"""Table backups of the earlier software: one JSON file with all records, nightly at two."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from core.demo.data.sample import (
    START,
    SYMBOLS,
    USERS,
    Sample,
    iso,
    json_sample,
    randomness,
    written,
)
from core.demo.data.series import price_at

#: Nights of backups, from 10 January on.
_NIGHTS = 24


def backups() -> Iterator[Sample]:
    """Yield the backups of four tables; they grow from night to night."""
    rows = _orders()
    for night in range(_NIGHTS):
        moment = START + timedelta(days=9 + night, hours=2)
        for table, records in (
            ("users", _users()),
            ("orders", rows[: 40 + night * 4]),
            ("portfolio", _portfolio(moment)),
            ("market_data", _market(moment)),
        ):
            yield _backup(table, records, moment)


def _backup(table: str, records: list[dict[str, Any]], moment: datetime) -> Sample:
    stamp = iso(moment)
    body = {"table_name": table, "timestamp": stamp, "records": records}
    key = f"backups/database/{table}/{moment:%Y/%m/%d}/{stamp}.json"
    return json_sample(
        key,
        body,
        written(moment),
        table_name=table,
        data_type="database_backup",
        timestamp=stamp,
        record_count=str(len(records)),
    )


def _users() -> list[dict[str, Any]]:
    return [
        {
            "id": number,
            "username": user,
            "email": f"{user}@example.com" if user != "tanaka" else None,
            "created_at": datetime(2023, 3 + number, 5, 9, 30),  # noqa: DTZ001 - written naive then
            "active": number != 3,
        }
        for number, user in enumerate(USERS, start=1)
    ]


def _orders() -> list[dict[str, Any]]:
    random, rows = randomness("old orders"), []
    for number in range(1, 40 + _NIGHTS * 4):
        at = START + timedelta(minutes=97 * number)
        symbol = random.choice(SYMBOLS)
        price = Decimal(str(price_at(symbol, at)))
        is_market = random.random() < 0.3
        rows.append(
            {
                "id": number,
                "user_id": random.randint(1, len(USERS)),
                "symbol": symbol,
                "side": random.choice(("buy", "sell")),
                "quantity": Decimal(random.randint(1, 4000)) / 1000,
                "price": None if is_market else price,
                "status": random.choice(("filled", "open", "cancelled")),
                "created_at": at.replace(tzinfo=None),
            }
        )
    return rows


def _portfolio(moment: datetime) -> list[dict[str, Any]]:
    return [
        {
            "id": number * 3 + place + 1,
            "user_id": number + 1,
            "symbol": symbol,
            "quantity": Decimal(number + 1) / (place + 3),
            "updated_at": moment,
        }
        for number in range(len(USERS))
        for place, symbol in enumerate(SYMBOLS)
    ]


def _market(moment: datetime) -> list[dict[str, Any]]:
    return [
        {
            "symbol": symbol,
            "ts": iso(moment - timedelta(hours=ago)),
            "close": price_at(symbol, moment),
        }
        for symbol in SYMBOLS
        for ago in range(8)
    ]
