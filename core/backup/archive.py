"""Writing one backup: rows into hashed, compressed parts, then the manifest that commits them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field

import zstandard

from core import __version__
from core.backup.ahead import ahead, in_parallel
from core.backup.databases.base import Rows
from core.backup.keys import MANIFEST, part_name
from core.backup.manifest import to_bytes
from core.backup.store import Store
from core.errors import StorageError
from core.model.backup import Manifest, Part
from core.work import Progress, Work

TOOL = f"strongroom {__version__}"

#: Rows' bytes a part, before compression: some 5 MB stored, small enough to hold and to repeat.
PART_BYTES = 32 << 20
_LEVEL = 1
_UPLOADS = 4

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Tally:
    """What was written so far; `content` hashes all rows' lines in order."""

    rows: int = 0
    parts: list[Part] = field(default_factory=list)
    content: hashlib._Hash = field(default_factory=hashlib.sha256)


def write_parts(
    store: Store, folder: str, rows: Iterator[Rows], backup_id: str, work: Work
) -> Tally:
    """Compress rows and upload them as parts below `folder`.

    Reading, compressing and uploading overlap; memory holds a few parts at most. When it fails
    half-way, what was uploaded is removed if the permissions allow it; without a manifest it is
    no backup anyway.
    """
    tally = Tally()
    meta = {"backup-id": backup_id, "data_type": "database_backup_part"}

    def send(packed: tuple[Part, bytes]) -> Part:
        part, data = packed
        work.check()
        about = {**meta, "part-index": str(part.index), "record_count": str(part.rows)}
        store.put(folder + part_name(part.index), data, about, work=work)
        return part

    try:
        for part in in_parallel(send, _packed(ahead(rows), tally, work), _UPLOADS):
            tally.parts.append(part)
    except BaseException:
        _clean(store, folder)
        raise
    return tally


def _packed(rows: Iterator[Rows], tally: Tally, work: Work) -> Iterator[tuple[Part, bytes]]:
    packer = _Packer(0)
    for count, lines in rows:
        tally.content.update(lines)
        tally.rows += count
        packer.add(count, lines)
        work.report(Progress(tally.rows, None, "rows"))
        if packer.raw_size >= PART_BYTES:
            yield packer.finish()
            packer = _Packer(packer.index + 1)
    if packer.rows:
        yield packer.finish()


class _Packer:
    def __init__(self, index: int) -> None:
        self.index = index
        self.rows = 0
        self.raw_size = 0
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compressobj()
        self._pieces: list[bytes] = []

    def add(self, count: int, lines: bytes) -> None:
        self.rows += count
        self.raw_size += len(lines)
        self._pieces.append(self._compressor.compress(lines))

    def finish(self) -> tuple[Part, bytes]:
        self._pieces.append(self._compressor.flush())
        data = b"".join(self._pieces)
        digest = hashlib.sha256(data).hexdigest()
        return Part(self.index, self.rows, len(data), self.raw_size, digest), data


def commit(store: Store, folder: str, manifest: Manifest, work: Work) -> str:
    """Write the manifest, which makes the parts a backup; return its key."""
    about = {
        "backup-id": manifest.id,
        "table_name": manifest.table.encode("ascii", "backslashreplace").decode()[:500],
        "data_type": "database_backup_manifest",
        "record_count": str(manifest.rows),
    }
    # After a failure here nothing is removed: the answer may be lost and the manifest be there.
    store.put(folder + MANIFEST, to_bytes(manifest), about, work=work)
    return folder + MANIFEST


def _clean(store: Store, folder: str) -> None:
    """Remove what a failed run uploaded; the failure itself is what the user is told."""
    work = Work()
    try:
        store.delete([stored.key for stored in store.list(folder, work=work)], work=work)
    except StorageError as error:
        _log.warning("Parts of an unfinished backup stay in %s: %s", folder, error.summary)
