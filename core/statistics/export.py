"""Files with the statistics of a bucket or of one folder: CSV or JSON."""

from __future__ import annotations

from pathlib import Path

from core.model.statistics import StorageStatistics
from core.sql.record_file import write_records
from core.statistics.levels import base_of, level_of
from core.units import iso_utc

#: The fields of a record. `size` is in bytes, and `modified` is empty but for single objects.
COLUMNS = ("bucket", "prefix", "scanned", "group", "name", "objects", "size", "modified")
#: The groups of a level with the value of the field `group`.
_GROUPS = (
    ("tops", "folder"),
    ("kinds", "kind"),
    ("symbols", "symbol"),
    ("classes", "class"),
    ("months", "month"),
    ("sizes", "size"),
)


def export_statistics(
    found: StorageStatistics, path: Path, *, folder: str = "", overwrite: bool = False
) -> int:
    """Write the groups and largest objects of one folder to a file, as CSV or JSON by its ending.

    Every record has the bucket, the prefix and the time of the scan, so that files of several scans
    can be concatenated.

    Args:
        found: a complete result.
        path: the file.
        folder: the folder without final slash; empty for everything that was scanned.
        overwrite: whether the file may exist.

    Returns:
        The number of records.

    Raises:
        ValueError: the result counts a part only, which must not be read as a total.
        InvalidInput: the file has another ending.
        AlreadyExists: the file exists and must not be overwritten.
        LocalIOError: it cannot be written.
    """
    if found.partial:
        raise ValueError("a part of a scan is no result to export")
    records = records_of(found, folder)
    write_records(COLUMNS, records, path, overwrite=overwrite)
    return len(records)


def records_of(found: StorageStatistics, folder: str = "") -> list[tuple[str | int | None, ...]]:
    """Return the records of a folder: the total, the groups and the largest objects.

    Args:
        found: the result of a scan.
        folder: the folder without final slash; empty for everything that was scanned.
    """
    level = level_of(found, folder)
    prefix = found.prefix if folder in {"", base_of(found.prefix)} else f"{folder}/"
    source = (found.bucket, prefix, iso_utc(found.finished))
    records: list[tuple[str | int | None, ...]] = [
        (*source, "total", None, level.objects, level.size, None)
    ]
    for name, group in _GROUPS:
        records += [
            (*source, group, share.name, share.objects, share.size, None)
            for share in getattr(level, name)
        ]
    records += [
        (*source, "object", one.key, 1, one.size, one.modified or None) for one in level.largest
    ]
    return records
