"""The trash lists and restores what other tools deleted, on every server."""

import pytest

from core.objects import trash
from core.objects.deleting import delete_many
from core.workspace import Workspace

#: SeaweedFS pages in the order of folders, not of keys: `a b/` beside `a/` would lose rows there.
KEYS = ["a/1", "a/2", "a/é + %.txt", "b"]


@pytest.fixture
def bucket(s3_server, s3_client, s3_bucket):
    status = {"Status": "Enabled"}
    s3_client.put_bucket_versioning(Bucket=s3_bucket, VersioningConfiguration=status)
    workspace = Workspace.open(s3_server.connection(s3_bucket))
    yield workspace.bucket
    workspace.close()


def pages(bucket, **more):
    cursor = None
    while True:
        page = trash.list_trash(bucket, cursor=cursor, **more)
        yield page
        cursor = page.cursor
        if cursor is None:
            return


@pytest.mark.parametrize("page_size", [1000, 3])
def test_what_others_delete_is_listed_and_restored(bucket, s3_client, page_size):
    assert trash.has_trash(bucket)
    for key in KEYS:
        for body in (b"old", b"newest"):
            s3_client.put_object(Bucket=bucket.name, Key=key, Body=body)
    for key in (*KEYS[:3], KEYS[0]):  # the first one is deleted twice
        s3_client.delete_object(Bucket=bucket.name, Key=key)
    found = [each for page in pages(bucket, page_size=page_size) for each in page.objects]
    assert [(each.key, each.size) for each in found] == [(key, 6) for key in KEYS[:3]]
    report = trash.restore(bucket, [(each.key, each.markers) for each in found])
    assert (report.restored, report.failed) == (tuple(KEYS[:3]), ())
    for key in KEYS:
        assert s3_client.get_object(Bucket=bucket.name, Key=key)["Body"].read() == b"newest"
    assert [page.objects for page in pages(bucket)] == [()]


@pytest.mark.parametrize("key", ["nul\x01", "d/a\x1fb", "real\ufffd"])
def test_only_what_exists_again_is_reported_as_restored(bucket, s3_client, key):
    s3_client.put_object(Bucket=bucket.name, Key=key, Body=b"x")
    s3_client.delete_object(Bucket=bucket.name, Key=key)
    found = [each for page in pages(bucket) for each in page.objects]
    report = trash.restore(bucket, [(each.key, each.markers) for each in found])
    assert len(report.restored) + len(report.failed) == 1
    present = s3_client.list_objects_v2(Bucket=bucket.name).get("KeyCount", 0)
    assert present == len(report.restored)
    for each in report.failed:
        assert "does not exist" in each.message
    if key == "real\ufffd":
        assert report.restored == (key,)


def test_a_delete_is_undone_by_the_markers_that_it_reports(bucket, s3_client):
    for key in KEYS:
        s3_client.put_object(Bucket=bucket.name, Key=key, Body=b"x")
    report = delete_many(bucket, KEYS)
    assert sorted(each.key for each in report.deleted) == sorted(KEYS)
    undone = trash.restore(bucket, [(each.key, (each.marker,)) for each in report.deleted])
    assert sorted(undone.restored) == sorted(KEYS)
    rows = s3_client.list_objects_v2(Bucket=bucket.name)["Contents"]
    assert sorted(row["Key"] for row in rows) == sorted(KEYS)
