"""`strongroom rotate` on the embedded server, as a script calls it."""

import json
from datetime import timedelta

import pytest

from core.errors import ErrorKind
from core.links.ledger import Entry, Ledger
from core.units import utc_now


@pytest.fixture
def run(world, command):
    def call(*words, code=0):
        return command("rotate", world.secret, *words, code=code)

    return call


def test_without_yes_only_the_plan_is_shown(run, world):
    told = run()
    assert "Deactivate the old key" in told.out
    assert "Undo:" in told.out
    assert "Nothing was changed" in told.err
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
    assert "! 2 links made here will die with the old key" in run().out


def test_rotate_waits_for_the_grace_period_and_resumes_to_the_end(run, world):
    told = json.loads(run("--yes", "--json").out)
    assert told["outcome"] == "waiting"
    assert world.works(world.value(world.first))
    assert world.stored("AWSCURRENT")["aws_access_key_id"] != world.first.access_key_id
    for words in (("--yes",), ()):  # the plan tells the same: it must not send to the doctor
        refused = run(*words, code=ErrorKind.CONFLICT.value).err
        assert "not finished" in refused
        assert "Resume it or undo it" in refused
        assert "Add --yes" not in refused
    assert json.loads(run("--resume", "--yes", "--json").out)["outcome"] == "waiting"
    end = json.loads(run("--resume", "--yes", "--json", "--grace=0", "--delete-after=0").out)
    assert end["outcome"] == "done"
    world.check_goal()
    run("--resume", "--yes", code=ErrorKind.NOT_FOUND.value)


def test_undo_takes_it_back(run, world):
    run("--yes")
    assert "AWSCURRENT moves back" in run("--undo").out
    told = run("--undo", "--yes")
    assert ": undone, " in told.out
    assert "undone   Promote to AWSCURRENT" in told.err
    assert "done     " not in told.err  # what was done before is not told as if it were done now
    world.check_as_before()


def test_all_at_once_and_waited_for(run, world):
    told = run("--yes", "--grace", "0", "--delete-after", "0", "--wait")
    assert "done" in told.out
    assert "Promote to AWSCURRENT" in told.err
    world.check_goal()


def test_a_second_key_is_named_and_nothing_is_done(run, world):
    other = world.iam.create_access_key(UserName=world.user)["AccessKey"]["AccessKeyId"]
    told = run("--yes", code=ErrorKind.CONFLICT.value)
    assert other in told.err
    assert "has a second access key" in told.err
    world.iam.delete_access_key(UserName=world.user, AccessKeyId=other)
    world.check_as_before()
    run("--undo", "--yes", code=ErrorKind.NOT_FOUND.value)  # nothing was begun


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (("--resume", "--undo"), ErrorKind.USAGE),
        (("--grace", "soon"), ErrorKind.INVALID_INPUT),
        (("--grace", "-1"), ErrorKind.INVALID_INPUT),
    ],
)
def test_nonsense_is_refused_in_words(run, words, kind):
    told = run(*words, "--yes", code=kind.value)
    assert told.err.startswith("Error: ")
