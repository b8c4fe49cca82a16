"""The operations `objects.edit_properties` and `objects.undo_edits`: properties of many objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from core.effects import attaching_partial
from core.errors import Cancelled, ErrorKind, ServiceError, StorageError
from core.model.upload_options import Pairs, UploadOptions
from core.objects.bucket import Bucket, HasBucket
from core.objects.deleting import FailedDelete
from core.objects.options import check_options
from core.objects.properties import (
    ObjectProperties,
    change_properties,
    change_tags,
    property_changes,
    read_properties,
    remove_change,
)
from core.objects.property_edits import PropertyEdit, check_edit
from core.objects.tags import get_tags
from core.objects.trash import RestoreReport
from core.transfer.attempts import Attempts, work_with_budget
from core.transfer.values import Failure
from core.units import format_counted
from core.work import Progress, Work, default_work, finishing

_THREADS = 8
#: Seconds for which the change of a small object goes on after a cancel, so that it is reported.
_FINISHING_SECONDS = 0.7
#: US dollars for a thousand requests in S3 Standard. Source: https://aws.amazon.com/s3/pricing,
#: us-east-1, 2025. Other regions differ.
_WRITE_PRICE, _READ_PRICE = 0.005, 0.0004
#: US dollars for a thousand copies into other storage classes; of the same source.
_COPY_PRICES = {
    "STANDARD_IA": 0.01, "ONEZONE_IA": 0.01, "GLACIER_IR": 0.02, "GLACIER": 0.03,
    "DEEP_ARCHIVE": 0.05,
}  # fmt: skip
_LEAST_PRICE = 0.0001
#: Reading requests for each object: to read it; for a copy, to read it again just before and to
#: compare the copy and its properties; for tags, to compare them before and after.
_TO_READ, _TO_COPY, _TO_TAG = 2, 5, 2


@dataclass(frozen=True, slots=True)
class EditedObject:
    """What the undo of the change of one object needs.

    Attributes:
        key: the object.
        version_id: the new version; empty if there is none.
        copied: whether the object was copied onto itself.
        before: the former tags if they were replaced in the present version, else None.
        after: the tags that replaced them.
    """

    key: str
    version_id: str = ""
    copied: bool = False
    before: Pairs | None = None
    after: Pairs = ()

    @property
    def undoable(self) -> bool:
        """Whether an undo returns to exactly the former state."""
        return bool(self.version_id) or not self.copied


@dataclass(frozen=True, slots=True)
class EditReport:
    """Outcome of a change; each key is in one of `changed`, `unchanged`, `failed` and `cancelled`.

    Attributes:
        changed: the objects that have the new properties.
        unchanged: the keys of those that already had them.
        failed: the objects that could not be changed completely, with their numbers in the order.
        partly: what was changed of objects in `failed` and `cancelled`.
        cancelled: the keys of those that were not tried, or not completely, before a cancel.
    """

    changed: tuple[EditedObject, ...] = ()
    unchanged: tuple[str, ...] = ()
    failed: tuple[Failure, ...] = ()
    partly: tuple[EditedObject, ...] = ()
    cancelled: tuple[str, ...] = ()

    @property
    def planned(self) -> int:
        """The number of objects that were to be changed."""
        ended = len(self.changed) + len(self.unchanged) + len(self.failed)
        return ended + len(self.cancelled)

    @property
    def kind(self) -> ErrorKind | None:
        """The most frequent kind of failure, or the first of several; None without a failure."""
        counts = Counter(failure.kind for failure in self.failed)
        return counts.most_common(1)[0][0] if counts else None

    @property
    def undoable(self) -> tuple[EditedObject, ...]:
        """The changes that can be undone."""
        return tuple(each for each in (*self.changed, *self.partly) if each.undoable)


def price_of(count: int, edit: PropertyEdit) -> tuple[int, float]:
    """Return the number of requests of a change, and their price in US dollars.

    Objects that already have the properties need fewer, large ones more. A copy costs what its new
    storage class costs, and that of S3 Standard if the class is not changed.
    """
    writes = edit.copies + edit.retags
    reads = _TO_READ + _TO_COPY * edit.copies + _TO_TAG * edit.retags
    copy = _COPY_PRICES.get(edit.storage_class, _WRITE_PRICE)
    price = edit.copies * copy + edit.retags * _WRITE_PRICE + reads * _READ_PRICE
    return count * (writes + reads), count * price / 1000


def requests_text(count: int, edit: PropertyEdit) -> str:
    """Return what `price_of` returns as a text, for example `about 60 requests, $0.0012`."""
    number, cost = price_of(count, edit)
    requests = format_counted(number, "request")
    if cost < _LEAST_PRICE:
        return f"about {requests}, less than ${_LEAST_PRICE}"
    return f"about {requests}, ${cost:.4f}"


def edit_properties(
    workspace: HasBucket, work: Work | None = None, *, keys: Sequence[str], edit: PropertyEdit
) -> EditReport:
    """Change properties of many objects; the failure of one does not stop the others.

    Each object is read first and read back afterwards. One that already has the properties is not
    written, so that the same call completes a change that was interrupted.

    Args:
        workspace: the workspace with the bucket.
        work: cancel token, progress, and the retry budget of all objects.
        keys: the objects.
        edit: the change.

    Raises:
        InvalidInput: the change is not valid; nothing was sent.
        Cancelled: the token of `work` was cancelled; `partial` has the report so far.
    """
    check_edit(edit)
    run = _Edits(workspace.bucket, edit, work, keys)
    with attaching_partial(run.report):
        run.all()
    return run.report()


class _Edits:
    """One run; threads change the objects."""

    def __init__(
        self, bucket: Bucket, edit: PropertyEdit, work: Work | None, keys: Sequence[str]
    ) -> None:
        self._bucket, self._edit, self._keys = bucket, edit, keys
        self._work = work_with_budget(default_work(work))
        self._attempts = Attempts(self._work)
        # By the numbers of the keys, so that the report has their order.
        self._edited: dict[int, EditedObject] = {}
        #: The properties of each object before its copy was requested.
        self._sent: dict[int, ObjectProperties] = {}
        self._unchanged: set[int] = set()
        self._failed: dict[int, Failure] = {}
        self._done: set[int] = set()

    def all(self) -> None:
        """Change all objects."""
        total = len(self._keys)
        with ThreadPoolExecutor(_threads(self._work), "edit") as pool:
            for count, _ in enumerate(pool.map(self._one, range(total)), 1):
                self._work.check()
                self._work.report(Progress(count, total, "objects"))

    def report(self) -> EditReport:
        """Return the outcomes so far."""
        ended = self._done | self._failed.keys()
        return EditReport(
            tuple(self._edited[n] for n in sorted(self._done & self._edited.keys())),
            tuple(self._keys[n] for n in sorted(self._unchanged)),
            tuple(self._failed[n] for n in sorted(self._failed)),
            tuple(self._edited[n] for n in sorted(self._edited.keys() - self._done)),
            tuple(key for n, key in enumerate(self._keys) if n not in ended),
        )

    def _one(self, number: int) -> None:
        try:
            self._attempts.attempted(partial(self._change, number))
        except Cancelled:
            raise
        except StorageError as error:
            self._failed[number] = Failure.of(number, self._keys[number], error)
        else:
            self._done.add(number)
            if number not in self._edited:
                self._unchanged.add(number)

    def _change(self, number: int) -> None:
        """Change what differs; after a failed attempt, that is what is still missing."""
        self._work.check()
        # A cancel lets the change of an object end: it could not be undone if it were not known.
        with finishing(self._work, _FINISHING_SECONDS) as rest:
            self._change_begun(number, replace(rest, report=Work().report))

    def _change_begun(self, number: int, quiet: Work) -> None:
        key, edit = self._keys[number], self._edit
        found = read_properties(self._bucket, key, work=quiet)
        tags = edit.tags_for(self._tags(found, quiet)) if edit.retags else ()
        check_options(UploadOptions(tags=tags))
        values = edit.values_for(found)
        sent = self._sent.get(number)
        if property_changes(found.editable, values):
            self._sent[number] = found
            found = change_properties(self._bucket, key, found, values, work=quiet)
            self._edited[number] = EditedObject(key, found.version_id, copied=True)
        elif sent is not None and number not in self._edited and _is_copy(found, sent):
            # The answer to the copy of a former attempt was lost.
            self._edited[number] = EditedObject(key, found.version_id, copied=True)
        if edit.retags and sorted(tags) != sorted(found.tags or ()):
            self._retag(number, found.tags or (), tags, quiet)

    def _tags(self, found: ObjectProperties, work: Work) -> Pairs:
        # None if they cannot be read: then this request reports the reason.
        return found.tags if found.tags is not None else get_tags(self._bucket, found.key, "", work)

    def _retag(self, number: int, before: Pairs, after: Pairs, work: Work) -> None:
        key = self._keys[number]
        stored = change_tags(self._bucket, key, before, after, work=work)
        if number not in self._edited:  # else they are those of the new version
            self._edited[number] = EditedObject(key, before=before, after=stored)
        if sorted(stored) != sorted(after):
            raise ServiceError(
                f"The server has not stored the tags of {key} as requested",
                cause="It ignores a part of the request.",
                remedy="Compare the tags of the object with the wanted ones.",
                subject=self._bucket.subject(key),
            )


def _is_copy(found: ObjectProperties, sent: ObjectProperties) -> bool:
    """Return whether an object is the copy of a version onto itself, and not another upload.

    The ETag of a copy is that of the source, except for objects stored in parts or encrypted with a
    key of KMS: of those only the size is compared.
    """
    if found.version_id == sent.version_id or found.size != sent.size:
        return False
    return found.etag == sent.etag or "-" in sent.etag or sent.encryption.startswith("aws:kms")


def undo_edits(
    workspace: HasBucket, work: Work | None = None, *, edited: Sequence[EditedObject]
) -> RestoreReport:
    """Undo changes of properties: remove the new versions, or set the former tags again.

    An object that another client has changed in the meantime is not touched and counts as failed.

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
    failed: list[FailedDelete] = []

    def undo(each: EditedObject) -> None:
        try:
            attempts.attempted(partial(_undo_one, workspace.bucket, each, work))
        except Cancelled:
            raise
        except StorageError as error:
            failed.append(FailedDelete(each.key, error.kind.name.lower(), error.summary))
        else:
            restored.append(each.key)

    def report() -> RestoreReport:
        return RestoreReport(tuple(restored), tuple(failed))

    with attaching_partial(report), ThreadPoolExecutor(_threads(work), "undo-edit") as pool:
        for count, _ in enumerate(pool.map(undo, edited), 1):
            work.check()
            work.report(Progress(count, total, "objects"))
        if attempts.ended is not None:  # such as a lock: the undo can be repeated
            raise attempts.ended
    return report()


def _undo_one(bucket: Bucket, each: EditedObject, work: Work) -> None:
    work.check()
    with finishing(replace(work, report=Work().report), _FINISHING_SECONDS) as rest:
        if each.version_id:
            remove_change(bucket, each.key, each.version_id, rest)
        elif each.before is not None:
            change_tags(bucket, each.key, each.after, each.before, work=rest)


def _threads(work: Work) -> int:
    parallel = work.limits.parallel if work.limits is not None else None
    return min(parallel or _THREADS, _THREADS)
