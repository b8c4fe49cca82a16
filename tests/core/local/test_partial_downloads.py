"""Partial files of downloads: races of processes, folders without access, and a slow database."""

import os
from contextlib import nullcontext
from datetime import timedelta
from uuid import uuid4

import pytest

from core.local import owned_files, partial_downloads, partial_files, partial_records
from core.local.owned_files import create_owned, take_over
from core.local.partial_downloads import PartialDownload
from core.local.partial_files import remove_partials
from core.local.partial_records import Prefix, Source
from core.local.state.database import state_database
from core.transfer.journal import Order
from core.transfer.queue import TransferQueue

SOURCE = Source("", "b", "k")
COUNT = "SELECT count(*) FROM partial_downloads"


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder / "f"


def paused(target):
    """Leave a partial file with one byte, and return its path."""
    part = PartialDownload.begin(target, SOURCE)
    os.write(part.handle, b"x")
    part.note(Prefix("etag", 2, 1, "0" * 64))
    assert part.retain()
    os.close(part.handle)
    return part.path


@pytest.mark.parametrize("ended", ["completed", "removed and created again"])
def test_a_file_whose_owner_ends_before_the_lock_is_not_taken_over(tmp_path, monkeypatch, ended):
    path, final = tmp_path / "part", tmp_path / "final"
    os.close(create_owned(path))
    try_lock = owned_files.try_lock

    def end_before_it(handle):
        if ended == "completed":
            path.rename(final)
        else:
            path.unlink()
            path.touch()
        return try_lock(handle)

    monkeypatch.setattr(owned_files, "try_lock", end_before_it)
    # Otherwise the next download would empty the completed file to start from its first byte.
    assert take_over(path) is None


def test_a_folder_without_access_stops_no_transfer(target, monkeypatch):
    path = paused(target)
    monkeypatch.setattr(partial_records, "RETENTION", timedelta(0))
    for name in ("unlink", "stat"):
        usual = getattr(type(path), name)

        def refuse(asked, usual=usual, **more):
            if asked == path:
                raise PermissionError
            return usual(asked, **more)

        with monkeypatch.context() as patch:
            patch.setattr(type(path), name, refuse)
            dead = nullcontext(name == "unlink")
            patch.setattr(partial_records, "claimed", lambda _path, dead=dead: dead)
            remove_partials()
    # Both are removed as soon as there is access.
    assert path.exists()
    assert state_database().rows(COUNT) == [(1,)]
    remove_partials()
    assert not path.exists()
    assert state_database().rows(COUNT) == [(0,)]


def test_a_continued_file_without_a_record_is_removed_after_a_kill(target, monkeypatch):
    path = paused(target)
    state_database().execute("DELETE FROM download_folders")  # a sweep since then
    partial_files._noted.clear()
    part = PartialDownload.begin(target, SOURCE)
    assert part.path == path
    part.reset()  # the object was replaced
    os.close(part.handle)  # killed
    monkeypatch.setattr(partial_files, "is_running", lambda _database, _owner: False)
    assert remove_partials() == (path,)


def test_a_slow_database_does_not_slow_down_the_download(target, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(partial_downloads.time, "monotonic", lambda: now[0])
    written = []

    def write(*_arguments):
        written.append(now[0])
        now[0] += 10
        return False

    monkeypatch.setattr(partial_downloads, "write_record", write)
    part = PartialDownload.begin(target, SOURCE)
    while now[0] < 500:
        now[0] += 0.5
        part.note(Prefix("etag", 2, 1, "0" * 64))
    os.close(part.handle)
    assert len(written) == 3


@pytest.mark.parametrize("end", [TransferQueue.cancel, TransferQueue.remove])
def test_the_end_of_a_paused_batch_removes_what_it_has_stored(target, end):
    path, other = paused(target), paused(target.parent.parent / "f")
    queue = TransferQueue()
    columns = {"keys": ["k"], "sizes": [2], "folder": str(target.parent)}
    batch = Order("transfer.download", uuid4().hex, "Down", "p", "b", columns)
    queue.add(batch)
    queue.pause(batch.id)
    assert path.exists()
    end(queue, batch.id)
    assert (path.exists(), other.exists()) == (False, True)
    assert state_database().rows(COUNT) == [(1,)]
