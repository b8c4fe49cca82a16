"""The status bar: who we are, what runs, how fast; and the door to the activity drawer."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel

from core.errors import StorageError
from core.model.connection import Identity
from core.units import format_rate
from gui import theme
from gui.context import Context
from gui.models.rates import amount
from gui.models.tasks_model import TasksModel
from gui.widgets.buttons import quiet_button
from gui.widgets.labels import Elided, text_label, tooltip


class StatusBar(QFrame):
    """28 pixels at the foot of the window.

    Signals:
        activity: the drawer is wanted, or not any more.
    """

    activity = Signal()

    def __init__(self, context: Context, tasks: TasksModel) -> None:
        super().__init__()
        self._context, self._tasks = context, tasks
        self.setProperty("surface", "foot")
        self.setFixedHeight(theme.STATUS)
        self._dot = text_label("●", "muted")
        self.who = _small()
        self.doing = _small()
        self.button = quiet_button("Activity ▴", self.activity.emit)
        self.button.setAccessibleName("Activity")
        self.button.set_hint("What runs, what ran, and what was changed")
        self.button.setFont(theme.text_font(12))
        self._lay_out()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(150)
        self._later.timeout.connect(self._show_tasks)
        context.identity_changed.connect(self._on_identity)
        context.workspace_changed.connect(self._on_workspace)
        for signal in (
            context.runner.task_started,
            context.runner.task_changed,
            context.runner.task_finished,
        ):
            signal.connect(self._on_task)
        self._on_workspace(None)
        self._show_tasks()

    def show_failed(self, error: StorageError) -> None:
        """Say that the connection does not work."""
        self._dot.set_tone("danger")
        self.who.setText("not connected")
        self.who.setToolTip(tooltip(str(error)))

    def show_drawer(self, opened: bool) -> None:
        """Turn the little arrow."""
        self.button.setText("Activity ▾" if opened else "Activity ▴")

    def _lay_out(self) -> None:
        box = QHBoxLayout(self)
        box.setContentsMargins(16, 0, 8, 0)
        box.setSpacing(16)
        for part in (self._dot, self.who, self.doing):
            box.addWidget(part)
        box.addStretch(1)
        box.addWidget(self.button)

    def _on_workspace(self, workspace: object) -> None:
        self._dot.set_tone("muted")
        self.who.setText("connecting…" if workspace is not None else "not connected")

    def _on_identity(self, identity: Identity | None) -> None:
        if identity is not None:
            self._dot.set_tone("good")
            self.who.setText(identity.user)
            self.who.setToolTip(tooltip(f"{identity.arn}\naccount {identity.account}"))

    def _on_task(self, _task: object) -> None:
        if not self._later.isActive():
            self._later.start()

    def _show_tasks(self) -> None:
        running = [task for task in self._context.runner.tasks if task.running]
        if not running:
            self.doing.setText("ready")
            return
        parts = [f"{len(running)} task{'s' if len(running) > 1 else ''}"]
        speeds = [
            self._tasks.pace(task).speed
            for task in running
            if task.progress and task.progress.unit == "bytes"
        ]
        if sum(speeds) > 0:
            parts.append(f"⇅ {format_rate(sum(speeds))}")
        told = next((amount(task.progress) for task in running if task.progress), "")
        parts.append(told or running[-1].name)
        self.doing.setText(" · ".join(parts))


def _small() -> QLabel:
    label = Elided("", "muted")
    label.setFont(theme.text_font(12))
    return label
