"""Which lifecycle rules will change one object, and when.

Source: S3 user guide, "Lifecycle configuration elements": days count from the creation of the
object, and the result is rounded up to the next midnight UTC; the action itself may take longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core.lifecycle.checks import CLASSES
from core.lifecycle.rules import Configuration, Rule
from core.lifecycle.sentences import CLASS_NAMES, rule_name
from core.model.upload_options import Pairs
from core.units import as_utc

#: S3 does not move smaller objects unless the configuration or a rule states a size.
SMALLEST_MOVED = 128 * 1024
_ALL_CLASSES = "all_storage_classes_128K"


@dataclass(frozen=True, slots=True)
class Forecast:
    """One action of a rule on an object.

    Attributes:
        rule_id: the rule.
        when: the midnight after which it is due, aware, in UTC.
        storage_class: the class to which the object moves; empty if it is deleted.
    """

    rule_id: str
    when: datetime
    storage_class: str = ""

    @property
    def text(self) -> str:
        """What happens, for example `moves to Glacier`."""
        if not self.storage_class:
            return "is deleted"
        return f"moves to {CLASS_NAMES.get(self.storage_class, self.storage_class)}"


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What decides which rules apply: `size` in bytes, `modified` aware; None for unknown tags."""

    key: str
    size: int
    modified: datetime
    storage_class: str = "STANDARD"
    tags: Pairs | None = ()


def forecast(rules: Configuration, found: ObjectFacts) -> tuple[Forecast, ...]:
    """Return the actions on the current version of an object, first one first.

    Rules with a tag are left out if the tags of the object are not known. After a deletion nothing
    follows, and a move into a class that is not colder than the present one has no effect.
    """
    due = sorted(
        (
            each
            for rule in rules.rules
            if rule.enabled and applies(rule, found)
            for each in _actions(rule, rules, found)
        ),
        # S3 prefers a deletion to a move on the same day, and the colder of two classes.
        key=lambda each: (each.when, -_rank(each.storage_class)),
    )
    shown: list[Forecast] = []
    reached = _rank(found.storage_class)
    for each in due:
        if not each.storage_class:
            return (*shown, each)
        if _rank(each.storage_class) > reached:
            reached = _rank(each.storage_class)
            shown.append(each)
    return tuple(shown)


def undecided(rules: Configuration, found: ObjectFacts) -> tuple[str, ...]:
    """Return the ids of rules that apply only if the object has tags that are not known."""
    if found.tags is not None:
        return ()
    return tuple(
        rule_name(rule)
        for rule in rules.rules
        if rule.enabled
        and (tags := _tags_of(rule))
        # With the tags of the rule, everything else decides.
        and applies(rule, replace(found, tags=tuple((tag["Key"], tag["Value"]) for tag in tags)))
        and any(_actions(rule, rules, found))
    )


def _limits(rule: Rule) -> Mapping[str, Any]:
    raw = rule.raw()
    return (raw.get("Filter") or {}).get("And") or raw.get("Filter") or {}


def _tags_of(rule: Rule) -> Sequence[Mapping[str, str]]:
    limits = _limits(rule)
    return [limits["Tag"]] if "Tag" in limits else limits.get("Tags") or ()


def _rank(storage_class: str) -> int:
    if not storage_class:
        return len(CLASSES) + 1
    return CLASSES.index(storage_class) if storage_class in CLASSES else -1


def applies(rule: Rule, found: ObjectFacts) -> bool:
    """Return whether the filter of a rule selects an object."""
    limits, tags = _limits(rule), _tags_of(rule)
    if tags and found.tags is None:
        return False
    own = dict(found.tags or ())
    return (
        found.key.startswith(rule.prefix)
        and all(own.get(tag["Key"]) == tag["Value"] for tag in tags)
        and found.size > int(limits.get("ObjectSizeGreaterThan", -1))
        and found.size < int(limits.get("ObjectSizeLessThan", found.size + 1))
    )


def _actions(rule: Rule, rules: Configuration, found: ObjectFacts) -> Iterator[Forecast]:
    raw = rule.raw()
    for move in raw.get("Transitions") or ():
        when, name = _due(move, found.modified), str(move.get("StorageClass", ""))
        if when is not None and not _too_small(raw, rules, found, name):
            yield Forecast(rule.rule_id, when, name)
    when = _due(raw.get("Expiration") or {}, found.modified)
    if when is not None:
        yield Forecast(rule.rule_id, when)


def _too_small(
    raw: Mapping[str, Any], rules: Configuration, found: ObjectFacts, storage_class: str
) -> bool:
    limits = (raw.get("Filter") or {}).get("And") or raw.get("Filter") or {}
    if "ObjectSizeGreaterThan" in limits or "ObjectSizeLessThan" in limits:
        return False  # a size in the rule replaces the default
    everywhere = (rules.minimum_size or _ALL_CLASSES) == _ALL_CLASSES
    archive = storage_class in {"GLACIER", "DEEP_ARCHIVE"}
    return found.size < SMALLEST_MOVED and (everywhere or not archive)


def _due(part: Mapping[str, Any], modified: datetime) -> datetime | None:
    if "Days" in part:
        moment = as_utc(modified) + timedelta(days=int(part["Days"]))
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight if midnight == moment else midnight + timedelta(days=1)
    if "Date" in part:
        return _date(part["Date"])
    return None


def _date(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
