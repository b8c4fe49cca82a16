"""The beat of the GUI thread while the engine works: a 5 ms timer beside a scrolling table."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QEventLoop, QModelIndex, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication, QSplitter

from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.redaction import Secret
from core.transfer.queue_values import BatchState
from core.transfer.values import State
from core.workspace import Workspace
from gui import theme
from gui.context import Context
from gui.context.transfers import Batch
from gui.tabs.base import Tab
from gui.tabs.uploads import UploadsTab
from gui.tasks import Task, TaskRunner
from gui.widgets.table import make_table

ROWS = 100_000
FILES, FILE_BYTES = 50_000, 512
MOST_MS = 50.0
_BEAT_MS, _SCROLL_MS = 5, 33


@dataclass(frozen=True)
class Beats:
    """The gaps between beats in ms, the processor time of the GUI thread in each, and the load."""

    gaps: list[float]
    busy: list[float]
    load: str

    @property
    def note(self) -> str:
        """The percentiles, and what of the gaps the GUI thread itself worked.

        On a busy machine most of a long gap is time in which other processes run.
        """
        return (
            f"(p99 {percentile(self.gaps, 0.99):.1f} ms; processor time of the GUI thread: longest "
            f"{max(self.busy):.1f} ms, p99 {percentile(self.busy, 0.99):.1f} ms; {self.load})"
        )


class Rows(QAbstractTableModel):
    """100,000 rows of ready text: the table itself must cost nothing that could be spared."""

    _heads = ("Key", "Size", "Modified", "Class")

    def __init__(self) -> None:
        super().__init__()
        self._texts = [
            (f"market-data/ohlcv/BTC-USD/1h/{row:06}.json", f"{row:,}", "15 Jan 10:00", "STANDARD")
            for row in range(ROWS)
        ]

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008, N802 - as Qt's
        return 0 if parent.isValid() else ROWS

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008, N802 - as Qt's
        return 0 if parent.isValid() else len(self._heads)

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        return self._texts[index.row()][index.column()] if role == 0 else None


class Heart(QObject):
    """Beats every 5 ms, scrolls every 33 ms, and remembers the gaps between beats."""

    def __init__(self, view: Any) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self.busy: list[float] = []
        self._view, self._last, self._worked, self._row = view, 0.0, 0.0, 0
        self._beat = self._timer(_BEAT_MS, self._on_beat)
        self._scroll = self._timer(_SCROLL_MS, self._on_scroll)

    def start(self) -> None:
        self.gaps, self._last = [], time.perf_counter()
        self.busy, self._worked = [], time.thread_time()
        self._beat.start()
        self._scroll.start()

    def stop(self) -> None:
        self._beat.stop()
        self._scroll.stop()

    def _timer(self, milliseconds: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.setInterval(milliseconds)
        timer.timeout.connect(slot)
        return timer

    def _on_beat(self) -> None:
        now, worked = time.perf_counter(), time.thread_time()
        self.gaps.append((now - self._last) * 1000)
        self.busy.append((worked - self._worked) * 1000)
        self._last, self._worked = now, worked

    def beats(self, load: str) -> Beats:
        """Return what was measured under a load."""
        return Beats(self.gaps, self.busy, load)

    def _on_scroll(self) -> None:
        bar = self._view.verticalScrollBar()
        self._row = (self._row + 7 * theme.ROW) % max(bar.maximum(), 1)
        bar.setValue(self._row)
        self._view.viewport().update()


class Bench:
    """A window with the table, the real Uploads tab, the real runner and its engine."""

    def __init__(
        self, connection: Connection, make_tab: Callable[[Context], Tab] = UploadsTab
    ) -> None:
        self.app = QApplication.instance() or QApplication([])
        theme.apply(self.app, "light")
        self.runner = TaskRunner()
        self.context = Context(self.runner)
        self.context.set_workspace(Workspace.open(connection))
        self.tab: Any = make_tab(self.context)
        self.rows = Rows()
        self.table = make_table(self.rows, "Rows", sortable=False)
        self.window = QSplitter(Qt.Orientation.Vertical)
        self.window.addWidget(self.table)
        self.window.addWidget(self.tab)
        self.window.resize(1280, 800)
        self.window.show()
        self.heart = Heart(self.table)
        self.pause(0.5)

    def pause(self, seconds: float) -> None:
        """Let the loop run for a while."""
        loop = QEventLoop()
        QTimer.singleShot(int(seconds * 1000), loop.quit)
        loop.exec()

    def until(self, condition: Callable[[], bool], seconds: float = 120) -> None:
        """Let the loop run until something is true."""
        loop, ends = QEventLoop(), time.monotonic() + seconds
        timer = QTimer()
        timer.timeout.connect(
            lambda: loop.quit() if condition() or time.monotonic() > ends else None
        )
        timer.start(20)
        loop.exec()
        timer.stop()
        assert condition(), "it did not end in time"

    def close(self) -> None:
        self.window.close()
        self.context.set_workspace(None)
        self.runner.shutdown()


def of_rig(endpoint: str, bucket: str) -> Connection:
    """Return the connection to a bucket of the responder, which accepts any keys."""
    keys = AccessKeys("AKIARIG", Secret("rig-secret-key-0123456789"))
    profile = Profile("rig", KeySource.SESSION, endpoint_url=endpoint, bucket=bucket)
    return Connection(profile, keys)


@contextmanager
def bench(
    connection: Connection, make_tab: Callable[[Context], Tab] = UploadsTab
) -> Iterator[Bench]:
    """Open the window; close it and end the engine in any case."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["STRONGROOM_HOME"] = home
        made = Bench(connection, make_tab)
        try:
            yield made
        finally:
            made.close()


def while_listing(endpoint: str) -> Beats:
    """Return the beats while 1,000,000 keys are listed for statistics."""
    with bench(of_rig(endpoint, "b1m")) as made:
        seen: list[Any] = []
        made.heart.start()
        began = time.monotonic()
        task: Task = made.runner.run_bulk(
            "Scan",
            "statistics.scan",
            {},
            connection=made.context.workspace.connection,
            owner=made.tab,
            then=seen.append,
            failed=seen.append,
            batch=lambda _partial: None,
        )
        made.until(lambda: not task.running)
        made.heart.stop()
        assert task.state == "done", task.error
        took = time.monotonic() - began
        return made.heart.beats(f"{seen[0].objects:,} keys in {took:.1f} s")


def while_uploading(endpoint: str) -> Beats:
    """Return the beats while 50,000 files are planned, uploaded, paused and resumed."""
    with tempfile.TemporaryDirectory() as folder, bench(of_rig(endpoint, "small")) as made:
        root = Path(folder) / "files"
        root.mkdir()
        for number in range(FILES):
            (root / f"f{number:05}.json").write_bytes(os.urandom(FILE_BYTES))
        transfers = made.context.transfers
        made.heart.start()
        made.tab.form.add([str(root)])
        made.until(lambda: made.tab.form.plan.plan is not None)
        made.pause(0.2)  # no person clicks in the turn of the event loop that shows the plan
        began = time.monotonic()
        made.tab.start()
        batch: Batch = transfers.batches[0]
        made.until(lambda: batch.counts[State.DONE] > FILES // 4)
        transfers.pause([batch])
        made.until(lambda: batch.phase is BatchState.PAUSED)
        transfers.resume([batch])
        made.until(lambda: not batch.active, seconds=600)
        took = time.monotonic() - began
        made.pause(0.3)
        made.heart.stop()
        return made.heart.beats(f"{batch.state.value}: {len(batch.keys):,} files in {took:.1f} s")


def percentile(gaps: list[float], part: float) -> float:
    """Return a percentile of the gaps."""
    return sorted(gaps)[min(int(len(gaps) * part), len(gaps) - 1)]
