"""The areas of a chart over time, its time labels, and the styles of its lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter

from core.units import zone_name
from gui import theme
from gui.views.canvas import Canvas
from gui.views.scale import axis_number, time_label, time_step, time_ticks
from gui.views.time_axis import TimeAxis, VisibleRange

AXIS = 74  # width of the price labels at the right
#: Heights in pixels of the volumes and of the labels below them, and the padding above.
_VOLUME_HEIGHT = 44
_LABELS = 28
PAD = 16
_LABEL_ROOM = 62  # pixels that one time label needs


@dataclass(frozen=True, slots=True)
class Plot:
    """The areas of one chart and the part of the time axis that is drawn."""

    prices: QRectF
    volumes: QRectF
    visible_range: VisibleRange

    @classmethod
    def of(cls, area: QRectF, visible_range: VisibleRange, volume: float | None = None) -> Plot:
        """Divide an area: prices above, volumes below, labels at the right and at the bottom.

        Args:
            area: the area of the chart.
            visible_range: the visible part of the axis.
            volume: the height of the volumes in pixels, by default a tenth or less of the area.
        """
        width = max(40.0, area.width() - 8 - AXIS)
        # A low chart leaves the height to the prices.
        if volume is None:
            volume = _VOLUME_HEIGHT if area.height() > 220 else 24
        foot = area.bottom() - _LABELS
        volumes = QRectF(8, foot - volume, width, volume)
        bottom = volumes.top() - 20
        return cls(QRectF(8, PAD, width, max(40.0, bottom - PAD)), volumes, visible_range)

    @property
    def scale(self) -> float:
        """Pixels of one second."""
        return (self.prices.width() - 8) / self.visible_range.width

    def x(self, second: Any) -> Any:
        """Return the pixel of a position on the axis, or the pixels of an array of positions."""
        return self.prices.left() + 4 + (second - self.visible_range.left) * self.scale

    def second(self, x: float) -> float:
        """Return the position on the axis at a pixel."""
        return self.visible_range.left + (x - self.prices.left() - 4) / self.scale


def paint_time_axis(painter: QPainter, axis: TimeAxis, plot: Plot, canvas: Canvas) -> None:
    """Paint the time labels below a plot; none overlaps another."""
    colours, visible_range = theme.tokens(), plot.visible_range
    first, last = axis.moment(visible_range.left), axis.moment(visible_range.right)
    step = time_step(visible_range.width, max(2, int(plot.prices.width() / _LABEL_ROOM)))
    painter.setFont(theme.number_font(theme.SMALL_SIZE))
    corner = QRectF(plot.prices.right() + 8, plot.volumes.bottom() + 6, AXIS - 8, 16)
    painter.setPen(colours.muted)
    painter.drawText(corner, Qt.AlignmentFlag.AlignVCenter, zone_name(last))
    metrics = QFontMetricsF(painter.font())
    free = 0.0
    for moment in time_ticks(first, last, step):
        x = plot.x(axis.second(moment))
        text = time_label(moment, step)
        width = metrics.horizontalAdvance(text)
        left = min(max(x - width / 2, plot.prices.left()), plot.prices.right() - width)
        # Labels never overlap: a label that does not fit is left out.
        if left < free:
            continue
        mark = canvas.box(x, plot.volumes.bottom(), x, plot.volumes.bottom() + 4)
        painter.fillRect(mark, colours.line)
        area = QRectF(left, plot.volumes.bottom() + 6, width + 2, 16)
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, text)
        free = left + width + 12


def paint_axis_number(  # noqa: PLR0913 - what is painted, and where
    painter: QPainter,
    plot: Plot,
    y: float,
    value: float,
    decimals: int,
    *,
    form: str = "{}",
    signed: bool = False,
) -> None:
    """Paint the label of a value to the right of a plot, with the font and pen of the painter.

    Args:
        painter: the painter.
        plot: the areas of the chart.
        y: the middle of the label.
        value: the value.
        decimals: its decimals.
        form: the text around the number.
        signed: whether numbers that are not negative have a plus sign.
    """
    label = QRectF(plot.prices.right() + 8, y - 8, AXIS - 8, 16)
    metrics = QFontMetricsF(painter.font())

    def made(number: str) -> str:
        return form.format(f"+{number}" if signed and value >= 0 else number)

    number = axis_number(
        value, decimals, lambda text: metrics.horizontalAdvance(made(text)) <= label.width()
    )
    painter.drawText(label, Qt.AlignmentFlag.AlignVCenter, made(number))


class LineStyle(NamedTuple):
    """How a line among several is drawn."""

    colour: QColor
    dashes: Qt.PenStyle
    width: float = 1.5


def average_styles() -> tuple[LineStyle, ...]:
    """Return the lines of averages, the shortest one first."""
    colours = theme.tokens()
    return (
        LineStyle(colours.accent, Qt.PenStyle.SolidLine),
        LineStyle(colours.warning, Qt.PenStyle.DashLine),
        LineStyle(colours.text, Qt.PenStyle.DotLine),
    )


def paint_tag(painter: QPainter, area: QRectF, text: str) -> None:
    """Paint a text on a dark background, like the label of a crosshair."""
    colours = theme.tokens()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours.text)
    painter.drawRoundedRect(area, 4, 4)
    painter.setPen(colours.panel)
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # noqa: FBT003 - Qt's own
