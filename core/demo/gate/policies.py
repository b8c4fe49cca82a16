"""Policy documents decided as IAM does: a denial wins, else one permission is enough.

Of conditions only what the house's own policies need is known. One that is not known never
permits and always denies, so a policy is at worst stricter here than at AWS.
Source: IAM user guide, "Policy evaluation logic".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any


def decision(
    documents: Iterable[Mapping[str, Any]],
    action: str,
    resource: str,
    context: Mapping[str, str],
) -> bool | None:
    """Return True for permitted, False for denied explicitly, None when nothing speaks of it.

    Args:
        documents: policies, all of one kind (of an identity, or of a bucket).
        action: for example `s3:GetObject`.
        resource: the ARN acted on.
        context: condition keys in lower case with their values, `aws:principalarn` among them.
    """
    found: bool | None = None
    for document in documents:
        for statement in _listed(document.get("Statement", ())):
            if not _concerns(statement, action, resource, context):
                continue
            holds = _conditions_hold(statement.get("Condition") or {}, context)
            if statement["Effect"] == "Deny" and holds is not False:
                return False
            if statement["Effect"] == "Allow" and holds is True:
                found = True
    return found


def _concerns(
    statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]
) -> bool:
    arn = context.get("aws:principalarn", "")
    return (
        _element(statement, "Action", action.lower(), fold=True)
        and (_is_trust(statement) or _element(_filled(statement, context), "Resource", resource))
        and _principal_matches(statement, arn)
    )


def _filled(statement: Mapping[str, Any], context: Mapping[str, str]) -> Mapping[str, Any]:
    """Put the user's name where a resource asks for it; other variables match nothing here."""
    name = context.get("aws:username", "")
    return {
        element: [each.replace("${aws:username}", name) for each in _listed(value)]
        if element in {"Resource", "NotResource"}
        else value
        for element, value in statement.items()
    }


def _is_trust(statement: Mapping[str, Any]) -> bool:
    """A role's trust policy names no resource: it is about the role itself."""
    return "Resource" not in statement and "NotResource" not in statement


def _element(statement: Mapping[str, Any], name: str, value: str, *, fold: bool = False) -> bool:
    inverted = f"Not{name}" in statement
    patterns = _listed(statement.get(f"Not{name}" if inverted else name, ()))
    matched = any(matches(each.lower() if fold else each, value) for each in patterns)
    return matched != inverted


def _principal_matches(statement: Mapping[str, Any], arn: str) -> bool:
    """Identity policies name no principal; a bucket's policy names everybody, account or ARN."""
    if "Principal" not in statement:
        return "NotPrincipal" not in statement
    named = statement["Principal"]
    names = _listed(named.get("AWS", ()) if isinstance(named, Mapping) else named)
    account = arn.split(":")[4]
    return any(name in {"*", arn, account, f"arn:aws:iam::{account}:root"} for name in names)


def _conditions_hold(conditions: Mapping[str, Any], context: Mapping[str, str]) -> bool | None:
    """Return whether all conditions hold; None when one of them is not known here."""
    result: bool | None = True
    for operator, keys in conditions.items():
        for key, wanted in keys.items():
            holds = _holds(operator, context.get(key.lower()), [str(w) for w in _listed(wanted)])
            if holds is False:
                return False
            result = None if holds is None else result
    return result


def _holds(operator: str, value: str | None, wanted: list[str]) -> bool | None:
    tests = {
        "StringEquals": lambda each: each == value,
        "StringLike": lambda each: matches(each, value or ""),
        "Bool": lambda each: each.lower() == value,
        "ArnLike": lambda each: matches(each, value or ""),
        "ArnEquals": lambda each: matches(each, value or ""),
    }
    negated = operator.replace("Not", "", 1) if "Not" in operator else None
    test = tests.get(negated or operator)
    if test is None or value is None:
        return None
    return any(map(test, wanted)) != (negated is not None)


def matches(pattern: str, value: str) -> bool:
    """Whether a value fits a pattern with `*` (any text) and `?` (one character)."""
    return _compiled(pattern).fullmatch(value) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if char == "*" else "." if char == "?" else re.escape(char) for char in pattern)
    return re.compile("".join(parts), re.DOTALL)


def _listed(value: Any) -> Any:
    """IAM takes one thing or a list of them everywhere."""
    return [value] if isinstance(value, (str, Mapping, bool)) else value
