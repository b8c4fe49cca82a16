"""A sample object, and helpers for all streams of samples."""

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
    """A written object; several with one key are its versions, oldest first."""

    key: str
    body: bytes
    modified: datetime
    content_type: str = JSON
    metadata: Mapping[str, str] = field(default_factory=dict)
    deleted: bool = False


def randomness(stream: str) -> Random:
    """Return the random generator of a stream, which is independent of other streams."""
    return Random(f"strongroom {stream}")  # noqa: S311 - the samples are the same at each start


def days() -> list[datetime]:
    """Return the midnights of the sample period."""
    return [START + timedelta(days=day) for day in range(DAYS)]


def iso(moment: datetime) -> str:
    """Return a time in the current format of keys: `2024-01-15T10:00:00Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def naive(moment: datetime) -> str:
    """Return a time in the first old format: without a zone."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}"


def micro(moment: datetime) -> str:
    """Return a time in the second old format: with microseconds, without a zone."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.hour * 4099 + moment.day * 31:06d}"


def offset(moment: datetime) -> str:
    """Return a time in the third old format: with `+00:00`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S+00:00}"


def written(moment: datetime) -> datetime:
    """Return the upload time of an object: a few seconds after the time of its data."""
    return moment + timedelta(seconds=1 + (moment.hour + moment.day) % 5)


def json_sample(key: str, body: Any, when: datetime, **metadata: str) -> Sample:
    """Return a sample with a JSON document.

    Args:
        key: the key of the object.
        body: the value to write as JSON.
        when: the upload time.
        **metadata: the metadata of the object.
    """
    return Sample(key, document(body), when, metadata=metadata)


def document(value: Any) -> bytes:
    """Return JSON like the platform: indented, with unsupported values as text."""
    return json.dumps(value, indent=2, default=str).encode()
