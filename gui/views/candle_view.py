"""The candle chart with the line of values below it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from core.preview import Candle, Candles, Problem
from core.preview.resampling import resample
from core.units import format_clock, format_day, format_moment, in_zone
from gui import theme
from gui.clock import follow_time
from gui.views.candle_chart import CandleChart
from gui.views.chart_options import ChartOptions
from gui.widgets.labels import Text, muted_label
from gui.widgets.panel import rule

_MARGIN, _SPACING = 12, 5
#: Decimal places of volumes; prices have those of the file.
_VOLUME_DIGITS = 4
_FIELDS = (("O", "open"), ("H", "high"), ("L", "low"), ("C", "close"))


class CandleView(QWidget):
    """A candle chart and the values of the candle under the crosshair, else of the last."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.chart = CandleChart()
        self.values = ValueLine()
        self.options = ChartOptions()
        self.options.changed.connect(self._on_options)
        self.chart.pointed.connect(self._on_pointed)
        self._last: Candle | None = None
        self._stored = Candles("", "", ())
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.options)
        box.addWidget(self.chart, 1)
        box.addWidget(rule())
        box.addWidget(self.values)
        self.setFocusProxy(self.chart)

    def show_content(self, candles: Candles) -> None:
        """Show candles."""
        self._stored = candles
        self.options.offer([candles])
        self._show()

    def _show(self) -> None:
        timeframe = self.options.timeframe
        shown = resample(self._stored, timeframe) if timeframe else self._stored
        self._last = shown.candles[-1] if shown.candles else None
        self.chart.show_candles(shown)
        self.options.offer_averages(len(shown.candles))

    def _on_options(self) -> None:
        self.options.apply_to(self.chart)
        shown = self.chart.candles.timeframe
        if shown != (self.options.timeframe or self._stored.timeframe):
            self._show()

    def go_to(self, problem: Problem) -> None:
        """Make the position of a problem visible."""
        if problem.start is not None:
            self.chart.point_at(problem.start)

    def _on_pointed(self, candle: Candle | None) -> None:
        self.values.show_candle(candle or self._last)


@dataclass(frozen=True, slots=True)
class _Form:
    """The level of detail of the line of values; None digits means all digits of the file."""

    moment: Literal["complete", "short", "none"]
    digits: int | None = None
    volume: bool = True


#: From the widest form to the narrowest; the first one that fits is shown.
_FORMS = (
    _Form("complete"),
    _Form("short"),
    _Form("short", 7),
    _Form("short", 7, volume=False),
    _Form("none", 7, volume=False),
    _Form("none", 6, volume=False),
    _Form("none", 5, volume=False),
)


class ValueLine(QWidget):
    """Time, open, high, low, close and volume of one candle, as written in the file.

    If there is no room for all digits, the tooltips have them.
    """

    def __init__(self) -> None:
        super().__init__()
        self._candle: Candle | None = None
        self.setFixedHeight(34)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._when = muted_label()
        self._when.setFont(theme.number_font())
        self._numbers = {name: _number() for _, name in _FIELDS}
        self._letters = {name: Text(letter) for letter, name in _FIELDS}
        self._volume = muted_label()
        self._volume.setFont(theme.number_font())
        box = QHBoxLayout(self)
        box.setContentsMargins(_MARGIN, 0, _MARGIN, 0)
        box.setSpacing(_SPACING)
        box.addWidget(self._when)
        for _, name in _FIELDS:
            pair = QHBoxLayout()
            pair.setSpacing(3)
            pair.addWidget(self._letters[name])
            pair.addWidget(self._numbers[name])
            box.addLayout(pair)
        box.addWidget(self._volume)
        box.addStretch(1)
        follow_time(self, self._fill, ticks=False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as much as fits."""
        super().resizeEvent(event)
        self._fill()

    def show_candle(self, candle: Candle | None) -> None:
        """Show the values of a candle, nothing for None."""
        self._candle = candle
        self.setVisible(candle is not None)
        if candle is None:
            return
        for _, name in _FIELDS:
            # The tooltip always has all digits, even if the line shows fewer.
            self._numbers[name].setToolTip(f"{name} {getattr(candle, name):,f}")
        volume = "" if candle.volume is None else f"volume {candle.volume:,f}"
        self._volume.setToolTip(volume)
        tone = "good" if candle.close >= candle.open else "danger"
        self._numbers["close"].set_tone(tone)
        self._letters["close"].set_tone(tone)
        self._fill()

    def _fill(self) -> None:
        if self._candle is not None:
            for form in _FORMS:
                self._show_as(self._candle, form)
                if self._needed() <= self.width():
                    break

    def _show_as(self, candle: Candle, form: _Form) -> None:
        self._when.setText(_moment(candle, form))
        self._when.setToolTip(format_moment(candle.when))
        self._when.setVisible(form.moment != "none")
        for _, name in _FIELDS:
            self._numbers[name].setText(_written(getattr(candle, name), form.digits))
        shown = form.volume and candle.volume is not None
        self._volume.setVisible(shown)
        digits = None if form.digits is None else _VOLUME_DIGITS
        self._volume.setText(f"V {_written(candle.volume, digits)}" if shown else "")

    def _needed(self) -> int:
        """Return the width of the present texts in pixels."""
        labels = (self._when, self._volume, *self._letters.values(), *self._numbers.values())
        shown = [label.sizeHint().width() for label in labels if not label.isHidden()]
        return sum(shown) + _SPACING * len(shown) + 2 * _MARGIN


def _moment(candle: Candle, form: _Form) -> str:
    if form.moment == "complete":
        return format_moment(candle.when)
    return f"{format_day(in_zone(candle.when))} {format_clock(candle.when, seconds=False)}"


def _written(value: Decimal | None, digits: int | None) -> str:
    """Return a number with all its digits, or shortened to about `digits` and an ellipsis."""
    text = "" if value is None else f"{value:,f}"
    complete, _point, part = text.partition(".")
    # Leading zeros are no significant digits.
    before = len(complete.replace(",", "").lstrip("-0"))
    if digits is None or not before or before + len(part) <= digits:
        return text
    decimals = max(digits - before, 0)
    return f"{complete}.{part[:decimals]}…" if decimals else f"{complete}…"


def _number() -> Text:
    label = Text()
    label.setFont(theme.bold_font(tabular=True))
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
