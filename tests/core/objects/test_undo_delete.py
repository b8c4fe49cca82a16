"""Deletions whose answers are lost are undone, and nothing of another client is, on every server."""

import pickle
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from helpers.fault_proxy import FaultProxy, rule
from helpers.s3_servers import make_bucket

from core.aws import retries
from core.aws.clients import ClientFactory
from core.errors import AccessDenied, Cancelled, StorageError
from core.objects import lost_answers, undo_delete
from core.objects.bucket import Bucket
from core.objects.deleting import Deleted, DeleteReport, delete_many
from core.objects.lost_answers import LostAnswers, settle, unanswered_text
from core.objects.trash import RestoreReport
from core.objects.undo_delete import LostDeletion, Undoable, restore_objects, undoable
from core.objects.versions import NewestVersions, ObjectVersion, list_versions
from core.work import CancelToken, Work

KEYS = ("a/1", "a/ü &+.txt", "b")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def bucket(s3_server, s3_client):
    clients = ClientFactory(s3_server.connection(""))
    bucket = Bucket(clients, make_bucket(s3_client))
    version(s3_client, bucket, "Enabled")
    for key in KEYS:
        s3_client.put_object(Bucket=bucket.name, Key=key, Body=key.encode())
    yield bucket
    clients.close()


@pytest.fixture
def through(s3_server, bucket):
    """Return a context: the bucket through a proxy with rules."""

    @contextmanager
    def proxy(*rules):
        with FaultProxy(s3_server, *rules) as made:
            clients = ClientFactory(s3_server.connection(bucket.name, made.url))
            try:
                yield Bucket(clients, bucket.name)
            finally:
                clients.close()

    return proxy


def version(client, bucket, status):
    client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": status})


def present(client, bucket):
    """Return the contents of all objects, read by another client."""
    rows = client.list_objects_v2(Bucket=bucket.name).get("Contents", ())
    return {
        row["Key"]: client.get_object(Bucket=bucket.name, Key=row["Key"])["Body"].read().decode()
        for row in rows
    }


def markers(bucket, key):
    return [row.version_id for row in list_versions(bucket, key) if row.marker]


def hidden_twice(bucket, key):
    """Return the two delete markers of an object that was deleted twice."""
    found = markers(bucket, key)
    if len(found) == 1:
        pytest.skip("not supported by this server: a second delete marker above another one")
    assert len(found) == 2
    return found


def known(bucket, client, keys=KEYS):
    """Return what a listing shows of the objects."""
    rows = client.list_objects_v2(Bucket=bucket.name)["Contents"]
    return {row["Key"]: (row["ETag"].strip('"'), row["Size"]) for row in rows if row["Key"] in keys}


def lost_report(through, fault, keys=KEYS, occasion="every"):
    """Delete keys through a proxy, and return the report after the error, or of the success."""
    with through(rule("Post", fault, occasion)) as damaged:
        try:
            return delete_many(damaged, keys)
        except StorageError as error:
            return error.partial


def undone(bucket, report, before, earlier=()):
    """Undo a deletion, with arguments that have passed into another process and back."""
    found = undoable(report, before, earlier)
    objects, lost = pickle.loads(pickle.dumps((found.hidden, found.lost)))
    return restore_objects(SimpleNamespace(bucket=bucket), Work(), objects=objects, lost=lost)


def test_deletions_are_undone_of_which_no_answer_came(bucket, through, s3_client):
    """Each attempt takes effect: several delete markers hide each object, except on Ceph RGW."""
    before = known(bucket, s3_client)
    report = lost_report(through, "lost_answer")
    assert (report.deleted, report.failed, report.unanswered) == ((), (), KEYS)
    assert present(s3_client, bucket) == {}
    assert report.lost[0][1].number > 1
    assert len(markers(bucket, "b")) in {1, report.lost[0][1].number}
    restored = undone(bucket, report, before)
    assert sorted(restored.restored) == sorted(KEYS)
    assert (restored.failed, restored.present) == ((), ())
    assert present(s3_client, bucket) == {key: key for key in KEYS}
    assert markers(bucket, "b") == []


def test_a_repeated_deletion_is_undone_with_the_marker_of_its_first_attempt(
    bucket, through, s3_client
):
    before = known(bucket, s3_client)
    report = lost_report(through, "lost_answer", occasion="first")
    assert len(report.deleted) == len(KEYS)
    assert report.unanswered == ()
    assert len(markers(bucket, "b")) in {1, 2}
    found = undoable(report, before)
    assert (found.hidden, len(found.lost), found.count) == ((), 3, 3)
    assert sorted(undone(bucket, report, before).restored) == sorted(KEYS)
    assert present(s3_client, bucket) == {key: key for key in KEYS}


def test_what_never_arrived_is_reported_as_present_and_nothing_changes(bucket, through, s3_client):
    before, versions = known(bucket, s3_client), list_versions(bucket, "b")
    report = lost_report(through, "reset")
    assert report.unanswered == KEYS
    restored = undone(bucket, report, before)
    assert (restored.restored, restored.failed) == ((), ())
    assert sorted(restored.present) == sorted(KEYS)
    assert list_versions(bucket, "b") == versions


def test_a_second_try_of_a_lost_deletion_is_undone_together_with_it(
    bucket, through, s3_client, monkeypatch
):
    monkeypatch.setattr(retries, "ATTEMPTS", 1)
    before = known(bucket, s3_client)
    first = undoable(lost_report(through, "lost_answer"), before)
    report = delete_many(bucket, KEYS)
    assert len(markers(bucket, "b")) in {1, 2}
    assert sorted(undone(bucket, report, before, first.lost).restored) == sorted(KEYS)
    assert present(s3_client, bucket) == {key: key for key in KEYS}
    again = undoable(lost_report(through, "reset"), before, first.lost)
    assert {each.lost.number for each in again.lost} == {2}


def test_the_marker_of_another_client_stays(bucket, through, s3_client, monkeypatch):
    """Both clients delete: which of the two markers is whose cannot be seen."""
    monkeypatch.setattr(retries, "ATTEMPTS", 1)
    before = known(bucket, s3_client)
    report = lost_report(through, "lost_answer", ["b"])
    s3_client.delete_object(Bucket=bucket.name, Key="b")
    hiding = hidden_twice(bucket, "b")
    restored = undone(bucket, report, before)
    assert [(each.key, each.code) for each in restored.failed] == [("b", undo_delete.FOREIGN)]
    assert markers(bucket, "b") == hiding


@pytest.mark.parametrize("seconds", [-120, 120], ids=["later", "earlier"])
def test_a_marker_of_another_time_is_of_another_client(bucket, s3_client, seconds):
    before = known(bucket, s3_client)
    s3_client.delete_object(Bucket=bucket.name, Key="b")
    hiding, sent = markers(bucket, "b"), time.time() + seconds
    lost = LostDeletion("b", *before["b"], LostAnswers(1, sent, sent + 1))
    restored = undo_delete.undo_delete(bucket, (), [lost])
    assert [each.code for each in restored.failed] == [undo_delete.FOREIGN]
    assert markers(bucket, "b") == hiding


def test_an_object_that_another_client_has_stored_in_the_meantime_stays(bucket, through, s3_client):
    before = known(bucket, s3_client)
    report = lost_report(through, "lost_answer", ["b"])
    s3_client.put_object(Bucket=bucket.name, Key="b", Body=b"of another client")
    hiding = markers(bucket, "b")
    restored = undone(bucket, report, before)
    assert [(each.key, each.code) for each in restored.failed] == [("b", undo_delete.REPLACED)]
    assert present(s3_client, bucket)["b"] == "of another client"
    assert markers(bucket, "b") == hiding


def test_without_versions_the_deleted_is_gone_and_the_rest_present(s3_server, s3_client, through):
    clients = ClientFactory(s3_server.connection(""))
    plain = Bucket(clients, make_bucket(s3_client))
    for key in KEYS:
        s3_client.put_object(Bucket=plain.name, Key=key, Body=key.encode())
    before = known(plain, s3_client)
    s3_client.delete_object(Bucket=plain.name, Key="b")
    now = time.time()
    lost = [LostDeletion(key, *before[key], LostAnswers(1, now, now)) for key in KEYS]
    report = undo_delete.undo_delete(plain, (), lost)
    assert report.present == KEYS[:2]
    assert [(each.key, each.code) for each in report.failed] == [("b", undo_delete.PERMANENT)]
    assert sorted(present(s3_client, plain)) == sorted(KEYS[:2])
    clients.close()


def test_the_object_is_read_where_the_server_lists_no_versions(bucket, s3_client, monkeypatch):
    """Some list none of buckets without versioning; a known marker is gone as well then."""
    monkeypatch.setattr(undo_delete, "newest_versions", lambda *_a, **_k: NewestVersions(()))
    before, sent = known(bucket, s3_client), LostAnswers(1, 0.0, 1.0)
    s3_client.delete_object(Bucket=bucket.name, Key="b")
    lost = [LostDeletion(key, *before[key], sent, ("m",)) for key in ("a/1", "b")]
    lost.append(LostDeletion("a/ü &+.txt", "other", 3, sent))
    report = undo_delete.undo_delete(bucket, (), lost)
    assert (report.restored, report.present) == ((), ("a/1",))
    assert [(each.key, each.code) for each in report.failed] == [
        ("b", undo_delete.PERMANENT), ("a/ü &+.txt", undo_delete.REPLACED),
    ]  # fmt: skip


def test_a_marker_whose_place_another_object_may_take_stays(bucket, s3_client):
    before = known(bucket, s3_client)
    version(s3_client, bucket, "Suspended")
    now = time.time()
    s3_client.delete_object(Bucket=bucket.name, Key="b")
    if markers(bucket, "b") != ["null"]:
        pytest.skip("not supported by this server: delete markers while versioning is suspended")
    lost = LostDeletion("b", *before["b"], LostAnswers(1, now, time.time()))
    report = undo_delete.undo_delete(bucket, (), [lost])
    assert [each.code for each in report.failed] == [undo_delete.SUSPENDED]
    assert markers(bucket, "b") == ["null"]


def test_without_the_right_to_list_versions_only_what_is_known_is_restored(
    bucket, s3_client, monkeypatch
):
    def denied(*_arguments, **_more):
        raise AccessDenied("Not allowed", cause="s3:ListBucketVersions is missing")

    monkeypatch.setattr(undo_delete, "newest_versions", denied)
    before = known(bucket, s3_client)
    now = time.time()
    answered = delete_many(bucket, ["a/ü &+.txt", "b"]).deleted
    s3_client.delete_object(Bucket=bucket.name, Key="b")
    hidden_twice(bucket, "b")
    by_key = {each.key: (each.marker,) for each in answered}
    lost = [
        LostDeletion(key, *before[key], LostAnswers(1, now, time.time()), by_key.get(key, ()))
        for key in KEYS
    ]
    report = undo_delete.undo_delete(bucket, (), lost)
    assert report.present == ("a/1",)
    assert report.restored == ("a/ü &+.txt",)
    assert [(each.key, each.code) for each in report.failed] == [("b", undo_delete.FOREIGN)]
    s3_client.delete_object(Bucket=bucket.name, Key="a/1")
    report = undo_delete.undo_delete(bucket, (), lost[:1])
    assert [each.key for each in report.failed] == ["a/1"]
    assert "s3:ListBucketVersions is missing" in report.failed[0].message


def test_a_cancel_leaves_the_rest_for_another_undo(bucket, through, s3_client, monkeypatch):
    before = known(bucket, s3_client)
    found = undoable(lost_report(through, "lost_answer"), before)
    token = CancelToken()
    real = undo_delete.head

    def cancelling(*arguments, **more):
        token.cancel()
        return real(*arguments, **more)

    monkeypatch.setattr(undo_delete, "head", cancelling)
    with pytest.raises(Cancelled) as cancelled:
        undo_delete.undo_delete(bucket, found.hidden, found.lost, work=Work(token))
    monkeypatch.undo()
    assert sorted(cancelled.value.partial.restored) == sorted(KEYS)
    assert found.without(cancelled.value.partial) == Undoable()
    assert found.without(None) == found
    again = undo_delete.undo_delete(bucket, found.hidden, found.lost)
    assert sorted(again.present) == sorted(KEYS)


# What the versions of a key show, by their times in seconds after the request


def row(name, seconds, *, marker=True, current=False, size=0, etag=""):
    return ObjectVersion(name, NOW + timedelta(seconds=seconds), size, current, marker, etag)


FORMER = row("v", -900, marker=False, size=3, etag="e")
SENT = LostAnswers(1, NOW.timestamp(), NOW.timestamp() + 2)


@pytest.mark.parametrize(
    ("rows", "number", "ids", "expected"),
    [
        ([row("m", 1, current=True), FORMER], 1, (), ("m",)),
        ([row("m", 14, current=True), FORMER], 1, (), ("m",)),
        ([row("m", 30, current=True), FORMER], 1, (), undo_delete.FOREIGN),
        ([row("m", -5, current=True), FORMER], 1, (), undo_delete.FOREIGN),
        ([row("m", 1, current=True), row("n", 1), FORMER], 2, (), ("m", "n")),
        ([row("m", 1, current=True), row("n", 1), FORMER], 1, ("m",), ("m", "n")),
        ([row("m", 1, current=True), row("n", 1), row("o", 0), FORMER], 2, (), undo_delete.FOREIGN),
        ([row("x", 90, current=True), row("m", 1), FORMER], 1, (), undo_delete.FOREIGN),
        ([row("x", 90, current=True), row("m", 1), FORMER], 1, ("m",), undo_delete.FOREIGN),
        ([row("null", 1, current=True), FORMER], 1, (), undo_delete.SUSPENDED),
        ([row("m", 1, current=True)], 1, (), undo_delete.PERMANENT),
        ([row("m", 1, current=True), row("w", -1, marker=False, size=4), FORMER], 1, (),
         undo_delete.REPLACED),
        ([row("w", 2, marker=False, current=True, size=4), row("m", 1), FORMER], 1, (),
         undo_delete.REPLACED),
        ([row("w", 2, marker=False, current=True, size=4)], 1, (), undo_delete.REPLACED),
        # The object was stored in the second of an older marker, which hides nothing.
        ([row("m", 1, current=True), row("v", 0, marker=False, size=3, etag="e"), row("x", -100)],
         1, (), ("m",)),
    ],
)  # fmt: skip
def test_only_markers_of_the_time_and_number_of_the_requests_are_removed(
    rows, number, ids, expected
):
    lost = LostAnswers(number, SENT.first, SENT.last)
    deletion = LostDeletion("k", "e", 3, lost, ids)
    assert undo_delete._markers(NewestVersions(tuple(rows)), deletion) == expected


def test_the_clock_of_the_server_counts():
    rows = (row("m", 3_601, current=True), FORMER)
    deletion = LostDeletion("k", "e", 3, SENT)
    assert undo_delete._markers(NewestVersions(rows, 3_600.0), deletion) == ("m",)
    assert undo_delete._markers(NewestVersions(rows, 0.0), deletion) == undo_delete.FOREIGN


def test_a_request_that_was_given_up_just_now_is_waited_for(monkeypatch):
    waited = []
    monkeypatch.setattr(CancelToken, "wait", lambda _token, seconds: waited.append(seconds))
    now = time.time()
    settle([None, LostAnswers(1, now - 100, now - 50)], Work())
    assert waited == []
    settle([LostAnswers(1, now - 100, now - 50), LostAnswers(1, now, now)], Work())
    assert 0 < waited.pop() <= lost_answers._SETTLING_SECONDS
    settle([LostAnswers(1, now, now + 1_000)], Work())
    assert waited == [lost_answers._SETTLING_SECONDS]


def test_unanswered_requests_are_counted_once():
    lost = (("a", "b"), SENT), (("b", "c"), SENT)
    report = DeleteReport((Deleted("a", "1"),), (), (), lost)
    assert report.unanswered == ("b", "c")
    found = undoable(report, dict.fromkeys("abc", ("e", 3)))
    assert [(each.key, each.lost.number, each.markers) for each in found.lost] == [
        ("a", 1, ("1",)), ("b", 2, ()), ("c", 1, ()),
    ]  # fmt: skip
    assert unanswered_text(0) == ""
    assert unanswered_text(1) == "1 deletion was not answered"
    assert unanswered_text(2, 1) == "2 deletions and 1 copy were not answered"
    assert RestoreReport(("a",), (), ("b",)).present == ("b",)


def test_what_another_client_has_stored_or_deleted_since_is_not_reported_as_restored(
    bucket, s3_client
):
    answered = delete_many(bucket, KEYS).deleted
    objects = [(each.key, (each.marker,)) for each in answered]
    s3_client.put_object(Bucket=bucket.name, Key="a/1", Body=b"of another client")
    s3_client.delete_object(Bucket=bucket.name, Key="b")
    hidden_twice(bucket, "b")
    report = undo_delete.undo_delete(bucket, objects, ())
    assert report.restored == ("a/ü &+.txt",)
    assert {each.key: each.code for each in report.failed} == {
        "a/1": undo_delete.REPLACED,
        "b": undo_delete.FOREIGN,
    }
