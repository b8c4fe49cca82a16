"""The operation `objects.undo_edits`, which undoes changes of properties of many objects."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import takewhile

from core.aws.faults import translated
from core.effects import attaching_partial
from core.errors import Cancelled, Conflict, StorageError
from core.model.upload_options import Pairs
from core.objects.bucket import Bucket, HasBucket
from core.objects.deleting import FailedDelete
from core.objects.lost_answers import settle
from core.objects.properties import (
    ObjectProperties,
    change_tags,
    property_changes,
    read_properties,
    remove_change,
)
from core.objects.tags import get_tags
from core.objects.trash import RestoreReport
from core.objects.versions import ObjectVersion, newest_versions
from core.transfer.attempts import Attempts, work_with_budget
from core.transfer.edited import EditedObject, LostCopy
from core.transfer.property_edits import FINISHING_SECONDS, threads_of
from core.work import Progress, Work, default_work, finishing


def undo_edits(
    workspace: HasBucket, work: Work | None = None, *, edited: Sequence[EditedObject]
) -> RestoreReport:
    """Undo changes of properties: remove the new versions, or set the former tags again.

    An object that another client has changed in the meantime is not touched and counts as failed.
    What became of changes without an answer is looked up; `present` has the objects that were not
    changed.

    Args:
        workspace: the workspace with the bucket.
        work: cancel token, progress, and the retry budget of all objects.
        edited: the `undoable` objects of an `EditReport`.

    Raises:
        StorageError: an error that concerns all objects; `partial` has the report so far.
        Cancelled: the token of `work` was cancelled; `partial` has the report so far.
    """
    work = work_with_budget(default_work(work))
    attempts, total = Attempts(work), len(edited)
    restored: list[str] = []
    present: list[str] = []
    failed: list[FailedDelete] = []

    def undo(each: EditedObject) -> None:
        try:
            undone = attempts.attempted(partial(_undo_one, workspace.bucket, each, work))
        except Cancelled:
            raise
        except StorageError as error:
            failed.append(FailedDelete(each.key, error.kind.name.lower(), error.summary))
        else:
            (restored if undone else present).append(each.key)

    def report() -> RestoreReport:
        return RestoreReport(tuple(restored), tuple(failed), tuple(present))

    with attaching_partial(report), ThreadPoolExecutor(threads_of(work), "undo-edit") as pool:
        for count, _ in enumerate(pool.map(undo, edited), 1):
            work.check()
            work.report(Progress(count, total, "objects"))
        if attempts.ended is not None:  # such as a lock: the undo can be repeated
            raise attempts.ended
    return report()


def _undo_one(bucket: Bucket, each: EditedObject, work: Work) -> bool:
    """Undo one change, and return whether there was one."""
    work.check()
    with finishing(replace(work, report=Work().report), FINISHING_SECONDS) as rest:
        if each.lost_copy is not None:
            return _remove_copies(bucket, each, each.lost_copy, rest)
        if each.version_id:
            remove_change(bucket, each.key, each.version_id, rest)
        elif each.before is not None:
            return _set_former_tags(bucket, each, each.before, rest)
    return True


def _set_former_tags(bucket: Bucket, each: EditedObject, before: Pairs, work: Work) -> bool:
    if not each.answered and sorted(get_tags(bucket, each.key, "", work)) == sorted(before):
        return False
    change_tags(bucket, each.key, each.after, before, work=work)
    return True


def _remove_copies(bucket: Bucket, each: EditedObject, copy: LostCopy, work: Work) -> bool:
    """Remove the versions above the former one if all of them are copies of the change.

    Returns:
        Whether there were any.

    Raises:
        Conflict: there is another version, or the former one no longer exists.
        StorageError: a request was denied or failed.
    """
    settle([copy.lost], work)
    found = newest_versions(bucket, each.key, work=work)
    above = list(takewhile(lambda row: not _is_former(row, copy.before), found.versions))
    if len(above) == len(found.versions):
        raise _not_undoable(bucket, each.key)
    if not above and not copy.before.version_id:
        # In a bucket without versions a copy replaces the version "null".
        now = read_properties(bucket, each.key, work=work)
        if property_changes(now.editable, copy.before.editable):
            raise _not_undoable(bucket, each.key)
    left = copy.lost.number
    for row in above:
        if row.version_id == each.version_id:
            continue
        left -= 1
        if left < 0 or not _is_copy(bucket, each.key, row, copy, found.ahead, work):
            raise _not_undoable(bucket, each.key)
    for row in above:
        with translated("s3:DeleteObjectVersion", bucket.subject(each.key), work):
            bucket.client.delete_object(Bucket=bucket.name, Key=each.key, VersionId=row.version_id)
    return bool(above)


def _is_former(row: ObjectVersion, before: ObjectProperties) -> bool:
    version = "" if row.version_id == "null" else row.version_id
    found = (version, row.etag, row.size)
    return not row.marker and found == (before.version_id, before.etag, before.size)


def _is_copy(
    bucket: Bucket, key: str, row: ObjectVersion, copy: LostCopy, ahead: float, work: Work
) -> bool:
    """Return whether a version may be a copy without an answer, and has the wanted values.

    Its ETag shows that the content is the same. Copies of objects that were stored in parts, or are
    encrypted with a key of KMS, have other ETags than they, as uploads of other clients have: those
    are not removed. Nor is the version `null`, whose place another client's object may take.
    """
    if row.marker or row.version_id == "null" or not copy.lost.explains(row.modified, ahead):
        return False
    if (row.etag, row.size) != (copy.before.etag, copy.before.size):
        return False
    now = read_properties(bucket, key, version_id=row.version_id, work=work)
    return not property_changes(now.editable, copy.wanted)


def _not_undoable(bucket: Bucket, key: str) -> Conflict:
    return Conflict(
        f"The change of {key}, whose answer was lost, cannot be undone",
        cause="Another client has changed the object, or there is no former version.",
        remedy="Choose the version to be restored in the list of versions.",
        subject=bucket.subject(key),
    )
