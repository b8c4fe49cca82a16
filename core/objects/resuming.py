"""Multipart uploads that are continued after a pause, an outage or the end of their process.

A record of the state database has the id of the upload and a fingerprint of its content and
parameters. Another run with the same fingerprint lists the parts that the server has, compares
their hashes with the file, and sends only the others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.aws.faults import translated
from core.errors import CONNECTION_KINDS, Cancelled, NotFound, StorageError
from core.local.pending_uploads import PendingUpload, UploadRecord, of_dead_processes
from core.objects.bucket import Bucket
from core.objects.unfinished import abort
from core.work import Work


@dataclass(frozen=True, slots=True)
class Continued:
    """An upload that is continued: its record, its id, and the stored parts by their numbers."""

    pending: PendingUpload
    upload_id: str
    parts: Mapping[int, Mapping[str, Any]]


def fingerprint_of(creation: Mapping[str, Any], part_bytes: int) -> str:
    """Return the fingerprint of an upload.

    Args:
        creation: botocore's parameters of the upload; the metadata has the hash of the content.
        part_bytes: the size of each part but the last.
    """
    # Whether the usual checksum is declared depends on what is known of the server at that time.
    usual = ("ChecksumAlgorithm", "CRC32")
    creation = dict(pair for pair in creation.items() if pair != usual)
    text = json.dumps([creation, part_bytes], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def continued(bucket: Bucket, key: str, fingerprint: str, work: Work) -> Continued | None:
    """Return the upload of a former run that can be continued; others of the key are aborted.

    Raises:
        StorageError: a request was denied or failed.
        Cancelled: the work was cancelled.
    """
    for record in _records(bucket, key):
        pending = PendingUpload.adopted(record)
        if pending is None:
            continue
        gone = True
        try:
            if record.fingerprint == fingerprint:
                return Continued(pending, record.upload_id, _stored(bucket, record, work))
            # The file or the parameters have changed, so its parts cannot be used.
            gone = abort(bucket, key, record.upload_id, cancelled=False)
        except NotFound:  # a lifecycle rule or another user has aborted it
            pass
        except BaseException:
            pending.abandon()
            raise
        (pending.forget if gone else pending.abandon)()
    return None


def is_retained(work: Work, error: BaseException | None) -> bool:
    """Return whether an interrupted upload is left to the next run instead of being aborted."""
    if not work.resumable or error is None:
        return False
    if isinstance(error, Cancelled):
        return work.token.paused
    return isinstance(error, StorageError) and error.kind in CONNECTION_KINDS


def _records(bucket: Bucket, key: str) -> list[UploadRecord]:
    place = (bucket.clients.endpoint_url or "", bucket.name, key)
    return [
        record
        for record in of_dead_processes()
        if (record.endpoint, record.bucket, record.key) == place
        and record.fingerprint
        and record.upload_id
    ]


def _stored(bucket: Bucket, record: UploadRecord, work: Work) -> dict[int, Mapping[str, Any]]:
    """Return the parts that the server has of an upload."""
    found: dict[int, Mapping[str, Any]] = {}
    more: dict[str, int] = {}
    while True:
        work.check()
        with translated("s3:ListParts", bucket.subject(record.key), work):
            answer = bucket.client.list_parts(
                Bucket=bucket.name, Key=record.key, UploadId=record.upload_id, **more
            )
        found |= {int(part["PartNumber"]): part for part in answer.get("Parts", ())}
        marker = answer.get("NextPartNumberMarker")
        if not answer.get("IsTruncated") or not marker or more == {"PartNumberMarker": marker}:
            return found
        more = {"PartNumberMarker": marker}
