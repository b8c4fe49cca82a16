"""Stores the last complete result per profile and bucket, so that a tab never starts empty."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from core.local.atomic import write_atomically
from core.local.unreadable import UNREADABLE
from core.model.statistics import FolderDetail, LargeObject, Share, StorageStatistics
from core.paths import cache_dir

_log = logging.getLogger(__name__)
_VERSION = 1
_SHARES = frozenset({"folders", "tops", "kinds", "symbols", "classes", "months", "sizes"})


def save(profile: str, statistics: StorageStatistics) -> None:
    """Store a complete result.

    Raises:
        ValueError: the result counts a part only; it must never be shown as a total later.
        LocalIOError: the cache cannot be written.
    """
    if statistics.partial:
        raise ValueError("a part of a scan is no result to store")
    text = json.dumps({"version": _VERSION, **asdict(statistics)}, default=_iso)
    write_atomically(_path(profile, statistics.bucket), text.encode())


def load(profile: str, bucket: str) -> StorageStatistics | None:
    """Return the last complete result, or None when there is none that can be read."""
    path = _path(profile, bucket)
    try:
        values = json.loads(path.read_bytes())
        if values.get("version") != _VERSION or values["partial"]:
            return None
        return _restored(values)
    except FileNotFoundError:
        return None
    except (OSError, *UNREADABLE) as error:
        _log.warning("the stored statistics cannot be read: %s", type(error).__name__)
        return None


def _restored(values: dict[str, Any]) -> StorageStatistics:
    made: dict[str, Any] = {}
    for field in fields(StorageStatistics):
        value = values.get(field.name, ()) if field.name == "details" else values[field.name]
        if field.name in _SHARES:
            value = tuple(Share(**row) for row in value)
        elif field.name == "largest":
            value = tuple(LargeObject(**row) for row in value)
        elif field.name == "details":
            value = tuple(_detail(row) for row in value)
        elif field.name in {"started", "finished"}:
            value = datetime.fromisoformat(value)
        made[field.name] = value
    return StorageStatistics(**made)


def _detail(row: dict[str, Any]) -> FolderDetail:
    return FolderDetail(
        row["name"],
        tuple(Share(**each) for each in row["classes"]),
        tuple(Share(**each) for each in row["months"]),
        tuple((count, size) for count, size in row["sizes"]),
        tuple(LargeObject(**each) for each in row["largest"]),
    )


def _path(profile: str, bucket: str) -> Path:
    folder = cache_dir() / "statistics"
    folder.mkdir(mode=0o700, exist_ok=True)
    name = hashlib.sha256(f"{profile}\0{bucket}".encode()).hexdigest()[:32]
    return folder / f"{name}.json"


def _iso(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()
