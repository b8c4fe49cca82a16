"""What a test leaves behind in a versioned bucket: the versions of a deleted test object."""

from __future__ import annotations

from collections.abc import Sequence

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.errors import Cancelled, StorageError
from core.work import Work


def drop_versions(
    clients: ClientFactory, bucket: str, versions: Sequence[tuple[str, str]], work: Work
) -> str:
    """Remove (key, version id) pairs; return what could not be removed, in words, or nothing."""
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
    return f"; {left} versions of test objects stay ({reason})" if left else ""


def sweep(clients: ClientFactory, bucket: str, prefix: str, work: Work) -> str:
    """Remove test objects that an interrupted test has left; return what could not be, or nothing.

    Versions of them that a versioned bucket keeps stay hidden; a lifecycle rule ends those.
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
        return f"; test objects below {prefix} may stay ({error.action or error.summary})"
    return ""
