"""Timestamps in keys: four spellings are parsed, one is written."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from core.units import as_utc, iso_utc

#: `2024-01-15T10:00:00`, with or without fraction, with `Z`, `+00:00` or nothing (then UTC).
PATTERN = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?(?:Z|[+-]\d{2}:\d{2})?"
_EXACT = re.compile(PATTERN)


def parse_timestamp(text: str) -> datetime | None:
    """Return the moment (aware, UTC) that `text` names in one of the four spellings, or None."""
    if not _EXACT.fullmatch(text):
        return None
    try:
        return as_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):  # 30 February, hour 25, or a zone beyond the year 9999
        return None


def key_timestamp(moment: datetime | None = None) -> tuple[datetime, str]:
    """Return a moment in UTC (now if None) and its spelling in keys."""
    moment = datetime.now(UTC) if moment is None else as_utc(moment)
    return moment, iso_utc(moment)
