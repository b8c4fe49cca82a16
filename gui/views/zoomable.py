"""The base class of charts with zoom (wheel), pan (drag) and reset (double click)."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from gui.views.canvas import Canvas
from gui.views.time_axis import VisibleRange

#: Factor of one notch of the wheel, or of one key.
ZOOM = 1.25
#: The share of the visible part by which a key or a notch of the wheel pans.
PAN = 1 / 12
_NOTCH = 120  # Qt's value of one notch of a wheel


class ZoomableChart(Canvas):
    """Zooms and pans along one axis; subclasses draw `visible_range` and map pixels to positions.

    Positions on the axis are in the unit of `VisibleRange`.

    Signals:
        ranged: another part of the axis is visible.
    """

    ranged = Signal()

    _visible_range: VisibleRange

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._drag: tuple[float, VisibleRange] | None = None
        self.setMouseTracking(True)
        self.setMinimumSize(200, 120)

    @property
    def visible_range(self) -> VisibleRange:
        """The visible part of the axis."""
        return self._visible_range

    @property
    def zoomed(self) -> bool:
        """Whether only a part is visible."""
        return self._visible_range.width < self._visible_range.total

    def place_at(self, x: float) -> float:
        """Return the position on the axis at a pixel."""
        return x

    def centre(self) -> float:
        """Return the position around which keys zoom: that of the crosshair, if any."""
        return self._visible_range.left + self._visible_range.width / 2

    def point_at_pixel(self, position: QPointF) -> None:
        """Move the crosshair to the pointer."""

    def zoom(self, factor: float, around: float | None = None) -> None:
        """Show `factor` times as much around a position, by default `centre` or the middle."""
        visible_range = self._visible_range
        place = self.centre() if around is None else around
        # The crosshair may be outside the visible part, which would then jump.
        if not visible_range.left <= place <= visible_range.right:
            place = ZoomableChart.centre(self)
        self.show_part(visible_range.zoomed(factor, place))

    def pan(self, part: float) -> None:
        """Move along the axis by a share of the visible part; negative moves to its beginning."""
        self.show_part(self._visible_range.moved(part * self._visible_range.width))

    def fit(self) -> None:
        """Show everything."""
        self.show_part(self._visible_range.zoomed(float("inf"), 0.0))

    def show_part(self, visible_range: VisibleRange) -> None:
        """Show another part of the axis."""
        if visible_range != self._visible_range:
            self._visible_range = visible_range
            self.redraw()
            self.ranged.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom around the pointer; sideways or with Shift, move along the axis."""
        # Touchpads send fractions of a notch, so the zoom is a power and not a step.
        turn = event.angleDelta()
        shifted = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        sideways = turn.x() or (turn.y() if shifted else 0)
        if sideways:
            self.pan(-sideways / _NOTCH * PAN)
        elif turn.y():
            self.zoom(ZOOM ** (-turn.y() / _NOTCH), self.place_at(event.position().x()))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start dragging the chart."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._drag = (event.position().x(), self._visible_range)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """End dragging."""
        self._drag = None
        self.unsetCursor()

    def mouseDoubleClickEvent(self, _event: QMouseEvent) -> None:
        """Show everything."""
        self.fit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the chart, or move the crosshair."""
        if self._drag is None:
            self.point_at_pixel(event.position())
            return
        start, visible_range = self._drag
        self.show_part(
            visible_range.moved(self.place_at(start) - self.place_at(event.position().x()))
        )
