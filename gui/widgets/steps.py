"""A list of steps in progress, each with its sign, text and time."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from core.units import format_duration
from gui.widgets.labels import Text, heading, muted_label, number_label
from gui.widgets.sign import Sign

_SIGNS = {
    "waiting": ("clock", "muted", "waiting"),
    "running": ("play", "accent", "running"),
    "good": ("check", "good", "done"),
    "failed": ("close", "danger", "failed"),
    "skipped": ("minus", "muted", "not done"),
}


class Steps(QWidget):
    """The steps by title; a new title is added at the end."""

    def __init__(self, titles: tuple[str, ...] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parts: dict[str, tuple[Sign, Text, Text, Text]] = {}
        self._states: dict[str, str] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)
        for title in titles:
            self._add(title)

    def state(self, title: str) -> str:
        """Return a step's state: `waiting running good failed skipped`, or an empty text for an unknown one."""
        return self._states.get(title, "")

    def clear(self) -> None:
        """Remove all steps."""
        for title in tuple(self._parts):
            self.drop(title)

    def drop(self, title: str) -> None:
        """Remove a step, if it is in the list."""
        self._states.pop(title, None)
        for part in self._parts.pop(title, ()):
            self._grid.removeWidget(part)
            part.hide()
            part.deleteLater()

    def set_step(self, title: str, state: str, detail: str = "", seconds: float = 0.0) -> None:
        """Show the state of a step, which is added if it is new.

        Args:
            title: the title, by which the step is known.
            state: `waiting running good failed skipped`.
            detail: the result or the reason, below the title.
            seconds: the duration, shown once the step has ended.
        """
        if title not in self._parts:
            self._add(title)
        sign, name, result, time = self._parts[title]
        icon, tone, spoken = _SIGNS[state]
        self._states[title] = state
        sign.show_icon(icon, tone)
        sign.setAccessibleName(spoken)
        name.set_tone("muted" if state == "waiting" else "plain")
        result.setText(detail)
        result.set_tone("danger" if state == "failed" else "muted")
        # A running step has no final time yet.
        time.setText(format_duration(seconds) if state in {"good", "failed"} else "")

    def _add(self, title: str) -> None:
        # Each step has two lines; the grid never reuses rows of removed steps.
        line = self._grid.rowCount() + 1
        sign = Sign()
        sign.setFixedSize(18, 18)
        name, result = heading(title), muted_label(wrap=True, small=True)
        result.setMinimumHeight(18)
        time = number_label("", "muted")
        self._grid.addWidget(sign, line, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(name, line, 1)
        self._grid.addWidget(time, line, 2)
        self._grid.addWidget(result, line + 1, 1, 1, 2)
        self._parts[title] = (sign, name, result, time)
        self.set_step(title, "waiting")
