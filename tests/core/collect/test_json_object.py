"""A large JSON object is read in parts, with the same rows and the same refusals as in one piece."""

import io
import json
import tracemalloc
from contextlib import contextmanager

import pytest
from helpers.json_values import TEXTS, VALUES
from hypothesis import example, given
from hypothesis import strategies as st

from core.collect import json_list, json_object
from core.collect.documents import EmptyLists, read_document
from core.collect.json_object import parts_of_object
from core.collect.rows import UnreadableError

ROWS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=3), max_size=4)


def rows_of(reads):
    """Return the rows in their order, and the number of those that were refused."""
    found = {}
    for read in reads:
        for block in read.blocks:
            for place, number in enumerate(block.rows):
                found[number] = {
                    name: column[place]
                    for name, column in zip(block.names, block.columns, strict=True)
                }
    return dict(sorted(found.items())), sum(read.refused for read in reads)


def parts(data, size=4 << 20):
    """Return the parts of a document that is read `size` bytes at a time, and its empty lists."""

    @contextmanager
    def opened():
        with io.BytesIO(data) as stream:
            yield stream

    empty = EmptyLists()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(json_object, "_BLOCK_BYTES", size)
        monkeypatch.setattr(json_list, "_PART_BYTES", size)
        return list(parts_of_object(opened, 3, empty, lambda: None)), empty


@given(
    st.dictionaries(TEXTS, VALUES | ROWS, max_size=4),
    st.sampled_from([None, 1]),
    st.booleans(),
    st.sampled_from([1, 2, 3, 7, 64]),
)
@example({"data": [{"é": 1, "b": 2}, {"a": 3}], "é": "x", "c": []}, None, True, 3)
@example({"data": [{"a": 1}, 2]}, None, False, 7)
@example({"a": [{"a": 1}], "b": [{"b": 1}]}, 1, False, 7)
def test_the_rows_are_those_of_the_complete_text(document, indent, escaped, size):
    data = b"\xef\xbb\xbf \n" + json.dumps(document, indent=indent, ensure_ascii=escaped).encode()
    known = EmptyLists()
    expected = read_document("JSON", data, 3, known)
    found, empty = parts(data + b" \n", size + 5)
    assert rows_of(found) == rows_of([expected])
    assert empty == known


WRONG = [
    b"{", b'{"a"', b'{"a":[', b'{"a":[{"b":1}]', b'{"a":[{"b":1}],}', b'{,"a":[{"b":1}]}',
    b'{"a":[{"b":1},]}', b'{"a":[{"b":1}]]', b'{"a":[{"b":1}]} 2', b'{"a":[{"b":1}],"a":2}',
    b'{"a" [{"b":1}]}', b'{a:[{"b":1}]}', b'{"a":1 [{"b":1}]}', b'{"a":[{"b":1}] 2}',
    b'{"a":[{"b":1}{"c":1},]}', b'{"a":[{"b":}]}', b'{"c":nul,"a":[{"b":1}]}', b'{"a":[{"b":1}}',
    b'{"a":[{"b":1,"b":2}]}', b"5", b'"text"', b"", b'{"a":[{"b":"\\"}]}',
]  # fmt: skip


@pytest.mark.parametrize("data", WRONG)
@pytest.mark.parametrize("size", [1, 4, 64])
def test_what_is_no_object_is_refused(data, size):
    with pytest.raises(UnreadableError):
        parts(data, size)


def test_a_list_of_any_size_needs_little_memory():
    rows = ",".join(f'{{"n": {n}, "text": "{n:0200}"}}' for n in range(100_000))
    data = f'{{"symbol": "BTC-USD", "count": 100000, "data": [{rows}], "end": null}}'.encode()
    assert len(data) > 20 << 20
    number = 0

    @contextmanager
    def opened():
        with io.BytesIO(data) as stream:
            yield stream

    tracemalloc.start()
    try:
        for part in parts_of_object(opened, 0, EmptyLists(), lambda: None):
            (block,) = part.blocks
            number += len(block.rows)
        assert tracemalloc.get_traced_memory()[1] < 48 << 20
    finally:
        tracemalloc.stop()
    assert number == 100_000
    assert block.names == ("symbol", "count", "end", "n", "text")


def test_one_row_of_too_many_bytes_or_members_is_refused_with_a_reason(monkeypatch):
    monkeypatch.setattr(json_object, "_MOST_ROW_BYTES", 40)
    with pytest.raises(UnreadableError, match="none of its members are lists of rows"):
        parts(b'{"a": "' + b"x" * 60 + b'"}')
    with pytest.raises(UnreadableError, match="2 of its members are lists of rows"):
        parts(b'{"a": [{"b": 1}], "c": [{"d": "' + b"x" * 60 + b'"}]}')
    with pytest.raises(UnreadableError, match="beside its list of rows have more than 40 B"):
        parts(b'{"a": [{"b": 1}], "c": "' + b"x" * 60 + b'"}')
    monkeypatch.setattr(json_object, "_MOST_MEMBERS", 3)
    with pytest.raises(UnreadableError, match="more than 3 members"):
        parts(b'{"a": 1, "b": 2, "c": 3, "d": 4}')
