"""Which buckets there are, and the little that the window's header tells of one."""

from __future__ import annotations

from dataclasses import dataclass

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.errors import AccessDenied, NotSupported
from core.work import Work, default_work


@dataclass(frozen=True, slots=True)
class BucketBrief:
    """Where a bucket is and whether it keeps versions.

    `versioning` is `Enabled`, `Suspended`, empty for never, or None when it may not be asked;
    `followed` tells that the region is not the profile's.
    """

    region: str
    followed: bool
    versioning: str | None


def list_buckets(clients: ClientFactory, *, work: Work | None = None) -> tuple[str, ...]:
    """Return the names of all buckets of the account, sorted.

    Raises:
        StorageError: they may not be listed, or the endpoint is out of reach.
    """
    work = default_work(work)
    names: list[str] = []
    token: dict[str, str] = {}
    with translated("s3:ListBuckets", clients.connection.profile.name):
        while True:
            work.check()
            page = clients.s3().list_buckets(MaxBuckets=1000, **token)
            names += (str(bucket["Name"]) for bucket in page.get("Buckets", ()))
            if not page.get("ContinuationToken"):
                return tuple(sorted(names))
            token = {"ContinuationToken": page["ContinuationToken"]}


def brief(clients: ClientFactory, bucket: str, *, work: Work | None = None) -> BucketBrief:
    """Return where the bucket is and whether it keeps versions.

    Raises:
        NoSuchBucket: there is no such bucket.
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
