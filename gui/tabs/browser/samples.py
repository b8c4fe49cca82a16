"""Finds an object for screenshots."""

from __future__ import annotations

from core.objects.bucket import Bucket
from core.objects.level import list_level
from core.work import Work

#: A demo file with a gap and a duplicate; in other buckets any candle file is used.
_EXAMPLE = "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T10:00:00Z.json"
_STARTS = ("market-data/ohlcv/BTC-USD/1h/", "market-data/ohlcv/", "market-data/", "")
_DEPTH = 12


def sample_key(bucket: Bucket, work: Work) -> str:
    """Return the key of a candle file, or "" when the bucket is empty.

    Raises:
        StorageError: the bucket cannot be listed.
    """
    if list_level(bucket, _EXAMPLE, work=work).objects:
        return _EXAMPLE
    for start in _STARTS:
        page = list_level(bucket, start, work=work)
        depth = 0
        while page.folders and not page.objects and depth < _DEPTH:
            page = list_level(bucket, page.folders[len(page.folders) // 2], work=work)
            depth += 1
        if page.objects:
            return page.objects[len(page.objects) // 2].key
    return ""
