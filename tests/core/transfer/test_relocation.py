"""Copies and moves of chosen objects, their plan and their undo, on every S3 server."""

from dataclasses import dataclass, replace

import pytest
from helpers.s3_servers import make_bucket

from core.aws.clients import ClientFactory
from core.errors import InvalidInput, NotFound, ServiceError
from core.limits import TransferLimits
from core.objects.bucket import Bucket
from core.objects.reading import head, read
from core.objects.writing import put
from core.transfer import copies
from core.transfer.copies import copy_objects, move_objects
from core.transfer.relocation import Relocation, keys_in_folder, plan_relocation
from core.transfer.undo_move import undo_move
from core.transfer.values import SAME, IfExists, TransferCancelled
from core.work import CancelToken, Work

ENABLED = {"Status": "Enabled"}
KEYS = ("a/1", "a/ü &+.txt", "a/deep/3")


@dataclass(frozen=True)
class Place:
    bucket: Bucket


@pytest.fixture
def place(s3_server, s3_client):
    name = make_bucket(s3_client)
    s3_client.put_bucket_versioning(Bucket=name, VersioningConfiguration=ENABLED)
    clients = ClientFactory(s3_server.connection(name))
    yield Place(Bucket(clients, name))
    clients.close()


@pytest.fixture
def plain(place, s3_client):
    return Place(Bucket(place.bucket.clients, make_bucket(s3_client)))


def filled(place):
    """Store the objects of a folder and return the columns of a plan."""
    written = [
        put(place.bucket, key, key.encode(), metadata={"note": "n"}, content_type="text/x-a")
        for key in KEYS
    ]
    return {
        "keys": KEYS,
        "sizes": [each.size for each in written],
        "etags": [each.etag for each in written],
    }


def planned(place, columns, target, *, to=None):
    targets = keys_in_folder(columns["keys"], "a/", target)
    bucket = (to or place).bucket
    return plan_relocation(place.bucket, bucket, Work(), targets=targets, **columns)


def exists(place, key):
    try:
        head(place.bucket, key)
    except NotFound:
        return False
    return True


def test_a_plan_states_new_keys_existing_ones_size_and_price(place):
    columns = filled(place)
    put(place.bucket, "b/deep/3", b"other")
    plan = planned(place, columns, "b/")
    assert plan.targets == ("b/1", "b/ü &+.txt", "b/deep/3")
    assert plan.existing == (2,)
    assert plan.size == sum(len(key.encode()) for key in KEYS)
    assert plan.requests == 9
    assert 0 < plan.cost < 0.001


def test_a_plan_that_depends_on_the_order_is_refused(place):
    columns = filled(place)
    with pytest.raises(InvalidInput, match="already have these keys"):
        planned(place, columns, "a/")
    targets = ("a/deep/3", "x", "y")
    with pytest.raises(InvalidInput, match="replaced by another copy"):
        plan_relocation(place.bucket, place.bucket, Work(), targets=targets, **columns)
    with pytest.raises(InvalidInput, match="same key"):
        plan_relocation(place.bucket, place.bucket, Work(), targets=("x", "x", "y"), **columns)
    with pytest.raises(InvalidInput):
        plan_relocation(place.bucket, place.bucket, Work(), targets=("", "x", "y"), **columns)


def test_a_move_is_undone_and_a_replaced_object_is_the_newest_again(place):
    columns = filled(place)
    before = [head(place.bucket, key).modified for key in KEYS]
    put(place.bucket, "b/1", b"replaced")
    plan = planned(place, columns, "b/")
    report = move_objects(place, Work(), **plan.arguments(), if_exists=IfExists.OVERWRITE.value)
    assert report.complete
    assert len(report.done) == len(report.moved) == 3
    assert not any(exists(place, key) for key in KEYS)
    undone = undo_move(place, Work(), moved=report.moved)
    assert sorted(undone.restored) == sorted(KEYS)
    assert (undone.failed, undone.remaining) == ((), ())
    # The former versions themselves are visible again, not copies of them.
    assert [head(place.bucket, key).modified for key in KEYS] == before
    assert read(place.bucket, "b/1") == b"replaced"
    assert not exists(place, "b/deep/3")


def test_a_copy_that_was_replaced_in_the_meantime_stays(place, plain):
    columns = filled(place)
    plan = planned(place, columns, "b/", to=plain)
    report = move_objects(plain, Work(), **plan.arguments(), source=place.bucket.name)
    put(plain.bucket, "b/1", b"by another client")
    undone = undo_move(plain, Work(), moved=report.moved, source=place.bucket.name)
    assert len(undone.restored) == 3
    assert [each.key for each in undone.remaining] == ["b/1"]
    assert read(plain.bucket, "b/1") == b"by another client"
    assert not exists(plain, "b/deep/3")
    assert exists(place, "a/1")


def test_what_was_deleted_permanently_cannot_be_restored(place, plain):
    columns = filled(plain)
    plan = planned(plain, columns, "b/")
    report = move_objects(plain, Work(), **plan.arguments())
    assert {each.marker for each in report.moved} == {""}
    undone = undo_move(plain, Work(), moved=report.moved)
    assert undone.restored == ()
    assert all(exists(plain, target) for target in plan.targets)


def test_objects_of_another_connection_are_copied_and_the_move_is_undone(s3_server, place, plain):
    columns = filled(place)
    connection = s3_server.connection(place.bucket.name)
    other = Bucket(ClientFactory(replace(connection)), plain.bucket.name)
    target = Place(other)
    plan = planned(place, columns, "b/", to=target)
    report = copy_objects(target, Work(), **plan.arguments(), source_connection=connection)
    assert report.complete
    found = head(other, "b/deep/3")
    assert (found.metadata["note"], found.content_type) == ("n", "text/x-a")
    moved = move_objects(target, Work(), **plan.arguments(), source_connection=connection)
    assert not exists(place, "a/1")
    undone = undo_move(target, Work(), moved=moved.moved, source_connection=connection)
    assert len(undone.restored) == 3
    assert exists(place, "a/1")
    other.clients.close()


def test_what_was_moved_before_a_cancel_is_reported_and_undone(place, monkeypatch):
    columns, token = filled(place), CancelToken()
    client = place.bucket.client
    send = client.delete_object

    def delete(**request):
        token.cancel()
        return send(**request)

    monkeypatch.setattr(client, "delete_object", delete)
    plan = planned(place, columns, "b/")
    work = Work(token, limits=TransferLimits(None, 1))
    with pytest.raises(TransferCancelled) as cancelled:
        move_objects(place, work, **plan.arguments())
    monkeypatch.undo()
    report = cancelled.value.partial
    assert [each.key for each in report.moved if each.marker] == ["a/1"]
    assert len(report.done) + len(report.cancelled) == report.planned == 3
    undone = undo_move(place, Work(), moved=report.moved)
    assert (undone.restored, undone.failed) == (("a/1",), ())
    assert all(exists(place, key) for key in KEYS)


def test_a_copy_whose_answer_was_lost_is_done_and_an_existing_equal_one_skipped(place, monkeypatch):
    columns = filled(place)
    put(place.bucket, "b/deep/3", b"a/deep/3")
    real = copies.copy

    def lost(bucket, key, target, **more):
        written = real(bucket, key, target, **more)
        if key == "a/1" and not lost_keys:
            lost_keys.append(key)
            raise ServiceError("No answer")
        return written

    lost_keys = []
    monkeypatch.setattr(copies, "copy", lost)
    report = copy_objects(place, Work(), **planned(place, columns, "b/").arguments())
    assert (report.done, report.failed) == ((0, 1), ())
    assert report.skipped == ((2, SAME),)


def test_the_folder_of_a_plan_has_a_new_prefix():
    plan = Relocation(("a/b/1", "a/c/2"), ("x/b/1", "x/c/2"), (1, 1), ("", ""))
    assert (plan.new_prefix("a/c/"), plan.new_prefix("a/"), plan.new_prefix("z/")) == (
        "x/c/", "x/", "z/",
    )  # fmt: skip


def test_an_undo_never_removes_the_last_copy(place, s3_client):
    columns = filled(place)
    version = head(place.bucket, "a/1").version_id
    plan = planned(place, columns, "b/")
    report = move_objects(place, Work(), **plan.arguments())
    # As a lifecycle rule for former versions, or another administrator.
    s3_client.delete_object(Bucket=place.bucket.name, Key="a/1", VersionId=version)
    undone = undo_move(place, Work(), moved=report.moved)
    assert sorted(undone.restored) == sorted(KEYS[1:])
    assert [(each.key, each.code) for each in undone.failed] == [("a/1", "NoSuchVersion")]
    assert read(place.bucket, "b/1") == b"a/1"
    assert not exists(place, "b/deep/3")


def test_an_undo_removes_no_copy_whose_former_key_has_an_older_object(place, s3_client):
    put(place.bucket, "a/1", b"older")
    columns = filled(place)
    version = head(place.bucket, "a/1").version_id
    report = move_objects(place, Work(), **planned(place, columns, "b/").arguments())
    s3_client.delete_object(Bucket=place.bucket.name, Key="a/1", VersionId=version)
    undone = undo_move(place, Work(), moved=report.moved)
    assert [(each.key, each.code) for each in undone.failed] == [("a/1", "Replaced")]
    assert read(place.bucket, "b/1") == b"a/1"


def test_a_move_while_versioning_is_suspended_cannot_be_undone(place, s3_client):
    put(place.bucket, "a/1", b"older")
    suspended = {"Status": "Suspended"}
    s3_client.put_bucket_versioning(Bucket=place.bucket.name, VersioningConfiguration=suspended)
    columns = filled(place)
    report = move_objects(place, Work(), **planned(place, columns, "b/").arguments())
    assert report.complete
    assert [each.marker for each in report.moved if each.marker == "null"] == []
    undo_move(place, Work(), moved=report.moved)
    for key in KEYS:
        found = [each for each in (key, key.replace("a/", "b/", 1)) if exists(place, each)]
        assert key.encode() in [read(place.bucket, each) for each in found]
