"""The password of a real database is rotated in steps, also after a kill, and the change is undone.

At every point readers get a password that works, or one is pending that does.
"""

import json
import os
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from helpers.commands import run_python
from helpers.database_world import DatabaseWorld
from helpers.databases import mariadb_server, postgresql_server  # noqa: F401 - fixtures
from helpers.state import stored_text
from helpers.wire_faults import Call, Killed, Wire, on_the_wire

from core.doctor.doctor import Doctor
from core.doctor.repairs import Repairer
from core.errors import Offline
from core.model.doctor import RepairKind
from core.model.rotation import Outcome, Rotation, RotationKind, RotationTiming, Step, StepState
from core.rotation.databases import login_for
from core.rotation.journal import RotationJournal
from core.rotation.service import Rotator
from core.work import CancelToken, Work

pytestmark = pytest.mark.db
QUICK = RotationTiming(test_seconds=0.3, successes=3, pause=0.01, grace=timedelta(0))
#: Of so many calls one is met by a fault in the ordinary run; `make kills` takes all.
STRIDE = 1 if os.environ.get("ROTATION_KILLS") == "all" else 12
BOUNDARIES = (
    (Step.STAGE, StepState.DONE),
    (Step.APPLY, StepState.RUNNING),
    (Step.APPLY, StepState.DONE),
    (Step.TEST, StepState.DONE),
    (Step.PROMOTE, StepState.DONE),
)


@pytest.fixture(params=("postgresql", "mariadb"))
def world(request, demo_server):
    server = request.getfixturevalue(f"{request.param}_server")
    world = DatabaseWorld(demo_server, server.login())
    yield world
    world.close()


@pytest.fixture
def rotator(admin, journal):
    return Rotator(admin, journal=journal, timing=QUICK)


def test_a_password_is_rotated(world: DatabaseWorld, rotator):
    plan = rotator.plan(world.secret)
    assert plan.kind is RotationKind.DATABASE
    assert plan.problem is None
    assert "signs in with the current password" in plan.found
    world.check_as_before()
    seen: list[Rotation] = []
    rotation = rotator.start(world.secret, work=Work(batch=seen.append))
    assert rotation.outcome is Outcome.DONE, rotation.problem
    assert rotation.step(Step.TEST).detail.startswith("signed in 3 times")
    world.check_goal()
    second = rotator.start(world.secret)
    assert second.outcome is Outcome.DONE


def test_the_password_is_in_no_log_and_no_command_line(world: DatabaseWorld, rotator, tmp_path):
    lines: list[str] = []

    def look(_rotation: Rotation) -> None:
        for place in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                with suppress(OSError):
                    lines.append((place / name).read_bytes().decode(errors="replace"))

    rotation = rotator.start(world.secret, work=Work(batch=look))
    new = world.check_goal()
    server, output = world.user.server, repr(rotation)
    written = stored_text(tmp_path / "rotations")
    assert world.secret in written
    for password in (new, world.user.password):
        for form in (password, json.dumps(password)[1:-1], password.replace("'", "''")):
            assert form not in output + written
            assert not [line for line in lines if form in line]
            if password == new:  # the other one was set by the test itself
                assert form not in server.logs
    change = "ALTER ROLE" if server.engine == "postgresql" else "SET PASSWORD"
    assert change in server.logs  # they hold every statement: also Strongroom's change


def test_a_failed_test_is_rolled_back_at_once(world: DatabaseWorld, rotator):
    """The database locks the user out after the change, and lets it in while it is undone."""
    server, seen = world.user.server, []

    def change_concurrently(rotation: Rotation) -> None:
        if rotation.step(Step.TEST).state is StepState.RUNNING and not seen:
            seen.append(rotation)
            assert server.accepts(world.user, world.stored(VersionId=rotation.id)["password"])
            assert not server.accepts(world.user, world.user.password)
            server.let_in(world.user, allowed=False)
        if rotation.outcome is Outcome.UNDOING:
            server.let_in(world.user, allowed=True)

    rotation = rotator.start(world.secret, work=Work(batch=change_concurrently))
    assert seen
    assert rotation.outcome is Outcome.UNDONE
    assert rotation.step(Step.TEST).state is StepState.FAILED
    assert rotation.step(Step.APPLY).state is StepState.UNDONE
    assert rotation.problem.summary.startswith("The new password does not work")
    world.check_as_before()
    assert not server.accepts(world.user, world.stored(VersionId=rotation.id)["password"])


def test_an_undo_that_cannot_reach_the_user_goes_on_later(world: DatabaseWorld, rotator):
    server = world.user.server

    def lock_out(rotation: Rotation) -> None:
        if rotation.step(Step.TEST).state is StepState.RUNNING:
            server.let_in(world.user, allowed=False)

    rotation = rotator.start(world.secret, work=Work(batch=lock_out))
    assert rotation.outcome is Outcome.UNDOING
    assert rotation.problem is not None
    server.let_in(world.user, allowed=True)
    assert rotator.undo(rotation).outcome is Outcome.UNDONE
    world.check_as_before()


def test_a_wrong_password_is_reported_before_anything_is_done(world: DatabaseWorld, rotator):
    text = world.text.replace(json.dumps(world.user.password), '"another one"')
    world.vault.put_secret_value(SecretId=world.secret, SecretString=text)
    rotation = rotator.start(world.secret)
    assert rotation.outcome is Outcome.UNDONE
    assert rotation.problem.kind == "CREDENTIALS_INVALID"
    assert world.holder("AWSPENDING") == ""


@pytest.mark.parametrize("how", ["resume", "undo"])
@pytest.mark.parametrize("boundary", BOUNDARIES, ids=lambda at: f"{at[0].value}-{at[1].value}")
def test_death_at_a_boundary(world: DatabaseWorld, rotator, boundary, how: str):
    step, state = boundary

    def die(rotation: Rotation) -> None:
        if rotation.step(step).state is state:
            raise Killed

    with pytest.raises(Killed):
        rotator.start(world.secret, work=Work(batch=die))
    world.check_invariant()
    if how == "undo":
        assert rotator.undo(rotator.find(world.secret)).outcome is Outcome.UNDONE
        world.check_as_before()
        return
    assert rotator.resume(rotator.find(world.secret)).outcome is Outcome.DONE
    world.check_goal()


@pytest.mark.parametrize("fault", ["killed", "lost", "500"])
def test_faults_at_every_call(world: DatabaseWorld, rotator, monkeypatch, fault: str):
    """A call to AWS dies, is lost, or fails: going on ends in the goal each time."""
    counted = Wire()
    with on_the_wire(monkeypatch, counted):
        assert rotator.start(world.secret).outcome is Outcome.DONE
    for number in range(len(fault) % STRIDE, len(counted.calls), STRIDE):
        before = world.stored()["password"]

        def rule(call: Call, number: int = number) -> str:
            return fault if call.number == number else ""

        with on_the_wire(monkeypatch, Wire(rule)), suppress(Killed):
            rotator.start(world.secret)
        world.check_invariant()
        for rotation in rotator.unfinished():
            assert rotator.resume(rotation).outcome is Outcome.DONE
        world.check_invariant()
        assert world.holder("AWSPENDING") in {"", world.holder("AWSCURRENT")}
        after = world.stored()["password"]
        assert after != before or fault == "killed"
        assert world.user.server.accepts(world.user, after)


@pytest.mark.parametrize(
    "end", [Offline("The connection ended."), Killed()], ids=["lost", "killed"]
)
def test_the_change_takes_place_and_no_one_hears(world: DatabaseWorld, rotator, monkeypatch, end):
    """Its answer is lost, or the process dies before it is journalled: resuming sees it."""
    real = type(login_for(world.user.values))
    change, ends = real.change, [end]

    def deaf(self, *arguments) -> None:
        change(self, *arguments)
        if ends:
            raise ends.pop()

    monkeypatch.setattr(real, "change", deaf)
    with suppress(Killed):
        assert rotator.start(world.secret).outcome is Outcome.STOPPED
    world.check_invariant()
    rotation = rotator.resume(rotator.find(world.secret))
    assert rotation.outcome is Outcome.DONE
    assert rotation.step(Step.APPLY).detail == "the database already has the new password"
    world.check_goal()


def test_someone_edits_the_secret_concurrently(world: DatabaseWorld, rotator):
    """Their version stays current, and the database takes the password that it holds."""
    edited = world.text.replace('"note"', '"comment"')

    def edit(rotation: Rotation) -> None:
        if rotation.step(Step.PROMOTE).state is StepState.RUNNING:
            world.vault.put_secret_value(SecretId=world.secret, SecretString=edited)

    rotation = rotator.start(world.secret, work=Work(batch=edit))
    assert rotation.outcome is Outcome.LOST
    assert world.current_text() == edited
    assert world.user.server.accepts(world.user, world.user.password)
    assert world.holder("AWSPENDING") == ""


def test_two_begin_at_once_and_one_is_reported(world: DatabaseWorld, rotator, admin, tmp_path):
    other = Rotator(admin, journal=RotationJournal(tmp_path / "other"), timing=QUICK)
    output = []

    def begin(rotation: Rotation) -> None:
        if rotation.step(Step.APPLY).state is StepState.RUNNING and not output:
            output.append(other.start(world.secret))

    assert rotator.start(world.secret, work=Work(batch=begin)).outcome is Outcome.DONE
    assert output[0].outcome is Outcome.UNDONE
    assert output[0].problem.kind == "CONFLICT"
    world.check_goal()


def test_a_stopped_rotation_is_resumed(world: DatabaseWorld, rotator):
    token = CancelToken()

    def stop(rotation: Rotation) -> None:
        if rotation.step(Step.APPLY).state is StepState.DONE:
            token.cancel()

    rotation = rotator.start(world.secret, work=replace(Work(batch=stop), token=token))
    assert rotation.outcome is Outcome.STOPPED
    assert rotator.resume(rotation).outcome is Outcome.DONE
    world.check_goal()


_VICTIM = """
import os, signal, sys
import core.rotation.journal as journal
from core.model.rotation import Step, StepState
write = journal.RotationJournal.write
def deadly(self, rotation):
    write(self, rotation)
    if rotation.step(Step.TEST).state is StepState.RUNNING:
        os.kill(os.getpid(), signal.SIGKILL)
journal.RotationJournal.write = deadly
from core.cli import main
sys.exit(main(["rotate", sys.argv[1], "--yes"]))
"""
_COMMAND = "import sys; from core.cli import main; sys.exit(main(sys.argv[1:]))"


def test_a_process_killed_after_the_change_is_resumed_by_command(
    world, demo_server, tmp_path, forks
):
    killed = run_python(forks, demo_server, tmp_path, _VICTIM, world.secret)
    assert killed.returncode == -9, killed.stderr
    assert not world.user.server.accepts(world.user, world.user.password)
    world.check_invariant()
    resumed = run_python(
        forks, demo_server, tmp_path, _COMMAND, "rotate", world.secret, "--resume", "--yes"
    )
    assert resumed.returncode == 0, resumed.stderr
    new = world.check_goal()
    output = killed.stdout + killed.stderr + resumed.stdout + resumed.stderr
    assert new not in output
    assert world.user.password not in output


def die_in(rotator: Rotator, world: DatabaseWorld, step: Step) -> None:
    """Begin a rotation and die when a step begins."""

    def die(rotation: Rotation) -> None:
        if rotation.step(step).state is StepState.RUNNING:
            raise Killed

    with pytest.raises(Killed):
        rotator.start(world.secret, work=Work(batch=die))


def test_the_doctor_of_another_machine_never_discards_a_live_password(
    world: DatabaseWorld, rotator, admin, tmp_path
):
    die_in(rotator, world, Step.TEST)
    other = Rotator(admin, journal=RotationJournal(tmp_path / "other"), timing=QUICK)
    [finding] = Doctor(admin, other).examine(world.secret).findings
    [repair] = finding.repairs
    assert repair.kind is RepairKind.CONTINUE
    assert "The database accepts its password" in finding.detail
    assert Repairer(admin, other).repair(finding, repair).endswith("is done")
    world.check_goal()


def test_a_pending_password_that_was_never_set_can_be_discarded(
    world: DatabaseWorld, rotator, admin, tmp_path
):
    die_in(rotator, world, Step.APPLY)
    other = Rotator(admin, journal=RotationJournal(tmp_path / "other"), timing=QUICK)
    [finding] = Doctor(admin, other).examine(world.secret).findings
    [repair] = finding.repairs
    assert repair.kind is RepairKind.DISCARD
    Repairer(admin, other).repair(finding, repair)
    assert other.start(world.secret).outcome is Outcome.DONE
