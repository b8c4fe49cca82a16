"""The sheet of keyboard shortcuts (F1)."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from gui.errors import about
from gui.main_window.commands import IN_VIEWS, Command
from gui.widgets.buttons import plain_button
from gui.widgets.labels import Pill, heading, muted_label, text_label
from gui.widgets.panel import rule


class ShortcutSheet(QDialog):
    """All keys on one page."""

    def __init__(self, commands: Sequence[Command], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(6)
        keyed = [(command.title, command.keys) for command in commands if command.keys]
        half = (len(keyed) + len(IN_VIEWS) + 1) // 2
        for place, (title, keys) in enumerate([*keyed, *IN_VIEWS]):
            column = 0 if place < half else 2
            grid.addWidget(text_label(title), place % half, column)
            grid.addWidget(Pill(keys), place % half, column + 1, Qt.AlignmentFlag.AlignLeft)
        foot = QHBoxLayout()
        foot.addWidget(muted_label(about(), small=True))
        foot.addStretch(1)
        foot.addWidget(plain_button("Close", self.accept))
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(12)
        box.addWidget(heading("Keyboard shortcuts"))
        box.addLayout(grid)
        box.addWidget(rule())
        box.addLayout(foot)
