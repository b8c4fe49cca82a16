"""The steps of a rotation as a live list: sign, title, what came of it, and its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from core.model.rotation import Step, StepState
from gui import theme
from gui.widgets.icons import pixmap
from gui.widgets.labels import Text, heading, muted_label, number_label, shown
from gui.widgets.panel import rule

_SIGNS = {
    StepState.WAITING: ("clock", "muted"),
    StepState.RUNNING: ("play", "accent"),
    StepState.DONE: ("check", "good"),
    StepState.FAILED: ("close", "danger"),
    StepState.SKIPPED: ("minus", "muted"),
    StepState.UNDONE: ("undo", "muted"),
}


@dataclass(frozen=True, slots=True)
class StepWords:
    """What one line says. `bad` colours the words, `time` stands at the right."""

    step: Step
    title: str
    state: StepState
    words: str
    time: str = ""
    bad: bool = False


class StepLine(QWidget):
    """One step."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = StepState.WAITING
        self.sign = Text()
        self.sign.setFixedSize(18, 18)
        self.title = heading()
        self.words = muted_label(wrap=True, small=True)
        self.time = number_label("", "muted")
        grid = QGridLayout(self)
        grid.setContentsMargins(16, 8, 16, 8)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.sign, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.title, 0, 1)
        grid.addWidget(self.time, 0, 2)
        grid.addWidget(self.words, 1, 1, 1, 2)
        theme.current().changed.connect(self._paint)

    def show_step(self, step: StepWords) -> None:
        """Say how the step stands."""
        self._state = step.state
        self.title.setText(step.title)
        self.title.set_tone("muted" if step.state is StepState.WAITING else "plain")
        self.words.setText(shown(step.words))
        self.words.set_tone("danger" if step.bad else "muted")
        self.time.setText(step.time)
        self.sign.setAccessibleName(step.state.value)
        self.setAccessibleName(f"{step.title}: {step.state.value}")
        self.setAccessibleDescription(step.words)
        self._paint()

    def _paint(self) -> None:
        self.sign.setPixmap(pixmap(*_SIGNS[self._state]))


class StepList(QScrollArea):
    """The lines below each other; it scrolls when the window is low."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("Steps of the rotation")
        self.lines: dict[Step, StepLine] = {}
        self._rules: list[QWidget] = []
        holder = QWidget()
        self._box = QVBoxLayout(holder)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(0)
        self._box.addStretch(1)
        self.setWidget(holder)

    def show_steps(self, steps: Sequence[StepWords]) -> None:
        """Show these steps; lines of the same steps stay, so that nothing flickers."""
        if tuple(self.lines) != tuple(step.step for step in steps):
            self._make_lines(steps)
        for step in steps:
            self.lines[step.step].show_step(step)

    def _make_lines(self, steps: Sequence[StepWords]) -> None:
        for part in (*self.lines.values(), *self._rules):
            self._box.removeWidget(part)
            part.deleteLater()
        self.lines, self._rules = {}, []
        for step in steps:
            line, below = StepLine(), rule()
            self._box.insertWidget(self._box.count() - 1, line)
            self._box.insertWidget(self._box.count() - 1, below)
            self.lines[step.step] = line
            self._rules.append(below)
