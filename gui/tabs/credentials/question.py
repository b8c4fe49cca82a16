"""A question that shows more than a list of names: a heading, a text, a body, buttons."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.widgets.buttons import Button
from gui.widgets.labels import Elided, Pill, heading, mono_elided, muted_label, text_label
from gui.widgets.panel import scrolling

#: How a change of a key is called and coloured.
CHANGES = {
    "added": ("added", "good"),
    "changed": ("changed", "warning"),
    "removed": ("removed", "danger"),
}
_KEY_WIDTH, _VALUE_WIDTH = 180, 230
_LONGEST = 300


class Question(QDialog):
    """A modal dialog; whoever makes it fills `body` and names its buttons."""

    def __init__(self, parent: QWidget, title: str, text: str = "", *, width: int = 520) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setModal(True)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setMinimumWidth(width)
        self.body = QVBoxLayout()
        self.body.setSpacing(8)
        self._foot = QHBoxLayout()
        self._foot.setSpacing(8)
        title_label = heading(title)
        title_label.setWordWrap(True)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(12)
        box.addWidget(title_label)
        if text:
            box.addWidget(text_label(text, wrap=True))
        box.addLayout(self.body)
        box.addStretch(1)
        box.addLayout(self._foot)

    def showEvent(self, event: QShowEvent) -> None:
        """Take the height that the texts need at this width, and no more."""
        box, width = self.layout(), max(self.minimumWidth(), self.width())
        if box is not None and box.hasHeightForWidth():
            self.resize(width, box.totalHeightForWidth(width))
        super().showEvent(event)

    def add_buttons(self, *buttons: Button, left: tuple[Button, ...] = ()) -> None:
        """Put buttons at the right end of the foot, and others at its left."""
        for button in left:
            self._foot.addWidget(button)
        self._foot.addStretch(1)
        for button in buttons:
            self._foot.addWidget(button)


def key_grid(
    heads: Sequence[str],
    rows: Sequence[tuple[str, tuple[QWidget, ...]]],
    *,
    wide: tuple[int, ...] = (),
) -> QWidget:
    """Return keys with what is to be said of each beside them; a long grid scrolls.

    Args:
        heads: the titles of the columns, that of the keys first.
        rows: a key and its cells.
        wide: the columns that share what room there is; without any it stays free.
    """
    inside = QWidget()
    grid = QGridLayout(inside)
    grid.setContentsMargins(12, 8, 12, 8)
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(8)
    for column, head in enumerate(heads):
        title = Elided(head, "muted")
        title.setFont(theme.text_font(12))
        if column in wide:
            title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            grid.setColumnMinimumWidth(column, _VALUE_WIDTH)
        grid.addWidget(title, 0, column)
    for line, (key, cells) in enumerate(rows, 1):
        label = mono_elided(key)
        label.setFixedWidth(_KEY_WIDTH)
        grid.addWidget(label, line, 0)
        for column, cell in enumerate(cells, 1):
            grid.addWidget(cell, line, column, Qt.AlignmentFlag.AlignVCenter)
    for column in wide or (len(heads),):
        grid.setColumnStretch(column, 1)
    grid.setRowStretch(len(rows) + 1, 1)
    return _framed(inside)


def change_pill(change: str) -> QWidget:
    """Return `added`, `changed` or `removed` as a pill; a dash for no change."""
    if change not in CHANGES:
        return muted_label(change or "—")
    return Pill(*CHANGES[change])


def _framed(inside: QWidget) -> QWidget:
    area = scrolling(inside)
    area.setFixedHeight(min(inside.sizeHint().height() + 2, _LONGEST))
    frame = QFrame()
    frame.setProperty("surface", "card")
    box = QVBoxLayout(frame)
    box.setContentsMargins(1, 1, 1, 1)
    box.addWidget(area)
    return frame
