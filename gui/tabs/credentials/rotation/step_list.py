"""The list of the steps of a rotation: sign, title, result and time of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from core.model.rotation import Step, StepState
from core.units import short_id
from gui.widgets.labels import heading, muted_label, number_label, set_tooltip, shown
from gui.widgets.panel import rule
from gui.widgets.sign import Sign

_SIGNS = {
    StepState.WAITING: ("clock", "muted"),
    StepState.RUNNING: ("play", "accent"),
    StepState.DONE: ("check", "good"),
    StepState.FAILED: ("close", "danger"),
    StepState.SKIPPED: ("minus", "muted"),
    StepState.UNDONE: ("undo", "muted"),
}
#: A UUID within a sentence.
_ID = re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b")


@dataclass(frozen=True, slots=True)
class StepText:
    """The content of one line. `bad` colours the text, `time` is at the right.

    An `obsolete` text no longer applies, because the step was undone or will never run.
    """

    step: Step
    title: str
    state: StepState
    text: str
    time: str = ""
    bad: bool = False
    obsolete: bool = False


class StepLine(QWidget):
    """The widget of one step."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sign = Sign()
        self.sign.setFixedSize(18, 18)
        self.title = heading()
        self.text = muted_label(wrap=True, small=True)
        self._full_text = ""
        self._copy = QAction("Copy with the full id", self.text)
        self._copy.triggered.connect(self._on_copy)
        self.text.addAction(self._copy)
        self.text.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.time = number_label("", "muted")
        grid = QGridLayout(self)
        grid.setContentsMargins(16, 8, 16, 8)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.sign, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.title, 0, 1)
        grid.addWidget(self.time, 0, 2)
        grid.addWidget(self.text, 1, 1, 1, 2)

    def show_step(self, step: StepText) -> None:
        """Show the state of the step."""
        self.sign.show_icon(*_SIGNS[step.state])
        self.title.setText(step.title)
        self.title.set_tone("muted" if step.state is StepState.WAITING else "plain")
        self.text.setText(_ID.sub(lambda found: short_id(found[0]), shown(step.text)))
        self._full_text = step.text
        has_id = _ID.search(step.text) is not None
        set_tooltip(self.text, step.text if has_id else "")
        self._copy.setVisible(has_id)
        self._strike(obsolete=step.obsolete)
        self.text.set_tone("danger" if step.bad else "muted")
        self.time.setText(step.time)
        self.sign.setAccessibleName(step.state.value)
        self.setAccessibleName(f"{step.title}: {step.state.value}")
        # A screen reader does not read that a text is struck out.
        self.setAccessibleDescription(
            f"No longer applies: {step.text}" if step.obsolete else step.text
        )

    def _strike(self, *, obsolete: bool) -> None:
        for label in (self.title, self.text):
            font = label.font()
            font.setStrikeOut(obsolete)
            label.setFont(font)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._full_text)


class StepList(QScrollArea):
    """The lines in a column that scrolls in a low window."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Steps of the rotation")
        self.setObjectName("steps")  # the style sheet marks its focus
        self.lines: dict[Step, StepLine] = {}
        self._rules: list[QWidget] = []
        holder = QWidget()
        self._box = QVBoxLayout(holder)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(0)
        self._box.addStretch(1)
        self.setWidget(holder)

    def show_steps(self, steps: Sequence[StepText]) -> None:
        """Show these steps; existing lines are reused to prevent flicker."""
        # During a grace period the steps are shown again each second, so the lines stay as long as
        # the steps are the same.
        if tuple(self.lines) != tuple(step.step for step in steps):
            self._make_lines(steps)
        for step in steps:
            self.lines[step.step].show_step(step)

    def _make_lines(self, steps: Sequence[StepText]) -> None:
        for part in (*self.lines.values(), *self._rules):
            self._box.removeWidget(part)
            part.deleteLater()
        self.lines, self._rules = {}, []
        for step in steps:
            line, below = StepLine(), rule()
            # Above the stretch, which is the last item and keeps a short list at the top.
            self._box.insertWidget(self._box.count() - 1, line)
            self._box.insertWidget(self._box.count() - 1, below)
            self.lines[step.step] = line
            self._rules.append(below)
