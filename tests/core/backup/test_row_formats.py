"""Rows of CSV parts are counted however the chunks are cut, and incomplete parts are refused."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.backup.row_formats import rows_of
from core.errors import Corrupt
from core.model.backup import Part

PART = Part(0, 0, 0, 0, "")
_VALUES = st.lists(st.lists(st.text('ab,"\n\\ é', max_size=6), min_size=2, max_size=3), max_size=6)


@given(_VALUES, st.integers(1, 7))
def test_csv_rows_are_counted_in_chunks_of_any_size(rows: list[list[str]], size: int) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows(rows)
    data = text.getvalue().encode()
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    found = list(rows_of(chunks, PART, "csv"))
    assert sum(count for count, _ in found) == len(rows)
    assert b"".join(piece for _, piece in found) == data


@pytest.mark.parametrize("data", [b"a,b", b'"a\n', b'a,"b\n\n', b'1,2\n"'])
def test_an_incomplete_csv_part_is_refused(data: bytes) -> None:
    with pytest.raises(Corrupt, match="does not match"):
        list(rows_of([data], PART, "csv"))
