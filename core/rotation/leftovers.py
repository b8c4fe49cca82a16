"""Removal of the versions of test objects in a versioned bucket."""

from __future__ import annotations

from collections.abc import Sequence

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.errors import Cancelled, StorageError
from core.units import format_counted
from core.work import Work


def drop_versions(
    clients: ClientFactory, bucket: str, versions: Sequence[tuple[str, str]], work: Work
) -> str:
    """Remove pairs (key, version id); return a text about failures, or an empty string."""
    left = 0
    reason = ""
    for key, version in versions:
        work.check()
        try:
            with translated("s3:DeleteObjectVersion", f"s3://{bucket}/{key}", work):
                s3 = clients.for_bucket(bucket, work=work)
                s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
        except StorageError as error:
            left += 1
            reason = error.action or error.summary
    return (
        f"; {format_counted(left, 'version')} of test objects could not be deleted ({reason})"
        if left
        else ""
    )


def sweep(clients: ClientFactory, bucket: str, prefix: str, work: Work) -> str:
    """Remove test objects of an interrupted test; return a text about failures or "".

    Their versions in a versioned bucket stay hidden until a lifecycle rule removes them.
    """
    place = f"s3://{bucket}/{prefix}"
    work.check()
    try:
        s3 = clients.for_bucket(bucket, work=work)
        with translated("s3:ListObjectsV2", place, work):
            listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
        for entry in listed:
            with translated("s3:DeleteObject", place, work):
                s3.delete_object(Bucket=bucket, Key=entry["Key"])
    except Cancelled:
        raise
    except StorageError as error:
        return f"; test objects below {prefix} may remain ({error.action or error.summary})"
    return ""
