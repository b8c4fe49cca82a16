"""The operation `objects.edit_properties`, which changes properties of many objects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from core.effects import attaching_partial
from core.errors import Cancelled, ErrorKind, ServiceError, StorageError
from core.model.objects import Written
from core.model.upload_options import Pairs, UploadOptions
from core.objects.bucket import Bucket, HasBucket
from core.objects.lost_answers import SentRequests
from core.objects.options import check_options
from core.objects.properties import (
    ObjectProperties,
    PropertyValues,
    change_properties,
    change_tags,
    property_changes,
    read_properties,
)
from core.objects.property_edits import PropertyEdit, check_edit
from core.objects.tags import get_tags
from core.transfer.attempts import Attempts, work_with_budget
from core.transfer.edited import EditedObject, EditReport, LostCopy
from core.transfer.values import Failure
from core.units import format_cost, format_counted
from core.work import Progress, Work, default_work, finishing

_THREADS = 8
#: The operations that copy an object onto itself, and those that change its tags.
_COPYING = ("CopyObject", "CompleteMultipartUpload")
_TAGGING = ("PutObjectTagging", "DeleteObjectTagging")
#: Seconds for which the change of a small object goes on after a cancel, so that it is reported.
FINISHING_SECONDS = 0.7
#: US dollars for a thousand requests in S3 Standard. Source: https://aws.amazon.com/s3/pricing,
#: us-east-1, 2025. Other regions differ.
_WRITE_PRICE, _READ_PRICE = 0.005, 0.0004
#: US dollars for a thousand copies into other storage classes; of the same source.
_COPY_PRICES = {
    "STANDARD_IA": 0.01, "ONEZONE_IA": 0.01, "GLACIER_IR": 0.02, "GLACIER": 0.03,
    "DEEP_ARCHIVE": 0.05,
}  # fmt: skip
#: Reading requests for each object: to read it; for a copy, to read it again just before and to
#: compare the copy and its properties; for tags, to compare them before and after.
_TO_READ, _TO_COPY, _TO_TAG = 2, 5, 2


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
    """Return what `price_of` returns as a text, for example `about 60 requests, 0.02 USD`."""
    number, cost = price_of(count, edit)
    requests = format_counted(number, "request")
    return f"about {requests}, {format_cost(cost)}"


def edit_properties(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    keys: Sequence[str],
    edit: PropertyEdit,
    ended: Callable[[EditReport], object] | None = None,
) -> EditReport:
    """Change properties of many objects; the failure of one does not stop the others.

    Each object is read first and read back afterwards. One that already has the properties is not
    written, so that the same call completes a change that was interrupted.

    Args:
        workspace: the workspace with the bucket.
        work: cancel token, progress, and the retry budget of all objects.
        keys: the objects.
        edit: the change.
        ended: called with the outcome of each object as soon as it is known, by several threads.

    Raises:
        InvalidInput: the change is not valid; nothing was sent.
        Cancelled: the token of `work` was cancelled; `partial` has the report so far.
    """
    check_edit(edit)
    run = _Edits(workspace.bucket, edit, work, keys, ended)
    with attaching_partial(run.report):
        run.all()
    return run.report()


class _Edits:
    """One run; threads change the objects."""

    def __init__(
        self,
        bucket: Bucket,
        edit: PropertyEdit,
        work: Work | None,
        keys: Sequence[str],
        ended: Callable[[EditReport], object] | None,
    ) -> None:
        self._bucket, self._edit, self._keys, self._ended = bucket, edit, keys, ended
        self._work = work_with_budget(default_work(work))
        self._attempts = Attempts(self._work)
        # By the numbers of the keys, so that the report has their order.
        self._edited: dict[int, EditedObject] = {}
        #: What was requested of each object so far.
        self._sent: dict[int, _Sent] = {}
        self._unchanged: set[int] = set()
        self._failed: dict[int, Failure] = {}
        self._done: set[int] = set()

    def all(self) -> None:
        """Change all objects."""
        total = len(self._keys)
        with ThreadPoolExecutor(threads_of(self._work), "edit") as pool:
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
            tuple(
                found
                for n in sorted(self._sent.keys() - self._done - self._edited.keys())
                if (found := self._sent[n].unanswered(self._keys[n])) is not None
            ),
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
        if self._ended is not None:
            self._ended(self._outcome(number))

    def _outcome(self, number: int) -> EditReport:
        """Return the report of one object that has ended."""
        edited, failure = self._edited.get(number), self._failed.get(number)
        present = () if edited is None else (edited,)
        if failure is not None:
            sent = self._sent.get(number)
            lost = sent.unanswered(failure.key) if sent is not None and edited is None else None
            unanswered = () if lost is None else (lost,)
            return EditReport(failed=(failure,), partly=present, unanswered=unanswered)
        return EditReport(present, () if present else (self._keys[number],))

    def _change(self, number: int) -> None:
        """Change what differs; after a failed attempt, that is what is still missing."""
        self._work.check()
        # A cancel lets the change of an object end: it could not be undone if it were not known.
        with finishing(self._work, FINISHING_SECONDS) as rest:
            self._change_begun(number, replace(rest, report=Work().report))

    def _change_begun(self, number: int, quiet: Work) -> None:
        key, edit = self._keys[number], self._edit
        found = read_properties(self._bucket, key, work=quiet)
        tags = edit.tags_for(self._tags(found, quiet)) if edit.retags else ()
        check_options(UploadOptions(tags=tags))
        values = edit.values_for(found)
        sent = self._sent.setdefault(number, _Sent())
        if property_changes(found.editable, values):
            sent.before, sent.wanted = found, values
            try:
                with sent.copies.sending():
                    found = change_properties(self._bucket, key, found, values, work=quiet)
            except StorageError as error:
                self._note_copy(number, error)
                raise
            self._edited[number] = sent.copied(key, found.version_id)
        elif number not in self._edited and sent.before and _is_copy(found, sent.before):
            # The answer to the copy of a former attempt was lost.
            self._edited[number] = sent.copied(key, found.version_id)
        if edit.retags and sorted(tags) != sorted(found.tags or ()):
            self._retag(number, found, tags, quiet)
        elif number not in self._edited and sent.tagged and _is_same(found, sent.tagged):
            # The answer to the change of tags of a former attempt was lost.
            self._edited[number] = EditedObject(key, before=sent.tagged.tags or (), after=tags)

    def _note_copy(self, number: int, error: StorageError) -> None:
        """Note the copy of an object whose change failed afterwards, so that it can be undone."""
        copy, error.partial = error.partial, None
        if not isinstance(copy, Written):
            return
        self._edited[number] = self._sent[number].copied(copy.key, copy.version_id or "")
        if error.retryable:
            # Another attempt would take the copy without its tags or grants for a finished one.
            error.kind = ErrorKind.CORRUPT

    def _tags(self, found: ObjectProperties, work: Work) -> Pairs:
        # None if they cannot be read: then this request reports the reason.
        return found.tags if found.tags is not None else get_tags(self._bucket, found.key, "", work)

    def _retag(self, number: int, found: ObjectProperties, after: Pairs, work: Work) -> None:
        key, before, sent = self._keys[number], found.tags or (), self._sent[number]
        sent.tagged, sent.new_tags = found, after
        with sent.tags.sending():
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


@dataclass(slots=True)
class _Sent:
    """The requests to change one object, over all attempts.

    Attributes:
        copies: the copies onto itself.
        before: its properties before the last of them; None if there was none.
        wanted: the values that it was to set.
        tags: the changes of its tags in place.
        tagged: its properties before the last of them; None if there was none.
        new_tags: the tags that it was to set.
    """

    copies: SentRequests = field(default_factory=lambda: SentRequests(_COPYING))
    before: ObjectProperties | None = None
    wanted: PropertyValues | None = None
    tags: SentRequests = field(default_factory=lambda: SentRequests(_TAGGING))
    tagged: ObjectProperties | None = None
    new_tags: Pairs = ()

    def copied(self, key: str, version_id: str, *, answered: bool = True) -> EditedObject:
        """Return the object, which was copied onto itself."""
        return EditedObject(
            key, version_id, copied=True, answered=answered, lost_copy=self.lost_copy
        )

    @property
    def lost_copy(self) -> LostCopy | None:
        """The copies of which answers are missing."""
        if self.copies.lost is None or self.before is None or self.wanted is None:
            return None
        return LostCopy(self.before, self.wanted, self.copies.lost)

    def unanswered(self, key: str) -> EditedObject | None:
        """Return what may have been changed of an object that is not known to be changed."""
        if self.lost_copy is not None:
            return self.copied(key, "", answered=False)
        if self.tagged is None or self.tags.lost is None:
            return None
        return EditedObject(key, before=self.tagged.tags or (), after=self.new_tags, answered=False)


def _is_same(found: ObjectProperties, other: ObjectProperties) -> bool:
    """Return whether an object is the same version as before, also without versions."""
    place = (found.version_id, found.etag, found.modified)
    return place == (other.version_id, other.etag, other.modified)


def _is_copy(found: ObjectProperties, sent: ObjectProperties) -> bool:
    """Return whether an object is the copy of a version onto itself, and not another upload.

    The ETag of a copy is that of the source, except for objects stored in parts or encrypted with a
    key of KMS: of those only the size is compared.
    """
    if found.version_id == sent.version_id or found.size != sent.size:
        return False
    return found.etag == sent.etag or "-" in sent.etag or sent.encryption.startswith("aws:kms")


def threads_of(work: Work) -> int:
    """Return the number of threads that change objects."""
    parallel = work.limits.parallel if work.limits is not None else None
    return min(parallel or _THREADS, _THREADS)
