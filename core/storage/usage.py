"""Number and size of the bucket's objects by top-level folder, from one flat listing."""

from __future__ import annotations

from collections import Counter
from typing import Any

from core.objects.bucket import Bucket
from core.objects.listing import list_pages
from core.units import iso_utc, utc_now
from core.work import Progress, Work, default_work

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
