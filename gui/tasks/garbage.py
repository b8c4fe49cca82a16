"""Python's garbage is collected on the GUI thread only.

A collection runs in whichever thread happens to allocate. In a worker thread it would destroy
widgets and other QObjects that are part of a cycle, while the GUI thread is delivering an event
to them: a crash that comes and goes (seen as a null wrapper in PySide's `qt_metacall`).
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

#: Milliseconds between two readings of the counters.
_INTERVAL = 500
#: So many new objects at once are data, such as a preview of 70,000 candles, and no garbage.
#: Searching them would stop the window for 100 ms and more.
_DATA_OBJECTS = 100_000

_running: list[GarbageCollector] = []
#: Whether Python collected by itself before the first of them started.
_automatic_before = [True]


class GarbageCollector(QObject):
    """While one of these runs, nobody but it collects; it does so from a timer.

    The oldest generation is large and is collected last. What the program has loaded by the time
    of the first start, and large data, stays out of every collection: it is freed as soon as
    nothing refers to it, unless it is part of a cycle.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL)
        self._timer.timeout.connect(self.collect_if_due)
        self._set_aside = False

    def start(self) -> None:
        """Take the collection over."""
        if not _running:
            _automatic_before[0] = gc.isenabled()
            if not gc.get_freeze_count():
                gc.freeze()
        gc.disable()
        _running.append(self)
        self._timer.start()

    def stop(self) -> None:
        """Give the collection back, once nobody else needs it here."""
        self._timer.stop()
        if self in _running:
            _running.remove(self)
        if self._set_aside:  # what was set aside with the data may be garbage by now
            self._set_aside = False
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
            self._set_aside = True
            return
        for generation in (2, 1, 0):
            if counts[generation] > limits[generation] > 0:
                gc.collect(generation)
                return
