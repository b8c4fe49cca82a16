"""A rotation recovers from every fault at every step without violating its invariants."""

import os

import pytest
from helpers.rotation_world import AT_ONCE, AtStep, World, resume_or_start
from helpers.wire_faults import FAULTS, Killed, Wire, on_the_wire

from core.model.rotation import Outcome, Step
from core.rotation.strategies.iam_key import IamKeyStrategy
from core.work import Work

#: A complete rotation has about sixty calls, which are divided among this many tests.
PARTS = 4
#: The ordinary run takes every fifth call; `make kills` takes all (ROTATION_KILLS=all).
ALL = os.environ.get("ROTATION_KILLS") == "all"
STRIDE = 1 if ALL else 5
#: The ordinary run takes every second one, so that each step and each fault occurs.
FAULTS_AT_STEPS = [
    (step, fault)
    for number, step in enumerate(IamKeyStrategy.steps)
    for fault in (FAULTS if ALL else FAULTS[number % 2 :: 2])
]


@pytest.mark.parametrize(("step", "fault"), FAULTS_AT_STEPS)
def test_a_fault_at_a_step(world: World, rotator, demo_s3, monkeypatch, step: Step, fault: str):
    # The test of a key goes on for a while: what lasts longer than that is another test.
    times = 1 if fault in {"lost", "killed"} or step is Step.TEST else 10
    rule = AtStep(step, fault, times)
    wire = Wire(rule)
    with on_the_wire(monkeypatch, wire):
        try:
            resume_or_start(rotator, world, Work(batch=rule.watch))
        except Killed:
            assert fault == "killed"
    assert rule.happened
    world.check_invariants()
    for _again in range(3):
        if rotator.history()[-1].outcome is not Outcome.DONE:
            resume_or_start(rotator, world)
            world.check_invariants()
    assert rotator.history()[-1].outcome is Outcome.DONE
    world.check_goal()
    left = f"strongroom-check/rotation-{rotator.history()[-1].id[:8]}"
    listed = demo_s3.list_objects_v2(Bucket="tentimecrypto", Prefix=left)
    assert listed["KeyCount"] == 0, "no test object stays"


@pytest.mark.parametrize("part", range(PARTS))
def test_every_answer_is_lost_once(world: World, rotator, monkeypatch, part: int):
    """Count the calls of a complete rotation, then lose the answer of each in a separate one."""
    counted = Wire()
    with on_the_wire(monkeypatch, counted):
        resume_or_start(rotator, world)
    for number, call in list(enumerate(counted.calls))[part :: PARTS * STRIDE]:
        wire = Wire(lambda call, number=number: "lost" if call.number == number else "")
        with on_the_wire(monkeypatch, wire):
            rotation = rotator.start(world.secret, now=AT_ONCE)
        world.check_invariants()
        if rotation.outcome is Outcome.STOPPED:
            rotation = resume_or_start(rotator, world)
        assert rotation.outcome is Outcome.DONE, (number, call, rotation.problem)
        world.check_goal()


@pytest.mark.parametrize("fault", ["denied", "expired"])
def test_a_key_that_never_works_is_taken_back(world: World, rotator, monkeypatch, fault):
    rule = AtStep(Step.TEST, fault, 1000)
    with on_the_wire(monkeypatch, Wire(rule)):
        rotation = rotator.start(world.secret, work=Work(batch=rule.watch))
    assert rotation.outcome is Outcome.UNDONE
    assert "does not work" in rotation.problem.summary
    world.check_as_before()


def test_a_test_that_meets_only_outages_is_not_taken_back(world: World, rotator, monkeypatch):
    rule = AtStep(Step.TEST, "500", 1000)
    with on_the_wire(monkeypatch, Wire(rule)):
        rotation = rotator.start(world.secret, work=Work(batch=rule.watch))
    assert rotation.outcome is Outcome.STOPPED
    assert rotation.problem.summary.startswith("The new key could not be tested: ")
    world.check_invariants()
    assert resume_or_start(rotator, world).outcome is Outcome.DONE
    world.check_goal()
