"""The operation `transfer.copy`, which copies or moves objects."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from core.aws.clients import ClientFactory
from core.errors import AlreadyExists, Cancelled, ErrorKind, ServiceError, StorageError
from core.model.connection import Connection
from core.model.objects import Verdict, Written
from core.objects.bucket import Bucket, HasBucket
from core.objects.copying import (
    SINGLE_BYTES,
    copy,
    equal_content,
)
from core.objects.deleting import Deleted, delete_unchanged
from core.objects.lost_answers import INTERRUPTIONS, LostAnswers, SentRequests
from core.objects.reading import head
from core.transfer.attempts import Attempts, work_with_budget
from core.transfer.moved import MovedObject, MoveReport
from core.transfer.other_object import Targets
from core.transfer.recorder import OutcomeRecorder
from core.transfer.running import run_journalled
from core.transfer.sweep import sweep_at_start
from core.transfer.values import (
    EXISTS,
    NOT_OLDER,
    SAME,
    SAME_SIZE,
    IfExists,
    TransferCancelled,
    TransferReport,
)
from core.work import Work, default_work, finishing

_THREADS = 8
#: The operations of which one makes a copy.
_COPYING = ("CopyObject", "CompleteMultipartUpload", "PutObject")
#: Seconds for which a deletion that was sent is waited for after a cancel.
_FINISHING_SECONDS = 0.7
#: Reasons to leave an existing object, by the decision.
_REASONS = {IfExists.IF_NEWER: NOT_OLDER, IfExists.IF_SIZE_DIFFERS: SAME_SIZE}


def copy_objects(  # noqa: PLR0913 - an operation's arguments are plain data, named by the caller
    workspace: HasBucket,
    work: Work | None = None,
    *,
    keys: Sequence[str],
    targets: Sequence[str],
    sizes: Sequence[int],
    etags: Sequence[str],
    source: Bucket | str = "",
    source_connection: Connection | None = None,
    if_exists: str = IfExists.SKIP.value,
) -> TransferReport:
    """Copy objects; the failure of one does not stop the others (operation `transfer.copy`).

    Args:
        workspace: the workspace with the bucket of the copies.
        work: cancel token, progress, `Outcomes` as batches, and the retry budget of all objects.
        keys: the objects.
        targets: the keys of the copies.
        sizes: their sizes in bytes.
        etags: their ETags in the listing; an object with another one is not copied.
        source: the bucket of the objects if it is not that of the workspace: the name of one of the
            same connection, or the bucket of another connection.
        source_connection: the connection of the bucket `source`, if it is another one; the engine
            process receives it as plain data.
        if_exists: a value of `IfExists`, except `KEEP_BOTH`.

    Raises:
        TransferCancelled: the token of `work` was cancelled; no copy is incomplete, and `partial`
            is the report.
    """
    rows = [_Row(*row) for row in zip(keys, targets, sizes, etags, strict=True)]
    with open_source(workspace.bucket, source, source_connection) as origin:
        run = _Copies(origin, workspace.bucket, work, IfExists(if_exists), move=False)
        try:
            return run.run(rows)
        except TransferCancelled as error:
            error.partial = error.report
            raise


def move_objects(  # noqa: PLR0913 - as above
    workspace: HasBucket,
    work: Work | None = None,
    *,
    keys: Sequence[str],
    targets: Sequence[str],
    sizes: Sequence[int],
    etags: Sequence[str],
    source: Bucket | str = "",
    source_connection: Connection | None = None,
    if_exists: str = IfExists.SKIP.value,
) -> MoveReport:
    """Copy objects, and delete each one after its copy was verified (operation `transfer.move`).

    After an interruption an object may exist under both keys, and never under none; the same call
    completes the move, and `undo_move` undoes it. The arguments and errors are those of
    `copy_objects`.
    """
    rows = [_Row(*row) for row in zip(keys, targets, sizes, etags, strict=True)]
    with open_source(workspace.bucket, source, source_connection) as origin:
        run = _Copies(origin, workspace.bucket, work, IfExists(if_exists), move=True)
        try:
            return MoveReport.of(run.run(rows), run.moved, run.unfinished)
        except TransferCancelled as error:
            report = MoveReport.of(error.report, run.moved, run.unfinished)
            error.report = error.partial = report
            raise


@dataclass(frozen=True, slots=True)
class _Row:
    """One object to copy."""

    key: str
    target: str
    size: int
    etag: str


@contextmanager
def open_source(
    bucket: Bucket, source: Bucket | str, connection: Connection | None
) -> Iterator[Bucket]:
    """Yield the bucket of the objects; a connection that is opened for it is closed at the end."""
    if isinstance(source, Bucket):
        yield source
        return
    if connection is None:
        yield Bucket(bucket.clients, source or bucket.name)
        return
    clients = ClientFactory(connection)
    try:
        yield Bucket(clients, source or connection.profile.bucket)
    finally:
        clients.close()


class _Copies:
    """One run; every object ends as done, skipped or failed."""

    def __init__(
        self, source: Bucket, bucket: Bucket, work: Work | None, if_exists: IfExists, *, move: bool
    ) -> None:
        self._source, self._bucket = source, bucket
        self._work = work_with_budget(default_work(work))
        self._if_exists, self._move = if_exists, move
        self._attempts = Attempts(self._work)
        self._targets = Targets(source, bucket, replace(self._work, report=Work().report))
        #: The numbers of targets that the server may store as the one of an earlier object.
        self._merged: set[int] = set()
        self._lock = threading.Lock()
        #: The numbers of copies that a request may have stored although it failed.
        self._unanswered: set[int] = set()
        #: The objects that were moved so far, and those that are not known to be removed.
        self.moved: list[MovedObject] = []
        self.unfinished: list[MovedObject] = []

    def run(self, rows: Sequence[_Row]) -> TransferReport:
        """Copy or move all objects and return the report.

        Raises:
            InvalidInput: targets are themselves objects to copy.
        """
        targets = [row.target for row in rows]
        if self._changes_existing:
            keys = [row.key for row in rows]
            self._attempts.attempted(lambda: self._targets.refuse_overlap(keys, targets))
            self._merged = self._targets.merged(targets)
        sweep_at_start(self._bucket, self._work)
        columns = {"keys": [row.key for row in rows], "sizes": [row.size for row in rows]}
        return run_journalled(None, columns, self._work, lambda recorder: self._all(recorder, rows))

    @property
    def _changes_existing(self) -> bool:
        """Whether the run removes objects, or replaces existing ones."""
        return self._move or self._if_exists is not IfExists.SKIP

    def _all(self, recorder: OutcomeRecorder, rows: Sequence[_Row]) -> None:
        """Copy all objects, small ones concurrently."""
        numbered = list(enumerate(rows))
        small = [each for each in numbered if each[1].size <= SINGLE_BYTES]
        limits = self._work.limits
        parallel = limits.parallel if limits is not None else None
        # The server copies small objects with one request each, so there are as many requests as
        # threads.
        with ThreadPoolExecutor(min(parallel or _THREADS, _THREADS), "copy") as pool:
            for _ in pool.map(lambda each: self._one(recorder, *each), small):
                self._work.check()
        # One after another: the parts of a large object are copied concurrently.
        for number, row in numbered:
            if row.size > SINGLE_BYTES:
                self._one(recorder, number, row)

    def _one(self, recorder: OutcomeRecorder, number: int, row: _Row) -> None:
        """Copy or move one object, and count the outcome."""
        try:
            if not row.etag:
                # SeaweedFS lists empty folders without an ETag.
                row = replace(row, etag=self._attempts.attempted(partial(self._etag, row)))
            proven = not self._changes_existing or self._attempts.attempted(
                partial(self._targets.check, row.key, row.target)
            )
            copying = SentRequests(_COPYING)
            try:
                written = self._attempts.attempted(
                    partial(self._copied, recorder, number, row, copying, proven=proven)
                )
            except StorageError:
                # A target that may be the object itself is not taken for its copy.
                if self._move and proven and copying.lost is not None:
                    self._leave_unfinished(_existing_copy(row, copying.lost))
                raise
            if written is None:
                self._existing(recorder, number, row, copying.lost)
                return
            verdict = self._end_move(row, written, copying.lost) if self._move else written.verdict
        except Cancelled:
            raise
        except StorageError as error:
            recorder.failed(number, error)
        else:
            recorder.done(number, verdict, race_free=written.race_free)

    def _etag(self, row: _Row) -> str:
        return head(self._source, row.key, work=self._work).etag

    def _copied(
        self,
        recorder: OutcomeRecorder,
        number: int,
        row: _Row,
        copying: SentRequests,
        *,
        proven: bool,
    ) -> Written | None:
        """Copy an object; return None if the target exists and is not replaced.

        Raises:
            InvalidInput: the target exists, and is not proven to be another object.
        """
        work = self._attempts.work_for(number, lambda now: recorder.moving(number, now))
        merged = number in self._merged
        only_new = merged or not proven or self._if_exists is not IfExists.OVERWRITE
        try:
            with copying.sending():
                return self._copy(row, only_new=only_new, work=work)
        except AlreadyExists:
            if not proven:
                raise self._targets.unproven(row.key, row.target) from None
            if merged or not self._replaces(row, work):
                return None
        except StorageError as error:
            # A request that was refused as one too many has stored nothing.
            if error.kind is not ErrorKind.THROTTLED:
                self._unanswered.add(number)
            raise
        with copying.sending():
            return self._copy(row, only_new=False, work=work)

    def _copy(self, row: _Row, *, only_new: bool, work: Work) -> Written:
        return copy(
            self._bucket,
            row.key,
            row.target,
            source=self._source,
            expected_etag=row.etag,
            only_new=only_new,
            # A move within a bucket changes the key only. A copy elsewhere must not give others
            # access that the owner of the other place does not know of.
            with_grants=self._move and self._targets.in_place,
            work=work,
        )

    def _replaces(self, row: _Row, work: Work) -> bool:
        """Return whether an object is replaced according to the decision for existing ones."""
        if self._if_exists is IfExists.SKIP:
            return False
        if self._if_exists is IfExists.IF_DIFFERENT:
            verdict = equal_content(self._source, row.key, self._bucket, row.target, work)
            # Equal sizes alone do not show that the contents are equal.
            return verdict in {None, Verdict.SIZE_ONLY}
        existing = head(self._bucket, row.target, work=work)
        if self._if_exists is IfExists.IF_NEWER:
            return head(self._source, row.key, work=work).modified > existing.modified
        return existing.size != row.size

    def _existing(
        self, recorder: OutcomeRecorder, number: int, row: _Row, lost: LostAnswers | None
    ) -> None:
        """Count an object whose target exists; an interrupted move is completed."""
        equal = self._attempts.attempted(lambda: self._compare(row))
        # The copy of another object is no reason to remove this one.
        if equal is not None and self._move and number not in self._merged:
            self._remove(row, _existing_copy(row, lost))
            recorder.done(number, equal)
            return
        proven = equal not in {None, Verdict.SIZE_ONLY}
        if proven and equal is not None and self._may_be_own(number, row):
            recorder.done(number, equal)
            return
        recorder.skipped(number, SAME if proven else _REASONS.get(self._if_exists, EXISTS))

    def _may_be_own(self, number: int, row: _Row) -> bool:
        """Return whether an equal target is the copy of a former request whose answer was lost.

        Other copies take several requests, of which the last ones may be missing.
        """
        at_once = row.size <= SINGLE_BYTES and self._source.clients is self._bucket.clients
        return at_once and number in self._unanswered

    def _end_move(self, row: _Row, written: Written, lost: LostAnswers | None) -> Verdict:
        """Remove a copied object, and return what its copy was compared with.

        Args:
            row: the object.
            written: its copy.
            lost: former requests for the copy without an answer, which may be below it.

        Raises:
            ServiceError: the copy differs; the object was not removed.
            StorageError: the object could not be removed.
        """
        version = written.version_id or ""
        # Servers report "null" for objects without a version.
        version = "" if version == "null" else version
        moved = MovedObject(
            row.key, "", row.target, written.etag, version, row.etag, written.size, lost_copy=lost
        )
        verdict = written.verdict
        if verdict is Verdict.SIZE_ONLY:
            # The last chance to detect a damaged copy: afterwards there is no source to copy again.
            verdict = self._verdict(row, moved)
        self._remove(row, moved)
        return verdict

    def _verdict(self, row: _Row, moved: MovedObject) -> Verdict:
        try:
            compared = self._attempts.attempted(lambda: self._compare(row))
        except StorageError as error:
            if error.kind in INTERRUPTIONS:
                self._leave_unfinished(moved)
            raise
        if compared is None:
            raise ServiceError(
                f"{row.target} is not an exact copy of {row.key}",
                cause="Their bytes differ.",
                remedy="Try again; the source was not removed.",
                subject=self._bucket.subject(row.target),
            )
        return compared

    def _compare(self, row: _Row) -> Verdict | None:
        work = replace(self._work, report=Work().report)
        return equal_content(self._source, row.key, self._bucket, row.target, work, read=self._move)

    def _remove(self, row: _Row, moved: MovedObject) -> None:
        deleting = SentRequests(("DeleteObject",))
        try:
            deleted = self._attempts.attempted(partial(self._delete, row, deleting))
        except StorageError as error:
            # A deletion that was refused leaves a copy that the user knows of.
            if deleting.lost is not None or error.kind in INTERRUPTIONS:
                self._leave_unfinished(replace(moved, lost=deleting.lost))
            raise
        with self._lock:
            self.moved.append(replace(moved, marker=deleted.marker or "", lost=deleting.lost))

    def _leave_unfinished(self, moved: MovedObject) -> None:
        """Note an object that was copied, or may have been, and is not known to be removed."""
        with self._lock:
            self.unfinished.append(replace(moved, removed=False))

    def _delete(self, row: _Row, deleting: SentRequests) -> Deleted:
        # A cancel waits for the answer for a while: it spares the undo to look for the marker.
        with finishing(self._work, _FINISHING_SECONDS) as rest, deleting.sending():
            return delete_unchanged(self._source, row.key, row.etag, work=rest)


def _existing_copy(row: _Row, lost: LostAnswers | None) -> MovedObject:
    """Return an object whose copy existed before, unless one of these requests has made it."""
    return MovedObject(row.key, "", row.target, source_etag=row.etag, size=row.size, lost_copy=lost)
