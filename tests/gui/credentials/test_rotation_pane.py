"""The rotation pane shows the state and the actions of each point of a rotation."""

from dataclasses import replace
from datetime import timedelta

import pytest
from helpers.widget_tree import labels_with_html, unnamed
from PySide6.QtWidgets import QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from core.errors import AccessDenied, StorageError
from core.model.rotation import (
    Copy,
    CopyForm,
    Facts,
    Outcome,
    Problem,
    Rotation,
    RotationKind,
    RotationPlan,
    Step,
    StepRecord,
    StepState,
)
from core.rotation.step_texts import planned_step
from core.rotation.strategies.iam_key import IamKeyStrategy
from core.rotation.strategies.managed import ManagedStrategy
from core.units import utc_now
from gui.dialogs.confirm import ask
from gui.tabs.credentials.rotation.rotation_actions import NewValues
from gui.tabs.credentials.rotation.rotation_pane import RotationPane

SECRET = "cryptotrading/s3-storage"
FACTS = Facts(user="s3-bot", old_key_id="AKIAOLD", new_key_id="AKIANEW")


def rotation(done=0, outcome=Outcome.RUNNING, **more):
    now = utc_now()
    steps = [StepRecord(step) for step in IamKeyStrategy.steps]
    for number in range(done):
        steps[number] = replace(
            steps[number], state=StepState.DONE, started=now, ended=now, detail=f"did {number}"
        )
    base = Rotation(
        "00000000-0000-4000-8000-000000000000",
        RotationKind.IAM_KEY,
        SECRET,
        now,
        now,
        by="arn:aws:iam::1:user/strongroom-admin",
        outcome=outcome,
        steps=tuple(steps),
        facts=FACTS,
    )
    return replace(base, **more)


def plan(**more):
    steps = tuple(planned_step(RotationKind.IAM_KEY, step) for step in IamKeyStrategy.steps)
    return RotationPlan(RotationKind.IAM_KEY, SECRET, "arn:…:user/me", FACTS, steps, **more)


@pytest.fixture
def pane(themed, qtbot):
    pane = RotationPane()
    qtbot.addWidget(pane)
    pane.resize(500, 700)
    pane.show()
    return pane


def offered(pane):
    return {button.text() for button in pane._buttons if button.isVisible()}


def test_the_plan_says_what_each_step_will_do_and_what_dies_with_the_key(pane, qtbot):
    pane.show_plan(plan(), ("2 links made here die with the old key",))
    assert offered(pane) == {"Start rotation"}
    assert "A lost answer" in pane.steps.lines[Step.CREATE].text.text()
    assert "Before you start" in pane.banner.text
    assert unnamed(pane) == []
    assert labels_with_html(pane) == []
    with qtbot.waitSignal(pane.start_clicked):
        pane.start.click()


def test_what_was_found_is_no_warning(pane):
    pane.show_plan(plan(found="bot has one key"))
    assert pane.found.text() == "bot has one key."  # a name keeps its letters
    assert not pane.banner.text, "it would float above the steps"
    pane.show_plan(plan(found="bot has one key", notes=("It is refused already",)))
    assert "Before you start" in pane.banner.text
    assert "bot has one key. It is refused already." in pane.banner.accessibleName()
    assert not pane.found.isVisible()


def test_what_stands_in_the_way_is_reported_instead_of_a_start(pane):
    problem = Problem.of(AccessDenied("iam:CreateAccessKey is not allowed", remedy="Ask."))
    pane.show_plan(plan(problem=problem))
    assert offered(pane) == {"Refresh"}
    assert pane.banner.text == "iam:CreateAccessKey is not allowed"


def test_a_running_rotation_shows_each_step_and_can_be_stopped(pane):
    running = rotation(3)
    running = running.with_step(StepRecord(Step.TEST, StepState.RUNNING, started=utc_now()))
    pane.show_rotation(running, busy=True)
    assert offered(pane) == {"Stop"}
    states = [line.sign.accessibleName() for line in pane.steps.lines.values()]
    assert states == ["done"] * 3 + ["running"] + ["waiting"] * 4
    assert pane.steps.lines[Step.CREATE].text.text() == "did 1"
    assert "safe" in pane.hint.text()


def test_a_failed_step_reports_cause_and_remedy_and_offers_both_ways(pane):
    problem = Problem.of(StorageError("The endpoint cannot be reached", remedy="Check it."))
    failed = StepRecord(Step.STAGE, StepState.FAILED, utc_now(), utc_now(), "x", problem)
    pane.show_rotation(rotation(2, Outcome.STOPPED).with_step(failed), busy=False)
    assert offered(pane) == {"Undo…", "Resume"}
    assert "Check it." in pane.steps.lines[Step.STAGE].text.text()
    assert pane.hint.text() == (
        "Programs still read the old key. Undo now: Remove the new key. Remove AWSPENDING."
    )
    assert pane.banner.failed


@pytest.mark.parametrize(
    ("done", "button", "step"),
    [(6, "Deactivate now…", Step.DEACTIVATE), (7, "Delete old key…", Step.DELETE)],
)
def test_a_waiting_rotation_counts_down_and_need_not_wait(pane, qtbot, done, button, step):
    waiting = rotation(done, Outcome.WAITING, due=utc_now() + timedelta(minutes=50, seconds=5))
    waiting = waiting.with_step(StepRecord(step, detail="Applications may still use the old key"))
    pane.show_rotation(waiting, busy=False)
    assert offered(pane) == {"Undo…", button}
    assert pane.steps.lines[step].time.text().startswith("50 min")
    assert pane._clock.isActive()
    with qtbot.waitSignal(pane.now_clicked) as clicked:
        next(each for each in pane._buttons if each.text() == button).click()
    assert clicked.args == [step]
    pane.show_rotation(replace(waiting, due=utc_now()), busy=False)
    with qtbot.waitSignal(pane.due):
        pass


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (Outcome.DONE, "complete"),
        (Outcome.UNDONE, "were undone"),
        (Outcome.LOST, "Another client changed the secret first"),
    ],
)
def test_an_ended_rotation_says_how_it_ended(pane, outcome, text):
    pane.show_rotation(rotation(8, outcome), busy=False)
    assert offered(pane) == {"Refresh"}
    assert text in pane.hint.text()


@pytest.mark.parametrize("outcome", [Outcome.UNDONE, Outcome.LOST])
def test_after_an_undo_what_no_longer_applies_is_struck_out(pane, outcome):
    undone = rotation(6, outcome, due=utc_now() + timedelta(hours=1))
    for record in undone.steps[:6]:
        undone = undone.with_step(replace(record, state=StepState.UNDONE))
    waited = "Applications may still use the old key for 1 h 4 min"
    undone = undone.with_step(StepRecord(Step.DEACTIVATE, detail=waited))
    failed = Problem("ACCESS_DENIED", "It was refused", remedy="Grant it.")
    undone = undone.with_step(StepRecord(Step.TEST, state=StepState.FAILED, problem=failed))
    pane.show_rotation(undone, busy=False)
    struck = {step for step, line in pane.steps.lines.items() if line.text.font().strikeOut()}
    assert struck == set(pane.steps.lines) - {Step.TEST}
    line = pane.steps.lines[Step.DEACTIVATE]
    assert line.accessibleDescription() == f"No longer applies: {waited}"
    assert line.time.text() == ""
    pane.show_rotation(rotation(6, Outcome.WAITING), busy=False)
    assert not line.text.font().strikeOut()


def test_ids_are_short_and_complete_in_the_tooltip_and_in_the_clipboard(pane, qapp):
    shown = rotation(3)
    long = f"version {shown.id}; beside it"
    shown = shown.with_step(replace(shown.steps[2], detail=long))
    pane.show_rotation(shown, busy=False)
    text = pane.steps.lines[shown.steps[2].step].text
    assert text.text() == "version 0000…0000; beside it"
    assert long in text.toolTip()
    text.actions()[0].trigger()
    assert qapp.clipboard().text() == long


def test_the_name_of_the_secret_is_complete_in_a_narrow_window(pane, qtbot):
    pane.resize(324, 500)
    pane.show_plan(plan())
    title = pane.head._title
    assert title.text() == "Rotating s3-storage"
    needed = title.fontMetrics().horizontalAdvance(title.text())
    qtbot.waitUntil(lambda: title.width() >= needed)


def test_a_read_only_profile_may_look_but_not_act(pane):
    pane.show_plan(plan())
    pane.set_locked("The profile is read-only: unlock it first.")
    assert not pane.start.isEnabled()
    assert "read-only" in pane.start.toolTip()
    pane.show_rotation(rotation(3, Outcome.STOPPED), busy=False)
    assert not pane.resume.isEnabled()
    assert not pane.undo.isEnabled()


def test_new_values_are_hidden_and_leave_the_form_when_they_are_handed_on(themed, qtbot):
    got = []
    parent = RotationPane()
    qtbot.addWidget(parent)
    dialog = NewValues(parent, "cryptotrading/exchange-keys", ("a_key", "b_key"), got.append)
    assert not dialog.go.isEnabled()
    dialog.fields["a_key"].setText("the new key itself")
    assert dialog.fields["a_key"].echoMode() == dialog.fields["a_key"].EchoMode.Password
    dialog.accept()
    assert [{name: value.reveal() for name, value in values.items()} for values in got] == [
        {"a_key": "the new key itself"}
    ]


COPIES = (
    Copy("url", CopyForm.URL, replaceable=True),
    Copy("a&b", CopyForm.COMPLETE, replaceable=True),
    Copy("notes", CopyForm.TEXT, replaceable=False),
)


def test_copies_of_the_value_are_named_and_replaced_unless_unchecked(pane):
    pane.show_plan(plan(copies=COPIES))
    assert not pane.copies.isHidden()
    assert pane.copies.text() == "Also replace the value in url, a&&b"
    assert pane.copies.isChecked()
    assert not pane.keep_copies
    output = pane.banner.accessibleName()
    assert "url holds the same value (inside a URL); it is also replaced" in output
    assert "notes holds the same value (inside a longer text); change it yourself" in output
    pane.copies.click()
    assert pane.keep_copies
    output = pane.banner.accessibleName()
    assert "url holds the same value (inside a URL); change it yourself" in output
    pane.show_plan(plan())
    assert pane.copies.isHidden()
    assert not pane.keep_copies


def test_a_long_list_of_copies_is_cut(pane):
    many = tuple(Copy(f"field{n}", CopyForm.COMPLETE, replaceable=True) for n in range(9))
    pane.show_plan(plan(copies=many))
    assert pane.copies.text() == "Also replace the value in field0, field1, field2 and 6 more"
    assert "field8" in pane.copies.toolTip()


@pytest.mark.parametrize("outcome", [Outcome.DONE, Outcome.WAITING])
def test_the_result_names_what_still_holds_the_old_value(pane, outcome):
    left = replace(FACTS, still_old=("notes", "list[0]"))
    pane.show_rotation(rotation(8, outcome, facts=left), busy=False)
    assert "The old value is still in notes, list[0]" in pane.banner.accessibleName()
    assert pane.copies.isHidden()


def test_the_focus_never_goes_from_a_button_that_disappears_to_a_field_outside(themed, qtbot):
    pane, window = RotationPane(), QWidget()
    qtbot.addWidget(window)
    box = QVBoxLayout(window)
    box.addWidget(pane)
    box.addWidget(QLineEdit())
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    pane.show_plan(plan())
    pane.start.setFocus()
    pane.set_busy(busy=True)
    assert pane.steps.hasFocus()
    pane.stop.setFocus()
    pane.show_rotation(rotation(3), busy=False)
    assert pane.steps.hasFocus()


def test_the_focus_stays_in_the_cockpit_after_a_question_about_an_undo(themed, qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    box, pane = QVBoxLayout(window), RotationPane()
    box.addWidget(QLineEdit())
    box.addWidget(pane)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    pane.show_rotation(rotation(3), busy=False)
    pane.undo.setFocus()
    question = ask(window, "Undo?", "", lambda: pane.set_busy(busy=True))
    question.activateWindow()
    question.accept()
    assert window.focusWidget() is pane.steps


def test_buttons_that_are_not_shown_do_not_make_the_tab_wider(themed, qtbot):
    stack = QStackedWidget()
    qtbot.addWidget(stack)
    stack.addWidget(QWidget())
    stack.addWidget(pane := RotationPane())
    assert stack.minimumSizeHint().width() < 300
    pane.set_locked("The profile is locked.")
    stack.show()
    assert stack.minimumSizeHint().width() < 300


def test_the_last_button_is_at_the_right_edge_in_every_state(pane, qtbot):
    def right_edge():
        pane.layout().activate()
        shown = [button for button in pane._buttons if button.isVisible()]
        return max(button.geometry().right() for button in shown)

    pane.show_plan(plan())
    edge = right_edge()
    for state, busy in ((rotation(3), True), (rotation(6, Outcome.WAITING), False)):
        pane.show_rotation(state, busy=busy)
        qtbot.waitUntil(lambda: right_edge() == edge)


def test_the_plan_does_not_promise_to_undo_the_deletion_of_the_old_key(pane):
    pane.show_plan(plan())
    assert "until the old key is deleted" in pane.hint.text()
    for kind in (RotationKind.DATABASE, RotationKind.EXCHANGE):
        pane.show_plan(replace(plan(), kind=kind))
        assert "until the new value is promoted" in pane.hint.text()
    pane.show_plan(replace(plan(), kind=RotationKind.MANAGED))
    assert "cannot be undone" in pane.hint.text()


def test_a_rotation_by_aws_is_not_said_to_be_undone(pane):
    steps = tuple(StepRecord(step) for step in ManagedStrategy.steps)
    aws = rotation(outcome=Outcome.UNDONE, kind=RotationKind.MANAGED, steps=steps)
    pane.show_rotation(aws, busy=False)
    assert pane.hint.text() == "All changes were undone."
    aws = aws.with_step(StepRecord(Step.APPLY, StepState.UNDONE))
    pane.show_rotation(aws, busy=False)
    assert "may still complete its rotation" in pane.hint.text()
    assert "were undone" not in pane.hint.text()
