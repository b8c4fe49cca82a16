"""No object key can name a file outside the target folder."""

import os
from pathlib import Path

import pytest
from helpers.doses import generated
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.transfer.local_names import (
    SEGMENT_BYTES,
    STRICTEST,
    FileSystem,
    key_of,
    path_inside,
    safe_segments,
)

ROOT = Path("/srv/target")
segments = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), max_size=60)
keys = st.lists(segments, min_size=1, max_size=6).map("/".join)


@generated(suite=400, demand=50_000)
@given(keys, st.sampled_from([STRICTEST, FileSystem()]))
@example("../../etc/passwd", STRICTEST)
@example("../../etc/passwd", FileSystem())
@example("/absolute", STRICTEST)
@example("/absolute", FileSystem())
@example("a/../../b", STRICTEST)
@example("a/../../b", FileSystem())
@example("C:\\Windows\\x", STRICTEST)
@example("C:\\Windows\\x", FileSystem())
@example("a/./b//c/", STRICTEST)
@example("a/./b//c/", FileSystem())
@example("\0", STRICTEST)
@example("\0", FileSystem())
@example("a%3Ab/%/%_/100%", FileSystem())
def test_no_key_leaves_the_folder_and_every_name_leads_back_to_it(key, system):
    names = safe_segments(key, system)
    path = ROOT.joinpath(*names)
    assert path.is_relative_to(ROOT)
    assert path != ROOT
    assert ".." not in path.parts
    assert len(names) == key.count("/") + 1
    assert all(0 < len(os.fsencode(name)) <= SEGMENT_BYTES for name in names)
    if not any("~" in name for name in names):
        assert key_of(names) == key


@pytest.mark.parametrize("name", ["file..txt", "...x", "a..b", ".hidden", "2024-01-15T10_00.json"])
def test_legal_names_that_only_look_odd_stay(name):
    assert safe_segments(name) == (name,)


@pytest.mark.parametrize("system", [STRICTEST, FileSystem()], ids=["strictest", "linux"])
@pytest.mark.parametrize(
    "char", [*"\u202e\u2066\u200f\u061c\u2028\ufeff\u200b", "\x85", "\x9b", "\x1b"]
)
def test_invisible_characters_are_escaped_on_every_system(char, system):
    name = f"report{char}fdp.exe"
    (safe,) = safe_segments(name, system)
    assert char not in safe
    assert safe.isprintable()
    assert key_of([safe]) == name
    assert safe_segments(name, STRICTEST) == (safe,)


@pytest.mark.parametrize(
    "name", ["COM\u00b9", "lpt\u00b3.txt", "com\u00b2.a.b", "CONIN$", "conout$.log", "NUL .txt"]
)
def test_further_names_of_devices_are_escaped_for_windows(name):
    (safe,) = safe_segments(name)
    assert safe != name
    assert key_of([safe]) == name
    assert safe_segments(name, FileSystem()) == (name,)


@pytest.mark.parametrize("name", ["CON", "nul.txt", "com1.a.b", "x.", "y ", "a:b", "q?", "tab\t"])
def test_names_that_windows_cannot_hold_are_escaped(name):
    assert safe_segments(name)[0] != name
    assert key_of(safe_segments(name)) == name


def test_long_names_keep_their_ending_and_stay_apart():
    one, two = (safe_segments("x" * 400 + tail + ".json")[0] for tail in "ab")
    assert one.endswith(".json")
    assert one != two


def test_a_link_that_leads_out_is_refused(tmp_path):
    root, outside = tmp_path / "in", tmp_path / "out"
    root.mkdir()
    outside.mkdir()
    (root / "link").symlink_to(outside)
    for name in ("link/file", "link"):
        with pytest.raises(InvalidInput, match="outside"):
            path_inside(root, root / name, name)
    assert path_inside(root, root / "fine/file", "fine/file") == root / "fine" / "file"
