"""The table of permission checks, each of which sends an actual request and undoes it.

Some requests use a name that does not exist: AWS checks the permission first, so "not found" means
allowed, and nothing changes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from core.aws.faults import translated
from core.aws.identity import identity, identity_text
from core.errors import AccessDenied, AlreadyExists, Conflict, InvalidInput, NoSuchBucket, NotFound
from core.health.permission_probe import NotChecked, PermissionCheck, Probe
from core.objects.check_objects import CHECK_BYTES
from core.units import format_counted

# Permissions of the data contract.


def _list_bucket(probe: Probe) -> str:
    page = probe.s3("list_objects_v2", MaxKeys=1)
    found = page.get("Contents", ())
    probe.listed_key = found[0]["Key"] if found else ""
    region = probe.clients.followed(probe.bucket)
    return f"Bucket is in a different region ({region}), which is used" if region else ""


def _put_object(probe: Probe) -> str:
    with probe.writing():
        answer = probe.s3("put_object", Key=probe.key, Body=CHECK_BYTES)
    probe.written = probe.record.stored = True
    probe.remember_version(answer)
    return ""


def _get_object(probe: Probe) -> str:
    if probe.written:
        body = probe.s3("get_object", Key=probe.key)["Body"].read()
        if body != CHECK_BYTES:
            raise Conflict(
                "The test object differs from what was uploaded",
                cause="The bytes that were read differ from the written ones.",
                remedy="Try again. If it happens again, check the network, the proxy and the "
                "server.",
                subject=probe.key,
            )
        return "the test object was read back"
    if not probe.listed_key:
        raise NotChecked("there is no object to read and writing one is not permitted")
    probe.s3("get_object", Key=probe.listed_key, Range="bytes=0-0")["Body"].read()
    return "the first object was read"


def _delete_object(probe: Probe) -> str:
    if not probe.written:
        raise NotChecked("there is no test object to delete")
    probe.remember_version(probe.s3("delete_object", Key=probe.key))
    # A delete in a versioned bucket only adds a marker, so both versions must be removed as well.
    probe.written, probe.record.removed = False, True
    versioned = bool(probe.version_ids)
    probe.versions_refused = probe.try_to_drop_versions() if versioned else None
    probe.versioned = versioned
    if probe.versions_refused is not None:
        return "the test object was removed; the bucket still stores its hidden versions"
    return "the test object was removed"


def _get_secret_value(probe: Probe) -> str:
    try:
        probe.secrets("get_secret_value", SecretId=probe.secret_name)
    except NotFound:
        return f"allowed; {probe.secret_name} does not exist yet"
    return probe.secret_name


def _list_secrets(probe: Probe) -> str:
    probe.secrets("list_secrets", MaxResults=1)
    return ""


def _create_secret(probe: Probe) -> str:
    # Checked before the creation, so that no test secret is created that cannot be removed.
    with contextlib.suppress(AccessDenied):
        _on_absent(probe, "delete_secret", RecoveryWindowInDays=7)
        probe.deletable = True
    if not probe.deletable:
        raise NotChecked(
            "the test secret could not be removed (secretsmanager:DeleteSecret is missing)"
        )
    probe.make_test_secret(SecretString="{}", ClientRequestToken=str(uuid4()))
    return "a test secret was created and removed"


def _update_secret(probe: Probe) -> str:
    arguments = {"SecretString": '{"test": "2"}', "ClientRequestToken": str(uuid4())}
    if probe.secret_made:
        probe.secrets("update_secret", SecretId=probe.absent, **arguments)
        return "the test secret was changed"
    return _on_absent(probe, "update_secret", **arguments)


# Additional permissions.


def _on_absent(probe: Probe, operation: str, **arguments: Any) -> str:
    """Send a request for a secret that does not exist: "not found" means allowed."""
    # Another name than the test secret's, which exists while these checks run.
    name = f"{probe.absent}-none"
    with contextlib.suppress(NotFound, InvalidInput, AlreadyExists):
        probe.secrets(operation, SecretId=name, **arguments)
    return ""


def _absent(operation: str, **arguments: Any) -> Callable[[Probe], str]:
    return lambda probe: _on_absent(probe, operation, **arguments)


def _identity(probe: Probe) -> str:
    return identity_text(probe.clients, identity(probe.clients, work=probe.work))


def _bucket_setting(operation: str) -> Callable[[Probe], str]:
    def run(probe: Probe) -> str:
        try:
            probe.s3(operation)
        # A missing bucket is also a `NotFound`, but it proves no permission.
        except NoSuchBucket:
            raise
        except NotFound:
            return "allowed; not configured"
        return ""

    return run


def _delete_version(probe: Probe) -> str:
    if not probe.versioned:
        raise NotChecked("the bucket has no versioning, or no test object could be written")
    if probe.versions_refused is not None:
        raise probe.versions_refused
    return "the test object's versions were removed"


def _describe_secret(probe: Probe) -> str:
    with contextlib.suppress(NotFound):
        probe.secrets("describe_secret", SecretId=probe.secret_name)
    return ""


def _list_versions(probe: Probe) -> str:
    with contextlib.suppress(NotFound):
        probe.secrets("list_secret_version_ids", SecretId=probe.secret_name)
    return ""


def _list_access_keys(probe: Probe) -> str:
    try:
        with translated("iam:ListAccessKeys", ""):
            keys = probe.clients.iam().list_access_keys()["AccessKeyMetadata"]
    # Without a user name IAM takes it from the caller, which only users have.
    except InvalidInput:
        raise NotChecked("temporary credentials do not have access keys") from None
    return format_counted(len(keys), "access key")


def _metrics(probe: Probe) -> str:
    with translated("cloudwatch:ListMetrics", ""):
        probe.clients.cloudwatch().list_metrics(Namespace="AWS/S3", MetricName="NumberOfObjects")
    return ""


#: A label that no version has, and a version that does not exist.
_STAGE = {"VersionStage": "strongroom-check", "MoveToVersionId": "0" * 32}

#: All checks, in order: later checks use and remove the objects of earlier ones.
CHECKS: tuple[PermissionCheck, ...] = (
    PermissionCheck("s3:ListBucket", "contract", _list_bucket),
    PermissionCheck("s3:PutObject", "contract", _put_object),
    PermissionCheck("s3:GetObject", "contract", _get_object),
    PermissionCheck("s3:DeleteObject", "contract", _delete_object),
    PermissionCheck("secretsmanager:GetSecretValue", "contract", _get_secret_value),
    PermissionCheck("secretsmanager:ListSecrets", "contract", _list_secrets),
    PermissionCheck("secretsmanager:CreateSecret", "contract", _create_secret),
    PermissionCheck("secretsmanager:UpdateSecret", "contract", _update_secret),
    PermissionCheck("sts:GetCallerIdentity", "extra", _identity),
    PermissionCheck("s3:DeleteObjectVersion", "extra", _delete_version),
    PermissionCheck("s3:ListBucketVersions", "extra", _bucket_setting("list_object_versions")),
    PermissionCheck(
        "s3:ListBucketMultipartUploads", "extra", _bucket_setting("list_multipart_uploads")
    ),
    PermissionCheck(
        "s3:GetLifecycleConfiguration",
        "extra",
        _bucket_setting("get_bucket_lifecycle_configuration"),
    ),
    PermissionCheck("s3:GetBucketVersioning", "extra", _bucket_setting("get_bucket_versioning")),
    PermissionCheck(
        "s3:GetEncryptionConfiguration", "extra", _bucket_setting("get_bucket_encryption")
    ),
    PermissionCheck(
        "s3:GetBucketPublicAccessBlock", "extra", _bucket_setting("get_public_access_block")
    ),
    PermissionCheck("s3:GetBucketPolicy", "extra", _bucket_setting("get_bucket_policy")),
    PermissionCheck("secretsmanager:DescribeSecret", "extra", _describe_secret),
    PermissionCheck("secretsmanager:ListSecretVersionIds", "extra", _list_versions),
    PermissionCheck(
        "secretsmanager:PutSecretValue",
        "extra",
        _absent("put_secret_value", SecretString="{}", ClientRequestToken="0" * 32),
    ),
    PermissionCheck(
        "secretsmanager:UpdateSecretVersionStage",
        "extra",
        _absent("update_secret_version_stage", **_STAGE),
    ),
    PermissionCheck(
        "secretsmanager:DeleteSecret", "extra", _absent("delete_secret", RecoveryWindowInDays=7)
    ),
    PermissionCheck("secretsmanager:RestoreSecret", "extra", _absent("restore_secret")),
    PermissionCheck("iam:ListAccessKeys", "extra", _list_access_keys),
    PermissionCheck("cloudwatch:ListMetrics", "extra", _metrics),
)
