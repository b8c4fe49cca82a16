"""A stack of views of which only the visible one determines the size."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QStackedWidget


class VisibleStack(QStackedWidget):
    """Views of which the visible one alone determines the least size.

    Otherwise the window would have less room for its other parts after a view that needs much.
    """

    def __init__(self) -> None:
        super().__init__()
        self.currentChanged.connect(lambda _page: self.updateGeometry())

    def minimumSizeHint(self) -> QSize:
        """Return the least size of the visible view."""
        page = self.currentWidget()
        if page is None:
            return super().minimumSizeHint()
        return page.minimumSizeHint().expandedTo(page.minimumSize())

    def sizeHint(self) -> QSize:
        """Return the preferred size of the visible view."""
        page = self.currentWidget()
        return super().sizeHint() if page is None else page.sizeHint()
