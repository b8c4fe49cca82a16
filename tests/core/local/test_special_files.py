"""Devices, pipes and sockets are not replaced by a file, as `/dev/null` was, and not waited for."""

import os
import socket
import stat
from functools import partial
from pathlib import Path

import pytest
from helpers.moto_bucket import moto_bucket

from core.backup.databases.sqlite import SQLiteDatabase
from core.catalog.inventory_files import report_files
from core.errors import DatabaseError, InvalidInput, LocalIOError
from core.local.atomic import write_atomically
from core.local.partial_files import create_unnamed, link_into_place, move_into_place
from core.objects.reading import download
from core.sql.new_file import new_file
from core.storage.s3_storage_service import S3StorageService
from core.transfer.hash_list import check_hash_list

pytestmark = pytest.mark.skipif(os.name != "posix", reason="special files of POSIX systems")


@pytest.fixture(scope="module")
def bucket():
    with moto_bucket() as made:
        made.client.put_object(Bucket=made.name, Key="key", Body=b"data")
        yield made


@pytest.fixture(params=["pipe", "socket", "link to a pipe", "link to an open file", "device"])
def special(request, tmp_path):
    """Yield a path in an otherwise empty folder."""
    folder = tmp_path / "out"
    folder.mkdir()
    path, other = folder / "target", tmp_path / "other"
    os.mkfifo(other)
    with socket.socket(socket.AF_UNIX) as listener, (tmp_path / "open").open("wb") as file:
        if request.param == "pipe":
            os.mkfifo(path)
        elif request.param == "socket":
            listener.bind(str(path))
        elif request.param == "link to a pipe":
            path.symlink_to(other)
        elif request.param == "link to an open file":  # as /dev/stdout is
            path.symlink_to(f"/proc/self/fd/{file.fileno()}")
        else:
            path.symlink_to("/dev/null")
        before = path.lstat()
        yield path
    assert stat.S_IFMT(path.lstat().st_mode) == stat.S_IFMT(before.st_mode)
    assert path.lstat().st_ino == before.st_ino
    assert [each.name for each in folder.iterdir()] == ["target"]


def _move(path):
    temporary = path.with_name("temporary")
    temporary.touch()
    try:
        move_into_place(temporary, path, overwrite=True)
    finally:
        temporary.unlink()


def _link(path):
    handle = create_unnamed(str(path.parent))
    assert handle is not None
    try:
        link_into_place(handle, str(path), overwrite=True)
    finally:
        os.close(handle)


def _write(path):
    with new_file(path, overwrite=True) as temporary:
        Path(temporary).write_text("rows")


@pytest.mark.parametrize(
    "replace",
    [
        _move,
        _link,
        _write,
        partial(write_atomically, data=b"x"),
        lambda path: check_hash_list(str(path)),  # before the transfer
    ],
)
def test_a_completed_file_replaces_no_special_file(special, replace):
    with pytest.raises(LocalIOError, match="target is not a regular file"):
        replace(special)


def test_a_download_to_a_special_file_is_refused(special, bucket):
    with pytest.raises(LocalIOError, match="target is not a regular file"):
        download(bucket, "key", special, overwrite=True)
    with pytest.raises(LocalIOError, match="target is not a regular file"):
        S3StorageService(clients=bucket.clients).download_file("key", special)


def test_a_link_to_a_file_and_a_broken_link_are_replaced(tmp_path, bucket):
    (tmp_path / "file").write_text("former")
    for name, aim in (("link", "file"), ("broken", "missing")):
        (tmp_path / name).symlink_to(tmp_path / aim)
        download(bucket, "key", tmp_path / name, overwrite=True)
        assert (tmp_path / name).read_bytes() == b"data"
    assert (tmp_path / "file").read_text() == "former"


@pytest.mark.parametrize(
    ("read", "error"),
    [
        (SQLiteDatabase.open, DatabaseError),
        (lambda path: report_files([Path(path)]), InvalidInput),
        (lambda path: report_files([Path(path).rename(f"{path}.json")]), InvalidInput),
    ],
)
def test_a_pipe_is_not_waited_for(tmp_path, read, error):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(error, match="is a device, a pipe or a socket"):
        read(str(tmp_path / "pipe"))
