"""Facts about the safety of a bucket; denied and unsupported requests are facts as well."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

from botocore import xform_name

from core.aws.actions import action_of
from core.aws.faults import translated
from core.errors import AccessDenied, InvalidInput, NotFound, NotSupported
from core.health.account_block import AccountBlock, account_block
from core.health.policy_eval import always_denied, open_to_everybody
from core.health.public_access import BLOCKS, Exposure, grants_to_everybody, judge
from core.objects.bucket import Bucket
from core.units import utc_now
from core.work import Work, default_work


class Status(Enum):
    """State of a fact."""

    GOOD = "good"
    BAD = "bad"
    NOTE = "note"
    UNJUDGED = "unjudged"
    DENIED = "denied"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact: its title, its state, the evidence for it, and the risk.

    `action` is the IAM action that is required to read it.
    """

    name: str
    title: str
    status: Status
    evidence: str
    risk: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class BucketFacts:
    """All facts about a bucket, and when they were read (aware, UTC)."""

    bucket: str
    facts: tuple[Fact, ...]
    fetched: datetime

    def get(self, name: str) -> Fact:
        """Return the fact with a name.

        Raises:
            KeyError: the fact does not exist.
        """
        return {fact.name: fact for fact in self.facts}[name]


#: State, evidence and risk of a fact.
Finding = tuple[Status, str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """A request, its error code for "not configured", and the function that judges the answer."""

    name: str
    title: str
    operation: str
    missing_code: str
    read: Callable[[Mapping[str, Any]], Finding]


def _encryption(answer: Mapping[str, Any]) -> Finding:
    rules = answer.get("ServerSideEncryptionConfiguration", {}).get("Rules", ())
    names = {
        rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "") for rule in rules
    } - {""}
    # Every bucket of AWS has a default since January 2023, so this answer comes from another
    # server.
    if not names:
        return (
            Status.BAD,
            "no default encryption is configured",
            "AWS has encrypted new objects by default since 2023; other servers may not.",
        )
    titles = {"AES256": "SSE-S3 (AES-256)", "aws:kms": "SSE-KMS", "aws:kms:dsse": "SSE-KMS, dual"}
    if names - set(titles):
        return _unjudged(f"unknown encryption {', '.join(sorted(names - set(titles)))}")
    return Status.GOOD, ", ".join(sorted(titles[name] for name in names)), ""


def _versioning(answer: Mapping[str, Any]) -> Finding:
    status = answer.get("Status", "")
    if status == "Enabled":
        mfa_delete = answer.get("MFADelete") == "Enabled"
        return Status.GOOD, "on with MFA delete" if mfa_delete else "on", ""
    state = "suspended" if status else "never enabled"
    return (
        Status.BAD,
        state,
        ("Deleted and overwritten objects are lost at once and cannot be restored."),
    )


def _block(answer: Mapping[str, Any]) -> Finding:
    block = answer.get("PublicAccessBlockConfiguration", {})
    missing = [name for name in BLOCKS if not block.get(name)]
    if not missing:
        return Status.GOOD, "all four blocks are enabled", ""
    return (
        Status.BAD,
        f"off: {', '.join(missing)}",
        "A policy or ACL can accidentally make objects public, unless the account blocks it.",
    )


def _policy_status(answer: Mapping[str, Any]) -> Finding:
    public = answer.get("PolicyStatus", {}).get("IsPublic")
    if public is None:
        return _unjudged("the server does not report whether the policy is public")
    if public:
        return Status.BAD, "the bucket policy is public", "Anyone has the access that it grants."
    return Status.GOOD, "the bucket policy is not public", ""


def _acl(answer: Mapping[str, Any]) -> Finding:
    public = grants_to_everybody(answer)
    if public is None:
        return _unjudged("the answer contains no grants")
    if public:
        grants = f"grants {', '.join(public)} to everyone"
        return (
            Status.BAD,
            grants,
            "Everyone can list or change the bucket, unless a block is enabled.",
        )
    return Status.GOOD, "grants nothing to everyone", ""


def _ownership(answer: Mapping[str, Any]) -> Finding:
    rules = answer.get("OwnershipControls", {}).get("Rules", ())
    found = rules[0].get("ObjectOwnership", "") if rules else ""
    if found == "BucketOwnerEnforced":
        return Status.GOOD, "ACLs are disabled", ""
    return Status.NOTE, f"ACLs are in force ({found or 'not configured'})", "ACLs can override."


def _tls(answer: Mapping[str, Any]) -> Finding:
    """Judge whether every request over plain HTTP is denied, for everyone and all resources."""
    if "Policy" not in answer:
        return _unjudged("the answer contains no policy")
    found = always_denied(
        answer["Policy"], str(answer.get("Bucket", "")), {"aws:securetransport": "false"}
    )
    if found.answer:
        return Status.GOOD, "plain HTTP is refused by the policy", ""
    if found.answer is None:
        return _unjudged(", ".join(found.reasons))
    if not found.reasons:
        return _NO_TLS
    evidence = f"plain HTTP is only partially refused: {'; '.join(found.reasons)}"
    return Status.NOTE, evidence, _NO_TLS[2]


def _logging(answer: Mapping[str, Any]) -> Finding:
    target = answer.get("LoggingEnabled", {}).get("TargetBucket", "")
    if target:
        return Status.GOOD, f"to {target}", ""
    return (
        Status.NOTE,
        "off",
        "Read access cannot be traced later, unless CloudTrail records it.",
    )


def _unjudged(why: str) -> Finding:
    # Never "good" without evidence: an answer that is not understood proves nothing.
    return Status.UNJUDGED, f"cannot be judged: {why}", "Check the setting in the AWS console."


_NO_TLS = (
    Status.NOTE,
    "no policy refuses plain HTTP",
    "A misconfigured client could send data unencrypted.",
)

#: Codes for a missing configuration, and the one for a missing bucket.
_MISSING, _NO_BUCKET = re.compile(r"NoSuch\w+|\w+NotFoundError"), "NoSuchBucket"
#: Meaning of an answer that nothing is configured.
_WHEN_MISSING: dict[str, tuple[Status, str, str]] = {
    "encryption": _encryption({}),
    "public-access": _block({}),
    "policy": (Status.GOOD, "there is no bucket policy", ""),
    "ownership": _ownership({}),
    "tls": _NO_TLS,
}

#: Codes: S3 API reference, the errors of each Get operation.
QUESTIONS: tuple[Question, ...] = (
    Question(
        "encryption",
        "Default encryption",
        "GetBucketEncryption",
        "ServerSideEncryptionConfigurationNotFoundError",
        _encryption,
    ),
    Question("versioning", "Versioning", "GetBucketVersioning", "", _versioning),
    Question(
        "public-access",
        "Block public access",
        "GetPublicAccessBlock",
        "NoSuchPublicAccessBlockConfiguration",
        _block,
    ),
    Question(
        "policy", "Bucket policy", "GetBucketPolicyStatus", "NoSuchBucketPolicy", _policy_status
    ),
    Question("acl", "Access control list", "GetBucketAcl", "", _acl),
    Question(
        "ownership",
        "Object ownership",
        "GetBucketOwnershipControls",
        "OwnershipControlsNotFoundError",
        _ownership,
    ),
    Question("tls", "TLS only", "GetBucketPolicy", "NoSuchBucketPolicy", _tls),
    Question("logging", "Access logging", "GetBucketLogging", "", _logging),
)


@dataclass(frozen=True, slots=True)
class _Answered:
    """The fact of a question, and the server's answer; None if there was none.

    The answer is empty if nothing is configured.
    """

    fact: Fact
    answer: Mapping[str, Any] | None


def fetch(bucket: Bucket, *, work: Work | None = None) -> BucketFacts:
    """Read all facts about a bucket, and judge from all answers whether it is public.

    Raises:
        StorageError: the bucket cannot be reached; a denied request is a fact.
    """
    work = default_work(work)
    seen: dict[str, _Answered] = {}
    for question in QUESTIONS:
        work.check()
        seen[question.name] = _answered(bucket, question, work)
    work.check()
    # Only all answers together show whether the bucket is public: a block overrides policy and ACL.
    exposure = _exposure(seen, account_block(bucket.clients, work=work))
    facts = [_public_fact(exposure)]
    facts += [
        _policy_fact(one.fact, exposure) if name == "policy" else one.fact
        for name, one in seen.items()
    ]
    return BucketFacts(bucket.name, tuple(facts), utc_now())


def _answered(bucket: Bucket, question: Question, work: Work) -> _Answered:
    action = action_of(f"s3:{question.operation}")
    call = getattr(bucket.client, xform_name(question.operation))
    answer: Mapping[str, Any] | None = None
    try:
        with translated(f"s3:{question.operation}", f"s3://{bucket.name}", work):
            # The name is added for the check of the policy, whose resources contain it.
            answer = {**call(Bucket=bucket.name), "Bucket": bucket.name}
        finding = question.read(answer)
    # Not configured and a missing bucket are both "not found"; only the code distinguishes them.
    except NotFound as error:
        code = _code_of(error)
        if not code:  # a missing bucket is an error and no fact
            raise
        # A server that is not AWS may have another code for a setting that does not exist.
        if code == question.missing_code:
            answer, finding = {}, _WHEN_MISSING[question.name]
        else:
            finding = _unjudged(f"the server answered {code}")
    except InvalidInput as error:  # a server that knows the request, but not with this setting
        finding = _unjudged(f"the server refused the request ({error.details})")
    except AccessDenied:
        finding = Status.DENIED, f"requires {action}", ""
    except NotSupported:
        finding = Status.UNSUPPORTED, "not supported by this server", ""
    standing, evidence, risk = finding
    fact = Fact(question.name, question.title, standing, evidence, risk, action)
    return _Answered(fact, answer)


def _code_of(error: NotFound) -> str:
    """Return the code for a missing configuration, or an empty text."""
    codes = (part for part in error.details.split(" · ") if _MISSING.fullmatch(part))
    return next((code for code in codes if code != _NO_BUCKET), "")


def _exposure(seen: Mapping[str, _Answered], account: AccountBlock) -> Exposure:
    policy, status = seen["tls"].answer, seen["policy"].answer
    ownership = seen["ownership"]
    # A server without this API has no blocks; after a denied request they are unknown.
    absent: Mapping[str, Any] | None = (
        {} if seen["public-access"].fact.status is Status.UNSUPPORTED else None
    )
    block = seen["public-access"].answer
    return Exposure(
        account=account,
        block=absent if block is None else block.get("PublicAccessBlockConfiguration", {}),
        policy=None if policy is None else open_to_everybody(policy.get("Policy", "{}")),
        status=None if status is None else bool(status.get("PolicyStatus", {}).get("IsPublic")),
        acl=None if seen["acl"].answer is None else grants_to_everybody(seen["acl"].answer),
        acls_disabled=None
        if ownership.fact.status in {Status.DENIED, Status.UNJUDGED}
        else ownership.fact.status is Status.GOOD,
    )


def _public_fact(exposure: Exposure) -> Fact:
    public, evidence, risk = judge(exposure)
    if public is None:
        standing, evidence, risk = _unjudged(evidence)
    elif public:
        standing = Status.BAD
    else:
        standing = Status.NOTE if risk else Status.GOOD
    return Fact("public", "Public access", standing, evidence, risk)


def _policy_fact(fact: Fact, exposure: Exposure) -> Fact:
    """Correct the server's judgement of the policy by an evaluation of the policy."""
    public = exposure.policy_is_public
    # Other servers answer IsPublic=false without an evaluation, so their "not public" proves
    # nothing.
    if public is None and fact.status is Status.GOOD:
        reasons = exposure.policy.reasons if exposure.policy else ("the policy cannot be read",)
        standing, evidence, risk = _unjudged(", ".join(reasons))
        return replace(fact, status=standing, evidence=evidence, risk=risk)
    if public and exposure.policy is not None and exposure.policy.answer:
        evidence = f"the bucket policy {', '.join(exposure.policy.reasons)}"
        risk = "Anyone has the access that it grants, unless a block is enabled."
        return replace(fact, status=Status.BAD, evidence=evidence, risk=risk)
    return fact
