"""The operation `transfer.undo_move`: restores moved objects and removes their copies."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from core.errors import Cancelled, NotFound, StorageError
from core.model.connection import Connection
from core.model.objects import Verdict
from core.objects.bucket import Bucket, HasBucket
from core.objects.copying import equal_content
from core.objects.deleting import FailedDelete, delete_unchanged
from core.objects.lost_answers import LostAnswers
from core.objects.reading import head
from core.objects.trash import RestoreReport, remove_versions, restore
from core.objects.undo_delete import REPLACED, look_up
from core.objects.versions import newest_versions
from core.transfer.copies import open_source
from core.transfer.moved import MovedObject
from core.work import Work, default_work

_THREADS = 8
_GONE = "The former version no longer exists"
_OTHER = "The key has another object than before the move"
_NO_PROOF = (
    "It may be the copy, whose request was not answered, but it is not known to be equal to the "
    "object; it was not removed"
)


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
    replaced in the meantime is not removed. What became of requests without an answer is looked up.

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
        fates = look_up(origin, [each.deletion for each in moved if not each.certain], work)
        hidden = [(each.key, (each.marker,)) for each in moved if each.certain and each.marker]
        report = restore(origin, [*hidden, *fates.hidden], work=work)
        back = {*report.restored, *fates.present}
        copies = [each for each in moved if each.key in back]
        lost = _not_there(origin, copies, work)
        missing = {each.key for each in lost}
        copies = [each for each in copies if each.key not in missing]
        copies, remaining = _found_copies(origin, workspace.bucket, copies, work)
    remaining += remove_versions(
        workspace.bucket, [(each.target, each.version_id) for each in copies if each.version_id],
        work,
    )  # fmt: skip
    remaining += _remove_unchanged(
        workspace.bucket, [each for each in copies if not each.version_id], work
    )
    by_key = {each.key: each for each in moved}
    failed = (*report.failed, *fates.failed, *lost)
    return UndoReport(
        tuple(key for key in report.restored if key not in missing),
        tuple(_with_copy(each, by_key[each.key]) for each in failed),
        tuple(key for key in fates.present if key not in missing),
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


def _found_copies(
    origin: Bucket, bucket: Bucket, moved: Sequence[MovedObject], work: Work
) -> tuple[list[MovedObject], list[FailedDelete]]:
    """Return the copies that the move has made, and objects that may be copies but are not removed.

    A copy without an answer is the newest object under its key, was stored since the request, and
    is equal to the former object, which exists.
    """

    def found(each: MovedObject) -> MovedObject | FailedDelete | None:
        if each.etag or each.lost_copy is None:
            return each if each.etag else None
        work.check()
        try:
            return _lost_copy(origin, bucket, each, each.lost_copy, work)
        except Cancelled:
            raise
        except StorageError as error:
            why = f"Whether it is the copy is not known ({error.summary})"
            return FailedDelete(each.target, error.kind.name.lower(), why)

    with ThreadPoolExecutor(_THREADS, "undo-move") as pool:
        all_found = list(pool.map(found, moved))
    copies = [each for each in all_found if isinstance(each, MovedObject)]
    return copies, [each for each in all_found if isinstance(each, FailedDelete)]


def _lost_copy(
    origin: Bucket, bucket: Bucket, each: MovedObject, lost: LostAnswers, work: Work
) -> MovedObject | FailedDelete | None:
    """Return an object with its copy, which `lost` may have made; None if there is none."""
    now = newest_versions(bucket, each.target, work=work)
    newest = now.versions[0] if now.versions else None
    if newest is None or newest.marker or newest.size != each.size:
        return None
    if not lost.explains(newest.modified, now.ahead):
        return None
    verdict = equal_content(origin, each.key, bucket, each.target, work, read=True)
    if verdict in {None, Verdict.SIZE_ONLY}:
        return FailedDelete(each.target, REPLACED, _NO_PROOF)
    version = "" if newest.version_id == "null" else newest.version_id
    return replace(each, etag=newest.etag, version_id=version)


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
