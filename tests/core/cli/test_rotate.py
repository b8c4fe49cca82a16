"""`strongroom rotate` rotates, resumes and undoes on the demo server."""

import json
from datetime import timedelta

import pytest

from core.errors import ErrorKind
from core.links.ledger import Entry, Ledger
from core.units import utc_now


@pytest.fixture
def run(world, command):
    def call(*arguments, code=0):
        return command("rotate", world.secret, *arguments, code=code)

    return call


def test_without_yes_only_the_plan_is_shown(run, world):
    output = run()
    assert "Deactivate the old key" in output.out
    assert "Undo:" in output.out
    assert "Nothing was changed" in output.err
    plan = json.loads(run("--dry-run", "--yes", "--json").out)
    assert plan["facts"]["old_key_id"] == world.first.access_key_id
    world.check_as_before()


def test_the_plan_counts_the_links_that_die(run, world, demo_server):
    now, key = utc_now(), world.first.access_key_id
    made = [
        Entry("tentimecrypto", f"a{n}", "GET", now, now + timedelta(hours=n), "demo", key)
        for n in (-1, 1, 2)
    ]
    Ledger().append(made)
    assert "! 2 links made here will stop working with the old key" in run().out


def test_rotate_waits_for_the_grace_period_and_resumes_to_the_end(run, world):
    output = json.loads(run("--yes", "--json").out)
    assert output["outcome"] == "waiting"
    assert world.works(world.value(world.first))
    assert world.stored("AWSCURRENT")["aws_access_key_id"] != world.first.access_key_id
    for arguments in (("--yes",), ()):  # the plan reports the same: it must not refer to the doctor
        refused = run(*arguments, code=ErrorKind.CONFLICT.value).err
        assert "not finished" in refused
        assert "Resume or undo that rotation" in refused
        assert "Add --yes" not in refused
    assert json.loads(run("--resume", "--yes", "--json").out)["outcome"] == "waiting"
    end = json.loads(run("--resume", "--yes", "--json", "--grace=0", "--delete-after=0").out)
    assert end["outcome"] == "done"
    world.check_goal()
    run("--resume", "--yes", code=ErrorKind.NOT_FOUND.value)


def test_it_states_whether_the_old_key_works(run, world):
    key = world.first.access_key_id
    assert f"the old key {key} still works" in run("--yes").out
    second = run("--resume", "--yes", "--grace=0").out
    assert f"the old key {key} is deactivated" in second
    assert "active until" not in second
    assert "due at" in second
    assert f"the old key {key} is deactivated" in run("--resume").out


def test_undo_takes_it_back(run, world):
    run("--yes")
    assert "AWSCURRENT moves back" in run("--undo").out
    output = run("--undo", "--yes")
    assert ": undone, " in output.out
    assert "undone   Promote to AWSCURRENT" in output.err
    assert "done     " not in output.err  # earlier steps are not reported as done now
    world.check_as_before()


def test_all_at_once_and_waited_for(run, world):
    output = run("--yes", "--grace", "0", "--delete-after", "0", "--wait")
    assert "done" in output.out
    assert "Promote to AWSCURRENT" in output.err
    world.check_goal()


def test_a_second_key_is_named_and_nothing_is_done(run, world):
    other = world.iam.create_access_key(UserName=world.user)["AccessKey"]["AccessKeyId"]
    output = run("--yes", code=ErrorKind.CONFLICT.value)
    assert other in output.err
    assert "has a second access key" in output.err
    world.iam.delete_access_key(UserName=world.user, AccessKeyId=other)
    world.check_as_before()
    run("--undo", "--yes", code=ErrorKind.NOT_FOUND.value)  # nothing was begun


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("--resume", "--undo"), ErrorKind.USAGE),
        (("--grace", "soon"), ErrorKind.INVALID_INPUT),
        (("--grace", "-1"), ErrorKind.INVALID_INPUT),
    ],
)
def test_nonsense_is_refused_in_text(run, arguments, kind):
    output = run(*arguments, "--yes", code=kind.value)
    assert output.err.startswith("Error: ")
