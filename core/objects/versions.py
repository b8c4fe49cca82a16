"""The versions of one object."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.aws.faults import translated
from core.objects.bucket import Bucket
from core.work import Work, default_work


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """A version of an object (`size` in bytes), or a delete marker that hides older versions.

    Delete markers have no ETag and no storage class.
    """

    version_id: str
    modified: datetime
    size: int
    current: bool
    marker: bool
    etag: str = ""
    storage_class: str = ""


def versioned(version_id: str | None) -> dict[str, str]:
    """Return botocore's parameter that names a version; nothing for the newest one."""
    # Servers without versions return "null", which not all of them accept in a request.
    return {"VersionId": version_id} if version_id and version_id != "null" else {}


def list_versions(
    bucket: Bucket, key: str, *, work: Work | None = None
) -> tuple[ObjectVersion, ...]:
    """Return all versions of exactly this key, newest first.

    Raises:
        AccessDenied: `s3:ListBucketVersions` is missing.
        StorageError: the call failed.
    """
    work = default_work(work)
    found: list[ObjectVersion] = []
    with translated("s3:ListObjectVersions", bucket.subject(key), work):
        pages = bucket.client.get_paginator("list_object_versions").paginate(
            Bucket=bucket.name, Prefix=key
        )
        for page in pages:
            work.check()
            rows = [(row, False) for row in page.get("Versions", ())]
            rows += [(row, True) for row in page.get("DeleteMarkers", ())]
            found += [_version(row, marker=marker) for row, marker in rows if row["Key"] == key]
            # The prefix also matches longer keys, which follow this one in the order of the
            # listing.
            if any(row["Key"] > key for row, _ in rows):
                break
    return tuple(sorted(found, key=lambda v: (v.current, v.modified), reverse=True))


def _version(row: dict[str, object], *, marker: bool) -> ObjectVersion:
    modified, size = row["LastModified"], row.get("Size", 0)
    assert isinstance(modified, datetime)
    assert isinstance(size, int)
    return ObjectVersion(
        str(row["VersionId"]),
        modified,
        size,
        bool(row.get("IsLatest")),
        marker,
        str(row.get("ETag", "")).strip('"'),
        "" if marker else str(row.get("StorageClass") or "STANDARD"),
    )
