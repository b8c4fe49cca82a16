"""Two columns, of which the first can be hidden in a narrow window."""

from __future__ import annotations

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QVBoxLayout, QWidget

from gui.widgets.panel import splitter

#: Width in pixels from which both columns are always shown. It must exceed their minimum, 941: a
#: tab is never narrower than that while both are shown, and scrolls instead.
_BOTH = 956


class FoldingColumns(QWidget):
    """A splitter of two columns; in a narrow window a switch shows or hides the first."""

    def __init__(
        self,
        first: QWidget,
        second: QWidget,
        switch: QAbstractButton,
        *,
        sizes: tuple[int, int],
    ) -> None:
        """Create the splitter.

        Args:
            first: The column that can be hidden.
            second: The other column.
            switch: A checkable button, visible only in a narrow window.
            sizes: The initial widths in pixels.
        """
        super().__init__()
        self._first, self._switch = first, switch
        switch.setCheckable(True)
        switch.toggled.connect(self._update)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(splitter(first, second, sizes=sizes))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide or show the first column."""
        super().resizeEvent(event)
        self._update()

    def _update(self) -> None:
        narrow = self.width() < _BOTH
        self._switch.setVisible(narrow)
        self._first.setVisible(not narrow or self._switch.isChecked())
