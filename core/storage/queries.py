"""Queries of the data service: the newest object of a symbol, and the statistics of the bucket."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from core.layout.key_checks import check_segment
from core.layout.parsing import ParsedKey, parse
from core.objects.bucket import Bucket
from core.objects.level import list_level
from core.objects.listing import list_pages
from core.units import iso_utc, utc_now
from core.work import Progress, Work, default_work


def latest_key(
    bucket: Bucket,
    symbol: str,
    data_type: str,
    days_back: int,
    *,
    timeframe: str | None = None,
    work: Work | None = None,
) -> ParsedKey | None:
    """Return the key with the newest time, or None if no searched day has objects.

    Tomorrow (UTC) is searched first, since some programs write a local time ahead of UTC, then
    today, then up to `days_back` days before it; the first day that has objects ends the search.
    The time in the key is compared, not the order of the listing.
    """
    work = default_work(work)
    root = f"market-data/{data_type}/{check_segment('symbol', symbol)}/"
    roots = _timeframes(bucket, root, timeframe, work) if data_type == "ohlcv" else [root]
    today = utc_now()
    # One listing for each day, so that the cost does not depend on the age of the data.
    for back in range(-1, days_back + 1):
        day = today - timedelta(days=back)
        found = [key for folder in roots for key in _keys_of(bucket, folder, day, work)]
        if found:
            return max(found, key=lambda parsed: (parsed.moment, parsed.key))
    return None


def _timeframes(bucket: Bucket, root: str, timeframe: str | None, work: Work) -> list[str]:
    if timeframe is not None:
        return [f"{root}{check_segment('timeframe', timeframe)}/"]
    folders: list[str] = []
    token: str | None = None
    while True:
        # Without a timeframe the newest candle of any timeframe is returned.
        page = list_level(bucket, root, token=token, work=work)
        folders += page.folders
        token = page.token
        if token is None:
            return folders


def _keys_of(bucket: Bucket, folder: str, day: datetime, work: Work) -> list[ParsedKey]:
    prefix = f"{folder}{day:%Y/%m/%d}/"
    parsed = [parse(key) for page in list_pages(bucket, prefix, work=work) for key in page.keys]
    return [found for found in parsed if found is not None]


_MIB = 1024 * 1024
#: Name of the group for objects outside any folder.
ROOT = "(root)"


def usage_of(bucket: Bucket, *, work: Work | None = None) -> dict[str, Any]:
    """Return the contract's storage statistics; see `CryptoDataManager.get_storage_stats`."""
    work = default_work(work)
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for page in list_pages(bucket, work=work):
        for key, size in zip(page.keys, page.sizes, strict=True):
            top, slash, _ = key.partition("/")
            top = top if slash else ROOT
            counts[top] += 1
            sizes[top] += size
        work.report(Progress(counts.total(), None, "objects"))
    return {
        "total_objects": counts.total(),
        "total_size_bytes": sizes.total(),
        "total_size_mb": _mb(sizes.total()),
        "data_types": {
            top: {"count": counts[top], "size_bytes": sizes[top], "size_mb": _mb(sizes[top])}
            for top in sorted(counts)
        },
        "last_updated": iso_utc(utc_now()),
    }


def _mb(size: int) -> float:
    return round(size / _MIB, 2)
