"""A folder of 200,000 objects in the Browser: its first rows, and the beat of the GUI thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from PySide6.QtCore import Qt

from gui.tabs.browser import BrowserTab
from gui.tabs.browser.folder_rows import MODIFIED, NAME, SIZE
from tests.benchmarks.figures import Figure
from tests.benchmarks.heartbeat import MOST_MS, Bench, Heart, bench, of_rig
from tests.benchmarks.rig import rig

OBJECTS = 200_000
#: The most milliseconds from the request of the folder to its first rows.
_FIRST_MS = 300.0
_PREFIX = "flat/"
#: Seconds for which each state is scrolled.
_SCROLLED = 1.0
_RISING, _FALLING = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder


def figures() -> Iterator[Figure]:
    """Yield the time to the first rows, and the longest gap of the GUI thread in each state."""
    with rig() as endpoint, bench(of_rig(endpoint, "flat"), BrowserTab) as made:
        folder = Folder(made)
        folder.settle()
        first = folder.first_rows_ms()
        yield Figure("first rows of a folder of 200,000 objects", first, "ms", _FIRST_MS)
        yield folder.gap("while the rest arrives", folder.until_listed)
        yield folder.gap("while it is scrolled", lambda: None)
        yield folder.gap("while it is sorted by size", lambda: folder.sort(SIZE, _FALLING))
        yield folder.gap("while it is sorted by date", lambda: folder.sort(MODIFIED, _RISING))
        yield folder.gap("while it is filtered with *", lambda: folder.filter("*1*2*.j*"))
        yield folder.gap("while the filter is removed", lambda: folder.filter(""))
        yield folder.gap("while it is listed again, sorted", folder.list_again)
        folder.sort(NAME, _RISING)


class Folder:
    """The folder in the Browser, and the beat while something happens to it."""

    def __init__(self, made: Bench) -> None:
        self._bench, self._tab = made, made.tab
        self._pane = made.tab.folder
        made.window.setSizes([0, 1])

    def settle(self) -> None:
        """Wait until the bucket is listed and counted."""
        self._bench.until(lambda: not self._tab.busy)

    def first_rows_ms(self) -> float:
        """Open the folder; return the milliseconds until it has rows."""
        began = time.perf_counter()
        self._tab.listing.show(_PREFIX)
        self._bench.until(lambda: self._pane.model.prefix == _PREFIX and self._pane.model.total)
        return (time.perf_counter() - began) * 1000

    def until_listed(self) -> None:
        """Wait until all rows are shown."""
        self._bench.until(lambda: not self._tab.busy and self._pane.model.total == OBJECTS)

    def list_again(self) -> None:
        """List the folder again, in the present order, and wait for it and its order."""
        self._tab.listing.reload()
        self.until_listed()
        self._until_arranged()

    def sort(self, column: int, order: Qt.SortOrder) -> None:
        """Sort the rows as a click on the title does, and wait for the new order."""
        self._pane.table.sortByColumn(column, order)
        self._until_arranged()

    def filter(self, text: str) -> None:
        """Type a filter, and wait for its rows."""
        self._pane.filter.setText(text)
        self._bench.pause(0.2)
        self._until_arranged()

    def gap(self, name: str, act: Callable[[], None]) -> Figure:
        """Return the longest gap while something happens, and while the result is scrolled."""
        heart = Heart(self._pane.table)
        heart.start()
        began = time.perf_counter()
        act()
        took = time.perf_counter() - began
        self._bench.pause(_SCROLLED)
        heart.stop()
        beats = heart.beats(f"{self._pane.model.rowCount():,} rows after {took:.2f} s")
        return Figure(
            f"GUI gap of 200,000 rows {name}", max(beats.gaps), "ms", MOST_MS, note=beats.note
        )

    def _until_arranged(self) -> None:
        self._bench.until(lambda: not self._bench.runner.busy)
