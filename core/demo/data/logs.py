"""Log files: plain and gzipped ones, and one that is too large to be shown completely."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from core.demo.data.sample import GZIP, START, SYMBOLS, TEXT, Sample, days, iso, randomness

#: About 36 MB of JSON lines.
OVERSIZED_KEY = "logs/audit/2024/02/29/2024-02-29T00:00:00Z_events.jsonl"
_LINES = (
    ("INFO", "poller", "stored 64 candles of {symbol} 1h in {ms} ms"),
    ("INFO", "orders", "order {number} filled at the exchange"),
    ("DEBUG", "http", "GET /v3/products/{symbol}/candles 200 {ms} ms"),
    ("WARNING", "poller", "{symbol}: answer took {ms} ms, limit is 800"),
    ("ERROR", "exchange", "{symbol}: connection reset by peer, trying again"),
)
#: How frequent each line is, in percent.
_WEIGHTS = (40, 12, 40, 6, 2)


def logs() -> Iterator[Sample]:
    """Yield the application's and the trading engine's logs, and the large audit log."""
    random = randomness("logs")
    for number, midnight in enumerate(days()[:30]):
        yield _application(midnight, number, random)
    for midnight in days()[30:]:
        body = gzip.compress(_text(midnight, 220, random), 1, mtime=0)
        yield _log("trading", midnight, "engine.log.gz", body)
    yield Sample(
        OVERSIZED_KEY,
        _events(),
        START + timedelta(days=60, minutes=4),
        TEXT,
        _metadata("audit", "2024-02-29T00:00:00Z", "events.jsonl"),
    )


def _application(midnight: datetime, number: int, random: Random) -> Sample:
    text = _text(midnight, 160 + number * 6, random)
    if number == 20:  # a rotated file whose end was lost
        return _log("application", midnight, "app.log.gz", gzip.compress(text, 1, mtime=0)[:-900])
    return _log("application", midnight, "app.log", text)


def _text(midnight: datetime, count: int, random: Random) -> bytes:
    lines = []
    for number, (level, part, template) in enumerate(random.choices(_LINES, _WEIGHTS, k=count)):
        at = midnight + timedelta(seconds=number * 86_400 / count)
        message = template.format(
            symbol=SYMBOLS[number % 3], ms=random.randint(40, 900), number=number
        )
        lines.append(f"{iso(at)} {level:<7} {part}: {message}\n")
        if level == "ERROR":
            lines.append('  File "exchange/client.py", line 212, in _read\n')
    return "".join(lines).encode()


def _log(kind: str, midnight: datetime, filename: str, body: bytes) -> Sample:
    stamp = iso(midnight)
    content_type = GZIP if filename.endswith(".gz") else TEXT
    key = f"logs/{kind}/{midnight:%Y/%m/%d}/{stamp}_{filename}"
    when = midnight + timedelta(days=1, minutes=4)
    return Sample(key, body, when, content_type, _metadata(kind, stamp, filename))


def _metadata(kind: str, stamp: str, filename: str) -> dict[str, str]:
    return {"log_type": kind, "data_type": "log_file", "timestamp": stamp, "filename": filename}


def _events() -> bytes:
    """Return many audit events; a block of distinct ones is repeated, which is fast to make."""
    random = randomness("audit")
    block = "".join(
        f'{{"seq":{number},"actor":"svc-{random.randint(1, 40)}","action":"order.update",'
        f'"order":{random.randint(1, 48_210)},'
        f'"ok":{"true" if random.random() < 0.97 else "false"}}}\n'
        for number in range(4000)
    )
    return block.encode() * 112
