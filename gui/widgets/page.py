"""The page of a tab, and parts that hide some of their content in a narrow page."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget


class Page(QScrollArea):
    """A view of a widget that scrolls in both directions if necessary.

    Signals:
        size_changed: the `QSize` in pixels that the page offers.
    """

    size_changed = Signal(object)

    def __init__(self, part: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        # Tab would stop at the area, in which there is nothing to do.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(part)

    @property
    def offered(self) -> QSize:
        """The size in pixels without scroll bars, even while there is one.

        It does not depend on what is shown. Otherwise a part that is hidden, so that a scroll bar
        disappears, would be shown again for the additional room.
        """
        return self.maximumViewportSize()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Report the size before the part is laid out in it."""
        self.size_changed.emit(self.offered)
        super().resizeEvent(event)


def scroll_into_view(widget: QWidget) -> None:
    """Scroll the areas around a widget until it is visible; of a larger one the beginning is."""
    part = widget.parentWidget()
    while part is not None:
        if isinstance(part, QScrollArea) and (content := part.widget()) is not None:
            # Of a field `ensureWidgetVisible` only shows the cursor.
            size = widget.size().boundedTo(part.viewport().size())
            place = QRect(widget.mapTo(content, QPoint()), size).center()
            part.ensureVisible(place.x(), place.y(), size.width() // 2 + 1, size.height() // 2 + 1)
        part = part.parentWidget()


def fit_to_page(widget: QWidget, fit: Callable[[QSize], object]) -> None:
    """Call a function with the size that the page of a widget offers, whenever it changes.

    The widget's own size says nothing about it: Qt never makes the widget smaller than its present
    content, so that content would never be hidden.

    Args:
        widget: the widget; outside of a page its own size is passed.
        fit: shows what fits into a size in pixels.
    """
    _Fitter(widget, fit)


class _Fitter(QObject):
    def __init__(self, widget: QWidget, fit: Callable[[QSize], object]) -> None:
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
            page.size_changed.connect(self._fit)
        self._fit(self._widget.size() if self._page is None else self._page.offered)


def _page_of(widget: QWidget) -> Page | None:
    part: QWidget | None = widget.parentWidget()
    while part is not None and not isinstance(part, Page):
        part = part.parentWidget()
    return part
