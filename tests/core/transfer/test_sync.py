"""A synchronization makes the target equal to the source, and deletes only what it may."""

import os
from types import SimpleNamespace
from uuid import uuid4

import pytest
from helpers.moto_bucket import moto_bucket

from core.errors import ErrorKind, InvalidInput, LocalIOError, NotFound
from core.objects.deleting import delete
from core.objects.listing import list_pages
from core.objects.reading import read
from core.objects.trash import list_trash
from core.objects.writing import put
from core.transfer import sync as syncing
from core.transfer.sync import check_deletions, sync
from core.transfer.sync_plan import plan_sync
from core.transfer.sync_values import SyncAction, SyncCancelled, SyncReason
from core.work import CancelToken, Work

ADD, REPLACE, DELETE = SyncAction.ADD, SyncAction.REPLACE, SyncAction.DELETE
LONG_AGO, LATER = 1_000_000_000, 4_000_000_000


@pytest.fixture(scope="module")
def bucket():
    with moto_bucket(versioned=True) as made:
        yield made


@pytest.fixture
def place(bucket):
    return SimpleNamespace(bucket=bucket)


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / f"y{uuid4().hex[:8]}"
    made.mkdir()
    return made


def prefix_of(folder):
    return f"{folder.name}/"


def stored(bucket, folder, bodies):
    for name, body in bodies.items():
        put(bucket, prefix_of(folder) + name, body)


def written(folder, bodies, modified=None):
    for name, body in bodies.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        if modified is not None:
            os.utime(path, (modified, modified))


def objects(bucket, folder):
    prefix = prefix_of(folder)
    keys = [key for page in list_pages(bucket, prefix) for key in page.keys]
    return {key.removeprefix(prefix): read(bucket, key) for key in keys}


def local(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def planned(place, folder, direction, **more):
    return plan_sync(
        place, folder=str(folder), prefix=prefix_of(folder), direction=direction, **more
    )


@pytest.mark.parametrize("slash", ["/", ""])
def test_a_folder_without_a_name_at_the_beginning_is_not_that_below_it(
    place, bucket, folder, slash
):
    """With `delete`, the objects of another folder were planned to be deleted."""
    stored(bucket, folder, {"theirs.txt": b"1"})
    put(bucket, f"/{prefix_of(folder)}mine.txt", b"2")
    plan = plan_sync(
        place, folder=str(folder), prefix=f"/{folder.name}{slash}", direction="upload", delete=True
    )
    assert plan.prefix == f"/{prefix_of(folder)}"
    assert [item.key for item in plan.items] == [f"/{prefix_of(folder)}mine.txt"]


def actions(plan):
    return {item.key.removeprefix(plan.prefix): (item.action, item.reason) for item in plan.items}


def synced(place, folder, direction, **more):
    plan = planned(place, folder, direction, **more)
    report = sync(place, **plan.arguments())
    assert report.kind is None
    return plan, report


BEFORE = {"same": b"1", "deep/size": b"22", "content": b"old", "extra": b"e", "deep/extra": b"d"}
SOURCE = {"same": b"1", "deep/size": b"1", "content": b"new", "fresh": b"f", "deep/fresh": b"g"}
EXPECTED = {
    "deep/size": (REPLACE, SyncReason.SIZE), "content": (REPLACE, SyncReason.CONTENT),
    "fresh": (ADD, SyncReason.MISSING), "deep/fresh": (ADD, SyncReason.MISSING),
    "extra": (DELETE, SyncReason.EXTRA), "deep/extra": (DELETE, SyncReason.EXTRA),
}  # fmt: skip


def test_a_prefix_becomes_equal_to_a_folder(place, bucket, folder):
    stored(bucket, folder, BEFORE)
    written(folder, SOURCE)
    plan = planned(place, folder, "upload", delete=True)
    assert actions(plan) == EXPECTED
    assert (plan.unchanged, plan.source_files, plan.target_files) == (1, 5, 5)
    assert plan.recoverable
    assert objects(bucket, folder) == BEFORE
    synced(place, folder, "upload", delete=True)
    assert objects(bucket, folder) == local(folder) == SOURCE
    assert planned(place, folder, "upload", delete=True).items == ()
    trash = list_trash(bucket, prefix_of(folder))
    assert {each.key.removeprefix(prefix_of(folder)) for each in trash.objects} == {
        "extra", "deep/extra",
    }  # fmt: skip


def test_a_folder_becomes_equal_to_a_prefix(place, bucket, folder):
    stored(bucket, folder, SOURCE)
    written(folder, BEFORE)
    plan = planned(place, folder, "download", delete=True)
    assert actions(plan) == EXPECTED
    assert local(folder) == BEFORE
    synced(place, folder, "download", delete=True)
    assert local(folder) == objects(bucket, folder) == SOURCE
    assert planned(place, folder, "download", delete=True).items == ()


@pytest.mark.parametrize("direction", ["upload", "download"])
def test_nothing_is_deleted_without_the_option(place, bucket, folder, direction):
    stored(bucket, folder, {"a": b"1", "b": b"2"})
    written(folder, {"a": b"1", "c": b"3"})
    synced(place, folder, direction)
    assert {*objects(bucket, folder)} >= {"a", "b"}
    assert {*local(folder)} >= {"a", "c"}


def test_a_folder_that_does_not_exist_is_created_by_a_download(place, bucket, folder):
    stored(bucket, folder, {"a/b": b"1"})
    folder.rmdir()
    assert planned(place, folder, "download").count(ADD) == 1
    assert not folder.exists()
    synced(place, folder, "download")
    assert local(folder) == {"a/b": b"1"}


def test_no_folder_remains_in_which_nothing_arrived(place, bucket, folder):
    stored(bucket, folder, {"deep/a": b"1", "deep/b": b"2"})
    plan = planned(place, folder, "download")
    for name in ("deep/a", "deep/b"):
        delete(bucket, prefix_of(folder) + name)
    report = sync(place, **plan.arguments())
    assert len(report.transfer.failed) == 2
    assert list(folder.iterdir()) == [], "the folder itself existed before"
    folder.rmdir()
    sync(place, **plan.arguments())
    assert not folder.exists()


def test_a_source_folder_that_does_not_exist_is_an_error(place, folder):
    folder.rmdir()
    with pytest.raises(NotFound):
        planned(place, folder, "upload", delete=True)
    folder.write_text("a file")
    for direction in ("upload", "download"):
        with pytest.raises(InvalidInput):
            planned(place, folder, direction)


def test_times_decide_without_reading_the_files(place, bucket, folder):
    stored(bucket, folder, {"old": b"1", "new": b"1", "size": b"1"})
    written(folder, {"old": b"2"}, LONG_AGO)
    written(folder, {"new": b"2"}, LATER)
    written(folder, {"size": b"22"}, LONG_AGO)
    up = planned(place, folder, "upload", compare="time")
    assert actions(up) == {
        "new": (REPLACE, SyncReason.NEWER), "size": (REPLACE, SyncReason.SIZE),
    }  # fmt: skip
    down = planned(place, folder, "download", compare="time")
    assert actions(down) == {
        "old": (REPLACE, SyncReason.NEWER), "size": (REPLACE, SyncReason.SIZE),
    }  # fmt: skip
    assert actions(planned(place, folder, "upload", compare="size")).keys() == {"size"}


@pytest.mark.parametrize("direction", ["upload", "download"])
def test_excluded_names_are_neither_transferred_nor_deleted(place, bucket, folder, direction):
    stored(bucket, folder, {"a.csv": b"1", "x/b.tmp": b"2", "c.txt": b"3"})
    written(folder, {"x/d.csv": b"1", "e.tmp": b"2", "f.txt": b"3"})
    plan = planned(
        place, folder, direction, delete=True, include=["*.csv", "*.tmp"], exclude=["*.tmp"]
    )
    extra, missing = ("a.csv", "x/d.csv") if direction == "upload" else ("x/d.csv", "a.csv")
    assert actions(plan) == {
        missing: (ADD, SyncReason.MISSING), extra: (DELETE, SyncReason.EXTRA),
    }  # fmt: skip


# Deletions


def test_an_unreadable_folder_deletes_nothing_below_it(place, bucket, folder, monkeypatch):
    stored(bucket, folder, {"dark/a": b"1", "dark/deep/b": b"2", "pipe": b"3", "gone": b"4"})
    written(folder, {"dark/a": b"1", "x": b"x"})
    os.mkfifo(folder / "pipe")
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("dark"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    plan = planned(place, folder, "upload", delete=True)
    assert {item.key for item in plan.items if item.action is DELETE} == {f"{folder.name}/gone"}
    assert {each.path for each in plan.refused} == {str(folder / "dark"), str(folder / "pipe")}
    report = sync(place, **plan.arguments())
    # Not even the other one, since the source could not be read completely.
    assert report.deleted == ()
    assert [key for key, _ in report.left] == [f"{folder.name}/gone"]
    assert {each.kind for each in report.refused} == {ErrorKind.LOCAL_IO, ErrorKind.INVALID_INPUT}
    with pytest.raises(LocalIOError):
        planned(place, folder, "download", delete=True)


def test_files_behind_links_and_unfinished_downloads_are_not_deleted(
    place, bucket, folder, tmp_path
):
    outside = tmp_path / "outside"
    written(outside, {"precious": b"1"})
    (folder / "link").symlink_to(outside)
    (folder / "file").symlink_to(outside / "precious")
    written(folder, {".a.strongroom-part": b"1"})
    stored(bucket, folder, {"a": b"1"})
    plan, _ = synced(place, folder, "download", delete=True)
    assert plan.count(DELETE) == 0
    assert local(outside) == {"precious": b"1"}
    assert (folder / "file").is_symlink()


def test_folder_markers_are_no_files(place, bucket, folder):
    stored(bucket, folder, {"": b"", "dir/": b"", "a": b"1"})
    written(folder, {"a": b"1"})
    for direction in ("upload", "download"):
        assert planned(place, folder, direction, delete=True).items == ()


@pytest.mark.parametrize("direction", ["upload", "download"])
def test_what_changed_after_the_plan_is_not_deleted(place, bucket, folder, direction):
    stored(bucket, folder, {"a": b"1"} if direction == "download" else {"a": b"1", "x": b"1"})
    written(folder, {"a": b"1"} if direction == "upload" else {"a": b"1", "x": b"1"})
    plan = planned(place, folder, direction, delete=True)
    stored(bucket, folder, {"x": b"new"}) if direction == "upload" else written(
        folder, {"x": b"new"}, LATER
    )
    report = sync(place, **plan.arguments())
    assert report.left == ((f"{folder.name}/x", "it was changed after the plan"),)
    assert report.kind is ErrorKind.CONFLICT
    assert (objects(bucket, folder) if direction == "upload" else local(folder))["x"] == b"new"


@pytest.mark.parametrize("direction", ["upload", "download"])
def test_what_is_gone_already_counts_as_deleted(place, bucket, folder, direction):
    stored(bucket, folder, {"a": b"1", "x": b"1"})
    written(folder, {"a": b"1", "x": b"1"})
    if direction == "upload":
        (folder / "x").unlink()
    else:
        delete(bucket, f"{folder.name}/x")
    plan = planned(place, folder, direction, delete=True)
    if direction == "upload":
        delete(bucket, f"{folder.name}/x")
    else:
        (folder / "x").unlink()
    report = sync(place, **plan.arguments())
    assert (report.deleted, report.left, report.failed) == ((f"{folder.name}/x",), (), ())


def test_nothing_is_deleted_if_a_file_was_not_transferred(place, bucket, folder):
    stored(bucket, folder, {"x": b"1"})
    written(folder, {"a": b"1", "b": b"2"})
    plan = planned(place, folder, "upload", delete=True)
    (folder / "b").unlink()
    report = sync(place, **plan.arguments())
    assert [failure.key for failure in report.transfer.failed] == [f"{folder.name}/b"]
    assert report.deleted == ()
    assert objects(bucket, folder).keys() == {"a", "x"}


def test_a_refused_deletion_is_reported(place, bucket, folder, monkeypatch):
    stored(bucket, folder, {"a": b"1", "x": b"1"})
    written(folder, {"a": b"1"})
    plan = planned(place, folder, "upload", delete=True)

    def denied(*_arguments, **_more):
        raise LocalIOError("no", cause="The answer was lost.")

    monkeypatch.setattr(syncing, "delete_many", denied)
    report = sync(place, **plan.arguments())
    assert [(each.key, each.message) for each in report.failed] == [
        (f"{folder.name}/x", "The answer was lost.")
    ]
    assert report.kind is ErrorKind.LOCAL_IO


@pytest.mark.parametrize(
    ("count", "source", "target", "limit", "refused"),
    [
        (1, 0, 1, None, True),
        (0, 0, 0, None, False),
        (10, 1, 11, None, False),
        (11, 1, 22, None, False),
        (12, 1, 22, None, True),
        (12, 1, 22, 12, False),
        (12, 1, 22, 11, True),
        (1, 5, 100, 0, True),
        (1, 0, 1, 1, False),
    ],
)
def test_many_deletions_are_refused(count, source, target, limit, refused):
    if refused:
        with pytest.raises(InvalidInput) as caught:
            check_deletions(count, source, target, limit)
        assert f"allow {count} deletion" in caught.value.remedy
    else:
        check_deletions(count, source, target, limit)


def test_an_empty_source_deletes_nothing(place, bucket, folder):
    stored(bucket, folder, {"a": b"1"})
    plan = planned(place, folder, "upload", delete=True)
    with pytest.raises(InvalidInput, match="would be deleted") as caught:
        sync(place, **plan.arguments())
    assert "a drive that is not mounted, or a prefix" in caught.value.cause
    assert objects(bucket, folder) == {"a": b"1"}


@pytest.mark.parametrize("direction", ["upload", "download"])
def test_a_cancel_reports_what_was_done(place, bucket, folder, direction):
    stored(bucket, folder, {"a": b"1", "x": b"2"})
    written(folder, {"b": b"1", "y": b"2"})
    plan = planned(place, folder, direction, delete=True)
    token = CancelToken()
    token.cancel()
    with pytest.raises(SyncCancelled) as caught:
        sync(place, Work(token), **plan.arguments())
    report = caught.value.report
    assert len(report.transfer.cancelled) == 2
    assert len(report.left) == 2
    assert objects(bucket, folder) == {"a": b"1", "x": b"2"}


def test_colliding_keys_keep_their_local_names_when_one_is_downloaded_again(place, bucket, folder):
    bodies = {"data": b"object", "data/a.csv": b"file", "x:y": b"1"}
    stored(bucket, folder, bodies)
    synced(place, folder, "download", delete=True)
    first = local(folder)
    assert planned(place, folder, "download", delete=True).items == ()
    stored(bucket, folder, {"data": b"changed"})
    plan, report = synced(place, folder, "download", delete=True)
    assert (plan.count(REPLACE), len(report.transfer.done)) == (1, 1)
    assert local(folder) == {**first, "data.object": b"changed"}


def test_hostile_keys_stay_inside_the_folder(place, bucket, folder, tmp_path):
    stored(bucket, folder, {"../outside": b"1", "a/../../b": b"2", "/abs": b"3"})
    synced(place, folder, "download", delete=True)
    assert sorted(local(folder).values()) == [b"1", b"2", b"3"]
    assert not (tmp_path / "outside").exists()
    plan = planned(place, folder, "download")
    arguments = {**plan.arguments(), "actions": ["add"], "keys": ["k"], "sizes": [1],
                 "paths": [str(folder / ".." / "x")], "etags": [""], "modified_ns": [0]}  # fmt: skip
    with pytest.raises(InvalidInput):
        sync(place, **arguments)
