"""Death at every point of a rotation: whatever is left behind keeps the invariants, and a new
process goes on to the goal.

Most deaths are exceptions that Strongroom does not catch (see `helpers.wire_faults`); at the
boundary of each step a complete process is killed by SIGKILL.
`ROTATION_KILLS=all` (make kills) takes every point instead of a part of them.
"""

import os
from collections.abc import Callable
from typing import Any

import pytest
from helpers.commands import run_python
from helpers.rotation_world import AT_ONCE, World, resume_or_start
from helpers.wire_faults import Call, Killed, Wire, on_the_wire

import core.rotation.journal as journal_module
from core.model.rotation import Outcome, Step
from core.rotation.strategies.iam_key import IamKeyStrategy

ALL = os.environ.get("ROTATION_KILLS") == "all"
#: The ordinary run takes one of so many points; `make kills` takes all (ROTATION_KILLS=all).
STRIDE = 1 if ALL else 9
#: Steps and their states at which a process is killed; the ordinary run takes one state of each.
BOUNDARIES = [
    (step, state)
    for number, step in enumerate(IamKeyStrategy.steps)
    for state in (("running", "done") if ALL else (("running", "done")[number % 2],))
]


class Writes:
    """Replace the write of the journal; die before or after the write with that number."""

    def __init__(self, real: Callable[..., None], number: int = -1, *, after: bool = False) -> None:
        self._real, self._number, self._after = real, number, after
        self.count = 0

    def __call__(self, *arguments: Any) -> None:
        here = self.count == self._number
        self.count += 1
        if here and not self._after:
            raise Killed
        self._real(*arguments)
        if here:
            raise Killed


@pytest.fixture
def counted(world: World, rotator, monkeypatch):
    """Return how many calls and journal writes a complete rotation has."""
    wire, writes = Wire(), Writes(journal_module.write_durably)
    with on_the_wire(monkeypatch, wire), monkeypatch.context() as patch:
        patch.setattr(journal_module, "write_durably", writes)
        assert rotator.start(world.secret, now=AT_ONCE).outcome is Outcome.DONE
    return len(wire.calls), writes.count


def die_and_resume(world: World, rotator, start: Callable[[], Any], point: object) -> None:
    with pytest.raises(Killed):
        start()
    world.check_invariants()
    before = rotator.history()
    rotation = resume_or_start(rotator, world)
    assert rotation.outcome is Outcome.DONE, (point, rotation.problem)
    assert len(rotator.history()) <= len(before) + 1
    world.check_goal()


@pytest.mark.parametrize("fault", ["killed before", "killed"])
def test_death_at_a_call(world: World, rotator, monkeypatch, counted, fault):
    for number in range(counted[0] % STRIDE, counted[0], STRIDE):

        def rule(call: Call, number: int = number) -> str:
            return fault if call.number == number else ""

        def start(rule: Any = rule) -> None:
            with on_the_wire(monkeypatch, Wire(rule)):
                rotator.start(world.secret, now=AT_ONCE)

        die_and_resume(world, rotator, start, (fault, number))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_death_at_a_journal_write(world: World, rotator, monkeypatch, counted, after):
    for number in range(0, counted[1], STRIDE):

        def start(number: int = number) -> None:
            writes = Writes(journal_module.write_durably, number, after=after)
            with monkeypatch.context() as patch:
                patch.setattr(journal_module, "write_durably", writes)
                rotator.start(world.secret, now=AT_ONCE)

        die_and_resume(world, rotator, start, ("journal", number, after))


def test_death_while_undoing(world: World, rotator, monkeypatch):
    """Undoing, too, can be killed at each call and goes on."""
    counted = Wire()
    rotation = rotator.start(world.secret)
    with on_the_wire(monkeypatch, counted):
        rotator.undo(rotation)
    world.check_as_before()
    for number in range(0, len(counted.calls), STRIDE):
        rotation = rotator.start(world.secret)
        wire = Wire(lambda call, number=number: "killed" if call.number == number else "")
        with on_the_wire(monkeypatch, wire), pytest.raises(Killed):
            rotator.undo(rotation)
        world.check_invariants()
        again = rotator.unfinished()
        assert rotator.undo(again[-1]).outcome is Outcome.UNDONE
        world.check_as_before()


_VICTIM = """
import os, signal, sys
import core.rotation.journal as journal
from core.model.rotation import Step, StepState
step, state = Step(sys.argv[2]), StepState(sys.argv[3])
write = journal.RotationJournal.write
def deadly(self, rotation):
    write(self, rotation)
    if rotation.step(step).state is state:
        os.kill(os.getpid(), signal.SIGKILL)
journal.RotationJournal.write = deadly
from core.cli import main
sys.exit(main(["rotate", sys.argv[1], "--yes", "--grace", "0", "--delete-after", "0"]))
"""


_COMMAND = "import sys; from core.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.mark.parametrize(("step", "state"), BOUNDARIES)
def test_a_process_killed_at_a_boundary_is_resumed_by_command(
    world: World, demo_server, tmp_path, forks, step: Step, state: str
):
    if step is Step.SWITCH and state == "done":
        state = "skipped"  # no profile of this machine uses the key
    killed = run_python(forks, demo_server, tmp_path, _VICTIM, world.secret, step.value, state)
    assert killed.returncode == -9, killed.stderr
    world.check_invariants()
    arguments = ("rotate", world.secret, "--resume", "--yes", "--grace", "0", "--delete-after", "0")
    resumed = run_python(forks, demo_server, tmp_path, _COMMAND, *arguments)
    assert resumed.returncode == 0, resumed.stderr
    world.check_goal()
