"""A download reports what it omits, renames and counts."""

import errno
import os
from types import SimpleNamespace
from uuid import uuid4

import pytest
from helpers.moto_bucket import moto_bucket

from core.errors import Cancelled, ErrorKind, LocalIOError
from core.model.objects import Verdict
from core.objects.deleting import delete
from core.objects.writing import put
from core.transfer import download as downloading
from core.transfer.download import download
from core.transfer.local_names import file_system_of
from core.transfer.values import EXISTS, IfExists
from core.work import Work


@pytest.fixture(scope="module")
def bucket():
    with moto_bucket() as made:
        yield made


@pytest.fixture
def place(bucket):
    return SimpleNamespace(bucket=bucket)


@pytest.fixture
def stored(bucket):
    """Store objects below a separate prefix, and return the arguments that fetch them."""

    def store(bodies):
        below = f"d{uuid4().hex[:8]}/"
        for name, body in bodies.items():
            put(bucket, below + name, body)
        return {
            "keys": [below + name for name in bodies],
            "sizes": [len(body) for body in bodies.values()],
            "below": below,
        }

    return store


def test_every_object_with_content_arrives_under_a_name_of_its_own(place, stored, tmp_path):
    bodies = {
        "data": b"object", "data/a.csv": b"in the folder", "dir/": b"content", "dir/x": b"x",
        "empty/": b"", "CASE": b"1", "case": b"2",
    }  # fmt: skip
    report = download(place, **stored(bodies), folder=str(tmp_path))
    assert report.planned == 7 == len(report.done) + len(report.skipped)
    assert report.skipped == ((4, downloading.MARKER),)
    contents = {path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert contents == {body for body in bodies.values() if body}
    renamed = dict(report.renamed)
    assert (renamed[0], renamed[2]) == ("data.object", "dir/%_")
    names = {path.name for path in tmp_path.iterdir()}
    assert names >= {"CASE", "case"} or file_system_of(tmp_path).case
    again = download(place, **stored(bodies), folder=str(tmp_path))
    assert {why for number, why in again.skipped if number != 4} == {EXISTS}
    assert (again.done, again.failed) == ((), ())


def test_a_folder_in_the_place_of_a_file_is_a_failure_and_not_a_skip(place, stored, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").write_text("a file where a folder is needed")
    asked = stored({"a": b"1", "b/c": b"2", "d": b"3"})
    report = download(place, **asked, folder=str(tmp_path))
    assert report.done == (2,)
    assert {failure.number: failure.kind for failure in report.failed} == {
        0: ErrorKind.ALREADY_EXISTS,
        1: ErrorKind.LOCAL_IO,
    }
    assert "A folder with that name" in report.failed[0].reason


def test_a_link_that_leads_out_is_not_followed(place, stored, tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir(), outside.mkdir()
    (root / "data").symlink_to(outside)
    (root / "x.object").symlink_to(outside / "x")
    asked = stored({"data/a.csv": b"1", "x": b"2", "x/y": b"3"})
    report = download(place, **asked, folder=str(root), if_exists="overwrite")
    assert [failure.kind for failure in report.failed] == [ErrorKind.INVALID_INPUT] * 2
    assert report.done == (2,)
    assert list(outside.iterdir()) == []


def test_the_report_has_what_each_file_was_compared_with(place, bucket, stored, tmp_path):
    asked = stored({"a": b"1", "b": b"2"})
    report = download(place, **asked, folder=str(tmp_path))
    assert set(report.verdicts) <= set(Verdict)
    assert len(report.verdicts) == len(report.done) == 2
    assert sum(report.verified().values()) == 2
    assert "2 verified (" in report.verified_text()


@pytest.mark.parametrize(
    ("choice", "there", "needed"),
    [
        (IfExists.SKIP, {}, 300),
        (IfExists.SKIP, {"a": 100, "b": 7}, 100),
        (IfExists.OVERWRITE, {"a": 100, "b": 40}, 160),
        (IfExists.KEEP_BOTH, {"a": 100}, 300),
    ],
)
def test_only_what_is_still_to_come_needs_room(
    place, stored, tmp_path, monkeypatch, choice, there, needed
):
    for name, size in there.items():
        (tmp_path / name).write_bytes(b"x" * size)
    asked = stored(dict.fromkeys("abc", os.urandom(100)))
    for free, fits in ((needed, True), (needed - 1, False)):
        monkeypatch.setattr(
            downloading.shutil, "disk_usage", lambda _path, free=free: SimpleNamespace(free=free)
        )
        if fits:
            report = download(place, **asked, folder=str(tmp_path), if_exists=choice.value)
            assert report.failed == ()
            for name, size in there.items():
                (tmp_path / name).write_bytes(b"x" * size)
            for path in set(tmp_path.iterdir()) - {tmp_path / name for name in there}:
                path.unlink()
        else:
            with pytest.raises(LocalIOError, match="not enough space"):
                download(place, **asked, folder=str(tmp_path), if_exists=choice.value)


def folders_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_dir()}


def test_of_the_created_folders_only_those_with_files_remain(place, stored, tmp_path):
    (tmp_path / "former" / "empty").mkdir(parents=True)
    (tmp_path / "new").mkdir()
    asked = stored({"filled/inside/x": b"1", "former/empty/a": b"1", "former/lost/a/b": b"1"})
    for key in asked["keys"][1:]:
        delete(place.bucket, key)  # after it was listed
    existing = {"former", "former/empty", "new"}
    report = download(place, **asked, folder=str(tmp_path / "new" / "target"))
    assert (report.done, len(report.failed)) == ((0,), 2)
    filled = {"target", "target/filled", "target/filled/inside"}
    assert folders_below(tmp_path) == existing | {f"new/{each}" for each in filled}
    report = download(place, **asked, folder=str(tmp_path))
    assert len(report.failed) == 2
    assert folders_below(tmp_path / "former") == {"empty"}


def test_no_created_folder_remains_if_nothing_arrives(place, stored, tmp_path, monkeypatch):
    asked = stored({"a/b": b"1", "c": b"2"})
    target = tmp_path / "new" / "target"

    def full(_handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        report = download(place, **asked, folder=str(target))
        assert {each.kind for each in report.failed} == {ErrorKind.LOCAL_IO}
        assert list(tmp_path.iterdir()) == []
    with monkeypatch.context() as patch:
        patch.setattr(downloading.shutil, "disk_usage", lambda _path: SimpleNamespace(free=0))
        with pytest.raises(LocalIOError, match="not enough space"):
            download(place, **asked, folder=str(target))
        assert list(tmp_path.iterdir()) == []
    work = Work()
    work.token.cancel()
    with pytest.raises(Cancelled):
        download(place, work, **asked, folder=str(target))
    assert list(tmp_path.iterdir()) == []
    target.parent.mkdir()
    with pytest.raises(Cancelled):
        download(place, work, **asked, folder=str(target))
    assert list(tmp_path.iterdir()) == [target.parent], "it existed before"


def test_a_download_of_markers_only_creates_the_folder(place, stored, tmp_path):
    report = download(place, **stored({"empty/": b""}), folder=str(tmp_path / "new"))
    assert report.complete
    assert (tmp_path / "new").is_dir()
