"""Unfinished multipart uploads, whose parts S3 stores and charges for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from core.aws.faults import not_an_s3_answer, translated
from core.errors import NotAnS3Answer, NotFound
from core.objects.bucket import Bucket
from core.work import Work, default_work


@dataclass(frozen=True, slots=True)
class MultipartUpload:
    """An unfinished multipart upload; `initiator` started it, if the server reports it."""

    key: str
    upload_id: str
    began: datetime
    initiator: str


def list_uploads(
    bucket: Bucket, prefix: str = "", *, work: Work | None = None
) -> Iterator[MultipartUpload]:
    """Yield the unfinished uploads of a bucket whose keys start with a prefix.

    Raises:
        AccessDenied: `s3:ListBucketMultipartUploads` is missing.
        StorageError: the call failed.
        Cancelled: the token of `work` was cancelled.
    """
    work = default_work(work)
    marker: dict[str, str] = {}
    while True:
        answer = _page(bucket, prefix, marker, work)
        encoded = answer.get("EncodingType") == "url"
        for row in answer.get("Uploads", ()):
            yield _upload(row, encoded=encoded)
        if not answer.get("IsTruncated"):
            return
        key = _decoded(answer.get("NextKeyMarker", ""), encoded=encoded)
        # Both markers: several uploads may exist for one key.
        following = {"KeyMarker": key, "UploadIdMarker": answer.get("NextUploadIdMarker", "")}
        if following == marker:
            raise not_an_s3_answer(
                bucket.subject(prefix), "a listing whose next page would be the same page"
            )
        marker = following


def _page(bucket: Bucket, prefix: str, marker: dict[str, str], work: Work) -> dict[str, Any]:
    """Return one page of unfinished uploads.

    Keys are requested without encoding, because SeaweedFS claims to encode them but does not. Only
    a page with characters that XML cannot represent is requested again in URL encoding.
    """
    try:
        return _answer(bucket, prefix, marker, work)
    except NotAnS3Answer:
        return _answer(bucket, prefix, {**marker, "EncodingType": "url"}, work)


def _answer(bucket: Bucket, prefix: str, more: dict[str, str], work: Work) -> dict[str, Any]:
    work.check()
    with translated("s3:ListMultipartUploads", bucket.subject(prefix), work):
        answer: dict[str, Any] = bucket.client.list_multipart_uploads(
            Bucket=bucket.name, Prefix=prefix, **more
        )
    return answer


def size_of(bucket: Bucket, upload: MultipartUpload, *, work: Work | None = None) -> int:
    """Return the total size of the uploaded parts in bytes; 0 if the upload no longer exists.

    Raises:
        StorageError: the request was denied or failed.
    """
    work = default_work(work)
    size = 0
    more: dict[str, int] = {}
    while True:
        work.check()
        try:
            with translated("s3:ListParts", bucket.subject(upload.key), work):
                answer = bucket.client.list_parts(
                    Bucket=bucket.name, Key=upload.key, UploadId=upload.upload_id, **more
                )
        # It was completed or aborted since it was listed.
        except NotFound:
            return 0
        # S3 reports the sizes of parts only here, not in the list of uploads.
        size += sum(int(part["Size"]) for part in answer.get("Parts", ()))
        marker = answer.get("NextPartNumberMarker")
        if not answer.get("IsTruncated") or not marker:
            return size
        more = {"PartNumberMarker": marker}


def abort(bucket: Bucket, key: str, upload_id: str, *, work: Work | None = None) -> None:
    """Abort an unfinished upload; it is not an error if the upload no longer exists.

    Raises:
        AccessDenied: `s3:AbortMultipartUpload` is missing.
        StorageError: the call failed.
    """
    work = default_work(work)
    work.check()
    try:
        with translated("s3:AbortMultipartUpload", bucket.subject(key), work):
            bucket.client.abort_multipart_upload(Bucket=bucket.name, Key=key, UploadId=upload_id)
    except NotFound:
        return


def _upload(row: dict[str, Any], *, encoded: bool) -> MultipartUpload:
    who = row.get("Initiator", {}) or {}
    return MultipartUpload(
        key=_decoded(row["Key"], encoded=encoded),
        upload_id=row["UploadId"],
        began=row["Initiated"],
        initiator=str(who.get("DisplayName") or who.get("ID") or ""),
    )


def _decoded(key: str, *, encoded: bool) -> str:
    return unquote_plus(key) if encoded else key
