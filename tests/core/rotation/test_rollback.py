"""A roll back shows beforehand its labels, the keys that differ, and whether the old key works."""

import json

import pytest

from core.errors import Conflict, InvalidInput, NotFound
from core.model.secret_names import CURRENT, PENDING, PREVIOUS
from core.rotation import rollback
from core.rotation.rollback import Move


@pytest.fixture
def rotated(world):
    """A second key in the secret; the first one is in the previous version."""
    key = world.iam.create_access_key(UserName=world.user)["AccessKey"]
    new = world.stored(CURRENT) | {
        "aws_access_key_id": key["AccessKeyId"],
        "aws_secret_access_key": key["SecretAccessKey"],
    }
    world.vault.put_secret_value(SecretId=world.secret, SecretString=json.dumps(new))
    return world


def first(world, **change):
    world.iam.update_access_key(
        UserName=world.user, AccessKeyId=world.first.access_key_id, **change
    )


def test_what_moves_and_differs_is_reported_without_a_value_and_then_done(rotated, admin):
    now, before = rotated.holder(CURRENT), rotated.holder(PREVIOUS)
    found = rollback.plan(admin, rotated.secret)
    assert found.moves == (Move(CURRENT, now, before), Move(PREVIOUS, before, now))
    assert found.difference.changed == ("aws_access_key_id", "aws_secret_access_key")
    assert found.good == (f"Its access key {rotated.first.access_key_id} is active.",)
    assert found.warnings == ()
    assert rotated.first.secret_access_key.reveal() not in repr(found)
    assert rotated.holder(CURRENT) == now
    rollback.roll_back(admin, found)
    assert (rotated.holder(CURRENT), rotated.holder(PREVIOUS)) == (before, now)


def test_a_change_made_since_the_look_is_not_undone(rotated, admin):
    found = rollback.plan(admin, rotated.secret)
    rotated.vault.put_secret_value(SecretId=rotated.secret, SecretString='{"theirs": 1}')
    with pytest.raises(Conflict):
        rollback.roll_back(admin, found)
    assert rotated.stored(CURRENT) == {"theirs": 1}


def test_a_deactivated_and_a_deleted_key_are_warned_of(rotated, admin):
    first(rotated, Status="Inactive")
    (output,) = rollback.plan(admin, rotated.secret).warnings
    assert "deactivated" in output
    rotated.iam.delete_access_key(UserName=rotated.user, AccessKeyId=rotated.first.access_key_id)
    (output,) = rollback.plan(admin, rotated.secret).warnings
    assert "no longer exists" in output


def test_without_rights_on_iam_the_key_itself_is_tried(rotated, admin, demo_server, monkeypatch):
    def denied(*_arguments):
        raise rollback.AccessDenied("no")

    monkeypatch.setattr(rollback.iam_keys, "last_used", denied)
    (output,) = rollback.plan(admin, rotated.secret).good
    assert f"belongs to {rotated.user}" in output
    first(rotated, Status="Inactive")
    (output,) = rollback.plan(admin, rotated.secret).warnings
    assert "refused" in output


def test_versions_are_named_by_id_beginning_or_label(rotated, admin):
    before = rotated.holder(PREVIOUS)
    for name in (before, before[:8].upper(), PREVIOUS):
        assert rollback.plan(admin, rotated.secret, name).target == before
    with pytest.raises(InvalidInput, match="already current"):
        rollback.plan(admin, rotated.secret, CURRENT)
    for name in ("none-such", before[:3]):
        with pytest.raises(NotFound, match=name):
            rollback.plan(admin, rotated.secret, name)


def test_a_secret_of_one_version_has_no_way_back(world, admin):
    with pytest.raises(NotFound, match="no previous version"):
        rollback.plan(admin, world.secret)


def test_a_running_rotation_and_another_password_are_warned_of(world, admin):
    name = f"{world.secret}-db"
    world.vault.create_secret(Name=name, SecretString='{"password": "a", "host": "h"}')
    world.vault.put_secret_value(SecretId=name, SecretString='{"password": "b"}')
    world.vault.put_secret_value(
        SecretId=name, SecretString="{}", VersionStages=[PENDING, "strongroom:anna:12345678"]
    )
    found = rollback.plan(admin, name)
    assert found.difference.added == ("host",)
    assert "being rotated by anna" in found.warnings[0]
    assert "password differs" in found.warnings[1]
