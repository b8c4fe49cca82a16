"""Writing of one backup: compressed parts with hashes, then the manifest that commits them."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import zstandard

from core.backup.databases.base import Rows
from core.backup.encryption import BackupCipher
from core.backup.keys import MANIFEST, part_name
from core.backup.listing import entry
from core.backup.manifest import to_bytes
from core.backup.prefetch import in_parallel, prefetch
from core.backup.store import Store
from core.backup.unfinished import UnfinishedBackup
from core.model.backup import Backup, Manifest, Part
from core.model.objects import Verdict
from core.version import __version__
from core.work import Progress, Work

TOOL = f"strongroom {__version__}"

#: Size of a part in bytes before compression: about 5 MB stored, small enough to retry.
PART_BYTES = 32 << 20
_LEVEL = 1
_UPLOADS = 4


@dataclass(frozen=True, slots=True)
class PartsForm:
    """How the parts of a backup are written; without `cipher` they are not encrypted."""

    backup_id: str
    parts_format: str
    cipher: BackupCipher | None = None

    def name(self, index: int) -> str:
        """Return the file name of a part."""
        return part_name(index, self.parts_format, encrypted=self.cipher is not None)


@dataclass(slots=True)
class Tally:
    """Progress of a backup; `content` is the hash of all lines in order.

    `verdict` is the weakest verdict of the uploads.
    """

    rows: int = 0
    parts: list[Part] = field(default_factory=list)
    content: hashlib._Hash = field(default_factory=hashlib.sha256)
    verdict: Verdict = Verdict.SHA256


def write_parts(
    store: Store,
    unfinished: UnfinishedBackup,
    rows: Iterator[Rows],
    form: PartsForm,
    work: Work,
) -> Tally:
    """Compress rows and upload them as parts below the folder of `unfinished`.

    Reading, compression and upload overlap; at most a few parts are in memory.
    """
    tally = Tally()
    meta = {"backup-id": form.backup_id, "data_type": "database_backup_part"}

    def send(packed: tuple[Part, bytes]) -> tuple[Part, Verdict]:
        part, data = packed
        work.check()
        about = {**meta, "part-index": str(part.index), "record_count": str(part.rows)}
        key = unfinished.folder + form.name(part.index)
        unfinished.sent.append(key)
        verdict = store.put(key, data, about, work=work)
        unfinished.stored.append(key)
        return part, verdict

    # After a failure the reading thread must end before the database is closed or rolled back.
    with closing(prefetch(rows)) as read, closing(_packed(read, tally, form, work)) as packed:
        for part, verdict in in_parallel(send, packed, _UPLOADS):
            tally.parts.append(part)
            tally.verdict = weakest_verdict((tally.verdict, verdict))
    return tally


def weakest_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the weakest verdict; `Verdict` lists the strongest first."""
    return max(verdicts, key=tuple(Verdict).index, default=Verdict.SIZE_ONLY)


def _packed(
    rows: Iterator[Rows], tally: Tally, form: PartsForm, work: Work
) -> Generator[tuple[Part, bytes], None, None]:
    packer = _Packer(0, form.cipher)
    for count, lines in rows:
        tally.content.update(lines)
        tally.rows += count
        packer.add(count, lines)
        work.report(Progress(tally.rows, None, "rows"))
        if packer.raw_size >= PART_BYTES:
            yield packer.finish()
            packer = _Packer(packer.index + 1, form.cipher)
    if packer.rows:
        yield packer.finish()


class _Packer:
    def __init__(self, index: int, cipher: BackupCipher | None) -> None:
        self.index = index
        self.rows = 0
        self.raw_size = 0
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compressobj()
        self._encryptor = cipher.encryptor(index) if cipher else None
        self._pieces: list[bytes] = []

    def add(self, count: int, lines: bytes) -> None:
        self.rows += count
        self.raw_size += len(lines)
        self._append(self._compressor.compress(lines))

    def _append(self, data: bytes) -> None:
        # Each piece is encrypted at once: a part is never in memory in both forms.
        self._pieces.append(self._encryptor.update(data) if self._encryptor else data)

    def finish(self) -> tuple[Part, bytes]:
        self._append(self._compressor.flush())
        if self._encryptor is not None:
            self._pieces.append(self._encryptor.finish())
        data = b"".join(self._pieces)
        digest = hashlib.sha256(data).hexdigest()
        return Part(self.index, self.rows, len(data), self.raw_size, digest), data


def write_manifest(
    store: Store, unfinished: UnfinishedBackup, manifest: Manifest, work: Work
) -> tuple[Backup, Verdict]:
    """Write the manifest, which completes the backup; return its entry and the verdict."""
    about = {
        "backup-id": manifest.id,
        "table_name": manifest.table.encode("ascii", "backslashreplace").decode()[:500],
        "data_type": "database_backup_manifest",
        "record_count": str(manifest.rows),
    }
    key, data = unfinished.folder + MANIFEST, to_bytes(manifest)
    work.check()
    unfinished.committing = True
    verdict = store.put(key, data, about, work=work)
    return entry(manifest, key, data), verdict
