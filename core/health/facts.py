"""What a bucket says about its own safety; "denied" and "not supported" are values, not failures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from botocore import xform_name

from core.aws.actions import action_of
from core.aws.faults import translated
from core.errors import AccessDenied, NotFound, NotSupported
from core.objects.bucket import Bucket
from core.units import utc_now
from core.work import Work, default_work


class Standing(Enum):
    """How a fact stands."""

    GOOD = "good"
    BAD = "bad"
    NOTE = "note"
    DENIED = "denied"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact: its title, how it stands, what was seen (evidence), and what that risks.

    `action` is the IAM action that reading it needs.
    """

    name: str
    title: str
    standing: Standing
    evidence: str
    risk: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class BucketFacts:
    """All facts of a bucket, and when they were fetched (aware, UTC)."""

    bucket: str
    facts: tuple[Fact, ...]
    fetched: datetime

    def get(self, name: str) -> Fact:
        """Return the fact of that name.

        Raises:
            KeyError: there is none.
        """
        return {fact.name: fact for fact in self.facts}[name]


@dataclass(frozen=True, slots=True)
class Question:
    """One call to the bucket, the code it answers when nothing is configured, and its reader."""

    name: str
    title: str
    operation: str
    missing_code: str
    read: Callable[[Mapping[str, Any]], tuple[Standing, str, str]]


def _encryption(answer: Mapping[str, Any]) -> tuple[Standing, str, str]:
    rules = answer.get("ServerSideEncryptionConfiguration", {}).get("Rules", ())
    names = {
        rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "") for rule in rules
    } - {""}
    if not names:
        return (
            Standing.BAD,
            "no default encryption is configured",
            "AWS encrypts new objects all the same since 2023; other servers may not.",
        )
    told = {"AES256": "SSE-S3 (AES-256)", "aws:kms": "SSE-KMS", "aws:kms:dsse": "SSE-KMS, dual"}
    return Standing.GOOD, ", ".join(sorted(told.get(name, name) for name in names)), ""


def _versioning(answer: Mapping[str, Any]) -> tuple[Standing, str, str]:
    status = answer.get("Status", "")
    if status == "Enabled":
        mfa = " with MFA delete" if answer.get("MFADelete") == "Enabled" else ""
        return Standing.GOOD, f"on{mfa}", ""
    told = "suspended" if status else "never switched on"
    return Standing.BAD, told, "What is deleted or overwritten is gone at once: there is no undo."


def _block(answer: Mapping[str, Any]) -> tuple[Standing, str, str]:
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    block = answer.get("PublicAccessBlockConfiguration", {})
    missing = [name for name in names if not block.get(name)]
    if not missing:
        return Standing.GOOD, "all four blocks are on", ""
    return (
        Standing.BAD,
        f"off: {', '.join(missing)}",
        "A policy or ACL can make objects public by mistake, unless the account blocks it.",
    )


def _policy(answer: Mapping[str, Any]) -> tuple[Standing, str, str]:
    if answer.get("PolicyStatus", {}).get("IsPublic"):
        return Standing.BAD, "the bucket policy is public", "Anybody can reach what it grants."
    return Standing.GOOD, "the bucket policy is not public", ""


def _acl(answer: Mapping[str, Any]) -> tuple[Standing, str, str]:
    everyone = ("global/AllUsers", "global/AuthenticatedUsers")
    public = [
        grant.get("Permission", "")
        for grant in answer.get("Grants", ())
        if str(grant.get("Grantee", {}).get("URI", "")).endswith(everyone)
    ]
    if public:
        told = f"grants {', '.join(sorted(set(public)))} to everybody"
        return Standing.BAD, told, "Everybody can list or change the bucket, unless a block is on."
    return Standing.GOOD, "grants nothing to everybody", ""


def _ownership(answer: Mapping[str, Any]) -> tuple[Standing, str, str]:
    rules = answer.get("OwnershipControls", {}).get("Rules", ())
    found = rules[0].get("ObjectOwnership", "") if rules else ""
    if found == "BucketOwnerEnforced":
        return Standing.GOOD, "ACLs are disabled", ""
    return Standing.NOTE, f"ACLs are in force ({found or 'not configured'})", "ACLs can override."


def _tls(answer: Mapping[str, Any]) -> tuple[Standing, str, str]:
    try:
        statements = json.loads(answer.get("Policy", "{}")).get("Statement", [])
    except ValueError:
        return Standing.NOTE, "the policy cannot be read as JSON", ""
    statements = [statements] if isinstance(statements, dict) else statements
    refused = any(_denies_plain_http(statement) for statement in statements)
    if refused:
        return Standing.GOOD, "plain HTTP is refused by the policy", ""
    return _NO_TLS


def _denies_plain_http(statement: Mapping[str, Any]) -> bool:
    condition = statement.get("Condition", {}).get("Bool", {})
    return statement.get("Effect") == "Deny" and (
        str(condition.get("aws:SecureTransport", "")).lower() == "false"
    )


def _logging(answer: Mapping[str, Any]) -> tuple[Standing, str, str]:
    target = answer.get("LoggingEnabled", {}).get("TargetBucket", "")
    if target:
        return Standing.GOOD, f"to {target}", ""
    return Standing.NOTE, "off", "Who read what cannot be told later, unless CloudTrail records it."


_NO_TLS = (
    Standing.NOTE,
    "no policy refuses plain HTTP",
    "A client that is set up wrong could send data unencrypted.",
)

#: What an answer means that says "nothing is configured".
_WHEN_MISSING: dict[str, tuple[Standing, str, str]] = {
    "encryption": _encryption({}),
    "public-access": _block({}),
    "policy": (Standing.GOOD, "there is no bucket policy", ""),
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
    Question("policy", "Bucket policy", "GetBucketPolicyStatus", "NoSuchBucketPolicy", _policy),
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


def fetch(bucket: Bucket, *, work: Work | None = None) -> BucketFacts:
    """Ask the bucket every question once.

    Raises:
        StorageError: the bucket cannot be reached at all; a denied question is a fact.
    """
    work = default_work(work)
    facts = []
    for question in QUESTIONS:
        work.check()
        facts.append(_asked(bucket, question))
    return BucketFacts(bucket.name, tuple(facts), utc_now())


def _asked(bucket: Bucket, question: Question) -> Fact:
    action = action_of(f"s3:{question.operation}")
    call = getattr(bucket.client, xform_name(question.operation))
    try:
        with translated(f"s3:{question.operation}", f"s3://{bucket.name}"):
            standing, evidence, risk = question.read(call(Bucket=bucket.name))
    except NotFound as error:
        if not question.missing_code or question.missing_code not in error.details:
            raise
        standing, evidence, risk = _WHEN_MISSING[question.name]
    except AccessDenied:
        standing, evidence, risk = Standing.DENIED, f"needs {action}", ""
    except NotSupported:
        standing, evidence, risk = Standing.UNSUPPORTED, "this server does not offer it", ""
    return Fact(question.name, question.title, standing, evidence, risk, action)
