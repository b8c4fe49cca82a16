"""A wrapped label that also shows the end of a text with a very long word."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from gui.widgets.elide import fitted_text
from gui.widgets.labels import Text, set_tooltip, shown


class FittedText(Text):
    """A wrapped label that elides words wider than itself; the tooltip has the complete text.

    Qt cannot break them: it would cut off the label, with all other lines.
    """

    def __init__(self, text: str = "", tone: str = "plain", parent: QWidget | None = None) -> None:
        self._full = ""
        super().__init__(text, tone, parent)
        self.setWordWrap(True)

    @property
    def full(self) -> str:
        """The complete text."""
        return self._full

    def setText(self, text: str) -> None:
        """Show `text` with its control characters escaped."""
        self._full = shown(text, lines=True)
        super().setText(text)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        """Return a size with all lines that does not depend on the longest word."""
        # Splitters do not see heights that depend on widths: they would clip the last line.
        lines = self.heightForWidth(self.width()) if self.isVisible() else 0
        return QSize(60, max(lines, super().minimumSizeHint().height()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Elide the words that do not fit any more."""
        super().resizeEvent(event)
        self._fit()
        self.updateGeometry()

    def _fit(self) -> None:
        fitted = fitted_text(self._full, self.fontMetrics(), self.contentsRect().width())
        if fitted != self.text():
            super().setText(fitted)
        set_tooltip(self, self._full if fitted != self._full else "")
