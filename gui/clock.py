"""Updates of displayed times: ages, remaining times, and the selected time zone."""

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
#: The settings key of the zone.
ZONE_SETTING = "times"
_SECOND_MS = 1_000


def zone_of(stored: object) -> Zone:
    """Return the zone of a stored setting; UTC for any other value."""
    return "local" if stored == "local" else "utc"


class SettingsWriter(Protocol):
    """The store of the zone, `Context.settings`."""

    def set(self, key: str, value: object) -> None:
        """Store a value."""


class Clock(QObject):
    """The zone in which all times are shown, and a tick per second; one per process.

    The timer runs only while a visible widget follows it.

    Signals:
        ticked: a second has passed.
        zone_changed: times are shown in a different zone now.
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
        """The selected zone."""
        return "local" if time_style() is TimeStyle.LOCAL else "utc"

    @property
    def zone_name(self) -> str:
        """The name of the zone with its present offset: `UTC`, or `UTC+1`."""
        return zone_name()

    def set_zone(self, zone: Zone) -> None:
        """Show all times in UTC or in the local zone from now on."""
        if zone != self.zone:
            use_time_style(TimeStyle(zone))
            self.zone_changed.emit()

    def choose_zone(self, zone: Zone, settings: SettingsWriter) -> None:
        """Show all times in a zone, and store it for the next start."""
        settings.set(ZONE_SETTING, zone)
        self.set_zone(zone)

    def start(self) -> None:
        """Tick until no visible widget follows any more."""
        if not self._timer.isActive():
            self._timer.start()

    def _on_timeout(self) -> None:
        self.ticked.emit()
        # Widgets that are hidden disconnect themselves; the timer stops at the next tick without
        # any.
        if not self.isSignalConnected(QMetaMethod.fromSignal(self.ticked)):
            self._timer.stop()


class _Follower(QObject):
    """Calls a method every second while a widget is visible, and when the zone changes."""

    def __init__(self, widget: QWidget, method: Callable[[], object], *, ticks: bool) -> None:
        super().__init__(widget)
        self._method = WeakMethod(method)  # a strong one would prevent that the widget is freed
        self._ticks, self._started = ticks, False
        current().zone_changed.connect(self._on_time)
        widget.installEventFilter(self)
        if widget.isVisible():
            self._start()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        """Start and stop with the visibility of the widget; no event is filtered out."""
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
            with suppress(RuntimeError):  # the clock may already be deleted when the program ends
                current().ticked.disconnect(self._on_time)

    def _on_time(self) -> None:
        # The widget may have been freed since the last tick.
        method = self._method()
        if method is not None:
            method()


class _Repainter(QObject):
    """Repaints a view and its header, whose time-dependent texts are made while painting."""

    def __init__(self, view: QAbstractItemView) -> None:
        super().__init__(view)
        self._view = view

    def repaint(self) -> None:
        """Repaint the visible part."""
        view = self._view
        view.viewport().update()
        if isinstance(view, QTableView):
            view.horizontalHeader().viewport().update()
        elif isinstance(view, QTreeView):
            view.header().viewport().update()


@cache
def current() -> Clock:
    """Return the clock of this process."""
    return Clock()


def follow_time(widget: QWidget, method: Callable[[], object], *, ticks: bool = True) -> None:
    """Call a method regularly, so that ages and remaining times are up to date.

    Args:
        widget: while it is visible, the method is called every second.
        method: a bound method that updates the text; it must be cheap.
        ticks: False calls it only when it becomes visible and when the zone changes.
    """
    _Follower(widget, method, ticks=ticks)


def repaint_with_time(view: QAbstractItemView, *, ticks: bool) -> None:
    """Repaint a view when the zone changes, and with `ticks` every second while it is visible."""
    follow_time(view, _Repainter(view).repaint, ticks=ticks)
