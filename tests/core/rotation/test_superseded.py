"""A rotation is resumed safely after another administrator has rotated the same secret."""

from dataclasses import replace

import pytest
from helpers.rotation_world import AT_ONCE
from helpers.wire_faults import Call, Killed, Wire, on_the_wire

from core.model.rotation import Outcome, Step, StepState
from core.rotation import stages
from core.rotation.journal import RotationJournal
from core.work import Work


class At:
    """Dies at the answer of one operation, the first time it is called."""

    def __init__(self, operation: str) -> None:
        self._operation = operation

    def __call__(self, call: Call) -> str:
        return "killed" if call.operation == self._operation else ""


def dying(monkeypatch, operation, act):
    with on_the_wire(monkeypatch, Wire(At(operation))), pytest.raises(Killed):
        act()


@pytest.fixture
def two(world, admin, tmp_path):
    """Two rotators with separate journals."""
    return tuple(world.rotator(admin, RotationJournal(tmp_path / name)) for name in "ab")


@pytest.fixture
def died_in_its_undo(two, world, monkeypatch):
    """The first one has died in its undo, after the deletion of the key that it had made."""
    first, second = two
    waiting = first.start(world.secret)
    assert waiting.outcome is Outcome.WAITING
    dying(monkeypatch, "DeleteAccessKey", lambda: first.undo(waiting))
    assert first.find(world.secret).outcome is Outcome.UNDOING
    return first, second


def test_an_undo_ends_though_another_rotation_has_ended_since(died_in_its_undo, world):
    first, second = died_in_its_undo
    assert second.start(world.secret, now=AT_ONCE).outcome is Outcome.DONE
    mine = first.resume(first.find(world.secret))
    assert mine.outcome is Outcome.UNDONE, mine.problem
    world.check_goal()


@pytest.mark.parametrize("operation", ["CreateAccessKey", "PutSecretValue"])
def test_an_undo_leaves_the_fresh_key_of_another_rotation(
    died_in_its_undo, world, monkeypatch, operation
):
    first, second = died_in_its_undo
    dying(monkeypatch, operation, lambda: second.start(world.secret, now=AT_ONCE))
    keys = world.keys
    assert first.resume(first.find(world.secret)).outcome is Outcome.UNDONE
    assert world.keys == keys
    assert second.resume(second.find(world.secret), now=AT_ONCE).outcome is Outcome.DONE
    world.check_goal()


def test_a_rotation_that_was_followed_by_another_only_goes_on(two, world, monkeypatch):
    first, second = two
    dying(monkeypatch, "DeleteAccessKey", lambda: first.start(world.secret, now=AT_ONCE))
    waiting = second.start(world.secret)  # the first one's new key is the old one here
    assert waiting.outcome is Outcome.WAITING
    keys = world.keys
    tried = first.undo(first.find(world.secret))
    assert tried.outcome is Outcome.STOPPED
    assert "cannot be undone" in tried.problem.summary
    assert world.keys == keys
    assert first.resume(first.find(world.secret), now=AT_ONCE).outcome is Outcome.DONE
    assert world.keys == keys
    assert second.resume(second.find(world.secret), now=AT_ONCE).outcome is Outcome.DONE
    world.check_goal()


def test_who_has_lost_awspending_makes_no_key(two, world, monkeypatch):
    first, second = two
    dying(monkeypatch, "ListAccessKeys", lambda: first.start(world.secret, now=AT_ONCE))
    dying(
        monkeypatch,
        "CreateAccessKey",
        lambda: first.resume(first.find(world.secret), now=AT_ONCE),
    )
    world.vault.update_secret_version_stage(
        SecretId=world.secret,
        VersionStage="AWSPENDING",
        RemoveFromVersionId=world.holder("AWSPENDING"),
    )
    for key_id in set(world.keys) - {world.first.access_key_id}:
        world.iam.delete_access_key(UserName=world.user, AccessKeyId=key_id)
    dying(monkeypatch, "CreateAccessKey", lambda: second.start(world.secret, now=AT_ONCE))
    keys = world.keys
    lost = first.resume(first.find(world.secret), now=AT_ONCE)
    assert lost.outcome is Outcome.LOST, lost.problem
    assert world.keys == keys
    assert second.resume(second.find(world.secret), now=AT_ONCE).outcome is Outcome.DONE
    world.check_goal()


def test_the_name_of_who_rotates_stays_when_another_one_ends(died_in_its_undo, world, monkeypatch):
    first, second = died_in_its_undo
    dying(monkeypatch, "CreateAccessKey", lambda: second.start(world.secret, now=AT_ONCE))
    assert first.resume(first.find(world.secret)).outcome is Outcome.UNDONE
    third = first.start(world.secret, now=AT_ONCE)
    assert third.outcome is Outcome.UNDONE
    assert "strongroom-admin" in third.problem.summary


def test_a_key_that_someone_makes_by_hand_is_never_taken_for_an_orphan(two, world):
    first, _second = two
    by_hand = []

    def watch(rotation):
        if rotation.step(Step.CREATE).state is StepState.RUNNING and not by_hand:
            key = world.iam.create_access_key(UserName=world.user)["AccessKey"]
            by_hand.append(key["AccessKeyId"])

    stopped = first.start(world.secret, now=AT_ONCE, work=Work(batch=watch))
    assert stopped.outcome is Outcome.STOPPED
    assert by_hand[0] in stopped.problem.cause
    assert set(world.keys) == {world.first.access_key_id, *by_hand}
    assert first.undo(stopped).outcome is Outcome.UNDONE
    assert set(world.keys) == {world.first.access_key_id, *by_hand}


def test_the_plan_reports_of_a_rotation_that_was_interrupted(two, world, monkeypatch):
    first, _second = two
    dying(monkeypatch, "CreateAccessKey", lambda: first.start(world.secret))
    problem = first.plan(world.secret).problem
    assert problem.summary == f"A rotation of {world.secret} is not finished"
    assert "was interrupted" in problem.cause
    assert first.resume(first.find(world.secret), now=AT_ONCE).outcome is Outcome.DONE
    world.check_goal()


def test_the_name_of_who_rotates_is_reported_while_the_new_value_is_staged(two, world, monkeypatch):
    """Between the write of the new value and the move of AWSPENDING on to it, too."""
    first, second = two
    puts, refused = [], []

    def between(call: Call) -> str:
        if call.operation == "PutSecretValue":
            puts.append(call)
        if call.operation == "UpdateSecretVersionStage" and len(puts) == 2 and not refused:
            refused.append(None)  # the calls below come here, too
            refused[0] = second.start(world.secret, now=AT_ONCE)
        return ""

    with on_the_wire(monkeypatch, Wire(between)):
        assert first.start(world.secret, now=AT_ONCE).outcome is Outcome.DONE
    assert refused[0].outcome is Outcome.UNDONE
    assert "strongroom-admin" in refused[0].problem.summary
    world.check_goal()


@pytest.mark.parametrize(("stale", "outcome"), [(2, Outcome.DONE), (1000, Outcome.LOST)])
def test_an_answer_that_lags_behind_the_claim_is_asked_again(
    two, world, monkeypatch, stale, outcome
):
    first, _second = two
    left, creating = [stale], []
    look = stages.describe

    def delayed(*given):
        found = look(*given)
        if creating and left[0]:
            left[0] -= 1
            return replace(found, pending="")
        return found

    def watch(rotation):
        creating[:] = [1] if rotation.step(Step.CREATE).state is StepState.RUNNING else []

    monkeypatch.setattr(stages, "describe", delayed)
    monkeypatch.setattr(stages, "RETRY_PAUSE", 0.01)
    ended = first.start(world.secret, now=AT_ONCE, work=Work(batch=watch))
    assert ended.outcome is outcome, ended.problem
    world.check_invariants()
