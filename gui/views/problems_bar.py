"""The bar that summarizes the problems in the data, and the list of problems."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    Qt,
    Signal,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from core.preview import QUIET_KINDS, Preview, Problem
from gui import theme
from gui.models.indexes import NOWHERE, Index
from gui.widgets.buttons import link_button
from gui.widgets.labels import Elided, repolish
from gui.widgets.table import choose_row, make_list

#: Findings visible at once; the others can be scrolled to.
_ROWS_SHOWN = 5


class ProblemsModel(QAbstractListModel):
    """One row per problem."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.problems: tuple[Problem, ...] = ()
        self._more: tuple[str, ...] = ()

    def show_problems_of(self, preview: Preview) -> None:
        """Show the problems of a preview, and how many more there are of each kind."""
        self.beginResetModel()
        self.problems = preview.problems
        self._more = preview.problems_left_out
        self.endResetModel()

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self.problems) + len(self._more)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the description of the problem with its row."""
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if index.row() >= len(self.problems):
            return self._more[index.row() - len(self.problems)]
        problem = self.problems[index.row()]
        if problem.row is None:
            return problem.text
        return f"{problem.text}  ·  row {problem.row + 1:,}"


class ProblemsBar(QWidget):
    """The bar, hidden without problems; `Show` opens the list and selects the first.

    Signals:
        chosen: the `Problem` to show.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = ProblemsModel(self)
        self.list = make_list(self.model, "Problems in the data")
        self._frame = QFrame()
        self._text = Elided("", "inherit", mode=Qt.TextElideMode.ElideRight)
        self.button = link_button("Show", self.toggle)
        line = QHBoxLayout(self._frame)
        line.setContentsMargins(12, 5, 8, 5)
        line.addWidget(self._text, 1)
        line.addWidget(self.button)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 0, 12, 8)
        box.setSpacing(4)
        box.addWidget(self._frame)
        box.addWidget(self.list)
        self.list.clicked.connect(self._on_chosen)
        self.list.activated.connect(self._on_chosen)
        self.hide()

    def show_problems(self, preview: Preview) -> None:
        """Show the problems of a preview; hide the bar without any."""
        problems = preview.problems
        self.model.show_problems_of(preview)
        text = preview.problem_texts
        self._text.setText(text)
        tone = "neutral" if all(one.kind in QUIET_KINDS for one in problems) else "warning"
        self._frame.setProperty("banner", tone)
        for part in (self._frame, *self._frame.findChildren(QWidget)):
            repolish(part)
        self.setAccessibleName(f"Problems: {text}")
        self._open(False)  # noqa: FBT003 - closed
        # Without positions and further problems there is nothing to show.
        self.button.setVisible(any(_placed(one) for one in problems) or len(problems) > 1)
        self.setVisible(bool(problems))

    def toggle(self) -> None:
        """Open the list and select the first problem with a position, or close the list."""
        opened = self.list.isHidden()
        self._open(opened)
        if opened:
            row = next((n for n, one in enumerate(self.model.problems) if _placed(one)), 0)
            choose_row(self.list, row)
            self._on_chosen(self.model.index(row))

    def _open(self, opened: bool) -> None:
        rows = min(_ROWS_SHOWN, self.model.rowCount())
        self.list.setFixedHeight(rows * theme.ROW + 2)
        # A single problem is already complete in the bar.
        self.list.setVisible(opened and self.model.rowCount() > 1)
        self.button.setText("Hide" if opened and not self.list.isHidden() else "Show")

    def _on_chosen(self, index: QModelIndex) -> None:
        if index.isValid() and index.row() < len(self.model.problems):
            self.chosen.emit(self.model.problems[index.row()])


def _placed(problem: Problem) -> bool:
    return problem.row is not None or problem.start is not None
