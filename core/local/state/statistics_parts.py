"""Encodes statistics as rows of the state database: compressed JSON, divided into parts.

The largest results have 20,000 folders and 10 MB of JSON. Reading that in one call would hold the
interpreter, and with it the window, for a tenth of a second and more, so each part is at most some
100 KB. Compressed, a result is a tenth of its size, which bounds the time that `PRAGMA quick_check`
takes at each start of the program.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any

from core.model.statistics import FolderDetail, LargeObject, Share, StorageStatistics
from core.units import iso_utc

if TYPE_CHECKING:
    import apsw

#: Entries in one part: a detail has up to a hundred shares and objects, the others are one line.
_ENTRIES, _DETAILS = 500, 20
#: Higher levels of zlib take longer and save little.
_LEVEL = 1


def encode(statistics: StorageStatistics) -> list[bytes]:
    """Return the parts of a result: first its totals and the number of parts, then its lists."""
    parts = [_packed(part) for part in _divide(statistics)]
    totals = {
        field.name: getattr(statistics, field.name)
        for field in fields(StorageStatistics)
        if field.name not in _ENTRY_OF
    }
    return [_packed({**totals, "parts": len(parts) + 1}), *parts]


def decode(parts: Sequence[bytes]) -> StorageStatistics | None:
    """Return the result that `encode` has divided; None if it is not complete.

    Raises:
        ValueError, TypeError, KeyError, zlib.error: the parts are not those of a result.
    """
    if not parts:
        return None
    totals = json.loads(zlib.decompress(parts[0]))
    if totals.pop("parts") != len(parts) or totals["partial"]:
        return None  # only some parts were saved of a damaged database
    lists: dict[str, list[object]] = {name: [] for name in _ENTRY_OF}
    for part in parts[1:]:
        name, entries = json.loads(zlib.decompress(part))
        # Converted part by part: freeing all entries in one go would hold the interpreter as well.
        lists[name] += map(_ENTRY_OF[name], entries)
    return _result(totals, lists)


def replace_parts(
    connection: apsw.Connection, profile: str, bucket: str, parts: Sequence[bytes]
) -> None:
    """Replace the result of a profile and bucket inside a transaction of the caller."""
    connection.execute("DELETE FROM statistics WHERE (profile, bucket) = (?, ?)", (profile, bucket))
    connection.executemany(
        "INSERT INTO statistics (profile, bucket, part, content) VALUES (?, ?, ?, ?)",
        [(profile, bucket, number, part) for number, part in enumerate(parts)],
    )


def statistics_of(document: Mapping[str, Any]) -> StorageStatistics:
    """Return a result from its fields as JSON has them; `details` may be missing.

    Raises:
        ValueError, TypeError, KeyError: the document is not that of a result.
    """
    lists = {name: map(entry_of, document[name]) for name, entry_of in _ENTRY_OF.items()
             if name != "details" or name in document}  # fmt: skip
    totals = {
        field.name: document[field.name]
        for field in fields(StorageStatistics)
        if field.name not in _ENTRY_OF
    }
    return _result(totals, lists)


def _result(totals: Mapping[str, Any], lists: Mapping[str, Iterable[Any]]) -> StorageStatistics:
    moments = {name: datetime.fromisoformat(totals[name]) for name in ("started", "finished")}
    tuples: dict[str, Any] = {name: tuple(entries) for name, entries in lists.items()}
    return StorageStatistics(**{**totals, **moments, **tuples})


def _divide(statistics: StorageStatistics) -> Iterator[tuple[str, Sequence[Any]]]:
    for name in _ENTRY_OF:
        entries, size = getattr(statistics, name), _DETAILS if name == "details" else _ENTRIES
        for begin in range(0, len(entries), size):
            yield name, entries[begin : begin + size]


def _packed(value: object) -> bytes:
    return zlib.compress(json.dumps(value, default=_plain).encode(), _LEVEL)


def _plain(value: Any) -> object:
    if isinstance(value, datetime):
        return iso_utc(value)
    return {name: getattr(value, name) for name in value.__slots__}


def _share(row: Mapping[str, Any]) -> Share:
    return Share(**row)


def _large(row: Mapping[str, Any]) -> LargeObject:
    return LargeObject(**row)


def _detail(row: Mapping[str, Any]) -> FolderDetail:
    return FolderDetail(
        row["name"],
        tuple(map(_share, row["classes"])),
        tuple(map(_share, row["months"])),
        tuple((count, size) for count, size in row["sizes"]),
        tuple(map(_large, row["largest"])),
    )


#: How the entries of each list of a result are made from JSON.
_ENTRY_OF: dict[str, Callable[[Mapping[str, Any]], object]] = {
    **dict.fromkeys(("folders", "tops", "kinds", "symbols", "classes", "months", "sizes"), _share),
    "largest": _large,
    "details": _detail,
}
