"""The IAM actions that API operations need, and which operations change data.

Source: the Service Authorization Reference, "Actions defined by Amazon S3" and the access levels
(List and Read against Write, Tagging and Permissions management) of the services used here.
"""

from __future__ import annotations

from collections.abc import Mapping

_S3 = {
    "HeadObject": "GetObject",
    "GetObjectAttributes": "GetObject",
    "SelectObjectContent": "GetObject",
    "HeadBucket": "ListBucket",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "ListObjectVersions": "ListBucketVersions",
    "ListMultipartUploads": "ListBucketMultipartUploads",
    "ListParts": "ListMultipartUploadParts",
    "ListBuckets": "ListAllMyBuckets",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "UploadPartCopy": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "DeleteObjects": "DeleteObject",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
    "DeleteBucketLifecycle": "PutLifecycleConfiguration",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "DeleteBucketEncryption": "PutEncryptionConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketInventoryConfiguration": "GetInventoryConfiguration",
    "ListBucketInventoryConfigurations": "GetInventoryConfiguration",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetBucketAccelerateConfiguration": "GetAccelerateConfiguration",
}

#: All AWS operations that are used, by service: `READING` only read, `CHANGING` change data.
READING: Mapping[str, frozenset[str]] = {
    "s3": frozenset(
        {
            "GetBucketAcl",
            "GetBucketEncryption",
            "GetBucketLifecycleConfiguration",
            "GetBucketLocation",
            "GetBucketLogging",
            "GetBucketOwnershipControls",
            "GetBucketPolicy",
            "GetBucketPolicyStatus",
            "GetBucketVersioning",
            "GetObject",
            "GetObjectAcl",
            "GetObjectAttributes",
            "GetObjectTagging",
            "GetPublicAccessBlock",
            "HeadBucket",
            "HeadObject",
            "ListBuckets",
            "ListMultipartUploads",
            "ListObjectVersions",
            "ListObjects",
            "ListObjectsV2",
            "ListParts",
        }
    ),
    "s3control": frozenset({"GetPublicAccessBlock"}),
    "secretsmanager": frozenset(
        {"DescribeSecret", "GetSecretValue", "ListSecretVersionIds", "ListSecrets"}
    ),
    "iam": frozenset({"GetAccessKeyLastUsed", "ListAccessKeys", "SimulatePrincipalPolicy"}),
    "sts": frozenset(
        {"AssumeRole", "AssumeRoleWithWebIdentity", "GetCallerIdentity", "GetSessionToken"}
    ),
    "cloudwatch": frozenset({"GetMetricData", "GetMetricStatistics", "ListMetrics"}),
    "athena": frozenset({"GetQueryExecution"}),
}
CHANGING: Mapping[str, frozenset[str]] = {
    "s3": frozenset(
        {
            "AbortMultipartUpload",
            "CompleteMultipartUpload",
            "CopyObject",
            "CreateMultipartUpload",
            "DeleteBucketLifecycle",
            "DeleteObject",
            "DeleteObjectTagging",
            "DeleteObjects",
            "PutBucketLifecycleConfiguration",
            "PutObject",
            "PutObjectAcl",
            "PutObjectTagging",
            "RestoreObject",
            "UploadPart",
            "UploadPartCopy",
        }
    ),
    "secretsmanager": frozenset(
        {
            "CancelRotateSecret",
            "CreateSecret",
            "DeleteSecret",
            "PutSecretValue",
            "RestoreSecret",
            "RotateSecret",
            "TagResource",
            "UntagResource",
            "UpdateSecret",
            "UpdateSecretVersionStage",
        }
    ),
    "iam": frozenset({"CreateAccessKey", "DeleteAccessKey", "UpdateAccessKey"}),
    "athena": frozenset({"StartQueryExecution", "StopQueryExecution"}),
}


def is_changing(service: str, operation: str) -> bool:
    """Return whether an AWS operation may change data; an unlisted operation is assumed to.

    Args:
        service: botocore's name of the service, also in the spelling of its events
            (`secrets-manager`).
        operation: the name of the operation, for example `PutObject`.
    """
    return operation not in READING.get(service.replace("-", ""), frozenset())


def action_of(operation: str) -> str:
    """Return the IAM action of an operation (`service:Operation`); most have the same name."""
    service, _, name = operation.partition(":")
    if service == "s3" and name in _S3:
        return f"s3:{_S3[name]}"
    return operation


#: What reading or deleting a named version is called.
_OF_VERSIONS = {
    "GetObject": "GetObjectVersion",
    "HeadObject": "GetObjectVersion",
    "DeleteObject": "DeleteObjectVersion",
    "GetObjectTagging": "GetObjectVersionTagging",
    "PutObjectTagging": "PutObjectVersionTagging",
    "DeleteObjectTagging": "DeleteObjectVersionTagging",
    "GetObjectAcl": "GetObjectVersionAcl",
    "PutObjectAcl": "PutObjectVersionAcl",
}


def operations_sent(operation: str, url: str, headers: Mapping[str, object]) -> tuple[str, ...]:
    """Return the S3 operations for which a request needs permissions.

    A request that names a version needs another permission, one that sets tags needs a further one,
    and a copy also reads its source.
    """
    versioned = "versionId=" in url and operation in _OF_VERSIONS
    found: tuple[str, ...] = (_OF_VERSIONS[operation] if versioned else operation,)
    if "x-amz-tagging" in headers:
        found = (*found, "PutObjectTagging")
    source = _text(headers.get("x-amz-copy-source"))
    if source is None:
        return found
    read: tuple[str, ...] = ("GetObjectVersion" if "?versionId=" in source else "GetObject",)
    # S3 checks these permissions if the source has tags; the request does not show whether it has.
    if _text(headers.get("x-amz-tagging-directive")) == "COPY":
        tags = "GetObjectVersionTagging" if "?versionId=" in source else "GetObjectTagging"
        read = (*read, tags, "PutObjectTagging")
    return (*found, *read)


def _text(header: object) -> str | None:
    """Return a header's value as text."""
    if header is None:
        return None
    return header.decode("latin-1") if isinstance(header, bytes) else str(header)
