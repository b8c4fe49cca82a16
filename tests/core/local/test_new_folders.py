"""Of the folders that a download creates, the empty ones are removed if it fails."""

import os
import threading

import pytest

from core.local.new_folders import NewFolders
from core.objects.small_files import FilePublisher


def test_new_folders_without_a_file_are_removed_and_no_others(tmp_path):
    (tmp_path / "former").mkdir()
    folders = NewFolders()
    for name in ("former", "former/a/b", "new/c", "new/d"):
        folders.create(tmp_path / name)
        folders.create(tmp_path / name)
    (tmp_path / "new" / "d" / "file").touch()
    folders.remove_empty()
    found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert found == {"former", "new", "new/d", "new/d/file"}


def test_a_folder_inside_one_that_another_thread_is_creating_is_removed_first(
    tmp_path, monkeypatch
):
    folders, mkdir = NewFolders(), os.mkdir

    def mkdir_before_another_thread(path):
        mkdir(path)
        if path == str(tmp_path / "new"):
            thread = threading.Thread(target=folders.create, args=(tmp_path / "new" / "inside",))
            thread.start()
            thread.join()

    monkeypatch.setattr("core.local.new_folders.os.mkdir", mkdir_before_another_thread)
    folders.create(tmp_path / "new")
    assert (tmp_path / "new" / "inside").is_dir()
    folders.remove_empty()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_another_program_has_replaced_by_a_link_remains(tmp_path):
    folders, other = NewFolders(), tmp_path / "other"
    folders.create(tmp_path / "new")
    other.mkdir()
    (tmp_path / "new").rmdir()
    (tmp_path / "new").symlink_to(other)
    folders.remove_empty()
    assert other.is_dir()
    assert (tmp_path / "new").is_symlink()


def test_only_a_block_that_fails_removes_them(tmp_path):
    with NewFolders() as folders:
        folders.create(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()

    def fail():
        with NewFolders() as folders:
            folders.create(tmp_path / "c" / "d")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("name", ["file", "file/folder"])
def test_a_file_in_the_place_of_a_folder_is_an_error(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        NewFolders().create(tmp_path / name)


def test_the_fast_download_records_its_folders(tmp_path):
    folders, parent = NewFolders(), tmp_path / "new" / "inside"
    publisher = FilePublisher(overwrite=False, folders=folders)
    assert publisher.add(1, str(parent / "file"), str(parent), b"content")
    assert parent.is_dir()
    publisher.close()  # as after a cancel, before the file has its name
    folders.remove_empty()
    assert list(tmp_path.iterdir()) == []
