"""`sync` shows a plan, carries it out, and returns the right exit codes on every S3 server."""

import json

import pytest
from helpers.fault_proxy import FaultProxy, rule

from core.cli import main
from core.errors import ErrorKind

USAGE, INVALID = ErrorKind.USAGE.value, ErrorKind.INVALID_INPUT.value
BODIES = {"same": b"1", "deep/size": b"22", "content": b"old", "extra": b"e"}
FILES = {"same": b"1", "deep/size": b"1", "content": b"new", "fresh": b"f"}


@pytest.fixture
def run(s3_server, s3_bucket, monkeypatch, capsys, tmp_path):
    """Run one command on a separate bucket, and return what it printed."""
    for name, value in s3_server.environment(tmp_path / "home").items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)

    def call(*arguments, code=0):
        given = main([*(str(word) for word in arguments), "--bucket", s3_bucket])
        printed = capsys.readouterr()
        assert given == code, printed.err
        return printed

    return call


@pytest.fixture
def stored(s3_client, s3_bucket):
    """Return the objects of the bucket, after storing some by plain boto3."""

    def store(bodies=()):
        for name, body in dict(bodies).items():
            s3_client.put_object(Bucket=s3_bucket, Key=f"x/{name}", Body=body)
        rows = s3_client.list_objects_v2(Bucket=s3_bucket, Prefix="x/").get("Contents", ())
        return {
            row["Key"][2:]: s3_client.get_object(Bucket=s3_bucket, Key=row["Key"])["Body"].read()
            for row in rows
        }

    return store


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "source"
    for name, body in FILES.items():
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return made


def local(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_a_dry_run_and_deletions_without_consent_change_nothing(run, stored, folder, s3_bucket):
    stored(BODIES)
    arguments = ("sync", folder, f"s3://{s3_bucket}/x/", "--delete")
    lines = {tuple(line.split("\t")) for line in run(*arguments).out.splitlines()}
    assert lines == {
        ("replace", "1 B", "deep/size", "the sizes differ"),
        ("replace", "3 B", "content", "the contents differ"),
        ("add", "1 B", "fresh", "the target does not have it"),
        ("delete", "1 B", "extra", "the source does not have it"),
    }
    text = run(*arguments).err
    assert "1 to add, 2 to replace, 1 to delete, 1 unchanged; 5 B to transfer." in text
    assert "no versioning: objects are deleted permanently" in text
    assert "Add --yes to carry out the plan and delete 1 file." in text
    plan = json.loads(run(*arguments, "--yes", "--dry-run", "--json").out)
    assert (plan["add"], plan["replace"], plan["delete"], plan["unchanged"]) == (1, 2, 1, 1)
    assert stored() == BODIES


def test_a_prefix_becomes_equal_to_a_folder_and_back(run, stored, folder, tmp_path):
    stored(BODIES)
    printed = run("sync", folder, "s3:///x", "--delete", "--yes")
    assert "uploaded 3 of 3 files" in printed.out
    assert "deleted 1 file; 1 unchanged" in printed.out
    assert stored() == FILES
    again = json.loads(run("sync", folder, "s3:///x", "--delete", "--yes", "--json").out)
    assert (again["planned"], again["deleted"], again["unchanged"]) == (0, [], 4)
    target = tmp_path / "target"
    target.mkdir()
    (target / "extra").write_text("e")
    run("sync", "s3:///x", target, "--delete", "--yes")
    assert local(target) == FILES


def test_the_storage_class_applies_to_uploads_only(run, folder, s3_client, s3_bucket, s3_server):
    if s3_server.name == "rgw":
        pytest.skip("its zone has one storage class")
    run("sync", folder, "s3:///x", "--storage-class", "STANDARD_IA", "--limit-rate", "10M")
    found = s3_client.head_object(Bucket=s3_bucket, Key="x/fresh")
    assert found.get("StorageClass") == "STANDARD_IA"
    refused = run("sync", "s3:///x", folder, "--storage-class", "STANDARD_IA", code=USAGE)
    assert "has no effect on a download" in refused.err


def test_json_lines_have_one_file_each(run, stored, folder):
    stored(BODIES)
    arguments = ("sync", folder, "s3:///x", "--delete", "--json-lines")
    plan = [json.loads(line) for line in run(*arguments).out.splitlines()]
    assert [each.get("action") for each in plan] == ["replace", "replace", "delete", "add", None]
    lines = [json.loads(line) for line in run(*arguments, "--yes").out.splitlines()]
    assert [each["state"] for each in lines] == ["done"] * 3 + ["ended", "synchronized"]
    assert lines[-1]["deleted"] == ["x/extra"]


def test_a_multipart_object_of_another_program_is_not_sent_again(
    run, stored, folder, s3_client, s3_bucket, tmp_path
):
    large = folder / "large"
    large.write_bytes(b"0123456789abcdef" * (11 << 16))
    from boto3.s3.transfer import S3Transfer

    with S3Transfer(s3_client) as transfer:
        transfer.upload_file(str(large), s3_bucket, "x/large")
    plan = json.loads(run("sync", folder, "s3:///x", "--dry-run", "--json").out)
    assert "x/large" not in {item["key"] for item in plan["items"]}


def test_deletions_that_look_like_a_mistake_are_refused(run, stored, folder, tmp_path):
    bodies = {f"{number:02}": b"x" for number in range(12)}
    before = {**bodies, "same": b"1"}
    stored(before)
    refused = run("sync", folder, "s3:///x", "--delete", "--yes", code=INVALID)
    assert "12 files of 13 would be deleted" in refused.err
    assert "--max-delete 12" in refused.err
    (tmp_path / "empty").mkdir()
    run("sync", tmp_path / "empty", "s3:///x", "--delete", "--yes", code=INVALID)
    assert stored() == before
    run("sync", folder, "s3:///x", "--delete", "--yes", "--max-delete", "12")
    assert stored() == FILES


def test_patterns_choose_names(run, stored, folder):
    run("sync", folder, "s3:///x", "--include", "*e*", "--exclude", "deep/*")
    assert stored().keys() == {"same", "content", "fresh"}


@pytest.mark.parametrize("pair", [("a", "b"), ("s3://a/x", "s3://b/y")])
def test_one_side_must_be_a_bucket(run, pair):
    assert "must be an address of a bucket" in run("sync", *pair, code=USAGE).err


def test_what_was_not_transferred_is_listed_and_nothing_is_deleted(
    run, stored, folder, s3_server, monkeypatch
):
    stored(BODIES)
    with FaultProxy(s3_server, rule("Put", "error_500", "every")) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        report = json.loads(
            run(
                "sync", folder, "s3:///x", "--delete", "--yes", "--json", "--retry-seconds", "0",
                code=ErrorKind.SERVICE.value,
            ).out
        )  # fmt: skip
    assert {row["key"] for row in report["failed"]} == {"x/deep/size", "x/content", "x/fresh"}
    assert report["deleted"] == []
    assert [row["key"] for row in report["not_deleted"]] == ["x/extra"]
    assert stored() == BODIES
