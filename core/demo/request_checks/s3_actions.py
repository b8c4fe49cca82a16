"""The S3 permissions that a request requires, and the resource of each.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3".
"""

from __future__ import annotations

from urllib.parse import unquote

from core.demo.request_checks.request import Incoming

#: An action and the ARN of its resource.
Need = tuple[str, str]

#: Sub-resources of a bucket, and their names in the actions that begin with Get and Put.
_BUCKET = {
    "accelerate": "AccelerateConfiguration",
    "acl": "BucketAcl",
    "analytics": "AnalyticsConfiguration",
    "cors": "BucketCORS",
    "encryption": "EncryptionConfiguration",
    "intelligent-tiering": "IntelligentTieringConfiguration",
    "inventory": "InventoryConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "metrics": "MetricsConfiguration",
    "notification": "BucketNotification",
    "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "replication": "ReplicationConfiguration",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
_BUCKET_LISTS = {"versions": "ListBucketVersions", "uploads": "ListBucketMultipartUploads"}
_BUCKET_PLAIN = {
    "GET": "ListBucket",
    "HEAD": "ListBucket",
    "PUT": "CreateBucket",
    "DELETE": "DeleteBucket",
    "POST": "PutObject",
}
_OBJECT = {
    "acl": "ObjectAcl",
    "attributes": "ObjectAttributes",
    "legal-hold": "ObjectLegalHold",
    "retention": "ObjectRetention",
    "tagging": "ObjectTagging",
    "torrent": "ObjectTorrent",
}
_OBJECT_PLAIN = {
    "GET": "GetObject",
    "HEAD": "GetObject",
    "PUT": "PutObject",
    "POST": "PutObject",
    "DELETE": "DeleteObject",
}
_VERSIONED = frozenset({"GetObject", "DeleteObject", "GetObjectTagging", "GetObjectAcl"})
#: Configurations with a separate permission for removal; others are removed with Put.
_OWN_DELETE = frozenset({"BucketPolicy", "BucketWebsite", "ObjectTagging"})
#: Actions on a bucket; all others are on objects.
BUCKET_ACTIONS = frozenset(
    {
        *(f"{verb}{name}" for verb in ("Get", "Put", "Delete") for name in _BUCKET.values()),
        *_BUCKET_LISTS.values(),
        *(set(_BUCKET_PLAIN.values()) - {"PutObject"}),
    }
)


def needs(request: Incoming) -> list[Need]:
    """Return the permissions that an S3 request requires; a copy requires several."""
    if not request.bucket:
        return [("s3:ListAllMyBuckets", "*")]
    bucket = f"arn:aws:s3:::{request.bucket}"
    if not request.key:
        return [(f"s3:{_bucket_action(request)}", bucket)]
    wanted = [(f"s3:{_object_action(request)}", f"{bucket}/{request.key}")]
    if request.method == "PUT":
        wanted += _extras(request, f"{bucket}/{request.key}")
    return wanted


def _bucket_action(request: Incoming) -> str:
    for parameter, action in _BUCKET_LISTS.items():
        if request.has(parameter):
            return action
    return _configured(request, _BUCKET) or _BUCKET_PLAIN.get(request.method, "ListBucket")


def _object_action(request: Incoming) -> str:
    action = _configured(request, _OBJECT) or _of_upload(request)
    action = action or _OBJECT_PLAIN.get(request.method, "GetObject")
    return f"{action}Version" if request.has("versionId") and action in _VERSIONED else action


def _configured(request: Incoming, names: dict[str, str]) -> str | None:
    found = next((name for parameter, name in names.items() if request.has(parameter)), None)
    if found is None:
        return None
    if request.method in {"GET", "HEAD"}:
        return f"Get{found}"
    return (
        f"Delete{found}" if request.method == "DELETE" and found in _OWN_DELETE else f"Put{found}"
    )


def _of_upload(request: Incoming) -> str | None:
    if request.has("restore"):
        return "RestoreObject"
    if request.has("select"):
        return "GetObject"
    if not request.has("uploadId"):
        return None
    by_method = {"GET": "ListMultipartUploadParts", "DELETE": "AbortMultipartUpload"}
    return by_method.get(request.method)


def _extras(request: Incoming, target: str) -> list[Need]:
    """Return additional permissions: a copy reads its source, and tags need a separate one."""
    found: list[Need] = []
    source = request.headers.get("x-amz-copy-source")
    if source is not None:
        path, _, version = source.lstrip("/").partition("?")
        action = "s3:GetObjectVersion" if version else "s3:GetObject"
        found.append((action, f"arn:aws:s3:::{unquote(path)}"))
    if "x-amz-tagging" in request.headers:
        found.append(("s3:PutObjectTagging", target))
    return found
