"""The order of rows in time: many exchanges answer with the newest row first."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime

NEWEST_FIRST = "newest first"


def is_newest_first(moments: Sequence[datetime]) -> bool:
    """Whether most rows are earlier than the row before them; equal times do not count."""
    pairs = list(itertools.pairwise(moments))
    falling = sum(after < before for before, after in pairs)
    rising = sum(after > before for before, after in pairs)
    return falling > rising


def instant(moment: datetime) -> str:
    """Return `2024-01-15 18:00`, with seconds if there are any; UTC."""
    return moment.strftime("%Y-%m-%d %H:%M:%S" if moment.second else "%Y-%m-%d %H:%M")


def stretch(first: datetime, last: datetime, *, days: bool = False) -> str:
    """Return `2024-01-15 12:00`, or from that to `last`; whole `days` without the time of day."""
    begin = f"{first:%Y-%m-%d}" if days else instant(first)
    if first == last:
        return begin
    if days:
        return f"{begin} \u2013 {last:%Y-%m-%d}"
    if first.date() == last.date():
        return f"{begin}\u2013{instant(last)[11:]}"
    return f"{begin} \u2013 {instant(last)}"
