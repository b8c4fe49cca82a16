"""The rotation view: the plan, the running steps, and the actions possible in each state."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from core.errors import StorageError
from core.model.rotation import (
    Outcome,
    Rotation,
    RotationKind,
    RotationPlan,
    Step,
    StepRecord,
    StepState,
)
from core.rotation.step_texts import (
    copy_notes,
    end_text,
    planned_step,
    replaced_copies,
    title_of,
    undo_now,
    valid_now,
)
from core.units import format_duration, format_moment, utc_now
from gui import theme
from gui.tabs.credentials.rotation.step_list import StepList, StepText
from gui.widgets.banner import Banner
from gui.widgets.buttons import Button, danger_button, link_button, plain_button, primary_button
from gui.widgets.labels import Elided, Pill, muted_label, shown
from gui.widgets.panel import SectionHead, row

#: Milliseconds between updates of the time that is left.
_TICK_MS = 1000
#: Number of fields named in the question whether to replace copies of the value.
_COPIES_SHOWN = 3
_PILLS = {
    Outcome.RUNNING: ("running", "accent"),
    Outcome.STOPPED: ("stopped", "danger"),
    Outcome.WAITING: ("safe to close", "good"),
    Outcome.DONE: ("done", "good"),
    Outcome.UNDOING: ("being undone", "warning"),
    Outcome.UNDONE: ("undone", "neutral"),
    Outcome.LOST: ("superseded by another client", "warning"),
}


class RotationPane(QWidget):
    """Shows one plan or one rotation; its owner acts on the signals.

    Signals:
        start_clicked, resume_clicked, undo_clicked, stop_clicked, now_clicked, again_clicked: the
            user wants the action; `now_clicked` has the step that is not to wait.
        due: the grace period of a rotation has ended.
        closed: the user wants to return to the versions.
    """

    start_clicked = Signal()
    resume_clicked = Signal()
    undo_clicked = Signal()
    stop_clicked = Signal()
    now_clicked = Signal(object)
    again_clicked = Signal()
    due = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plan: RotationPlan | None = None
        self.rotation: Rotation | None = None
        self._busy, self._locked = False, ""
        self.banner = Banner(self)
        self.steps = StepList()
        self.pill = Pill("")
        self.back = link_button("Versions", self.closed.emit)
        self.back.set_hint("Show the secret's versions; a running rotation continues")
        self.head = SectionHead("Rotation", self.back)
        self._started = Elided("", "muted")
        self._started.setFont(theme.text_font(12))
        self.hint = muted_label(wrap=True, small=True)
        self.found = muted_label(wrap=True, small=True)
        self.found.setContentsMargins(12, 0, 12, 8)
        self.copies = QCheckBox("")
        self.copies.toggled.connect(self._on_copies)
        self._notes: tuple[str, ...] = ()
        self._make_buttons()
        self._lay_out()
        self._clock = QTimer(self)
        self._clock.setInterval(_TICK_MS)
        self._clock.timeout.connect(self._on_tick)
        # Hides the buttons of other states now: the first size hint would include all of them.
        self._update()

    def _make_buttons(self) -> None:
        self.start = primary_button("Start rotation", self.start_clicked.emit)
        self.resume = primary_button("Resume", self.resume_clicked.emit)
        self.undo = plain_button("Undo…", self.undo_clicked.emit)
        self.stop = plain_button("Stop", self.stop_clicked.emit)
        self.again = plain_button("Refresh", self.again_clicked.emit)
        self.deactivate = primary_button(
            "Deactivate now…", lambda: self.now_clicked.emit(Step.DEACTIVATE)
        )
        self.delete = danger_button("Delete old key…", lambda: self.now_clicked.emit(Step.DELETE))

    @property
    def _buttons(self) -> tuple[Button, ...]:
        return (
            self.stop, self.again, self.undo, self.resume, self.deactivate, self.delete, self.start
        )  # fmt: skip

    def _lay_out(self) -> None:
        foot = QFrame()
        foot.setProperty("surface", "foot")
        foot_box = QVBoxLayout(foot)
        foot_box.setContentsMargins(12, 8, 12, 8)
        foot_box.setSpacing(8)
        foot_box.addWidget(self.hint)
        # Not a grid, which also has the spacing of columns whose button is hidden.
        foot_row = QHBoxLayout()
        foot_row.setSpacing(8)
        foot_row.addStretch(1)
        for button in self._buttons:
            foot_row.addWidget(button)
        foot_box.addLayout(foot_row)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.head)
        box.addWidget(row(self.pill, self._started, margins=(12, 8, 12, 4)))
        box.addWidget(self.found)
        box.addWidget(self.steps, 1)
        choice = QHBoxLayout()
        choice.setContentsMargins(12, 4, 12, 4)
        choice.addWidget(self.copies, 1)
        box.addLayout(choice)
        box.addWidget(foot)

    # Content

    def show_nothing(self) -> None:
        """Remove a rotation of another connection, whose grace period must not end here."""
        self._busy = False
        self.show_loading("")

    def show_loading(self, secret: str) -> None:
        """Show that the plan of a rotation is being prepared."""
        self.plan = self.rotation = None
        self._title(secret, "", "loading", "neutral")
        self._show_found("")
        self.banner.clear()
        self.steps.show_steps(())
        self._update()

    def show_plan(self, plan: RotationPlan, notes: tuple[str, ...] = ()) -> None:
        """Show the plan of a rotation; `notes` are warnings about it."""
        self.plan, self.rotation = plan, None
        self._title(plan.secret, "", "not started", "neutral")
        self.steps.show_steps(
            [StepText(s.step, s.title, StepState.WAITING, s.text) for s in plan.steps]
        )
        self._notes = (*plan.notes, *notes)
        self.copies.setChecked(True)
        self._show_notes()
        self._update()

    @property
    def keep_copies(self) -> bool:
        """Whether other fields with the old value are to stay unchanged."""
        return not self.copies.isChecked()

    def _on_copies(self, _checked: bool) -> None:
        if self.plan is not None:
            self._show_notes()

    def _show_notes(self) -> None:
        """Show the findings of a plan, and its warnings."""
        plan = self.plan
        assert plan is not None
        notes = (*self._notes, *copy_notes(plan, unchanged=self.keep_copies))
        self.banner.clear()
        self._show_found("")
        if plan.problem is not None:
            self.banner.show_error(plan.problem.error())
        elif notes:
            self.banner.show_warning("Before you start", _sentences((plan.found, *notes)))
        elif plan.found:
            self._show_found(_sentences((plan.found,)))

    def show_rotation(self, rotation: Rotation, *, busy: bool) -> None:
        """Show the state of a rotation; `busy` while a step is running."""
        self.plan, self.rotation, self._busy = None, rotation, busy
        self._show_found("")
        started = f"{format_moment(rotation.started)} by {rotation.by.rpartition('/')[2]}"
        outcome = rotation.outcome
        if not busy and outcome is Outcome.RUNNING:
            outcome = Outcome.STOPPED  # left by a crash
        self._title(rotation.secret, started, *_PILLS[outcome])
        self._show_steps()
        self._show_problem(rotation)
        self._update()

    def show_failed(self, error: StorageError) -> None:
        """Show why there is no plan, or why an action was refused."""
        self._busy = False
        self.banner.show_error(error)
        self._update()

    def show_stopped(self) -> None:
        """Show that the rotation was stopped before it changed anything."""
        self._busy = False
        self.banner.show_info("Stopped. Nothing was changed.")
        self._update()

    def set_busy(self, busy: bool) -> None:
        """Show whether a step is running."""
        self._busy = busy
        self._update()

    def set_locked(self, reason: str) -> None:
        """Disable changes with a reason, or enable them with an empty one."""
        self._locked = reason
        self._update()

    def _show_found(self, text: str) -> None:
        self.found.setText(text)
        self.found.setVisible(bool(text))

    def _title(self, secret: str, note: str, pill: str, tone: str) -> None:
        name = secret.rpartition("/")[2] or secret
        self.head.set_title(f"Rotating {shown(name)}")
        self._started.setText(note)
        self.pill.set(pill, tone)

    def _show_problem(self, rotation: Rotation) -> None:
        self.banner.clear()
        problem = rotation.problem
        left = rotation.facts.still_old
        if problem is not None and rotation.outcome is not Outcome.DONE:
            self.banner.show_error(problem.error())
        elif left and rotation.outcome in {Outcome.DONE, Outcome.WAITING}:
            self.banner.show_warning(
                f"The old value is still in {', '.join(left)}",
                "It could not be replaced automatically, or you chose not to. Change it yourself.",
            )

    def _show_steps(self) -> None:
        assert self.rotation is not None
        rotation = self.rotation
        self.steps.show_steps([_step_text(rotation, record) for record in rotation.steps])

    # Actions

    def _update(self) -> None:
        wanted = self._wanted()
        focus = self.window().focusWidget()  # also correct while a dialog is open
        if any(focus is button and button not in wanted for button in self._buttons):
            self.steps.setFocus()  # else Qt focuses the next field, perhaps one of the secret
        for button in self._buttons:
            button.setVisible(button in wanted)
            # Stopping and refreshing write nothing, so they are possible while writing is locked.
            free = button in {self.stop, self.again}
            button.allow(free or not self._locked, "" if free else self._locked)
        self.hint.setText(self._hint())
        self.hint.setVisible(bool(self.hint.text()))
        places = replaced_copies(self.plan) if self.plan and not self._busy else ()
        self.copies.setVisible(bool(places))
        # Qt reads a single ampersand in the text of a check box as the mark of its access key.
        self.copies.setText(_copies_text(places).replace("&", "&&"))
        self.copies.setToolTip(shown("\n".join(places), lines=True))
        waiting = self.rotation is not None and self.rotation.due is not None and not self._busy
        (self._clock.start if waiting else self._clock.stop)()

    def _wanted(self) -> tuple[Button, ...]:
        if self._busy:
            return (self.stop,)
        if self.rotation is not None:
            return self._wanted_of(self.rotation)
        if self.plan is None:
            return (self.again,)
        return (self.again,) if self.plan.problem else (self.start,)

    def _wanted_of(self, rotation: Rotation) -> tuple[Button, ...]:
        if not rotation.outcome.open:
            return (self.again,)
        if rotation.outcome is Outcome.WAITING:
            last = rotation.finished(Step.DEACTIVATE)
            return (self.undo, self.delete if last else self.deactivate)
        if rotation.outcome is Outcome.UNDOING:
            return (self.undo,)
        return (self.undo, self.resume)

    def _hint(self) -> str:
        rotation = self.rotation
        if self.plan is not None:
            return "" if self.plan.problem else _BEFORE.get(self.plan.kind, _BEFORE_PROMOTION)
        if rotation is None:
            return ""
        if self._busy:
            return "It is safe to close the window: the rotation can be resumed or undone later."
        if not rotation.outcome.open:
            return end_text(rotation)
        return f"{valid_now(rotation)} Undo now: {undo_now(rotation)}"

    def _on_tick(self) -> None:
        if self.rotation is None or self.rotation.due is None:
            return
        self._show_steps()
        if self.rotation.due <= utc_now():
            # The owner resumes once; a read-only connection must not be asked every second.
            self._clock.stop()
            self.due.emit()


#: By kind; the others end with the promotion, after which only a rollback is possible.
_BEFORE = {
    RotationKind.IAM_KEY: "Every step can be resumed, and undone until the old key is deleted.",
    RotationKind.MANAGED: "A rotation that AWS has begun cannot be undone here.",
}
_BEFORE_PROMOTION = "Every step can be resumed, and undone until the new value is promoted."


def _copies_text(places: tuple[str, ...]) -> str:
    names, more = shown(", ".join(places[:_COPIES_SHOWN])), len(places) - _COPIES_SHOWN
    if more > 0:
        return f"Also replace the value in {names} and {more} more"
    return f"Also replace the value in {names}"


def _sentences(texts: Iterable[str]) -> str:
    """Return the texts of `core`, which have no full stop, as sentences."""
    return " ".join(f"{each}." for each in texts if each)


def _step_text(rotation: Rotation, record: StepRecord) -> StepText:
    """Return what a step has done, or what it will do."""
    plan = planned_step(rotation.kind, record.step)
    text = record.detail or plan.text
    bad = record.problem is not None
    if record.problem is not None:
        problem = record.problem
        text = " ".join(part for part in (problem.summary + ".", problem.remedy) if part)
    return StepText(
        record.step,
        title_of(rotation.kind, record.step),
        record.state,
        text,
        _time(rotation, record),
        bad,
        obsolete=not bad and _is_obsolete(rotation, record),
    )


def _is_obsolete(rotation: Rotation, record: StepRecord) -> bool:
    """Return whether the text of a step no longer applies."""
    undone = rotation.outcome in {Outcome.UNDONE, Outcome.LOST}
    waits = record.state in {StepState.WAITING, StepState.SKIPPED}
    return record.state is StepState.UNDONE or (undone and waits)


def _time(rotation: Rotation, record: StepRecord) -> str:
    if record.started and record.ended:
        return format_duration((record.ended - record.started).total_seconds())
    due = rotation.due
    if not rotation.outcome.open:
        return ""
    waiting = rotation.outcome is Outcome.WAITING and bool(record.detail)
    return _left(due) if due and waiting else ""


def _left(due: datetime) -> str:
    seconds = (due - utc_now()).total_seconds()
    return f"{format_duration(seconds)} left" if seconds > 0 else "due"
