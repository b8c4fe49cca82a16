"""Checks of lifecycle rules: rules that S3 refuses, and rules that are probably mistakes.

Sources: S3 API reference, PutBucketLifecycleConfiguration with the types LifecycleRule, Transition,
LifecycleExpiration and NoncurrentVersionTransition; S3 user guide, "Lifecycle configuration
elements" and "Transitioning objects using Amazon S3 Lifecycle" (supported transitions, 30 days).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from core.aws.limits import KEY_BYTES, LIFECYCLE_ID_CHARS, LIFECYCLE_RULES
from core.errors import InvalidInput
from core.units import format_counted

#: Storage classes in the only order in which objects can transition.
CLASSES = (
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
)
#: Classes for infrequent access: minimum days before the transition, and in the class.
INFREQUENT = frozenset({"STANDARD_IA", "ONEZONE_IA"})
INFREQUENT_DAYS = 30
#: Maximum number of noncurrent versions that can be retained.
_RETAINED_VERSIONS = 100
#: Elements of a rule that are not actions; unknown elements may be actions.
_DESCRIPTION = frozenset({"ID", "Status", "Filter", "Prefix"})
_PREDICATES = ("Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "And")


@dataclass(frozen=True, slots=True)
class Problem:
    """The reason why S3 refuses a rule, and the remedy."""

    cause: str
    remedy: str


def check_rules(
    rules: Sequence[Mapping[str, Any]], changed: Sequence[Mapping[str, Any]] | None = None
) -> None:
    """Raise an error for rules that S3 would refuse.

    Args:
        rules: all rules of a configuration, in the form of the API.
        changed: the rules to check, by default all; rules that a server has already accepted are
            not checked.

    Raises:
        InvalidInput: a rule is not valid; the error names the rule, the problem and S3's limit.
    """
    # The first problem is raised: an error of the library has one cause and one remedy.
    for name, problem in problems(rules, changed):
        raise InvalidInput(
            f"S3 refuses the lifecycle rule {name}" if name else "S3 refuses these lifecycle rules",
            cause=problem.cause,
            remedy=problem.remedy,
            subject=name,
        )


def problems(
    rules: Sequence[Mapping[str, Any]], changed: Sequence[Mapping[str, Any]] | None = None
) -> Iterator[tuple[str, Problem]]:
    """Yield the id of a rule (empty: all rules together) and its problem."""
    if len(rules) > LIFECYCLE_RULES:
        yield (
            "",
            Problem(
                f"A bucket can have at most {LIFECYCLE_RULES} lifecycle rules; there would be "
                f"{len(rules)}.",
                "First remove rules that are no longer needed.",
            ),
        )
    names = [str(rule.get("ID", "")) for rule in rules]
    # Rules without an id are not duplicates: S3 generates a different id for each.
    for name in dict.fromkeys(names):
        if name and names.count(name) > 1:
            yield name, Problem("Two rules have this id.", "Use a different id for each rule.")
    if len({"Filter" in rule for rule in rules}) > 1:
        yield (
            "",
            Problem(
                "Some rules have a Filter, others an old Prefix; S3 only accepts one kind at a "
                "time.",
                "Use a Filter in every rule.",
            ),
        )
    for rule in rules if changed is None else changed:
        for problem in _of_rule(rule):
            yield str(rule.get("ID", "")), problem


def _of_rule(rule: Mapping[str, Any]) -> Iterator[Problem]:
    if len(str(rule.get("ID", ""))) > LIFECYCLE_ID_CHARS:
        yield Problem(
            f"Its id is longer than {LIFECYCLE_ID_CHARS} characters.", "Use a shorter id."
        )
    if rule.get("Status") not in {"Enabled", "Disabled"}:
        yield Problem("Its Status is neither Enabled nor Disabled.", "Set one of these.")
    if not any(rule.get(name) for name in set(rule) - _DESCRIPTION):
        yield Problem("The rule has no action.", "Add an action: move, delete, or clean up.")
    yield from _scope(rule)
    yield from _current(rule)
    yield from _noncurrent(rule)
    abort = rule.get("AbortIncompleteMultipartUpload") or {}
    if abort and not _is_number(abort.get("DaysAfterInitiation"), 1):
        yield Problem("Unfinished uploads can be removed after 1 day at the earliest.", "Choose 1.")


def _scope(rule: Mapping[str, Any]) -> Iterator[Problem]:
    # S3 still accepts the deprecated Prefix outside the Filter, but not both in one rule.
    if ("Filter" in rule) == ("Prefix" in rule):
        yield Problem("The rule requires either a Filter or a Prefix.", "Add a Filter.")
        return
    found = rule.get("Filter") or {}
    if len([name for name in _PREDICATES if name in found]) > 1:
        yield Problem(
            "The Filter of the rule has several conditions outside And.", "Move them into And."
        )
    limits = found.get("And", found)
    prefix = str(limits.get("Prefix", rule.get("Prefix", "")) or "")
    if len(prefix.encode()) > KEY_BYTES:
        yield Problem(f"Its prefix is longer than {KEY_BYTES} bytes.", "Choose a shorter prefix.")
    low, high = limits.get("ObjectSizeGreaterThan"), limits.get("ObjectSizeLessThan")
    if low is not None and high is not None and int(low) >= int(high):
        yield Problem("The size limits of the rule match no object.", "Correct the size limits.")
    # Delete markers and unfinished uploads have no tags, so S3 refuses these actions with a tag.
    if not ("Tag" in limits or limits.get("Tags")):
        return
    if (rule.get("Expiration") or {}).get("ExpiredObjectDeleteMarker"):
        yield Problem("Delete markers have no tags.", "Remove the tag, or this action.")
    if rule.get("AbortIncompleteMultipartUpload"):
        yield Problem("Unfinished uploads have no tags.", "Remove the tag, or this action.")


def _current(rule: Mapping[str, Any]) -> Iterator[Problem]:
    moves = rule.get("Transitions") or ()
    expiry = rule.get("Expiration") or {}
    given = [name for name in ("Days", "Date", "ExpiredObjectDeleteMarker") if name in expiry]
    if expiry and len(given) != 1:
        yield Problem(
            "A deletion requires exactly one of days, a date, or delete markers.",
            "Keep one of them.",
        )
    if "Days" in expiry and not _is_number(expiry["Days"], 1):
        yield Problem(
            "Objects can be deleted after 1 day at the earliest.", "Choose at least 1 day."
        )
    timed = [part for part in (*moves, expiry) if "Days" in part or "Date" in part]
    if len({"Days" in part for part in timed}) > 1:
        yield Problem("The rule mixes days and dates.", "Use either days or dates.")
        return
    # The separator is T in stored JSON, and a space in the text of a `datetime` of boto3.
    for date in (str(part["Date"]) for part in timed if "Date" in part):
        if date[10:] and date[10:19] not in {"T00:00:00", " 00:00:00"}:
            yield Problem("A date is not at midnight UTC.", "Use dates without a time.")
    yield from _moves(moves, "Days", "Date")
    # S3 requires that an object expires later than its last transition.
    last = max((move["Days"] for move in moves if _is_number(move.get("Days"), 0)), default=None)
    if last is not None and _is_number(expiry.get("Days"), 1) and expiry["Days"] <= last:
        yield Problem(
            f"Objects would be deleted after {format_counted(expiry['Days'], 'day')}, but moved after {last}.",
            f"Delete after at least {format_counted(last + 1, 'day')}.",
        )


def _noncurrent(rule: Mapping[str, Any]) -> Iterator[Problem]:
    moves = rule.get("NoncurrentVersionTransitions") or ()
    expiry = rule.get("NoncurrentVersionExpiration") or {}
    # Noncurrent transitions have no date: their days count from the replacement of each version.
    yield from _moves(moves, "NoncurrentDays", "")
    if expiry and not _is_number(expiry.get("NoncurrentDays"), 1):
        yield Problem(
            "Old versions can be deleted after 1 day at the earliest.", "Choose 1 or more."
        )
    for part in (*moves, expiry):
        if "NewerNoncurrentVersions" in part and not (
            _is_number(part["NewerNoncurrentVersions"], 1)
            and part["NewerNoncurrentVersions"] <= _RETAINED_VERSIONS
        ):
            yield Problem(
                f"1 to {_RETAINED_VERSIONS} newer versions can be retained.",
                "Choose a number in this range.",
            )
    days = [m["NoncurrentDays"] for m in moves if _is_number(m.get("NoncurrentDays"), 0)]
    if (
        days
        and _is_number(expiry.get("NoncurrentDays"), 1)
        and expiry["NoncurrentDays"] <= max(days)
    ):
        yield Problem(
            "Old versions would be deleted before they are moved.",
            f"Delete them after at least {format_counted(max(days) + 1, 'day')}.",
        )


def _moves(moves: Sequence[Mapping[str, Any]], days: str, date: str) -> Iterator[Problem]:
    """Check classes and days of the transitions of current or noncurrent versions."""
    classes = [str(move.get("StorageClass", "")) for move in moves]
    unknown = [name for name in classes if name not in CLASSES]
    # Later checks compare positions in `CLASSES`, which an unknown class does not have.
    if unknown or len(set(classes)) != len(classes):
        name = unknown[0] if unknown else classes[0]
        yield Problem(
            f"{name!r} is not a valid storage class for another transition.",
            f"Use each class once: {', '.join(CLASSES)}.",
        )
        return
    for move, name in zip(moves, classes, strict=True):
        least = INFREQUENT_DAYS if name in INFREQUENT else 0
        if date and date in move and days not in move:
            continue
        if not _is_number(move.get(days), least):
            yield Problem(
                f"Objects can be moved to {name} after {format_counted(least, 'day')} at the earliest, "
                f"not after {move.get(days)}.",
                f"Choose at least {format_counted(least, 'day')} for {name}.",
            )
    timed = [move for move in moves if _is_number(move.get(days), 0)]
    ordered = sorted(timed, key=lambda move: CLASSES.index(str(move["StorageClass"])))
    for earlier, later in pairwise(ordered):
        yield from _pair(earlier, later, days)


def _pair(earlier: Mapping[str, Any], later: Mapping[str, Any], days: str) -> Iterator[Problem]:
    names = str(earlier["StorageClass"]), str(later["StorageClass"])
    gap = INFREQUENT_DAYS if names[0] in INFREQUENT else 1
    if later[days] < earlier[days] + gap:
        yield Problem(
            f"{names[1]} comes {format_counted(gap, 'day')} after {names[0]} at the "
            f"earliest: {earlier[days]} and {format_counted(later[days], 'day')} do not fit.",
            f"Choose at least {format_counted(earlier[days] + gap, 'day')} for {names[1]}.",
        )


def _is_number(value: object, least: int) -> bool:
    """Return whether a value is an integer that is not below `least`."""
    # `bool` is a subclass of `int` in Python, but JSON's true is not a number of days.
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def check_prefix(prefix: str) -> None:
    """Check that a prefix can match keys, for rules that are created here.

    Raises:
        InvalidInput: the prefix is empty, or cannot match a key.
    """
    if not prefix:
        raise InvalidInput(
            "An archive rule requires a prefix",
            cause="Without a prefix it would also archive backups and portfolios.",
            remedy="Enter the folder to archive, for example market-data/.",
        )
    reason = prefix_warning(prefix)
    if reason:
        raise InvalidInput(
            f"The prefix {prefix!r} would match nothing",
            cause=reason,
            remedy=f"Did you mean {_probable_prefix(prefix)!r}?",
            subject=prefix,
        )


def prefix_warning(prefix: str) -> str:
    """Return why a prefix is unlikely to match keys, or an empty string."""
    reasons = {
        "Keys do not start with a slash.": prefix.startswith("/"),
        "It starts or ends with a space, which would be part of the key.": prefix != prefix.strip(),
        "A prefix is the beginning of a key, without s3:// and the bucket.": "://" in prefix,
        "S3 does not support wildcards here: * and ? are ordinary characters.": bool(
            set("*?") & set(prefix)
        ),
        "Folders in a key are separated by a single slash.": "\\" in prefix or "//" in prefix,
    }
    return next((reason for reason, found in reasons.items() if found), "")


def matches_siblings(prefix: str) -> bool:
    """Return whether a prefix ends within a name, so that it also matches `name-old/`."""
    return bool(prefix) and not prefix.endswith("/")


def _probable_prefix(prefix: str) -> str:
    text = prefix.strip().replace("\\", "/")
    if "://" in text:
        text = text.partition("://")[2].partition("/")[2]
    text = "/".join(part for part in text.split("/") if part).rstrip("*?")
    return text if text.endswith("/") else f"{text}/"
