"""The test of a new access key: it signs in as the same user, and works on the bucket.

IAM propagates slowly, so a new key may be refused for some seconds, on some servers and not on
others: it has to succeed several times in a row within a bounded time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.aws.identity import identity
from core.errors import Cancelled, CredentialsInvalid, StorageError
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.model.rotation import Patience
from core.objects.bucket import Bucket
from core.objects.check_objects import CHECK_BYTES, CHECK_PREFIX, recorded
from core.rotation.strategy import ProbeFailed
from core.work import Work


@dataclass(frozen=True, slots=True)
class Proven:
    """A test that succeeded: how often it was tried, and what it left behind in the bucket.

    `versions` are (key, version id) pairs that a versioned bucket keeps of the test object.
    """

    tries: int
    versions: tuple[tuple[str, str], ...] = ()


def connection_of(profile: Profile, keys: AccessKeys, bucket: str, region: str) -> Connection:
    """Return the connection of the new key: the same endpoint, nothing else of the profile's."""
    own = replace(
        profile,
        name=f"{profile.name} (new key)",
        source=KeySource.SESSION,
        access_key_id=keys.access_key_id,
        aws_profile=None,
        role_arn=None,
        bucket=bucket or profile.bucket,
        region=region or profile.region,
    )
    # The session that asks for the proof was allowed to change things; the proof writes too.
    return Connection(own, keys, unlocked=True)


def prove_key(
    connection: Connection, arn: str, prefix: str, patience: Patience, work: Work
) -> Proven:
    """Try the key until it has worked `patience.successes` times in a row.

    Args:
        connection: the new key's.
        arn: whom it has to sign in as; empty when that is not known.
        prefix: what the test objects' names begin with, below `strongroom-check/`.
        patience: how long and how often.
        work: cancel token.

    Raises:
        ProbeFailed: it did not work in time, told by the last failure.
        Cancelled: the user asked to stop.
    """
    versions: list[tuple[str, str]] = []
    tries, in_a_row = 0, 0
    end = time.monotonic() + patience.test_seconds
    while in_a_row < patience.successes:
        tries += 1
        key = f"{CHECK_PREFIX}{prefix}-{tries}.txt"
        failure = _failure(lambda key=key: _try(connection, arn, key, versions, work))  # type: ignore[misc] # bound now
        in_a_row = 0 if failure else in_a_row + 1
        if failure and time.monotonic() >= end:
            raise ProbeFailed.of(failure, "The new key") from failure
        if failure or in_a_row < patience.successes:
            work.token.wait(patience.pause)
    return Proven(tries, tuple(versions))


def _failure(attempt: Callable[[], None]) -> StorageError | None:
    try:
        attempt()
    except Cancelled:
        raise
    except StorageError as error:
        return error
    return None


def _try(
    connection: Connection, arn: str, key: str, versions: list[tuple[str, str]], work: Work
) -> None:
    """Sign in, then list, write, read and delete one object, with clients of this try alone."""
    clients = ClientFactory(connection)
    try:
        _check_same(identity(clients, work=work).arn, arn)
        _work_on_bucket(clients, connection.profile.bucket, key, versions, work)
    finally:
        clients.close()


def _check_same(found: str, arn: str) -> None:
    if arn and found != arn:
        raise CredentialsInvalid(
            "The new key belongs to somebody else",
            cause=f"It signs in as {found}; the old one as {arn}.",
            remedy="Undo the rotation, and look at the user's access keys.",
            subject=found,
        )


def _work_on_bucket(
    clients: ClientFactory, bucket: str, key: str, versions: list[tuple[str, str]], work: Work
) -> None:
    place = f"s3://{bucket}/{key}"
    s3 = clients.for_bucket(bucket, work=work)
    work.check()
    with translated("s3:ListObjectsV2", f"s3://{bucket}", work):
        s3.list_objects_v2(Bucket=bucket, Prefix=CHECK_PREFIX, MaxKeys=1)
    with recorded(Bucket(clients, bucket), key, work) as record:
        with translated("s3:PutObject", place, work):
            put = s3.put_object(Bucket=bucket, Key=key, Body=CHECK_BYTES)
        record.stored = True
        _remember(versions, key, put)
        with translated("s3:GetObject", place, work):
            found = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        with translated("s3:DeleteObject", place, work):
            _remember(versions, key, s3.delete_object(Bucket=bucket, Key=key))
        record.removed = True
    if found != CHECK_BYTES:
        raise StorageError(
            "The test object came back changed",
            cause="The bytes that were read are not those that were written.",
            remedy="Try again. If it happens again, suspect the network, a proxy, or the server.",
            subject=place,
        )


def _remember(versions: list[tuple[str, str]], key: str, answer: dict[str, object]) -> None:
    version = str(answer.get("VersionId") or "")
    if version and version != "null":
        versions.append((key, version))
