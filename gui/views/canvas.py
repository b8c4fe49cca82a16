"""The base class of painted views: a cached picture and an overlay."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import (
    QAccessible,
    QColor,
    QFocusEvent,
    QImage,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.widgets.accessible import set_role


class Canvas(QWidget):
    """Paints `draw` once into a cached picture, and `draw_over` (crosshair, focus) every time.

    Moving the pointer then costs one copy of the picture instead of a new chart.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._picture = QPixmap()
        self._stale = True
        self._by_keyboard = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        set_role(self, QAccessible.Role.Chart)
        # The picture covers everything, so Qt need not erase the background first.
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        theme.current().changed.connect(self.redraw)

    def image(self, scale: float) -> QImage:
        """Return the chart, without crosshair and focus, for a file.

        Args:
            scale: pixels of the image for each pixel of the view.
        """
        image = QImage(self.size() * scale, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(scale)
        image.fill(theme.tokens().panel)
        painter = QPainter(image)
        # `QWidget.render` would enlarge the cached picture, and crashed later (PySide6 6.11.3).
        self.draw(painter)
        painter.end()
        return image

    def redraw(self) -> None:
        """Draw everything again."""
        self._stale = True
        self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw the parts that change rarely."""

    def draw_over(self, painter: QPainter) -> None:
        """Draw the parts that follow the pointer."""

    def draw_focus(self, painter: QPainter) -> None:
        """Draw the focus ring if the focus was set by keyboard."""
        if self.hasFocus() and self._by_keyboard:
            painter.setPen(QPen(theme.tokens().accent, 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5))

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Store whether the focus was set by keyboard."""
        reasons = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        self._by_keyboard = event.reason() in (*reasons, Qt.FocusReason.ShortcutFocusReason)
        super().focusInEvent(event)

    def snapped(self, value: float) -> float:
        """Return the nearest boundary of a device pixel, so that thin lines are crisp at any scale."""
        ratio = self.devicePixelRatioF()
        return round(value * ratio) / ratio

    def box(self, left: float, top: float, right: float, bottom: float) -> QRectF:
        """Return a rectangle aligned to device pixels, at least one of them wide and high."""
        pixel = 1 / self.devicePixelRatioF()
        x, y = self.snapped(left), self.snapped(top)
        width, height = self.snapped(right) - x, self.snapped(bottom) - y
        return QRectF(x, y, max(pixel, width), max(pixel, height))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Draw again in the new size."""
        self._stale = True
        super().resizeEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Draw again when colours or fonts change."""
        super().changeEvent(event)
        # The cached picture has old colours and fonts.
        kinds = (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.StyleChange)
        if event.type() in kinds:
            self.redraw()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the picture and the overlay."""
        ratio = self.devicePixelRatioF()
        if self._stale or self._picture.devicePixelRatioF() != ratio:
            self._draw_picture(ratio)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        self.draw_over(painter)
        painter.end()

    def _draw_picture(self, ratio: float) -> None:
        """Draw the picture, into the memory of the former one if it has the same size."""
        size = (self.size() * ratio).expandedTo(self.minimumSize())
        if self._picture.size() != size:
            self._picture = QPixmap(size)
        self._picture.setDevicePixelRatio(ratio)
        self._picture.fill(theme.tokens().panel)
        self._stale = False
        painter = QPainter(self._picture)
        self.draw(painter)
        painter.end()


def faded(colour: QColor, alpha: float) -> QColor:
    """Return the colour with an alpha between 0 and 1."""
    thin = QColor(colour)
    thin.setAlphaF(alpha)
    return thin


def blended(colour: QColor, ground: QColor, part: float) -> QColor:
    """Return the opaque mix of a colour and the background; `part` is the colour's share."""
    return QColor.fromRgbF(
        *(
            one * part + other * (1 - part)
            for one, other in zip(
                colour.getRgbF()[:3],  # type: ignore[index]  # the stubs type it as object
                ground.getRgbF()[:3],  # type: ignore[index]  # the stubs type it as object
                strict=True,
            )
        )
    )
