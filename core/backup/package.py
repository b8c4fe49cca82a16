"""Download of a complete backup, and verification of its parts before any row of it is used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import IO, cast

import zstandard

from core.backup.checked_reading import read_checked
from core.backup.databases.address import secrets_of
from core.backup.databases.base import Rows
from core.backup.databases.naming import naming_backup
from core.backup.encryption import BackupCipher, opened_manifest
from core.backup.encryption_keys import read_key_of_backup
from core.backup.keys import MANIFEST
from core.backup.manifest import from_bytes, part_file
from core.backup.old_form import read_old_form
from core.backup.prefetch import in_parallel
from core.backup.row_formats import incomplete, mismatch, rows_of
from core.backup.row_progress import PartsProgress
from core.backup.store import Store
from core.errors import NOTHING_CHANGED, Archived, Corrupt
from core.hints import Hint
from core.local.spool import private_file, private_folder, spool, translate_spool_errors
from core.model.backup import Backup, BackupState, Manifest, Part
from core.model.tables import TableSchema
from core.units import format_counted, format_moment
from core.work import Progress, Work

_DOWNLOADS = 4
#: Size of a piece, whose parsed rows fit in the processor's cache.
_READ_BYTES = 1 << 18
#: Maximum size in bytes of rows that stay in memory between verification and use.
_HELD_BYTES = 192 << 20
#: Maximum size in bytes of a part of such a backup: a larger one has a long row.
_HELD_PART = 64 << 20
#: Parts of more bytes, which have longer rows than usual, are in memory one at a time.
LARGE_PART = 32 << 20


@dataclass(frozen=True, slots=True)
class Package:
    """A downloaded backup; `content` is None for the old form. `pieces` can be repeated.

    `inferred` means that the schema was inferred from the values; `problems` are notes about it.
    `held` are the verified rows of a backup that is small enough to stay in memory. `engine` is the
    database engine of the backup, empty for the old form. `convert` changes the rows for another
    engine. `cipher` decrypts the files of an encrypted backup, which stay encrypted on disk.
    """

    backup: Backup
    schema: TableSchema
    rows: int
    content: str | None
    files: tuple[tuple[Part, Path], ...]
    work: Work
    lines: tuple[Rows, ...] = ()
    inferred: bool = False
    problems: tuple[str, ...] = ()
    held: list[Rows] = field(default_factory=list)
    parts_format: str = "jsonl"
    fingerprint: str = ""
    engine: str = ""
    convert: Callable[[Iterator[Rows]], Iterator[Rows]] | None = None
    cipher: BackupCipher | None = None

    def pieces(self, *, long_rows: bool = False) -> Iterator[Rows]:
        """Yield the rows in their order.

        With `long_rows`, a long row may be in several pieces, of which only the last has a count.

        Raises:
            Corrupt: When a part does not match the manifest.
        """
        in_memory = self.held or self.lines
        # Not in a separate thread: decompression is cheap, switching threads is not.
        divided = long_rows and self.convert is None
        rows = iter(in_memory) if in_memory or not self.files else self._unpacked(divided)
        return rows if self.convert is None else self.convert(rows)

    def _unpacked(self, long_rows: bool) -> Iterator[Rows]:
        for part, path in self.files:
            with path.open("rb") as file:
                # A large part, which has a long row, is read piece by piece if it is not encrypted.
                data = file if self.cipher is None and part.size > LARGE_PART else file.read()
                yield from unpack(
                    data, part, self.parts_format, self.work, self.cipher, long_rows=long_rows
                )

    def prove(self, *, hold: bool = True) -> None:
        """Compare all rows with the manifest's hash, before they are loaded into a database.

        Args:
            hold: Whether the rows of a small backup stay in memory.

        Raises:
            Corrupt: When the rows do not match the manifest.
        """
        rows, held = 0, list[Rows]()
        sizes = [part.raw_size for part, _ in self.files]
        small = hold and sum(sizes) <= _HELD_BYTES and max(sizes, default=0) <= _HELD_PART
        for count, lines in self.proven_pieces(long_rows=not small):
            rows += count
            if small:
                held.append((count, lines))
            self.work.report(Progress(rows, self.rows, "rows", "checking"))
        self.held.extend(held)

    def proven_pieces(self, *, long_rows: bool = False) -> Iterator[Rows]:
        """Yield the rows like `pieces`, and compare all of them with the manifest's hash at the end.

        Raises:
            Corrupt: When the rows do not match the manifest, only after the last of them.
        """
        digest = hashlib.sha256()
        for count, lines in self.pieces(long_rows=long_rows):
            digest.update(lines)
            yield count, lines
        if self.content not in (None, digest.hexdigest()):
            raise Corrupt(
                "The rows of the backup do not match its manifest",
                remedy="Choose another backup of the table.",
                effect=NOTHING_CHANGED,
                hints=Hint.CHOOSE_BACKUP,
                subject=self.backup.key,
            )


@contextmanager
def fetch_package(
    store: Store,
    backup: Backup,
    today: TableSchema | None,
    work: Work,
    *,
    within: Path | None = None,
    prove: bool = True,
) -> Iterator[Package]:
    """Download a backup to a temporary private folder, and compare every hash.

    Args:
        store: The store of the backup.
        backup: An entry of the list.
        today: The present table, which defines the types of an old-form backup.
        work: Cancel token and progress (bytes).
        within: The private folder for the files of several backups that are used at once: each
            separate folder has an open file, and rows of a small backup stay in memory.
        prove: Whether the hash of all rows is compared at once; otherwise the caller uses
            `proven_pieces`. The hashes of the parts are compared in any case.

    Raises:
        Corrupt: When the backup is broken, or a part is missing, truncated, swapped or modified.
        StorageError: When the key of an encrypted backup cannot be read.
    """
    with naming_backup(backup.id, backup.table):
        yield from _fetched(store, backup, today, work, within=within, prove=prove)


def _fetched(
    store: Store,
    backup: Backup,
    today: TableSchema | None,
    work: Work,
    *,
    within: Path | None,
    prove: bool,
) -> Iterator[Package]:
    refuse_broken(backup)
    if backup.state is BackupState.OLD_FORM:
        with naming_archived(backup):
            old = read_checked(store, backup.key, lambda d: read_old_form(d, backup, today), work)
        yield Package(
            backup, old.schema, old.rows, None, (), work, old.lines, old.inferred, old.problems
        )
        return
    manifest, cipher = read_manifest(store, backup, work)
    with spool() if within is None else private_folder(within) as folder:
        with naming_archived(backup):
            files = tuple(_fetch(store, backup, manifest, folder, work))
        package = Package(
            backup, manifest.schema, manifest.rows, manifest.content, files, work,
            parts_format=manifest.parts_format,
            fingerprint=manifest.fingerprint,
            engine=manifest.source.engine,
            cipher=cipher,
        )  # fmt: skip
        if prove:
            package.prove(hold=within is None)
        yield package


@contextmanager
def naming_archived(backup: Backup) -> Iterator[None]:
    """Name the backup, and how to retrieve it, in errors of objects in an archive storage class."""
    try:
        yield
    except Archived as error:
        cause = (
            f"It is in the storage class {backup.storage_class}, and cannot be read until it has been "
            "retrieved, which takes minutes to hours."
            if backup.storage_class
            else "It is in an archive tier, and cannot be read until it has been retrieved, which "
            "takes minutes to hours."
        )
        raise Archived(
            f"The backup {backup.id} of {backup.table} is archived",
            cause=cause,
            remedy="Request its retrieval; cost and time are shown first.",
            effect=NOTHING_CHANGED,
            hints=Hint.THAW,
            hint_value=backup.id,
            subject=backup.key,
            details=error.details,
        ) from error


def refuse_broken(backup: Backup) -> None:
    """Raise an error for a backup that is broken according to the listing.

    Raises:
        Corrupt: The backup is broken; the error has the reason.
    """
    if backup.state is BackupState.BROKEN:
        raise Corrupt(
            f"The backup {backup.id} of {backup.table}, taken {format_moment(backup.taken)}, is broken",
            cause=backup.problem,
            remedy="No other backup was used instead. List the backups of the table, and choose one "
            "by its id, or a time before this one.",
            hints=Hint.LIST_BACKUPS | Hint.CHOOSE_BACKUP | Hint.CHOOSE_TIME,
            hint_value=backup.table,
            subject=backup.key,
        )


def read_manifest(store: Store, backup: Backup, work: Work) -> tuple[Manifest, BackupCipher | None]:
    """Return the manifest of a listed backup, and the cipher of its parts if it is encrypted.

    Raises:
        AccessDenied: When the key of an encrypted backup may not be read.
        Corrupt: When the manifest was modified, or is not the listed one.
        NotFound: When the manifest or the key does not exist, or the key is another one.
    """
    return decrypted_manifest(store, *stored_manifest(store, backup, work), work)


def stored_manifest(store: Store, backup: Backup, work: Work) -> tuple[bytes, Manifest]:
    """Return the manifest of a listed backup, as it is stored, and its bytes.

    Raises:
        Corrupt: When it was modified, or is not the listed one.
        NotFound: When it does not exist.
    """
    with naming_archived(backup), naming_backup(backup.id, backup.table):
        return read_checked(store, backup.key, lambda data: (data, _same(data, backup)), work)


def decrypted_manifest(
    store: Store, data: bytes, manifest: Manifest, work: Work
) -> tuple[Manifest, BackupCipher | None]:
    """Return a stored manifest with its encrypted fields, and the cipher of the parts.

    Raises:
        Corrupt: When it was not written with the key of the backup.
        StorageError: When the key cannot be read, or is another one.
    """
    record = manifest.encryption
    if record is None:
        return manifest, None
    key = read_key_of_backup(record.key, record.key_check, manifest.id, secrets_of(store), work)
    return opened_manifest(data, manifest, key)


def _same(data: bytes, backup: Backup) -> Manifest:
    """Read the manifest again, and check that it is the listed one."""
    if backup.sha256 and hashlib.sha256(data).hexdigest() != backup.sha256:
        raise Corrupt(
            "The manifest differs from the listed one",
            cause="The manifest was damaged in transit, or replaced.",
            remedy="List the backups again.",
            subject=backup.key,
        )
    return from_bytes(data)


def _fetch(
    store: Store, backup: Backup, manifest: Manifest, folder: Path, work: Work
) -> Iterator[tuple[Part, Path]]:
    large, progress = Lock(), PartsProgress("fetching", manifest.size, work)

    def one(part: Part) -> tuple[Part, Path]:
        work.check()
        name = part_file(part, manifest)
        path = private_file(folder / name)
        with large if part.size > LARGE_PART else nullcontext():
            data = read_part(store, backup, part, name, progress.work_of(part.index))
            with translate_spool_errors(manifest.size):
                path.write_bytes(data)
            del data  # before the next large part is read
        return part, path

    for part, path in in_parallel(one, manifest.parts, _DOWNLOADS):
        progress.complete(part.index, part.size)
        yield part, path


def read_part(store: Store, backup: Backup, part: Part, name: str, work: Work) -> bytes:
    """Return the stored bytes of a part, after a check of size and hash; `name` is its file.

    Raises:
        Corrupt: When size or hash differ, even after repeated reads.
        NotFound: When the part does not exist.
    """
    key = backup.key.removesuffix(MANIFEST) + name

    def check(data: bytes) -> bytes:
        if len(data) != part.size or hashlib.sha256(data).hexdigest() != part.sha256:
            raise Corrupt(
                f"Part {part.index} of the backup {backup.id} of {backup.table} is damaged",
                cause=f"{format_counted(len(data), 'byte')} with another hash; {part.size} are recorded.",
                remedy="Choose another backup; in a versioned bucket an older version of the part "
                "may be intact.",
                hints=Hint.CHOOSE_BACKUP,
                subject=key,
            )
        return data

    return read_checked(store, key, check, work)


def unpack(  # noqa: PLR0913 - a part, and how it is read
    data: bytes | IO[bytes],
    part: Part,
    parts_format: str,
    work: Work,
    cipher: BackupCipher | None = None,
    *,
    complete: bool = True,
    long_rows: bool = False,
) -> Iterator[Rows]:
    """Yield the rows of a part in pieces, up to its declared size.

    `data` may be an open file, unless the part is encrypted. If the rows are only hashed (not
    `complete`), pieces may end anywhere; with `long_rows` only those of a long row.

    The rows of an encrypted part are only proven to be authentic at its end. They may be
    decompressed before, because `read_part` has compared the hash of the stored bytes, which the
    MAC of the manifest covers.

    Raises:
        Corrupt: When the size differs, or the part cannot be decompressed or decrypted.
    """
    rows = 0
    encrypted = None
    if cipher:
        encrypted = cipher.decrypted(data if isinstance(data, bytes) else data.read(), part.index)
        source = cast("IO[bytes]", encrypted)  # zstandard only calls `read`
    else:
        source = BytesIO(data) if isinstance(data, bytes) else data
    chunks = _bounded(source, part, work)
    for count, lines in rows_of(chunks, part, parts_format, complete=complete, long_rows=long_rows):
        rows += count
        yield count, lines
    if encrypted is not None:
        encrypted.finish()
    if rows != part.rows:
        raise incomplete(part)


def _bounded(source: IO[bytes], part: Part, work: Work) -> Iterator[bytes]:
    size = 0
    reader = zstandard.ZstdDecompressor().stream_reader(source)
    try:
        while chunk := reader.read(_READ_BYTES):
            work.check()
            size += len(chunk)
            if size > part.raw_size:
                raise mismatch(part, "The decompressed size exceeds the declared size.")
            yield chunk
    except zstandard.ZstdError as error:
        raise Corrupt(f"Part {part.index} cannot be decompressed", cause=str(error)) from error
    if size != part.raw_size:
        raise incomplete(part)
