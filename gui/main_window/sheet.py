"""The sheet of keyboard shortcuts (F1), made from the table of actions."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from gui.errors import about
from gui.shortcuts import ACTIONS, SCOPES, Action
from gui.widgets.buttons import plain_button
from gui.widgets.labels import Pill, heading, muted_label, text_label
from gui.widgets.panel import rule

_COLUMNS = 2
_SIZE = (900, 560)


class ShortcutSheet(QDialog):
    """All keys on one page, by the part of the window in which they apply."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        foot = QHBoxLayout()
        foot.addWidget(muted_label(about(), small=True))
        foot.addStretch(1)
        close = plain_button("Close", self.accept)
        foot.addWidget(close)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(12)
        box.addWidget(heading("Keyboard shortcuts"))
        box.addWidget(_scrolled(_columns()), 1)
        box.addWidget(rule())
        box.addLayout(foot)
        room = parent.size() if parent is not None else None
        self.resize(*(_SIZE if room is None else (min(_SIZE[0], room.width() - 80),
                                                  min(_SIZE[1], room.height() - 80))))  # fmt: skip
        close.setFocus()


def sections() -> list[tuple[str, list[Action]]]:
    """Return the title of each scope that has keys, and its actions with keys."""
    by_scope = [(scope, [a for a in ACTIONS if a.where == scope.id and a.keys]) for scope in SCOPES]
    return [(scope.title, actions) for scope, actions in by_scope if actions]


def _columns() -> QWidget:
    """Return the sections in columns of about the same length."""
    holder = QWidget()
    line = QHBoxLayout(holder)
    line.setContentsMargins(0, 0, 12, 0)
    line.setSpacing(32)
    for column in _balanced(sections()):
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 1)
        for title, actions in column:
            _add_section(grid, title, actions)
        grid.setRowStretch(grid.rowCount(), 1)
        line.addLayout(grid, 1)
    return holder


def _balanced(
    found: list[tuple[str, list[Action]]],
) -> list[list[tuple[str, list[Action]]]]:
    """Return the sections in order, cut where the columns become about equally long."""
    total = sum(len(actions) + 1 for _title, actions in found)
    columns: list[list[tuple[str, list[Action]]]] = [[] for _ in range(_COLUMNS)]
    before = 0
    for section in found:
        place = min(before * _COLUMNS // max(total, 1), _COLUMNS - 1)
        columns[place].append(section)
        before += len(section[1]) + 1
    return columns


def _add_section(grid: QGridLayout, title: str, actions: list[Action]) -> None:
    row = grid.rowCount()
    grid.setRowMinimumHeight(row, 8 if row > 1 else 0)
    grid.addWidget(muted_label(title, small=True), row + 1, 0, 1, 2)
    for number, action in enumerate(actions, row + 2):
        grid.addWidget(text_label(action.text), number, 0)
        keys = QHBoxLayout()
        keys.setSpacing(4)
        keys.addStretch(1)
        for each in action.keys:
            keys.addWidget(Pill(each))
        grid.addLayout(keys, number, 1)


def _scrolled(content: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setAccessibleName("All shortcuts")
    area.setWidget(content)
    return area
