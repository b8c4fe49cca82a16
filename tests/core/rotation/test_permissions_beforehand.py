"""Missing IAM permissions are found by simulation before anything is changed."""

import json
from uuid import uuid4

import pytest
from helpers.demo import plain_client
from helpers.rotation_world import AT_ONCE

from core.aws.clients import ClientFactory
from core.errors import AccessDenied
from core.model.connection import AccessKeys, Connection
from core.model.rotation import Outcome
from core.redaction import Secret
from core.rotation.iam_preflight import IAM_ACTIONS
from core.rotation.journal import RotationJournal

EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}


def statement(effect, *actions):
    return {"Effect": effect, "Action": list(actions), "Resource": "*"}


@pytest.fixture
def admin_with(demo_server, tmp_path):
    """Make an administrator by statements of a policy; its clients are closed at the end."""
    iam = plain_client(demo_server, "iam", demo_server.admin)
    made = []

    def make(*statements, group=False):
        name = f"admin-{uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        if group:
            iam.create_group(GroupName=name)
            iam.put_group_policy(GroupName=name, PolicyName="p", PolicyDocument=text)
            iam.add_user_to_group(GroupName=name, UserName=name)
        else:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=text)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        keys = AccessKeys(key["AccessKeyId"], Secret(key["SecretAccessKey"]))
        made.append(ClientFactory(Connection(demo_server.connection.profile, keys)))
        return made[-1]

    yield make
    for clients in made:
        clients.close()
    iam.close()


@pytest.mark.parametrize("denied", IAM_ACTIONS)
def test_a_missing_permission_is_named_before_anything_is_changed(
    world, admin_with, tmp_path, denied
):
    clients = admin_with(EVERYTHING, statement("Deny", denied))
    rotator = world.rotator(clients, RotationJournal(tmp_path / "journal"))
    problem = rotator.plan(world.secret).problem
    assert problem.kind == AccessDenied.kind.name
    assert problem.action == denied
    assert rotator.start(world.secret, now=AT_ONCE).outcome is Outcome.UNDONE
    world.check_as_before()


@pytest.mark.parametrize("group", [False, True])
def test_permissions_of_users_and_groups_count(world, admin_with, tmp_path, group):
    clients = admin_with(EVERYTHING, group=group)
    rotator = world.rotator(clients, RotationJournal(tmp_path / "journal"))
    plan = rotator.plan(world.secret)
    assert plan.problem is None
    assert plan.notes == ()


def test_who_may_not_simulate_is_reported_and_goes_on(world, admin_with, tmp_path):
    clients = admin_with(EVERYTHING, statement("Deny", "iam:SimulatePrincipalPolicy"))
    rotator = world.rotator(clients, RotationJournal(tmp_path / "journal"))
    assert rotator.plan(world.secret).notes == (
        "Permissions on IAM could not be tested in advance",
    )
    assert rotator.start(world.secret, now=AT_ONCE).outcome is Outcome.DONE
    world.check_goal()


def test_an_unknown_user_has_no_simulation(demo_server):
    iam = plain_client(demo_server, "iam", demo_server.admin)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.simulate_principal_policy(
            PolicySourceArn="arn:aws:iam::123456789012:user/unknown", ActionNames=["s3:GetObject"]
        )
    iam.close()
