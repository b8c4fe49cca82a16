"""Properties of many objects are changed, verified, reported exactly, and restored."""

from types import SimpleNamespace as Place

import pytest
from botocore.exceptions import ClientError
from helpers.moto_bucket import moto_bucket

from core.errors import Cancelled, InvalidInput
from core.limits import TransferLimits
from core.objects.bucket import Bucket
from core.objects.properties import read_properties
from core.objects.property_edits import PropertyEdit, check_edit
from core.objects.reading import read
from core.objects.versions import list_versions
from core.objects.writing import put
from core.transfer.property_edits import edit_properties, requests_text
from core.transfer.undo_edits import undo_edits
from core.work import CancelToken, Work

KEYS = [f"a/{number}.json" for number in range(6)]
EDIT = PropertyEdit(
    "STANDARD_IA",
    headers=(("Cache-Control", "no-cache"), ("Content-Language", "")),
    metadata=(("Team", "desk"),),
    removed_metadata=("symbol",),
    tags=(("level", "2"),),
    removed_tags=("old",),
)


@pytest.fixture(scope="module")
def clients():
    with moto_bucket() as made:
        yield made.clients


@pytest.fixture(params=[True, False], ids=["versions", "plain"])
def place(clients, request):
    bucket = Bucket(clients, f"edits-{request.param}".lower())
    client = clients.s3()
    client.create_bucket(Bucket=bucket.name)
    if request.param:
        client.put_bucket_versioning(
            Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"}
        )
    for key in KEYS:
        client.put_object(
            Bucket=bucket.name, Key=key, Body=key.encode(), ContentLanguage="de",
            ContentType="text/plain", Metadata={"symbol": "X", "note": "n"}, Tagging="old=1&keep=2",
        )  # fmt: skip
    yield Place(bucket=bucket, versions=request.param)
    for each in client.list_object_versions(Bucket=bucket.name).get("Versions", ()):
        client.delete_object(Bucket=bucket.name, Key=each["Key"], VersionId=each["VersionId"])
    client.delete_bucket(Bucket=bucket.name)


def properties(place):
    return [read_properties(place.bucket, key) for key in KEYS]


def test_only_what_is_named_changes_and_the_undo_restores_it_where_there_are_versions(place):
    before = properties(place)
    report = edit_properties(place, keys=KEYS, edit=EDIT)
    assert [each.key for each in report.changed] == KEYS
    assert (report.unchanged, report.failed, report.partly) == ((), (), ())
    for old, now in zip(before, properties(place), strict=True):
        assert now.storage_class == "STANDARD_IA"
        assert now.headers == {"Content-Type": "text/plain", "Cache-Control": "no-cache"}
        assert now.metadata == {"note": "n", "team": "desk"}
        assert now.tags == (("keep", "2"), ("level", "2"))
        assert now.etag == old.etag
        assert read(place.bucket, now.key) == now.key.encode()
    again = edit_properties(place, keys=KEYS, edit=EDIT)
    assert (again.changed, again.unchanged) == ((), tuple(KEYS))
    assert len(report.undoable) == (6 if place.versions else 0)
    if place.versions:
        assert {len(list_versions(place.bucket, key)) for key in KEYS} == {2}
        undone = undo_edits(place, edited=report.undoable)
        assert (sorted(undone.restored), undone.failed) == (KEYS, ())
        assert properties(place) == before


def test_tags_alone_are_changed_in_place_and_restored_everywhere(place):
    before = properties(place)
    report = edit_properties(place, keys=KEYS, edit=PropertyEdit(tags=(("old", "3"),)))
    assert {read_properties(place.bucket, key).tags for key in KEYS} == {
        (("keep", "2"), ("old", "3"))
    }
    assert {len(list_versions(place.bucket, key)) for key in KEYS} == {1}
    undo_edits(place, edited=report.undoable)
    assert properties(place) == before


def test_failures_are_listed_exactly_and_a_retry_changes_only_those(place, monkeypatch):
    refused = {KEYS[1], KEYS[4]}
    client = place.bucket.client
    send = client.copy_object

    def copy(**request):
        if request["Key"] in refused:
            error = {"Error": {"Code": "AccessDenied", "Message": "no"}}
            raise ClientError({**error, "ResponseMetadata": {"HTTPStatusCode": 403}}, "CopyObject")
        return send(**request)

    monkeypatch.setattr(client, "copy_object", copy)
    edit = PropertyEdit(metadata=(("team", "desk"),))
    report = edit_properties(place, keys=[*KEYS, "a/none"], edit=edit)
    assert {each.key for each in report.failed} == {*refused, "a/none"}
    assert [each.key for each in report.changed] == [key for key in KEYS if key not in refused]
    assert report.planned == 7
    monkeypatch.undo()
    again = edit_properties(place, keys=[each.key for each in report.failed], edit=edit)
    assert {each.key for each in again.changed} == refused
    assert [each.key for each in again.failed] == ["a/none"]


def test_an_object_that_is_changed_halfway_is_a_failure_whose_change_is_undone(place, monkeypatch):
    before = read_properties(place.bucket, KEYS[0])

    def refuse(**_request):
        error = {"Error": {"Code": "AccessDenied", "Message": "no"}}
        raise ClientError(
            {**error, "ResponseMetadata": {"HTTPStatusCode": 403}}, "PutObjectTagging"
        )

    monkeypatch.setattr(place.bucket.client, "put_object_tagging", refuse)
    report = edit_properties(place, keys=KEYS[:1], edit=EDIT)
    monkeypatch.undo()
    assert [each.key for each in report.failed] == [each.key for each in report.partly] == KEYS[:1]
    assert report.changed == ()
    if place.versions:
        undo_edits(place, edited=report.undoable)
        assert read_properties(place.bucket, KEYS[0]) == before


def test_the_undo_leaves_an_object_that_was_changed_since(place):
    report = edit_properties(place, keys=KEYS[:1], edit=PropertyEdit(tags=(("old", "3"),)))
    copied = edit_properties(place, keys=KEYS[1:2], edit=PropertyEdit("STANDARD_IA"))
    put(place.bucket, KEYS[0], b"other")
    put(place.bucket, KEYS[1], b"other")
    undone = undo_edits(place, edited=[*report.undoable, *copied.undoable])
    assert undone.restored == ()
    assert len(undone.failed) == 1 + place.versions
    assert read(place.bucket, KEYS[0]) == read(place.bucket, KEYS[1]) == b"other"


@pytest.mark.parametrize(
    "edit", [PropertyEdit(tags=(("level", "2"),)), PropertyEdit(metadata=(("team", "desk"),))]
)
@pytest.mark.parametrize("stored", [False, True], ids=["refused", "lost answer"])
def test_the_upload_of_another_client_between_two_attempts_is_not_undone(
    place, monkeypatch, edit, stored
):
    """The request fails once; before it is repeated, another client replaces the object."""
    client = place.bucket.client
    name = "put_object_tagging" if edit.retags else "copy_object"
    send, failures = getattr(client, name), iter([True])

    def fail_once(**request):
        if next(failures, False):
            if stored:
                send(**request)
            client.put_object(
                Bucket=place.bucket.name, Key=KEYS[0], Body=b"of another client",
                Metadata={"team": "desk"}, Tagging="keep=2",
            )  # fmt: skip
            raise ClientError(
                {"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, name
            )
        return send(**request)

    monkeypatch.setattr(client, name, fail_once)
    report = edit_properties(place, keys=KEYS[:1], edit=edit)
    monkeypatch.undo()
    assert report.failed == ()
    undo_edits(place, edited=report.undoable)
    assert read(place.bucket, KEYS[0]) == b"of another client"


def test_what_was_changed_before_a_cancel_is_reported_and_undone(place, monkeypatch):
    """The cancel comes while a change is under way, whose answer would otherwise be lost."""
    before, token = properties(place), CancelToken()
    client = place.bucket.client
    send = client.copy_object

    def copy(**request):
        answer = send(**request)
        token.cancel()
        return answer

    monkeypatch.setattr(client, "copy_object", copy)
    work = Work(token, limits=TransferLimits(None, 1))
    with pytest.raises(Cancelled) as cancelled:
        edit_properties(place, work, keys=KEYS, edit=PropertyEdit("STANDARD_IA"))
    monkeypatch.undo()
    report = cancelled.value.partial
    stored = [each.key for each in properties(place) if each.storage_class == "STANDARD_IA"]
    assert [each.key for each in report.changed] == stored == KEYS[:1]
    assert (report.failed, report.cancelled, report.planned) == ((), tuple(KEYS[1:]), 6)
    assert len(report.undoable) == place.versions
    if place.versions:
        undone = undo_edits(place, edited=report.undoable)
        assert undone.failed == ()
        assert properties(place) == before


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (PropertyEdit(), "nothing to change"),
        (PropertyEdit("cold"), "storage class"),
        (PropertyEdit(headers=(("Cache-Control", "ü"),)), "Cache-Control"),
        (PropertyEdit(headers=(("ETag", "1"),)), "ETag"),
        (PropertyEdit(metadata=(("sha256", "1"),)), "sha256"),
        (PropertyEdit(removed_metadata=("SHA256",)), "sha256"),
        (PropertyEdit(metadata=(("a", "1"),), removed_metadata=("A",)), "twice"),
        (PropertyEdit(tags=(("a", "1"), ("a", "2"))), "tags"),
        (PropertyEdit(tags=(("a", "1"),), removed_tags=("a",)), "twice"),
        (PropertyEdit(tags=(("aws:x", "1"),)), "aws:x"),
    ],
)
def test_a_change_that_no_object_can_have_is_refused_before_anything_is_sent(edit, message):
    with pytest.raises(InvalidInput, match=message):
        check_edit(edit)


def test_requests_and_price_are_stated():
    assert requests_text(1000, PropertyEdit("GLACIER")) == "about 8,000 requests, 0.03 USD"
    assert (
        requests_text(1000, PropertyEdit("STANDARD")) == "about 8,000 requests, less than 0.01 USD"
    )
    assert (
        requests_text(1000, PropertyEdit(tags=(("a", "b"),)))
        == "about 5,000 requests, less than 0.01 USD"
    )
    assert requests_text(1, EDIT) == "about 11 requests, less than 0.01 USD"
