"""The operation `transfer.undo_move`: restores moved objects and removes their copies."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from core.effects import attaching_partial
from core.errors import Cancelled, NotFound, StorageError
from core.model.connection import Connection
from core.objects.bucket import Bucket, HasBucket
from core.objects.copying import equal_content
from core.objects.deleting import FailedDelete, delete_unchanged
from core.objects.lost_answers import LostAnswers, settle
from core.objects.reading import head
from core.objects.trash import RestoreReport, remove_versions, restore
from core.objects.undo_delete import REPLACED, look_up
from core.objects.versions import ObjectVersion, newest_versions
from core.transfer.copies import open_source
from core.transfer.moved import MovedObject
from core.work import Work, default_work

_THREADS = 8
_GONE = "The former version no longer exists"
_OTHER = "The key has another object than before the move"
_NO_PROOF = (
    "It may be the copy, whose request was not answered, or an object of another client, and could "
    "not be restored; it was not removed"
)
#: The version id of objects in buckets without versioning.
_NULL = "null"


@dataclass(frozen=True, slots=True)
class UndoReport(RestoreReport):
    """Outcome of the undo of a move.

    Attributes:
        restored: the former keys that exist again.
        failed: the former keys that could not be restored; their copies were not removed.
        present: the former keys whose objects had not been removed; only their copies were.
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

    An object is restored before its copy is removed, and the copy is only removed if the former key
    has the former object again, so that it exists at every moment. A copy that another client has
    replaced in the meantime is not removed. What became of requests without an answer is inspected.

    Args:
        workspace: the workspace with the bucket of the copies.
        work: cancel token and progress.
        moved: the objects of a `MoveReport`; those that were deleted permanently are skipped.
        source: the name of the former bucket; empty for that of the copies.
        source_connection: its connection, if it is another one.

    Raises:
        StorageError: a request was denied or failed; earlier requests have taken effect. `partial`
            has what was restored, None if nothing was.
        Cancelled: the token of `work` was cancelled; as above.
    """
    work = default_work(work)
    with open_source(workspace.bucket, source, source_connection) as origin:
        fates = look_up(origin, [each.deletion for each in moved if not each.certain], work)
        hidden = [(each.key, (each.marker,)) for each in moved if each.certain and each.marker]
        report = restore(origin, [*hidden, *fates.hidden], work=work)
        back = UndoReport(report.restored, (*report.failed, *fates.failed), fates.present)
        with attaching_partial(lambda: back):
            return _without_copies(origin, workspace.bucket, moved, back, work)


def _without_copies(
    origin: Bucket, bucket: Bucket, moved: Sequence[MovedObject], back: UndoReport, work: Work
) -> UndoReport:
    """Remove the copies of the objects that exist under their former keys again.

    Args:
        origin: the bucket of the former keys.
        bucket: the bucket of the copies.
        moved: all objects of the undo.
        back: what was restored.
        work: cancel token and progress.
    """
    keys = {*back.restored, *back.present}
    lost = _not_there(origin, [each for each in moved if each.key in keys], work)
    keys -= {each.key for each in lost}
    copies = [each for each in moved if each.key in keys]
    known = [each for each in copies if each.etag]
    versions = [(each.target, each.version_id) for each in known if each.version_id]
    remaining = list(remove_versions(bucket, versions, work))
    remaining += _remove_unchanged(bucket, [each for each in known if not each.version_id], work)
    # Afterwards, since a lost copy may be below the known one.
    left = {each.key for each in remaining}
    remaining += _remove_lost(
        origin, bucket, [each for each in copies if each.target not in left], work
    )
    by_key = {each.key: each for each in moved}
    return UndoReport(
        tuple(key for key in back.restored if key in keys),
        tuple(_with_copy(each, by_key[each.key]) for each in (*back.failed, *lost)),
        tuple(key for key in back.present if key in keys),
        tuple(remaining),
    )


def _with_copy(failure: FailedDelete, moved: MovedObject) -> FailedDelete:
    reason = (failure.message or failure.code).rstrip(".")
    sure = moved.etag or moved.lost_copy is None
    copy = f"its copy {moved.target} remains" if sure else f"{moved.target} may be its copy"
    return replace(failure, message=f"{reason}; {copy}")


def _not_there(
    bucket: Bucket, moved: Sequence[MovedObject], work: Work
) -> tuple[FailedDelete, ...]:
    """Return the former keys that do not have their former objects again.

    A removed delete marker shows what was below it: a lifecycle rule or another client may have
    removed the former version in the meantime. Then the copy is the only one that is left.
    """

    def missing(each: MovedObject) -> FailedDelete | None:
        work.check()
        try:
            found = head(bucket, each.key, work=work)
        except NotFound:
            return FailedDelete(each.key, "NoSuchVersion", _GONE)
        except Cancelled:
            raise
        except StorageError as error:
            why = f"Whether it exists again is not known ({error.summary})"
            return FailedDelete(each.key, error.kind.name.lower(), why)
        if (found.etag, found.size) == (each.source_etag, each.size):
            return None
        return FailedDelete(each.key, REPLACED, _OTHER)

    with ThreadPoolExecutor(_THREADS, "undo-move") as pool:
        return tuple(each for each in pool.map(missing, moved) if each is not None)


def _remove_lost(
    origin: Bucket, bucket: Bucket, moved: Sequence[MovedObject], work: Work
) -> tuple[FailedDelete, ...]:
    """Remove the copies whose requests were not answered; return those that remain, and why."""

    def removed(each: MovedObject) -> FailedDelete | None:
        if each.lost_copy is None:
            return None
        work.check()
        try:
            return _remove_lost_copy(origin, bucket, each, each.lost_copy, work)
        except Cancelled:
            raise
        except StorageError as error:
            why = f"Whether it is the copy is not known ({error.summary})"
            return FailedDelete(each.target, error.kind.name.lower(), why)

    settle((each.lost_copy for each in moved), work)
    with ThreadPoolExecutor(_THREADS, "undo-move") as pool:
        return tuple(each for each in pool.map(removed, moved) if each is not None)


def _remove_lost_copy(
    origin: Bucket, bucket: Bucket, each: MovedObject, lost: LostAnswers, work: Work
) -> FailedDelete | None:
    """Put the object that `lost` may have stored into the trash; return it if it stays.

    It was stored at that time, and is equal to the former object, which exists. Another client may
    all the same have stored it: so only a delete marker is added, and only where nothing was
    replaced, so that it can be restored.
    """
    now = newest_versions(bucket, each.target, work=work)
    newest = now.versions[0] if now.versions else _without_versions(bucket, each.target, work)
    if newest is None or newest.marker or newest.size != each.size:
        return None
    if not lost.explains(newest.modified, now.ahead):
        return None
    if equal_content(origin, each.key, bucket, each.target, work, read=True) is None:
        return None
    if newest.version_id == _NULL or not all(row.marker for row in now.versions[1:]):
        return FailedDelete(each.target, REPLACED, _NO_PROOF)
    delete_unchanged(bucket, each.target, newest.etag, work=work)
    return None


def _without_versions(bucket: Bucket, key: str, work: Work) -> ObjectVersion | None:
    """Return the object of a bucket for which the server lists no versions; None for none."""
    try:
        found = head(bucket, key, work=work)
    except NotFound:
        return None
    return ObjectVersion(_NULL, found.modified, found.size, True, False, found.etag)  # noqa: FBT003 - in the order of the fields


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
