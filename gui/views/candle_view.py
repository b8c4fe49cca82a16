"""The candle chart with the line of values below it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from core.preview import Candle, Candles, Problem
from core.units import format_clock, format_day, format_moment, in_zone
from gui import theme
from gui.views.candle_chart import CandleChart
from gui.widgets.labels import Text, muted_label
from gui.widgets.panel import rule

#: Pixels in which time, four prices and the volume stand beside each other.
_ALL = 460
_FIELDS = (("O", "open"), ("H", "high"), ("L", "low"), ("C", "close"))


class CandleView(QWidget):
    """Candles, and what the one under the crosshair (else the last) is worth."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chart = CandleChart()
        self.values = ValueLine()
        self.chart.pointed.connect(self._on_pointed)
        self._last: Candle | None = None
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.chart, 1)
        box.addWidget(rule())
        box.addWidget(self.values)
        self.setFocusProxy(self.chart)

    def show_face(self, candles: Candles) -> None:
        """Draw these candles."""
        self._last = candles.candles[-1] if candles.candles else None
        self.chart.show_candles(candles)

    def go_to(self, problem: Problem) -> None:
        """Bring the place of a problem in sight."""
        if problem.start is not None:
            self.chart.point_at(problem.start)

    def _on_pointed(self, candle: Candle | None) -> None:
        self.values.show_candle(candle or self._last)


class ValueLine(QWidget):
    """Time, open, high, low, close and volume of one candle, digits below each other."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(34)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._when = muted_label()
        self._when.setFont(theme.number_font())
        self._numbers = {name: _number() for _, name in _FIELDS}
        self._letters = {name: Text(letter) for letter, name in _FIELDS}
        self._volume = muted_label()
        self._volume.setFont(theme.number_font())
        box = QHBoxLayout(self)
        box.setContentsMargins(12, 0, 12, 0)
        box.setSpacing(5)
        box.addWidget(self._when)
        for _, name in _FIELDS:
            pair = QHBoxLayout()
            pair.setSpacing(3)
            pair.addWidget(self._letters[name])
            pair.addWidget(self._numbers[name])
            box.addLayout(pair)
        box.addWidget(self._volume)
        box.addStretch(1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out the volume, then the time, where there is no room for all."""
        super().resizeEvent(event)
        self._volume.setVisible(event.size().width() >= _ALL)
        self._when.setVisible(event.size().width() >= _ALL - 70)

    def show_candle(self, candle: Candle | None) -> None:
        """Show the values of a candle, nothing for None."""
        self.setVisible(candle is not None)
        if candle is None:
            return
        there = in_zone(candle.when)
        self._when.setText(f"{format_day(there)} {format_clock(candle.when, seconds=False)}")
        self._when.setToolTip(format_moment(candle.when))
        for _, name in _FIELDS:
            value = getattr(candle, name)
            self._numbers[name].setText(_short(f"{value:,f}", 7))
            self._numbers[name].setToolTip(f"{name} {value:,f}")
        tone = "good" if candle.close >= candle.open else "danger"
        self._numbers["close"].set_tone(tone)
        self._letters["close"].set_tone(tone)
        volume = "" if candle.volume is None else f"{candle.volume:,f}"
        self._volume.setText(f"V {_short(volume, 4)}" if volume else "")
        self._volume.setToolTip(f"volume {volume}" if volume else "")


def _short(text: str, digits: int) -> str:
    """Return a number with so many digits as fit the line; its tooltip tells it whole."""
    whole, _point, part = text.partition(".")
    before = len(whole.replace(",", "").lstrip("-0"))
    kept = part[: max(digits - before, 0)] if before else part
    return f"{whole}.{kept}" if kept else whole


def _number() -> Text:
    label = Text()
    label.setFont(theme.bold_font(tabular=True))
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
