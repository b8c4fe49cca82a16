"""Values are those of the complete file, whatever places of its parts the footer states."""

from dataclasses import replace
from functools import cache

import duckdb
import pytest

from core.collect import parquet_chunks
from core.collect.folder_query import query_folders
from core.collect.parquet_chunks import Part, Span, footer_length
from core.collect.querying import read_page

ROWS = 60_000
_SELECT = f"""
    SELECT -(i + 1) / 7.0::DOUBLE AS a, hash(i) AS noise, i * 3 AS b, hash(i + 1) AS more,
    i::DOUBLE / 4 AS c FROM range({ROWS}) t(i)
"""


@pytest.fixture
def path(tmp_path, monkeypatch):
    # Less is skipped in this small file than in real ones.
    monkeypatch.setattr(parquet_chunks, "_GAP_BYTES", 4096)
    return tmp_path / "made.parquet"


def signed(number):
    """Return a positive integer as a footer has it: twice the number, seven bits in each byte."""
    number, found = number * 2, bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes(found) + bytes([number])


def write(path, group_rows, *, more_bytes=0, dictionary=b""):
    """Write a file whose footer states other sizes, and a dictionary before the statistics."""
    duckdb.execute(
        f"COPY ({_SELECT}) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE {group_rows}, "
        "COMPRESSION uncompressed, PARQUET_VERSION v1)"
    )
    places = duckdb.execute(
        f"SELECT total_compressed_size, data_page_offset FROM parquet_metadata('{path}')"
    ).fetchall()
    data = path.read_bytes()
    length = footer_length(data)
    footer = data[-length : -parquet_chunks.END_BYTES]
    for size, place in places:
        # The fields 7 and 9, and the beginning of 12, each with the distance from the field before.
        stated = b"\x16" + signed(size) + b"\x26" + signed(place) + b"\x3c"
        assert footer.count(stated) == 1
        following = dictionary + b"\x1c" if dictionary else b"\x3c"
        other = b"\x16" + signed(size + more_bytes) + b"\x26" + signed(place) + following
        footer = footer.replace(stated, other)
    path.write_bytes(data[:-length] + footer + len(footer).to_bytes(4, "little") + b"PAR1")


def query(collected, path, sql):
    """Return the bytes that were received, and the rows, of a statement and of the complete file."""
    collected.put("f/a.parquet", path.read_bytes())
    done = query_folders(collected, sql=sql, folders={"folder": "f/"}, cache=False)
    rows = read_page(collected, table=done.result.table, count=10).rows
    expected = duckdb.execute(sql.replace("folder", f"'{path}'")).fetchall()
    return done.folders["folder"].received, rows, tuple(expected)


@pytest.mark.parametrize("group_rows", [20_480, 61_440])
@pytest.mark.parametrize("footer", [{"more_bytes": -14}, {"dictionary": b"\x26\x00"}])
@pytest.mark.parametrize("sql", [
    "SELECT sum(a), max(a), min(a) FROM folder", "SELECT sum(b)::BIGINT::DOUBLE FROM folder",
    f"SELECT count(*)::INTEGER FROM folder WHERE b = {3 * ROWS - 3}",
    "SELECT sum(c), max(c) FROM folder", "SELECT max(a), max(c) FROM folder WHERE b > 100",
])  # fmt: skip
def test_values_are_right_and_few_bytes_are_read(collected, path, group_rows, footer, sql):
    write(path, group_rows, **footer)
    received, rows, expected = query(collected, path, sql)
    assert rows == expected
    assert received is not None
    assert received < 0.7 * path.stat().st_size


def test_a_file_with_parts_that_overlap_is_read_completely(collected, path):
    write(path, 20_480)
    sql = "SELECT sum(a), max(a) FROM folder"
    assert query(collected, path, sql)[0] is not None
    write(path, 20_480, more_bytes=14)
    received, rows, expected = query(collected, path, sql)
    assert (received, rows) == (None, expected)


@cache
def parts():
    """Return parts of 100 bytes each, with a gap before the third one, before a footer at 400."""
    spans = [Span(4, 104), Span(104, 204), Span(250, 350)]
    return tuple(Part(0, str(place), span, None, None, None) for place, span in enumerate(spans))


def test_parts_end_where_the_next_ones_begin():
    found = [part.span for part in parquet_chunks._extended(parts(), 400)]
    assert found == [(4, 104), (104, 250), (250, 400)]


@pytest.mark.parametrize("span", [(0, 4), (3, 100), (4, 105), (4, 3), (300, 401), (500, 600)])
def test_places_that_contradict_each_other_need_all_bytes(span):
    wrong = (replace(parts()[0], span=Span(*span)), *parts()[1:])
    assert {part.span for part in parquet_chunks._extended(wrong, 400)} == {(4, 400)}
