"""Access control lists of objects, which S3 does not copy.

In most buckets they are disabled. Where they are in force, an object that is copied onto itself, or
moved within its bucket, gets the grants of its former state again. A copy elsewhere does not: it
could give strangers access to a bucket that is not meant for them.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.errors import AccessDenied, NotFound, NotSupported
from core.objects.bucket import Bucket
from core.objects.versions import versioned
from core.work import Work

_log = logging.getLogger(__name__)

#: One grantee and permission, as botocore's dictionary.
Grant = dict[str, Any]
#: Permission -> botocore's parameter.
_PARAMETERS = {
    "FULL_CONTROL": "GrantFullControl",
    "READ": "GrantRead",
    "READ_ACP": "GrantReadACP",
    "WRITE": "GrantWrite",
    "WRITE_ACP": "GrantWriteACP",
}
#: Name of a grantee in an answer -> in a parameter.
_NAMES = {"URI": "uri", "ID": "id", "EmailAddress": "emailAddress"}


class _Known:
    """What is known about the buckets of one connection; several threads copy objects at once."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        #: Bucket -> whether ACLs are in force; None if that is not known.
        self.buckets: dict[str, bool | None] = {}


# Weak, so that a closed connection does not stay in memory.
_found: WeakKeyDictionary[ClientFactory, _Known] = WeakKeyDictionary()
_lock = threading.Lock()


def grants_of(bucket: Bucket, key: str, version: str, work: Work) -> tuple[Grant, ...]:
    """Return the grants of an object to others than its owner; none where ACLs are disabled.

    Without the right to read them there are none either, unless the bucket's setting for object
    ownership states that ACLs are in force.

    Args:
        bucket: the bucket.
        key: the object.
        version: the version; empty for the newest.
        work: cancel token and retry budget.

    Raises:
        AccessDenied: the bucket's setting enables ACLs, and `s3:GetObjectAcl` is missing.
        StorageError: the request failed.
    """
    in_force = _in_force(bucket, work)
    if in_force is False:
        return ()
    try:
        answer = _read(bucket, key, version, work)
    except NotSupported:
        return ()
    except AccessDenied:
        if in_force:
            raise
        _log.info("the grants of objects of %s cannot be read, and are not repeated", bucket.name)
        return ()
    owner = answer.get("Owner", {}).get("ID", "")
    return tuple(each for each in _named(answer) if not _is_owner(each, owner))


def repeat_grants(
    bucket: Bucket, key: str, version: str, grants: tuple[Grant, ...], work: Work
) -> None:
    """Set grants of a former state again, beside those of the owner.

    Args:
        bucket: the bucket.
        key: the object.
        version: its new version; empty in a bucket without versions.
        grants: what `grants_of` returned; without any, nothing is requested.
        work: cancel token and retry budget.

    Raises:
        StorageError: `s3:PutObjectAcl` is missing, or the request failed.
    """
    if not grants:
        return
    version = "" if version == "null" else version
    present = _read(bucket, key, version, work)
    owner = present.get("Owner", {}).get("ID", "")
    own = [each for each in _named(present) if _is_owner(each, owner)]
    with translated("s3:PutObjectAcl", bucket.subject(key), work):
        bucket.client.put_object_acl(
            Bucket=bucket.name, Key=key, **_headers([*own, *grants]), **versioned(version)
        )


def _headers(grants: Sequence[Grant]) -> dict[str, str]:
    """Return grants as botocore's parameters, one for each permission."""
    found: dict[str, list[str]] = {}
    for each in grants:
        grantee = each["Grantee"]
        name = next(name for name in _NAMES if grantee.get(name))
        found.setdefault(_PARAMETERS[each["Permission"]], []).append(
            f'{_NAMES[name]}="{grantee[name]}"'
        )
    return {name: ", ".join(values) for name, values in found.items()}


def _read(bucket: Bucket, key: str, version: str, work: Work) -> dict[str, Any]:
    with translated("s3:GetObjectAcl", bucket.subject(key), work):
        answer: dict[str, Any] = bucket.client.get_object_acl(
            Bucket=bucket.name, Key=key, **versioned(version)
        )
    return answer


def _named(answer: dict[str, Any]) -> list[Grant]:
    """Return the grants whose grantee is named; MinIO shows its owner without any name."""
    grants: list[Grant] = answer.get("Grants", [])
    return [each for each in grants if any(each.get("Grantee", {}).get(n) for n in _NAMES)]


def _is_owner(grant: Grant, owner: str) -> bool:
    return bool(grant.get("Grantee", {}).get("ID") == owner)


def _in_force(bucket: Bucket, work: Work) -> bool | None:
    """Return whether ACLs of the bucket have an effect, asked once for each connection."""
    with _lock:
        known = _found.setdefault(bucket.clients, _Known())
    with known.lock:
        if bucket.name not in known.buckets:
            known.buckets[bucket.name] = _asked(bucket, work)
        return known.buckets[bucket.name]


def _asked(bucket: Bucket, work: Work) -> bool | None:
    try:
        with translated("s3:GetBucketOwnershipControls", bucket.subject(), work):
            answer = bucket.client.get_bucket_ownership_controls(Bucket=bucket.name)
    except NotFound:
        # Buckets from before April 2023 have no such setting: their ACLs have an effect, but hardly
        # any object has grants to others, so that a user who may not read them may go on. Other
        # servers have no such setting either, and may have no ACLs.
        return None
    except (AccessDenied, NotSupported):
        return None
    rules = answer.get("OwnershipControls", {}).get("Rules", ())
    return not any(rule.get("ObjectOwnership") == "BucketOwnerEnforced" for rule in rules)
