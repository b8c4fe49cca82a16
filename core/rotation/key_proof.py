"""Test of a new access key: it belongs to the same user, and works on the bucket.

IAM propagates slowly, so some servers may refuse a new key for some seconds: the test has to
succeed several times in a row within a time limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.aws.identity import identity
from core.errors import Cancelled, CredentialsInvalid, StorageError
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.model.identity import Identity
from core.model.rotation import RotationTiming
from core.objects.bucket import Bucket
from core.objects.check_objects import CHECK_BYTES, CHECK_PREFIX, recorded
from core.rotation.repeated_test import succeed_in_a_row
from core.units import format_counted
from core.work import Work


@dataclass(frozen=True, slots=True)
class KeyTest:
    """A successful test: the number of attempts, and the remaining versions in the bucket.

    `versions` are pairs (key, version id) of the test object in a versioned bucket.
    """

    tries: int
    versions: tuple[tuple[str, str], ...] = ()


def connection_of(profile: Profile, keys: AccessKeys, bucket: str, region: str) -> Connection:
    """Return a connection with the new key and the endpoint of the profile."""
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
    # The calling session was unlocked; the test also writes.
    return Connection(own, keys, unlocked=True)


def owner_of_keys(
    profile: Profile, keys: AccessKeys, bucket: str, region: str, work: Work
) -> Identity:
    """Sign in with access keys and return their owner, which requires no permission.

    Args:
        profile: the profile with the endpoint.
        keys: the access keys.
        bucket: the bucket of the keys; empty for that of the profile.
        region: the region of the keys; empty for that of the profile.
        work: cancel token.

    Raises:
        CredentialsInvalid: AWS refuses the keys.
        StorageError: the server cannot be reached.
    """
    clients = ClientFactory(connection_of(profile, keys, bucket, region))
    try:
        return identity(clients, work=work)
    finally:
        clients.close()


def prove_key(
    connection: Connection, arn: str, prefix: str, timing: RotationTiming, work: Work
) -> KeyTest:
    """Test the key until it has worked `timing.successes` times in a row.

    Args:
        connection: the connection with the new key.
        arn: the expected identity; empty if unknown.
        prefix: the prefix of the test objects, below `strongroom-check/`.
        timing: time limit and number of successes.
        work: cancel token.

    Raises:
        ProbeFailed: the test did not succeed in time; the error is that of the last attempt.
        Cancelled: the token of `work` was cancelled.
    """
    versions: list[tuple[str, str]] = []
    tries = succeed_in_a_row(
        lambda number: _try(
            connection, arn, f"{CHECK_PREFIX}{prefix}-{number}.txt", versions, work
        ),
        timing,
        seconds=timing.test_seconds,
        value="The new key",
        work=work,
    )
    return KeyTest(tries, tuple(versions))


def _try(
    connection: Connection, arn: str, key: str, versions: list[tuple[str, str]], work: Work
) -> None:
    """Sign in, then list, write, read and delete an object, with new clients."""
    # New clients use new connections, which may reach a server that does not know the key yet.
    clients = ClientFactory(connection)
    try:
        _check_same(identity(clients, work=work).arn, arn)
        _work_on_bucket(clients, connection.profile.bucket, key, versions, work)
    finally:
        clients.close()


def _check_same(found: str, arn: str) -> None:
    if arn and found != arn:
        raise CredentialsInvalid(
            "The new key belongs to another user",
            cause=f"The new key belongs to {found}, the old one to {arn}.",
            remedy="Undo the rotation, and check the access keys of the user.",
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
    # Recorded, so that a later start removes the object if this process is killed in between.
    with recorded(Bucket(clients, bucket), key, work) as record:
        with translated("s3:PutObject", place, work):
            put = s3.put_object(Bucket=bucket, Key=key, Body=CHECK_BYTES)
        record.stored = True
        _record_version(versions, key, put)
        with translated("s3:GetObject", place, work):
            # Compared after the deletion, so that a difference leaves no test object.
            found = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        with translated("s3:DeleteObject", place, work):
            _record_version(versions, key, s3.delete_object(Bucket=bucket, Key=key))
        record.removed = True
    if found != CHECK_BYTES:
        raise StorageError(
            "The test object differs from what was uploaded",
            cause="The bytes that were read differ from the written ones.",
            remedy="Try again. If it happens again, check the network, the proxy and the server.",
            subject=place,
        )


def _record_version(versions: list[tuple[str, str]], key: str, answer: dict[str, object]) -> None:
    version = str(answer.get("VersionId") or "")
    if version and version != "null":
        versions.append((key, version))


def drop_versions(
    clients: ClientFactory, bucket: str, versions: Sequence[tuple[str, str]], work: Work
) -> str:
    """Remove pairs (key, version id); return a note about failures, or an empty text."""
    left = 0
    reason = ""
    for key, version in versions:
        work.check()
        try:
            with translated("s3:DeleteObjectVersion", f"s3://{bucket}/{key}", work):
                s3 = clients.for_bucket(bucket, work=work)
                s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
        # A note is enough: the key works, and hidden versions of a few bytes remain.
        except StorageError as error:
            left += 1
            reason = error.action or error.summary
    if not left:
        return ""
    return f"{format_counted(left, 'version')} of test objects could not be deleted ({reason})"


def sweep(clients: ClientFactory, bucket: str, prefix: str, work: Work) -> str:
    """Remove test objects of an interrupted test; return a note about failures, or an empty text.

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
        return f"test objects below {prefix} may remain ({error.action or error.summary})"
    return ""
