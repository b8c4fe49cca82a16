"""Completion of backups whose rows were all read before the storage or the process failed.

The parts that the bucket has not confirmed are on this computer (`core.backup.unsent`). They are of
one snapshot, which is the time of the backup; nothing is read from the database again.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.backup.archive import manifest_metadata, part_metadata, weakest_verdict
from core.backup.keys import MANIFEST
from core.backup.manifest import entry, part_file
from core.backup.orphans import remove_own_orphans
from core.backup.prefetch import in_parallel
from core.backup.store import BucketStore, Store
from core.backup.unfinished import forget_folder
from core.backup.unsent import (
    claimed_files,
    may_end,
    remove_files,
    remove_useless_files,
    unsent_backups,
)
from core.effects import BY_HAND, attaching_partial, states_effect, stating_effect
from core.errors import AlreadyExists, Corrupt, InvalidInput, StorageError
from core.hints import Hint
from core.local.atomic import translate_os_errors
from core.model.backup import Backup, BackupReport, Manifest, Part
from core.model.objects import Verdict
from core.objects.bucket import HasBucket
from core.units import format_size
from core.work import Progress, RetryBudget, Work, default_work

if TYPE_CHECKING:
    from core.model.backup_listing import UnsentBackup

_UPLOADS = 4
_RESUMABLE = (
    "All rows were read, and are stored on this computer for seven days. When the storage can be "
    "reached again, resume the backup: this sends what is missing, without reading the database again."
)


def resumable(workspace: HasBucket, work: Work | None = None) -> tuple[UnsentBackup, ...]:
    """Return the backups of this computer that can be resumed in the bucket, oldest first."""
    default_work(work).check()
    remove_useless_files()
    return unsent_backups(BucketStore(workspace.bucket).place)


def resume(
    workspace: HasBucket, work: Work | None = None, *, ids: Sequence[str] = ()
) -> BackupReport:
    """Send what is missing of backups whose rows were all read, and complete them.

    Args:
        workspace: The workspace with the bucket.
        work: Cancel token and progress (bytes).
        ids: The ids of the backups, or their beginnings; by default all that can be resumed.

    Returns:
        The completed backups, whose time is that of their snapshot. Without any there was none.

    Raises:
        Conflict: Another process sends one of them.
        Corrupt: The files of a backup are damaged or missing, here and in the bucket.
        InvalidInput: An id is not one of a backup that can be resumed.
        StorageError: The storage is out of reach; the backups can still be resumed.
    """
    work = fresh_budget(default_work(work))
    workspace.bucket.clients.require_writable("Resuming backups")
    started = time.monotonic()
    store = BucketStore(workspace.bucket)
    made: list[Backup] = []
    verdicts = [Verdict.SHA256]

    def report() -> BackupReport:
        seconds = time.monotonic() - started
        return BackupReport(tuple(made), seconds, weakest_verdict(verdicts))

    with attaching_partial(report), stating_effect("backed up", (BY_HAND,)) as attempts:
        for each in choose_unsent(resumable(workspace, work), ids):
            with resumable_error():
                backup, verdict = send(store, each.id, work)
            verdicts.append(verdict)
            made.append(replace(backup, checked=f"written, {verdict.value}"))
            attempts.made = True
    return report()


@states_effect("removed")
def discard(
    workspace: HasBucket, work: Work | None = None, *, ids: Sequence[str] = ()
) -> tuple[UnsentBackup, ...]:
    """Remove backups that could be resumed, from this computer and from the bucket.

    Args:
        workspace: The workspace with the bucket.
        work: Cancel token.
        ids: The ids of the backups, or their beginnings; by default all that can be resumed.

    Returns:
        The removed backups.

    Raises:
        Conflict: Another process sends one of them.
        InvalidInput: An id is not one of a backup that can be resumed.
    """
    work = default_work(work)
    workspace.bucket.clients.require_writable("Removing parts of backups")
    found = choose_unsent(resumable(workspace, work), ids)
    for each in found:
        with claimed_files(each.id) as (path, _folder, _manifest, _data):
            remove_files(path)
    remove_own_orphans(BucketStore(workspace.bucket), work)
    return found


def choose_unsent(found: Sequence[UnsentBackup], ids: Sequence[str]) -> tuple[UnsentBackup, ...]:
    """Return the backups whose ids begin with one of the texts, or all without any.

    Raises:
        InvalidInput: A text is not the beginning of any id.
    """
    for wanted in ids:
        if not wanted or not any(each.id.startswith(wanted) for each in found):
            raise InvalidInput(
                f"There is no backup {wanted} that can be resumed",
                cause="It was completed or removed, or its rows were not all read.",
                remedy="List the backups that can be resumed, and choose one of them.",
                hints=Hint.LIST_UNSENT,
            )
    return tuple(each for each in found if not ids or each.id.startswith(tuple(ids)))


@contextmanager
def resumable_error() -> Iterator[None]:
    """Add to an error of the storage in the block that the backup can be resumed."""
    try:
        yield
    except StorageError as error:
        if may_end(error):
            error.remedy = f"{error.remedy} {_RESUMABLE}".strip()
            error.hints |= Hint.RESUME
        raise


def fresh_budget(work: Work) -> Work:
    """Return the same work with an unused retry budget, which also ends a short outage."""
    budget = RetryBudget() if work.budget is None else RetryBudget(work.budget.seconds)
    return replace(work, budget=budget)


def send(store: Store, backup_id: str, work: Work) -> tuple[Backup, Verdict]:
    """Send the missing parts of a backup, then its manifest; return its entry and the verdict.

    Raises:
        Conflict: Another process sends it, or has just completed it.
        Corrupt: Its files are damaged or missing, here and in the store.
        StorageError: The storage is out of reach.
    """
    with claimed_files(backup_id) as (path, folder, manifest, data):
        upload = _Upload(store, path, folder, manifest, work)
        verdict = upload.parts()
        key = folder + MANIFEST
        written = upload.put(key, data, manifest_metadata(manifest))
        remove_files(path)
        forget_folder(store, folder)
    return entry(manifest, key, data), weakest_verdict((verdict, written))


class _Upload:
    """The upload of one backup from its files on this computer."""

    def __init__(
        self, store: Store, path: Path, folder: str, manifest: Manifest, work: Work
    ) -> None:
        self._store, self._path, self._folder = store, path, folder
        self._manifest, self._work = manifest, work

    def parts(self) -> Verdict:
        """Send the parts that are on this computer, after a check that no other is missing."""
        listed = self._store.list(self._folder, work=self._work)
        stored = {each.key.removeprefix(self._folder): each.size for each in listed}
        waiting = []
        for part in self._manifest.parts:
            name = part_file(part, self._manifest)
            if (self._path / name).exists():
                waiting.append(part)
            elif stored.get(name) != part.size:
                raise self._lost(part, "It is neither on this computer nor in the bucket.")
        total, done, verdicts = sum(part.size for part in waiting), 0, [Verdict.SHA256]
        for part, verdict in in_parallel(self._send, waiting, _UPLOADS):
            done += part.size
            verdicts.append(verdict)
            self._work.report(Progress(done, total, "bytes", self._manifest.table))
        return weakest_verdict(verdicts)

    def _send(self, part: Part) -> tuple[Part, Verdict]:
        self._work.check()
        name = part_file(part, self._manifest)
        path = self._path / name
        with translate_os_errors(path, "read"):
            data = path.read_bytes()
        # After a power failure a file may be cut or empty.
        if hashlib.sha256(data).hexdigest() != part.sha256:
            raise self._lost(part, f"Its file has {format_size(len(data))} with another hash.")
        verdict = self.put(self._folder + name, data, part_metadata(self._manifest.id, part))
        with translate_os_errors(path, "removed"):
            path.unlink()
        return part, verdict

    def put(self, key: str, data: bytes, metadata: dict[str, str]) -> Verdict:
        """Store an object, or check that it was stored before its confirmation was recorded.

        Raises:
            Corrupt: Another object has the key.
        """
        try:
            return self._store.put(key, data, metadata, work=self._work)
        except AlreadyExists as error:
            if self._store.read(key, work=self._work) != data:
                raise Corrupt(
                    f"The object {key} differs from the file of the backup",
                    cause="Another program has written to the folder of the backup.",
                    remedy="Back the table up again.",
                    subject=key,
                ) from error
            return Verdict.SHA256

    def _lost(self, part: Part, cause: str) -> Corrupt:
        return Corrupt(
            f"Part {part.index} of the backup {self._manifest.id} is damaged or missing",
            cause=cause,
            remedy="Back the table up again, and discard what is left of this backup.",
            hints=Hint.DISCARD_UNSENT,
            hint_value=self._manifest.id,
            subject=str(self._path),
        )
