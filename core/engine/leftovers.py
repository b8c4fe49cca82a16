"""Leftovers of interrupted operations in a bucket: unfinished uploads and parts of backups.

It combines all kinds, for the command line and the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.backup.orphans import orphan_parts, remove_orphans
from core.backup.store import BucketStore
from core.errors import StorageError
from core.model.backup_listing import OrphanParts
from core.objects.bucket import HasBucket
from core.transfer.sweep import (
    Owner,
    SweepReport,
    UnfinishedUpload,
    list_unfinished,
    remove_unfinished,
)
from core.transfer.values import Failure
from core.work import Work, default_work


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Found leftovers; `problem` states why a part could not be listed, or is empty."""

    uploads: tuple[UnfinishedUpload, ...] = ()
    parts: tuple[OrphanParts, ...] = ()
    problem: str = ""

    @property
    def removable(self) -> tuple[UnfinishedUpload, ...]:
        """The uploads that no process of this machine is sending."""
        return tuple(each for each in self.uploads if each.owner is not Owner.RUNNING)


def find(workspace: HasBucket, work: Work | None = None, *, prefix: str = "") -> Leftovers:
    """Return the leftovers in the bucket (operation `leftovers.find`).

    Args:
        workspace: the workspace with the bucket.
        work: cancel token and progress.
        prefix: only leftovers whose keys start with this prefix.

    Raises:
        StorageError: the unfinished uploads cannot be listed.
        Cancelled: the token of `work` was cancelled.
    """
    work = default_work(work)
    uploads = list_unfinished(workspace, work, prefix=prefix)
    try:
        parts = orphan_parts(BucketStore(workspace.bucket), work)
    # Uploads are useful without the backups; a cancel is raised by the check.
    except StorageError as error:
        work.check()
        return Leftovers(uploads, (), f"Parts of backups could not be listed: {error.summary}.")
    return Leftovers(uploads, tuple(each for each in parts if each.folder.startswith(prefix)))


def remove(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    uploads: Sequence[Sequence[str]] = (),
    folders: Sequence[str] = (),
) -> SweepReport:
    """Remove leftovers (operation `leftovers.remove`).

    Parts of a backup are only removed if they are still orphans.

    Args:
        workspace: the workspace with the bucket.
        work: cancel token and progress.
        uploads: pairs of key and upload id.
        folders: the folders with parts of backups.

    Raises:
        Cancelled: the token of `work` was cancelled; some leftovers may have been removed.
    """
    work = default_work(work)
    report = remove_unfinished(workspace, work, uploads=uploads) if uploads else SweepReport()
    if not folders:
        return report
    store = BucketStore(workspace.bucket)
    failed = list(report.failed)
    removed: tuple[OrphanParts, ...] = ()
    try:
        # A backup may have been completed by its manifest since the leftovers were listed.
        still = [each for each in orphan_parts(store, work) if each.folder in folders]
        removed = remove_orphans(store, still, work)
    except StorageError as error:
        work.check()
        failed.append(Failure.of(len(uploads), folders[0], error))
    return SweepReport(
        (*report.uploads, *(each.folder for each in removed)), report.files, tuple(failed)
    )
