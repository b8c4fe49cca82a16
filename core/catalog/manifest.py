"""The folder of one catalogue on disk: its segments, and the manifest that names them.

Segments are Parquet files that are never changed. A refresh writes new ones under new names and
then replaces the manifest, so that readers need no lock and a kill loses nothing. Files that the
manifest does not name are removed by the next refresh.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from core.local.atomic import fsync_folder, translate_os_errors, write_atomically
from core.local.unreadable import UNREADABLE
from core.model.catalog import Listed
from core.objects.bucket import Bucket
from core.paths import cache_dir
from core.units import iso_utc

_FORMAT = 1
_MANIFEST, _SUFFIX = "manifest.json", ".parquet"
#: Maximum number and bytes of all catalogues of this user; the ones that were refreshed longest
#: ago are removed first.
MOST_CATALOGS, MOST_BYTES = 24, 4 << 30


@dataclass(frozen=True, slots=True)
class Segment:
    """One Parquet file of keys.

    Attributes:
        file: its name in the catalogue's folder.
        prefix: the prefix of its keys; longer prefixes of other segments are not part of it.
        rows: the number of rows.
        size: bytes of the file.
        sha256: the hash of the file.
        recent: whether it contains the changes since the other segments were written: new and
            changed rows, and rows that are marked as deleted.
    """

    file: str
    prefix: str
    rows: int
    size: int
    sha256: str
    recent: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """The segments of a catalogue, and when which prefixes were listed."""

    bucket: str
    objects: int = 0
    segments: tuple[Segment, ...] = ()
    listed: Mapping[str, Listed] = field(default_factory=dict)
    source: str = "listing"

    @property
    def base(self) -> tuple[Segment, ...]:
        """All segments but the one of recent changes."""
        return tuple(segment for segment in self.segments if not segment.recent)

    @property
    def recent(self) -> Segment | None:
        """The segment of recent changes."""
        return next((segment for segment in self.segments if segment.recent), None)


class CatalogFolder:
    """The files of the catalogue of one bucket, as one profile sees it."""

    def __init__(self, bucket: Bucket) -> None:
        profile = bucket.clients.connection.profile
        # Another profile may be allowed to list other keys of the same bucket.
        identity = json.dumps([bucket.clients.endpoint_url or "", bucket.name, profile.name])
        self.bucket = bucket.name
        self.path = _root() / hashlib.sha256(identity.encode()).hexdigest()[:32]

    @property
    def lock_path(self) -> Path:
        """The file whose lock a refresh holds."""
        return self.path / "refresh.lock"

    def read(self) -> Manifest | None:
        """Return the manifest; None if there is no catalogue, or none that can be read."""
        # A cache: a damaged manifest means that the bucket is listed again.
        with suppress(OSError, *UNREADABLE):
            return _decode(json.loads((self.path / _MANIFEST).read_bytes()))
        return None

    def stamp(self) -> tuple[int, int] | None:
        """Return the identity of the manifest's file, which changes with each refresh."""
        try:
            found = (self.path / _MANIFEST).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def write(self, manifest: Manifest) -> None:
        """Replace the manifest, and remove the files that it does not name.

        Raises:
            LocalIOError: it could not be written; the former one is still valid.
        """
        write_atomically(self.path / _MANIFEST, json.dumps(_encode(manifest)).encode())
        self.remove_unnamed(manifest)

    def remove_unnamed(self, manifest: Manifest | None) -> None:
        """Remove files of former and of interrupted refreshes; the caller holds the lock."""
        named = {segment.file for segment in manifest.segments} if manifest else set()
        for path in self.path.glob(f"*{_SUFFIX}*"):
            if path.name not in named:
                with suppress(OSError):  # Windows removes no file that a reader has open
                    path.unlink()

    def new_path(self) -> Path:
        """Return a path for a new segment."""
        with translate_os_errors(self.path, "created"):
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self.path / f"{os.urandom(8).hex()}{_SUFFIX}"

    def finished(self, path: Path, prefix: str, rows: int, *, recent: bool = False) -> Segment:
        """Make a written segment durable and private, and return its entry of the manifest.

        Raises:
            LocalIOError: it could not be written.
        """
        with translate_os_errors(path, "written"):
            path.chmod(0o600)
            with path.open("rb+") as file:
                os.fsync(file.fileno())
            fsync_folder(self.path)
            digest, size = _sha256(path), path.stat().st_size
        return Segment(path.name, prefix, rows, size, digest, recent)

    def is_intact(self, segment: Segment) -> bool:
        """Return whether the file of a segment has the content that was written."""
        with suppress(OSError):
            return _sha256(self.path / segment.file) == segment.sha256
        return False

    def remove(self) -> None:
        """Remove the catalogue."""
        shutil.rmtree(self.path, ignore_errors=True)

    def limit_disk(self) -> None:
        """Remove the catalogues of other buckets that were refreshed longest ago, beyond a limit."""
        used = 0
        for number, (_moment, path, size) in enumerate(_catalogs()):
            used += size
            if path != self.path and (number >= MOST_CATALOGS or used > MOST_BYTES):
                shutil.rmtree(path, ignore_errors=True)


def _root() -> Path:
    return cache_dir() / "catalog"


def _catalogs() -> list[tuple[float, Path, int]]:
    """Return time, folder and size of all catalogues, the newest first."""
    found = []
    for path in _root().iterdir() if _root().is_dir() else ():
        # Another process may remove files at the same time.
        with suppress(OSError):
            files = [file.stat() for file in path.iterdir()]
            newest = max((file.st_mtime for file in files), default=0.0)
            found.append((newest, path, sum(file.st_size for file in files)))
    return sorted(found, reverse=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _encode(manifest: Manifest) -> dict[str, Any]:
    listed = {
        prefix: [iso_utc(each.complete), iso_utc(each.recent)]
        for prefix, each in manifest.listed.items()
    }
    segments = [asdict(segment) for segment in manifest.segments]
    return {
        "format": _FORMAT,
        "bucket": manifest.bucket,
        "source": manifest.source,
        "objects": manifest.objects,
        "listed": listed,
        "segments": segments,
    }


def _decode(content: Any) -> Manifest | None:
    if content["format"] != _FORMAT:
        return None
    listed = {
        str(prefix): Listed(*(datetime.fromisoformat(text) for text in times))
        for prefix, times in content["listed"].items()
    }
    segments = tuple(Segment(**segment) for segment in content["segments"])
    return Manifest(
        str(content["bucket"]), int(content["objects"]), segments, listed, str(content["source"])
    )
