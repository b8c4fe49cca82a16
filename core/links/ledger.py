"""The ledger of links that were made: which object, by whom, until when; never a signature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from core.local.json_lines import JsonLines
from core.paths import data_dir
from core.units import as_utc, format_count, format_moment, iso_utc, utc_now

#: The fields of an entry that are texts; each line must have them.
_TEXTS = ("bucket", "key", "method", "made_by", "access_key_id")


@dataclass(frozen=True, slots=True)
class Entry:
    """One link that was made. It ends at `expires`, or earlier with the key it was signed with.

    `expiry_known` is false when the credentials that signed it do not say when they end:
    `expires` is then the latest possible end.
    """

    bucket: str
    key: str
    method: str
    made: datetime
    expires: datetime
    made_by: str
    access_key_id: str
    expiry_known: bool = True

    def alive(self, now: datetime | None = None) -> bool:
        """Whether the link may still work; its key may have been withdrawn."""
        return (now or utc_now()) < self.expires


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """What the ledger holds, newest first.

    `broken` lines could not be read; they were moved to the file `aside`, if that was possible.
    """

    entries: tuple[Entry, ...]
    broken: int = 0
    aside: Path | None = None


class Ledger:
    """JSON lines in the data folder, private to the user; shared by threads and processes."""

    def __init__(self, path: Path | None = None) -> None:
        self._lines = JsonLines(path or data_dir() / "links.jsonl", _parsed)

    def append(self, entries: Sequence[Entry]) -> None:
        """Remember links that were just made.

        Raises:
            LocalIOError: the ledger cannot be written.
        """
        self._lines.append([_plain(entry) for entry in entries])

    def read(self) -> LedgerPage:
        """Return all entries, newest first.

        Raises:
            LocalIOError: the ledger exists but cannot be read.
        """
        found = self._lines.read()
        return LedgerPage(tuple(reversed(found.entries)), found.broken, found.aside)


def _plain(entry: Entry) -> dict[str, Any]:
    plain = asdict(entry)
    return plain | {"made": iso_utc(entry.made), "expires": iso_utc(entry.expires)}


def _parsed(line: dict[str, Any]) -> Entry:
    """Return the entry of one line; fields of a later version are left out."""
    values = {spec.name: line[spec.name] for spec in fields(Entry) if spec.name in line}
    for name in _TEXTS:
        if not isinstance(values[name], str):
            message = f"{name} is not a text"
            raise TypeError(message)
    for name in ("made", "expires"):
        values[name] = as_utc(datetime.fromisoformat(values[name]))
    return Entry(**values)


def dying_with(key_id: str, ledger: Ledger | None = None) -> tuple[str, ...]:
    """Say which links end early when a key is withdrawn; nothing when there are none.

    Raises:
        LocalIOError: the ledger cannot be read.
    """
    entries = (ledger or Ledger()).read().entries
    ends = [one.expires for one in entries if one.access_key_id == key_id and one.alive()]
    if not key_id or not ends:
        return ()
    count, last = format_count(len(ends)), format_moment(max(ends))
    return (f"{count} links made here die with the old key; the last would have ended {last}",)
