"""Records of the partial files of large downloads, which a later download continues.

A row of the state database has the state of the object, the number of bytes that are complete from
the first one on, and their SHA-256.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.errors import LocalIOError
from core.local.owned_files import claimed
from core.local.state.database import state_database
from core.units import iso_utc, utc_now

_log = logging.getLogger(__name__)

#: How long a partial file is stored after its last byte.
RETENTION = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Source:
    """The object that is downloaded; `version` is empty for the newest one."""

    endpoint: str
    bucket: str
    key: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Prefix:
    """The first `done` bytes of one state of an object, and their hexadecimal SHA-256."""

    etag: str
    size: int
    done: int
    sha256: str


def records(target: Path, source: Source) -> list[tuple[Path, Prefix]]:
    """Return the recorded partial files of one object for one target."""
    try:
        rows = state_database().rows(
            "SELECT path, etag, size, done, sha256 FROM partial_downloads WHERE target = ?"
            " AND endpoint = ? AND bucket = ? AND key = ? AND version = ?",
            (_target_name(target), source.endpoint, source.bucket, source.key, source.version),
        )
    except LocalIOError as error:
        _log.warning("partial downloads could not be searched: %s", error.summary)
        return []
    return [(Path(os.fsdecode(path)), Prefix(*values)) for path, *values in rows]


def write_record(path: Path, target: Path, source: Source, prefix: Prefix) -> bool:
    """Write the record of a partial file, and return whether that was successful."""
    try:
        state_database().execute(
            "INSERT OR REPLACE INTO partial_downloads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(os.fsencode(path.absolute()), _target_name(target)),
                *(source.endpoint, source.bucket, source.key, source.version),
                *(prefix.etag, prefix.size, prefix.done, prefix.sha256, iso_utc(utc_now())),
            ),
        )
    except LocalIOError as error:  # the download itself does not need it
        _log.warning("a partial download could not be recorded: %s", error.summary)
        return False
    return True


def remove_record(path: Path) -> None:
    """Remove the record of a partial file, which is completed, removed or not used any more."""
    try:
        sql = "DELETE FROM partial_downloads WHERE path = ?"
        state_database().execute(sql, (os.fsencode(path.absolute()),))
    except LocalIOError as error:
        _log.warning("the record of a partial download could not be removed: %s", error.summary)


def retained_names() -> frozenset[str]:
    """Return the names of the partial files that a later download may continue.

    Files whose time is over are removed first, unless a running process uses them.

    Raises:
        LocalIOError: the state database cannot be read.
    """
    names: set[str] = set()
    for encoded, moment in state_database().rows("SELECT path, moment FROM partial_downloads"):
        path = Path(os.fsdecode(encoded))
        if utc_now() - datetime.fromisoformat(moment) < RETENTION:
            names.add(path.name)
            continue
        remove_unused(path)
    return frozenset(names)


def is_over(path: Path) -> bool:
    """Return whether the time is over in which a partial file without a record may be continued."""
    try:
        moment = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError):  # it was just removed, or its file system has absurd times
        return False
    return utc_now() - moment >= RETENTION


def remove_partials_of(folder: Path, bucket: str, keys: Collection[str]) -> None:
    """Remove the partial files of objects that are not downloaded to a folder any more.

    Those that a running process uses remain.

    Raises:
        LocalIOError: the state database cannot be read.
    """
    sql = "SELECT path, target, key FROM partial_downloads WHERE bucket = ?"
    root = _beginning_below(folder)
    for path, target, key in state_database().rows(sql, (bucket,)):
        if key in keys and os.fsdecode(target).startswith(root):
            remove_unused(Path(os.fsdecode(path)))


def remove_unused(path: Path) -> None:
    """Remove a partial file and its record, unless a running process uses it."""
    with suppress(OSError), claimed(path) as dead:  # its folder may be that of another user now
        if dead:
            path.unlink(missing_ok=True)
    if is_missing(path):
        remove_record(path)


def is_missing(path: Path) -> bool:
    """Return whether a file does not exist; one that cannot be accessed may exist."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # no permission, or a drive or network that does not answer
        return False
    return False


def stored_bytes(folder: Path, names: Collection[str]) -> int:
    """Return the space in bytes of the partial files for some targets below a folder.

    Args:
        folder: the folder.
        names: the paths of the targets relative to the folder.
    """
    root, total = _beginning_below(folder), 0
    wanted = {root + os.path.normpath(name) for name in names}
    try:
        rows = state_database().rows("SELECT path, target FROM partial_downloads")
    except LocalIOError:
        return 0
    for path, target in rows:
        if os.fsdecode(target) in wanted:
            with suppress(OSError):
                # Windows does not report the blocks.
                found = Path(os.fsdecode(path)).stat()
                total += getattr(found, "st_blocks", found.st_size // 512) * 512
    return total


def _beginning_below(folder: Path) -> str:
    """Return the text with which the paths of all targets below a folder begin."""
    return os.path.join(os.path.realpath(folder), "")  # noqa: PTH118 - a text with its end


def _target_name(target: Path) -> bytes:
    """Return the path of a target, which is the same for each spelling of its folder."""
    return os.fsencode(target.parent.resolve() / target.name)
