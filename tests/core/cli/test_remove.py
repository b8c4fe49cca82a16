"""`rm` shows before it deletes, and `undelete` restores, on every S3 server."""

import json

import pytest
from helpers.fault_proxy import FaultProxy, rule

from core.errors import AccessDenied, Cancelled, ErrorKind
from core.objects import deleting, trash


@pytest.fixture
def versioned(s3_client, s3_bucket):
    s3_client.put_bucket_versioning(Bucket=s3_bucket, VersioningConfiguration={"Status": "Enabled"})


def test_nothing_is_deleted_without_yes(run, put, bodies, s3_bucket):
    put("a/1", "a/2", "b")
    printed = run("rm", "a/", "-r")
    assert [line.split("\t")[1:] for line in printed.out.splitlines()] == [
        ["3 B", "a/1"], ["3 B", "a/2"]
    ]  # fmt: skip
    assert f"--yes --confirm {s3_bucket} to delete them permanently" in printed.err
    assert "Add --yes to delete it permanently" in run("rm", "b").err
    rows = json.loads(run("rm", "a/*", "--dry-run", "--json").out)
    assert [(row["key"], row["size"], row["permanent"]) for row in rows] == [
        ("a/1", 3, True), ("a/2", 3, True)
    ]  # fmt: skip
    assert set(bodies()) == {"a/1", "a/2", "b"}


def test_several_objects_are_only_deleted_permanently_with_the_name_of_the_bucket(
    run, put, bodies, s3_bucket
):
    put("a/1", "a/2", "a/3.csv", "b")
    refused = run("rm", "a/", "-r", "--yes", code=ErrorKind.USAGE.value)
    assert "3 objects would be deleted permanently" in refused.err
    run("rm", "a/", "-r", "--yes", "--confirm", "other", code=ErrorKind.USAGE.value)
    assert set(bodies()) == {"a/1", "a/2", "a/3.csv", "b"}
    printed = run("rm", "a/", "-r", "--exclude", "*.csv", "--yes", "--confirm", s3_bucket)
    assert "deleted 2 of 2 objects; 0 failed" in printed.out
    run("rm", "b", "--yes")
    assert set(bodies()) == {"a/3.csv"}


def test_what_arrives_during_a_delete_is_named_and_stays(run, put, bodies, s3_bucket, monkeypatch):
    put("a/1", "a/2")
    answer = deleting._answer_of

    def arrive(*arguments):
        put("a/3")
        return answer(*arguments)

    monkeypatch.setattr(deleting, "_answer_of", arrive)
    printed = run("rm", "a/", "-r", "--yes", "--confirm", s3_bucket, "--json")
    report = json.loads(printed.out)
    assert (len(report["deleted"]), report["arrived"]) == (2, ["a/3"])
    assert set(bodies()) == {"a/3"}


@pytest.mark.usefixtures("versioned")
def test_deleted_objects_of_a_versioned_bucket_are_restored(run, put, bodies):
    put("a/1", "a/2", "b")
    assert "`strongroom undelete` can restore them" in run("rm", "a/", "-r").err
    report = json.loads(run("rm", "a/", "-r", "--yes", "--json").out)
    assert (report["planned"], report["failed"], report["cancelled"]) == (2, [], [])
    assert all(each["marker"] for each in report["deleted"])
    assert set(bodies()) == {"b"}
    shown = run("undelete", "a/")
    assert "2 deleted objects. Nothing was restored." in shown.err
    run("undelete", "a/", "--include", "*2", "--yes")
    assert bodies() == {"b": "b", "a/2": "a/2"}
    assert "restored 1 of 1 object" in run("undelete", "a/", "--yes").out
    assert set(bodies()) == {"a/1", "a/2", "b"}


def test_a_refused_deletion_is_named_with_its_reason(run, put, s3_bucket, monkeypatch):
    put("a/1", "a/2")
    from core.objects import deleting

    def refuse(_bucket, batch, _etags, found, _work):
        found.deleted.append(deleting.Deleted(batch[0]))
        found.failed.append(deleting.FailedDelete(batch[1], "AccessDenied", "Access Denied"))

    monkeypatch.setattr(deleting, "_delete_batch", refuse)
    arguments = ("rm", "a/", "-r", "--yes", "--confirm", s3_bucket)
    denied = ErrorKind.ACCESS_DENIED.value
    printed = run(*arguments, code=denied)
    assert "failed a/2: Access Denied" in printed.err
    assert "deleted 1 of 2 objects; 1 failed" in printed.out
    lines = [
        json.loads(line) for line in run(*arguments, "--json-lines", code=denied).out.splitlines()
    ]
    assert [line["state"] for line in lines] == ["deleted", "failed", "ended"]
    assert (lines[-1]["planned"], lines[-1]["deleted"], lines[-1]["failed"]) == (2, 1, 1)


def test_an_outage_is_reported_for_every_object(
    run, put, bodies, s3_bucket, s3_server, monkeypatch
):
    put("a/1", "a/2")
    with FaultProxy(s3_server, rule("Post", "error_503")) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        throttled = ErrorKind.THROTTLED.value
        printed = run(
            "rm", "a/", "-r", "--yes", "--confirm", s3_bucket, "--json", "--retry-seconds", "0",
            code=throttled,
        )  # fmt: skip
        monkeypatch.undo()
    report = json.loads(printed.out)
    assert [each["key"] for each in report["failed"]] == ["a/1", "a/2"]
    assert report["deleted"] == []


@pytest.mark.usefixtures("versioned")
@pytest.mark.parametrize("form", ["", "--json", "--json-lines"])
def test_deletions_without_an_answer_are_named(run, put, bodies, s3_server, monkeypatch, form):
    """They have taken effect, although the command ends with an error."""
    put("a/1", "a/2")
    with (
        FaultProxy(s3_server, rule("Post", "lost_answer")) as proxy,
        monkeypatch.context() as patched,
    ):
        patched.setenv("AWS_ENDPOINT_URL", proxy.url)
        printed = run(
            "rm", "a/", "-r", "--yes", "--retry-seconds", "0", *filter(None, [form]),
            code=ErrorKind.OFFLINE.value,
        )  # fmt: skip
    if form:
        assert json.loads(printed.out.splitlines()[-1] if form == "--json-lines" else printed.out)[
            "unanswered"
        ] == ["a/1", "a/2"]
    else:
        assert "2 deletions were not answered, first a/1: they may be deleted" in printed.err
    assert bodies() == {}
    assert "restored 2 of 2 objects" in run("undelete", "a/", "--yes").out
    assert set(bodies()) == {"a/1", "a/2"}


def test_what_does_not_exist_is_an_error(run, put):
    put("a")
    run("rm", "none", "--yes", code=ErrorKind.NOT_FOUND.value)
    run("rm", "none/", "-r", "--yes", code=ErrorKind.NOT_FOUND.value)
    run("rm", "a", "s3://other/b", "--yes", code=ErrorKind.USAGE.value)


@pytest.mark.parametrize(
    ("error", "state"), [(Cancelled("Cancelled"), "cancelled"), (AccessDenied("Denied"), "failed")]
)
@pytest.mark.usefixtures("versioned")
def test_lines_are_written_after_each_request_also_if_the_next_one_ends_the_command(
    run, put, monkeypatch, capsys, error, state
):
    put("a/1", "a/2", "a/3", "a/4")
    before = interrupted_after_a_request(monkeypatch, capsys, deleting, "_answer_of", error)
    printed = run("rm", "a/", "-r", "--yes", "--json-lines", code=error.kind.value)
    # Ceph RGW does not answer in the order of the request.
    states = sorted((line["state"], line["key"]) for line in map(json.loads, before))
    assert states == [("deleted", "a/1"), ("deleted", "a/2")]
    *rest, ended = [json.loads(line) for line in printed.out.splitlines()]
    assert [(line["state"], line["key"]) for line in rest] == [(state, "a/3"), (state, "a/4")]
    assert (ended["state"], ended["planned"], ended["deleted"]) == ("ended", 4, 2)
    monkeypatch.undo()


@pytest.mark.usefixtures("versioned")
def test_restored_objects_are_written_after_each_request(run, put, monkeypatch, capsys):
    put("a/1", "a/2", "a/3")
    run("rm", "a/", "-r", "--yes")
    error = Cancelled("Cancelled")
    before = interrupted_after_a_request(monkeypatch, capsys, trash, "_remove_batch", error)
    printed = run("undelete", "a/", "--yes", "--json-lines", code=error.kind.value)
    assert [json.loads(line)["key"] for line in before] == ["a/1", "a/2"]
    rest, ended = [json.loads(line) for line in printed.out.splitlines()]
    assert rest == {"state": "cancelled", "key": "a/3"}
    assert (ended["restored"], ended["cancelled"]) == (2, 1)


def interrupted_after_a_request(monkeypatch, capsys, module, name, error):
    """Let the second request of two keys fail; return the list of lines that are printed before."""
    real, before, calls = getattr(module, name), [], []

    def request(*given):
        calls.append(given)
        if len(calls) == 2:
            before.extend(capsys.readouterr().out.splitlines())
            raise error
        return real(*given)

    monkeypatch.setattr(module, "DELETE_KEYS", 2)
    monkeypatch.setattr(module, name, request)
    return before
