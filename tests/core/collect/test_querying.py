"""SQL reads the tables that it was given, exactly, and nothing else."""

import csv
from pathlib import Path

import duckdb
import pytest

from core.collect.querying import export_table, read_page, run_query
from core.collect.tables import name_of, new_table, path_of
from core.errors import InvalidInput, NotFound
from core.paths import cache_dir


@pytest.fixture
def table(collected):
    """A table of the window with three candles."""
    for minute in range(3):
        moment = f"2024-01-15T10:0{minute}:00Z"
        collected.candles("BTC-USD", moment, [(moment, f"1.{minute}0")])
    report, _ = collected.collect(ending="parquet", path="")
    return name_of(report.path)


def test_a_query_of_a_collected_table_is_a_table(collected, table):
    report = run_query(
        collected, sql="SELECT sum(open) AS total, count(*) AS n, 1::HUGEINT n FROM data -- all", tables={"data": table},
    )  # fmt: skip
    assert report.columns == ("total", "n", "n_2")
    page = read_page(collected, table=report.table)
    assert page.rows == (("3.30", 3, "1"),)


_LARGE = 10**38 + 7


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl", "parquet", ""])
def test_integers_of_39_digits_are_written_exactly(collected, tmp_path, ending):
    sql = (
        f"SELECT {_LARGE}::HUGEINT AS a, {3 * 10**38}::UHUGEINT AS a, 5::HUGEINT AS c, "
        f"[{10**37 + 1}::HUGEINT] AS d"
    )
    if ending:
        path = str(tmp_path / f"a.{ending}")
        report = run_query(collected, sql=sql, path=path)
        text = (
            str(duckdb.execute(f"FROM '{path}'").fetchall())
            if ending == "parquet"
            else Path(path).read_text()
        )
    else:
        report = run_query(collected, sql=sql)
        text = str(read_page(collected, table=report.table).rows)
    assert all(digits in text for digits in (str(_LARGE), str(3 * 10**38), "1" + "0" * 36 + "1"))
    binary = ending in {"parquet", ""}
    assert len(report.notes) == (2 if binary else 0)
    assert report.types[2] == ("DECIMAL(38,0)" if binary else "HUGEINT")


def test_an_overflow_of_a_sum_is_named(collected):
    sql = f"SELECT sum(x) FROM (VALUES ({9 * 10**37}::HUGEINT), ({9 * 10**37}::HUGEINT)) AS t(x)"
    with pytest.raises(InvalidInput, match="too large") as raised:
        run_query(collected, sql=sql)
    assert "AS DOUBLE" in raised.value.remedy


def test_a_page_is_sorted_and_begins_where_it_was_requested(collected, table):
    page = read_page(collected, table=table, start=1, count=1, order_by="open", descending=True)
    assert page.columns[3] == "open"
    assert [row[3] for row in page.rows] == ["1.10"]
    assert page.rows[0][2] == "2024-01-15 10:01:00+00"


def test_a_table_is_exported_in_another_format(collected, table, tmp_path):
    report = export_table(collected, table=table, path=str(tmp_path / "out.csv"))
    with Path(report.path).open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["timestamp"], row["open"]) for row in rows[:1]] == [
        ("2024-01-15T10:00:00Z", "1.00")
    ]


def test_files_of_this_computer_are_tables(collected, tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    report = run_query(collected, sql="SELECT y FROM a", files={"a": str(tmp_path / "a.csv")})
    assert read_page(collected, table=report.table).rows == ((2,),)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM glob('/*')",
        "SELECT * FROM '/etc/hostname'",
        "SELECT * FROM read_parquet('http://127.0.0.1:1/x.parquet')",
        "COPY (SELECT 1) TO '/tmp/x.csv'",
        "ATTACH '/tmp/x.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SELECT 1; SELECT 2",
        "SELECT 1) TO '/tmp/x.csv' (FORMAT csv); --",
        "",
        "SELEC 1",
    ],
)
def test_a_query_can_neither_read_nor_write_anything_else(collected, table, sql):
    with pytest.raises(InvalidInput):
        run_query(collected, sql=sql, tables={"data": table})
    assert len(list((cache_dir() / "tables").iterdir())) == 1


def test_a_removed_table_is_named_as_such(collected, table):
    path_of(table).unlink()
    with pytest.raises(NotFound, match="not on this computer"):
        read_page(collected, table=table)


@pytest.mark.parametrize("name", ["", "../x", "a" * 31, "/etc/passwd"])
def test_a_table_is_a_name_and_not_a_path(name):
    with pytest.raises(InvalidInput):
        path_of(name)


def test_the_oldest_tables_are_removed(monkeypatch):
    monkeypatch.setattr("core.collect.tables._MOST", 3)
    for _ in range(6):
        new_table().write_bytes(b"x")
    assert len(list((cache_dir() / "tables").iterdir())) == 3
