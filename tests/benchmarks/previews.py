"""Bytes of a large candle file to the finished preview, beside its parser alone."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import jiter

from core.preview import HEAD_BYTES, preview
from tests.benchmarks.figures import Figure

CANDLES = 70_000
RUNS = 7
#: The preview (text, candles, findings, table, tree, lines) may take so many times the parser's.
MOST_RATIO = 1.5
_KEY = "market-data/ohlcv/BTC-USD/1m/2024/03/01/2024-03-01T00:00:00Z.json"


def figures() -> Iterator[Figure]:
    """Yield the time to the preview of 70,000 candles, all of them shown."""
    data = made(CANDLES)
    shown = preview(data, _KEY, total=len(data))
    assert shown.count == f"{CANDLES:,} candles", shown.count
    works: dict[str, Callable[[], object]] = {
        "ours": lambda: preview(data, _KEY, total=len(data)),
        "exact": lambda: jiter.from_json(data, float_mode="lossless-float"),
        "rounded": lambda: jiter.from_json(data),
        "json": lambda: json.loads(data),
    }
    took = {name: min(times) for name, times in _measured(works).items()}
    times = ", ".join(f"{took[name] * 1000:.0f} ms {text}" for name, text in _OTHERS)
    note = f"({len(data) / 1e6:.1f} MB; {times}; the preview keeps all digits)"
    yield Figure(
        f"JSON preview of {CANDLES:,} candles", took["ours"] * 1000, "ms", 1 / MOST_RATIO,
        "jiter, exact numbers", took["exact"] * 1000, note,
    )  # fmt: skip


_OTHERS = (("rounded", "jiter with rounded numbers"), ("json", "json.loads"))


def made(count: int) -> bytes:
    """Return a document of one-minute candles of about 100 bytes each."""
    chance = random.Random(1)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    close, rows = 50_000.0, []
    for number in range(count):
        first, close = close, round(close + chance.uniform(-20, 20), 2)
        rows.append(
            {
                "timestamp": f"{start + timedelta(minutes=number):%Y-%m-%dT%H:%M:%SZ}",
                "open": first,
                "high": round(max(first, close) + chance.random() * 9, 2),
                "low": round(min(first, close) - chance.random() * 9, 2),
                "close": close,
                "volume": round(chance.random() * 10, 4),
            }
        )
    document = {"symbol": "BTC-USD", "timeframe": "1m", "data": rows}
    data = json.dumps(document, separators=(",", ":")).encode()
    assert len(data) <= HEAD_BYTES
    return data


def _measured(works: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Run the works in turn, so that a pause of the machine hits all of them alike."""
    took: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(RUNS):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            took[name].append(time.perf_counter() - began)
    return took
