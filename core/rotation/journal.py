"""The journal of rotations: one JSON file each, without any secret, durable before a step begins.

Whoever runs a rotation holds a lock on its secret, which the system takes back when the process
ends, however it ends.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any
from uuid import UUID

from core.errors import Conflict, LocalIOError
from core.local.atomic import quarantine, told, write_atomically
from core.local.json_lines import UNREADABLE
from core.local.locking import try_lock
from core.model.rotation import (
    Facts,
    Outcome,
    Problem,
    Rotation,
    RotationKind,
    Step,
    StepRecord,
    StepState,
)
from core.paths import data_dir
from core.units import iso_utc

_log = logging.getLogger(__name__)

_FORMAT = 1
_SUFFIX = ".rotation.json"


class RotationJournal:
    """Keeps rotations in a folder; safe to use from several threads and processes."""

    def __init__(self, folder: Path | None = None) -> None:
        self._given = folder

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return self._given or data_dir() / "rotations"

    def write(self, rotation: Rotation) -> None:
        """Replace a rotation's file, durably; only then may anything be done.

        Raises:
            LocalIOError: it could not be written; the former content is untouched.
        """
        path = self.folder / f"{UUID(rotation.id)}{_SUFFIX}"
        content = {"format": _FORMAT, **_plain(rotation)}
        write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())

    def read(self) -> tuple[Rotation, ...]:
        """Return all rotations, oldest first; a file that cannot be read is set aside.

        Raises:
            LocalIOError: the folder cannot be read.
        """
        with told(self.folder, "read"):
            paths = sorted(self.folder.glob(f"*{_SUFFIX}")) if self.folder.is_dir() else []
        found = [rotation for path in paths if (rotation := _read(path)) is not None]
        return tuple(sorted(found, key=lambda rotation: rotation.started))

    @contextmanager
    def locked(self, place: str) -> Iterator[None]:
        """Hold the lock of one secret; `place` names it with its account.

        Raises:
            Conflict: another window or command of this user works on it.
        """
        path = self.folder / f"{hashlib.sha256(place.encode()).hexdigest()[:24]}.lock"
        with told(path, "locked"):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(handle, place)
            yield
        finally:
            os.close(handle)


#: Facts that are tuples; journals of earlier versions lack some.
_LISTS = ("keys_before", "switched", "also_changed", "still_old")


def _lock(handle: int, place: str) -> None:
    if not try_lock(handle):
        raise Conflict(
            "This secret is being rotated on this machine already",
            cause="Another window or command of yours works on it.",
            remedy="Wait until it has ended, or end it; then resume.",
            subject=place,
        )


def _read(path: Path) -> Rotation | None:
    try:
        return _rotation(json.loads(path.read_bytes()))
    except (OSError, *UNREADABLE):
        _log.warning("the rotation's journal %s is broken and was set aside", path.name)
        try:
            quarantine(path)
        except LocalIOError as error:
            _log.warning("%s", error)
        return None


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {spec.name: _plain(getattr(value, spec.name)) for spec in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return iso_utc(value)
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _rotation(content: dict[str, Any]) -> Rotation:
    if content.pop("format") != _FORMAT:
        message = "a later format"
        raise ValueError(message)
    UUID(content["id"])
    kind, outcome = RotationKind(content.pop("kind")), Outcome(content.pop("outcome"))
    steps = tuple(_step(entry) for entry in content.pop("steps"))
    return Rotation(
        kind=kind,
        outcome=outcome,
        steps=steps,
        facts=_facts(content.pop("facts")),
        **_moments(content, "started", "updated", "due"),
    )


def _step(entry: dict[str, Any]) -> StepRecord:
    problem = entry.pop("problem")
    return StepRecord(
        step=Step(entry.pop("step")),
        state=StepState(entry.pop("state")),
        problem=Problem(**problem) if problem else None,
        **_moments(entry, "started", "ended"),
    )


def _facts(entry: dict[str, Any]) -> Facts:
    lists: dict[str, Any] = {name: tuple(entry.pop(name, ())) for name in _LISTS}
    return Facts(**lists, **_moments(entry, "promoted", "deactivated"))


def _moments(entry: dict[str, Any], *names: str) -> dict[str, Any]:
    dates = {name: datetime.fromisoformat(entry[name]) for name in names if entry[name]}
    return {**entry, **dates}
