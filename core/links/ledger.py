"""The ledger of created links: object, author and expiry, without signatures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from core.local.state.database import Value, state_database, storable
from core.local.state.reports import unreadable_entries
from core.units import as_utc, format_counted, format_moment, iso_utc, utc_now


@dataclass(frozen=True, slots=True)
class Entry:
    """A created link. It ends at `expires`, or earlier with the key that signed it.

    `expiry_known` is False if the expiry of the credentials that signed it is unknown: `expires` is
    then the latest possible end. `version_id` is that of a link to one version, which works until
    this version is deleted: a delete of the object, which can be undone, does not end it.
    """

    bucket: str
    key: str
    method: str
    made: datetime
    expires: datetime
    made_by: str
    access_key_id: str
    expiry_known: bool = True
    version_id: str = ""

    def alive(self, now: datetime | None = None) -> bool:
        """Whether the link may still work; its key may have been deactivated."""
        return (now or utc_now()) < self.expires


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Content of the ledger, newest first.

    `broken` entries of an earlier version could not be read; they are in the file `aside`.
    """

    entries: tuple[Entry, ...]
    broken: int = 0
    aside: Path | None = None


class Ledger:
    """Entries in the state database; safe to use from several threads and processes."""

    def __init__(self, folder: Path | None = None) -> None:
        """Use the user's database, or the one in another folder."""
        self._database = state_database(folder)

    def append(self, entries: Sequence[Entry]) -> None:
        """Store created links.

        Raises:
            LocalIOError: the ledger cannot be written.
        """
        with self._database.transaction() as connection:
            for entry in entries:
                connection.execute(_WRITE, _row(entry))
                if entry.version_id:
                    connection.execute(_WRITE_VERSION, (storable(entry.version_id),))

    def read(self) -> LedgerPage:
        """Return all entries, newest first.

        Raises:
            LocalIOError: the ledger exists but cannot be read.
        """
        rows = self._database.rows(_READ)
        entries = [entry for row in rows if (entry := _entry(row)) is not None]
        lost = unreadable_entries(self._database, "links")
        broken = len(rows) - len(entries) + sum(len(each.names) for each in lost)
        return LedgerPage(tuple(entries), broken, lost[-1].file if lost else None)


#: In the order of the fields of `Entry`.
_WRITE = """
INSERT INTO links (bucket, key, method, made, expires, made_by, access_key_id, expiry_known)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_WRITE_VERSION = "INSERT INTO link_versions (link, version_id) VALUES (last_insert_rowid(), ?)"
_READ = """
SELECT bucket, key, method, made, expires, made_by, access_key_id, expiry_known,
    coalesce(version_id, '')
FROM links LEFT JOIN link_versions ON link = number ORDER BY number DESC
"""


def _row(entry: Entry) -> tuple[Value, ...]:
    plain = asdict(entry) | {"made": iso_utc(entry.made), "expires": iso_utc(entry.expires)}
    del plain["version_id"]  # in another table
    return tuple(storable(value) if isinstance(value, str) else value for value in plain.values())


def _entry(row: tuple[Any, ...]) -> Entry | None:
    bucket, key, method, made, expires, made_by, access_key_id, expiry_known, version_id = row
    try:
        begin, end = (as_utc(datetime.fromisoformat(moment)) for moment in (made, expires))
    # Counted as broken by the caller: one damaged row must not hide all other links.
    except ValueError:
        return None
    known = bool(expiry_known)
    return Entry(bucket, key, method, begin, end, made_by, access_key_id, known, version_id)


def warning_of_links_ending_with(key_id: str, ledger: Ledger | None = None) -> tuple[str, ...]:
    """Return a warning about links that end with a key as a tuple, which is empty without links.

    Raises:
        LocalIOError: the ledger cannot be read.
    """
    entries = (ledger or Ledger()).read().entries
    ends = [one.expires for one in entries if one.access_key_id == key_id and one.alive()]
    if not key_id or not ends:
        return ()
    counted, last = format_counted(len(ends), "link"), format_moment(max(ends))
    text = f"{counted} made here will stop working with the old key; the last would expire {last}"
    return (text,)
