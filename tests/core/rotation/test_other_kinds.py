"""Exchange keys are replaced by given ones, and secrets that AWS rotates are left to AWS."""

import json
from contextlib import suppress
from uuid import uuid4

import pytest
from botocore.httpsession import URLLib3Session
from helpers.aws_rotation import AwsRotation
from helpers.secret_world import SecretWorld
from helpers.state import stored_text
from helpers.wire_faults import FAULTS, Call, Killed, Wire, on_the_wire

from core.errors import NotSupported
from core.model.rotation import Outcome, Rotation, RotationKind, Step, StepState
from core.redaction import Secret
from core.rotation.journal import RotationJournal
from core.rotation.service import Rotator
from core.rotation.strategies.managed import ManagedStrategy
from core.work import CancelToken, Work

OLD = {
    "binance_api_key": "old-binance-key-0001",
    "binance_secret_key": "old-binance-secret-0001",
    "coinbase_api_key": "old-coinbase-key-0001",
    "coinbase_secret_key": "old-coinbase-secret-0001",
}
NEW = {
    "binance_api_key": Secret("new-binance-key-0002"),
    "binance_secret_key": Secret("new-binance-secret-0002"),
}
CHANGED = {**OLD, **{name: value.reveal() for name, value in NEW.items()}}


@pytest.fixture
def rotator(admin, journal: RotationJournal):
    return Rotator(admin, journal=journal)


class TestExchangeKeys:
    @pytest.fixture
    def world(self, demo_server):
        world = SecretWorld(demo_server, json.dumps(OLD, indent=3))
        yield world
        world.close()

    def test_a_new_pair_is_staged_and_promoted(self, world, rotator):
        assert rotator.plan(world.secret).kind is RotationKind.EXCHANGE
        rotation = rotator.start(world.secret, values=NEW)
        assert rotation.outcome is Outcome.DONE, rotation.problem
        output = rotation.step(Step.TEST).detail
        assert "binance_api_key, binance_secret_key can be read and differ" in output
        assert "not tested with the exchange" in output
        assert world.current_text() == json.dumps(CHANGED, indent=3)
        assert world.holder("AWSPENDING") == ""

    @pytest.mark.parametrize(
        ("values", "output"),
        [
            ({}, "No new keys were entered"),
            ({"kraken_api_key": Secret("something new")}, "has no field kraken_api_key"),
            ({"binance_api_key": Secret("something new")}, "without binance_secret_key"),
            ({**NEW, "binance_api_key": Secret(OLD["binance_api_key"])}, "is unchanged"),
            ({**NEW, "binance_api_key": Secret(" pasted with blanks\n")}, "has spaces around it"),
        ],
    )
    def test_what_cannot_be_right_is_refused(self, world, rotator, values, output):
        rotation = rotator.start(world.secret, values=values)
        assert rotation.outcome is Outcome.UNDONE
        assert output in rotation.problem.summary
        world.check_as_before()

    def test_killed_before_they_are_stored_they_are_lost_and_it_says_so(self, world, rotator):
        kill_at(rotator, world, Step.STAGE, StepState.RUNNING, values=NEW)
        rotation = rotator.resume(rotator.find(world.secret))
        assert rotation.outcome is Outcome.UNDONE
        assert rotation.problem.summary == "The new keys are lost"
        world.check_as_before()

    def test_pasted_again_it_goes_on(self, world, rotator):
        kill_at(rotator, world, Step.STAGE, StepState.RUNNING, values=NEW)
        rotation = rotator.resume(rotator.find(world.secret), values=NEW)
        assert rotation.outcome is Outcome.DONE
        assert world.stored() == CHANGED

    @pytest.mark.parametrize("step", [Step.TEST, Step.PROMOTE])
    @pytest.mark.parametrize("how", ["resume", "undo"])
    def test_killed_later_nothing_is_lost(self, world, rotator, step, how):
        kill_at(rotator, world, step, StepState.DONE, values=NEW)
        if how == "undo":
            assert rotator.undo(rotator.find(world.secret)).outcome is Outcome.UNDONE
            world.check_as_before()
        else:
            assert rotator.resume(rotator.find(world.secret)).outcome is Outcome.DONE
            assert world.stored() == CHANGED

    def test_they_are_not_in_the_journal(self, world, rotator, tmp_path):
        kill_at(rotator, world, Step.TEST, StepState.DONE, values=NEW)
        written = stored_text(tmp_path / "rotations")
        assert world.secret in written
        assert not [value for value in CHANGED.values() if value in written]

    @pytest.mark.parametrize("fault", ["lost", "killed"])
    def test_faults_at_every_call(self, world, rotator, monkeypatch, fault):
        for number in range(40):
            values = {name: Secret(f"{name}-of-attempt-{number}") for name in NEW}
            wire = Wire(lambda call, number=number: fault if call.number == number else "")
            with on_the_wire(monkeypatch, wire):
                begin(rotator, world, values)
            for rotation in rotator.unfinished():
                rotator.resume(rotation, values=values)
            assert world.holder("AWSPENDING") == ""
            if len(wire.calls) <= number:
                break
        assert len(wire.calls) <= number, "not every call was met"


def begin(rotator: Rotator, world: SecretWorld, values) -> None:
    with suppress(Killed):
        rotator.start(world.secret, values=values)


def kill_at(rotator: Rotator, world: SecretWorld, step: Step, state: StepState, **more) -> None:
    def die(rotation: Rotation) -> None:
        if rotation.step(step).state is state:
            raise Killed

    with pytest.raises(Killed):
        rotator.start(world.secret, work=Work(batch=die), **more)


class TestManagedByAws:
    @pytest.fixture
    def world(self, demo_server, monkeypatch):
        def quick(setup):
            return ManagedStrategy(setup.clients, watch_seconds=0.3, show_seconds=0.3, pause=0.01)

        monkeypatch.setattr(ManagedStrategy, "create", quick)
        world = SecretWorld(demo_server, '{"anything": "at all"}')
        name = world.secret
        world.vault.rotate_secret(SecretId=name, RotationRules={"AutomaticallyAfterDays": 30})
        world.vault.put_secret_value(SecretId=name, SecretString=world.text)
        world.aws = AwsRotation(world)

        def send(session, request):
            return world.aws.send(session, request)

        monkeypatch.setattr(URLLib3Session, "send", send)
        yield world
        world.close()

    def test_it_is_started_and_watched(self, world, rotator):
        plan = rotator.plan(world.secret)
        assert (plan.kind, plan.problem) == (RotationKind.MANAGED, None)
        rotation = rotator.start(world.secret, work=Work(batch=world.aws.watch))
        assert rotation.outcome is Outcome.DONE, rotation.problem
        assert world.holder("AWSCURRENT") == rotation.id

    def test_a_function_that_does_not_finish_is_reported_and_watched_again(self, world, rotator):
        rotation = rotator.start(world.secret)
        assert rotation.outcome is Outcome.STOPPED
        assert "has not finished" in rotation.problem.summary
        world.aws.finish(rotation.id)
        assert rotator.resume(rotation).outcome is Outcome.DONE

    def test_watching_can_be_cancelled_and_given_up(self, world, rotator):
        token = CancelToken()

        def stop(rotation: Rotation) -> None:
            if rotation.step(Step.PROMOTE).state is StepState.RUNNING:
                token.cancel()

        rotation = rotator.start(world.secret, work=Work(token=token, batch=stop))
        assert rotation.outcome is Outcome.STOPPED
        assert rotator.undo(rotation).outcome is Outcome.UNDONE
        assert world.holder("AWSPENDING") == rotation.id  # it is AWS's, not ours to take away

    def test_what_aws_has_rotated_is_not_undone_here(self, world, rotator):
        def finish_and_die(rotation: Rotation) -> None:
            world.aws.watch(rotation)
            if rotation.step(Step.PROMOTE).state is StepState.RUNNING:
                raise Killed

        with pytest.raises(Killed):
            rotator.start(world.secret, work=Work(batch=finish_and_die))
        rotation = rotator.undo(rotator.find(world.secret))
        assert rotation.outcome is Outcome.STOPPED
        assert rotation.problem.summary == "AWS has rotated the secret"
        assert rotator.resume(rotation).outcome is Outcome.DONE

    def test_an_unfinished_one_stands_in_the_way(self, world, rotator):
        world.aws.begin(str(uuid4()))
        rotation = rotator.start(world.secret)
        assert rotation.outcome is Outcome.UNDONE
        assert rotation.problem.kind == "CONFLICT"

    @pytest.mark.parametrize("fault", FAULTS)
    def test_it_is_asked_once_whatever_happens_to_the_answer(
        self, world, rotator, monkeypatch, fault
    ):
        met = []

        def once(call: Call) -> str:
            if call.operation == "RotateSecret" and not met:
                met.append(call)
                return fault
            return ""

        wire = Wire(once)
        with on_the_wire(monkeypatch, wire):
            try:
                rotation = rotator.start(world.secret, work=Work(batch=world.aws.watch))
            except Killed:
                rotation = rotator.find(world.secret)
            if rotation.outcome.open:
                rotation = rotator.resume(rotation, work=Work(batch=world.aws.watch))
        assert rotation.outcome is Outcome.DONE, rotation.problem
        asked = [call for call in wire.calls if call.operation == "RotateSecret"]
        assert len(asked) == (1 if fault in {"lost", "killed"} else 2)
        assert world.holder("AWSCURRENT") == rotation.id


def test_the_key_of_backups_is_never_rotated(rotator, admin):
    name, value = f"keys/{uuid4().hex}", {"backup_key": "a2V5", "algorithm": "AES-256-GCM"}
    admin.secrets().create_secret(Name=name, SecretString=json.dumps(value))
    with pytest.raises(NotSupported, match="is never rotated") as refused:
        rotator.kind_of(name)
    assert "another name" in refused.value.remedy
