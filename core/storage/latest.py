"""Search for the newest object of a symbol, from the newest date folder backwards."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.layout import ParsedKey, parse
from core.layout.building import check_segment
from core.objects.bucket import Bucket
from core.objects.level import list_level
from core.objects.listing import list_pages
from core.units import utc_now
from core.work import Work, default_work


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
        page = list_level(bucket, root, token=token, work=work)
        folders += page.folders
        token = page.token
        if token is None:
            return folders


def _keys_of(bucket: Bucket, folder: str, day: datetime, work: Work) -> list[ParsedKey]:
    prefix = f"{folder}{day:%Y/%m/%d}/"
    parsed = [parse(key) for page in list_pages(bucket, prefix, work=work) for key in page.keys]
    return [found for found in parsed if found is not None]
