"""Runs Python's garbage collection only on the GUI thread.

A collection runs in the thread that happens to allocate. In a worker thread it would destroy
widgets and other QObjects in reference cycles while the GUI thread is delivering events to them,
which causes intermittent crashes (seen as a null wrapper in PySide's `qt_metacall`).
"""

from __future__ import annotations

import gc
import time
from collections import deque
from typing import Any

from PySide6.QtCore import QObject, QTimer

from core.preview.releasing import release_with

#: Milliseconds between two readings of the counters.
_INTERVAL = 200
#: This many new objects at once are data, such as a preview of 70,000 candles, not garbage.
#: Collecting them again and again would block the window, in the end for 100 ms or more; examining
#: this many takes 5 to 10 ms.
_DATA_OBJECTS = 10_000

#: Seconds for which objects of ended previews are freed at once, how many between two readings of
#: the clock, and the milliseconds until the next time.
_SLICE, _PART, _PAUSE_MS = 0.002, 128, 10

_running: list[GarbageCollector] = []
#: Not empty after the first start. `gc.get_freeze_count` would visit all frozen objects.
_frozen: list[bool] = []
#: Whether automatic collection was enabled before the first collector started.
_automatic_before = [True]


class GarbageCollector(QObject):
    """Replaces automatic garbage collection by a timer while it is running.

    The oldest generation is large and collected last. Objects loaded before the first start, and
    large data, are excluded from collections: they are freed when nothing refers to them, unless
    they are part of a cycle.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL)
        self._timer.timeout.connect(self.collect_if_due)
        self._data_frozen = False
        #: What large previews referred to, see `core.preview.releasing`; filled by any thread.
        self._ended: deque[list[Any]] = deque()
        self._release = QTimer(self)
        self._release.setInterval(_PAUSE_MS)
        self._release.timeout.connect(self.release_some)

    def start(self) -> None:
        """Disable automatic collection and start the timer."""
        if not _running:
            _automatic_before[0] = gc.isenabled()
            # What was imported lives until the end; without it every collection visits far fewer
            # objects.
            if not _frozen:
                _frozen.append(True)
                gc.freeze()
        gc.disable()
        _running.append(self)
        release_with(self._ended.append)
        self._timer.start()

    def stop(self) -> None:
        """Stop the timer; enable automatic collection after the last collector has stopped."""
        self._timer.stop()
        self._release.stop()
        if self in _running:
            _running.remove(self)
        if not _running:
            release_with(None)
        self._ended.clear()
        if self._data_frozen:  # frozen objects may be garbage by now
            self._data_frozen = False
            gc.unfreeze()
            gc.collect()
            gc.freeze()
        if not _running and _automatic_before[0]:
            gc.enable()

    def collect_if_due(self) -> None:
        """Collect the oldest generation whose counter has passed its threshold, if any has."""
        if self._ended and not self._release.isActive():
            self._release.start()
        counts, limits = gc.get_count(), gc.get_threshold()
        if counts[0] > _DATA_OBJECTS:
            gc.freeze()
            self._data_frozen = True
            return
        # The oldest first: collecting a generation includes all younger ones.
        for generation in (2, 1, 0):
            if counts[generation] > limits[generation] > 0:
                gc.collect(generation)
                return

    def release_some(self) -> None:
        """Free objects of ended previews for two milliseconds."""
        ends = time.perf_counter() + _SLICE
        while self._ended and time.perf_counter() < ends:
            elements = self._ended[0]
            if isinstance(elements[-1], tuple) and len(elements[-1]) > _PART:
                # A page: what is in it is freed in parts as well.
                self._ended.appendleft(list(elements.pop()))
            else:
                del elements[-_PART:]
            # Not always the first one: a page may have been put before an empty list.
            while self._ended and not self._ended[0]:
                self._ended.popleft()
        if not self._ended:
            self._release.stop()
