"""Coverage of a million keys from the catalogue, and frames of the calendar of a year of 16 symbols."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from core.coverage.calendars import calendar_of
from core.coverage.cells import Cells, Stream
from gui import theme
from gui.tabs.browser.coverage.calendar_pane import CalendarPane
from tests.benchmarks.dump import fast_folder
from tests.benchmarks.figures import Figure
from tests.benchmarks.heartbeat import percentile

#: The most seconds for the calendars and gaps of a million keys.
MOST_SECONDS = 3.0
#: One frame at 60 a second.
MOST_MS = 16.0
KEYS, SYMBOLS, DAYS = 1_000_000, 16, 366
_FRAMES, _ROUNDS = 200, 3
_FIRST = (date(2024, 1, 1) - date(1970, 1, 1)).days
_PROGRAM = """
import json, resource, sys, time
sys.path[:0] = [sys.argv[2], sys.argv[2] + "/tests"]
from types import SimpleNamespace
from helpers.many_keys import store_catalog
bucket = store_catalog(int(sys.argv[1]))
from core.coverage.gaps import sorted_gaps
from core.coverage.report import Source, coverage
began, worked = time.perf_counter(), time.process_time()
report = coverage(SimpleNamespace(bucket=bucket), source=Source.CATALOG)
gaps = sorted_gaps(report.calendars)
print(json.dumps({
    "seconds": time.perf_counter() - began, "processor": time.process_time() - worked,
    "streams": len(report.calendars), "gaps": len(gaps), "objects": report.objects,
}))
"""


def figures() -> Iterator[Figure]:
    """Yield the time of a report, and the 99th percentile of frames."""
    found = _report()
    note = (
        f"(processor {found['processor']:.2f} s; {found['objects']:,} files, "
        f"{found['streams']} streams, {found['gaps']} gaps)"
    )
    name = f"coverage of {KEYS:,} keys from the catalogue"
    yield Figure(name, found["seconds"], "s", MOST_SECONDS, note=note)
    pane = _pane()
    for name, act in _acts(pane).items():
        # The first frames load fonts; a pause of a busy machine hits only one of the others.
        rounds = [_frames(pane, act) for _ in range(_ROUNDS)]
        wall, processor = min(rounds, key=lambda each: percentile(each[0], 0.99))
        note = f"(median {percentile(wall, 0.5):.1f} ms; p99 of the processor {percentile(processor, 0.99):.1f} ms)"
        label = f"calendar of {SYMBOLS} symbols and {DAYS} days, {name}"
        yield Figure(label, percentile(wall, 0.99), "ms", MOST_MS, note=note)


def _report() -> dict[str, float]:
    with tempfile.TemporaryDirectory(dir=fast_folder()) as folder:
        root = str(Path(__file__).parents[2])
        command = [sys.executable, "-c", _PROGRAM, str(KEYS), root]
        home = os.environ | {"STRONGROOM_HOME": folder}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=home)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _pane() -> CalendarPane:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme.apply(app, "light")
    now = datetime(2025, 1, 1, tzinfo=UTC)
    random = np.random.default_rng(4)
    calendars = []
    for number in range(SYMBOLS):
        hours = np.arange(DAYS * 24)[random.random(DAYS * 24) > 0.002] + _FIRST * 24
        ones, zeros = np.ones(len(hours), dtype=np.int32), np.zeros(len(hours), dtype=np.int32)
        cells = Cells(
            Stream("ohlcv", f"S{number:02}-USD", "1m"), hours.astype(np.int32), ones,
            ones.astype(np.int64) * 9000, zeros, zeros,
        )  # fmt: skip
        calendars.append(calendar_of(cells, now))
    pane = CalendarPane()
    pane.resize(1600, 700)
    pane.show_calendars(calendars)
    pane.show()
    return pane


def _acts(pane: CalendarPane) -> dict[str, Callable[[int], None]]:
    """Return what is done before each frame, by name."""
    chart = pane.streams

    def pan(number: int) -> None:
        chart.pan(0.02 if number < _FRAMES // 2 else -0.02)

    def zoom(number: int) -> None:
        chart.zoom(0.96 if number % 100 < 50 else 1 / 0.96)

    def step(number: int) -> None:
        chart.go_to(number % SYMBOLS, number * 24)

    chart.zoom(0.3)
    return {"pan": pan, "zoom": zoom, "next cell": step}


def _frames(pane: CalendarPane, act: Callable[[int], None]) -> tuple[list[float], list[float]]:
    image = QImage(pane.size(), QImage.Format.Format_RGB32)
    wall, processor = [], []
    for number in range(_FRAMES):
        began, worked = time.perf_counter(), time.thread_time()
        act(number)
        pane.render(image, QPoint())
        processor.append((time.thread_time() - worked) * 1000)
        wall.append((time.perf_counter() - began) * 1000)
    return wall, processor
