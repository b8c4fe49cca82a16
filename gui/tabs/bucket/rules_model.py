"""Lifecycle rules as rows of a table."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject

from core.lifecycle.rules import Configuration, Rule
from core.lifecycle.sentences import actions, scope, sentence
from gui.models.roles import PILL_ROLE
from gui.models.text_rows import TextRows
from gui.widgets.labels import shown

_STATE = 1


class RulesModel(TextRows):
    """One row per rule; the tooltip describes the complete rule."""

    heads = ("Rule", "State", "Objects", "Actions")
    mono = 0

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rules: tuple[Rule, ...] = ()

    def show(self, configuration: Configuration) -> None:
        """Show the rules of a configuration, in its order."""
        self._rules = configuration.rules
        texts = [_texts(rule) for rule in self._rules]
        self._replace([(row, row) for row in texts])

    def rule(self, row: int) -> Rule | None:
        """Return the rule of a row, or None when there is no such row."""
        return self._rules[row] if 0 <= row < len(self._rules) else None

    def _tooltip(self, row: int, _column: int) -> str:
        return sentence(self._rules[row])

    def _drawn(self, row: int, column: int, role: int) -> Any:
        if role == PILL_ROLE and column == _STATE:
            return "good" if self._rules[row].enabled else "neutral"
        return super()._drawn(row, column, role)


def _texts(rule: Rule) -> tuple[str, ...]:
    return (
        shown(rule.rule_id),
        "on" if rule.enabled else "off",
        shown(scope(rule)),
        shown("; ".join(actions(rule))),
    )
