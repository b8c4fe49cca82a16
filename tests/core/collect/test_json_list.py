"""A JSON list is read in parts, with the same rows and the same refusals as in one piece."""

import io
import json
import tracemalloc

import pytest
from helpers.json_values import VALUES
from hypothesis import given
from hypothesis import strategies as st

from core.collect import json_list
from core.collect.json_list import begins_with_list, parts_of_list
from core.collect.rows import UnreadableError, blocks_of_records, parsed_json


def rows_of(blocks):
    """Return the rows by their numbers."""
    found = {}
    for block in blocks:
        for place, number in enumerate(block.rows):
            found[number] = {
                name: column[place] for name, column in zip(block.names, block.columns, strict=True)
            }
    return found


def read(data, monkeypatch, size):
    monkeypatch.setattr(json_list, "_PART_BYTES", size)
    monkeypatch.setattr(json_list, "MIB", size)
    rows, refused = {}, 0
    for part in parts_of_list(io.BytesIO(data)):
        rows |= rows_of(part.blocks)
        refused += part.refused
    return rows, refused


@given(
    st.lists(VALUES, max_size=8),
    st.sampled_from([None, 1]),
    st.booleans(),
    st.sampled_from([1, 2, 3, 7, 64]),
)
def test_the_rows_are_those_of_the_complete_text(values, indent, escaped, size):
    data = json.dumps(values, indent=indent, ensure_ascii=escaped).encode()
    complete = blocks_of_records(parsed_json(data))
    with pytest.MonkeyPatch.context() as monkeypatch:
        found = read(b"\n " + data + b" \n", monkeypatch, size)
    assert found == (rows_of(complete.blocks), complete.refused)


NO_LISTS = [
    b"[", b"[1", b"[1,", b"[,]", b"[1,]", b"[1,,2]", b"[,1]", b"[1}", b"[1]]", b"[1] 2", b"[{]}",
    b'["a]', b'["\\"]', b"[1 2]", b"[nul]", b'[{"a":1,"a":2}]', b"[[1,2]", b"[{},{]", b'[{"a"}]',
    b"[1],[2]", b"[\x00]", b"[1\\]",
]  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize("data", NO_LISTS)
def test_what_is_not_a_list_in_json_is_refused(data, size, monkeypatch):
    with pytest.raises(UnreadableError):
        parsed_json(data)
    with pytest.raises(UnreadableError):
        read(data, monkeypatch, size)


@given(st.binary(max_size=12), st.sampled_from([1, 3, 64]))
def test_bytes_are_accepted_only_if_the_parser_accepts_them(data, size):
    data = b"[" + data
    try:
        parsed_json(data)
        valid = True
    except UnreadableError:
        valid = False
    with pytest.MonkeyPatch.context() as monkeypatch:
        try:
            read(data, monkeypatch, size)
        except UnreadableError:
            assert not valid
        else:
            assert valid


def test_the_beginning_shows_a_list():
    assert begins_with_list(io.BytesIO(b"\xef\xbb\xbf \n[1]"))
    assert not begins_with_list(io.BytesIO(b' {"a": [1]}'))
    assert not begins_with_list(io.BytesIO(b"   "))


def test_an_element_that_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr(json_list, "_LONGEST_ELEMENT", 10)
    with pytest.raises(UnreadableError, match="more than 10 B"):
        read(b'[{"a": "' + b"x" * 99 + b'"}]', monkeypatch, 4)


class Rows(io.RawIOBase):
    """A list of many rows, none of which is in memory before it is read."""

    def __init__(self, count):
        self._left, self._count = count, count

    def readable(self):
        return True

    def readinto(self, target):
        if self._left < 0:
            return 0
        row = b'{"id":%09d,"price":1.10}' % (100_000_000 + self._left)
        text = b"[" + row if self._left == self._count else b"," + row if self._left else b"]"
        self._left -= 1
        target[: len(text)] = text
        return len(text)


def test_the_memory_does_not_grow_with_the_list(monkeypatch):
    monkeypatch.setattr(json_list, "_PART_BYTES", 100_000)
    monkeypatch.setattr(json_list, "MIB", 100_000)
    peaks = []
    for count in (20_000, 100_000):
        tracemalloc.start()
        rows = sum(
            len(block.rows)
            for part in parts_of_list(io.BufferedReader(Rows(count)))
            for block in part.blocks
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert rows == count
    assert peaks[1] < 1.3 * peaks[0]
