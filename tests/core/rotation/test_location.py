"""Rotations belong to one account and region, whose secrets have the names of those of others."""

import json
from dataclasses import replace
from functools import partial

import pytest
from helpers.rotation_world import AT_ONCE

from core.aws.clients import ClientFactory
from core.doctor.doctor import Doctor
from core.errors import InvalidInput, NotFound
from core.model.connection import AccessKeys, Connection
from core.model.rotation import Outcome
from core.redaction import Secret

ELSEWHERE = "eu-west-1"


@pytest.fixture
def elsewhere(world, admin):
    """Clients in another region, where a secret of the same name has the key of another user."""
    profile = replace(admin.connection.profile, region=ELSEWHERE)
    clients = ClientFactory(Connection(profile, admin.connection.keys))
    user = f"{world.user}-2"
    world.iam.create_user(UserName=user)
    key = world.iam.create_access_key(UserName=user)["AccessKey"]
    keys = AccessKeys(key["AccessKeyId"], Secret(key["SecretAccessKey"]))
    text = json.dumps({**world.value(keys), "region": ELSEWHERE})
    clients.secrets().create_secret(Name=world.secret, SecretString=text)
    yield clients
    clients.secrets().delete_secret(SecretId=world.secret, ForceDeleteWithoutRecovery=True)
    world.iam.delete_access_key(UserName=user, AccessKeyId=keys.access_key_id)
    world.iam.delete_user(UserName=user)
    clients.close()


@pytest.fixture
def waiting(world, rotator):
    rotation = rotator.start(world.secret)
    assert rotation.outcome is Outcome.WAITING
    return rotation


def test_another_region_does_not_show_it(world, waiting, rotator, elsewhere, journal):
    there = world.rotator(elsewhere, journal)
    assert rotator.find(world.secret) == waiting
    assert rotator.unfinished_here() == (waiting,)
    assert there.unfinished_here() == ()
    with pytest.raises(NotFound):
        there.find(world.secret)
    assert there.plan(world.secret).problem is None
    assert not Doctor(elsewhere, there).examine(world.secret).findings


@pytest.mark.parametrize("action", ["undo", "resume"])
def test_another_region_neither_continues_nor_undoes_it(world, waiting, elsewhere, journal, action):
    there = world.rotator(elsewhere, journal)
    before = world.keys
    act = there.undo if action == "undo" else partial(there.resume, now=AT_ONCE)
    with pytest.raises(InvalidInput, match="another region") as refused:
        act(waiting)
    assert "us-east-1" in refused.value.cause
    assert world.keys == before
    world.check_invariants()


def test_another_account_does_not_show_it(world, waiting, rotator, journal):
    journal.write(replace(waiting, account="999999999999"))
    assert rotator.unfinished_here() == ()
    with pytest.raises(NotFound):
        rotator.find(world.secret)
    rotations = [each for each in rotator.unfinished() if each.secret == world.secret]
    with pytest.raises(InvalidInput, match="another account"):
        rotator.undo(rotations[0])
    world.check_invariants()


def test_a_record_of_an_earlier_version_has_no_region_and_is_found(
    world, waiting, rotator, journal
):
    old = replace(waiting, region="")
    journal.write(old)
    assert rotator.find(world.secret) == old
    assert "not finished" in rotator.plan(world.secret).problem.summary
    assert rotator.undo(old).outcome is Outcome.UNDONE
    world.check_as_before()


def test_a_journal_without_rotations_needs_no_request(rotator, admin, monkeypatch):
    monkeypatch.setattr("core.rotation.service.identity", pytest.fail)
    assert rotator.unfinished_here() == ()
