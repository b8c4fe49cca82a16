"""The list of keyboard shortcuts (F1), made from the table of actions."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from gui.actions import ACTIONS, SCOPES, Action
from gui.errors import about
from gui.widgets.buttons import plain_button
from gui.widgets.dialog import Dialog
from gui.widgets.labels import Pill, muted_label, text_label
from gui.widgets.screen import available_area

#: Preferred width of a column, and the margins around the columns, in pixels.
_COLUMN, _MARGIN = 390, 60
_MOST_COLUMNS = 3
#: A section and the actions in it.
Section = tuple[str, list[Action]]


class ShortcutList(Dialog):
    """All shortcuts on one page, grouped by the part of the window in which they apply."""

    def __init__(self, parent: QWidget) -> None:
        available = min(parent.width(), available_area(parent).width()) - _MARGIN
        columns = max(1, min(_MOST_COLUMNS, available // _COLUMN))
        width = min(columns * _COLUMN + _MARGIN, available)
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
    """Return the title of each scope with shortcuts, and its actions."""
    by_scope = [(scope, [a for a in ACTIONS if a.where == scope.id and a.keys]) for scope in SCOPES]
    return [(scope.title, actions) for scope, actions in by_scope if actions]


def balanced(sections: list[Section], count: int) -> list[list[Section]]:
    """Distribute the sections in order over columns of similar length."""
    total = sum(len(actions) + 1 for _title, actions in sections)
    columns: list[list[Section]] = [[] for _ in range(count)]
    before = 0
    for section in sections:
        length = len(section[1]) + 1
        # A section belongs to the column in which its middle lies.
        middle = before + length / 2
        columns[min(int(middle * count / max(total, 1)), count - 1)].append(section)
        before += length
    return columns


def _column(sections: list[Section]) -> QVBoxLayout:
    box = QVBoxLayout()
    box.setSpacing(4)
    for number, (title, actions) in enumerate(sections):
        if number:
            box.addSpacing(8)
        box.addWidget(muted_label(title, small=True))
        for action in actions:
            box.addLayout(_row(action))
    box.addStretch(1)
    return box


def _row(action: Action) -> QHBoxLayout:
    line = QHBoxLayout()
    line.setSpacing(4)
    line.addWidget(text_label(action.text, wrap=True), 1)
    for each in action.keys:
        line.addWidget(Pill(each), 0, Qt.AlignmentFlag.AlignTop)
    return line
