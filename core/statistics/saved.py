"""Stores the last complete result per profile and bucket, so that a tab never starts empty."""

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
    with state_database().transaction() as connection:
        replace_parts(connection, storable(profile), statistics.bucket, parts)


def load(profile: str, bucket: str) -> StorageStatistics | None:
    """Return the last complete result, or None if there is none that can be read."""
    try:
        rows = state_database().rows(_READ, (storable(profile), bucket))
        return decode([content for (content,) in rows])
    # A cache: without it the tab scans the bucket again, so no error is shown.
    except (LocalIOError, zlib.error, *UNREADABLE) as error:
        _log.warning("the stored statistics cannot be read: %s", type(error).__name__)
        return None
