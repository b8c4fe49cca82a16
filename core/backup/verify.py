"""Verification of a stored backup: all parts, hashes and counts."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import replace

from core.backup.checked_reading import read_checked
from core.backup.choice import Wanted, choose
from core.backup.encryption import BackupCipher
from core.backup.manifest import part_file
from core.backup.old_form import read_old_form
from core.backup.other_databases import note_others
from core.backup.package import (
    LARGE_PART,
    decrypted_manifest,
    naming_archived,
    read_part,
    stored_manifest,
    unpack,
)
from core.backup.prefetch import in_parallel
from core.backup.row_progress import PartsProgress
from core.backup.store import BucketStore, Store
from core.backup.verifications import record_verification
from core.errors import Corrupt, NotFound, StorageError
from core.model.backup import Backup, BackupState, Manifest, Part
from core.model.verification import VerifyReport
from core.objects.bucket import HasBucket
from core.work import Work, default_work

_READS = 4


def verify(
    workspace: HasBucket, work: Work | None = None, *, table: str, backup_id: str | None = None
) -> VerifyReport:
    """Read a complete backup and compare its hashes; by default the newest of the table.

    Returns:
        A report with the backup and its `problems`, which are empty if all bytes match. The old
        form has no hash, so only its format and count are checked.

    Raises:
        NotFound: When the backup does not exist.
        StorageError: When the backup cannot be read.
    """
    work = default_work(work)
    store = BucketStore(workspace.bucket)
    which = choose(store, table, work, Wanted.of(backup_id, None))
    notes = note_others(store, which, work) if backup_id is None else ()
    return replace(verify_of(store, which, work), notes=notes)


def verify_of(store: Store, backup: Backup, work: Work) -> VerifyReport:
    """Verify a listed backup in any store, and record the result; see `verify`."""
    started = time.monotonic()
    with naming_archived(backup):
        rows, size, problems = _read(store, backup, work)
    record_verification(store, backup, "verify", " ".join(problems[:3])[:500])
    return VerifyReport(backup, rows, size, time.monotonic() - started, tuple(problems))


def _read(store: Store, backup: Backup, work: Work) -> tuple[int, int, list[str]]:
    if backup.state is BackupState.BROKEN:
        return 0, 0, [backup.problem]
    try:
        if backup.state is BackupState.OLD_FORM:
            return read_checked(store, backup.key, lambda data: _old_form(data, backup), work)
        data, manifest = stored_manifest(store, backup, work)
    except (Corrupt, NotFound) as error:
        return 0, 0, [_text(error)]
    try:
        manifest, cipher = decrypted_manifest(store, data, manifest, work)
    except Corrupt as error:  # a missing key is not damage of the backup: its error is raised
        return 0, 0, [_text(error)]
    return _parts(store, backup, manifest, cipher, work)


def _text(error: StorageError) -> str:
    return error.reason


def _old_form(data: bytes, backup: Backup) -> tuple[int, int, list[str]]:
    return read_old_form(data, backup, None).rows, len(data), []


def _parts(
    store: Store, backup: Backup, manifest: Manifest, cipher: BackupCipher | None, work: Work
) -> tuple[int, int, list[str]]:
    digest, rows, size = hashlib.sha256(), 0, 0
    problems: list[str] = []
    for part, found in _stored_parts(store, backup, manifest, work):
        if isinstance(found, str):
            problems.append(found)
            continue
        try:
            rows_of_part = unpack(found, part, manifest.parts_format, work, cipher, complete=False)
            for count, lines in rows_of_part:
                rows += count
                digest.update(lines)
        except Corrupt as error:
            problems.append(_text(error))
        size += len(found)
        del found  # before the next large part is read
    if not problems and digest.hexdigest() != manifest.content:
        problems.append("The rows do not match the manifest.")
    return rows, size, problems


def _stored_parts(
    store: Store, backup: Backup, manifest: Manifest, work: Work
) -> Iterator[tuple[Part, bytes | str]]:
    """Yield each part with its stored bytes, or the problem; large parts are not read ahead."""
    progress = PartsProgress("verifying", manifest.size, work)

    def read(part: Part) -> bytes | str:
        work.check()
        name, within = part_file(part, manifest), progress.work_of(part.index)
        try:
            return read_part(store, backup, part, name, within)
        except (Corrupt, NotFound) as error:
            return f"{error.summary}. {error.cause}".strip()

    def ahead(part: Part) -> tuple[Part, bytes | str | None]:
        return part, None if part.size > LARGE_PART else read(part)

    for part, early in in_parallel(ahead, manifest.parts, _READS):
        yield part, read(part) if early is None else early
        progress.complete(part.index, part.size)
