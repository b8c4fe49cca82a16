"""The versions of one object."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from core.aws.faults import translated
from core.objects.bucket import Bucket
from core.work import Work, default_work

#: The number of versions that `newest_versions` reads.
_NEWEST = 100


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


@dataclass(frozen=True, slots=True)
class NewestVersions:
    """The newest versions of an object, newest first.

    Versions are in their order, and so are delete markers; S3's times are whole seconds, so that of
    a version and a delete marker of the same second only the current one is known to be newer.

    Attributes:
        versions: the versions and delete markers; all of them if there are fewer than 100.
        ahead: by how many seconds the server's clock is ahead of this computer's.
    """

    versions: tuple[ObjectVersion, ...]
    ahead: float = 0.0


def versioned(version_id: str | None) -> dict[str, str]:
    """Return botocore's parameter that names a version; nothing for the newest one.

    "null" is a version, too: that of an object which was stored while versioning was not enabled.
    """
    return {"VersionId": version_id} if version_id else {}


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


def newest_versions(bucket: Bucket, key: str, *, work: Work | None = None) -> NewestVersions:
    """Return the newest versions of exactly this key, with one request.

    Raises:
        AccessDenied: `s3:ListBucketVersions` is missing.
        StorageError: the call failed.
    """
    work = default_work(work)
    work.check()
    with translated("s3:ListObjectVersions", bucket.subject(key), work):
        answer = bucket.client.list_object_versions(Bucket=bucket.name, Prefix=key, MaxKeys=_NEWEST)
    now = time.time()
    rows = [(row, False) for row in answer.get("Versions", ())]
    rows += [(row, True) for row in answer.get("DeleteMarkers", ())]
    found = [_version(row, marker=marker) for row, marker in rows if row["Key"] == key]
    found.sort(key=lambda v: (v.current, v.modified), reverse=True)
    return NewestVersions(tuple(found), _server_time(answer, now) - now)


def _server_time(answer: dict[str, Any], default: float) -> float:
    """Return the time of an answer in seconds since the epoch, `default` if it is not stated."""
    try:
        return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
    except (KeyError, ValueError):
        return default


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
