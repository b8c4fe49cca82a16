"""`cp` and `mv` copy and move objects on every S3 server, and lose none."""

import itertools
import json

import pytest
from helpers.fault_proxy import FaultProxy, rule
from helpers.s3_servers import make_bucket

from core.errors import ErrorKind
from core.limits import LimitValues
from core.model.objects import Verdict
from core.objects import copying
from core.objects.fetching import Fetched
from core.transfer import copies


def test_one_object_a_prefix_and_a_pattern_are_copied(run, put, bodies):
    put("a/x.json", "a/y.csv", "a/sub/z.json", "b")
    run("cp", "b", "one")
    run("cp", "b", "into/")
    run("cp", "a/", "all/", "-r", "--exclude", "*.csv")
    run("cp", "a/*.json", "json/")
    found = bodies()
    assert found["one"] == found["into/b"] == "b"
    assert {k: v for k, v in found.items() if k.startswith(("all/", "json/"))} == {
        "all/x.json": "a/x.json", "all/sub/z.json": "a/sub/z.json",
        "json/x.json": "a/x.json", "json/sub/z.json": "a/sub/z.json",
    }  # fmt: skip


def test_keys_that_end_with_a_slash_and_have_content_are_copied_or_named(
    run, put, bodies, s3_server
):
    put("a/dir/", "a/dir/x", "a/y")
    put("a/empty/", body=b"")
    stored = s3_server.name != "seaweed"  # it has only the ETag of the content
    code = 0 if stored else ErrorKind.CORRUPT.value
    report = json.loads(run("cp", "a/", "b/", "-r", "--json", code=code).out)
    copied = {key: body for key, body in bodies().items() if key.startswith("b/")}
    assert {"b/dir/x": "a/dir/x", "b/y": "a/y", "b/empty/": ""}.items() <= copied.items()
    assert copied.get("b/dir/") == ("a/dir/" if stored else None)
    causes = [each["cause"] for each in report["failed"]]
    assert stored or "does not store the content of keys that end with a slash" in causes[0]
    assert len(causes) == (0 if stored else 1)


def test_the_key_of_the_copy_is_named_if_it_may_have_replaced_another_one(run, put):
    """Both servers ignore the condition of a copy."""
    put("a")
    assert "that the key b is free" in run("cp", "a", "b").err


def test_a_key_with_signs_of_patterns_is_a_key_if_it_exists(run, put, bodies):
    put("a[1].txt", "a1.txt")
    run("mv", "a[1].txt", "moved")
    assert bodies() == {"a1.txt": "a1.txt", "moved": "a[1].txt"}


def test_a_move_removes_only_what_it_has_copied(run, put, bodies):
    put("a/1", "a/2", "b/2")
    printed = run("mv", "a/", "b/", "-r", "--json")
    report = json.loads(printed.out)
    assert (report["planned"], len(report["done"])) == (2, 1)
    assert (report["done"][0]["key"], report["done"][0]["target"]) == ("a/1", "b/1")
    assert [each["reason"] for each in report["skipped"]] == ["it already exists"]
    assert bodies() == {"a/2": "a/2", "b/1": "a/1", "b/2": "b/2"}
    assert "moved 1 of 1 object" in run("mv", "a/2", "b/2", "--if-exists", "overwrite").out
    assert bodies() == {"b/1": "a/1", "b/2": "a/2"}


def test_an_interrupted_move_is_completed_by_the_same_command(run, put, bodies):
    put("a/1", "b/1", body=b"the same")
    run("mv", "a/1", "b/1")
    assert bodies() == {"b/1": "the same"}


def test_a_source_is_only_removed_if_its_bytes_are_those_of_the_copy(run, put, bodies, monkeypatch):
    put("a", "b")
    monkeypatch.setattr(copying, "compare_answers", lambda *_answers: Verdict.SIZE_ONLY)
    run("mv", "a", "c")
    assert bodies() == {"b": "b", "c": "a"}
    with monkeypatch.context() as patch:
        # A server that stores other bytes than those of the source, without a hash of them.
        hashes = map(str, itertools.count())
        patch.setattr(copying, "fetch", lambda *_a, **_k: (b"", Fetched(1, next(hashes), "", None)))
        run("mv", "b", "d", code=ErrorKind.SERVICE.value)
    assert bodies()["b"] == "b"


def test_decisions_for_existing_objects(run, put, bodies):
    put("old/a", body=b"1")
    put("new/a", body=b"2")
    assert "skip, it exists" in run("cp", "new/a", "old/a", "--dry-run").out
    run("cp", "new/a", "old/a")
    run("cp", "new/a", "old/a", "--if-exists", "if-size-differs")
    assert bodies()["old/a"] == "1"
    run("cp", "new/a", "old/a", "--if-exists", "if-different")
    assert bodies()["old/a"] == "2"
    same = run("cp", "new/a", "old/a", "--if-exists", "if-different", "--json").out
    assert json.loads(same)["skipped"][0]["reason"] == "it already exists, with the same content"
    put("old/a", body=b"333")
    run("cp", "new/a", "old/a", "--if-exists", "if-newer")
    assert bodies()["old/a"] == "333"
    run("cp", "new/a", "old/a", "--if-exists", "if-size-differs")
    assert bodies()["old/a"] == "2"


def test_a_dry_run_changes_nothing(run, put, bodies):
    put("a/1", "a/2", "b/2")
    printed = run("mv", "a/", "b/", "-r", "--dry-run")
    assert printed.out.splitlines() == [
        "move\t3 B\ta/1\tb/1", "skip, it exists\t3 B\ta/2\tb/2"
    ]  # fmt: skip
    assert "2 objects, 6 B. Nothing was changed." in printed.err
    rows = json.loads(run("cp", "a/", "b/", "-r", "--dry-run", "--json").out)
    assert rows[0] == {"action": "copy", "size": 3, "key": "a/1", "target": "b/1"}
    assert set(bodies()) == {"a/1", "a/2", "b/2"}


def test_lines_of_json_name_each_object_once(run, put):
    put("a/1", "a/2", "a/3", "b/2")
    lines = [
        json.loads(line) for line in run("cp", "a/", "b/", "-r", "--json-lines").out.splitlines()
    ]
    states = {each["key"]: each["state"] for each in lines[:-1]}
    assert states == {"a/1": "done", "a/2": "skipped", "a/3": "done"}
    assert lines[-1]["state"] == "ended"
    assert (lines[-1]["planned"], lines[-1]["done"], lines[-1]["skipped"]) == (3, 2, 1)
    done = next(each for each in lines if each["key"] == "a/1")
    assert (done["target"], done["size"], done["verdict"][:10]) == ("b/1", 3, "verified (")


def test_objects_are_copied_to_another_bucket(run, put, bodies, s3_client, s3_bucket):
    other = make_bucket(s3_client)
    put("a/1", "a/2")
    run("cp", "a/", f"s3://{other}/b/", "-r")
    run("mv", "a/1", f"s3://{other}/a/1")
    assert bodies(other) == {"a/1": "a/1", "b/1": "a/1", "b/2": "a/2"}
    run("mv", f"s3://{other}/b/2", f"s3://{s3_bucket}/back")
    assert bodies() == {"a/2": "a/2", "back": "a/2"}


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("cp", "none", "b"), "NOT_FOUND"),
        (("cp", "none/*", "b/"), "NOT_FOUND"),
        (("cp", "a/", "b", "-r"), "INVALID_INPUT"),
        (("mv", "a/1", "a/1"), "INVALID_INPUT"),
        (("mv", "a/", "a/a/", "-r"), "INVALID_INPUT"),
        (("cp", "a/1", "b/", "--source-profile", "none"), "NOT_FOUND"),
    ],
)
def test_what_cannot_be_copied_is_refused_before_any_change(run, put, bodies, arguments, kind):
    put("a/1", "a/a/1")
    before = bodies()
    run(*arguments, code=ErrorKind[kind].value)
    assert bodies() == before


def test_a_source_that_was_replaced_since_its_copy_is_not_deleted(
    run, put, bodies, s3_server, monkeypatch
):
    put("a")
    compared = copying.compare_answers

    def replaced(*answers):
        put("a", body=b"new")
        return compared(*answers)

    monkeypatch.setattr(copying, "compare_answers", replaced)
    printed = run("mv", "a", "b", code=ErrorKind.CONFLICT.value)
    assert "Another client has stored a new object under this key" in printed.err
    assert bodies() == {"a": "new", "b": "a"}


def test_a_copy_without_an_answer_is_repeated_or_found(run, put, bodies, s3_server, monkeypatch):
    put("a/1", "a/2", "a/3")
    with FaultProxy(s3_server, rule("Copy", "lost_answer", "first")) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        run("mv", "a/", "b/", "-r")
        assert proxy.struck
    assert bodies() == {"b/1": "a/1", "b/2": "a/2", "b/3": "a/3"}


@pytest.mark.parametrize("form", ["", "--json", "--json-lines"])
def test_a_deletion_without_an_answer_is_named(run, put, bodies, s3_server, monkeypatch, form):
    """It has taken effect, although the move counts as failed; the same command completes it."""
    put("a/1")
    with (
        FaultProxy(s3_server, rule("Delete", "lost_answer")) as proxy,
        monkeypatch.context() as patched,
    ):
        patched.setenv("AWS_ENDPOINT_URL", proxy.url)
        printed = run(
            "mv", "a/", "b/", "-r", "--retry-seconds", "0", *filter(None, [form]),
            code=ErrorKind.OFFLINE.value,
        )  # fmt: skip
    if form:
        text = printed.out.splitlines()[-1] if form == "--json-lines" else printed.out
        report = json.loads(text)
        unanswered = [{"key": "a/1", "target": "b/1"}]
        assert (report["unanswered"], report["unanswered_copies"]) == (unanswered, [])
    else:
        assert "1 deletion was not answered. The same command again" in printed.err
    assert bodies() == {"b/1": "a/1"}
    assert "unanswered" not in json.loads(run("cp", "b/", "c/", "-r", "--json").out)


def test_a_copy_has_limits_of_bandwidth_and_parallelism(run, put, bodies, monkeypatch):
    put("a/1", "a/2")
    seen = []
    real = copies.copy

    def recorded(*arguments, work, **more):
        seen.append(work.limits.values)
        return real(*arguments, work=work, **more)

    monkeypatch.setattr(copies, "copy", recorded)
    run("cp", "a/", "b/", "-r", "--limit-rate", "5M", "--parallel", "1")
    run("mv", "a/", "c/", "-r", "--parallel", "2")
    assert seen == [LimitValues(5 * 1024 * 1024, 1)] * 2 + [LimitValues(None, 2)] * 2
    assert sorted(bodies()) == ["b/1", "b/2", "c/1", "c/2"]
