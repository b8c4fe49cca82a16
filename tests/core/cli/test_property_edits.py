"""`properties` shows the plan and its price, changes many objects, and reports each of them."""

import json

import pytest
from helpers.fault_proxy import FaultProxy, rule

from core.errors import Cancelled, ErrorKind
from core.transfer import property_edits

USAGE = ErrorKind.USAGE.value


@pytest.fixture
def found(s3_client, s3_bucket):
    """Return the properties of an object as the server reports them."""

    def call(key):
        head = s3_client.head_object(Bucket=s3_bucket, Key=key)
        tags = s3_client.get_object_tagging(Bucket=s3_bucket, Key=key)["TagSet"]
        return (
            head["ContentType"],
            head.get("CacheControl", ""),
            head["Metadata"],
            {each["Key"]: each["Value"] for each in tags},
        )

    return call


def test_the_plan_changes_nothing_and_states_the_price(run, put, found):
    put("a/1.csv", "a/2.csv", "b")
    before = found("a/1.csv")
    change = ("properties", "a/", "-r", "--type", "text/csv", "--tag", "team=desk")
    shown = run(*change)
    assert [line.split("\t")[2] for line in shown.out.splitlines()] == ["a/1.csv", "a/2.csv"]
    assert "set Content-Type to text/csv" in shown.err
    assert (
        "2 objects, 14 B; about 22 requests, less than 0.01 USD. Nothing was changed." in shown.err
    )
    assert "the former properties would be lost" in shown.err
    plan = json.loads(run(*change, "--yes", "--dry-run", "--json").out)
    assert ([row["key"] for row in plan["objects"]], plan["requests"]) == (
        ["a/1.csv", "a/2.csv"],
        22,
    )
    assert (plan["undoable"], plan["change"]["tags"]) == (False, [["team", "desk"]])
    assert found("a/1.csv") == before


def test_objects_are_changed_and_each_is_reported(run, put, found, bodies):
    put("a/1.csv", "a/2.csv", "b")
    change = (
        "properties", "a/*.csv", "--pattern", "--type", "text/csv", "--header", "cache-control=no-cache",
        "--metadata", "team=desk", "--tag", "stage=raw", "--yes",
    )  # fmt: skip
    assert run(*change).out == "changed 2 of 2 objects; 0 failed\n"
    assert found("a/2.csv") == ("text/csv", "no-cache", {"team": "desk"}, {"stage": "raw"})
    assert "2 already had the properties" in run(*change).out
    removal = (
        "--remove-header",
        "Cache-Control",
        "--remove-metadata",
        "team",
        "--remove-tag",
        "stage",
    )
    lines = run("properties", "a/1.csv", "b", *removal, "--yes", "--json-lines").out.splitlines()
    *each, ended = [json.loads(line) for line in lines]
    # In the order in which they ended.
    assert {(row["state"], row["key"]) for row in each} == {
        ("changed", "a/1.csv"),
        ("unchanged", "b"),
    }
    counts = {"changed": 1, "unchanged": 1, "failed": 0, "cancelled": 0, "partly": 0}
    counts["unanswered"] = 0
    assert ended == {"state": "ended", "planned": 2, **counts}
    assert found("a/1.csv") == ("text/csv", "", {}, {})
    assert bodies()["a/1.csv"] == "a/1.csv"


def test_a_failure_is_named_and_decides_the_exit_code(run, put, monkeypatch, s3_client, s3_bucket):
    put("a/1", "a/2")
    real = property_edits.read_properties

    def gone(bucket, key, **more):
        if key == "a/1":
            s3_client.delete_object(Bucket=s3_bucket, Key=key)
        return real(bucket, key, **more)

    monkeypatch.setattr(property_edits, "read_properties", gone)
    change = ("properties", "a/", "-r", "--tag", "x=1", "--yes", "--json")
    report = json.loads(run(*change, code=ErrorKind.NOT_FOUND.value).out)
    assert [row["key"] for row in report["changed"]] == ["a/2"]
    assert [(row["key"], row["kind"]) for row in report["failed"]] == [("a/1", "not_found")]
    assert report["planned"] == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "No property is named"),
        (("--header", "ETag=1"), "ETag is not a header"),
        (("--header", "Cache-Control="), "Use --remove-header Cache-Control"),
        (("--tag", "x"), "has no name and value"),
        (("--metadata", "a=1", "--remove-metadata", "A"), "twice"),
        (("--storage-class", "cold"), "storage class"),
    ],
)
def test_a_change_that_is_not_valid_is_refused_before_anything_is_sent(run, options, message):
    from core.cli import main

    assert message in run("properties", "x", *options, "--yes", code=_code(message)).err
    assert main(["properties", "s3://a/x", "s3://b/y", "--tag", "a=b"]) == USAGE


def _code(message):
    own = ("No property", "Use --remove", "no name and value")
    return USAGE if message.startswith(own) or own[2] in message else ErrorKind.INVALID_INPUT.value


def test_a_line_is_written_as_soon_as_an_object_is_changed_also_if_the_next_one_is_interrupted(
    run, put, monkeypatch, capsys
):
    put("a/1", "a/2", "a/3")
    real, before = property_edits.read_properties, []

    def read(bucket, key, **more):
        if key == "a/2":
            before.extend(capsys.readouterr().out.splitlines())
            raise Cancelled("Cancelled")
        return real(bucket, key, **more)

    monkeypatch.setattr(property_edits, "read_properties", read)
    change = ("properties", "a/", "-r", "--tag", "x=1", "--yes", "--parallel", "1")
    printed = run(*change, "--json-lines", code=ErrorKind.CANCELLED.value)
    (line,) = map(json.loads, before)
    assert (line["state"], line["key"]) == ("changed", "a/1")
    *rest, ended = map(json.loads, printed.out.splitlines())
    # Whether the last object is still tried depends on the thread that ends first.
    assert ("cancelled", "a/2") in {(row["state"], row["key"]) for row in rest}
    assert sorted(row["key"] for row in rest) == ["a/2", "a/3"]
    assert (ended["planned"], ended["changed"] + ended["cancelled"]) == (3, 3)


def test_a_change_without_an_answer_is_named(run, put, s3_server, monkeypatch):
    put("a")
    change = ("properties", "a", "--metadata", "team=desk", "--yes", "--retry-seconds", "0")
    with (
        FaultProxy(s3_server, rule("Copy", "lost_answer")) as proxy,
        monkeypatch.context() as patched,
    ):
        patched.setenv("AWS_ENDPOINT_URL", proxy.url)
        printed = run(*change, code=ErrorKind.OFFLINE.value)
    assert "1 change was not answered. The same command again" in printed.err
    assert json.loads(run(*change, "--json").out)["unanswered"] == []
