"""The trash lists deleted objects from answers of every form, and restores them."""

import dataclasses

import pytest
from helpers.object_server import bucket_at
from helpers.stub_server import XML, Reply, StubServer

from core.errors import AccessDenied, Cancelled, NotAnS3Answer
from core.objects import trash
from core.objects.deleting import delete, delete_many
from core.objects.reading import read
from core.objects.writing import put
from core.work import CancelToken, Work

ENABLED = {"Status": "Enabled"}


@pytest.fixture
def versioned(bucket, request):
    name = f"trash-{abs(hash(request.node.name))}"
    bucket.client.create_bucket(Bucket=name)
    bucket.client.put_bucket_versioning(Bucket=name, VersioningConfiguration=ENABLED)
    return dataclasses.replace(bucket, name=name)


def everything(bucket, prefix="", page_size=1000):
    found, cursor, pages = [], None, 0
    while True:
        page = trash.list_trash(bucket, prefix, cursor=cursor, page_size=page_size)
        found += page.objects
        cursor, pages = page.cursor, pages + 1
        if cursor is None:
            return found
        assert pages < 100


def markers(found):
    return [(each.key, each.markers) for each in found]


def test_a_bucket_without_versions_has_no_trash(bucket, versioned):
    assert not trash.has_trash(bucket)
    assert trash.has_trash(versioned)
    status = {"Status": "Suspended"}
    bucket.client.put_bucket_versioning(Bucket=versioned.name, VersioningConfiguration=status)
    assert trash.has_trash(versioned)


def test_only_what_is_deleted_is_listed_with_the_version_that_comes_back(versioned):
    put(versioned, "a", b"old")
    put(versioned, "a", b"newest")
    put(versioned, "b", b"stays")
    delete(versioned, "a")
    [found] = everything(versioned)
    assert (found.key, found.size, len(found.markers)) == ("a", 6, 1)
    assert found.deleted >= found.modified
    report = trash.restore(versioned, markers([found]))
    assert report == trash.RestoreReport(("a",), ())
    assert read(versioned, "a") == b"newest"
    assert everything(versioned) == []


def test_an_object_that_was_deleted_twice_comes_back_as_well(versioned):
    put(versioned, "a", b"content")
    first, second = delete(versioned, "a"), delete(versioned, "a")
    [found] = everything(versioned)
    assert set(found.markers) == {first.marker, second.marker}
    trash.restore(versioned, markers([found]))
    assert read(versioned, "a") == b"content"


def test_a_key_without_any_version_is_left_out(versioned):
    delete(versioned, "never there")
    assert everything(versioned) == []


@pytest.mark.parametrize("page_size", [1, 2, 3, 7])
def test_no_object_is_lost_or_doubled_at_the_borders_of_pages(versioned, page_size):
    keys = [f"k{number}" for number in range(5)]
    for key in keys:
        put(versioned, key, b"1")
        put(versioned, key, b"22")
    delete_many(versioned, keys[:4])
    delete_many(versioned, keys[:2])
    found = everything(versioned, page_size=page_size)
    assert [(each.key, each.size) for each in found] == [(key, 2) for key in keys[:4]]
    assert [len(each.markers) for each in found] == [2, 2, 1, 1]
    trash.restore(versioned, markers(found))
    assert [read(versioned, key) for key in keys] == [b"22"] * 5


def test_odd_keys_come_back(versioned):
    keys = ["a b+%é", "tab\t", "<&>'\"", "\U0001f600"]
    for key in keys:
        put(versioned, key, b"x")
    delete_many(versioned, keys)
    found = everything(versioned)
    assert sorted(each.key for each in found) == sorted(keys)
    assert set(trash.restore(versioned, markers(found)).restored) == set(keys)
    assert [read(versioned, key) for key in keys] == [b"x"] * len(keys)


def test_many_are_restored_in_requests_of_a_thousand(versioned, monkeypatch):
    monkeypatch.setattr(trash, "DELETE_KEYS", 2)
    keys = [f"k{number}" for number in range(5)]
    for key in keys:
        put(versioned, key, b"x")
    delete_many(versioned, keys)
    steps = []
    work = Work(report=lambda progress: steps.append((progress.done, progress.total)))
    report = trash.restore(versioned, markers(everything(versioned)), work=work)
    assert report.restored == tuple(keys)
    assert steps == [(2, 5), (4, 5), (5, 5)]


def test_a_cancelled_restore_stops_between_requests(versioned):
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        trash.restore(versioned, [("a", ("1",))], work=Work(token))
    with pytest.raises(Cancelled):
        trash.list_trash(versioned, work=Work(token))


def answered(*bodies):
    """Return a server that gives one answer after the other, the last one again and again."""
    waiting = [Reply(200, {**XML, "x-amz-request-id": "1"}, body.encode()) for body in bodies]

    def answer(asked):
        if asked.method == "HEAD":  # the region of the bucket
            return Reply(200, {"x-amz-request-id": "1"})
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    return StubServer(answer)


def listed(inside, *, more=""):
    truncated = "true" if more else "false"
    return (
        f"<ListVersionsResult><IsTruncated>{truncated}</IsTruncated>{more}{inside}"
        "</ListVersionsResult>"
    )


def entry(name, key, version, second, *, latest=False, extra=""):
    return (
        f"<{name}><Key>{key}</Key><VersionId>{version}</VersionId>"
        f"<IsLatest>{str(latest).lower()}</IsLatest>"
        f"<LastModified>2026-01-01T00:00:{second:02}.000Z</LastModified>{extra}</{name}>"
    )


def marker(key, version, second, *, latest=False, extra=""):
    return entry("DeleteMarker", key, version, second, latest=latest, extra=extra)


def version(key, name, second, *, latest=False):
    return entry("Version", key, name, second, latest=latest, extra="<Size>9</Size>")


OWNER = "<Owner><ID>1</ID><DisplayName>ops</DisplayName></Owner>"


@pytest.mark.parametrize(("extra", "owner"), [("", ""), ("<Owner/>", ""), (OWNER, "ops")])
def test_the_owner_of_a_marker_is_optional(extra, owner):
    body = listed(marker("a", "m", 9, latest=True, extra=extra) + version("a", "v", 1))
    with answered(body) as server, bucket_at(server.url) as bucket:
        [found] = everything(bucket)
    assert (found.owner, found.markers, found.version_id) == (owner, ("m",), "v")


def test_older_delete_markers_between_versions_stay():
    rows = marker("a", "m2", 9, latest=True) + version("a", "v2", 5)
    rows += marker("a", "m1", 3) + version("a", "v1", 1)
    with answered(listed(rows)) as server, bucket_at(server.url) as bucket:
        [found] = everything(bucket)
    assert (found.markers, found.version_id) == (("m2",), "v2")


def test_a_marker_whose_version_is_on_the_next_page_is_sent_over():
    following = "<NextKeyMarker>a</NextKeyMarker><NextVersionIdMarker>m</NextVersionIdMarker>"
    pages = listed(marker("a", "m", 9, latest=True), more=following), listed(version("a", "v", 1))
    with answered(*pages) as server, bucket_at(server.url) as bucket:
        first = trash.list_trash(bucket)
        assert (first.objects, first.versions) == ((), 1)
        second = trash.list_trash(bucket, cursor=first.cursor)
    assert [(each.key, each.version_id) for each in second.objects] == [("a", "v")]
    assert second.cursor is None
    assert "key-marker=a" in server.requests[-1].path
    assert "version-id-marker=m" in server.requests[-1].path


def test_a_marker_that_is_not_encoded_as_the_keys_are_leads_on():
    following = "<EncodingType>url</EncodingType><NextKeyMarker>a + b</NextKeyMarker>"
    following += "<NextVersionIdMarker>m</NextVersionIdMarker>"
    body = listed(marker("a%20%2B%20b", "m", 9, latest=True), more=following)
    with answered(body) as server, bucket_at(server.url) as bucket:
        page = trash.list_trash(bucket)
    assert page.cursor.key == "a + b"


WHERE = "<NextKeyMarker>a</NextKeyMarker>"


@pytest.mark.parametrize(
    "body",
    [
        listed("", more="<Prefix></Prefix>"),
        listed(marker("a", "m", 9, latest=True).replace("<VersionId>m</VersionId>", "")),
        listed(version("a", "v", 9).replace("<Size>9</Size>", "")),
        listed(marker("a", "m", 9, latest=True).replace("<IsLatest>true</IsLatest>", "")),
        listed(marker("a", "m", 9))[:-9],
    ],
    ids=["no place to continue", "no version id", "no size", "not said whether latest", "cut"],
)
def test_a_page_that_is_incomplete_is_an_error(body):
    with (
        answered(body) as server,
        bucket_at(server.url) as bucket,
        pytest.raises(NotAnS3Answer),
    ):
        trash.list_trash(bucket)


def test_a_listing_that_goes_in_a_circle_ends():
    body = listed("", more=WHERE)
    with answered(body) as server, bucket_at(server.url) as bucket:
        first = trash.list_trash(bucket)
        with pytest.raises(NotAnS3Answer):
            trash.list_trash(bucket, cursor=first.cursor)


def test_the_missing_permission_is_named():
    denied = Reply(403, XML, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
    with (
        StubServer(lambda _request: denied) as server,
        bucket_at(server.url) as bucket,
        pytest.raises(AccessDenied) as caught,
    ):
        trash.list_trash(bucket)
    assert caught.value.action == "s3:ListBucketVersions"


ROW = "<Key>{0}</Key><VersionId>{1}</VersionId>"
GONE = "<Deleted>" + ROW + "<DeleteMarker>true</DeleteMarker></Deleted>"
REFUSED = "<Error>" + ROW + "<Code>AccessDenied</Code><Message>no</Message></Error>"


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (GONE.format("a", "m2") + REFUSED.format("a", "m1"), "AccessDenied"),
        (GONE.format("a", "m2"), "NotReported"),
        (GONE.format("a", "m2") + "<Error><Key>a</Key><Code>Slow</Code></Error>", "Slow"),
    ],
)
def test_an_object_is_restored_only_when_all_of_its_markers_are_gone(rows, code):
    body = f"<DeleteResult>{rows}{GONE.format('b', 'm')}</DeleteResult>"
    with answered(body) as server, bucket_at(server.url) as bucket:
        report = trash.restore(bucket, [("a", ("m2", "m1")), ("b", ("m",))])
    assert report.restored == ("b",)
    assert [(each.key, each.code) for each in report.failed] == [("a", code)]
