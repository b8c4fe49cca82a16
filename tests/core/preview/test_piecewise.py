"""What is read in pieces is the same as what is read at once."""

from __future__ import annotations

import csv
import io
import random

import pytest

from core.preview import Lines, Preview, ProblemKind, Table, preview
from core.preview.packed_texts import PackedTexts
from core.preview.piecewise import distinct

#: Around the size of the pieces in which bytes are decoded.
_PIECE = 512 * 1024


def _lines(seen: Preview) -> tuple[str, ...]:
    lines = next(each for each in seen.representations if isinstance(each, Lines))
    return lines.lines


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("letter", ["é", "€", "😀"])
def test_a_letter_may_lie_across_two_pieces(before: int, letter: str) -> None:
    text = ("a" * 4_095 + "\n") * (_PIECE // 4_096 - 1) + "b" * (4_096 - before) + letter + "end"
    seen = preview(text.encode(), "notes.txt", total=len(text.encode()))
    assert _lines(seen) == tuple(text.split("\n"))
    assert not seen.problems


@pytest.mark.parametrize("place", [10, _PIECE - 1, _PIECE, 2 * _PIECE + 7])
def test_the_place_of_an_invalid_byte_counts_from_the_beginning(place: int) -> None:
    data = bytearray((b"a" * 99 + b"\n") * (3 * _PIECE // 100))
    data[place] = 0xFF
    seen = preview(bytes(data), "notes.txt", total=len(data))
    (problem,) = [each for each in seen.problems if each.kind is ProblemKind.ENCODING]
    assert f"byte {place:,} (line {data.count(10, 0, place) + 1:,})" in problem.text


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_of_a_long_csv_are_those_of_python(end: str) -> None:
    chance = random.Random(1)
    rows = [["id", "name", "note"]] + [
        [str(at), "x" * chance.randrange(60), f"a\nb{at}" if end != "\r" and at % 50 == 0 else "c"]
        for at in range(9_000)
    ]
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator=end).writerows(rows)
    data = out.getvalue().encode()
    assert len(data) > 4 * 64 * 1024
    table = preview(data, "rows.csv", total=len(data)).representations[0]
    assert isinstance(table, Table)
    assert [table.columns, *table.rows] == [tuple(row) for row in rows]


@pytest.mark.parametrize("count", [0, 1, 2_048, 2_049, 5_000])
def test_distinct_results_have_the_order_of_the_first_ones(count: int) -> None:
    values = [at % 3_000 * "a" for at in range(count)]
    assert list(distinct(len, values)) == list(dict.fromkeys(map(len, values)))


def test_written_values_are_packed_at_once_unless_they_are_unusual() -> None:
    values = ["1.50", 2, 10**30, "é"]
    packed = PackedTexts.of_written(values)
    assert packed is not None
    assert list(packed) == [str(value) for value in values]
    assert PackedTexts.of_written(["1\n", 2]) is None
    assert PackedTexts.of_written([1, None]) is None
    assert PackedTexts.of_written([]) is None
