"""Lifecycle rules as values, which preserve unknown elements unchanged."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.aws.limits import LIFECYCLE_ID_CHARS, LIFECYCLE_RULES
from core.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, stored as canonical JSON, so that equal rules compare as equal."""

    canonical: str

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Rule:
        """Create a rule from a dictionary in the form of the API."""
        return cls(json.dumps(raw, sort_keys=True, default=_text))

    def raw(self) -> dict[str, Any]:
        """Return a new dictionary in the form of the API, including unknown elements."""
        loaded: dict[str, Any] = json.loads(self.canonical)
        return loaded

    @property
    def rule_id(self) -> str:
        """The id of the rule; S3 generates one if it is omitted."""
        return str(self.raw().get("ID", ""))

    @property
    def enabled(self) -> bool:
        """Whether the rule is enabled."""
        return bool(self.raw().get("Status") == "Enabled")

    @property
    def prefix(self) -> str:
        """The key prefix of the rule; empty means the complete bucket."""
        raw = self.raw()
        # Old rules have their prefix outside a Filter, a deprecated form that S3 still returns.
        if "Filter" not in raw:
            return str(raw.get("Prefix", "") or "")
        found = raw["Filter"]
        return str(found.get("Prefix", found.get("And", {}).get("Prefix", "")) or "")

    @property
    def meaning(self) -> str:
        """The rule with its prefix in the Filter: rules with equal meaning have equal texts.

        Ceph RGW returns a Filter with an empty prefix as the deprecated Prefix element.
        """
        raw = self.raw()
        if not raw.get("Filter"):
            raw["Filter"] = {"Prefix": raw.pop("Prefix", "") or ""}
        return json.dumps(raw, sort_keys=True)

    @property
    def touches_everything(self) -> bool:
        """Whether no prefix, tag or size limits the rule."""
        raw = self.raw()
        return not self.prefix and not any(raw.get("Filter", {}).values())


@dataclass(frozen=True, slots=True)
class Configuration:
    """All rules of a bucket and the default for the smallest object that is transitioned."""

    rules: tuple[Rule, ...] = ()
    minimum_size: str | None = None

    def find(self, rule_id: str) -> Rule | None:
        """Return the rule with an id, or None."""
        return next((rule for rule in self.rules if rule.rule_id == rule_id), None)

    def same_as(self, other: Configuration) -> bool:
        """Return whether both contain the same rules, in any order."""
        # The order of rules has no meaning in S3, and a server may return another one.
        mine = sorted(rule.canonical for rule in self.rules)
        theirs = sorted(rule.canonical for rule in other.rules)
        return mine == theirs and self.minimum_size == other.minimum_size

    def means(self, other: Configuration) -> bool:
        """Return whether both contain rules with the same meanings, in any order."""
        return sorted(rule.meaning for rule in self.rules) == sorted(
            rule.meaning for rule in other.rules
        )

    def merged(self, rule: Rule) -> Configuration:
        """Return this configuration with a rule added, or replaced if its id exists.

        Raises:
            InvalidInput: the id is empty or too long, or there would be more than 1,000 rules.
        """
        _check_id(rule.rule_id)
        # A replaced rule stays in its place, so that the difference shows one changed rule.
        if self.find(rule.rule_id) is None:
            return self._with((*self.rules, rule))
        return self._with(tuple(rule if r.rule_id == rule.rule_id else r for r in self.rules))

    def without(self, rule: Rule) -> Configuration:
        """Return this configuration without a rule; other rules without an id stay."""
        place = self.rules.index(rule)
        return self._with((*self.rules[:place], *self.rules[place + 1 :]))

    def _with(self, rules: tuple[Rule, ...]) -> Configuration:
        if len(rules) > LIFECYCLE_RULES:
            raise InvalidInput(
                f"A bucket can have {LIFECYCLE_RULES} lifecycle rules, this would be {len(rules)}",
                cause="S3 refuses larger configurations.",
                remedy="First remove rules that are no longer needed.",
            )
        return Configuration(rules, self.minimum_size)


@dataclass(frozen=True, slots=True)
class Difference:
    """The rules that saving `after` over `before` adds, changes and removes."""

    added: tuple[Rule, ...]
    changed: tuple[tuple[Rule, Rule], ...]
    removed: tuple[Rule, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.added or self.changed or self.removed)


def difference(before: Configuration, after: Configuration) -> Difference:
    """Return the differences between `before` and `after`, matched by id.

    Rules without an id, which other servers than S3 store, are added or removed, never changed.
    """
    old, old_unnamed = _by_id(before)
    new, new_unnamed = _by_id(after)
    added = [rule for name, rule in new.items() if name not in old]
    removed = [rule for name, rule in old.items() if name not in new]
    return Difference(
        added=(*added, *(new_unnamed - old_unnamed).elements()),
        changed=tuple(
            (old[name], rule) for name, rule in new.items() if name in old and old[name] != rule
        ),
        removed=(*removed, *(old_unnamed - new_unnamed).elements()),
    )


def _by_id(configuration: Configuration) -> tuple[dict[str, Rule], Counter[Rule]]:
    """Return the rules by their id, and those without one."""
    named = {rule.rule_id: rule for rule in configuration.rules if rule.rule_id}
    return named, Counter(rule for rule in configuration.rules if not rule.rule_id)


def _check_id(rule_id: str) -> None:
    if not rule_id or len(rule_id) > LIFECYCLE_ID_CHARS:
        raise InvalidInput(
            f"The id of a rule must have 1 to {LIFECYCLE_ID_CHARS} characters",
            cause=f"This one has {len(rule_id)}.",
            remedy="Use a short id, for example ArchiveOldData.",
            subject=rule_id[:40],
        )


def _text(value: object) -> str:
    """Serialize dates, which JSON does not support; S3 requires midnight UTC."""
    if isinstance(value, datetime):
        return value.isoformat()
    message = f"a lifecycle rule cannot contain {type(value).__name__}"
    raise TypeError(message)
