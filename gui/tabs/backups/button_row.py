"""Buttons in a row, or in several rows if one is too narrow."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from gui.widgets.buttons import Button

_MARGIN, _SPACING = 12, 8


class ButtonRow(QWidget):
    """Right-aligned buttons, of which each row has as many as fit."""

    def __init__(self, *buttons: Button) -> None:
        super().__init__()
        self._buttons = buttons
        self._rows: list[list[Button]] = []
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._box = QVBoxLayout(self)
        self.set_low(low=False)
        self._lay_out([list(buttons)])

    def minimumSizeHint(self) -> QSize:
        """Return the size that the widest button needs at least."""
        widest = max(button.minimumSizeHint().width() for button in self._buttons)
        return QSize(widest + 2 * _MARGIN, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange the buttons for the new width."""
        super().resizeEvent(event)
        self.arrange()

    def arrange(self) -> None:
        """Fill the rows; call this after the text or the visibility of a button has changed."""
        rows: list[list[Button]] = [[]]
        room = left = self.width() - 2 * _MARGIN
        for button in self._buttons:
            needed = 0 if button.isHidden() else button.sizeHint().width()
            if rows[-1] and needed > left:
                rows.append([])
                left = room
            rows[-1].append(button)
            left -= needed + (_SPACING if needed else 0)
        if rows != self._rows:
            self._lay_out(rows)
        self.updateGeometry()  # the required height has changed

    def set_low(self, *, low: bool) -> None:
        """Leave less space around the buttons in a low window."""
        space = 4 if low else _SPACING
        self._box.setContentsMargins(_MARGIN, space, _MARGIN, space)
        self._box.setSpacing(space)

    def _lay_out(self, rows: list[list[Button]]) -> None:
        while (item := self._box.takeAt(0)) is not None:
            if (former := item.layout()) is not None:
                while former.takeAt(0) is not None:
                    pass  # the buttons stay children of this widget
                former.deleteLater()
        for buttons in rows:
            line = QHBoxLayout()
            line.setSpacing(_SPACING)
            line.addStretch(1)
            for button in buttons:
                line.addWidget(button, 0, Qt.AlignmentFlag.AlignRight)
            self._box.addLayout(line)
        self._rows = rows
