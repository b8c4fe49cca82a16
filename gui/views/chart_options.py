"""The options above a candle chart: timeframe, moving averages, and logarithmic prices."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QWidget

from core.preview import Candles
from core.preview.candle_blocks import LOW
from core.preview.resampling import coarser_timeframes
from core.units import format_counted
from gui.views.averages import LENGTHS
from gui.views.candle_chart import CandleChart
from gui.widgets.buttons import Button, menu_button
from gui.widgets.fields import allow_field, combo_box

_ONLY_STORED = "These candles have no coarser timeframe into which their intervals fit"
_NOT_POSITIVE = "Prices of zero or less have no logarithm"


class ChartOptions(QWidget):
    """Options that apply to every chart that is shown below them.

    Signals:
        changed: the user has changed an option.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # Narrow panes cut the options off instead of becoming wider than the window allows.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.timeframes = combo_box("Timeframe of the candles")
        self.timeframes.currentIndexChanged.connect(self.changed)
        self._averages = QMenu(self)
        self._lengths = {length: self._entry(length) for length in LENGTHS}
        self.averages = menu_button("Averages", self._averages)
        self.averages.set_hint("Draw moving averages of the close")
        self.logarithmic = Button("Log scale", kind="quiet")
        self.logarithmic.setCheckable(True)
        self.logarithmic.set_hint("Show equal ratios of prices with equal heights")
        self.logarithmic.toggled.connect(self.changed)
        box = QHBoxLayout(self)
        box.setContentsMargins(12, 4, 12, 4)
        box.setSpacing(6)
        for part in (self.timeframes, self.averages, self.logarithmic):
            box.addWidget(part)
        box.addStretch(1)

    def _entry(self, length: int) -> QAction:
        entry = self._averages.addAction(_title(length))
        entry.setCheckable(True)
        entry.toggled.connect(self.changed)
        return entry

    @property
    def timeframe(self) -> str:
        """The selected coarser timeframe; empty for that of the data."""
        return str(self.timeframes.currentData() or "")

    @property
    def lengths(self) -> tuple[int, ...]:
        """The selected moving averages."""
        return tuple(length for length, entry in self._lengths.items() if entry.isChecked())

    def offer(self, charts: Sequence[Candles]) -> None:
        """Offer what can be applied to all of these candles; a timeframe stays selected if it can."""
        former = self.timeframe
        names = list(coarser_timeframes(charts[0])) if charts else []
        for each in charts[1:]:
            names = [name for name in names if name in coarser_timeframes(each)]
        self.timeframes.blockSignals(True)  # noqa: FBT003 - Qt's own
        self.timeframes.clear()
        stored = dict.fromkeys(each.timeframe for each in charts if each.timeframe)
        self.timeframes.addItem(" and ".join(stored) or "As stored", "")
        for name in names:
            self.timeframes.addItem(name, name)
        self.timeframes.setCurrentIndex(max(0, self.timeframes.findData(former)))
        self.timeframes.blockSignals(False)  # noqa: FBT003 - Qt's own
        allow_field(self.timeframes, bool(names), _ONLY_STORED)
        positive = all((each.series.floats[LOW] > 0).all() for each in charts)
        self.logarithmic.allow(positive, _NOT_POSITIVE)

    def offer_averages(self, candles: int) -> None:
        """Offer the averages that a number of candles, after any change of timeframe, allows."""
        for length, entry in self._lengths.items():
            entry.setEnabled(length <= candles)
            # Menus show no tooltips.
            only = "" if entry.isEnabled() else f" (only {format_counted(candles, 'candle')} shown)"
            entry.setText(_title(length) + only)

    def apply_to(self, chart: CandleChart) -> None:
        """Use averages and scale for a chart."""
        chart.set_averages(self.lengths)
        chart.set_logarithmic(self.logarithmic.isChecked())


def _title(length: int) -> str:
    return f"Average of {format_counted(length, 'candle')}"
