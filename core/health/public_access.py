"""Judgement whether a bucket is public, from account block, bucket block, policy and ACL.

Source: S3 user guide, "Blocking public access to your Amazon S3 storage": a setting is effective if
it is enabled for the account or the bucket; `RestrictPublicBuckets` blocks grants of a public
policy, `IgnorePublicAcls` grants of ACLs. Disabled ACLs (`BucketOwnerEnforced`) grant nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.health.account_block import AccountBlock
from core.health.policy_conditions import all_of, any_of
from core.health.policy_eval import Judgement

BLOCKS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
_EVERYBODY = ("global/AllUsers", "global/AuthenticatedUsers")


@dataclass(frozen=True, slots=True)
class Exposure:
    """The relevant answers of the server; None if they could not be read.

    `status` is the server's judgement of the policy, `policy` that of this program; `acl` are the
    permissions that the bucket's ACL grants to everyone.
    """

    account: AccountBlock
    block: Mapping[str, bool] | None
    policy: Judgement | None
    status: bool | None
    acl: tuple[str, ...] | None
    acls_disabled: bool | None

    @property
    def policy_is_public(self) -> bool | None:
        """Whether the policy grants anything to everyone; only AWS's own judgement is used."""
        ours = self.policy.answer if self.policy is not None else None
        if self.status or ours:
            return True
        # Of servers other than AWS only the own evaluation counts: many never report a public
        # policy.
        if ours is False or (self.status is False and self.account.on_aws):
            return False
        return None

    def blocked(self, name: str) -> bool | None:
        """Return whether a block is enabled for the account or the bucket."""
        here = None if self.block is None else bool(self.block.get(name))
        return any_of((here, self.account.get(name)))


def grants_to_everybody(answer: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the permissions that an ACL grants to everyone, or None without any grants."""
    if "Grants" not in answer:
        return None
    found = {
        str(grant.get("Permission", ""))
        for grant in answer["Grants"]
        if str(grant.get("Grantee", {}).get("URI", "")).endswith(_EVERYBODY)
    }
    return tuple(sorted(found))


def judge(seen: Exposure) -> tuple[bool | None, str, str]:
    """Return whether the bucket is public (None: unknown), the evidence, and the risk."""
    by_policy = all_of((seen.policy_is_public, _negated(seen.blocked("RestrictPublicBuckets"))))
    acl = None if seen.acl is None else bool(seen.acl)
    # ACLs have no effect when a block ignores them or when the ownership setting disables them.
    acls_count = _negated(any_of((seen.blocked("IgnorePublicAcls"), seen.acls_disabled)))
    by_acl = all_of((acl, acls_count))
    public = any_of((by_policy, by_acl))
    if public:
        evidence = "public through the policy" if by_policy else "public through the ACL"
        if by_policy and by_acl:
            evidence = "public through the policy and the ACL"
        return True, evidence, "Anyone has the granted access."
    if public is None:
        return None, ", ".join(_unread(seen)) or "not everything could be read", ""
    if seen.policy_is_public or seen.acl:
        return (
            False,
            "the policy is public, but a block is effective"
            if seen.policy_is_public
            else "the ACL is public, but a block is effective",
            ("Without the block the bucket would be public."),
        )
    if acls_count is not False:
        return (
            False,
            "neither the policy nor the ACL of the bucket grants anything to everyone",
            "Single objects can still be public through their ACLs.",
        )
    return False, "nothing is granted to everyone, and ACLs are disabled or ignored", ""


def _unread(seen: Exposure) -> list[str]:
    parts = {
        "the bucket policy": seen.policy_is_public,
        "the ACL": seen.acl,
        "the bucket's block": seen.block,
        "the account's block": seen.account.settings,
        "the object ownership": seen.acls_disabled,
    }
    names = [name for name, value in parts.items() if value is None]
    reasons = list(seen.policy.reasons) if seen.policy and seen.policy.answer is None else []
    if not names:
        return reasons
    *others, last = names
    subject = f"{', '.join(others)} and {last} are" if others else f"{last} is"
    return [*reasons, f"{subject} not known"]


def _negated(answer: bool | None) -> bool | None:
    return None if answer is None else not answer
