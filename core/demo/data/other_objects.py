"""Objects of no kind of the data contract, and some deleted ones, which are in the trash."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta

from core.demo.data.sample import START, SYMBOLS, TEXT, Sample, iso
from core.demo.data.series import candles

_README = b"""Ten-Time Crypto: data of the trading platform

market-data/   candles, order books and trades, written by the poller
user-data/     portfolios and trades of the users
analytics/     reports, daily at 16:00 UTC
backups/       table backups, nightly at 02:00 UTC
logs/          logs of the services, moved here at midnight
exports/       made by hand; not read by any software
"""
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAAM0lEQVR4nGNgGAWDDTAic/6T"
    "oZkRWTMjOQYwkmsAE7kGMJFrABO5BjCRawALuQYMfwAAGfYEFTvd5DMAAAAASUVORK5CYII="
)


def others() -> Iterator[Sample]:
    """Yield objects of no kind: notes, exports, a picture, unusual names."""
    at = START + timedelta(days=60, hours=9)
    yield Sample("README.txt", _README, at, TEXT)
    yield Sample("exports/BTC-USD_daily.csv", _csv(), at, "text/csv")
    yield Sample("exports/logo.png", _PNG, at, "image/png")
    yield Sample("exports/2024 Q1/", b"", at, "application/x-directory")
    yield Sample("exports/2024 Q1/Übersicht März.txt", b"Umsatz folgt.\n", at, TEXT)
    yield Sample(
        "exports/2024 Q1/fees & <rebates>.json", b'{"maker": 0.0004, "taker": "0.0010"}', at
    )
    yield Sample("exports/empty.json", b"", at)
    yield from _deleted(at)


def _csv() -> bytes:
    rows = (
        f"{iso(datetime.fromtimestamp(each.epoch, START.tzinfo))},{each.open},{each.high},"
        f"{each.low},{each.close},{each.volume}\n"
        for each in candles("BTC-USD", "1d")[-60:]
    )
    return ("timestamp,open,high,low,close,volume\n" + "".join(rows)).encode()


def _deleted(at: datetime) -> Iterator[Sample]:
    for number, symbol in enumerate(SYMBOLS * 3):
        key = f"exports/drafts/{symbol}_{number}.csv"
        yield Sample(key, f"draft {number} of {symbol}\n".encode(), at, "text/csv")
        yield Sample(key, b"", at + timedelta(days=number), deleted=True)
