"""Append-only files of JSON lines, shared by threads and processes.

A line that cannot be read loses only itself: it is moved to a file beside this one, so that it is
reported once and nothing is thrown away.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from core.errors import LocalIOError
from core.local.atomic import translate_os_errors, write_atomically
from core.local.locking import locked

T = TypeVar("T")

#: What reading foreign content may raise; deep nesting ends in a RecursionError.
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)


@dataclass(frozen=True, slots=True)
class Lines(Generic[T]):
    """What a file held, oldest first, and how many lines were set aside in `aside`."""

    entries: tuple[T, ...]
    broken: int = 0
    aside: Path | None = None


class JsonLines(Generic[T]):
    """One file of JSON objects; `parse` makes an entry of each, or raises one of `UNREADABLE`."""

    def __init__(
        self, path: Path, parse: Callable[[dict[str, Any]], T], *, rotate_bytes: int = 0
    ) -> None:
        self._path = path
        self._parse = parse
        self._rotate_bytes = rotate_bytes

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    def append(self, entries: Iterable[Mapping[str, Any]]) -> None:
        """Write entries at the end, each in a line of its own, even after a torn line.

        Raises:
            LocalIOError: the file cannot be written.
        """
        text = "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries)
        with locked(self._path), translate_os_errors(self._path, "written"):
            self._rotate()
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(handle, "r+b", buffering=0) as file:
                data = _separator(handle) + text.encode("utf-8", "backslashreplace")
                while data:
                    data = data[file.write(data) :]

    def read(self) -> Lines[T]:
        """Return all entries; lines that cannot be read are moved aside.

        Raises:
            LocalIOError: the file exists but cannot be read.
        """
        found = self._read()
        if not found.broken:
            return found
        try:  # the last line may have been in the middle of being written: only the lock can tell
            with locked(self._path):
                return self._read(set_aside=True)
        except LocalIOError:  # a folder that cannot be written
            return found

    def _read(self, *, set_aside: bool = False) -> Lines[T]:
        with translate_os_errors(self._path, "read"):
            older, newer = _content(self._older), _content(self._path)
        entries, broken = self._parsed(newer)
        aside = self._set_aside(newer, broken) if broken and set_aside else None
        return Lines((*self._parsed(older)[0], *entries), len(broken), aside)

    @property
    def _older(self) -> Path:
        return self._path.with_name(self._path.name + ".1")

    def _rotate(self) -> None:
        """Begin a new file when this one is full; one older file is kept."""
        try:
            full = 0 < self._rotate_bytes < self._path.stat().st_size
        except FileNotFoundError:
            return
        if full:
            self._path.replace(self._older)

    def _parsed(self, lines: list[bytes]) -> tuple[list[T], set[int]]:
        """Return the entries, and the numbers of the lines that are none."""
        entries: list[T] = []
        broken: set[int] = set()
        for number, line in enumerate(lines):
            try:
                entries.append(self._parse(json.loads(line)))
            except UNREADABLE:
                broken.add(number)
        return entries, broken

    def _set_aside(self, lines: list[bytes], broken: set[int]) -> Path:
        """Move broken lines to a file of their own: first written there, then removed here."""
        moment = f"{time.strftime('%Y%m%dT%H%M%S')}-{os.urandom(2).hex()}"
        aside = self._path.with_name(f"{self._path.name}.broken-{moment}")
        write_atomically(aside, _joined(lines[number] for number in sorted(broken)))
        readable = (line for number, line in enumerate(lines) if number not in broken)
        write_atomically(self._path, _joined(readable))
        return aside


def _joined(lines: Iterable[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _content(path: Path) -> list[bytes]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    return [line for line in data.split(b"\n") if line.strip()]


def _separator(handle: int) -> bytes:
    """Return a line end if the last write was cut off, so that it loses only itself."""
    size = os.fstat(handle).st_size
    if not size:
        return b""
    os.lseek(handle, size - 1, os.SEEK_SET)
    return b"" if os.read(handle, 1) == b"\n" else b"\n"
