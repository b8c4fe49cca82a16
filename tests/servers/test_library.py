"""Other programs read what the library writes on every server, and the reverse."""

import hashlib
import random
import urllib.request

import pytest
from helpers.many_objects import store_copies

from core.backup.listing import list_backups
from core.backup.run import backup
from core.backup.verify import verify
from core.errors import AlreadyExists, NoSuchBucket, NotFound
from core.links.check import check_link
from core.links.make import make_links
from core.objects import deleting, reading, trash, versions
from core.objects.level import page_of, rows_of
from core.statistics.scan import scan
from core.work import Work
from core.workspace import Workspace

BODY = random.Random(3).randbytes(100_000)


@pytest.fixture
def workspace(s3_server, s3_bucket):
    opened = Workspace.open(s3_server.connection(s3_bucket))
    yield opened
    opened.close()


def test_what_is_written_is_what_others_read(workspace, s3_client, s3_bucket):
    written = workspace.s3.upload_data(BODY, "a/b c:1.bin", metadata={"kind": "test"})
    found = s3_client.get_object(Bucket=s3_bucket, Key="a/b c:1.bin")
    assert found["Body"].read() == BODY
    assert found["Metadata"]["kind"] == "test"
    assert found["ETag"].strip('"') == written.etag
    assert written.verdict.value.startswith("verified")


def test_reading_complete_ranged_and_beyond_the_end(workspace, s3_client, s3_bucket):
    s3_client.put_object(Bucket=s3_bucket, Key="k", Body=BODY)
    s3_client.put_object(Bucket=s3_bucket, Key="empty", Body=b"")
    bucket = workspace.bucket
    assert reading.read(bucket, "k") == BODY
    assert reading.read(bucket, "k", start=10, length=20) == BODY[10:30]
    assert reading.read(bucket, "k", start=99_990, length=100) == BODY[99_990:]
    assert reading.read(bucket, "k", start=200_000, length=5) == b""
    assert reading.read(bucket, "empty") == b""


def test_heads_and_what_is_missing(workspace, s3_server, tmp_path):
    (tmp_path / "k").write_bytes(BODY)
    workspace.s3.upload_file(tmp_path / "k", "k")
    info = reading.head(workspace.bucket, "k")
    assert (info.size, info.sha256) == (len(BODY), hashlib.sha256(BODY).hexdigest())
    assert workspace.s3.object_exists("k")
    assert not workspace.s3.object_exists("no such key")
    with pytest.raises(NotFound):
        reading.read(workspace.bucket, "no such key")
    other = Workspace.open(s3_server.connection("no-such-bucket-anywhere"))
    with pytest.raises(NoSuchBucket):
        other.s3.list_objects()
    other.close()


def test_a_large_object_in_parts(workspace, s3_client, s3_bucket, tmp_path):
    big = random.Random(5).randbytes(18_000_001)
    (tmp_path / "big").write_bytes(big)
    written = workspace.s3.upload_file(tmp_path / "big", "big")
    assert written.verdict.value.startswith("verified")
    assert s3_client.get_object(Bucket=s3_bucket, Key="big")["Body"].read() == big
    got = reading.download(workspace.bucket, "big", tmp_path / "got")
    assert (got.path.read_bytes(), got.verdict.value) == (big, "verified (SHA-256)")
    assert "Uploads" not in s3_client.list_multipart_uploads(Bucket=s3_bucket)


def test_nothing_is_overwritten_unasked(workspace, s3_client, s3_bucket):
    from core.objects.writing import put

    s3_client.put_object(Bucket=s3_bucket, Key="k", Body=b"precious")
    with pytest.raises(AlreadyExists):
        put(workspace.bucket, "k", b"other", only_new=True)
    assert s3_client.get_object(Bucket=s3_bucket, Key="k")["Body"].read() == b"precious"


def test_levels_pages_and_statistics(workspace, s3_client, s3_bucket):
    keys = [f"d{n % 3}/k {n:04}" for n in range(60)] + ["top"]
    for key in keys:
        s3_client.put_object(Bucket=s3_bucket, Key=key, Body=key.encode())
    page, token = page_of(workspace.bucket, "", delimiter="/")
    assert (tuple(page.folders), [r.key for r in rows_of(page)], token) == (
        ("d0/", "d1/", "d2/"), ["top"], None
    )  # fmt: skip
    assert sorted(o["key"] for o in workspace.s3.list_objects()) == sorted(keys)
    found = scan(workspace, Work())
    assert (found.objects, found.size) == (len(keys), sum(map(len, keys)))


def test_more_than_one_page(workspace, s3_client, s3_bucket):
    store_copies(s3_client, s3_bucket, [f"p/{number:05}" for number in range(1_005)])
    listed = workspace.s3.list_objects("p/", max_keys=2_000)
    assert [each["key"] for each in listed] == [f"p/{number:05}" for number in range(1_005)]
    report = deleting.delete_many(workspace.bucket, [each["key"] for each in listed])
    assert (len(report.deleted), report.failed) == (1_005, ())
    assert "Contents" not in s3_client.list_objects_v2(Bucket=s3_bucket)


def test_copies_and_deletes(workspace, s3_client, s3_bucket):
    from core.objects.copying import copy

    s3_client.put_object(Bucket=s3_bucket, Key="a b/ü+1", Body=BODY)
    copy(workspace.bucket, "a b/ü+1", "copies/ü+2")
    assert s3_client.get_object(Bucket=s3_bucket, Key="copies/ü+2")["Body"].read() == BODY
    deleting.delete(workspace.bucket, "a b/ü+1")
    deleting.delete(workspace.bucket, "never existed")
    assert not workspace.s3.object_exists("a b/ü+1")


def test_versions_and_taking_a_delete_back(workspace, s3_client, s3_bucket):
    s3_client.put_bucket_versioning(Bucket=s3_bucket, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"one", b"two"):
        s3_client.put_object(Bucket=s3_bucket, Key="k", Body=body)
    found = versions.list_versions(workspace.bucket, "k")
    assert [reading.read(workspace.bucket, "k", version_id=v.version_id) for v in found] == [
        b"two", b"one"
    ]  # fmt: skip
    gone = deleting.delete(workspace.bucket, "k")
    assert gone.marker
    trash.undelete(workspace.bucket, "k", gone.marker)
    assert reading.read(workspace.bucket, "k") == b"two"


def test_links(workspace, s3_client, s3_bucket):
    s3_client.put_object(Bucket=s3_bucket, Key="a b/ü:1.bin", Body=BODY)
    (link,) = make_links(workspace.bucket, ["a b/ü:1.bin"])
    with urllib.request.urlopen(link.url.reveal(), timeout=10) as answer:
        assert answer.read() == BODY
    assert check_link(link).works
    (missing,) = make_links(workspace.bucket, ["not there"])
    assert not check_link(missing).works


def test_backups(workspace, s3_client, s3_bucket, tmp_path):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(tmp_path / "t.db")) as database, database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, v REAL)")
        database.executemany("INSERT INTO orders VALUES (?, ?)", ((n, n / 3) for n in range(500)))
    made = backup(workspace, database=str(tmp_path / "t.db"), tables=["orders"]).backups[0]
    assert [each.id for each in list_backups(workspace)] == [made.id]
    assert verify(workspace, table="orders").problems == ()
    part = next(
        row["Key"]
        for row in s3_client.list_objects_v2(Bucket=s3_bucket)["Contents"]
        if "part-" in row["Key"]
    )
    body = s3_client.get_object(Bucket=s3_bucket, Key=part)["Body"].read()
    s3_client.put_object(Bucket=s3_bucket, Key=part, Body=body[:-1] + bytes([body[-1] ^ 1]))
    assert verify(workspace, table="orders").problems


def test_the_settings_of_a_bucket_are_facts_even_where_they_are_not_supported(workspace):
    from core.health.facts import fetch

    assert len(fetch(workspace.bucket).facts) > 5


def test_lifecycle_rules(workspace, s3_client, s3_bucket):
    from core.lifecycle.store import read as read_rules

    rule = {
        "ID": "old", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 30}
    }  # fmt: skip
    s3_client.put_bucket_lifecycle_configuration(
        Bucket=s3_bucket, LifecycleConfiguration={"Rules": [rule]}
    )
    assert [each.raw()["ID"] for each in read_rules(workspace.bucket).rules] == ["old"]
