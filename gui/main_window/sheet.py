"""The sheet of keyboard shortcuts (F1), made from the table of actions."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from gui.errors import about
from gui.shortcuts import ACTIONS, SCOPES, Action
from gui.widgets.buttons import plain_button
from gui.widgets.dialog import Dialog
from gui.widgets.labels import Pill, muted_label, text_label

#: Pixels of the window from which on there are three columns.
_THREE_FROM = 1500
_COLUMN, _MARGIN = 400, 60
#: A section and the actions in it.
Section = tuple[str, list[Action]]


class ShortcutSheet(Dialog):
    """All keys on one page, by the part of the window in which they apply."""

    def __init__(self, parent: QWidget) -> None:
        columns = 3 if parent.width() >= _THREE_FROM else 2
        width = min(columns * _COLUMN, parent.width() - _MARGIN)
        super().__init__(parent, "Keyboard shortcuts", width=width)
        line = QHBoxLayout()
        line.setSpacing(32)
        for sections in balanced(keyed_sections(), columns):
            line.addLayout(_column(sections), 1)
        self.body.addLayout(line)
        close = plain_button("Close", self.accept)
        self.add_buttons(close, left=(muted_label(about(), small=True),))
        close.setFocus()


def keyed_sections() -> list[Section]:
    """Return the title of each scope that has keys, and its actions with keys."""
    by_scope = [(scope, [a for a in ACTIONS if a.where == scope.id and a.keys]) for scope in SCOPES]
    return [(scope.title, actions) for scope, actions in by_scope if actions]


def balanced(sections: list[Section], count: int) -> list[list[Section]]:
    """Return the sections in order, in columns of about the same length."""
    total = sum(len(actions) + 1 for _title, actions in sections)
    columns: list[list[Section]] = [[] for _ in range(count)]
    before = 0
    for section in sections:
        length = len(section[1]) + 1
        middle = before + length / 2
        columns[min(int(middle * count / max(total, 1)), count - 1)].append(section)
        before += length
    return columns


def _column(sections: list[Section]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(4)
    grid.setColumnStretch(0, 1)
    row = 0
    for title, actions in sections:
        if row:
            grid.setRowMinimumHeight(row, 8)
        grid.addWidget(muted_label(title, small=True), row + 1, 0, 1, 2)
        row += 2
        for action in actions:
            grid.addWidget(text_label(action.text, wrap=True), row, 0)
            grid.addLayout(_keys(action), row, 1, Qt.AlignmentFlag.AlignTop)
            row += 1
    grid.setRowStretch(row, 1)
    return grid


def _keys(action: Action) -> QHBoxLayout:
    line = QHBoxLayout()
    line.setSpacing(4)
    line.addStretch(1)
    for each in action.keys:
        line.addWidget(Pill(each))
    return line
