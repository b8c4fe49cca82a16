"""Objects in archive storage classes: their state, and requests to make them readable for some days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum

from core.aws.faults import translated
from core.errors import Conflict
from core.model.objects import ARCHIVE_CLASSES
from core.objects.bucket import Bucket
from core.units import as_utc
from core.work import Work

_RESTORE = re.compile(r'ongoing-request="(true|false)"(?:, expiry-date="([^"]*)")?')


class ArchiveState(Enum):
    """Whether an object can be read: READABLE also means that it was never archived."""

    ARCHIVED = "archived"
    REQUESTED = "requested"
    READABLE = "readable"


@dataclass(frozen=True, slots=True)
class ArchivedObject:
    """An object with its state; `tier` is its storage class or its archive tier.

    `until` is when the readable copy ends; None if it is not readable, or stays readable.
    """

    key: str
    size: int
    tier: str
    state: ArchiveState
    until: datetime | None = None


def archived_object(bucket: Bucket, key: str, size: int, work: Work) -> ArchivedObject:
    """Return the state of an object (HeadObject).

    Raises:
        StorageError: the request was denied or failed.
    """
    work.check()
    with translated("s3:HeadObject", bucket.subject(key), work):
        answer = bucket.client.head_object(Bucket=bucket.name, Key=key)
    tier = answer.get("ArchiveStatus") or answer.get("StorageClass", "STANDARD")
    found = _RESTORE.search(answer.get("Restore", ""))
    if found is not None and found[1] == "true":
        return ArchivedObject(key, size, tier, ArchiveState.REQUESTED)
    if found is not None:
        return ArchivedObject(key, size, tier, ArchiveState.READABLE, _moment(found[2]))
    # An object of Intelligent-Tiering has an archive status only while it is in an archive tier.
    archived = tier in ARCHIVE_CLASSES or "ArchiveStatus" in answer
    return ArchivedObject(
        key, size, tier, ArchiveState.ARCHIVED if archived else ArchiveState.READABLE
    )


def request_retrieval(
    bucket: Bucket, found: ArchivedObject, mode: str, days: int, work: Work
) -> None:
    """Request that an object becomes readable (RestoreObject).

    Args:
        bucket: the bucket.
        found: an archived object.
        mode: the retrieval tier of S3: `Expedited`, `Standard` or `Bulk`.
        days: for how many days the copy is readable. An object of Intelligent-Tiering moves back to
            its frequent access tier instead.
        work: cancel token.

    Raises:
        AccessDenied: `s3:RestoreObject` is missing.
        NotSupported: the server does not know the request.
        StorageError: it was refused or failed.
    """
    request: dict[str, object] = {"GlacierJobParameters": {"Tier": mode}}
    if found.tier in ARCHIVE_CLASSES:
        request["Days"] = days
    work.check()
    try:
        with translated("s3:RestoreObject", bucket.subject(found.key), work):
            bucket.client.restore_object(Bucket=bucket.name, Key=found.key, RestoreRequest=request)
    except Conflict as error:
        # Another client was faster (RestoreAlreadyInProgress): the same effect.
        if "RestoreAlreadyInProgress" not in error.details:
            raise


def _moment(text: str | None) -> datetime | None:
    try:
        return as_utc(parsedate_to_datetime(text)) if text else None
    except ValueError:
        return None
