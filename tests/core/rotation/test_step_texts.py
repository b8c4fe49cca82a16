"""The text about an open rotation states which value programs read, and whether it works."""

from dataclasses import replace

import pytest
from helpers.rotation_world import World

from core.model.rotation import Facts, Outcome, Rotation, RotationKind, Step, StepRecord, StepState
from core.rotation.step_texts import undo_now, valid_now
from core.rotation.strategies import steps_of
from core.units import utc_now
from core.work import CancelToken, Work

WAITING, FAILED, DONE = StepState.WAITING, StepState.FAILED, StepState.DONE
IAM, DATABASE = RotationKind.IAM_KEY, RotationKind.DATABASE


def reached(kind: RotationKind, step: Step, state: StepState) -> Rotation:
    """Return a rotation that has reached a state of a step, after which it stopped."""
    now, steps = utc_now(), steps_of(kind)
    states = [DONE] * steps.index(step) + [state] + [WAITING] * len(steps)
    records = tuple(StepRecord(each, found) for each, found in zip(steps, states, strict=False))
    facts = Facts(old_key_id="AKIAOLD")
    return Rotation("id", kind, "s", now, now, outcome=Outcome.STOPPED, steps=records, facts=facts)


@pytest.mark.parametrize(
    ("kind", "step", "state", "text"),
    [
        (IAM, Step.TEST, FAILED, "Programs still read the old key."),
        (IAM, Step.PROMOTE, FAILED, "the old or the new key; the one that they read works."),
        (IAM, Step.SWITCH, FAILED, "read the new key; the old key AKIAOLD still works."),
        (IAM, Step.DEACTIVATE, WAITING, "the old key AKIAOLD still works."),
        (IAM, Step.DEACTIVATE, FAILED, "the old key AKIAOLD may be deactivated."),
        (IAM, Step.DEACTIVATE, StepState.SKIPPED, "the old key AKIAOLD no longer exists."),
        (IAM, Step.DELETE, WAITING, "the old key AKIAOLD is deactivated."),
        (IAM, Step.DELETE, FAILED, "the old key AKIAOLD may be deleted."),
        (DATABASE, Step.STAGE, FAILED, "the old password, and the database is unchanged."),
        (DATABASE, Step.APPLY, FAILED, "The database may have the new password while programs"),
        (DATABASE, Step.APPLY, DONE, "The database has the new password, but programs still read"),
        (DATABASE, Step.TEST, FAILED, "resume or undo the rotation now."),
        (DATABASE, Step.PROMOTE, FAILED, "The database may have the new password while programs"),
        (DATABASE, Step.PROMOTE, DONE, "Programs read the new password."),
        (RotationKind.EXCHANGE, Step.TEST, FAILED, "Programs still read the old keys."),
        (RotationKind.EXCHANGE, Step.PROMOTE, FAILED, "the old or the new keys."),
        (RotationKind.MANAGED, Step.PROMOTE, FAILED, "the old value until AWS has promoted"),
    ],
)
def test_it_states_what_programs_read(kind, step, state, text):
    assert text in valid_now(reached(kind, step, state))


@pytest.mark.parametrize(
    ("kind", "step", "state", "text"),
    [
        (IAM, Step.PREFLIGHT, WAITING, "Nothing was changed yet."),
        (IAM, Step.PREFLIGHT, FAILED, "Remove AWSPENDING if necessary."),
        (IAM, Step.CREATE, FAILED, "Remove the new key if necessary. Remove AWSPENDING."),
        (IAM, Step.DEACTIVATE, WAITING, "Make the old version current again. Remove the new key. "),
        (DATABASE, Step.APPLY, FAILED, "Set the old password if necessary. Remove AWSPENDING."),
        (DATABASE, Step.TEST, FAILED, "Set the old password. Remove AWSPENDING."),
        (RotationKind.MANAGED, Step.APPLY, WAITING, "Nothing was changed yet."),
        (RotationKind.MANAGED, Step.PROMOTE, FAILED, "Stop waiting; what AWS has begun continues."),
    ],
)
def test_it_states_what_an_undo_would_do(kind, step, state, text):
    assert undo_now(reached(kind, step, state)).startswith(text)


def test_an_interrupted_undo_is_not_certain_of_the_value():
    key = replace(reached(IAM, Step.DELETE, WAITING), outcome=Outcome.UNDOING)
    assert "the old or the new key" in valid_now(key)
    password = replace(reached(DATABASE, Step.TEST, FAILED), outcome=Outcome.UNDOING)
    assert "complete the undo now" in valid_now(password)


def test_another_key_after_an_interruption_is_named(world: World, rotator):
    token = CancelToken()

    def stop(rotation: Rotation) -> None:
        if rotation.finished(Step.CREATE):
            token.cancel()

    stopped = rotator.start(world.secret, work=Work(token=token, batch=stop))
    assert stopped.outcome is Outcome.STOPPED
    resumed = rotator.resume(stopped)
    key = world.stored("AWSCURRENT")["aws_access_key_id"]
    assert key != stopped.facts.new_key_id
    assert resumed.step(Step.STAGE).detail.endswith(f"with another new key, {key}")
