"""What passing time changes on the screen: ages, remaining times, and the zone moments are in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Literal, Protocol
from weakref import WeakMethod

from PySide6.QtCore import QEvent, QMetaMethod, QObject, QTimer, Signal
from PySide6.QtWidgets import QAbstractItemView, QTableView, QTreeView, QWidget

from core.units import TimeStyle, time_style, use_time_style, zone_name

Zone = Literal["utc", "local"]
#: The name of the setting that holds the zone.
ZONE_SETTING = "times"
_SECOND_MS = 1_000


def zone_of(stored: object) -> Zone:
    """Return the zone that a stored setting names; UTC for anything else."""
    return "local" if stored == "local" else "utc"


class Stored(Protocol):
    """Where the zone is stored: `Context.settings`."""

    def set(self, key: str, value: object) -> None:
        """Store a value."""


class Clock(QObject):
    """One for the process: the zone that all moments are shown in, and a tick each second.

    The timer runs only while something visible follows it.

    Signals:
        ticked: another second has passed.
        zone_changed: moments are shown in another zone now.
    """

    ticked = Signal()
    zone_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._timer = QTimer(self)
        self._timer.setInterval(_SECOND_MS)
        self._timer.timeout.connect(self._on_timeout)

    @property
    def running(self) -> bool:
        """Whether the timer runs."""
        return self._timer.isActive()

    @property
    def zone(self) -> Zone:
        """The zone in use."""
        return "local" if time_style() is TimeStyle.LOCAL else "utc"

    @property
    def zone_name(self) -> str:
        """The name of the zone as it is now: `UTC`, or `UTC+1`."""
        return zone_name()

    def set_zone(self, zone: Zone) -> None:
        """Show all moments in UTC or in the computer's zone from now on."""
        if zone != self.zone:
            use_time_style(TimeStyle(zone))
            self.zone_changed.emit()

    def choose_zone(self, zone: Zone, settings: Stored) -> None:
        """Show all moments in a zone, and store that for the next start."""
        settings.set(ZONE_SETTING, zone)
        self.set_zone(zone)

    def start(self) -> None:
        """Tick until nothing visible follows any more."""
        if not self._timer.isActive():
            self._timer.start()

    def _on_timeout(self) -> None:
        self.ticked.emit()
        if not self.isSignalConnected(QMetaMethod.fromSignal(self.ticked)):
            self._timer.stop()


class _Follower(QObject):
    """Calls a method every second while a widget is visible, and when the zone changes."""

    def __init__(self, widget: QWidget, method: Callable[[], object], *, ticks: bool) -> None:
        super().__init__(widget)
        self._method = WeakMethod(method)  # a widget must not live as long as what renews it
        self._ticks, self._started = ticks, False
        current().zone_changed.connect(self._on_time)
        widget.installEventFilter(self)
        if widget.isVisible():
            self._start()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Start and stop with the visibility of the widget; let everything pass."""
        if event.type() == QEvent.Type.Show:
            self._on_time()
            self._start()
        elif event.type() == QEvent.Type.Hide:
            self._stop()
        return False

    def _start(self) -> None:
        if self._ticks and not self._started:
            self._started = True
            current().ticked.connect(self._on_time)
            current().start()

    def _stop(self) -> None:
        if self._started:
            self._started = False
            with suppress(RuntimeError):  # the clock can be gone already when the program ends
                current().ticked.disconnect(self._on_time)

    def _on_time(self) -> None:
        method = self._method()
        if method is not None:
            method()


class _Repainter(QObject):
    """Draws a view and its header anew; texts that depend on time are made while drawing."""

    def __init__(self, view: QAbstractItemView) -> None:
        super().__init__(view)
        self._view = view

    def repaint(self) -> None:
        """Draw what is visible."""
        view = self._view
        view.viewport().update()
        if isinstance(view, QTableView):
            view.horizontalHeader().viewport().update()
        elif isinstance(view, QTreeView):
            view.header().viewport().update()


@cache
def current() -> Clock:
    """Return the one clock of this process."""
    return Clock()


def follow_time(widget: QWidget, method: Callable[[], object], *, ticks: bool = True) -> None:
    """Call a method when what it shows has aged: ages and remaining times stay right.

    Args:
        widget: while it is visible, the method is called every second.
        method: a bound method that writes the text anew; it must cost next to nothing.
        ticks: False calls it only when it becomes visible and when the zone changes.
    """
    _Follower(widget, method, ticks=ticks)


def repaint_with_time(view: QAbstractItemView, *, ticks: bool) -> None:
    """Draw a view anew when the zone changes, and with `ticks` every second while it is visible."""
    follow_time(view, _Repainter(view).repaint, ticks=ticks)
