"""Listing, reading, uploading, deleting and linking of objects agree with stock boto3."""

import hashlib
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers.moto_bucket import moto_bucket, store_copies_in_moto

from core.errors import (
    AccessDenied,
    AlreadyExists,
    Cancelled,
    Corrupt,
    InvalidInput,
    LocalIOError,
    NoSuchBucket,
    NotFound,
    SourceChanged,
)
from core.objects import (
    deleting,
    level,
    listing,
    part_sender,
    part_sizes,
    parts,
    reading,
    trash,
    versions,
    writing,
)
from core.objects.bucket import Bucket
from core.objects.presign import presign
from core.work import CancelToken, Work

ODD = [
    "space here", "plus+sign", "per%cent", "amp&lt<gt>", "uni/ü/日本", "a//b", "/lead", "dir/",
    "x/../z", "x/./y", "quote\"'", "tab\tx", "dot.", "~tilde", "=eq?q#h", "é/e\u0301",
]  # fmt: skip


@pytest.fixture(scope="module")
def bucket():
    with moto_bucket() as made:
        for key in ODD:
            writing.put(made, f"odd/{key}", key.encode())
        store_copies_in_moto(made, [f"many/{number:05}" for number in range(1100)], b"x" * 3)
        for folder in range(5):
            for number in range(3):
                made.client.put_object(Bucket=made.name, Key=f"tree/{folder}/{number}", Body=b"yy")
        yield made


def stock_keys(bucket: Bucket, prefix: str) -> list[tuple[str, int]]:
    pages = bucket.client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket.name, Prefix=prefix
    )
    return sorted((o["Key"], o["Size"]) for page in pages for o in page.get("Contents", ()))


@pytest.mark.parametrize("prefix", ["", "odd/", "many/", "tree/", "mark", "nothing/"])
def test_a_flat_listing_is_what_stock_boto3_lists(bucket, prefix):
    pages = list(listing.list_pages(bucket, prefix))
    ours = sorted(
        (key, size) for page in pages for key, size in zip(page.keys, page.sizes, strict=False)
    )
    assert ours == stock_keys(bucket, prefix)
    assert not [t for t in threading.enumerate() if t.name.startswith("listing-")]


def test_a_level_is_paged_and_reports_folders(bucket):
    page = level.list_level(bucket, "tree/")
    assert page.folders == tuple(f"tree/{n}/" for n in range(5))
    assert page.objects == ()
    first = level.list_level(bucket, "many/")
    assert len(first.objects) == 1000
    second = level.list_level(bucket, "many/", token=first.token)
    assert second.objects[0].key == "many/01000"
    assert first.objects[0].size == 3
    assert first.objects[0].modified.tzinfo is not None
    assert len(first.objects[0].etag) == 32


def test_every_odd_key_can_be_read_headed_and_linked(bucket):
    for key in ODD:
        assert reading.read(bucket, f"odd/{key}") == key.encode()
        assert reading.head(bucket, f"odd/{key}").size == len(key.encode())
        assert "X-Amz-Signature" in presign(bucket, f"odd/{key}").url.reveal()


def test_a_closed_or_cancelled_listing_ends(bucket):
    pages = listing.list_pages(bucket, "many/")
    next(pages)
    pages.close()
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        list(listing.list_pages(bucket, "many/", work=Work(token)))


def test_ranges_and_missing_things(bucket):
    writing.put(bucket, "r/empty", b"")
    writing.put(bucket, "r/ten", b"0123456789")
    assert reading.read(bucket, "r/ten", start=2, length=3) == b"234"
    assert reading.read(bucket, "r/ten", start=8, length=99) == b"89"
    assert reading.read(bucket, "r/ten", start=99, length=5) == b""
    assert reading.read(bucket, "r/empty", length=10) == b""
    for call in (reading.read, reading.head):
        with pytest.raises(NotFound):
            call(bucket, "r/none")
    with pytest.raises(NoSuchBucket):
        level.list_level(Bucket(bucket.clients, "no-such-bucket"))


@pytest.mark.parametrize(
    "size", [0, 1, part_sizes.SINGLE_BYTES, part_sizes.SINGLE_BYTES + 1, 20_000_000]
)
def test_files_go_up_and_come_back_verified(bucket, tmp_path, size):
    source = tmp_path / "source.bin"
    source.write_bytes(hashlib.sha256(b"seed").digest() * (size // 32) + b"x" * (size % 32))
    written = writing.upload(bucket, f"up/{size}", source, metadata={"kind": "test"})
    assert written.size == size
    info = reading.head(bucket, f"up/{size}")
    assert info.metadata == {"kind": "test", "sha256": written.sha256}
    target = tmp_path / "deep" / "target.bin"
    got = reading.download(bucket, f"up/{size}", target)
    assert got.verified
    assert target.read_bytes() == source.read_bytes()
    assert [p.name for p in target.parent.iterdir()] == ["target.bin"]
    with pytest.raises(AlreadyExists):
        reading.download(bucket, f"up/{size}", target)


def test_a_download_with_another_hash_is_quarantined(bucket, tmp_path):
    bucket.client.put_object(
        Bucket=bucket.name, Key="bad", Body=b"flipped", Metadata={"sha256": "0" * 64}
    )
    with pytest.raises(Corrupt):
        reading.download(bucket, "bad", tmp_path / "bad")
    assert [p.name for p in tmp_path.iterdir()] == ["bad.corrupt"]
    with pytest.raises(Corrupt):
        reading.read(bucket, "bad")


def test_a_source_that_changes_stores_nothing_and_leaves_no_parts(bucket, tmp_path, monkeypatch):
    source = tmp_path / "s"
    source.write_bytes(b"a" * (part_sizes.SINGLE_BYTES * 3))
    hash_parts = parts.hash_parts

    def hash_and_change(path, size, work):
        hashes, before = hash_parts(path, size, work), path.stat()
        with path.open("r+b") as file:
            file.seek(20_000_000)
            file.write(b"b")
        # A program that maps the file into its memory changes it without a new time, too.
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return hashes

    monkeypatch.setattr(parts, "hash_parts", hash_and_change)
    with pytest.raises(SourceChanged):
        writing.upload(bucket, "torn/large", source)
    of = writing.Stamp.of

    def stamp_and_change(path):
        stamp = of(path)
        path.write_bytes(b"larger")
        return stamp

    source.write_bytes(b"small")
    monkeypatch.setattr(writing.Stamp, "of", stamp_and_change)
    with pytest.raises(SourceChanged):
        writing.upload(bucket, "torn/small", source)
    assert stock_keys(bucket, "torn/") == []
    assert "Uploads" not in bucket.client.list_multipart_uploads(Bucket=bucket.name)


def test_a_cancelled_upload_leaves_no_parts(bucket, tmp_path, monkeypatch):
    for name in ("IN_FLIGHT", "_MORE"):
        monkeypatch.setattr(part_sender, name, 1)
    source, token = tmp_path / "s", CancelToken()
    source.write_bytes(b"a" * 30_000_000)

    def on_report(progress):
        if progress.done:
            token.cancel()

    with pytest.raises(Cancelled):
        writing.upload(bucket, "cancelled", source, work=Work(token, on_report))
    assert "Uploads" not in bucket.client.list_multipart_uploads(Bucket=bucket.name)


def test_what_cannot_be_stored_is_refused_first(bucket, tmp_path):
    with pytest.raises(InvalidInput, match="1,024"):
        writing.put(bucket, "k" * 1025, b"")
    with pytest.raises(InvalidInput, match="metadata"):
        writing.put(bucket, "k", b"", metadata={"name": "ü"})
    with pytest.raises(LocalIOError):
        writing.upload(bucket, "k", tmp_path / "missing")
    with pytest.raises(LocalIOError):
        writing.upload(bucket, "k", Path("/dev/null"))
    with pytest.raises(InvalidInput):
        presign(bucket, "k", method="PATCH")
    with pytest.raises(InvalidInput):
        presign(bucket, "k", expires=0)


def test_conditional_writes_refuse_others_but_know_their_own_echo(bucket):
    writing.put(bucket, "once", b"mine", only_new=True)
    again = writing.put(bucket, "once", b"mine", only_new=True)
    assert again.size == 4
    with pytest.raises(AlreadyExists):
        writing.put(bucket, "once", b"other", only_new=True)
    assert reading.read(bucket, "once") == b"mine"


def test_links_live_seven_days_at_most(bucket):
    link = presign(bucket, "k", method="PUT", expires=604_800)
    assert "X-Amz-Expires=604800" in link.url.reveal()
    assert link.life.limited_by == ""
    with pytest.raises(InvalidInput, match="604,801") as refused:
        presign(bucket, "k", expires=604_801)
    assert "7 days" in refused.value.cause


def test_delete_many_and_take_one_back():
    with moto_bucket(versioned=True) as bucket:
        keys = [f"d/{n}" for n in range(1100)]
        for key in keys[-3:]:
            writing.put(bucket, key, b"1")
        report = deleting.delete_many(bucket, keys)
        assert {d.key for d in report.deleted} == set(keys)
        assert report.failed == ()
        gone = next(d for d in report.deleted if d.key == "d/1099")
        with pytest.raises(NotFound):
            reading.read(bucket, "d/1099")
        found = versions.list_versions(bucket, "d/1099")
        assert [v.marker for v in found] == [True, False]
        trash.undelete(bucket, "d/1099", gone.marker)
        assert reading.read(bucket, "d/1099") == b"1"
        assert deleting.delete(bucket, "never there").key == "never there"


def test_head_of_an_absent_object_is_no_denial_if_its_key_may_be_listed(bucket, monkeypatch):
    """S3 denies it unless all keys of the bucket may be listed."""

    def refuse(**_call):
        error = {"Code": "403", "Message": "Forbidden"}
        return SimpleNamespace(status_code=403, headers={}), {
            "Error": error, "ResponseMetadata": {"HTTPStatusCode": 403, "HTTPHeaders": {}},
        }  # fmt: skip

    events, name = bucket.client.meta.events, "before-call.s3.HeadObject"
    events.register(name, refuse)
    try:
        with pytest.raises(NotFound):
            reading.head(bucket, "odd/dot")
        with pytest.raises(AccessDenied):
            reading.head(bucket, "odd/dot.")
        with pytest.raises(AccessDenied):
            reading.head(bucket, "odd/dot", version_id="1")

        def denied(*_call, **_more):
            raise AccessDenied("denied", action="s3:ListBucket")

        monkeypatch.setattr(reading, "page_of", denied)
        with pytest.raises(AccessDenied) as caught:
            reading.head(bucket, "odd/dot")
        assert caught.value.action == "s3:GetObject"
    finally:
        events.unregister(name, refuse)
