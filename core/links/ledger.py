"""The ledger of links that were made: which object, by whom, until when; never a signature."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from core.errors import LocalIOError
from core.paths import data_dir
from core.units import format_count, iso_utc, utc_now


@dataclass(frozen=True, slots=True)
class Entry:
    """One link that was made. It dies at `expires`, or earlier with the key it was signed with."""

    bucket: str
    key: str
    method: str
    made: datetime
    expires: datetime
    made_by: str
    access_key_id: str

    def alive(self, now: datetime | None = None) -> bool:
        """Whether the link has not reached its end; its key may still have been withdrawn."""
        return (now or utc_now()) < self.expires


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """What the ledger holds, newest first, and how many of its lines could not be read."""

    entries: tuple[Entry, ...]
    broken: int = 0


class Ledger:
    """JSON lines in the data folder; appended under a lock, a torn line loses only itself."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or data_dir() / "links.jsonl"
        self._lock = threading.Lock()

    def append(self, entries: Sequence[Entry]) -> None:
        """Remember links that were just made.

        Raises:
            LocalIOError: the ledger cannot be written.
        """
        text = "".join(json.dumps(_plain(entry)) + "\n" for entry in entries)
        try:
            with self._lock, self._path.open("a", encoding="utf-8") as file:
                file.write(self._mended() + text)
        except OSError as error:
            raise LocalIOError(
                "The ledger of links cannot be written",
                cause=f"{self._path}: {error.strerror}.",
                remedy="Free disk space or correct the folder's permissions. The links are made.",
                subject=str(self._path),
            ) from error

    def read(self) -> LedgerPage:
        """Return all entries, newest first.

        Raises:
            LocalIOError: the ledger exists but cannot be read.
        """
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return LedgerPage(())
        except OSError as error:
            raise LocalIOError(
                "The ledger of links cannot be read",
                cause=f"{self._path}: {error.strerror}.",
                remedy="Correct the file's permissions.",
                subject=str(self._path),
            ) from error
        found = [_parsed(line) for line in lines if line.strip()]
        entries = [entry for entry in found if entry is not None]
        return LedgerPage(tuple(reversed(entries)), len(found) - len(entries))

    def _mended(self) -> str:
        """Return a line end if the last write was cut off, so that it loses only itself."""
        if not self._path.stat().st_size:
            return ""
        with self._path.open("rb") as file:
            file.seek(-1, 2)
            return "" if file.read(1) == b"\n" else "\n"


def _plain(entry: Entry) -> dict[str, str]:
    fields = asdict(entry)
    return fields | {"made": iso_utc(entry.made), "expires": iso_utc(entry.expires)}


def _parsed(line: str) -> Entry | None:
    """Return the entry of one line; None for a torn or foreign one, which is counted."""
    try:
        fields = json.loads(line)
        made, expires = (datetime.fromisoformat(fields.pop(name)) for name in ("made", "expires"))
        return Entry(made=made, expires=expires, **fields)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def dying_with(key_id: str, ledger: Ledger | None = None) -> tuple[str, ...]:
    """Say which links end early when a key is withdrawn; nothing when there are none.

    Raises:
        LocalIOError: the ledger cannot be read.
    """
    entries = (ledger or Ledger()).read().entries
    ends = [one.expires for one in entries if one.access_key_id == key_id and one.alive()]
    if not key_id or not ends:
        return ()
    count, last = format_count(len(ends)), iso_utc(max(ends))
    return (f"{count} links made here die with the old key; the last would have ended {last}",)
