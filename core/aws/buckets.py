"""List of the account's buckets, and the facts about a bucket in the window's header."""

from __future__ import annotations

from dataclasses import dataclass

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.errors import AccessDenied, NotSupported
from core.work import Work, default_work


@dataclass(frozen=True, slots=True)
class BucketBrief:
    """Region and versioning state of a bucket.

    `versioning` is `Enabled`, `Suspended`, empty if it was never enabled, or None if the request
    was denied; `followed` is True if the region differs from the profile's.
    """

    region: str
    followed: bool
    versioning: str | None


def list_buckets(clients: ClientFactory, *, work: Work | None = None) -> tuple[str, ...]:
    """Return the names of all buckets of the account, sorted.

    Raises:
        StorageError: the request was denied, or the endpoint cannot be reached.
    """
    work = default_work(work)
    names: list[str] = []
    token: dict[str, str] = {}
    with translated("s3:ListBuckets", clients.connection.profile.name):
        while True:
            work.check()
            # Pages need `MaxBuckets`; without it S3 refuses accounts with more than 10,000 buckets.
            page = clients.s3().list_buckets(MaxBuckets=1000, **token)
            names += (str(bucket["Name"]) for bucket in page.get("Buckets", ()))
            if not page.get("ContinuationToken"):
                return tuple(sorted(names))
            token = {"ContinuationToken": page["ContinuationToken"]}


def bucket_brief(clients: ClientFactory, bucket: str, *, work: Work | None = None) -> BucketBrief:
    """Return region and versioning state of a bucket.

    Raises:
        NoSuchBucket: the bucket does not exist.
        StorageError: it cannot be reached.
    """
    work = default_work(work)
    region = clients.bucket_region(bucket, work=work)
    work.check()
    versioning: str | None
    try:
        with translated("s3:GetBucketVersioning", f"s3://{bucket}"):
            answer = clients.for_bucket(bucket, work=work).get_bucket_versioning(Bucket=bucket)
        versioning = str(answer.get("Status", ""))
    except (AccessDenied, NotSupported):
        versioning = None
    return BucketBrief(region, clients.followed(bucket) is not None, versioning)
