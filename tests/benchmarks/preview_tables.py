"""The beat of the GUI thread while a previewed table of 200,000 rows is sorted and filtered."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtWidgets import QApplication

from core.preview import Number, Table
from core.preview.column_types import typed
from core.preview.tables import JsonRows
from gui import theme
from gui.tasks import TaskRunner
from gui.views.background import background_of
from gui.views.table_view import TableView
from tests.benchmarks.figures import Figure
from tests.benchmarks.heartbeat import MOST_MS, Heart

ROWS = 200_000
_COLUMNS = ("time", "side", "price", "id", "note")
_RISING, _FALLING = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder
#: Seconds for which each result is scrolled.
_SCROLLED = 0.5


def figures() -> Iterator[Figure]:
    """Yield the longest gap of the GUI thread in each state, and how long it took."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme.apply(app, "light")
    runner = TaskRunner()
    shown = _Shown(runner)
    sort = shown.view.view.sortByColumn
    write = shown.view.filter.setText
    try:
        yield shown.gap("sorted by price", lambda: sort(2, _FALLING))
        yield shown.gap("sorted by 21-digit numbers", lambda: sort(3, _RISING))
        yield shown.gap("sorted by time", lambda: sort(0, _FALLING))
        yield shown.gap("sorted by different texts", lambda: sort(4, _RISING))
        yield shown.gap("searched for a text", lambda: write("77"))
        yield shown.gap("filtered by a number", lambda: write("price > 50000 and side = buy"))
        yield shown.gap("shown without filter", lambda: write(""))
        for column in (3, 4):
            dialogs: list[Any] = []
            open_dialog = partial(shown.view.open_statistics, column)
            name = f"summed up, column {_COLUMNS[column]}"
            yield shown.gap(name, lambda made=dialogs, act=open_dialog: made.append(act()))
            dialogs[0].reject()
            shown.settle()  # its deletion does not count for the next one
    finally:
        shown.view.close()
        runner.shutdown()


def made(count: int = ROWS) -> Table:
    """Return the table of a JSON list of trades, whose cells become text on access."""
    chance = random.Random(3)
    values = [
        {
            "time": f"2024-01-15T{chance.randrange(24):02}:{chance.randrange(60):02}:00Z",
            "side": chance.choice(("buy", "sell")),
            "price": Number(f"{chance.uniform(40_000, 60_000):.2f}"),
            "id": Number(str(10**20 + chance.randrange(10**6))),
            "note": f"order {chance.random()}",
        }
        for _ in range(count)
    ]
    rows = JsonRows(values, _COLUMNS, dict, 2_000)
    return typed(Table(_COLUMNS, rows, (False, False, True, True, False)))


class _Shown:
    """The view with its table, and the beat while something happens to it."""

    def __init__(self, runner: TaskRunner) -> None:
        self._runner = runner
        self.view = TableView()
        self.view.set_background(background_of(runner))
        self.view.resize(900, 700)
        self.view.show()
        self.view.show_content(made())
        self.settle()

    def settle(self) -> None:
        """Let the loop run until everything is drawn."""
        self._pause(0.5)

    def gap(self, name: str, act: Callable[[], Any]) -> Figure:
        heart = Heart(self.view.view)
        heart.start()
        began = time.perf_counter()
        act()
        self._pause(0.2)  # the delay of the filter
        while self._runner.busy:
            self._pause(0.02)
        took = time.perf_counter() - began
        self._pause(_SCROLLED)
        heart.stop()
        beats = heart.beats(f"{self.view.model.rowCount():,} rows within {took:.2f} s")
        label = f"GUI gap, table of 200,000 rows {name}"
        return Figure(label, max(beats.gaps), "ms", MOST_MS, note=beats.note)

    @staticmethod
    def _pause(seconds: float) -> None:
        loop = QEventLoop()
        QTimer.singleShot(int(seconds * 1000), loop.quit)
        loop.exec()
