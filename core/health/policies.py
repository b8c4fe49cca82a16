"""Least-privilege IAM policies for the people who work with one bucket and its secrets.

Each role is a row of tables: which actions on which kind of resource. Sources: the Service
Authorization Reference (actions and resource types of S3, Secrets Manager, IAM, Athena and Glue),
the Athena user guide ("Configure access to databases and tables in the Glue Data Catalog") and, for
the length, the IAM quotas (a managed policy has 6,144 characters at most, white space not counted).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from core.aws.partitions import partition_of
from core.errors import InvalidInput
from core.model.connection import DEFAULT_BUCKET, SECRET_PREFIX

#: Limit of a managed policy, without whitespace (IAM user guide, "IAM and AWS STS quotas").
MANAGED_POLICY_CHARACTERS = 6144


class Role(Enum):
    """Role of the users of a policy."""

    READER = "reader"
    UPLOADER = "uploader"
    OPERATOR = "operator"
    ADMIN = "admin"


class Target(Enum):
    """Resource of a group of actions."""

    OBJECTS = "objects"
    LISTING = "listing"
    BUCKET = "bucket"
    SECRETS = "secrets"
    DATABASE = "database"
    USER = "user"
    QUERIES = "queries"
    TABLES = "tables"
    ANYTHING = "anything"


@dataclass(frozen=True, slots=True)
class Scope:
    """Scope of a policy: a bucket, a prefix of it (empty: all) and the platform's secrets.

    `user` is the IAM user whose access keys an admin rotates; empty means the user with the policy.
    It is never all users, because creating keys for a user grants that user's permissions.
    `region` determines the partition in ARNs.
    """

    bucket: str = DEFAULT_BUCKET
    prefix: str = ""
    names_prefix: str = SECRET_PREFIX
    user: str = ""
    region: str = ""


#: The database of `core.collect.athena`.
_DATABASE = "strongroom"
#: What Athena does in the Glue data catalogue with the permissions of the caller.
_GLUE = (
    "glue:GetDatabase",
    "glue:CreateDatabase",
    "glue:GetTable",
    "glue:CreateTable",
    "glue:GetPartitions",
)
_READ: Mapping[Target, tuple[str, ...]] = {
    Target.LISTING: ("s3:ListBucket",),
    Target.OBJECTS: ("s3:GetObject",),
}
_UPLOAD: Mapping[Target, tuple[str, ...]] = {
    Target.LISTING: ("s3:ListBucket",),
    Target.OBJECTS: (
        "s3:GetObject",
        "s3:PutObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
    ),
}
_OPERATE: Mapping[Target, tuple[str, ...]] = {
    Target.LISTING: ("s3:ListBucket",),
    Target.OBJECTS: (
        *_UPLOAD[Target.OBJECTS],
        "s3:DeleteObject",
        # A copy repeats the tags of its source; S3 refuses it without these if there are tags.
        "s3:GetObjectTagging",
        "s3:PutObjectTagging",
        # Removing the last tag.
        "s3:DeleteObjectTagging",
    ),
    Target.DATABASE: ("secretsmanager:GetSecretValue",),
}
_ADMIN: Mapping[Target, tuple[str, ...]] = {
    Target.LISTING: ("s3:ListBucket", "s3:ListBucketVersions"),
    Target.OBJECTS: (
        *_OPERATE[Target.OBJECTS],
        "s3:GetObjectVersion",
        "s3:GetObjectVersionTagging",
        # Undoing a deletion, a move or a change removes the version that it has made.
        "s3:DeleteObjectVersion",
    ),
    Target.BUCKET: (
        "s3:ListBucketMultipartUploads",
        "s3:GetLifecycleConfiguration",
        "s3:PutLifecycleConfiguration",
        "s3:GetBucketVersioning",
        "s3:GetEncryptionConfiguration",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketPolicy",
        "s3:GetBucketPolicyStatus",
        "s3:GetBucketAcl",
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketLogging",
        # Athena requires it on the bucket of its results.
        "s3:GetBucketLocation",
    ),
    Target.SECRETS: (
        "secretsmanager:GetSecretValue",
        "secretsmanager:CreateSecret",
        "secretsmanager:UpdateSecret",
        "secretsmanager:DescribeSecret",
        "secretsmanager:ListSecretVersionIds",
        "secretsmanager:PutSecretValue",
        "secretsmanager:UpdateSecretVersionStage",
        "secretsmanager:RotateSecret",
        "secretsmanager:DeleteSecret",
        "secretsmanager:RestoreSecret",
        "secretsmanager:TagResource",
        "secretsmanager:UntagResource",
    ),
    Target.USER: (
        "iam:ListAccessKeys",
        "iam:CreateAccessKey",
        "iam:UpdateAccessKey",
        "iam:DeleteAccessKey",
    ),  # GetAccessKeyLastUsed is for a key, not a user; the others have no resource.
    Target.QUERIES: (
        "athena:StartQueryExecution",
        "athena:GetQueryExecution",
        "athena:StopQueryExecution",
    ),
    Target.TABLES: _GLUE,
    Target.ANYTHING: (
        "iam:GetAccessKeyLastUsed",
        "s3:GetAccountPublicAccessBlock",
        "secretsmanager:ListSecrets",
        "cloudwatch:ListMetrics",
    ),
}
_ROLES = {
    Role.READER: _READ,
    Role.UPLOADER: _UPLOAD,
    Role.OPERATOR: _OPERATE,
    Role.ADMIN: _ADMIN,
}
TASKS = {
    Role.READER: "browses, previews and downloads",
    Role.UPLOADER: "uploads, and checks existing objects; cannot delete",
    Role.OPERATOR: "backs up and restores tables, with the login of the database; copies and moves",
    Role.ADMIN: "rotates secrets and keys, and manages the bucket",
}
#: Resources of used actions; `_place` determines those of all other actions.
_PLACES = {
    action: place for row in _ROLES.values() for place, all_ in row.items() for action in all_
}


_NO_RESOURCE = frozenset(
    {
        "s3:GetAccountPublicAccessBlock",
        "s3:ListAllMyBuckets",
        "secretsmanager:BatchGetSecretValue",
        "secretsmanager:GetRandomPassword",
    }
)


def policy_for(role: Role, scope: Scope) -> dict[str, Any]:
    """Return the policy document of a role.

    Raises:
        InvalidInput: the bucket or the prefix is not valid in a policy.
    """
    return _document(_ROLES[role], scope)


def policy_of_use(actions: Iterable[str], scope: Scope) -> dict[str, Any]:
    """Return a policy that only allows the used actions.

    Raises:
        InvalidInput: no use is recorded, or the scope is not valid in a policy.
    """
    used = {*actions}
    if "athena:StartQueryExecution" in used:
        # Athena sends these itself, so that they are not recorded.
        used |= {*_GLUE, "s3:GetBucketLocation"}
    places: dict[Target, list[str]] = {}
    for action in sorted(used):
        place = _place(action)
        # The used secret may have any name, so the resource is not limited to that of the database.
        places.setdefault(Target.SECRETS if place is Target.DATABASE else place, []).append(action)
    if not places:
        raise InvalidInput(
            "No use is recorded yet",
            cause="The record of the actions that this profile has used is empty.",
            remedy="Use the profile for some time first, or choose a role.",
        )
    return _document({place: tuple(found) for place, found in places.items()}, scope)


def _place(action: str) -> Target:
    """Return the resource of an action; `*` only if the action has no resource."""
    if action in _PLACES or action in _NO_RESOURCE:
        return _PLACES.get(action, Target.ANYTHING)
    service, _, name = action.partition(":")
    # All S3 actions with "Object" in their name are for objects, except
    # GetBucketObjectLockConfiguration.
    if service == "s3" and "Object" in name.replace("ObjectLockConfiguration", ""):
        return Target.OBJECTS
    by_service = {"s3": Target.BUCKET, "secretsmanager": Target.SECRETS, "iam": Target.USER}
    return by_service.get(service, Target.ANYTHING)


def text_of(policy: Mapping[str, Any]) -> str:
    """Return a policy as JSON text for IAM."""
    return json.dumps(policy, indent=2)


def _document(row: Mapping[Target, Sequence[str]], scope: Scope) -> dict[str, Any]:
    _check(scope)
    statements = [_statement(place, row[place], scope) for place in Target if place in row]
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(place: Target, actions: Sequence[str], scope: Scope) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "Sid": place.value.capitalize(),
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": _resource(place, scope),
    }
    if place is Target.LISTING and scope.prefix:
        statement["Condition"] = {"StringLike": {"s3:prefix": f"{scope.prefix}*"}}
    return statement


def _resource(place: Target, scope: Scope) -> str | list[str]:
    aws = f"arn:{partition_of(scope.region).id}"
    bucket = f"{aws}:s3:::{scope.bucket}"
    secret = f"{aws}:secretsmanager:*:*:secret:{scope.names_prefix}"
    resources: dict[Target, str | list[str]] = {
        Target.OBJECTS: f"{bucket}/{scope.prefix}*",
        # s3:ListBucket is an action of the bucket; only a condition can limit it to a prefix.
        Target.LISTING: bucket,
        Target.BUCKET: bucket,
        Target.SECRETS: f"{secret}*",
        # Secrets Manager appends six random characters to an ARN.
        Target.DATABASE: f"{secret}database-??????",
        Target.USER: f"{aws}:iam::*:user/{scope.user or '${aws:username}'}",
        Target.QUERIES: f"{aws}:athena:*:*:workgroup/primary",
        # A call on a table requires the permission on its database and on the catalogue, too.
        Target.TABLES: [
            f"{aws}:glue:*:*:catalog",
            # Athena inspects it before it creates another database.
            f"{aws}:glue:*:*:database/default",
            f"{aws}:glue:*:*:database/{_DATABASE}",
            f"{aws}:glue:*:*:table/{_DATABASE}/*",
        ],
        Target.ANYTHING: "*",
    }
    return resources[place]


def _check(scope: Scope) -> None:
    """Refuse wildcards and variables in names, which would widen a policy."""
    for what, text in (
        ("bucket", scope.bucket),
        ("prefix", scope.prefix),
        ("user", scope.user),
    ):
        if any(sign in text for sign in "*?$") or (what == "bucket" and not text):
            raise InvalidInput(
                f"The {what} {text!r} cannot be used in a policy",
                cause="The characters *, ? and $ are wildcards or variables in policies.",
                remedy="Use the exact name, or choose a shorter prefix.",
                subject=text,
            )
