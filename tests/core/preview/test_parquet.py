"""Parquet files are tables of exact values, read from their ends without the middle."""

from __future__ import annotations

import base64
import random
import zlib

import duckdb
import pytest

from core.preview import HEAD_BYTES, HexDump, ProblemKind, Table, preview


def made(tmp_path, select, options=""):
    path = tmp_path / "made.parquet"
    duckdb.connect().execute(f"COPY ({select}) TO '{path}' (FORMAT parquet {options})")
    return path.read_bytes()


ROWS = """
    SELECT i AS id, (i * 1.1)::DECIMAL(38, 18) AS price, 0.1 + i AS ratio, 'name' || i AS name,
        TIMESTAMP '2024-01-01' + INTERVAL (i) SECOND AS moment,
        CASE WHEN i % 2 = 0 THEN NULL ELSE i END AS odd, [i, i + 1] AS pair
    FROM range(3000) t(i)
"""


@pytest.fixture
def data(tmp_path):
    return made(tmp_path, ROWS, ", ROW_GROUP_SIZE 2048")


def test_rows_types_and_empty_values(data):
    found = preview(data, "x/a.parquet")
    table, columns, dump = found.representations
    assert found.count == "3,000 rows"
    assert not found.problems
    assert table.columns == ("id", "price", "ratio", "name", "moment", "odd", "pair")
    assert table.types[:2] == ("bigint", "decimal(38,18)")
    assert table.numeric == (True, True, True, False, False, True, False)
    assert table.rows[1] == (
        "1", "1.100000000000000000", "1.1", "name1", "2024-01-01 00:00:01", "1", "[1, 2]",
    )  # fmt: skip
    assert table.rows[0][5] == ""
    assert len(table.rows) == 3000
    assert columns.label == "Columns"
    assert columns.rows[0][:2] == ("id", "bigint")
    assert all(row[3].endswith("B") and row[4] for row in columns.rows)
    assert isinstance(dump, HexDump)


def test_of_a_large_file_only_the_ends_are_fetched(tmp_path):
    data = made(tmp_path, "SELECT i, random() AS x, random() AS y FROM range(1000000) t(i)")
    assert len(data) > HEAD_BYTES
    fetched = []

    def fetch(start, length):
        fetched.append((start, length))
        return data[start : start + length]

    found = preview(data[:HEAD_BYTES], "a.parquet", total=len(data), fetch=fetch)
    table = found.representations[0]
    assert found.count == "1,000,000 rows"
    assert table.rows[1][0] == "1"
    assert table.more
    assert sum(length for _, length in fetched) < 100_000
    assert fetched[0] == (len(data) - 8, 8)


def test_a_first_row_group_beyond_the_beginning_is_fetched(data):
    found = preview(data[:1000], "a.parquet", total=len(data), fetch=lambda a, n: data[a : a + n])
    assert len(found.representations[0].rows) == 2048
    assert "only the first 2,048 of 3,000 rows are shown" in found.problem_texts


def test_without_the_end_the_bytes_are_shown(data):
    found = preview(data[:1000], "a.parquet", total=len(data))
    assert isinstance(found.representations[0], HexDump)
    assert "the end of this Parquet file was not read" in found.problem_texts


def test_wide_files_and_long_cells_are_cut(tmp_path):
    columns = ", ".join(f"{n} AS c{n}" for n in range(300))
    found = preview(made(tmp_path, f"SELECT {columns}, repeat('x', 100000) AS c300"), "a.parquet")
    assert len(found.representations[0].columns) == 256
    assert "only 256 of 301 columns are shown" in found.problem_texts
    long = preview(made(tmp_path, "SELECT repeat('x', 100000) AS c"), "a.parquet")
    assert len(long.representations[0].rows[0][0]) == 2001


def test_a_compression_bomb_shows_its_columns_only(tmp_path):
    data = made(
        tmp_path, "SELECT repeat('x', 1000000) || i AS c FROM range(100) t(i)", ", COMPRESSION zstd"
    )
    assert len(data) < 1024 * 1024
    found = preview(data, "a.parquet")
    assert found.representations[0].label == "Columns"
    assert "only the first 0 of 100 rows are shown" in found.problem_texts


def test_a_file_of_names_that_are_sql_is_only_read(tmp_path):
    found = preview(made(tmp_path, """SELECT 1 AS "a"" FROM x; DROP TABLE y --" """), "a.parquet")
    assert found.representations[0].columns == ('a" FROM x; DROP TABLE y --',)


@pytest.mark.parametrize("seed", range(12))
def test_damaged_files_are_shown_or_named(data, seed):
    chance, damaged = random.Random(seed), bytearray(data)
    footer = int.from_bytes(data[-8:-4], "little")
    start = (len(data) - 8 - footer) if seed % 2 else 4
    for _ in range(chance.choice((1, 8, 64))):
        damaged[chance.randrange(start, len(data) - 8)] = chance.randrange(256)
    found = preview(bytes(damaged), "a.parquet")
    first = found.representations[0]
    assert isinstance(first, Table) or found.counts[ProblemKind.BROKEN]
    assert "strongroom" not in found.problem_texts


#: A file of pyarrow with a decimal of 41 digits, and a time in nanoseconds as INT96.
_ROUNDED = (
    "eNoLcAwyFGUQVRFV0RFlAjLYRNlkGBgYmECYUZR30ru9CgwMS7tUGYByBqIGWBQxKCwX0hT8qnHl+yZdscLjMoWnRVkkbUwZ"
    "JNiKkzNScxNFWYAaVJkkGEsYRPmAFgFZKapcQHOCdGJAJNAQMSZJGUkdNQYZUTZJVTYGSaBaUaCgmJeYlxqHp4woyHImBhtN"
    "Nkk1sKUglXxQlSlglWFiYWpBWFSKLWAUY1LjAFIMGgoFiUWFpakluskFBbqJRUX55QplqUXFmfl5CkZmegZ6hpI6QF+BPHYQ"
    "iAOAAQMA4motgA=="
)


def test_digits_that_no_type_of_duckdb_holds_are_reported():
    found = preview(zlib.decompress(base64.b64decode(_ROUNDED)), "a.parquet")
    assert found.representations[0].rows == [
        ("2024-01-15 10:00:00.123456", "1.111111111111111e+39"),
    ]
    assert [(each.kind, each.text) for each in found.problems] == [
        (ProblemKind.LIMIT, "decimals of d have more than 38 digits: shown rounded"),
        (ProblemKind.NOTE, "times of t are shown to the microsecond: further digits are omitted"),
    ]
