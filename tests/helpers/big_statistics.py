"""Statistics of a large bucket, without a scan."""

from datetime import UTC, datetime

from core.model.statistics import FolderDetail, LargeObject, Share, StorageStatistics

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_LARGE = tuple(LargeObject(f"logs/{n}.gz", n * 10**6, "2026-01-01T00:00:00Z") for n in range(3))


def _shares(prefix: str, count: int) -> tuple[Share, ...]:
    return tuple(Share(f"{prefix}/{number:05}", number, number * 10**6) for number in range(count))


def big_statistics(*, folders: int, details: int) -> StorageStatistics:
    """Return the statistics of the bucket `b` with these numbers of folders and of details."""
    few, months = _shares("few", 3), _shares("month", 60)
    sizes = tuple((number, number * 10**6) for number in range(8))
    detailed = [
        FolderDetail(f"logs/{number}", few, months, sizes, _LARGE) for number in range(details)
    ]
    return StorageStatistics(
        bucket="b", prefix="", started=_NOW, finished=_NOW, partial=False, list_calls=9,
        objects=10**6, size=10**12, small_objects=5, small_size=6,
        folders=_shares("market-data", folders), tops=few, kinds=few, symbols=few, classes=few,
        months=months, sizes=few, largest=_LARGE, details=tuple(detailed),
    )  # fmt: skip
