"""Frames of the charts while they are panned and zoomed, candles beside a loop over them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QWheelEvent
from PySide6.QtWidgets import QApplication, QWidget

from core.preview import BookHistory, Candles, CandleSeries, Gap, Trades
from core.preview.values import DEGREES, Heat
from gui import theme
from gui.views.candle_chart import CandleChart
from gui.views.compare_chart import CompareChart
from gui.views.heat_chart import HeatChart
from gui.views.trades_view import TradesChart
from gui.views.zoomable import ZoomableChart
from tests.benchmarks.figures import Figure
from tests.benchmarks.heartbeat import percentile

SIZES = (1_440, 100_000, 1_000_000)
WIDTH, HEIGHT = 1600, 800
#: One frame at 60 a second.
MOST_MS = 16.0
FRAMES = 300
#: The best of these counts: a pause of a busy machine hits one of them.
_ROUNDS = 3
#: Frames of the loop: it takes half a second for each at a million candles.
_LOOP_FRAMES = {1_440: 60, 100_000: 10}
_FIRST = 1_704_067_200_000_000
_MINUTE = 60_000_000
#: Size of the heat map.
_BOOKS, _PRICES = 50_000, 400


def figures() -> Iterator[Figure]:
    """Yield the 99th percentile of the frames at each size, panning and zooming."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme.apply(app, "light")
    for size in SIZES:
        candles = made(size)
        chart = shown_chart(candles)
        for name, run in (("pan", pan), ("zoom", zoom)):
            run(chart, 20)
            frames = min((run(chart, FRAMES) for _ in range(_ROUNDS)), key=_p99)
            median, busy = percentile(frames.wall, 0.5), percentile(frames.processor, 0.99)
            note = f"(median {median:.1f} ms; p99 of the processor's time {busy:.1f} ms;"
            note += f" a loop over all candles {_loop(candles)})"
            label = f"candle chart, {size:,} candles, {name}"
            yield Figure(label, _p99(frames), "ms", MOST_MS, note=note)
    for label, varied in _variants():
        for name, run in (("pan", pan), ("zoom", zoom)):
            run(varied, 20)
            frames = min((run(varied, FRAMES) for _ in range(_ROUNDS)), key=_p99)
            median, busy = percentile(frames.wall, 0.5), percentile(frames.processor, 0.99)
            note = f"(median {median:.1f} ms; p99 of the processor's time {busy:.1f} ms)"
            yield Figure(f"{label}, {name}", _p99(frames), "ms", MOST_MS, note=note)


def _variants() -> Iterator[tuple[str, ZoomableChart]]:
    """Yield the other charts at their largest size, one at a time."""
    chart = shown_chart(made(SIZES[-1]))
    chart.set_averages((20, 50, 200))
    yield f"candle chart, {SIZES[-1]:,} candles, 3 averages", chart
    chart.set_logarithmic(True)
    yield f"candle chart, {SIZES[-1]:,} candles, 3 averages, logarithmic", chart
    compared = CompareChart()
    compared.resize(WIDTH, HEIGHT)
    compared.show_symbols([made(SIZES[-1], seed) for seed in range(1, 5)])
    yield f"comparison, 4 symbols of {SIZES[-1]:,} candles", compared
    trades = TradesChart()
    trades.resize(WIDTH, HEIGHT)
    trades.show_trades(made_trades(SIZES[-1]))
    yield f"trades, {SIZES[-1]:,}", trades
    heat = HeatChart()
    heat.resize(WIDTH, HEIGHT)
    heat.show_history(made_history())
    yield f"heat map, {_BOOKS:,} order books of {_PRICES} prices", heat


@dataclass(frozen=True)
class Frames:
    """Milliseconds of each frame: as a person waits for it, and as the processor works on it."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def time(self, chart: ZoomableChart, act: Callable[[], None]) -> None:
        """Add the frame that follows an act."""
        began, worked = time.perf_counter(), time.thread_time()
        act()
        chart.render(_screen())
        self.processor.append((time.thread_time() - worked) * 1000)
        self.wall.append((time.perf_counter() - began) * 1000)


def _p99(frames: Frames) -> float:
    return percentile(frames.wall, 0.99)


class _Texts(Sequence[str]):
    """Values as texts that are made on first use."""

    def __init__(self, values: Any) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, at: Any) -> Any:
        return f"{self._values[at]:.2f}"


def made(count: int, seed: int = 1) -> Candles:
    """Return a random walk of one-minute candles, with a gap in each ten thousand."""
    chance = np.random.default_rng(seed)
    closes = 50_000 + np.cumsum(chance.normal(0, 5, count))
    opens = np.append(closes[0], closes[:-1])
    highs = np.maximum(opens, closes) + chance.random(count) * 5
    lows = np.minimum(opens, closes) - chance.random(count) * 5
    floats = np.stack([opens, highs, lows, closes, chance.random(count) * 10])
    places = np.arange(count) + np.arange(count) // 10_000 * 30
    series = CandleSeries(_FIRST + places * _MINUTE, floats, [_Texts(each) for each in floats])
    gaps = tuple(Gap(at - 1, at, 30) for at in range(10_000, count, 10_000))
    return Candles("BTC-USD", "1m", series, gaps, 60)


def made_trades(count: int) -> Trades:
    """Return trades at random distances around a second, a random walk."""
    chance = np.random.default_rng(1)
    times = _FIRST + np.cumsum(chance.integers(1, 2_000_000, count))
    floats = np.stack([50_000 + np.cumsum(chance.normal(0, 1, count)), chance.random(count)])
    sells = chance.random(count) > 0.5
    return Trades(
        "BTC-USD", times, floats, sells, np.zeros(count, bool), (), np.zeros(count, np.int64)
    )


def made_history() -> BookHistory:
    """Return order books with random quantities around a middle that moves, a second apart."""
    chance = np.random.default_rng(1)
    middle = (_PRICES / 2 * (1 + np.sin(np.arange(_BOOKS) / 3_000) / 2)).astype(int)
    cells = chance.integers(0, DEGREES + 1, (_PRICES, _BOOKS), dtype=np.uint8)
    asks = np.arange(_PRICES)[:, np.newaxis] < middle  # the highest price is the first row
    cells[asks & (cells > 0)] += DEGREES
    best = np.stack([_PRICES - middle - 0.5, _PRICES - middle + 0.5])
    times = _FIRST + np.arange(_BOOKS) * 1_000_000
    # The books themselves are only read for the table below the chart; their number is described.
    return BookHistory("BTC-USD", times, range(_BOOKS), Heat(0.0, _PRICES, cells, best, 1.0))


def shown_chart(candles: Candles) -> CandleChart:
    """Return a chart of the size that is measured."""
    chart = CandleChart()
    chart.resize(WIDTH, HEIGHT)
    chart.show_candles(candles)
    return chart


def pan(chart: ZoomableChart, frames: int) -> Frames:
    """Drag from side to side, zoomed in to half and then to a tenth."""
    took = Frames()
    for factor in (0.5, 0.2):
        chart.zoom(factor)
        at = QPointF(WIDTH / 2, HEIGHT / 2)
        _mouse(chart, QEvent.Type.MouseButtonPress, at)
        for frame in range(frames // 2):
            x = WIDTH / 2 + 400 * np.sin(frame / 20)
            move = QPointF(float(x), HEIGHT / 2)
            took.time(chart, lambda to=move: _mouse(chart, QEvent.Type.MouseMove, to))
        _mouse(chart, QEvent.Type.MouseButtonRelease, at)
    chart.fit()
    return took


def zoom(chart: ZoomableChart, frames: int) -> Frames:
    """Turn the wheel to the closest view and back out to all candles."""
    took = Frames()
    for frame in range(frames):
        turn = 60 if frame % 120 < 60 else -60
        at = QPointF(WIDTH * 0.3 + frame % 7, HEIGHT / 2)
        took.time(chart, lambda at=at, turn=turn: _wheel(chart, at, turn))
    chart.fit()
    return took


@cache
def _screen() -> QImage:
    """The memory that frames are painted into, as that of a window."""
    return QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)


def _mouse(chart: ZoomableChart, kind: QEvent.Type, at: QPointF) -> None:
    left = Qt.MouseButton.LeftButton
    event = QMouseEvent(kind, at, at, left, left, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(chart, event)


def _wheel(chart: ZoomableChart, at: QPointF, turn: int) -> None:
    buttons, keys = Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    phase = Qt.ScrollPhase.NoScrollPhase
    inverted = False
    event = QWheelEvent(at, at, QPoint(), QPoint(0, turn), buttons, keys, phase, inverted)
    QApplication.sendEvent(chart, event)


def _loop(candles: Candles) -> str:
    """Return how long a frame takes that paints each candle in a loop."""
    frames = _LOOP_FRAMES.get(len(candles.candles))
    if frames is None:
        return "not run"
    peer = _LoopChart(candles)
    peer.resize(WIDTH, HEIGHT)
    took = []
    for _ in range(frames):
        began = time.perf_counter()
        peer.render(_screen())
        took.append((time.perf_counter() - began) * 1000)
    return f"median {percentile(took, 0.5):.0f} ms"


class _LoopChart(QWidget):
    """The simplest candle chart: one wick and one body after the other."""

    def __init__(self, candles: Candles) -> None:
        super().__init__()
        self._rows = candles.series.floats.T.tolist()

    def paintEvent(self, _event: Any) -> None:  # noqa: N802 - named by Qt
        colours = theme.tokens()
        painter = QPainter(self)
        painter.fillRect(self.rect(), colours.panel)
        low = min(row[2] for row in self._rows)
        scale = HEIGHT / (max(row[1] for row in self._rows) - low)
        width = WIDTH / len(self._rows)
        for at, (first, high, least, last, _volume) in enumerate(self._rows):
            colour = colours.good if last >= first else colours.danger
            x = at * width
            painter.fillRect(QRectF(x, (high - low) * scale, 1, (high - least) * scale), colour)
            painter.fillRect(
                QRectF(x, (first - low) * scale, width, (last - first) * scale), colour
            )
        painter.end()
