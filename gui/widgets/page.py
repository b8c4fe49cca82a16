"""The page of a tab, and parts that hide some of their content in a narrow page."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget


class Page(QScrollArea):
    """A view of a widget that scrolls in both directions if necessary.

    Signals:
        width_changed: the width in pixels that the page offers.
    """

    width_changed = Signal(int)

    def __init__(self, part: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        # Tab would stop at the area, in which there is nothing to do.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(part)

    @property
    def offered(self) -> int:
        """The width in pixels without scroll bars, even while there is one.

        It does not depend on what is shown. Otherwise a part that is hidden, so that a scroll bar
        disappears, would be shown again for the additional width.
        """
        return self.maximumViewportSize().width()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Report the width before the part is laid out in it."""
        self.width_changed.emit(self.offered)
        super().resizeEvent(event)


def fit_to_page(widget: QWidget, fit: Callable[[int], object]) -> None:
    """Call a function with the width that the page of a widget offers, whenever it changes.

    The widget's own width says nothing about it: Qt never makes the widget narrower than its
    present content, so that content would never be hidden.

    Args:
        widget: the widget; outside of a page its own width is passed.
        fit: shows what fits into a width in pixels.
    """
    _Fitter(widget, fit)


class _Fitter(QObject):
    def __init__(self, widget: QWidget, fit: Callable[[int], object]) -> None:
        super().__init__(widget)
        self._widget, self._fit = widget, fit
        self._page: Page | None = None
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Fit the widget before it is laid out or shown."""
        if event.type() in {QEvent.Type.Resize, QEvent.Type.Show}:
            self._update()
        return False

    def _update(self) -> None:
        if self._page is None and (page := _page_of(self._widget)) is not None:
            self._page = page
            page.width_changed.connect(self._fit)
        self._fit(self._widget.width() if self._page is None else self._page.offered)


def _page_of(widget: QWidget) -> Page | None:
    part: QWidget | None = widget.parentWidget()
    while part is not None and not isinstance(part, Page):
        part = part.parentWidget()
    return part
