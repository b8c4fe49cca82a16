"""The order of rows in time: many exchanges answer with the newest row first."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime

from core.units import as_utc, format_date_range, format_moment, format_range

NEWEST_FIRST = "newest first"


def is_newest_first(moments: Sequence[datetime]) -> bool:
    """Return whether most rows are earlier than the previous row, ignoring equal times."""
    pairs = list(itertools.pairwise(moments))
    falling = sum(after < before for before, after in pairs)
    rising = sum(after > before for before, after in pairs)
    return falling > rising


def time_text(moment: datetime) -> str:
    """Return the time of a row, for example `15 Jan 2024 18:00:00 UTC`."""
    return format_moment(moment)


def time_range(first: datetime, last: datetime, *, days: bool = False) -> str:
    """Return one time, or the first and the last of several; with `days` as dates in UTC."""
    if days:
        return format_date_range(as_utc(first), as_utc(last))
    return format_range(first, last)
