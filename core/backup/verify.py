"""Reading a backup again: every part, every hash, every count."""

from __future__ import annotations

import hashlib
import time

from core.backup.ahead import in_parallel
from core.backup.listing import find
from core.backup.manifest import from_bytes
from core.backup.old_form import read_old_form
from core.backup.package import read_part, unpack
from core.backup.store import BucketStore, HasBucket, Store
from core.errors import Corrupt, NotFound
from core.model.backup import Backup, BackupState, Part, VerifyReport
from core.work import Progress, Work, default_work

_READS = 4


def verify(
    workspace: HasBucket, work: Work | None = None, *, table: str, backup_id: str | None = None
) -> VerifyReport:
    """Read and hash a whole backup again; None takes the latest of the table.

    Returns:
        A report whose `problems` are empty when every byte is as recorded. The old form carries
        no hash, so only its form and count can be told.

    Raises:
        NotFound: When there is no such backup.
    """
    work = default_work(work)
    store = BucketStore(workspace.bucket)
    which = find(store, table, work, backup_id=backup_id)
    return verify_of(store, which, work)


def verify_of(store: Store, backup: Backup, work: Work) -> VerifyReport:
    """As `verify`, for a listed backup in any store."""
    started = time.monotonic()
    rows, size, problems = _read(store, backup, work)
    return VerifyReport(backup, rows, size, time.monotonic() - started, tuple(problems))


def _read(store: Store, backup: Backup, work: Work) -> tuple[int, int, list[str]]:
    if backup.state is BackupState.BROKEN:
        return 0, 0, [backup.problem]
    try:
        data = store.read(backup.key, work=work)
        if backup.state is BackupState.OLD_FORM:
            rows = read_old_form(data, backup, None).rows
            return rows, len(data), []
        return _parts(store, backup, data, work)
    except (Corrupt, NotFound) as error:
        return 0, 0, [" ".join(part for part in (error.summary, error.cause) if part)]


def _parts(store: Store, backup: Backup, data: bytes, work: Work) -> tuple[int, int, list[str]]:
    manifest = from_bytes(data)
    digest, rows, size = hashlib.sha256(), 0, 0
    problems: list[str] = []

    def one(part: Part) -> tuple[Part, bytes | str]:
        work.check()
        try:
            return part, read_part(store, backup, part, work)
        except (Corrupt, NotFound) as error:
            return part, f"{error.summary}. {error.cause}".strip()

    for part, found in in_parallel(one, manifest.parts, _READS):
        if isinstance(found, str):
            problems.append(found)
            continue
        for count, lines in unpack(found, part):
            rows += count
            digest.update(lines)
        size += len(found)
        work.report(Progress(size, manifest.size, "bytes", "verifying"))
    if not problems and digest.hexdigest() != manifest.content:
        problems.append("The rows are not those the manifest was written for.")
    return rows, size, problems
