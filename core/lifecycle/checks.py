"""What S3 refuses in lifecycle rules, and what it takes though it is hardly meant.

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

#: Storage classes in the only order in which objects can be moved.
CLASSES = (
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
)
#: Classes for infrequent access: days before an object gets there, and days it stays.
INFREQUENT = frozenset({"STANDARD_IA", "ONEZONE_IA"})
INFREQUENT_DAYS = 30
#: Newest noncurrent versions that can be retained.
_RETAINED_VERSIONS = 100
#: Elements of a rule that are no actions; one that is not known here may be an action.
_DESCRIPTION = frozenset({"ID", "Status", "Filter", "Prefix"})
_PREDICATES = ("Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "And")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why S3 refuses a rule, and what to do about it."""

    cause: str
    remedy: str


def check_rules(
    rules: Sequence[Mapping[str, Any]], changed: Sequence[Mapping[str, Any]] | None = None
) -> None:
    """Refuse rules that S3 refuses.

    Args:
        rules: all rules of a configuration, in the shape of the API.
        changed: those to look into; all of them by default. What a server has already taken is
            its own to judge.

    Raises:
        InvalidInput: naming the rule, what is wrong with it, and the figure that S3 asks for.
    """
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
    """Yield what S3 refuses: the id of the rule (empty: all of them together), and the problem."""
    if len(rules) > LIFECYCLE_RULES:
        yield (
            "",
            Problem(
                f"A bucket can have {LIFECYCLE_RULES} lifecycle rules, this would be {len(rules)}.",
                "Remove rules that are no longer needed first.",
            ),
        )
    names = [str(rule.get("ID", "")) for rule in rules]
    for name in dict.fromkeys(names):
        if name and names.count(name) > 1:
            yield name, Problem("Two rules have this id.", "Give each rule an id of its own.")
    if len({"Filter" in rule for rule in rules}) > 1:
        yield (
            "",
            Problem(
                "Some rules have a Filter, others an old Prefix: S3 takes only one kind at a time.",
                "Give every rule a Filter.",
            ),
        )
    for rule in rules if changed is None else changed:
        for problem in _of_rule(rule):
            yield str(rule.get("ID", "")), problem


def _of_rule(rule: Mapping[str, Any]) -> Iterator[Problem]:
    if len(str(rule.get("ID", ""))) > LIFECYCLE_ID_CHARS:
        yield Problem(
            f"Its id is longer than {LIFECYCLE_ID_CHARS} characters.", "Give it a shorter id."
        )
    if rule.get("Status") not in {"Enabled", "Disabled"}:
        yield Problem("Its Status is neither Enabled nor Disabled.", "Set one of these.")
    if not any(rule.get(name) for name in set(rule) - _DESCRIPTION):
        yield Problem("It does nothing.", "Add what it shall do: move, delete, or clean up.")
    yield from _scope(rule)
    yield from _current(rule)
    yield from _noncurrent(rule)
    abort = rule.get("AbortIncompleteMultipartUpload") or {}
    if abort and not _whole_number(abort.get("DaysAfterInitiation"), 1):
        yield Problem("Unfinished uploads are removed after 1 day at the earliest.", "Choose 1.")


def _scope(rule: Mapping[str, Any]) -> Iterator[Problem]:
    if ("Filter" in rule) == ("Prefix" in rule):
        yield Problem("It needs either a Filter or a Prefix.", "Give it a Filter.")
        return
    found = rule.get("Filter") or {}
    if len([name for name in _PREDICATES if name in found]) > 1:
        yield Problem("Its Filter has several conditions beside And.", "Put them into And.")
    limits = found.get("And", found)
    prefix = str(limits.get("Prefix", rule.get("Prefix", "")) or "")
    if len(prefix.encode()) > KEY_BYTES:
        yield Problem(f"Its prefix is longer than {KEY_BYTES} bytes.", "Choose a shorter prefix.")
    low, high = limits.get("ObjectSizeGreaterThan"), limits.get("ObjectSizeLessThan")
    if low is not None and high is not None and int(low) >= int(high):
        yield Problem("No object has the sizes that it asks for.", "Correct the two sizes.")
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
            "Deleting takes exactly one of days, a date, or delete markers.", "Keep one of them."
        )
    if "Days" in expiry and not _whole_number(expiry["Days"], 1):
        yield Problem("Objects are deleted after 1 day at the earliest.", "Choose at least 1 day.")
    timed = [part for part in (*moves, expiry) if "Days" in part or "Date" in part]
    if len({"Days" in part for part in timed}) > 1:
        yield Problem("It mixes days and dates.", "Use days alone, or dates alone.")
        return
    for date in (str(part["Date"]) for part in timed if "Date" in part):
        if date[10:] and date[10:19] not in {"T00:00:00", " 00:00:00"}:
            yield Problem("A date is not at midnight UTC.", "Give dates without a time.")
    yield from _moves(moves, "Days", "Date")
    last = max((move["Days"] for move in moves if _whole_number(move.get("Days"), 0)), default=None)
    if last is not None and _whole_number(expiry.get("Days"), 1) and expiry["Days"] <= last:
        yield Problem(
            f"Objects would be deleted after {format_counted(expiry['Days'], 'day')}, but moved after {last}.",
            f"Delete after at least {format_counted(last + 1, 'day')}.",
        )


def _noncurrent(rule: Mapping[str, Any]) -> Iterator[Problem]:
    moves = rule.get("NoncurrentVersionTransitions") or ()
    expiry = rule.get("NoncurrentVersionExpiration") or {}
    yield from _moves(moves, "NoncurrentDays", "")
    if expiry and not _whole_number(expiry.get("NoncurrentDays"), 1):
        yield Problem("Old versions are deleted after 1 day at the earliest.", "Choose 1 or more.")
    for part in (*moves, expiry):
        if "NewerNoncurrentVersions" in part and not (
            _whole_number(part["NewerNoncurrentVersions"], 1)
            and part["NewerNoncurrentVersions"] <= _RETAINED_VERSIONS
        ):
            yield Problem(
                f"1 to {_RETAINED_VERSIONS} newer versions can be retained.",
                "Choose such a number.",
            )
    days = [m["NoncurrentDays"] for m in moves if _whole_number(m.get("NoncurrentDays"), 0)]
    if (
        days
        and _whole_number(expiry.get("NoncurrentDays"), 1)
        and expiry["NoncurrentDays"] <= max(days)
    ):
        yield Problem(
            "Old versions would be deleted before they are moved.",
            f"Delete them after at least {format_counted(max(days) + 1, 'day')}.",
        )


def _moves(moves: Sequence[Mapping[str, Any]], days: str, date: str) -> Iterator[Problem]:
    """Check classes and days of transitions, of current or of noncurrent versions."""
    classes = [str(move.get("StorageClass", "")) for move in moves]
    unknown = [name for name in classes if name not in CLASSES]
    if unknown or len(set(classes)) != len(classes):
        yield Problem(
            f"{unknown[0] if unknown else classes[0]!r} is no storage class to move to once more.",
            f"Move to each class once: {', '.join(CLASSES)}.",
        )
        return
    for move, name in zip(moves, classes, strict=True):
        least = INFREQUENT_DAYS if name in INFREQUENT else 0
        if date and date in move and days not in move:
            continue
        if not _whole_number(move.get(days), least):
            yield Problem(
                f"Objects can be moved to {name} after {format_counted(least, 'day')} at the earliest, "
                f"not after {move.get(days)}.",
                f"Choose at least {format_counted(least, 'day')} for {name}.",
            )
    timed = [move for move in moves if _whole_number(move.get(days), 0)]
    ordered = sorted(timed, key=lambda move: CLASSES.index(str(move["StorageClass"])))
    for earlier, later in pairwise(ordered):
        yield from _pair(earlier, later, days)


def _pair(earlier: Mapping[str, Any], later: Mapping[str, Any], days: str) -> Iterator[Problem]:
    names = str(earlier["StorageClass"]), str(later["StorageClass"])
    gap = INFREQUENT_DAYS if names[0] in INFREQUENT else 1
    if later[days] < earlier[days] + gap:
        yield Problem(
            f"{names[1]} comes {gap} {'day' if gap == 1 else 'days'} after {names[0]} at the "
            f"earliest: {earlier[days]} and {format_counted(later[days], 'day')} do not fit.",
            f"Choose at least {format_counted(earlier[days] + gap, 'day')} for {names[1]}.",
        )


def _whole_number(value: object, least: int) -> bool:
    """Whether a value is a whole number that is not below `least`."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def check_prefix(prefix: str) -> None:
    """Refuse a prefix that no key begins with, for rules that are made here.

    Raises:
        InvalidInput: the prefix is empty, or is not spelled as keys are.
    """
    if not prefix:
        raise InvalidInput(
            "An archive rule needs a prefix",
            cause="Without one it would archive backups and portfolios as well.",
            remedy="Name the folder to archive, for example market-data/.",
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
    """Return why keys hardly begin like this; nothing when they may."""
    reasons = {
        "Keys do not begin with a slash.": prefix.startswith("/"),
        "It begins or ends with a blank, which is a part of the key.": prefix != prefix.strip(),
        "A prefix is the beginning of a key, without s3:// and the bucket.": "://" in prefix,
        "S3 knows no wildcards here: * and ? stand for themselves.": bool(set("*?") & set(prefix)),
        "The folders of a key are separated by one slash.": "\\" in prefix or "//" in prefix,
    }
    return next((reason for reason, found in reasons.items() if found), "")


def matches_siblings(prefix: str) -> bool:
    """Whether a prefix ends in the middle of a name, and so matches `name-old/` as well."""
    return bool(prefix) and not prefix.endswith("/")


def _probable_prefix(prefix: str) -> str:
    text = prefix.strip().replace("\\", "/")
    if "://" in text:
        text = text.partition("://")[2].partition("/")[2]
    text = "/".join(part for part in text.split("/") if part).rstrip("*?")
    return text if text.endswith("/") else f"{text}/"
