"""The journal of rotations: a row of the state database each, durable before a step begins.

It has no secret.

The process that runs a rotation holds a lock on its secret, which the operating system releases
when the process ends.
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

from core.errors import Conflict
from core.local.atomic import translate_os_errors
from core.local.locking import try_lock
from core.local.state.database import Database, state_database, write_durably
from core.local.unreadable import UNREADABLE
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
from core.units import iso_utc

_log = logging.getLogger(__name__)

#: Number of the format of records; a later version may write another one.
_FORMAT = 1


class RotationJournal:
    """Rotations in the state database; safe to use from several threads and processes."""

    def __init__(self, folder: Path | None = None) -> None:
        """Use the user's database, or the one in another folder."""
        self._folder = folder

    @property
    def _database(self) -> Database:
        return state_database(self._folder)

    def write(self, rotation: Rotation) -> None:
        """Store a rotation in place of its former state, durably; only then may a step begin.

        Raises:
            LocalIOError: it could not be written; the former state is untouched.
        """
        record = json.dumps({"format": _FORMAT, **_plain(rotation)})
        values = (str(UUID(rotation.id)), iso_utc(rotation.started), record)
        write_durably(self._database, _WRITE, values)

    def read(self) -> tuple[Rotation, ...]:
        """Return all rotations, oldest first, without those that cannot be read.

        Raises:
            LocalIOError: the database cannot be read.
        """
        rows = self._database.rows("SELECT id, record FROM rotations ORDER BY started, id")
        found = [rotation for row in rows if (rotation := _read(*row)) is not None]
        # Sorted as times: the stored texts may have different precisions.
        return tuple(sorted(found, key=lambda rotation: rotation.started))

    @contextmanager
    def locked(self, place: str) -> Iterator[None]:
        """Hold the lock of one secret; `place` names it with its account.

        Raises:
            Conflict: another window or command of this user works on it.
        """
        # A file lock rather than a row: the system releases it when the process ends, however it
        # ends.
        folder = self._database.path.parent / "rotations"
        # Hashed because the name of a secret may contain slashes.
        path = folder / f"{hashlib.sha256(place.encode()).hexdigest()[:24]}.lock"
        with translate_os_errors(path, "locked"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(handle, place)
            yield
        finally:
            os.close(handle)


_WRITE = """
INSERT INTO rotations (id, started, record) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET record = excluded.record
"""
#: Facts that are tuples; journals of earlier versions lack some.
_LISTS = ("keys_before", "switched", "also_changed", "still_old")


def _lock(handle: int, place: str) -> None:
    if not try_lock(handle):
        raise Conflict(
            "This secret is already being rotated on this machine",
            cause="Another window or command of this user is rotating it.",
            remedy="Wait until it has ended or stop it, then resume.",
            subject=place,
        )


def _read(identifier: str, record: str) -> Rotation | None:
    try:
        return _rotation(json.loads(record))
    # One unreadable rotation must not hide the others, which may need to be resumed.
    except UNREADABLE:
        _log.warning("the journal of the rotation %s cannot be read", identifier)
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
    if content.pop("format") != _FORMAT:  # written by a later version of Strongroom
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
    # JSON has no tuples.
    lists: dict[str, Any] = {name: tuple(entry.pop(name, ())) for name in _LISTS}
    return Facts(**lists, **_moments(entry, "promoted", "deactivated"))


def _moments(entry: dict[str, Any], *names: str) -> dict[str, Any]:
    dates = {name: datetime.fromisoformat(entry[name]) for name in names if entry[name]}
    return {**entry, **dates}
