"""The doctor finds what interrupted rotations left behind, and its repairs fix it."""

import json
from dataclasses import replace
from uuid import uuid4

import pytest
from helpers.rotation_world import QUICK, AtStep, World, resume_or_start
from helpers.wire_faults import Killed, Wire, on_the_wire

from core.aws.clients import ClientFactory
from core.doctor.doctor import Doctor
from core.doctor.repairs import Repairer
from core.errors import Conflict, InvalidInput
from core.model.doctor import FindingKind, RepairKind
from core.model.rotation import Outcome, Step
from core.rotation import stages
from core.rotation.journal import RotationJournal
from core.rotation.service import Rotator
from core.work import Work


@pytest.fixture
def examine(world: World, admin, rotator):
    def run():
        return Doctor(admin, rotator).examine(world.secret)

    return run


@pytest.fixture
def apply_repair(admin, rotator):
    def run(finding, kind):
        repair = next(each for each in finding.repairs if each.kind is kind)
        return Repairer(admin, rotator).repair(finding, repair)

    return run


def only(diagnosis, kind):
    assert [finding.kind for finding in diagnosis.findings] == [kind]
    return diagnosis.findings[0]


def put_pending(world, value, version=None):
    world.vault.put_secret_value(
        SecretId=world.secret,
        SecretString=json.dumps(value),
        ClientRequestToken=version or str(uuid4()),
        VersionStages=["AWSPENDING"],
    )


def second_key(world):
    return world.iam.create_access_key(UserName=world.user)["AccessKey"]


def test_a_healthy_secret_has_no_findings(world, examine):
    diagnosis = examine()
    assert diagnosis.healthy
    assert diagnosis.examined == (world.secret,)


def test_an_orphan_key_is_deactivated_and_deleted(world, examine, apply_repair):
    key_id = second_key(world)["AccessKeyId"]
    finding = only(examine(), FindingKind.ORPHAN_KEY)
    assert key_id in finding.summary
    assert "never used" in finding.detail
    apply_repair(finding, RepairKind.DEACTIVATE)
    assert world.keys[key_id] is False
    finding = only(examine(), FindingKind.INACTIVE_KEY)
    delete = next(each for each in finding.repairs if each.kind is RepairKind.DELETE)
    assert delete.typed == key_id, "what cannot be undone requires typing the name"
    apply_repair(finding, RepairKind.ACTIVATE)
    assert world.keys[key_id] is True
    apply_repair(finding, RepairKind.DELETE)
    world.check_as_before()


def test_a_key_that_became_current_is_not_touched(world, examine, apply_repair):
    key = second_key(world)
    finding = only(examine(), FindingKind.ORPHAN_KEY)
    value = world.stored("AWSCURRENT") | {
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }
    world.vault.put_secret_value(SecretId=world.secret, SecretString=json.dumps(value))
    with pytest.raises(Conflict, match="now the current key"):
        apply_repair(finding, RepairKind.DEACTIVATE)
    assert world.keys[key["AccessKeyId"]] is True


def test_a_stray_pending_of_unknown_make_is_discarded(world, examine, apply_repair):
    put_pending(world, {"anything": "else"})
    finding = only(examine(), FindingKind.STRAY_PENDING)
    assert [repair.kind for repair in finding.repairs] == [RepairKind.DISCARD]
    apply_repair(finding, RepairKind.DISCARD)
    world.check_as_before()
    with pytest.raises(Conflict, match="another version"):
        apply_repair(finding, RepairKind.DISCARD)


def test_pending_on_an_empty_version_does_not_upset_anybody(world, examine, monkeypatch):
    # AWS leaves this behind when a rotation function fails before it has stored a value; moto
    # finishes every rotation, so the answer of DescribeSecret is made up here.
    empty, real = str(uuid4()), stages.describe

    def look(*arguments):
        now = real(*arguments)
        return replace(now, pending=empty, labels={**now.labels, empty: ("AWSPENDING",)})

    monkeypatch.setattr(stages, "describe", look)
    finding = only(examine(), FindingKind.EMPTY_PENDING)
    assert "empty version" in finding.summary
    assert [repair.kind for repair in finding.repairs] == [RepairKind.DISCARD]


def test_somebodys_half_rotation_is_continued_to_the_goal(
    world, examine, apply_repair, rotator, admin, monkeypatch, tmp_path
):
    other = world.rotator(admin, RotationJournal(tmp_path / "another machine"))
    rule = AtStep(Step.TEST, "killed before", 1)
    with on_the_wire(monkeypatch, Wire(rule)), pytest.raises(Killed):
        other.start(world.secret, work=Work(batch=rule.watch))
    finding = next(f for f in examine().findings if f.kind is FindingKind.STRAY_PENDING)
    assert {repair.kind for repair in finding.repairs} == {RepairKind.CONTINUE, RepairKind.DISCARD}
    assert "waiting" in apply_repair(finding, RepairKind.CONTINUE)
    assert resume_or_start(rotator, world).outcome is Outcome.DONE
    world.check_goal()


def test_an_unfinished_rotation_of_this_machine_is_resumed_or_undone(
    world, examine, apply_repair, rotator, monkeypatch
):
    for kind in (RepairKind.UNDO, RepairKind.RESUME):
        rule = AtStep(Step.TEST, "killed", 1)
        with on_the_wire(monkeypatch, Wire(rule)), pytest.raises(Killed):
            rotator.start(world.secret, work=Work(batch=rule.watch))
        apply_repair(only(examine(), FindingKind.UNFINISHED), kind)
        world.check_invariants()
    assert examine().healthy, "a rotation in its period of grace is well"
    assert resume_or_start(rotator, world).outcome is Outcome.DONE
    world.check_goal()


def test_a_scheduled_deletion_is_taken_back(world, examine, apply_repair):
    world.vault.delete_secret(SecretId=world.secret, RecoveryWindowInDays=7)
    apply_repair(only(examine(), FindingKind.SCHEDULED), RepairKind.RESTORE)
    world.check_as_before()


def test_a_dead_key_is_named_and_an_inactive_one_activated(world, examine, apply_repair):
    key = world.first.access_key_id
    world.iam.update_access_key(UserName=world.user, AccessKeyId=key, Status="Inactive")
    finding = only(examine(), FindingKind.DEAD_KEY)
    assert "deactivated" in finding.summary
    apply_repair(finding, RepairKind.ACTIVATE)
    assert examine().healthy
    world.iam.delete_access_key(UserName=world.user, AccessKeyId=key)
    finding = only(examine(), FindingKind.DEAD_KEY)
    assert finding.repairs == ()


def test_what_may_not_be_inspection_at_is_named(world, demo_server):
    clients = ClientFactory(demo_server.platform_connection)
    try:
        diagnosis = Doctor(clients, Rotator(clients, timing=QUICK)).examine(world.secret)
    finally:
        clients.close()
    assert not diagnosis.healthy
    assert diagnosis.unseen == (f"{world.secret}: requires secretsmanager:DescribeSecret",)


def test_a_repair_that_was_not_offered_is_refused(world, examine, admin, rotator):
    second_key(world)
    finding = only(examine(), FindingKind.ORPHAN_KEY)
    world.vault.delete_secret(SecretId=world.secret, RecoveryWindowInDays=7)
    other = only(examine(), FindingKind.SCHEDULED).repairs[0]
    with pytest.raises(InvalidInput):
        Repairer(admin, rotator).repair(finding, other)
