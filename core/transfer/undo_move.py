"""The operation `transfer.undo_move`: restores moved objects and removes their copies."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from core.errors import StorageError
from core.model.connection import Connection
from core.objects.bucket import Bucket, HasBucket
from core.objects.deleting import FailedDelete, delete_unchanged
from core.objects.trash import RestoreReport, remove_versions, restore
from core.transfer.copies import MovedObject, open_source
from core.work import Work, default_work

_THREADS = 8


@dataclass(frozen=True, slots=True)
class UndoReport(RestoreReport):
    """Outcome of the undo of a move.

    Attributes:
        restored: the former keys that exist again.
        failed: the former keys that could not be restored; their copies were not removed.
        remaining: copies that could not be removed, and why.
    """

    remaining: tuple[FailedDelete, ...] = ()


def undo_move(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    moved: Sequence[MovedObject],
    source: str = "",
    source_connection: Connection | None = None,
) -> UndoReport:
    """Restore moved objects from the trash of their bucket, then remove their copies.

    An object is restored before its copy is removed, so that it exists at every moment. A copy that
    another client has replaced in the meantime is not removed.

    Args:
        workspace: the workspace with the bucket of the copies.
        work: cancel token and progress.
        moved: the objects of a `MoveReport`; those that were deleted permanently are skipped.
        source: the name of the former bucket; empty for that of the copies.
        source_connection: its connection, if it is another one.

    Raises:
        StorageError: a request was denied or failed; earlier requests have taken effect.
        Cancelled: the token of `work` was cancelled; earlier requests have taken effect.
    """
    work = default_work(work)
    with open_source(workspace.bucket, source, source_connection) as origin:
        report = restore(
            origin, [(each.key, (each.marker,)) for each in moved if each.marker], work=work
        )
    restored = {*report.restored}
    copies = [each for each in moved if each.key in restored and each.etag]
    remaining = (
        *remove_versions(
            workspace.bucket,
            [(each.target, each.version_id) for each in copies if each.version_id],
            work,
        ),
        *_remove_unchanged(
            workspace.bucket, [each for each in copies if not each.version_id], work
        ),
    )
    return UndoReport(report.restored, report.failed, tuple(remaining))


def _remove_unchanged(
    bucket: Bucket, copies: Sequence[MovedObject], work: Work
) -> tuple[FailedDelete, ...]:
    """Delete copies in a bucket without versions; return those that could not be deleted."""

    def removed(copy: MovedObject) -> FailedDelete | None:
        work.check()
        try:
            delete_unchanged(bucket, copy.target, copy.etag, work=work)
        except StorageError as error:
            return FailedDelete(copy.target, error.kind.name.lower(), error.summary)
        return None

    # One request each: DeleteObjects has no condition that the object is still the copy.
    with ThreadPoolExecutor(_THREADS, "undo-move") as pool:
        return tuple(each for each in pool.map(removed, copies) if each is not None)
