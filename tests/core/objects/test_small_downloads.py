"""Many small objects are downloaded at the same time, and appear only if they are verified."""

import errno
import hashlib
import os
import threading
from pathlib import Path

import pytest
from helpers.fault_proxy import rule
from helpers.object_server import Server, bucket_at
from helpers.stub_server import StubServer

from core.errors import AlreadyExists, Cancelled
from core.local import atomic, partial_files
from core.local.new_folders import NewFolders
from core.local.partial_files import PARTIAL_SUFFIX
from core.model.objects import Verdict
from core.objects import small_files
from core.objects.small_downloads import SmallObject, download_many
from core.objects.small_loop import FEWEST
from core.objects.writing import put
from core.work import CancelToken, Work

COUNT = FEWEST + 6


def _bodies(count=COUNT):
    return [b"%d" % number * 50 for number in range(count)]


def _put(bucket, key, body):
    """Store an object like an upload of Strongroom, with its SHA-256."""
    put(bucket, key, body, metadata={"sha256": hashlib.sha256(body).hexdigest()})


def _objects(folder, bodies, prefix="small"):
    return [
        SmallObject(number, f"{prefix}/{number} ü.txt", str(folder / f"{number}.txt"), len(body))
        for number, body in enumerate(bodies)
    ]


@pytest.fixture
def objects(bucket, tmp_path):
    """Objects in the bucket, the first of which is empty, and their targets."""
    bodies = [b"", *_bodies()[1:]]
    found = _objects(tmp_path / "target", bodies, prefix=tmp_path.name)
    for one, body in zip(found, bodies, strict=True):
        _put(bucket, one.key, body)
    return found


def _download(bucket, objects, **more):
    received = []
    left = download_many(bucket, objects, received=received.extend, **more)
    return received, left


def _path(one):
    return Path(one.path)


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_arrives_is_verified(bucket, objects):
    received, left = _download(bucket, objects)
    assert left == []
    assert sorted(got.object.number for got in received) == list(range(COUNT))
    assert {got.verdict for got in received} == {Verdict.SHA256}
    assert [_path(one).read_bytes() for one in objects] == [b"", *_bodies()[1:]]
    assert len(_names(_path(objects[0]).parent)) == COUNT  # no temporary file remains


def test_objects_of_other_programs_are_compared_with_the_md5_in_their_etag(bucket, objects):
    for one, body in zip(objects, [b"", *_bodies()[1:]], strict=True):
        put(bucket, one.key, body)
    received, left = _download(bucket, objects)
    assert (left, {got.verdict for got in received}) == ([], {Verdict.MD5})


def test_few_objects_are_left_to_the_regular_download(bucket, objects):
    assert _download(bucket, objects[:3]) == ([], objects[:3])


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_existing_file_is_only_replaced_on_request(bucket, objects, overwrite):
    folder = _path(objects[0]).parent
    folder.mkdir()
    _path(objects[5]).write_text("mine")
    _, left = _download(bucket, objects, overwrite=overwrite)
    assert left == ([] if overwrite else [objects[5]])
    assert _path(objects[5]).read_bytes() == (_bodies()[5] if overwrite else b"mine")
    assert len(_names(folder)) == COUNT


def test_a_folder_that_became_a_link_is_not_followed(bucket, objects, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    resolved = _path(objects[0]).parent.resolve()

    def prepared(batch, file, signer):
        found = original(batch, file, signer)
        if not resolved.exists():
            resolved.symlink_to(elsewhere, target_is_directory=True)
        return found

    from core.objects.small_downloads import _Receiver

    original = _Receiver.prepared
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Receiver, "prepared", prepared)
        received, left = _download(bucket, objects)
    # Objects that were assigned before the link existed name the folder itself.
    assert [got for got in received if got.object.number == 0] == []
    assert objects[0] in left
    assert "0.txt" not in _names(elsewhere)


@pytest.mark.parametrize("metadata", [False, True])
def test_damaged_and_unverifiable_objects_are_returned(tmp_path, metadata):
    server, bodies = Server(opaque=True), _bodies()
    with StubServer(server) as stub, bucket_at(stub.url) as bucket:
        for number, body in enumerate(bodies):
            _put(bucket, f"small/{number}.txt", body)
        for path, (body, etag, meta) in list(server.objects.items()):
            flipped = path.endswith("/3.txt")
            stored = meta if metadata else {}
            server.objects[path] = (body[:-1] + b"?" if flipped else body, etag, stored)
        objects = [
            SmallObject(n, f"small/{n}.txt", str(tmp_path / f"{n}.txt"), len(body))
            for n, body in enumerate(bodies)
        ]
        received, left = _download(bucket, objects)
    # Without the stored SHA-256, an opaque ETag proves nothing.
    assert {one.number for one in left} == ({3} if metadata else set(range(COUNT)))
    assert len(received) + len(left) == COUNT
    assert len(_names(tmp_path)) == len(received)


def test_a_listed_etag_or_size_that_differs_is_returned(bucket, objects):
    changed = [
        SmallObject(o.number, o.key, o.path, o.size + (o.number == 4), "other" * (o.number == 7))
        for o in objects
    ]
    received, left = _download(bucket, changed)
    assert {one.number for one in left} == {4, 7}
    assert len(received) == COUNT - 2


def test_a_cancel_ends_a_stalled_download_and_leaves_no_temporary_file(damaged, objects):
    token, outcome = CancelToken(), []
    with damaged(rule("Get", "stall_before")) as (bucket, proxy):

        def run():
            try:
                _download(bucket, objects, work=Work(token))
            except Cancelled:
                outcome.append("cancelled")

        thread = threading.Thread(target=run)
        thread.start()
        while "Get" not in proxy.seen:
            threading.Event().wait(0.02)
        token.cancel()
        thread.join(6)  # two seconds on an idle machine
    assert outcome == ["cancelled"]
    left = _names(_path(objects[0]).parent) if _path(objects[0]).parent.exists() else []
    assert not [name for name in left if name.endswith(PARTIAL_SUFFIX)]


def test_many_files_are_flushed_with_one_call_and_its_error_is_raised(tmp_path, monkeypatch):
    files = [(tmp_path / f"{number}").open("wb") for number in range(9)]
    handles, flushed = [file.fileno() for file in files], []
    monkeypatch.setattr(atomic, "_syncfs", lambda: lambda handle: flushed.append(handle) or 0)
    atomic.fsync_files(handles)
    assert flushed == handles[-1:]  # one file system
    monkeypatch.setattr(atomic, "_syncfs", lambda: lambda _handle: 5)
    with pytest.raises(OSError, match="Input/output error"):
        atomic.fsync_files(handles)
    monkeypatch.setattr(atomic, "_syncfs", lambda: None)
    monkeypatch.setattr(atomic.os, "fsync", flushed.append)
    atomic.fsync_files(handles)
    assert flushed[1:] == handles
    for file in files:
        file.close()


@pytest.mark.parametrize("overwrite", [False, True])
def test_files_whose_names_cannot_be_flushed_are_returned(
    bucket, objects, tmp_path, monkeypatch, overwrite
):
    def refuse(_folder):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(small_files, "fsync_folder", refuse)
    folders = NewFolders()
    received, left = _download(bucket, objects, overwrite=overwrite, folders=folders)
    assert received == []
    assert sorted(one.number for one in left) == list(range(COUNT))
    folders.remove_empty()
    assert overwrite == (tmp_path / "target").exists()
    # The regular download, which reports the error, must not find them as existing files.
    assert overwrite == any(_path(one).exists() for one in objects)


#: Systems without files that have no name: none at all, a file system, and one without /proc.
NAMED = {
    "system": lambda patch: patch.setattr(partial_files, "_UNNAMED", 0),
    "file system": lambda patch: patch.setattr(partial_files.os, "open", _open_with_a_name),
    "no /proc": lambda patch: patch.setattr(partial_files, "_link", _refuse),
}
_open = os.open


def _open_with_a_name(path, flags, *mode, **more):
    if partial_files._UNNAMED and flags & partial_files._UNNAMED == partial_files._UNNAMED:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")
    return _open(path, flags, *mode, **more)


def _refuse(*_arguments):
    raise FileNotFoundError(errno.ENOENT, "No such file or directory")


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("system", NAMED)
def test_without_unnamed_files_temporary_ones_are_renamed(
    bucket, objects, monkeypatch, system, overwrite
):
    NAMED[system](monkeypatch)
    received, left = _download(bucket, objects, overwrite=overwrite)
    # Without /proc the files cannot get their names later: the regular download stores them.
    assert len(left) == (COUNT if system == "no /proc" else 0)
    assert len(received) + len(left) == len(_names(_path(objects[0]).parent)) + len(left) == COUNT


def test_a_file_that_replaces_another_has_no_other_name_afterwards(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    handle = partial_files.create_unnamed(str(tmp_path))
    if handle is None:
        pytest.skip("this system has no files without a name")
    try:
        os.write(handle, b"new")
        assert _names(tmp_path) == ["a.txt"]
        with pytest.raises(AlreadyExists):
            partial_files.link_into_place(handle, str(path), overwrite=False)
        assert path.read_text() == "old"
        partial_files.link_into_place(handle, str(path), overwrite=True)
        (tmp_path / "folder").mkdir()
        with pytest.raises(IsADirectoryError):
            partial_files.link_into_place(handle, str(tmp_path / "folder"), overwrite=True)
    finally:
        os.close(handle)
    assert (path.read_text(), _names(tmp_path)) == ("new", ["a.txt", "folder"])
