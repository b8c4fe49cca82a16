"""A repeated command never acts on other objects because the one that it named is gone."""

import json

import pytest

from core.errors import ErrorKind

GONE = ErrorKind.NOT_FOUND.value
#: Not the text of every key: SeaweedFS has no objects with some of these characters.
KEYS = ["s/*", "s/a?", "s/a[1]"]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("command", [("rm", "--yes"), ("mv", "into/")])
def test_the_repetition_of_a_command_for_one_key_changes_nothing(run, put, bodies, command, key):
    put(key, "s/1", "s/a1", "s/ab")
    name, option = command
    run(name, key, option)
    after = bodies()
    assert key not in after
    printed = run(name, key, option, code=ErrorKind.USAGE.value)
    assert f"There is no object {key}" in printed.err
    assert "--pattern" in printed.err
    assert "--literal" in printed.err
    assert bodies() == after
    # A script that states that it is a key learns that the object is gone.
    run(name, key, option, "--literal", code=GONE)
    assert bodies() == after


def test_a_repeated_change_of_properties_changes_no_other_objects(run, put, s3_client, s3_bucket):
    put("s/a1")
    change = ("properties", "s/a[1]", "--type", "text/x", "--yes")
    run(*change, code=ErrorKind.USAGE.value)
    run(*change, "--literal", code=GONE)
    assert s3_client.head_object(Bucket=s3_bucket, Key="s/a1")["ContentType"] != "text/x"
    run(*change, "--pattern")
    assert s3_client.head_object(Bucket=s3_bucket, Key="s/a1")["ContentType"] == "text/x"


def test_a_pattern_is_one_if_it_is_stated(run, put, bodies, s3_bucket):
    put("s/a[1]", "s/a1", "s/b", "t")
    printed = run("rm", "?", "--yes", code=ErrorKind.USAGE.value)
    assert "As a pattern it selects 1 other object." in printed.err
    # Also if an object has exactly this key: the selection does not depend on what exists.
    run("rm", "s/a[1]", "--pattern", "--yes")
    assert set(bodies()) == {"s/a[1]", "s/b", "t"}
    run("mv", "s/*", "moved/", "--pattern")
    assert set(bodies()) == {"moved/a[1]", "moved/b", "t"}
    run("rm", "moved/*", "--pattern", "--yes", "--confirm", s3_bucket)
    assert set(bodies()) == {"t"}


def test_plans_and_copies_need_no_option(run, put, bodies):
    put("s/1", "s/2")
    assert len(json.loads(run("rm", "s/*", "--json").out)) == 2
    assert "Add --pattern --yes --confirm" in run("rm", "s/*").err
    assert len(json.loads(run("mv", "s/*", "t/", "--dry-run", "--json").out)) == 2
    run("cp", "s/*", "t/")
    assert set(bodies()) == {"s/1", "s/2", "t/1", "t/2"}


def test_a_prefix_with_such_characters_is_one_if_it_is_stated(run, put, bodies, s3_bucket):
    put("s[1]/a", "s[1]/b", "s1/a")
    run("rm", "s[1]/", "-r", "--literal", "--yes", "--confirm", s3_bucket)
    assert set(bodies()) == {"s1/a"}


def test_a_download_names_a_key_or_a_pattern_as_a_copy_does(run, put, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put("s/a[1]", "s/a1", "t[1]/x", "t1/y")
    run("get", "s/a[1]", "--literal")
    assert names(tmp_path) == {"a[1]"}
    run("get", "s/a[1]", "one/", "--pattern")
    assert names(tmp_path / "one") == {"a1"}
    (tmp_path / "two").mkdir()
    run("get", "s/a[1]", "two/")  # the object with this key comes first
    assert names(tmp_path / "two") == {"a[1]"}
    run("get", "t[1]/", "three/", "-r", "--literal")
    assert names(tmp_path / "three") == {"x"}
    run("rm", "s/a[1]", "--literal", "--yes")
    run("get", "s/a[1]", "four/", "--literal", code=GONE)
    run("get", "s/a[1]", "four/", "--literal", "--if-exists", "skip", code=GONE)
    assert not (tmp_path / "four").exists()
    run("get", "s/a[1]", "four/")
    assert names(tmp_path / "four") == {"a1"}
    usage = ErrorKind.USAGE.value
    assert "--pattern" in run("get", "s/a*", "-", "--pattern", code=usage).err


def names(folder):
    return {path.name for path in folder.iterdir() if path.is_file()}
