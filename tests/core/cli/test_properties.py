"""`versions` and `tag` show, change and restore what they state, on every S3 server."""

import json

import pytest

from core.errors import ErrorKind

KEY = "a/ü b.json"


@pytest.fixture
def stored(s3_client, s3_bucket, put):
    """Store two versions of an object in a bucket with versioning; return their ids."""
    s3_client.put_bucket_versioning(Bucket=s3_bucket, VersioningConfiguration={"Status": "Enabled"})
    ids = []
    for body in (b"one", b"other"):
        put(KEY, body=body)
        ids.append(s3_client.head_object(Bucket=s3_bucket, Key=KEY)["VersionId"])
    return ids


def test_versions_are_listed_restored_and_deleted(run, stored, s3_client, s3_bucket, bodies):
    shown = [line.split("\t")[1:] for line in run("versions", KEY).out.splitlines()]
    assert shown == [["5 B", "current", stored[1]], ["3 B", "former", stored[0]]]
    assert f"restored {KEY}" in run("versions", KEY, "--restore", stored[0]).out
    assert bodies() == {KEY: "one"}
    rows = json.loads(run("versions", f"s3:///{KEY}", "--json").out)
    assert [row["version_id"] for row in rows[1:]] == stored[::-1]
    newest = rows[0]["version_id"]
    assert "Nothing was deleted" in run("versions", KEY, "--delete", newest).err
    assert bodies() == {KEY: "one"}
    run("versions", KEY, "--delete", newest, "--yes")
    assert bodies() == {KEY: "other"}


def test_a_deletion_is_undone_by_the_deletion_of_its_marker(
    run, stored, s3_client, s3_bucket, bodies
):
    s3_client.delete_object(Bucket=s3_bucket, Key=KEY)
    marker, *others = json.loads(run("versions", KEY, "--json").out)
    assert (marker["marker"], marker["current"]) == (True, True)
    assert [each["version_id"] for each in others] == stored[::-1]
    usage = ErrorKind.USAGE.value
    refused = run("versions", KEY, "--restore", marker["version_id"], code=usage)
    assert "is a delete marker" in refused.err
    run("versions", KEY, "--delete", marker["version_id"], "--yes")
    assert bodies() == {KEY: "other"}


@pytest.mark.parametrize("option", ["--restore", "--delete"])
def test_a_version_that_does_not_exist_is_reported(run, stored, option):
    missing = ErrorKind.NOT_FOUND.value
    assert f"{KEY} has no version x" in run("versions", KEY, option, "x", code=missing).err
    assert "a/other has no versions" in run("versions", "a/other", code=missing).err
    usage = ErrorKind.USAGE.value
    run("versions", KEY, "--yes", code=usage)
    run("versions", KEY, "--restore", stored[0], "--delete", stored[0], code=usage)


def test_tags_are_shown_and_changed(run, put):
    put(KEY)
    assert "0 tags." in run("tag", KEY).err
    run("tag", KEY, "--set", "team=a b", "--set", "stage=")
    found = run("tag", KEY, "--set", "team=c=d", "--remove", "stage", "--json").out
    assert json.loads(found) == {"key": KEY, "tags": {"team": "c=d"}}
    assert run("tag", KEY).out == "team=c=d\n"
    missing = run("tag", KEY, "--remove", "stage", code=ErrorKind.NOT_FOUND.value)
    assert "has no tag stage" in missing.err
    run("tag", KEY, "--set", "a=1", "--remove", "a", code=ErrorKind.USAGE.value)
    run("tag", KEY, "--set", "a", code=ErrorKind.USAGE.value)
    assert "0 tags." in run("tag", KEY, "--remove", "team").err
