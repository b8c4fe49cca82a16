"""Existing targets are replaced only if they are older, of another size, or of another content."""

import os
from types import SimpleNamespace
from uuid import uuid4

import pytest
from helpers.moto_bucket import moto_bucket

from core.errors import NotFound
from core.model.objects import Verdict
from core.objects.comparing import compare_file
from core.objects.listing import list_pages
from core.objects.reading import head, read
from core.objects.writing import put
from core.transfer.download import download
from core.transfer.plan import plan_upload
from core.transfer.upload import upload
from core.transfer.values import EXISTS, NOT_OLDER, SAME, SAME_SIZE, IfExists
from core.work import Work

DIFFERENT, NEWER, SIZE = IfExists.IF_DIFFERENT, IfExists.IF_NEWER, IfExists.IF_SIZE_DIFFERS
LONG_AGO, LATER = 1_000_000_000, 4_000_000_000


@pytest.fixture(scope="module")
def bucket():
    with moto_bucket() as made:
        yield made


@pytest.fixture
def place(bucket):
    return SimpleNamespace(bucket=bucket)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / f"c{uuid4().hex[:8]}"
    root.mkdir()
    return root


def stored(bucket, folder, **bodies):
    for name, body in bodies.items():
        put(bucket, f"{folder.name}/{name}", body)


def files(folder, modified=None, **bodies):
    for name, body in bodies.items():
        (folder / name).write_bytes(body)
        if modified is not None:
            os.utime(folder / name, (modified, modified))


def sent(place, folder, choice, single=None):
    plan = plan_upload(place, paths=[str(folder)])
    report = upload(place, Work(), **plan.arguments(choice, single or {}))
    assert not report.failed
    return report


@pytest.mark.parametrize("extra", [0, 20])
def test_an_upload_sends_only_what_differs_by_its_hash(place, bucket, folder, extra):
    """With few files each key is checked, with many the folder is listed."""
    more = {f"more{number}": b"x" for number in range(extra)}
    stored(bucket, folder, same=b"1", size=b"1", content=b"old", **more)
    files(folder, same=b"1", size=b"22", content=b"new", fresh=b"f", **more)
    report = sent(place, folder, DIFFERENT)
    assert len(report.done) == 3
    assert {reason for _, reason in report.skipped} == {SAME}
    assert read(bucket, f"{folder.name}/content") == b"new"
    assert read(bucket, f"{folder.name}/size") == b"22"
    assert read(bucket, f"{folder.name}/fresh") == b"f"


def test_an_upload_sends_only_newer_files(place, bucket, folder):
    stored(bucket, folder, a=b"stored", b=b"stored")
    files(folder, LONG_AGO, a=b"older")
    files(folder, LATER, b=b"newer")
    report = sent(place, folder, NEWER)
    assert (report.done, report.skipped) == ((1,), ((0, NOT_OLDER),))
    assert read(bucket, f"{folder.name}/b") == b"newer"


def test_an_upload_sends_only_files_of_another_size(place, bucket, folder):
    stored(bucket, folder, a=b"1", b=b"1")
    files(folder, a=b"2", b=b"22")
    report = sent(place, folder, SIZE)
    assert (report.done, report.skipped) == ((1,), ((0, SAME_SIZE),))


def test_conditions_can_differ_by_file(place, bucket, folder):
    stored(bucket, folder, a=b"1", b=b"1", c=b"1", d=b"1")
    files(folder, LONG_AGO, a=b"2", b=b"2", c=b"2", d=b"1")
    report = sent(place, folder, IfExists.SKIP, {1: NEWER, 2: SIZE, 3: DIFFERENT})
    assert report.skipped == ((0, EXISTS), (1, NOT_OLDER), (2, SAME_SIZE), (3, SAME))


def test_an_object_that_appears_after_the_plan_is_not_replaced_by_a_condition(
    place, bucket, folder
):
    files(folder, LATER, a=b"1", b=b"2")
    plan = plan_upload(place, paths=[str(folder)])
    stored(bucket, folder, a=b"someone else's")
    report = upload(place, Work(), **plan.arguments(NEWER))
    assert report.skipped == ((0, EXISTS),)
    assert read(bucket, f"{folder.name}/a") == b"someone else's"


def test_an_object_that_was_deleted_after_the_plan_is_sent(place, bucket, folder):
    stored(bucket, folder, a=b"1")
    files(folder, a=b"1")
    plan = plan_upload(place, paths=[str(folder)])
    bucket.client.delete_object(Bucket=bucket.name, Key=f"{folder.name}/a")
    assert upload(place, Work(), **plan.arguments(DIFFERENT)).done == (0,)


# Downloads


def got(place, folder, choice, **more):
    (page,) = list_pages(place.bucket, f"{folder.name}/")
    columns = {"keys": page.keys, "sizes": page.sizes, "etags": page.etags}
    report = download(
        place, **columns, folder=str(folder), below=f"{folder.name}/", if_exists=choice, **more
    )
    assert not report.failed
    names = [key.removeprefix(f"{folder.name}/") for key in page.keys]
    skipped = {names[number]: reason for number, reason in report.skipped}
    return {names[number] for number in report.done}, skipped


def test_a_download_replaces_only_what_differs_by_its_hash(place, bucket, folder):
    stored(bucket, folder, same=b"1", size=b"22", content=b"new", fresh=b"f")
    files(folder, same=b"1", size=b"1", content=b"old")
    done, skipped = got(place, folder, DIFFERENT.value)
    assert (done, skipped) == ({"size", "content", "fresh"}, {"same": SAME})
    assert (folder / "content").read_bytes() == b"new"


@pytest.mark.parametrize("listed", [True, False])
def test_a_download_replaces_only_older_files(place, bucket, folder, listed):
    stored(bucket, folder, a=b"stored", b=b"stored")
    files(folder, LONG_AGO, a=b"1")
    files(folder, LATER, b=b"1")
    (page,) = list_pages(bucket, f"{folder.name}/")
    more = {"modified": page.modified} if listed else {}
    done, skipped = got(place, folder, NEWER.value, **more)
    assert (done, skipped) == ({"a"}, {"b": NOT_OLDER})


def test_a_download_decides_for_each_file(place, bucket, folder):
    stored(bucket, folder, a=b"12", b=b"12", c=b"12", d=b"12")
    files(folder, a=b"xy", b=b"x", c=b"x", d=b"x")
    choices = [SIZE.value, SIZE.value, IfExists.SKIP.value, IfExists.KEEP_BOTH.value]
    done, skipped = got(place, folder, choices)
    assert (done, skipped) == ({"b", "d"}, {"a": SAME_SIZE, "c": EXISTS})
    assert (folder / "d").read_bytes() == b"x"
    assert (folder / "d (2)").read_bytes() == b"12"


# The comparison itself


def test_objects_of_other_programs_are_compared_by_what_the_server_stores(bucket, tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"content")
    bucket.client.put_object(Bucket=bucket.name, Key="foreign", Body=b"content")
    bucket.client.put_object(Bucket=bucket.name, Key="other", Body=b"CONTENT")
    found = compare_file(bucket, "foreign", path)
    assert found.same
    assert found.verdict in {Verdict.MD5, Verdict.CRC}
    assert not compare_file(bucket, "other", path).same
    etag = head(bucket, "foreign").etag
    # Without a request: the object does not exist.
    assert compare_file(bucket, "absent", path, etag=etag).verdict is Verdict.MD5
    with pytest.raises(NotFound):
        compare_file(bucket, "absent", path)


def test_a_multipart_upload_of_another_program_is_compared_by_its_parts(bucket, tmp_path):
    path = tmp_path / "f"
    path.write_bytes(data := os.urandom(11 << 20))
    where = {"Bucket": bucket.name, "Key": "parts"}
    where["UploadId"] = bucket.client.create_multipart_upload(**where)["UploadId"]
    parts = []
    for number, start in enumerate((0, 6 << 20), 1):
        body = data[start : start + (6 << 20)]
        etag = bucket.client.upload_part(PartNumber=number, Body=body, **where)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    bucket.client.complete_multipart_upload(MultipartUpload={"Parts": parts}, **where)
    assert "-" in head(bucket, "parts").etag
    assert compare_file(bucket, "parts", path).same
    with path.open("r+b") as file:
        file.seek(7 << 20)
        file.write(b"x")
    assert not compare_file(bucket, "parts", path).same
