"""Descriptions of lifecycle rules as sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from core.lifecycle.checks import matches_siblings, prefix_warning
from core.lifecycle.rules import Difference, Rule
from core.units import format_date, format_size

#: Display names of storage classes; unknown classes are displayed with AWS's name.
CLASS_NAMES = {
    "STANDARD_IA": "Standard-IA",
    "ONEZONE_IA": "One Zone-IA",
    "INTELLIGENT_TIERING": "Intelligent-Tiering",
    "GLACIER_IR": "Glacier Instant Retrieval",
    "GLACIER": "Glacier",
    "DEEP_ARCHIVE": "Glacier Deep Archive",
}

#: Elements that a sentence describes. Others are reported, so that no action is hidden.
_KNOWN = frozenset(
    {
        "ID",
        "Status",
        "Filter",
        "Prefix",
        "Transitions",
        "Expiration",
        "NoncurrentVersionTransitions",
        "NoncurrentVersionExpiration",
        "AbortIncompleteMultipartUpload",
    }
)


def scope(rule: Rule) -> str:
    """Return the objects of a rule, for example `Objects below market-data/`."""
    raw = rule.raw()
    found: Mapping[str, Any] = raw.get("Filter", {})
    limits = found.get("And", found)
    parts = [_place(rule.prefix)]
    tags = [limits["Tag"]] if "Tag" in limits else limits.get("Tags", [])
    parts += [f"tagged {tag['Key']}={tag['Value']}" for tag in tags]
    if "ObjectSizeGreaterThan" in limits:
        parts.append(f"larger than {format_size(int(limits['ObjectSizeGreaterThan']))}")
    if "ObjectSizeLessThan" in limits:
        parts.append(f"smaller than {format_size(int(limits['ObjectSizeLessThan']))}")
    return "Objects " + ", ".join(parts)


def _place(prefix: str) -> str:
    if not prefix:
        return "in the entire bucket"
    if matches_siblings(prefix) or prefix_warning(prefix):
        return f"whose keys start with {prefix!r}"
    return f"below {prefix}"


def actions(rule: Rule) -> tuple[str, ...]:
    """Return the actions of a rule, one phrase each, including unknown elements."""
    raw = rule.raw()
    return tuple(_actions(raw)) or ("do nothing",)


def sentence(rule: Rule) -> str:
    """Return the rule as one sentence."""
    what = "; ".join(actions(rule))
    return f"{scope(rule)}: {what}." if rule.enabled else f"{scope(rule)}: {what} (disabled)."


def difference_lines(diff: Difference) -> tuple[str, ...]:
    """Return the lines of changed rules, marked with +, - and ~ as in a diff."""
    lines = [f"+ {rule_name(rule)}: {sentence(rule)}" for rule in diff.added]
    for old, new in diff.changed:
        lines += [f"~ {rule_name(new)}", f"  was: {sentence(old)}", f"  now: {sentence(new)}"]
    lines += [f"- {rule_name(rule)}: {sentence(rule)}" for rule in diff.removed]
    return tuple(lines)


def rule_name(rule: Rule) -> str:
    """Return the id of a rule, or a text if a server has stored it without one."""
    return rule.rule_id or "(no id)"


def _actions(raw: Mapping[str, Any]) -> Iterator[str]:
    for move in raw.get("Transitions", ()):
        if "Days" in move:
            yield f"move to {_class(move)} after {_days(move['Days'])}"
        else:
            yield f"move to {_class(move)} on {_date(move['Date'])}"
    yield from _expiry(raw.get("Expiration", {}))
    for move in raw.get("NoncurrentVersionTransitions", ()):
        yield _move_of_old_versions(move)
    if old := raw.get("NoncurrentVersionExpiration"):
        yield _deletion_of_old_versions(old)
    if abort := raw.get("AbortIncompleteMultipartUpload"):
        yield f"remove unfinished uploads after {_days(abort.get('DaysAfterInitiation', 0))}"
    unknown = sorted(set(raw) - _KNOWN)
    if unknown:
        yield (
            f"and elements that this version does not support ({', '.join(unknown)}), which "
            "stay unchanged"
        )


def _expiry(expiry: Mapping[str, Any]) -> Iterator[str]:
    if "Days" in expiry:
        yield f"delete after {_days(expiry['Days'])}"
    elif "Date" in expiry:
        yield f"delete on {_date(expiry['Date'])}"
    if expiry.get("ExpiredObjectDeleteMarker"):
        yield "remove delete markers without older versions"


def _class(move: Mapping[str, Any]) -> str:
    found = str(move.get("StorageClass", "?"))
    return CLASS_NAMES.get(found, found)


def _date(value: object) -> str:
    day = str(value)[:10]
    try:
        return format_date(date.fromisoformat(day))
    except ValueError:  # an unusual form from another program that S3 accepted
        return day


def _move_of_old_versions(move: Mapping[str, Any]) -> str:
    target, days = _class(move), _days(move.get("NoncurrentDays", 0))
    if newest := move.get("NewerNoncurrentVersions"):
        return (
            f"move old versions to {target} {days} after they were replaced, except the {newest} "
            "newest"
        )
    return f"move old versions to {target} {days} after they were replaced"


def _deletion_of_old_versions(expiry: Mapping[str, Any]) -> str:
    days = _days(expiry.get("NoncurrentDays", 0))
    if newest := expiry.get("NewerNoncurrentVersions"):
        return f"delete old versions {days} after they were replaced, except the {newest} newest"
    return f"delete old versions {days} after they were replaced"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
