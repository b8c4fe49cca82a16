"""Lifecycle rules as rows of a table."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from core.lifecycle.rules import Configuration, Rule
from core.lifecycle.sentences import actions, scope, sentence
from gui.models.roles import MONO_ROLE, PILL_ROLE, SORT_ROLE
from gui.widgets.labels import shown, tooltip

Index = QModelIndex | QPersistentModelIndex
_HEADS = ("Rule", "State", "Which objects", "What happens to them")
_STATE = 1


class RulesModel(QAbstractTableModel):
    """One row a rule; the sentence of the whole rule is the tooltip."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rules: tuple[Rule, ...] = ()
        self._texts: list[tuple[str, ...]] = []

    def show(self, configuration: Configuration) -> None:
        """Show the rules of a configuration."""
        self.beginResetModel()
        self._rules = configuration.rules
        self._texts = [_texts(rule) for rule in self._rules]
        self.endResetModel()

    def rule(self, row: int) -> Rule | None:
        """Return the rule of a row, or None when there is no such row."""
        return self._rules[row] if 0 <= row < len(self._rules) else None

    def rowCount(self, parent: Index | None = None) -> int:
        """Return how many rules there are."""
        return 0 if parent is not None and parent.isValid() else len(self._rules)

    def columnCount(self, parent: Index | None = None) -> int:
        """Return how many columns there are."""
        return 0 if parent is not None and parent.isValid() else len(_HEADS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the title of a column."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return _HEADS[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, its tooltip, or how it is drawn."""
        if not index.isValid():
            return None
        row, column = index.row(), index.column()
        if role in {Qt.ItemDataRole.DisplayRole, SORT_ROLE}:
            return self._texts[row][column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(sentence(self._rules[row]))
        if role == PILL_ROLE and column == _STATE:
            return "good" if self._rules[row].enabled else "neutral"
        return True if role == MONO_ROLE and column == 0 else None


def _texts(rule: Rule) -> tuple[str, ...]:
    return (
        shown(rule.rule_id),
        "on" if rule.enabled else "off",
        shown(scope(rule)),
        shown("; ".join(actions(rule))),
    )
