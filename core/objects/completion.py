"""A multipart upload that is either completed or aborted, and never overwrites if it must not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from core.aws.faults import translated
from core.errors import ErrorKind
from core.local.pending_uploads import PendingUpload, note
from core.objects import conditions
from core.objects.bucket import Bucket
from core.objects.conditions import COMPLETE, ONLY_NEW
from core.objects.probes import probe_completion, refuse_existing_key
from core.objects.resuming import continued, fingerprint_of, is_retained
from core.objects.unfinished import abort, create
from core.work import Work

#: Kinds of errors after which the object may have been completed anyway.
MAY_BE_DONE = frozenset(
    {ErrorKind.NOT_FOUND, ErrorKind.CONFLICT, ErrorKind.OFFLINE, ErrorKind.SERVICE}
)


class OpenUpload:
    """A multipart upload that was created; `upload_id` is its id at the server.

    `stored` has the parts that a former run has sent, by their numbers, as ListParts returns them.
    """

    def __init__(
        self,
        bucket: Bucket,
        key: str,
        upload_id: str,
        work: Work,
        stored: Mapping[int, Mapping[str, Any]] | None = None,
    ) -> None:
        self._bucket, self._key, self._work = bucket, key, work
        self.upload_id, self.stored = upload_id, stored or {}
        self.completed = False

    def complete(self, parts: Sequence[dict[str, Any]], *, only_new: bool) -> dict[str, Any]:
        """Complete the upload and return the server's answer.

        Args:
            parts: number, ETag and checksum of each part, as botocore expects them.
            only_new: never overwrite an object.

        Raises:
            AlreadyExists: `only_new`, and another object has the key.
            StorageError: the request was refused or failed; for the kinds of `MAY_BE_DONE` the
                object may exist all the same.
        """
        if not only_new:
            answer = self._requested(parts)
        else:
            # The lock includes the check of the key, for servers that do not check it themselves.
            with conditions.one_completion(self._bucket, self._key, self._work):
                known = conditions.is_supported(self._bucket, COMPLETE)
                if not known:
                    conditions.refuse_existing(self._bucket, self._key, self._work)
                condition = ONLY_NEW if known is not False else {}
                answer = self._requested(parts, **condition)
        self.completed = True
        return answer

    def _requested(self, parts: Sequence[dict[str, Any]], **condition: Any) -> dict[str, Any]:
        subject = self._bucket.subject(self._key)
        with translated("s3:CompleteMultipartUpload", subject, self._work):
            answer: dict[str, Any] = self._bucket.client.complete_multipart_upload(
                Bucket=self._bucket.name,
                Key=self._key,
                UploadId=self.upload_id,
                MultipartUpload={"Parts": list(parts)},
                **condition,
            )
        return answer


def prepare_only_new(bucket: Bucket, key: str, work: Work) -> None:
    """Refuse an existing key, and test whether the server honours the condition of completions.

    Called before any part is sent: afterwards the only test would be the completion itself.

    Raises:
        AlreadyExists: an object has the key.
        StorageError: the request failed; see `refuse_existing_key`.
    """
    refuse_existing_key(bucket, key, COMPLETE, work)
    probe_completion(bucket, key, work)


def is_race_free(bucket: Bucket, *, only_new: bool) -> bool:
    """Return whether a completion could not overwrite an object; see `Written.race_free`."""
    return not only_new or conditions.is_supported(bucket, COMPLETE) is True


@contextmanager
def multipart_upload(
    bucket: Bucket, creation: dict[str, Any], work: Work, *, part_bytes: int = 0
) -> Iterator[OpenUpload]:
    """Create a multipart upload; if the block does not complete it, it is aborted.

    An upload of a file is continued if the work is resumable, see `core.objects.resuming`.

    Args:
        bucket: the bucket.
        creation: botocore's parameters of the upload, `Bucket` and `Key` among them.
        work: cancel and retry budget.
        part_bytes: the size of each part but the last; 0 if the upload cannot be continued.

    Raises:
        StorageError: the upload could not be created.
    """
    upload, pending = _opened(bucket, creation, work, part_bytes)
    failure: BaseException | None = None
    try:
        yield upload
    except BaseException as error:
        failure = error
        raise
    finally:
        if part_bytes and is_retained(work, failure):
            pending.abandon()
        else:
            # An upload whose completion was not confirmed may exist, too: aborting a completed one
            # only reports that it does not exist.
            gone = upload.completed or abort(
                bucket, creation["Key"], upload.upload_id, cancelled=work.token.cancelled
            )
            (pending.forget if gone else pending.abandon)()


def _opened(
    bucket: Bucket, creation: dict[str, Any], work: Work, part_bytes: int
) -> tuple[OpenUpload, PendingUpload]:
    """Continue or create an upload, and return it with its record."""
    key = creation["Key"]
    fingerprint = fingerprint_of(creation, part_bytes) if part_bytes and work.resumable else ""
    found = continued(bucket, key, fingerprint, work) if fingerprint else None
    if found is not None:
        return OpenUpload(bucket, key, found.upload_id, work, found.parts), found.pending
    # Recorded before the request: if this process is killed, the next one aborts the upload.
    pending = note(bucket.clients.endpoint_url or "", bucket.name, key, fingerprint=fingerprint)
    try:
        upload = OpenUpload(bucket, key, create(bucket, creation, work), work)
    except BaseException as error:
        pending.failed(error)
        raise
    pending.created(upload.upload_id)
    return upload, pending
