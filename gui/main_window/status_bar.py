"""The status bar: connection, identity, running tasks and time zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMenu, QWidget

from core.model.identity import Identity
from core.units import format_count, format_counted, format_rate, utc_now
from gui import actions, clock, theme
from gui.clock import follow_time
from gui.context import Context
from gui.main_window.tasks_model import TasksModel
from gui.tasks import Task
from gui.tasks.rates import amount
from gui.widgets.buttons import Button, link_button, quiet_button
from gui.widgets.labels import Elided, Text, set_tooltip

#: A shape for each tone, since colour is never the only indication.
_MARKS = {"good": "●", "warning": "◐", "danger": "✕", "muted": "○"}

#: The operations that transfer files between this machine and the bucket, and the mark before the
#: speed of tasks that do.
_DIRECTIONS = {"transfer.upload": "up", "transfer.download": "down"}
_DIRECTION_MARKS = {"": "", "up": "↑", "down": "↓", "downup": "⇅"}

#: Loading that takes less time would only make the text flicker.
_AT_ONCE = timedelta(seconds=0.5)


class ConnectionIndicator(QWidget):
    """The state of the connection, and a button to check it again."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self._mark = Text("", "muted")
        self.state = _small()
        self.retry = link_button("Retry", context.retry_wanted.emit)
        self.retry.setFont(theme.text_font(12))
        self.retry.set_hint("Check again whether the server answers")
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(8)
        for part in (self._mark, self.state, self.retry):
            box.addWidget(part)
        context.connection_state.changed.connect(self.refresh)
        follow_time(self, self.refresh)
        self.refresh()

    @property
    def tone(self) -> str:
        """The tone shown: `good`, `warning`, `danger` or `muted`."""
        return str(self._mark.property("tone"))

    def refresh(self) -> None:
        """Show the current state."""
        shown = self._context.connection_state.shown(utc_now())
        self._mark.set_tone(shown.tone)
        self._mark.setText(_MARKS[shown.tone])
        self.state.set_tone("muted" if shown.tone in {"good", "muted"} else shown.tone)
        self.state.setText(shown.text)
        hint = "\n".join(part for part in (shown.text, shown.cause) if part)
        set_tooltip(self.state, hint)
        self.retry.setVisible(shown.retry)
        self.setAccessibleName(f"Connection: {shown.text}")
        self.setAccessibleDescription(shown.cause)


class ZoneButton(Button):
    """The button that shows the time zone and opens the menu to change it."""

    def __init__(self, context: Context) -> None:
        super().__init__("", kind="quiet")
        self._context = context
        self.setFont(theme.text_font(12))
        self._menu = QMenu(self)
        self._group = QActionGroup(self)
        self._actions: dict[clock.Zone, QAction] = {
            "utc": self._added("utc", actions.action("times.utc").text),
            "local": self._added("local", actions.action("times.local").text),
        }
        self.setMenu(self._menu)
        clock.current().zone_changed.connect(self._refresh)
        self._refresh()

    def _added(self, zone: clock.Zone, text: str) -> QAction:
        action = self._menu.addAction(text)
        action.setCheckable(True)
        action.triggered.connect(lambda _checked=False: self._choose(zone))
        self._group.addAction(action)
        return action

    def _choose(self, zone: clock.Zone) -> None:
        clock.current().choose_zone(zone, self._context.settings)

    def _refresh(self) -> None:
        zone = clock.current().zone
        name = "UTC" if zone == "utc" else f"Local time, {clock.current().zone_name}"
        self.setText(f"{name} ▾")
        self.setAccessibleName(f"Times are shown in {name}")
        self.set_hint("The zone in which all times are shown")
        self._actions[zone].setChecked(True)


class StatusBar(QFrame):
    """The bar of 28 pixels at the bottom of the window.

    Signals:
        activity: the user wants to open or close the activity drawer.
    """

    activity = Signal()

    def __init__(self, context: Context, tasks: TasksModel) -> None:
        super().__init__()
        self._context = context
        self.setProperty("surface", "foot")
        self.setFixedHeight(theme.STATUS)
        self.connection = ConnectionIndicator(context)
        self.who = _small()
        self.doing = _small()
        self.zone = ZoneButton(context)
        self.button = quiet_button("Activity ▴", self.activity.emit)
        self.button.setAccessibleName("Activity")
        what = "Running and completed tasks, and the log of changes"
        self.button.set_hint(actions.tip("activity", what))
        self.button.setFont(theme.text_font(12))
        self._lay_out()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(150)  # tasks report up to ten times a second each
        self._later.timeout.connect(self._show_tasks)
        context.identity_changed.connect(self._on_identity)
        context.connection_state.changed.connect(self._on_task)
        for signal in (
            context.runner.task_started,
            context.runner.task_changed,
            context.runner.task_finished,
        ):
            signal.connect(self._on_task)
        tasks.dataChanged.connect(self._on_task)
        self._on_identity(context.identity)
        self._show_tasks()

    def show_drawer(self, opened: bool) -> None:
        """Show whether the drawer is open."""
        self.button.setText("Activity ▾" if opened else "Activity ▴")

    def _lay_out(self) -> None:
        box = QHBoxLayout(self)
        box.setContentsMargins(16, 0, 8, 0)
        box.setSpacing(16)
        for part in (self.connection, self.who, self.doing):
            box.addWidget(part)
        box.addStretch(1)
        for button in (self.zone, self.button):
            box.addWidget(button)

    def _on_identity(self, identity: Identity | None) -> None:
        self.who.setVisible(identity is not None)
        if identity is not None:
            self.who.setText(identity.user)
            set_tooltip(self.who, f"{identity.arn}\naccount {identity.account}")

    def _on_task(self, *_what: object) -> None:
        if not self._later.isActive():
            self._later.start()

    def _show_tasks(self) -> None:
        running = [task for task in self._context.runner.tasks if task.running]
        if not running:
            self._show_quiet()
            return
        self.doing.setText(running_text(running))

    def _show_quiet(self) -> None:
        """Show that a tab is loading, unless it is done at once."""
        since = self._context.runner.running_since
        # Checked again until the task has ended, which emits no further signal of its start.
        if since is not None:
            self._later.start()
        if since is not None and utc_now() - since > _AT_ONCE:
            self.doing.setText("loading…")
        else:
            self.doing.setText("ready" if self.connection.tone in {"good", "muted"} else "")


def running_text(running: Sequence[Task]) -> str:
    """Return the count, the speed, the progress and the standstill of one or several running tasks."""
    speeds = [
        task
        for task in running
        if task.progress and task.progress.unit == "bytes" and task.pace.speed
    ]
    rate = format_rate(sum(task.pace.speed for task in speeds)) if speeds else ""
    directions = {_direction(task) for task in speeds}
    mark = "" if "" in directions else "".join(sorted(directions))
    parts = [
        format_counted(len(running), "task"),
        f"{_DIRECTION_MARKS[mark]} {rate}".strip(),
        _progress_text(running),
        # Of several tasks each may wait for another server.
        running[0].still.text if len(running) == 1 else "",
    ]
    return " · ".join(filter(None, parts))


def _direction(task: Task) -> str:
    """Return `up`, `down`, or an empty text for a task that does not transfer files."""
    call = task.order.call
    if call is None:
        return ""
    if call.operation == "transfer.sync":
        return _DIRECTIONS[f"transfer.{call.arguments['direction']}"]
    return _DIRECTIONS.get(call.operation, "")


def _progress_text(running: Sequence[Task]) -> str:
    """Return the files of all transfers; without any, the progress or the name of a task."""
    reports = [task.progress for task in running if task.progress]
    planned = sum(report.items_total or 0 for report in reports)
    if planned:
        done = sum(report.items_done or 0 for report in reports)
        return f"{format_count(done)} of {format_counted(planned, 'file')}"
    # That of one among several would seem to be the progress of all.
    first = amount(reports[0]) if len(running) == 1 and reports else ""
    return first or running[-1].name


def _small() -> Elided:
    label = Elided("", "muted")
    label.setFont(theme.text_font(12))
    return label
