"""Upload of an object in a single request, verified by the server's answer."""

from __future__ import annotations

import hashlib
from typing import Any

from core.aws.faults import translated
from core.errors import AccessDenied, Conflict, NotFound, NotSupported, StorageError
from core.model.objects import Verdict, Written
from core.model.upload_options import Checksum
from core.objects import conditions
from core.objects.bucket import Bucket
from core.objects.checksums import etag_of
from core.objects.conditions import ONLY_NEW, PUT
from core.objects.probes import refuse_existing_key
from core.objects.reading import head
from core.objects.sending import (
    Hashes,
    confirmed,
    damaged,
    discard,
    integrity,
    read_back,
    repeat_until_stored,
)
from core.work import Work


class SinglePut:
    """Upload of bytes to a key; `only_new` never overwrites another object."""

    def __init__(
        self,
        bucket: Bucket,
        arguments: dict[str, Any],
        data: bytes,
        work: Work,
        *,
        only_new: bool = False,
        checksum: Checksum = Checksum.DEFAULT,
    ) -> None:
        self._bucket, self._arguments, self._data = bucket, arguments, data
        self._work, self._only_new = work, only_new
        self._key: str = arguments["Key"]
        self._integrity = integrity(bucket, checksum)
        self._hashes = Hashes.of(data, {"md5", self._integrity.algorithm})
        self._sha256 = hashlib.sha256(data).hexdigest()
        self._removed = False

    def run(self) -> Written:
        """Store the bytes.

        Raises:
            AlreadyExists: `only_new`, and another object has the key.
            Corrupt: the stored bytes differ from those that were sent, even after several attempts.
            StorageError: the write was denied or failed.
        """
        written = repeat_until_stored(self._attempt, self._work.token)
        if written is None:
            raise damaged(self._bucket, self._key, removed=self._removed)
        return written

    def _attempt(self) -> Written | None:
        """Write once; return None if the write has to be repeated."""
        try:
            answer = self._put_only_new() if self._only_new else self._put()
        except Conflict as error:  # an unconditional write: concurrent requests (409)
            return self._reconciled(error) if self._only_new else None
        verdict = confirmed(answer, self._hashes) or self._read_back(answer)
        if verdict is not None:
            return self._written(etag_of(answer), answer.get("VersionId"), verdict)
        self._removed = discard(
            self._bucket, self._key, answer, cancelled=self._work.token.cancelled
        )
        return None

    def _put(self, **condition: Any) -> dict[str, Any]:
        subject = self._bucket.subject(self._key)
        with self._work.slot(), translated("s3:PutObject", subject, self._work):
            self._work.take(len(self._data))
            answer: dict[str, Any] = self._bucket.client.put_object(
                Body=self._data,
                **self._arguments,
                **self._integrity.parameters(self._hashes),
                **condition,
            )
        return answer

    def _put_only_new(self) -> dict[str, Any]:
        """Write conditionally; if unknown, determine whether the server honours the condition."""
        known = conditions.is_supported(self._bucket, PUT)
        # On AWS the condition alone decides; elsewhere an existing key must not be overwritten by
        # the test.
        if not known:
            refuse_existing_key(self._bucket, self._key, PUT, self._work)
            known = conditions.is_supported(self._bucket, PUT)
        if known is False:
            return self._put()
        try:
            answer = self._put(**ONLY_NEW)
        except NotSupported:
            conditions.record_support(self._bucket, PUT, is_honoured=False)
            return self._put()
        # A server that ignores the condition also succeeds: only a second write shows the
        # difference.
        return answer if known else self._retried(answer)

    def _retried(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Write the same bytes again, which a server that honours the condition must refuse."""
        try:
            again = self._put(**ONLY_NEW)
        except Conflict:
            conditions.record_support(self._bucket, PUT, is_honoured=True)
            return answer
        except StorageError:  # still unknown; the write itself has succeeded
            self._work.check()
            return answer
        conditions.record_support(self._bucket, PUT, is_honoured=False)
        return again

    def _reconciled(self, error: Conflict) -> Written | None:
        """Distinguish another client's object from one whose answer was lost; None: write again."""
        try:
            # botocore may have repeated a request whose answer was lost: then the object is this
            # one.
            existing = head(self._bucket, self._key, work=self._work)
        except NotFound:
            return None  # a concurrent write failed, or its object was deleted
        except AccessDenied as denied:
            raise conditions.unreadable(self._bucket, self._key, denied.details) from error
        conditions.record_support(self._bucket, PUT, is_honoured=True)
        if existing.size == len(self._data):
            answer = {"ETag": existing.etag, "ServerSideEncryption": existing.encryption}
            verdict = confirmed(answer, self._hashes)
            if verdict is None and existing.sha256 == self._sha256:
                verdict = self._read_back({"VersionId": existing.version_id, **answer})
            if verdict is not None:
                return self._written(existing.etag, existing.version_id, verdict)
        raise conditions.already_exists(self._bucket, existing, error.details)

    def _read_back(self, answer: dict[str, Any]) -> Verdict | None:
        return read_back(self._bucket, self._key, answer, len(self._data), self._sha256, self._work)

    def _written(self, etag: str, version: str | None, verdict: Verdict) -> Written:
        return Written(
            self._key,
            etag,
            len(self._data),
            version,
            self._sha256,
            verdict,
            race_free=not self._only_new or conditions.is_supported(self._bucket, PUT) is not False,
        )
