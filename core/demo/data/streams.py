"""All samples, one stream after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.demo.data import candles, logs, market, other_objects, reports, tables, users
from core.demo.data.sample import Sample

STREAMS: tuple[Callable[[], Iterator[Sample]], ...] = (
    candles.ohlcv,
    market.orderbooks,
    market.ticks,
    users.portfolios,
    users.trades,
    reports.reports,
    tables.backups,
    logs.logs,
    other_objects.others,
)


def samples() -> Iterator[Sample]:
    """Yield every object version of the sample bucket; versions of a key oldest first."""
    for stream in STREAMS:
        yield from stream()
