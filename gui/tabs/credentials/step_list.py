"""The steps of a rotation as a live list: sign, title, what came of it, and its time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from core.model.rotation import Step, StepState
from core.units import short_id
from gui import theme
from gui.widgets.icons import pixmap
from gui.widgets.labels import Text, heading, muted_label, number_label, shown, tooltip
from gui.widgets.panel import rule

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
class StepWords:
    """What one line says. `bad` colours the words, `time` stands at the right.

    `obsolete` words no longer apply, because the step was taken back or will never run.
    """

    step: Step
    title: str
    state: StepState
    words: str
    time: str = ""
    bad: bool = False
    obsolete: bool = False


class StepLine(QWidget):
    """One step."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = StepState.WAITING
        self.sign = Text()
        self.sign.setFixedSize(18, 18)
        self.title = heading()
        self.words = muted_label(wrap=True, small=True)
        self._whole = ""
        self._copy = QAction("Copy with the full id", self.words)
        self._copy.triggered.connect(self._on_copy)
        self.words.addAction(self._copy)
        self.words.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
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
        self.words.setText(_ID.sub(lambda found: short_id(found[0]), shown(step.words)))
        self._whole = step.words
        has_id = _ID.search(step.words) is not None
        self.words.setToolTip(tooltip(step.words) if has_id else "")
        self._copy.setVisible(has_id)
        self._strike(obsolete=step.obsolete)
        self.words.set_tone("danger" if step.bad else "muted")
        self.time.setText(step.time)
        self.sign.setAccessibleName(step.state.value)
        self.setAccessibleName(f"{step.title}: {step.state.value}")
        prefix = "No longer applies: " if step.obsolete else ""
        self.setAccessibleDescription(f"{prefix}{step.words}")
        self._paint()

    def _strike(self, *, obsolete: bool) -> None:
        for label in (self.title, self.words):
            font = label.font()
            font.setStrikeOut(obsolete)
            label.setFont(font)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._whole)

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
        self.setObjectName("steps")  # the style sheet marks its focus
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
