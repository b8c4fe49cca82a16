"""`uploads` lists unfinished multipart uploads and aborts those that may be aborted."""

import json

import pytest

from core.errors import ErrorKind


@pytest.fixture
def begin(s3_client, s3_bucket):
    def call(key, size=0):
        begun = s3_client.create_multipart_upload(Bucket=s3_bucket, Key=key)["UploadId"]
        if size:
            s3_client.upload_part(
                Bucket=s3_bucket, Key=key, UploadId=begun, PartNumber=1, Body=bytes(size)
            )
        return begun

    return call


@pytest.fixture
def ids(s3_client, s3_bucket):
    def call():
        found = s3_client.list_multipart_uploads(Bucket=s3_bucket)
        return {row["UploadId"] for row in found.get("Uploads", ())}

    return call


def test_unfinished_uploads_are_listed_with_age_size_and_owner(run, begin):
    assert "There are no unfinished uploads." in run("uploads").err
    first = begin("a/x", 1000)
    printed = run("uploads")
    assert first in printed.out
    assert "1 unfinished upload, 1.0 KB" in printed.err
    (row,) = json.loads(run("uploads", "a/", "--json").out)
    assert (row["key"], row["size"], row["owner"]) == ("a/x", 1000, "others")
    assert row["upload_id"] == first
    assert not row["chosen"]
    assert json.loads(run("uploads", "b/", "--json").out) == []


def test_only_chosen_uploads_are_aborted_and_only_with_yes(run, begin, ids):
    first, second = begin("a/x"), begin("a/x")
    assert "is old enough" in run("uploads", "--abort", "--yes").err
    planned = run("uploads", "--abort", "--older-than", "0")
    assert "Add --yes to abort 2 uploads" in planned.err
    assert ids() == {first, second}
    (row,) = [
        row
        for row in json.loads(
            run("uploads", "--abort", "--upload-id", first, "--yes", "--json").out
        )
        if row["aborted"]
    ]
    assert row["upload_id"] == first
    assert ids() == {second}
    run("uploads", "--abort", "--upload-id", first, "--yes", code=ErrorKind.USAGE.value)
    assert "1 of 1 upload aborted" in run("uploads", "--abort", "--older-than", "0", "--yes").err
    assert ids() == set()


def test_uploads_of_the_user_are_distinguished_from_others(run, begin, monkeypatch):
    begin("a/x")
    (row,) = json.loads(run("uploads", "--json").out)
    if not row["initiator"]:  # SeaweedFS does not report it
        assert json.loads(run("uploads", "--mine", "--json").out) == []
        return
    monkeypatch.setattr(
        "core.cli.uploads._own_names", lambda *_arguments: frozenset({row["initiator"]})
    )
    (mine,) = json.loads(run("uploads", "--mine", "--json").out)
    assert mine["same_user"]
    monkeypatch.setattr("core.cli.uploads._own_names", lambda *_arguments: frozenset())
    assert json.loads(run("uploads", "--mine", "--json").out) == []


# RGW returns rules in another form than they were stored in.
@pytest.mark.parametrize("s3_server", ["demo", "seaweed"], indirect=True)
def test_a_lifecycle_rule_is_added_beside_others(run, s3_client, s3_bucket):
    rule = {"ID": "other", "Status": "Enabled", "Filter": {"Prefix": "logs/"},
            "Expiration": {"Days": 9}}  # fmt: skip
    s3_client.put_bucket_lifecycle_configuration(
        Bucket=s3_bucket, LifecycleConfiguration={"Rules": [rule]}
    )
    assert "Add --yes to save it" in run("uploads", "--expire-after", "3").err
    run("uploads", "--expire-after", "3", "--yes")
    found = s3_client.get_bucket_lifecycle_configuration(Bucket=s3_bucket)["Rules"]
    assert {each["ID"] for each in found} == {"other", "AbortUnfinishedUploads"}
    run("uploads", "--expire-after", "0", "--yes", code=ErrorKind.USAGE.value)
    assert run("uploads", "--expire-after", "3", "--abort", code=ErrorKind.USAGE.value)
