"""The undo of deletions, also of those whose answers never came.

Without the answer the id of the delete marker is not known, nor whether there is one: the versions
of the key show it. A marker is only removed if it may be that of the lost request by its time and
number, and if nothing but such markers is above the object that was to be deleted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from core.effects import attaching_partial
from core.errors import AccessDenied, Cancelled, NotFound, NotSupported, StorageError
from core.objects.bucket import Bucket, HasBucket
from core.objects.deleting import DeleteReport, FailedDelete
from core.objects.lost_answers import LostAnswers, settle
from core.objects.reading import head
from core.objects.trash import RestoreReport, restore
from core.objects.versions import NewestVersions, ObjectVersion, newest_versions
from core.work import Work, default_work

_THREADS = 8
#: The number of objects with known delete markers up to which each is read with a request.
_REQUESTED_EACH = 100
#: Codes of keys that an undo does not touch, see `FailedDelete.code`.
PERMANENT, REPLACED, FOREIGN = "DeletedPermanently", "Replaced", "OtherDeleteMarker"
SUSPENDED = "VersioningSuspended"
_REASONS = {
    PERMANENT: "It was deleted permanently: there is no former version of it",
    REPLACED: "The key has another object than before, which was not touched",
    FOREIGN: "A delete marker that may be of another client hides it, and was not touched",
    SUSPENDED: "Versioning is suspended: an object of another client may take the place of its "
    "delete marker at any time, so that it was not touched",
}
#: The version id that an object of another client takes while versioning is suspended.
_NULL = "null"


@dataclass(frozen=True, slots=True)
class LostDeletion:
    """The object of a deletion of which at least one answer never came.

    Attributes:
        key: the object.
        etag: its ETag before, without quotes; empty if it is not known.
        size: its size in bytes before.
        lost: the requests without answers; None if none was sent.
        markers: the delete markers that answers have named.
    """

    key: str
    etag: str
    size: int
    lost: LostAnswers | None = None
    markers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undoable:
    """What an undo of a deletion restores.

    Attributes:
        hidden: the keys whose delete markers are known, each with their ids.
        lost: the deletions of which an answer never came, whose objects are inspected.
    """

    hidden: tuple[tuple[str, tuple[str, ...]], ...] = ()
    lost: tuple[LostDeletion, ...] = ()

    @property
    def count(self) -> int:
        """The number of objects."""
        return len(self.hidden) + len(self.lost)

    def without(self, report: RestoreReport | None) -> Undoable:
        """Return what is left after an undo has ended early; everything without its report."""
        ended = {*report.restored, *report.present} if report is not None else set()
        return Undoable(
            tuple(each for each in self.hidden if each[0] not in ended),
            tuple(each for each in self.lost if each.key not in ended),
        )


def undoable(
    report: DeleteReport,
    objects: Mapping[str, tuple[str, int]],
    earlier: Sequence[LostDeletion] = (),
) -> Undoable:
    """Return what an undo of a deletion restores.

    Args:
        report: that of the deletion, also after an error.
        objects: the ETag, without quotes, and the size of each object before.
        earlier: the deletions without an answer that this one has repeated.
    """
    lost = {each.key: each for each in earlier}
    for keys, answers in report.lost:
        for key in keys:
            former = lost.get(key) or LostDeletion(key, *objects[key])
            number = former.lost.joined(answers) if former.lost is not None else answers
            lost[key] = replace(former, lost=number)
    hidden: list[tuple[str, tuple[str, ...]]] = []
    for each in report.deleted:
        if each.marker is None:
            continue
        if each.key in lost:
            former = lost[each.key]
            lost[each.key] = replace(former, markers=(*former.markers, each.marker))
        else:
            hidden.append((each.key, (each.marker,)))
    return Undoable(tuple(hidden), tuple(lost.values()))


@dataclass(frozen=True, slots=True)
class Fates:
    """What became of the objects of lost deletions; each key is in one of the columns.

    Attributes:
        hidden: the objects that delete markers of the deletions hide, with the ids of these
            markers.
        present: the keys of objects that were not deleted.
        failed: those that cannot be restored, and why.
    """

    hidden: tuple[tuple[str, tuple[str, ...]], ...] = ()
    present: tuple[str, ...] = ()
    failed: tuple[FailedDelete, ...] = ()


def look_up(bucket: Bucket, deletions: Sequence[LostDeletion], work: Work) -> Fates:
    """Return what became of the objects of deletions; nothing is changed.

    Raises:
        StorageError: an error that may be temporary, or a cancel.
    """
    hidden: list[tuple[str, tuple[str, ...]]] = []
    present: list[str] = []
    failed: list[FailedDelete] = []
    settle((each.lost for each in deletions), work)
    with ThreadPoolExecutor(_THREADS, "look-up") as pool:
        found = list(pool.map(lambda each: _fate(bucket, each, work), deletions))
    for each, fate in zip(deletions, found, strict=True):
        if isinstance(fate, FailedDelete):
            failed.append(fate)
        elif fate:
            hidden.append((each.key, fate))
        else:
            present.append(each.key)
    return Fates(tuple(hidden), tuple(present), tuple(failed))


def _fate(bucket: Bucket, each: LostDeletion, work: Work) -> tuple[str, ...] | FailedDelete:
    """Return the delete markers to remove, none if the object is there, or why it stays as it is."""
    work.check()
    try:
        found = newest_versions(bucket, each.key, work=work)
    except (AccessDenied, NotSupported) as error:
        return _fate_without_versions(bucket, each, _not_known(each, error), work)
    except StorageError as error:
        if isinstance(error, Cancelled) or error.retryable:
            raise
        return _not_known(each, error)
    if not found.versions:  # some servers list no versions of buckets without versioning
        return _fate_without_versions(
            bucket, replace(each, markers=()), _failure(each, PERMANENT), work
        )
    fate = _markers(found, each)
    return _failure(each, fate) if isinstance(fate, str) else fate


def _failure(each: LostDeletion, code: str) -> FailedDelete:
    return FailedDelete(each.key, code, _REASONS[code])


def _markers(found: NewestVersions, each: LostDeletion) -> tuple[str, ...] | str:
    """Return the delete markers to remove, or the code of the reason to leave them."""
    former = [row for row in found.versions if not row.marker and _is_former(row, each)]
    version = next((row for row in found.versions if not row.marker), None)
    if version is None or version not in former:
        replaced = former or (version is not None and found.versions[0] is version)
        return REPLACED if replaced else PERMANENT
    if found.versions[0] is version:
        return ()
    above = [row for row in found.versions if row.marker and row.modified >= version.modified]
    sure = [row for row in above if row.current or row.modified > version.modified]
    number = each.lost.number if each.lost is not None else 0
    own: list[str] = []
    for row in above:
        if row.version_id in each.markers:
            own.append(row.version_id)
        elif _is_own(row, each, found.ahead):
            if row.version_id == _NULL:
                return SUSPENDED
            own.append(row.version_id)
            number -= 1
        elif row in sure:
            return FOREIGN
    # With more markers than requests, which of them is another client's cannot be seen.
    return tuple(own) if number >= 0 else FOREIGN


def _is_former(row: ObjectVersion, each: LostDeletion) -> bool:
    return row.size == each.size and each.etag in {"", row.etag}


def _is_own(row: ObjectVersion, each: LostDeletion, ahead: float) -> bool:
    return each.lost is not None and each.lost.explains(row.modified, ahead)


def _fate_without_versions(
    bucket: Bucket, each: LostDeletion, otherwise: FailedDelete, work: Work
) -> tuple[str, ...] | FailedDelete:
    """Return the same as `_fate` where no versions are listed; `otherwise` if nothing is known."""
    try:
        now = head(bucket, each.key, work=work)
    except NotFound:
        return each.markers or otherwise
    except AccessDenied:
        return otherwise
    same = now.size == each.size and each.etag in {"", now.etag}
    return () if same else _failure(each, REPLACED)


def _not_known(each: LostDeletion, error: StorageError) -> FailedDelete:
    why = f"Whether it was deleted is not known: {error.reason}".rstrip(".")
    return FailedDelete(each.key, error.kind.name.lower(), why)


def undo_delete(
    bucket: Bucket,
    objects: Sequence[tuple[str, Sequence[str]]],
    lost: Sequence[LostDeletion],
    *,
    work: Work | None = None,
) -> RestoreReport:
    """Undo deletions; the objects of those without an answer are looked up first.

    Up to 100 others are looked up, too: an object that another client has stored or deleted since
    is reported as failed.

    Args:
        bucket: the bucket.
        objects: the keys whose delete markers are known, each with their ids.
        lost: the deletions without an answer.
        work: cancel token and progress.

    Raises:
        StorageError: a request was denied or failed; `partial` is the report so far, None if
            nothing was restored.
        Cancelled: the token of `work` was cancelled; `partial` as above.
    """
    work = default_work(work)
    fates = look_up(bucket, lost, work) if lost else Fates()
    covered = _covered(bucket, objects, work)
    known = [each for each in objects if each[0] not in covered]
    report = restore(bucket, [*known, *fates.hidden], work=work)
    failed = (*report.failed, *covered.values(), *fates.failed)
    report = replace(report, failed=failed, present=fates.present)
    found = {key for key, _markers in fates.hidden}
    with attaching_partial(lambda: report):
        missing = _missing(bucket, [key for key in report.restored if key in found], work)
    return replace(
        report,
        restored=tuple(key for key in report.restored if key not in missing),
        failed=(*report.failed, *missing.values()),
    )


def _covered(
    bucket: Bucket, objects: Sequence[tuple[str, Sequence[str]]], work: Work
) -> dict[str, FailedDelete]:
    """Return the keys above whose delete markers another client has stored or deleted something.

    Removing the markers would bring nothing back. Many keys are not looked up, and none without
    the permission.
    """

    def fate(each: tuple[str, Sequence[str]]) -> FailedDelete | None:
        key, markers = each
        try:
            found = newest_versions(bucket, key, work=work).versions
        except (AccessDenied, NotSupported):
            return None
        if not found or found[0].version_id in markers:
            return None
        code = FOREIGN if found[0].marker else REPLACED
        return FailedDelete(key, code, _REASONS[code])

    if len(objects) > _REQUESTED_EACH:
        return {}
    with ThreadPoolExecutor(_THREADS, "look-up") as pool:
        return {each.key: each for each in pool.map(fate, objects) if each is not None}


def _missing(bucket: Bucket, keys: Sequence[str], work: Work) -> dict[str, FailedDelete]:
    """Return the keys that have no object although their delete markers were removed."""

    def missing(key: str) -> FailedDelete | None:
        try:
            head(bucket, key, work=work)
        except NotFound:
            return FailedDelete(key, FOREIGN, _REASONS[FOREIGN])
        except AccessDenied:  # its markers are removed, and it need not be readable
            return None
        return None

    with ThreadPoolExecutor(_THREADS, "look-up") as pool:
        found = zip(keys, pool.map(missing, keys), strict=True)
        return {key: failure for key, failure in found if failure is not None}


def restore_objects(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    objects: Sequence[tuple[str, Sequence[str]]],
    lost: Sequence[LostDeletion] = (),
) -> RestoreReport:
    """Restore deleted objects of the workspace's bucket (operation `objects.restore_many`).

    Args:
        workspace: whose bucket it is.
        work: cancel and progress.
        objects: keys, each with the version ids of its delete markers.
        lost: deletions without an answer, whose objects are looked up.

    Raises:
        StorageError: a request was denied or failed; earlier requests have taken effect.
        Cancelled: the token of `work` was cancelled; earlier requests have taken effect.
    """
    # Markers and not only keys: a key may have been deleted again since it was listed.
    return undo_delete(workspace.bucket, objects, lost, work=default_work(work))
