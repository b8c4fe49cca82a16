"""Two columns, the first of which is folded away where there is too little room for both."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QVBoxLayout, QWidget

from gui.widgets.panel import splitter

#: Pixels from which both columns are always shown.
_BOTH = 940


class FoldingColumns(QWidget):
    """A splitter of two columns; below a width a switch decides whether the first is shown."""

    def __init__(
        self,
        first: QWidget,
        second: QWidget,
        switch: QAbstractButton,
        *,
        sizes: tuple[int, int],
    ) -> None:
        """Put the columns beside each other.

        Args:
            first: The column that can be folded away.
            second: The other column.
            switch: A button that can be checked; it is shown only where it is needed.
            sizes: The widths at first, in pixels.
        """
        super().__init__()
        self._first, self._switch = first, switch
        switch.setCheckable(True)
        switch.toggled.connect(self._update)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(splitter(first, second, sizes=sizes))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold or unfold the first column."""
        super().resizeEvent(event)
        self._update()

    def _update(self) -> None:
        narrow = self.width() < _BOTH
        self._switch.setVisible(narrow)
        self._first.setVisible(not narrow or self._switch.isChecked())
