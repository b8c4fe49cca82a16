"""Plans, filters, decisions, limits and lines of JSON of `put` and `get`."""

import gzip
import json
import time

import pytest
from helpers.s3_servers import heavy_servers

from core.errors import ErrorKind

#: One independent server: the commands above it are the same for all.
pytestmark = pytest.mark.parametrize("s3_server", heavy_servers(), indirect=True)


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.csv", "b.json", "sub/c.csv"):
        (folder / name).write_text(name)
    return folder


def test_patterns_choose_files_below_the_folder(run, bodies, tree):
    run("put", tree, "x/", "--include", "*.csv", "--exclude", "sub/*")
    assert bodies() == {"x/tree/a.csv": "a.csv"}


def test_the_plan_of_an_upload_shows_what_would_happen(run, put, bodies, tree):
    put("x/tree/a.csv")
    printed = run("put", tree, "x/", "--dry-run")
    rows = [line.split("\t") for line in printed.out.splitlines()]
    assert [(row[0], row[3]) for row in rows] == [
        ("skip: it already exists", "x/tree/a.csv"), ("upload", "x/tree/b.json"),
        ("upload", "x/tree/sub/c.csv"),
    ]  # fmt: skip
    assert "3 files, 15 B. Nothing was changed." in printed.err
    rows = json.loads(
        run("put", tree / "a.csv", "x/tree/a.csv", "--overwrite", "--dry-run", "--json").out
    )
    assert [(row["action"], row["key"]) for row in rows] == [("overwrite", "x/tree/a.csv")]
    assert set(bodies()) == {"x/tree/a.csv"}


def test_one_file_for_one_key_follows_the_decision(run, put, bodies, tree):
    put("key", body=b"a.cs_")
    assert "1 skipped" in run("put", tree / "a.csv", "key", "--if-exists", "if-size-differs").out
    run("put", tree / "a.csv", "key", "--if-exists", "if-different")
    assert bodies() == {"key": "a.csv"}
    assert "1 skipped" in run("put", tree / "a.csv", "key", "--if-exists", "if-different").out
    run("put", tree / "b.json", "key", "--if-exists", "keep-both")
    assert bodies() == {"key": "a.csv", "key (2)": "b.json"}
    both = ("--overwrite", "--if-exists", "skip")
    run("put", tree / "a.csv", "key", *both, code=ErrorKind.USAGE.value)


def test_lines_of_json_name_each_file_once(run, put, tree):
    put("x/tree/a.csv")
    lines = [json.loads(each) for each in run("put", tree, "x/", "--json-lines").out.splitlines()]
    states = {each["key"]: each["state"] for each in lines[:-1]}
    assert states == {
        "x/tree/a.csv": "skipped", "x/tree/b.json": "done", "x/tree/sub/c.csv": "done"
    }  # fmt: skip
    assert [each["path"] for each in lines if each.get("key") == "x/tree/b.json"] == [
        str(tree / "b.json")
    ]
    assert (lines[-1]["state"], lines[-1]["planned"], lines[-1]["done"]) == ("ended", 3, 2)


def test_objects_are_downloaded_by_pattern_and_filter(run, put, tmp_path):
    put("x/a.csv", "x/b.json", "x/sub/c.csv", "y.csv")
    run("get", "x/*.csv", tmp_path / "p")
    run("get", "x/", tmp_path / "f", "-r", "--exclude", "*.json", "--exclude", "sub/*")
    found = {each.relative_to(tmp_path).as_posix() for each in tmp_path.rglob("*.*")
             if each.is_file() and "home" not in each.parts}  # fmt: skip
    assert found == {"p/a.csv", "p/sub/c.csv", "f/a.csv"}
    run("get", "x/none*", tmp_path, code=ErrorKind.NOT_FOUND.value)
    lines = [
        json.loads(each)
        for each in run("get", "x/", tmp_path / "l", "-r", "--json-lines").out.splitlines()
    ]
    paths = {each["key"]: each["path"] for each in lines[:-1]}
    assert paths["x/sub/c.csv"] == str(tmp_path / "l" / "sub" / "c.csv")
    assert lines[-1]["done"] == 3


def test_the_plan_of_a_download_shows_what_would_happen(run, put, tmp_path):
    put("x/a.csv", "x/b.json")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.csv").write_text("mine")
    rows = json.loads(run("get", "x/", tmp_path / "out", "-r", "--dry-run", "--json").out)
    assert [(row["action"], row["key"]) for row in rows] == [
        ("skip", "x/a.csv"), ("download", "x/b.json")
    ]  # fmt: skip
    assert rows[1]["path"] == str(tmp_path / "out" / "b.json")
    run("get", "x/b.json", tmp_path / "new" / "b.json", "--dry-run")
    assert not (tmp_path / "new").exists()
    assert (tmp_path / "out" / "a.csv").read_text() == "mine"


def test_one_object_for_one_file_follows_the_decision(run, put, tmp_path):
    put("x/a.csv")
    (tmp_path / "f").write_text("mine")
    assert "1 skipped" in run("get", "x/a.csv", tmp_path / "f", "--if-exists", "skip").out
    assert (tmp_path / "f").read_text() == "mine"
    run("get", "x/a.csv", tmp_path / "f", "--if-exists", "if-different")
    assert (tmp_path / "f").read_text() == "x/a.csv"


def test_the_bandwidth_is_limited(run, tmp_path):
    (tmp_path / "f").write_bytes(bytes(400_000))
    began = time.monotonic()
    run("put", tmp_path / "f", "in/", "--limit-rate", "400K", "--parallel", "2")
    run("get", "in/", tmp_path / "out", "-r", "--limit-rate", "400K")
    assert time.monotonic() - began > 1.2
    run("put", tmp_path / "f", "in/", "--limit-rate", "fast", code=ErrorKind.INVALID_INPUT.value)
    run("put", tmp_path / "f", "in/", "--limit-rate", "0", code=ErrorKind.USAGE.value)


def test_options_of_the_objects_are_stored(run, feed, tree, s3_client, s3_bucket):
    options = ("--tag", "team=a b", "--metadata", "Note=x=y", "--storage-class", "STANDARD")
    run("put", tree / "a.csv", "one", *options)
    run("put", tree, "x/", *options, "--compress", "gzip", "--include", "a.csv")
    feed(b"input")
    run("put", "-", "stdin", *options)
    assert set(bodies_of(s3_client, s3_bucket)) == {"one", "x/tree/a.csv.gz", "stdin"}
    assert gzip.decompress(bodies_of(s3_client, s3_bucket)["x/tree/a.csv.gz"]) == b"a.csv"
    for key in ("one", "x/tree/a.csv.gz", "stdin"):
        found = s3_client.head_object(Bucket=s3_bucket, Key=key)
        assert found["Metadata"]["note"] == "x=y"
        assert len(found["Metadata"]["sha256"]) == 64
        tags = s3_client.get_object_tagging(Bucket=s3_bucket, Key=key)["TagSet"]
        assert tags == [{"Key": "team", "Value": "a b"}]
    usage = ErrorKind.USAGE.value
    run("put", tree / "a.csv", "two", "--tag", "team", code=usage)
    run("put", "-", "two", "--compress", "zstd", code=usage)
    run("put", tree, "y/", "--storage-class", "cheap", code=ErrorKind.INVALID_INPUT.value)


def bodies_of(client, bucket):
    keys = [row["Key"] for row in client.list_objects_v2(Bucket=bucket)["Contents"]]
    return {key: client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
