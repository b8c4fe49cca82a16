"""Rotations of several profiles, whose secrets have the same names, and of values that are entered."""

from dataclasses import replace
from datetime import timedelta
from threading import Event
from uuid import uuid4

import pytest
from helpers.aws import connection
from helpers.credentials import STORAGE, opened, settled
from PySide6.QtWidgets import QLabel

from core.errors import NotFound
from core.model.connection import ProfileColour
from core.model.rotation import (
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
from core.rotation.strategies import steps_of
from core.units import utc_now
from core.workspace import Workspace
from gui.dialogs.confirm import Confirm
from gui.tabs.credentials.rotation.rotation_actions import NewValues


def rotation(kind=RotationKind.IAM_KEY, **more):
    now = utc_now()
    base = Rotation(str(uuid4()), kind, STORAGE, now, now)
    return replace(base, steps=tuple(StepRecord(step) for step in steps_of(kind)), **more)


class Rotations:
    """A rotator of one profile: what it finds, and what it was asked to do."""

    def __init__(self):
        self.found = None
        self.resumed = []

    def find(self, secret, *, work):
        work.check()
        if self.found is None:
            raise NotFound("There is none", subject=secret)
        return self.found

    def unfinished_here(self, *, work):
        work.check()
        return ()

    def plan(self, secret, *, work):
        work.check()
        return RotationPlan(RotationKind.IAM_KEY, secret, "arn:me", Facts(), ())

    def fields_of(self, secret, *, work):
        work.check()
        assert secret == STORAGE
        return ("binance_api_key", "binance_secret_key")

    def resume(self, found, *, values, now, work):
        work.check()
        assert not now
        self.resumed.append((found, values))
        return replace(found, outcome=Outcome.DONE)


@pytest.fixture
def rotators(tab, monkeypatch):
    """The rotators by the name of the profile."""
    made = {"test": Rotations(), "other": Rotations()}
    monkeypatch.setattr(tab.rotation, "_rotator", lambda workspace: made[workspace.profile.name])
    return made


@pytest.fixture
def choose(tab, context, qtbot):
    def choose(name):
        former = context.workspace
        context.set_workspace(Workspace.open(connection(name=name, colour=ProfileColour.GREEN)))
        former.close()
        qtbot.waitUntil(lambda: tab.rotation.secret == "")

    return choose


def test_a_running_rotation_is_not_shown_for_the_secret_of_another_profile(
    tab, qtbot, rotators, choose
):
    go, running = Event(), rotation()

    def act(_rotator, work):
        work.batch(running)
        go.wait(20)
        return replace(running, outcome=Outcome.WAITING, due=utc_now() + timedelta(hours=1))

    tab.rotation.secret = STORAGE
    tab.rotation._work("rotation.start", STORAGE, act)
    qtbot.waitUntil(lambda: tab.rotation_pane.rotation is running)
    choose("other")
    tab.rotation.open(STORAGE)
    qtbot.waitUntil(lambda: tab.rotation_pane.plan is not None)
    assert tab.rotation_pane.start.isVisibleTo(tab)
    assert tab.rotation_pane.stop.isHidden()

    choose("test")
    tab.rotation.open(STORAGE)
    assert tab.rotation_pane.rotation is running
    assert tab.rotation_pane.stop.isVisibleTo(tab)
    rotators["test"].found = waiting = replace(running, outcome=Outcome.WAITING)
    go.set()
    qtbot.waitUntil(lambda: tab.rotation_pane.rotation is waiting)
    assert tab.rotation_pane.stop.isHidden()


def test_a_grace_period_that_ends_after_the_profile_was_changed_continues_nothing(
    tab, qtbot, rotators, choose
):
    rotators["test"].found = rotation(outcome=Outcome.WAITING, due=utc_now() + timedelta(hours=1))
    tab.rotation.open(STORAGE)
    qtbot.waitUntil(lambda: tab.rotation_pane.rotation is not None)
    assert tab.rotation_pane._clock.isActive()
    choose("other")
    assert not tab.rotation_pane._clock.isActive()
    assert tab.rotation_pane.rotation is None
    tab.rotation_pane.due.emit()
    settled(qtbot, tab)
    assert not rotators["other"].resumed
    assert not rotators["test"].resumed


@pytest.mark.parametrize("state", [StepState.FAILED, StepState.DONE])
def test_keys_of_an_exchange_are_entered_again_unless_they_are_staged(tab, qtbot, rotators, state):
    stopped = rotation(RotationKind.EXCHANGE, outcome=Outcome.STOPPED)
    problem = (
        Problem("THROTTLED", "The server refuses more requests") if state.name == "FAILED" else None
    )
    stopped = stopped.with_step(StepRecord(Step.STAGE, state, problem=problem))
    rotators["test"].found = stopped
    tab.rotation.open(STORAGE)
    qtbot.waitUntil(lambda: tab.rotation_pane.rotation is stopped)
    tab.rotation_pane.resume.click()
    if state is StepState.FAILED:
        dialog = opened(qtbot, tab, NewValues)
        assert not rotators["test"].resumed
        dialog.fields["binance_api_key"].setText("a new key")
        dialog.go.click()
    qtbot.waitUntil(lambda: bool(rotators["test"].resumed))
    settled(qtbot, tab)
    ((found, values),) = rotators["test"].resumed
    assert found is stopped
    entered = {name: value.reveal() for name, value in (values or {}).items()}
    assert entered == ({"binance_api_key": "a new key"} if state is StepState.FAILED else {})


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (RotationKind.DATABASE, "The old value becomes current again"),
        (RotationKind.MANAGED, "AWS is not stopped"),
    ],
)
def test_the_question_about_an_undo_promises_what_it_does(tab, qtbot, rotators, kind, text):
    rotators["test"].found = stopped = rotation(kind, outcome=Outcome.STOPPED)
    tab.rotation.open(STORAGE)
    qtbot.waitUntil(lambda: tab.rotation_pane.rotation is stopped)
    tab.rotation_pane.undo.click()
    question = opened(qtbot, tab, Confirm)
    assert text in " ".join(label.text() for label in question.findChildren(QLabel))
    question.reject()
