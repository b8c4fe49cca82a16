"""Principals of access keys, from moto's IAM and STS; only active keys are valid."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.iam.models import AccessKeyLastUsed, IAMBackend, iam_backends
from moto.s3.models import s3_backends
from moto.sts.models import sts_backends

from core.demo.request_checks.refusals import Refusal, Refused
from core.demo.request_checks.signature import Claim
from core.health.policy_eval import decision

ACCOUNT = DEFAULT_ACCOUNT_ID
PARTITION = "aws"


@dataclass(frozen=True, slots=True)
class Principal:
    """The user or assumed role of a key, and its policies."""

    arn: str
    name: str
    secret: str
    policies: tuple[dict[str, Any], ...]


def iam() -> IAMBackend:
    """Return moto's IAM of the demo account."""
    return iam_backends[ACCOUNT][PARTITION]


def principal_of(claim: Claim, now: datetime) -> Principal:
    """Return the owner of the key with which a request was signed.

    Raises:
        Refused: the key is unknown, deleted or inactive, or its session token is wrong or has
            expired.
    """
    # Copies of the lists: other threads create users and roles.
    for user in list(iam().users.values()):
        for key in user.access_keys:
            if key.access_key_id == claim.access_key_id:
                return _of_user(user, key, claim)
    for role in list(sts_backends[ACCOUNT][PARTITION].assumed_roles):
        if role.access_key_id == claim.access_key_id:
            return _of_role(role, claim, now)
    raise Refused(Refusal.UNKNOWN_KEY, AWSAccessKeyId=claim.access_key_id)


def has_public_block(name: str) -> bool:
    """Return whether a bucket refuses public policies."""
    bucket = s3_backends[ACCOUNT][PARTITION].buckets.get(name)
    block = getattr(bucket, "public_access_block", None)
    return str(getattr(block, "block_public_policy", "")).lower() == "true"


def record_use(claim: Claim, now: datetime) -> None:
    """Record the last use of a key for GetAccessKeyLastUsed."""
    key = iam().access_keys.get(claim.access_key_id)
    if key is not None:
        key.last_used = AccessKeyLastUsed(now.replace(tzinfo=None), claim.service, claim.region)


def _of_user(user: Any, key: Any, claim: Claim) -> Principal:
    if key.status != "Active":
        raise Refused(Refusal.UNKNOWN_KEY, AWSAccessKeyId=claim.access_key_id)
    if claim.token is not None:
        raise Refused(Refusal.WRONG_TOKEN)
    policies = tuple(_documents(_user_policies(user)))
    return Principal(user.arn, user.name, key.secret_access_key, policies)


def _user_policies(user: Any) -> Iterator[Any]:
    yield from user.policies.values()
    yield from user.managed_policies.values()
    for group in iam().get_groups_for_user(user.name):
        yield from group.policies.values()
        yield from group.managed_policies.values()


def _of_role(role: Any, claim: Claim, now: datetime) -> Principal:
    if claim.token != role.session_token:
        raise Refused(Refusal.WRONG_TOKEN)
    if now > role.expiration.replace(tzinfo=UTC):
        raise Refused(Refusal.EXPIRED_TOKEN)
    name = role.role_arn.rpartition("/")[2]
    held = iam().get_role(name)
    documents = _documents([*held.policies.values(), *held.managed_policies.values()])
    return Principal(role.arn, name, role.secret_access_key, tuple(documents))


def _documents(policies: Iterable[Any]) -> Iterator[dict[str, Any]]:
    """Yield the documents of inline policies (texts) and managed ones (objects with versions)."""
    for policy in policies:
        if isinstance(policy, str):
            yield json.loads(policy)
        else:
            yield json.loads(next(each.document for each in policy.versions if each.is_default))


def may_be_assumed(role_arn: str, caller: Principal) -> bool:
    """Whether the role exists and its trust policy names the caller."""
    role = next((each for each in iam().roles.values() if each.arn == role_arn), None)
    if role is None:
        return False
    trust = json.loads(role.assume_role_policy_document)
    context = {"aws:principalarn": caller.arn}
    return decision([trust], "sts:AssumeRole", role_arn, context) is True
