"""All samples, one stream after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from core.demo.data import candles, logs, market, others, people, reports, tables
from core.demo.data.sample import Sample

STREAMS: tuple[Callable[[], Iterator[Sample]], ...] = (
    candles.ohlcv,
    market.orderbooks,
    market.ticks,
    people.portfolios,
    people.trades,
    reports.reports,
    tables.backups,
    logs.logs,
    others.others,
)


def samples() -> Iterator[Sample]:
    """Yield every object version of the sample bucket; versions of a key oldest first."""
    for stream in STREAMS:
        yield from stream()
