"""Evaluation of the Condition element of an IAM policy, with "unknown" as a third result.

Rules: keys are case-insensitive, several operators and keys are combined by AND, several values by
OR (by NOR if the operator is negated). `IfExists` and negated operators are true if the key is
absent. Source: IAM user guide, "IAM JSON policy elements: Condition operators", "Creating a
condition with multiple keys or values".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import Any

#: Values of condition keys, in lower case: a text, several, or None for an absent key. A key that
#: is missing in the mapping is unknown.
Context = Mapping[str, str | tuple[str, ...] | None]

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
#: The variables that stand for one literal character (IAM user guide, "Policy variables").
_ESCAPED = re.compile(r"\$\{([*?$])\}")
_TOKEN = re.compile(rf"{_ESCAPED.pattern}|.", re.DOTALL)


def conditions_hold(conditions: object, context: Context) -> bool | None:
    """Return whether all conditions of a statement are met, or None if it is unknown."""
    if not isinstance(conditions, Mapping):
        return None
    return all_of(
        _holds(str(operator), str(key), wanted, context)
        for operator, keys in conditions.items()
        for key, wanted in (keys.items() if isinstance(keys, Mapping) else (("", keys),))
    )


def condition_keys(conditions: object) -> tuple[str, ...]:
    """Return the keys in conditions, in their original spelling."""
    if not isinstance(conditions, Mapping):
        return ()
    tables = [keys for keys in conditions.values() if isinstance(keys, Mapping)]
    return tuple(dict.fromkeys(str(key) for keys in tables for key in keys))


def unknown_operators(conditions: object) -> tuple[str, ...]:
    """Return the operators that this module does not support, which are never judged as safe."""
    if not isinstance(conditions, Mapping):
        return (f"a Condition that is {type(conditions).__name__}",) if conditions else ()
    return tuple(str(name) for name in conditions if _operator(str(name))[1] not in _KNOWN)


def all_of(answers: Iterable[bool | None]) -> bool | None:
    """Return the conjunction of results, some of which may be unknown."""
    found = list(answers)
    if False in found:
        return False
    return None if None in found else True


def any_of(answers: Iterable[bool | None]) -> bool | None:
    """Return the disjunction of results, some of which may be unknown."""
    found = list(answers)
    if True in found:
        return True
    return None if None in found else False


def expand_variables(text: str, context: Context) -> str | None:
    """Return a text with its policy variables replaced, or None if one is unknown.

    `${*}`, `${?}` and `${$}` remain: in a pattern, their characters would become wildcards.
    """
    values = {
        name: f"${{{name}}}" if name in {"*", "?", "$"} else context.get(name.lower())
        for name in _VARIABLE.findall(text)
    }
    if not all(isinstance(value, str) for value in values.values()):
        return None
    return _VARIABLE.sub(lambda found: str(values[found.group(1)]), text)


def as_list(value: Any) -> list[Any]:
    """Return a value as a list: IAM allows a single value or a list everywhere."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def matches(pattern: str, value: str) -> bool:
    """Return whether a value matches a pattern with `*` (any text) and `?` (one character).

    `${*}`, `${?}` and `${$}` stand for these characters themselves.
    """
    return _compiled(pattern).fullmatch(value) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = [""]
    for token in _TOKEN.finditer(pattern):
        if token.group() == "*":
            parts.append("")
        else:
            parts[-1] += _regex_of(token)
    first, *others = parts
    if not others:
        return re.compile(first, re.DOTALL)
    *inner, last = others
    # The first place of each inner part suffices. Without the atomic groups a policy with a dozen
    # stars would be tried in more ways than a program can count.
    return re.compile(first + "".join(f"(?>.*?{part})" for part in inner) + f".*{last}", re.DOTALL)


def _regex_of(token: re.Match[str]) -> str:
    literal, text = token.group(1), token.group()
    return re.escape(literal) if literal else "." if text == "?" else re.escape(text)


def _operator(name: str) -> tuple[str, str, bool]:
    """Split an operator into its quantifier, its base name, and whether `IfExists` ends it."""
    quantifier, colon, base = name.rpartition(":")
    if colon and quantifier not in {"ForAllValues", "ForAnyValue"}:
        return "", name, False
    # Null has no variant IfExists: it tests the existence itself.
    if_exists = base.endswith("IfExists") and base != "NullIfExists"
    return quantifier, base.removesuffix("IfExists") if if_exists else base, if_exists


def _holds(name: str, key: str, wanted: object, context: Context) -> bool | None:
    quantifier, base, if_exists = _operator(name)
    if base not in _KNOWN or key.lower() not in context:
        return None
    value = context[key.lower()]
    if base == "Null":
        return (value is None) == (str(as_list(wanted)[0]).lower() == "true")
    negated = base in _NEGATED
    # For an absent key ForAllValues is true and ForAnyValue false, according to the IAM user guide.
    if value is None:
        return quantifier == "ForAllValues" or (quantifier == "" and (if_exists or negated))
    compare = _COMPARISONS[_NEGATED.get(base, base)]
    texts = [_as_text(each) for each in as_list(wanted)]
    values = value if isinstance(value, tuple) else (value,)
    answers = [_one(compare, each, texts, context, negated=negated) for each in values]
    return all_of(answers) if quantifier == "ForAllValues" else any_of(answers)


def _one(
    compare: Callable[[str, str], bool | None],
    value: str,
    wanted: Sequence[str],
    context: Context,
    *,
    negated: bool,
) -> bool | None:
    texts = [expand_variables(text, context) for text in wanted]
    found = any_of(None if text is None else compare(text, value) for text in texts)
    return found if found is None else found != negated


def _as_text(value: object) -> str:
    """Return a JSON value as IAM compares it: `false` and `"false"` are the same."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(text: str) -> str:
    """Return a text that is no pattern, with the literal characters of `${*}`, `${?}` and `${$}`."""
    return _ESCAPED.sub(r"\1", text)


def _arn_like(pattern: str, value: str) -> bool:
    """Compare ARNs part by part: a `*` does not match a colon, except in the last part."""
    wanted, parts = pattern.split(":", 5), value.split(":", 5)
    return len(wanted) == len(parts) and all(map(matches, wanted, parts))


def _in_network(network: str, address: str) -> bool | None:
    try:
        return ip_address(address) in ip_network(network, strict=False)
    except ValueError:
        return None


def _numbers(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool | None]:
    def run(wanted: str, value: str) -> bool | None:
        try:
            return compare(float(value), float(wanted))
        except ValueError:
            return None

    return run


def _dates(compare: Callable[[float, float], bool]) -> Callable[[str, str], bool | None]:
    def run(wanted: str, value: str) -> bool | None:
        try:
            return compare(_moment(value), _moment(wanted))
        except ValueError:
            return None

    return run


def _moment(text: str) -> float:
    """Return seconds since 1970 of an ISO 8601 date, or of a number of seconds."""
    # At least five digits, so that a year such as 2026 is a date and not a number of seconds.
    if re.fullmatch(r"-?\d{5,}(\.\d+)?", text):
        return float(text)
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


_ORDER: dict[str, Callable[[float, float], bool]] = {
    "Equals": lambda value, wanted: value == wanted,
    "LessThan": lambda value, wanted: value < wanted,
    "LessThanEquals": lambda value, wanted: value <= wanted,
    "GreaterThan": lambda value, wanted: value > wanted,
    "GreaterThanEquals": lambda value, wanted: value >= wanted,
}

_COMPARISONS: dict[str, Callable[[str, str], bool | None]] = {
    "StringEquals": lambda wanted, value: _plain(wanted) == value,
    "StringEqualsIgnoreCase": lambda wanted, value: _plain(wanted).casefold() == value.casefold(),
    "StringLike": matches,
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
    "BinaryEquals": lambda wanted, value: wanted == value,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "IpAddress": _in_network,
    **{f"Numeric{name}": _numbers(compare) for name, compare in _ORDER.items()},
    **{f"Date{name}": _dates(compare) for name, compare in _ORDER.items()},
}
#: Negated operators and what each of them negates.
# There are no negations of LessThan and GreaterThan: IAM has none.
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NotIpAddress": "IpAddress",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
}
_KNOWN = frozenset({"Null", *_COMPARISONS, *_NEGATED})
