"""Objects that attack their reader: bombs, numbers that floats round, formulas, pickles, escapes."""

from __future__ import annotations

import gzip
import json
import pickle
import tracemalloc

import pytest

from core.preview import HexDump, Lines, Picture, Tree, preview
from core.preview.cells import safe_cell
from core.preview.limits import LIMITS

MIB = 1024 * 1024


def test_a_bomb_is_unpacked_within_a_bounded_memory():
    bomb = gzip.compress(b"\0" * (16 * MIB)) * 16
    tracemalloc.start()
    try:
        found = preview(bomb, "a.json.gz")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert not found.complete
    assert peak < 8 * LIMITS.bytes_out


def test_archives_in_archives_are_opened_once():
    data = b"{}"
    for _ in range(20):
        data = gzip.compress(data)
    assert isinstance(preview(data, "a.json.gz").representations[0], HexDump)


def test_numbers_beyond_those_of_a_double_are_exact():
    texts = ["9007199254740993", "-18446744073709551617", "0.1000000000000000055511151231257827"]
    data = f'{{"numbers": [{", ".join(texts)}]}}'.encode()
    tree = next(one for one in preview(data, "a.json").representations if isinstance(one, Tree))
    assert tree.root == {"numbers": texts}


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\0"])
def test_copied_cells_are_no_formulas(first):
    assert safe_cell(f"{first}cmd|' /C calc'!A0") == f"'{first}cmd|' /C calc'!A0"


@pytest.mark.parametrize("number", ["-5", "+1.5", "-1e-8"])
def test_copied_numbers_with_a_sign_stay_numbers(number):
    assert safe_cell(number) == number


class _Opened:
    """A pickle that creates a file when it is loaded."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", ["a.pkl", "a.npy", "a.parquet", "a.json"])
def test_no_pickle_is_loaded(tmp_path, protocol, name):
    path = tmp_path / "created"
    assert preview(pickle.dumps(_Opened(str(path)), protocol), name).representations
    assert not path.exists()


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (
            b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
            "a.svg",
        ),
        (b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', "a.xml"),
        (b"<html><script>alert(1)</script><img src=http://127.0.0.1/></html>", "a.html"),
        (b"%PDF-1.7\n1 0 obj <</OpenAction 2 0 R>>", "a.pdf"),
    ],
)
def test_documents_that_could_load_others_are_shown_as_text_or_bytes(data, name):
    for shown in preview(data, name, content_type="image/svg+xml").representations:
        assert not isinstance(shown, Picture)
        assert "root:" not in repr(shown)


@pytest.mark.parametrize("code", [*range(9), *range(11, 32), *range(127, 160)])
def test_no_control_character_of_a_log_is_shown(code):
    data = f"10:00 INFO a{chr(code)}b\n10:01 INFO c\n".encode()
    for shown in preview(data, "logs/app/a.log").representations:
        if isinstance(shown, Lines):
            assert not any(
                ord(each) < 32 or 127 <= ord(each) < 160 for line in shown.lines for each in line
            ), repr(shown.lines)


def test_names_of_columns_and_cells_are_plain_data():
    data = json.dumps([{"<b>a</b>": '<img src="file:///etc/passwd">'}] * 2).encode()
    shown = preview(data, "<i>x</i>.json").representations[0]
    assert shown.columns == ("<b>a</b>",)
    assert shown.rows[0] == ('<img src="file:///etc/passwd">',)
