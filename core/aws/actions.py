"""Which IAM action an API operation needs, where the two names differ.

Source: the Service Authorization Reference, "Actions defined by Amazon S3".
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


def action_of(operation: str) -> str:
    """Return the IAM action of `service:Operation`; mostly it is the same name."""
    service, _, name = operation.partition(":")
    if service == "s3" and name in _S3:
        return f"s3:{_S3[name]}"
    return operation


def operations_sent(operation: str, url: str, headers: Mapping[str, object]) -> tuple[str, ...]:
    """Return what a request to S3 asks for as permissions see it.

    A version that is named is a permission of its own, and a copy reads its source.
    """
    versioned = "versionId=" in url and operation in {"GetObject", "HeadObject", "DeleteObject"}
    verb = operation.replace("Head", "Get") if versioned else operation
    found = (f"{verb}Version",) if versioned else (operation,)
    source = headers.get("x-amz-copy-source")
    if source is None:
        return found
    text = source.decode("latin-1") if isinstance(source, bytes) else str(source)
    return (*found, "GetObjectVersion" if "?versionId=" in text else "GetObject")
