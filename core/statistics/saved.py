"""Stores the last complete results per profile and bucket, so that a tab never starts empty.

There are two at most: that of the entire bucket, and that of the last folder.
"""

from __future__ import annotations

import logging
import zlib

from core.errors import LocalIOError
from core.local.state.database import state_database, storable
from core.local.state.statistics_parts import decode, encode, replace_parts
from core.local.unreadable import UNREADABLE
from core.model.statistics import StorageStatistics

_log = logging.getLogger(__name__)

_READ = "SELECT content FROM statistics WHERE (profile, bucket) = (?, ?) ORDER BY part"


def save(profile: str, statistics: StorageStatistics) -> None:
    """Store a complete result.

    Raises:
        ValueError: the result counts a part only; it must never be shown as a total later.
        LocalIOError: the state database cannot be written.
    """
    if statistics.partial:
        raise ValueError("a part of a scan is no result to store")
    parts = encode(statistics)  # before the transaction, for which other threads wait
    place = _place(statistics.bucket, folder=bool(statistics.prefix))
    with state_database().transaction() as connection:
        replace_parts(connection, storable(profile), place, parts)


def load(profile: str, bucket: str) -> StorageStatistics | None:
    """Return the last complete result of a bucket or a folder in it; None if none can be read."""
    found = [load_entire(profile, bucket), _load(profile, _place(bucket, folder=True))]
    return max(filter(None, found), key=lambda each: each.finished, default=None)


def load_entire(profile: str, bucket: str) -> StorageStatistics | None:
    """Return the last complete result of an entire bucket, or None if there is none to read."""
    return _load(profile, _place(bucket, folder=False))


def _load(profile: str, place: str) -> StorageStatistics | None:
    try:
        rows = state_database().rows(_READ, (storable(profile), place))
        return decode([content for (content,) in rows])
    # A cache: without it the tab scans the bucket again, so no error is shown.
    except (LocalIOError, zlib.error, *UNREADABLE) as error:
        _log.warning("the stored statistics cannot be read: %s", type(error).__name__)
        return None


def _place(bucket: str, *, folder: bool) -> str:
    """Return the name of a stored result; names of buckets contain no slash."""
    return f"{bucket}/" if folder else bucket
