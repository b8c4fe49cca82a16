"""Object keys get distinct local file names, also on file systems that ignore case."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.transfer import local_names
from core.transfer.local_names import (
    STRICTEST,
    FileSystem,
    file_system_of,
    local_name,
    local_paths,
)


def names_of(root, names, sizes=None):
    paths = local_paths(root, names, sizes or [1] * len(names))
    return [path and path.relative_to(root).as_posix() for path in paths]


@pytest.fixture
def insensitive(monkeypatch):
    """A file system that takes `a` for `A`, as those of Windows and macOS do."""
    monkeypatch.setattr(local_names, "_same", lambda _folder, _name, _other: True)


@pytest.fixture
def windows(monkeypatch):
    """A disk that refuses what Windows refuses, as one formatted for it does also on Linux."""
    monkeypatch.setattr(local_names, "_preserves", lambda _folder, _name: False)


def test_names_stay_as_they_are_where_nothing_collides(tmp_path):
    assert names_of(tmp_path, ["a.txt", "b/c", "d"]) == ["a.txt", "b/c", "d"]


def test_case_is_reported_apart_where_the_disk_does(tmp_path):
    (tmp_path / "probe").touch()
    sensitive = not (tmp_path / "PROBE").exists()
    expected = ["a.txt", "A.txt"] if sensitive else ["a (2).txt", "A.txt"]
    assert names_of(tmp_path, ["a.txt", "A.txt"]) == expected
    assert [path.name for path in tmp_path.iterdir()] == ["probe"]


@pytest.mark.usefixtures("insensitive")
def test_names_that_differ_by_case_get_a_clear_other_name(tmp_path):
    names = ["a.txt", "A.txt", "x/Y", "X/y", "caf\u00e9", "cafe\u0301"]
    found = names_of(tmp_path, names)
    assert found[:2] == ["a (2).txt", "A.txt"]
    assert len({unicodedata.normalize("NFC", name).casefold() for name in found}) == len(names)


def test_an_object_named_like_a_folder_gets_a_clear_other_name(tmp_path):
    names = ["data", "data/a.csv", "data.object", "deep/x", "deep/x/y"]
    assert names_of(tmp_path, names) == [
"data (2).object", "data/a.csv", "data.object",
        "deep/x.object", "deep/x/y",
    ]  # fmt: skip


def test_an_object_with_content_whose_key_ends_with_a_slash_is_a_file(tmp_path):
    assert names_of(tmp_path, ["dir/", "dir/a", ""], [5, 1, 3]) == ["dir/%_", "dir/a", "%_"]
    assert names_of(tmp_path, ["dir/", "dir/a", ""], [0, 1, 0]) == [None, "dir/a", None]


KEYS = st.lists(
    st.text(alphabet="aAb/.:\u00e9e\u0301 (2)", min_size=1, max_size=8), unique=True, max_size=12
)


@given(keys=KEYS, system=st.sampled_from([FileSystem(), STRICTEST, FileSystem(case=True)]))
def test_no_two_objects_share_a_place(tmp_path_factory, keys, system):
    root = tmp_path_factory.getbasetemp()
    paths = local_paths_on(system, root, keys)
    places = [system.fold(path.relative_to(root).as_posix()) for path in paths]
    assert len(set(places)) == len(keys)
    folders = {"/".join(place.split("/")[:n]) for place in places for n in range(1, 9)
               if n < len(place.split("/"))}  # fmt: skip
    assert folders.isdisjoint(places)
    assert paths == local_paths_on(system, root, keys[::-1])[::-1]  # a later listing may come so


def local_paths_on(system, root, keys):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_names, "file_system_of", lambda _folder: system)
        return local_paths(root, keys, [1] * len(keys))


def test_a_folder_that_cannot_be_tried_is_taken_for_the_strictest(tmp_path):
    assert file_system_of(tmp_path / "missing") == STRICTEST


TIMES = ["T16:00:00Z.json", "a?b*.txt", "end.", "CON", "100%.csv", 'quo"te']


@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses these names everywhere")
def test_names_stay_as_the_key_has_them_where_the_disk_takes_them(tmp_path):
    assert names_of(tmp_path, TIMES) == TIMES
    assert [local_name(f"a/{name}", tmp_path) for name in TIMES] == TIMES
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("windows")
def test_names_are_escaped_on_a_disk_that_refuses_them(tmp_path):
    expected = ["T16%3A00%3A00Z.json", "a%3Fb%2A.txt", "end%2E", "%43ON", "100%.csv", "quo%22te"]
    assert names_of(tmp_path, TIMES) == expected
    assert [local_name(f"a/{name}", tmp_path) for name in TIMES] == expected


@pytest.mark.parametrize(
    ("key", "name"), [("a/b.txt", "b.txt"), ("a/..", "%2E%2E"), ("a/b/", "b"), ("", "%_")]
)
def test_the_name_of_one_file(tmp_path, key, name):
    assert local_name(key, tmp_path) == name
