"""One object to be, and the small tools that all streams of samples use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

#: The sample period: sixty days that end on 29 February 2024.
START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 60
SYMBOLS = ("BTC-USD", "ETH-USD", "SOL-USD")
USERS = ("iris-capital", "crowe", "okafor", "tanaka")

JSON = "application/json"
TEXT = "text/plain"
GZIP = "application/gzip"


@dataclass(frozen=True, slots=True)
class Sample:
    """An object as it was written: several of one key are its versions, oldest first."""

    key: str
    body: bytes
    modified: datetime
    content_type: str = JSON
    metadata: Mapping[str, str] = field(default_factory=dict)
    deleted: bool = False


def randomness(stream: str) -> Random:
    """Return the generator of one stream, so that a change in one leaves the others alone."""
    return Random(f"strongroom {stream}")  # noqa: S311 - samples shall be the same every time


def days() -> list[datetime]:
    """Return the midnights of the sample period."""
    return [START + timedelta(days=day) for day in range(DAYS)]


def iso(moment: datetime) -> str:
    """Write a moment as keys have it now: `2024-01-15T10:00:00Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def naive(moment: datetime) -> str:
    """Write a moment in the first old spelling: without a zone."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def micro(moment: datetime) -> str:
    """Write a moment in the second old spelling: with microseconds, without a zone."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.hour * 4099 + moment.day * 31:06d}"


def offset(moment: datetime) -> str:
    """Write a moment in the third old spelling: with `+00:00`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S+00:00}"


def written(moment: datetime) -> datetime:
    """Return when an object of a moment reached the bucket: a few seconds later."""
    return moment + timedelta(seconds=1 + (moment.hour + moment.day) % 5)


def document(value: Any) -> bytes:
    """Write JSON as the platform does: indented, whatever JSON lacks as text."""
    return json.dumps(value, indent=2, default=str).encode()
