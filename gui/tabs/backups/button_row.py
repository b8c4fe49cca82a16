"""Buttons in a row, or in a column if the row is too narrow."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QWidget

from gui.widgets.buttons import Button

_MARGIN, _SPACING = 12, 8


class ButtonRow(QWidget):
    """A right-aligned row that becomes a column before a button is cut off."""

    def __init__(self, *buttons: Button) -> None:
        super().__init__()
        self._buttons = buttons
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._box = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._box.setContentsMargins(_MARGIN, 8, _MARGIN, 8)
        self._box.setSpacing(_SPACING)
        self._box.addStretch(1)
        for button in buttons:
            self._box.addWidget(button, 0, Qt.AlignmentFlag.AlignRight)

    def minimumSizeHint(self) -> QSize:
        """Return the size that the widest button needs."""
        widest = max(button.sizeHint().width() for button in self._buttons)
        return QSize(widest + 2 * _MARGIN, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Choose the direction for the new width."""
        super().resizeEvent(event)
        self.arrange()

    def arrange(self) -> None:
        """Choose row or column; call this after the text of a button has changed."""
        shown = [button for button in self._buttons if not button.isHidden()]
        needed = sum(button.sizeHint().width() for button in shown)
        needed += _SPACING * (len(shown) - 1) + 2 * _MARGIN
        fits = needed <= self.width()
        directions = QBoxLayout.Direction
        self._box.setDirection(directions.LeftToRight if fits else directions.TopToBottom)
        self.updateGeometry()  # the required height has changed
