"""Evaluation of IAM policies: effect, principal, action, resource and condition together.

`decision` evaluates one request like IAM: a denial has priority, otherwise one permission is
sufficient. `always_denied` and `open_to_everybody` judge a policy for all possible requests; an
unknown result is never judged as safe. Sources: IAM user guide, "Policy evaluation logic" and "IAM
JSON policy elements"; S3 user guide, "Blocking public access ... the meaning of public".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any

from core.aws.partitions import without_partition
from core.health.policy_conditions import (
    Context,
    as_list,
    condition_keys,
    conditions_hold,
    expand_variables,
    matches,
    unknown_operators,
)
from core.health.policy_patterns import covers, overlaps

#: Condition keys that limit a grant to particular callers, in lower case.
_FIXED_KEYS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
    }
)
_FIXING_OPERATORS = frozenset(
    {"StringEquals", "StringEqualsIgnoreCase", "StringLike", "ArnEquals", "ArnLike", "IpAddress"}
)
#: Networks with a shorter prefix count as everyone, by IP version.
# The limits of S3 for `aws:SourceIp` in a policy that is not public: /8 for IPv4 and /32 for IPv6.
_WIDEST_NETWORK = {4: 8, 6: 32}


@dataclass(frozen=True, slots=True)
class Judgement:
    """Judgement of a policy: yes, no, or None if unknown, with the reasons."""

    answer: bool | None
    reasons: tuple[str, ...] = ()


def decision(
    documents: Iterable[Mapping[str, Any]], action: str, resource: str, context: Context
) -> bool | None:
    """Return True if permitted, False if explicitly denied, None if not mentioned.

    A condition with an unknown result never permits and always denies.

    Args:
        documents: policies, all of one kind (of an identity, or of a bucket).
        action: for example `s3:GetObject`.
        resource: the ARN acted on.
        context: condition keys in lower case with their values, `aws:principalarn` among them.
    """
    found: bool | None = None
    for statement in _statements(documents):
        if not _concerns(statement, action, resource, context):
            continue
        holds = conditions_hold(statement.get("Condition") or {}, context)
        # The caution differs: an unknown denial counts as a denial, an unknown permission as none.
        if statement["Effect"] == "Deny" and holds is not False:
            return False
        if statement["Effect"] == "Allow" and holds is True:
            found = True
    return found


def always_denied(policy: str, bucket: str, context: Context) -> Judgement:
    """Judge whether a bucket policy denies all callers all S3 actions on bucket and objects.

    Args:
        policy: the policy as JSON text.
        bucket: the name of the bucket; by default the one in the resources of the policy.
        context: known condition keys of the requests, in lower case. Every other key may have any
            value: a denial that depends on one does not count.
    """
    try:
        statements = statements_of(policy)
    except ValueError as error:
        return Judgement(answer=None, reasons=(str(error),))
    # A denial is needed for both ARNs: `bucket/*` does not include the bucket, nor `bucket` its
    # objects.
    missing = dict(_covers_bucket(bucket or _bucket_of(statements)))
    reasons: list[str] = []
    unknown: list[str] = []
    for statement in statements:
        if statement["Effect"] != "Deny" or not _is_about(statement, context):
            continue
        unknown += unknown_operators(statement.get("Condition"))
        gaps = _gaps(statement, context)
        reasons += gaps
        if not gaps:
            missing = {
                arn: name for arn, name in missing.items() if not _covers_resource(statement, arn)
            }
            reasons += [f"a denial does not include {name}" for name in missing.values()]
    if not missing:
        return Judgement(answer=True)
    if unknown:
        return Judgement(answer=None, reasons=tuple(f"{name} is not supported" for name in unknown))
    return Judgement(answer=False, reasons=tuple(dict.fromkeys(reasons)))


def open_to_everybody(policy: str) -> Judgement:
    """Judge whether a bucket policy grants anything to everyone, as S3 defines "public"."""
    try:
        statements = statements_of(policy)
    except ValueError as error:
        return Judgement(answer=None, reasons=(str(error),))
    allowed = [each for each in statements if each["Effect"] == "Allow" and _grants_all(each)]
    public = [each for each in allowed if not _limited(each)]
    unknown = [name for each in public for name in unknown_operators(each.get("Condition"))]
    # One certain grant suffices, whatever the statements that cannot be judged mean.
    certain = [each for each in public if not unknown_operators(each.get("Condition"))]
    if certain:
        what = ", ".join(dict.fromkeys(_actions_text(each) for each in certain))
        return Judgement(answer=True, reasons=(f"grants {what} to everyone",))
    if unknown:
        return Judgement(answer=None, reasons=tuple(f"{name} is not supported" for name in unknown))
    return Judgement(answer=False)


def statements_of(policy: str) -> tuple[Mapping[str, Any], ...]:
    """Return the statements of a policy text.

    Raises:
        ValueError: the text is not a valid policy; the message has the reason.
    """
    try:
        document = json.loads(policy)
    except (ValueError, RecursionError):
        document = None
    found = as_list(document.get("Statement", [])) if isinstance(document, dict) else [None]
    for problem in filter(None, map(_problem, found)):
        raise ValueError(problem)
    return tuple(found)


def _problem(statement: object) -> str:
    if statement is None:
        return "the policy is not a JSON object"
    if not isinstance(statement, Mapping):
        return "a statement is not a JSON object"
    if statement.get("Effect") not in {"Allow", "Deny"}:
        return "a statement has no Effect of Allow or Deny"
    for element in ("Principal", "Action", "Resource"):
        if (element in statement) == (f"Not{element}" in statement):
            return f"a statement requires either {element} or Not{element}"
    return ""


def _statements(documents: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for document in documents:
        yield from as_list(document.get("Statement", []))


# Evaluation of one request.


def _concerns(statement: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    named = "Resource" in statement or "NotResource" in statement  # a trust policy has none
    return (
        _element(statement, "Action", action.lower(), context, fold=True)
        and (not named or _element(statement, "Resource", resource, context))
        and _principal_matches(statement, str(context.get("aws:principalarn") or ""))
    )


def _element(
    statement: Mapping[str, Any], name: str, value: str, context: Context, *, fold: bool = False
) -> bool:
    inverted = f"Not{name}" in statement
    # A pattern with an unknown variable matches nothing.
    patterns = [expand_variables(str(each), context) for each in _values(statement, name)]
    # Actions are case-insensitive in IAM, resources are not.
    texts = [each.lower() if fold else each for each in patterns if each is not None]
    return any(matches(each, value) for each in texts) != inverted


def _values(statement: Mapping[str, Any], name: str) -> list[Any]:
    return as_list(statement.get(name, statement.get(f"Not{name}", [])))


def _principal_matches(statement: Mapping[str, Any], arn: str) -> bool:
    """Return whether the principal matches the caller; identity policies have no principal."""
    if "Principal" not in statement and "NotPrincipal" not in statement:
        return True
    account = arn.split(":")[4] if arn.count(":") > 4 else ""
    # A principal that is an account, by number or as root, means all callers of that account.
    mine = {"*", arn, account, f"arn:aws:iam::{account}:root", _role_of(arn)}
    named = any(name in mine for name in _principals(statement, "AWS"))
    return named != ("NotPrincipal" in statement)


def _role_of(arn: str) -> str:
    """Return the role of an assumed-role session, or the ARN itself."""
    if ":assumed-role/" not in arn:
        return arn
    role, _, _session = (
        arn.replace(":sts:", ":iam:").replace(":assumed-role/", ":role/").rpartition("/")
    )
    return role


def _principals(statement: Mapping[str, Any], kind: str = "") -> list[str]:
    """Return the names in (Not)Principal: of one kind, or of all kinds."""
    found = statement.get("Principal", statement.get("NotPrincipal"))
    if not isinstance(found, Mapping):
        return [str(each) for each in as_list(found)]
    kinds = [kind] if kind else list(found)
    return [str(each) for name in kinds for each in as_list(found.get(name, []))]


# Judgement of all requests.


def _covers_bucket(bucket: str) -> Iterator[tuple[str, str]]:
    yield f"arn:aws:s3:::{bucket}", "the bucket itself"
    # At least one character: keys are never empty.
    yield f"arn:aws:s3:::{bucket}/?*", "its objects"


def _bucket_of(statements: Sequence[Mapping[str, Any]]) -> str:
    """Return the bucket in the resources: S3 refuses a policy with another one."""
    for statement in statements:
        for arn in _values(statement, "Resource"):
            name = str(arn).rpartition(":::")[2].partition("/")[0]
            if name and not set("*?$") & set(name):
                return name
    return ""


def _is_about(statement: Mapping[str, Any], context: Context) -> bool:
    """Return whether a statement has no condition, or one on the given keys."""
    keys = {key.lower() for key in condition_keys(statement.get("Condition"))}
    # Denials with conditions on other keys, such as a required encryption, say nothing about TLS.
    return not statement.get("Condition") or bool(keys & set(context))


def _gaps(statement: Mapping[str, Any], context: Context) -> list[str]:
    """Return the reasons why a denial does not apply to all callers, actions and cases."""
    gaps = []
    if "NotPrincipal" in statement:
        gaps.append(f"a denial exempts {', '.join(_principals(statement))}")
    elif "*" not in _principals(statement, "AWS"):
        gaps.append(f"a denial only applies to {', '.join(_principals(statement))}")
    if not _covers_actions(statement):
        gaps.append(f"a denial names only {_actions_text(statement)}")
    holds = conditions_hold(statement.get("Condition") or {}, context)
    others = [k for k in condition_keys(statement.get("Condition")) if k.lower() not in context]
    if holds is not True and others:
        gaps.append(f"a denial also depends on {', '.join(others)}")
    elif holds is not True:
        gaps.append("the condition of a denial does not match plain HTTP requests")
    return gaps


def _covers_actions(statement: Mapping[str, Any]) -> bool:
    patterns = [str(each).lower() for each in _values(statement, "Action")]
    # Everything except the listed actions: complete only if no action of S3 is excluded.
    if "NotAction" in statement:
        return not any(overlaps(pattern, "s3:?*") for pattern in patterns)
    return any(covers(pattern, "s3:?*") for pattern in patterns)


def _covers_resource(statement: Mapping[str, Any], arn: str) -> bool:
    patterns = [without_partition(str(each)) for each in _values(statement, "Resource")]
    # An excluded pattern with a variable may match anything.
    if "NotResource" in statement:
        return not any(overlaps(pattern, arn) or "${" in pattern for pattern in patterns)
    return any(covers(pattern, arn) for pattern in patterns)


def _actions_text(statement: Mapping[str, Any]) -> str:
    texts = ", ".join(str(each) for each in _values(statement, "Action"))
    return f"everything except {texts}" if "NotAction" in statement else texts


def _grants_all(statement: Mapping[str, Any]) -> bool:
    # NotPrincipal with Allow grants access to all others, including anonymous callers.
    return "NotPrincipal" in statement or any("*" in name for name in _principals(statement))


def _limited(statement: Mapping[str, Any]) -> bool:
    """Return whether a condition limits a grant to fixed values of a key for callers."""
    conditions = statement.get("Condition")
    if not isinstance(conditions, Mapping):
        return False
    return any(
        operator.removeprefix("ForAnyValue:") in _FIXING_OPERATORS
        and str(key).lower() in _FIXED_KEYS
        and all(_is_fixed(str(key).lower(), str(each)) for each in as_list(wanted))
        for operator, keys in conditions.items()
        if isinstance(keys, Mapping)
        for key, wanted in keys.items()
    )


def _is_fixed(key: str, value: str) -> bool:
    if key == "aws:sourceip":
        try:
            network = ip_network(value, strict=False)
        except ValueError:
            return False
        return network.prefixlen >= _WIDEST_NETWORK[network.version] or network.is_private
    if key == "s3:dataaccesspointarn":  # only the access point's name may be open
        value = ":".join(value.split(":")[:5])
    return bool(value) and not set("*?$") & set(value)
