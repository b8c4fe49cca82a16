"""The table of lifecycle rules: its model, and cells that wrap their text.

The actions of a rule are a sentence, which must be readable in a window of any width.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, QRect, Qt, QTimer
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionViewItem, QTableView

from core.lifecycle.rules import Configuration, Rule
from core.lifecycle.sentences import actions, rule_name, scope, sentence
from gui import theme
from gui.models.roles import PILL_ROLE
from gui.models.text_rows import TextRows
from gui.widgets.cells import PADDING, CellDelegate
from gui.widgets.labels import shown
from gui.widgets.table import columns_of

_STATE = 1
_WRAP = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
#: Height in pixels that no text reaches, since `boundingRect` requires a limit.
_TALLEST = 10_000
#: Padding above and below the lines of a wrapped cell, in pixels.
_BEYOND = 6


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
        shown(rule_name(rule)),
        "on" if rule.enabled else "off",
        shown(scope(rule)),
        shown("; ".join(actions(rule))),
    )


class WrappedCells(CellDelegate):
    """Draws text over several lines if it does not fit into one."""

    def height(self, index: QModelIndex, width: int) -> int:
        """Return the height in pixels that the text of a cell needs in a column of that width."""
        text = str(index.data() or "")
        metrics = self.measured_font(index).metrics
        inner = width - 2 * PADDING
        if metrics.horizontalAdvance(text) <= inner:
            return theme.ROW
        lines = metrics.boundingRect(QRect(0, 0, inner, _TALLEST), _WRAP, text)
        return max(theme.ROW, lines.height() + 2 * _BEYOND)

    def _text(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
        inner: QRect,
    ) -> None:
        if inner.height() <= theme.ROW:
            super()._text(painter, option, index, inner)
            return
        painter.setFont(self.measured_font(index).font)
        painter.setPen(self._colour(option, index))
        painter.drawText(inner, _WRAP, str(index.data() or ""))


class RowHeights(QObject):
    """Sets the height of every row of a table to what its wrapped texts need."""

    def __init__(self, view: QTableView) -> None:
        super().__init__(view)
        self._view = view
        self._delegate = WrappedCells(view)
        view.setItemDelegate(self._delegate)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)  # one pass after all columns have reported their new width
        self._later.timeout.connect(self._fit)
        view.model().modelReset.connect(self._on_rows)
        view.model().dataChanged.connect(self._later.start)
        view.horizontalHeader().sectionResized.connect(self._later.start)

    def _on_rows(self) -> None:
        columns_of(self._view).fit_content()
        self._later.start()

    def _fit(self) -> None:
        model, view = self._view.model(), self._view
        columns = [c for c in range(model.columnCount()) if not view.isColumnHidden(c)]
        for row in range(model.rowCount()):
            needed = [
                self._delegate.height(model.index(row, column), view.columnWidth(column))
                for column in columns
            ]
            view.setRowHeight(row, max(needed))
