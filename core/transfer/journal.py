"""The journal of a transfer: what was asked, and what is done, so that a crash loses nothing.

One file for each transfer, of JSON lines. The first line is the whole order, each later one has
files that are done or were skipped. The process that runs the transfer holds a lock on it, which
the system releases when the process ends: a journal without a lock is an interrupted transfer.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from core.errors import LocalIOError
from core.local.atomic import fsync_folder, quarantine, translate_os_errors
from core.local.json_lines import UNREADABLE
from core.local.locking import lock, try_lock
from core.paths import data_dir
from core.transfer.values import EXISTS, Outcomes
from core.units import iso_utc, utc_now

_log = logging.getLogger(__name__)

_VERSION = 1
_SUFFIX = ".transfer"


@dataclass(frozen=True, slots=True)
class Order:
    """A transfer as it was asked for: the operation with its arguments, and for whose profile."""

    operation: str
    id: str
    title: str
    profile: str
    bucket: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A transfer that was interrupted. `left` has the numbers of the files that are not done."""

    path: Path
    order: Order
    when: datetime
    planned: int
    left: tuple[int, ...]

    @property
    def arguments(self) -> dict[str, Any]:
        """Return the arguments that do the rest."""
        columns = {
            name: [values[number] for number in self.left]
            for name, values in self.order.arguments.items()
            if isinstance(values, list) and len(values) == self.planned
        }
        return {**self.order.arguments, **columns, "skip": []}


class Journal:
    """One transfer's journal while it runs."""

    def __init__(self, path: Path, handle: int) -> None:
        self._path, self._handle = path, handle

    @classmethod
    def begin(cls, order: Order, planned: int, folder: Path | None = None) -> Self:
        """Write the order down before anything is sent.

        Raises:
            LocalIOError: it cannot be written, for example because the disk is full.
        """
        path = _path_of(order.id, folder)
        first = {
            "version": _VERSION,
            "when": iso_utc(utc_now()),
            "planned": planned,
            "operation": order.operation,
            "id": order.id,
            "title": order.title,
            "profile": order.profile,
            "bucket": order.bucket,
            "arguments": order.arguments,
        }
        with translate_os_errors(path, "written"):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.unlink(missing_ok=True)  # resuming: the new order is all that was left
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            journal = cls(path, handle)
            lock(handle)
            journal._write(first)
            os.fsync(handle)
            fsync_folder(path.parent)
        return journal

    def note(self, outcomes: Outcomes) -> None:
        """Write files down that need nothing more; those that failed are still to be done.

        A journal that cannot be written is no reason to stop.
        """
        line = {"done": outcomes.done, "skipped": tuple(number for number, _ in outcomes.skipped)}
        if not any(line.values()):
            return
        try:
            self._write({name: numbers for name, numbers in line.items() if numbers})
        except OSError as error:
            _log.warning("the journal %s cannot be written: %s", self._path.name, error)

    def end(self) -> None:
        """The transfer has ended, and its user knows how: there is nothing to resume."""
        self._path.unlink(missing_ok=True)
        self.leave()

    def leave(self) -> None:
        """Let go of the journal: what is left can be resumed."""
        os.close(self._handle)

    def _write(self, line: dict[str, Any]) -> None:
        data = json.dumps(line, ensure_ascii=True).encode() + b"\n"
        while data:  # a pipe or a full disk may take less than all
            data = data[os.write(self._handle, data) :]


def journal_folder() -> Path:
    """Return where the journals are."""
    return data_dir() / "transfers"


def unfinished(folder: Path | None = None) -> tuple[Unfinished, ...]:
    """Return the interrupted transfers, oldest first; broken journals are set aside.

    Raises:
        LocalIOError: the folder cannot be read.
    """
    folder = folder or journal_folder()
    with translate_os_errors(folder, "read"):
        paths = sorted(folder.glob(f"*{_SUFFIX}")) if folder.is_dir() else []
    found = [each for path in paths if not _running(path) and (each := _read(path)) is not None]
    return tuple(sorted(found, key=lambda each: each.when))


def keep(order: Order, planned: int, folder: Path | None = None) -> None:
    """Write down an order that waits for its turn: a crash must not lose it.

    Raises:
        LocalIOError: it cannot be written.
    """
    Journal.begin(order, planned, folder).leave()


def discard(transfer_id: str, folder: Path | None = None) -> None:
    """Forget an interrupted transfer; what it had sent stays.

    Raises:
        LocalIOError: the journal cannot be removed.
    """
    path = _path_of(transfer_id, folder)
    with translate_os_errors(path, "removed"):
        path.unlink(missing_ok=True)


def settled(transfer_id: str, folder: Path | None = None) -> Outcomes:
    """Return what a transfer's journal has of its files; nothing if there is no journal.

    After the process that ran it was killed, this is all that is known of it.
    """
    try:
        lines = list(_lines(_path_of(transfer_id, folder).read_bytes()))
        done, skipped = _settled(lines)
    except (OSError, ValueError, KeyError, TypeError):
        return Outcomes()
    return Outcomes(tuple(done), tuple((number, EXISTS) for number in skipped))


def _settled(lines: list[dict[str, Any]]) -> tuple[list[int], list[int]]:
    done = [number for line in lines[1:] for number in line.get("done", ())]
    return done, [number for line in lines[1:] for number in line.get("skipped", ())]


def _path_of(transfer_id: str, folder: Path | None) -> Path:
    """Return the journal's file; the id is one of ours, never a way out of the folder."""
    return (folder or journal_folder()) / f"{UUID(transfer_id).hex}{_SUFFIX}"


def _running(path: Path) -> bool:
    """Whether some process still works on it."""
    try:
        with path.open("rb") as file:
            return not try_lock(file.fileno(), shared=True)
    except FileNotFoundError:  # it ended just now
        return True


def _read(path: Path) -> Unfinished | None:
    try:
        lines = list(_lines(path.read_bytes()))
        found = _unfinished(path, lines)
    except (OSError, IndexError, *UNREADABLE):
        _log.warning("the journal %s is broken and was set aside", path.name)
        try:
            quarantine(path)
        except LocalIOError as error:
            _log.warning("%s", error)
        return None
    if not found.left:
        path.unlink(missing_ok=True)
        return None
    return found


def _lines(data: bytes) -> Iterator[dict[str, Any]]:
    """Yield the lines; the last one may be torn by a crash, any other must be whole."""
    whole, _, _torn = data.rpartition(b"\n")
    for line in whole.split(b"\n"):
        yield json.loads(line)


def _unfinished(path: Path, lines: list[dict[str, Any]]) -> Unfinished:
    first = lines[0]
    if first["version"] != _VERSION:
        message = f"version {first['version']}"
        raise ValueError(message)
    names = ("operation", "id", "title", "profile", "bucket", "arguments")
    order = Order(*(first[name] for name in names))
    done, skipped = _settled(lines)
    settled = {*done, *skipped}
    left = tuple(number for number in range(first["planned"]) if number not in settled)
    return Unfinished(path, order, datetime.fromisoformat(first["when"]), first["planned"], left)
