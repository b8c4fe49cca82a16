"""Judge whether a bucket is public from account block, bucket block, policy and ACL together.

Source: S3 user guide, "Blocking public access to your Amazon S3 storage": a setting counts when it
is on at the account or at the bucket; `RestrictPublicBuckets` stops what a public policy grants,
`IgnorePublicAcls` what ACLs grant. Disabled ACLs (`BucketOwnerEnforced`) grant nothing.
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
    """What the answers say; None is what could not be read.

    `status` is the server's own judgement of the policy, `policy` ours; `acl` are the permissions
    that the bucket's ACL gives to everybody.
    """

    account: AccountBlock
    block: Mapping[str, bool] | None
    policy: Judgement | None
    status: bool | None
    acl: tuple[str, ...] | None
    acls_disabled: bool | None

    @property
    def policy_is_public(self) -> bool | None:
        """Whether the policy grants anything to everybody; S3's own judgement counts on AWS only."""
        ours = self.policy.answer if self.policy is not None else None
        if self.status or ours:
            return True
        if ours is False or (self.status is False and self.account.on_aws):
            return False
        return None

    def blocked(self, name: str) -> bool | None:
        """Return whether a block is on, at the account or at the bucket."""
        here = None if self.block is None else bool(self.block.get(name))
        return any_of((here, self.account.get(name)))


def grants_to_everybody(answer: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the permissions that an ACL gives to everybody; None when it lists no grants at all."""
    if "Grants" not in answer:
        return None
    found = {
        str(grant.get("Permission", ""))
        for grant in answer["Grants"]
        if str(grant.get("Grantee", {}).get("URI", "")).endswith(_EVERYBODY)
    }
    return tuple(sorted(found))


def judge(seen: Exposure) -> tuple[bool | None, str, str]:
    """Return whether the bucket is public (None: cannot be judged), the evidence, and the risk."""
    by_policy = all_of((seen.policy_is_public, _negated(seen.blocked("RestrictPublicBuckets"))))
    acl = None if seen.acl is None else bool(seen.acl)
    acls_count = _negated(any_of((seen.blocked("IgnorePublicAcls"), seen.acls_disabled)))
    by_acl = all_of((acl, acls_count))
    public = any_of((by_policy, by_acl))
    if public:
        ways = [way for way, on in (("the policy", by_policy), ("the ACL", by_acl)) if on]
        return True, f"public through {' and '.join(ways)}", "Anybody can reach what is granted."
    if public is None:
        return None, ", ".join(_unread(seen)) or "not everything could be read", ""
    if seen.policy_is_public or seen.acl:
        what = "the policy" if seen.policy_is_public else "the ACL"
        return False, f"{what} is public, and a block stops it", "Without the block it is public."
    if acls_count is not False:
        return (
            False,
            "neither policy nor ACL of the bucket grants anything to everybody",
            "Single objects can still be public through an ACL of their own.",
        )
    return False, "nothing is granted to everybody, and ACLs do not count", ""


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
    return [*reasons, f"unknown: {', '.join(names)}"] if names else reasons


def _negated(answer: bool | None) -> bool | None:
    return None if answer is None else not answer
