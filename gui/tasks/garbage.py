"""Runs Python's garbage collection only on the GUI thread.

A collection runs in the thread that happens to allocate. In a worker thread it would destroy
widgets and other QObjects in reference cycles while the GUI thread is delivering events to them,
which causes intermittent crashes (seen as a null wrapper in PySide's `qt_metacall`).
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

#: Milliseconds between two readings of the counters.
_INTERVAL = 500
#: This many new objects at once are data, such as a preview of 70,000 candles, not garbage.
#: Collecting them would block the window for 100 ms or more.
_DATA_OBJECTS = 100_000

_running: list[GarbageCollector] = []
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

    def start(self) -> None:
        """Disable automatic collection and start the timer."""
        if not _running:
            _automatic_before[0] = gc.isenabled()
            # What was imported lives until the end; without it every collection visits far fewer
            # objects.
            if not gc.get_freeze_count():
                gc.freeze()
        gc.disable()
        _running.append(self)
        self._timer.start()

    def stop(self) -> None:
        """Stop the timer; enable automatic collection after the last collector has stopped."""
        self._timer.stop()
        if self in _running:
            _running.remove(self)
        if self._data_frozen:  # frozen objects may be garbage by now
            self._data_frozen = False
            gc.unfreeze()
            gc.collect()
            gc.freeze()
        if not _running and _automatic_before[0]:
            gc.enable()

    def collect_if_due(self) -> None:
        """Collect the oldest generation whose counter has passed its threshold, if any has."""
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
