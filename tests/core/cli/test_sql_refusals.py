"""Statements, tables and folders that are refused: the thing, the cause and the remedy, and no file."""

import duckdb
import pytest

from core.errors import ErrorKind
from core.paths import cache_dir

INVALID, MISSING = ErrorKind.INVALID_INPUT.value, ErrorKind.NOT_FOUND.value
HOSTILE = [
    "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM sniff_csv('/etc/passwd')", "SELECT * FROM glob('/*')", "SELECT getenv('HOME')",
    "COPY (SELECT 1) TO '{0}/x.csv'", "ATTACH '{0}/x.db'", "EXPORT DATABASE '{0}/x'",
    "INSTALL httpfs", "LOAD httpfs", "PRAGMA database_list", "SET memory_limit = '99GB'",
    "CALL pragma_version()", "SELECT 1; SELECT 2", "SELECT 1; COPY (SELECT 1) TO '{0}/x.csv'",
    "FROM query('COPY (SELECT 1) TO ''{0}/x.csv''')", "SELECT", "SELECT prize FROM a",
    "WITH w AS (INSERT INTO a VALUES (1) RETURNING 1) SELECT * FROM w", "SELECT 1 FROM \"/etc/passwd\"",
    "SELECT " + "1 + " * 5_000, "SELECT '" + "x" * 200_000 + "' +",
    "SELECT * FROM read_parquet('s3://bucket/key.parquet')",
]  # fmt: skip


@pytest.fixture
def table(tmp_path):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "t.parquet"
    duckdb.execute(f"COPY (SELECT 1 AS price) TO '{path}'")
    return path


@pytest.mark.parametrize("sql", HOSTILE)
def test_a_statement_that_is_no_query_of_its_tables_is_refused(run, table, tmp_path, sql):
    out = tmp_path / "out"
    out.mkdir()
    printed = run(
        "sql", sql.format(out), "--table", f"a={table}", "-o", out / "result.csv", code=INVALID
    )
    lines = printed.err.strip().splitlines()
    assert lines[0].startswith("Error: ")
    # What, why, that nothing was run if that is not obvious, and what to do.
    assert len(lines) - ("Nothing was run." in lines) == 3
    assert "\\n" not in printed.err
    assert len(printed.err) < 1_500
    assert list(out.iterdir()) == []
    assert [each.name for each in table.parent.iterdir()] == ["t.parquet"]


@pytest.mark.parametrize("name", ["a[1].parquet", "b*.parquet", "c?.parquet", "it's.parquet"])
def test_a_file_is_not_a_pattern_of_names(run, table, name):
    path = table.with_name(name)
    table.rename(path)
    duckdb.execute(f"COPY (SELECT 2 AS price) TO '{path.with_name('b1.parquet')}'")
    printed = run("sql", "SELECT price FROM t", "--table", f"t={path}")
    assert printed.out.split() == ["1"]


def test_a_file_that_does_not_exist_is_named(run, tmp_path, table):
    for name in ("none.parquet", "*.parquet"):
        printed = run("sql", "SELECT 1", "--table", f"t={table.with_name(name)}", code=MISSING)
        assert f"{name} does not exist" in printed.err
        assert "the table t" in printed.err


def test_two_tables_of_one_name_are_refused(run, table):
    usage = ErrorKind.USAGE.value
    for second in (("--table", f"A={table}"), ("--folder", "a=x/")):
        printed = run("sql", "SELECT 1", "--table", f"a={table}", *second, code=usage)
        assert "Two tables have the name" in printed.err
    assert (
        "Two tables" in run("sql", "SELECT 1", "--folder", "x/", "--folder", "y/", code=usage).err
    )
    assert (
        "name KEYS"
        in run("sql", "SELECT 1", "--table", f"KEYS={table}", "--catalog", code=usage).err
    )


def test_a_folder_without_data_counts_its_other_objects(run, put):
    put("other/a.txt")
    put("hollow/", body=b"")
    printed = run("sql", "SELECT 1", "--folder", "other/", code=MISSING)
    assert "It has 1 object of other formats." in printed.err
    printed = run("sql", "SELECT 1", "--folder", "hollow/", code=MISSING)
    assert "hollow/ has no objects for a query" in printed.err


def test_damaged_parquet_and_names_with_quotes_and_breaks_are_named(run, put, table):
    put("f/cut.parquet", body=table.read_bytes()[:-9])
    put('f/it\'s "a"\nb.csv', body=b"x\n1\n2,3\n")
    printed = run("sql", "SELECT * FROM folder", "--folder", "f/", code=ErrorKind.CORRUPT.value)
    assert "f/cut.parquet: It is not a complete Parquet file" in printed.err
    assert "more or fewer fields" in printed.err
    assert printed.out.split("\t")[0].strip() == "1"


def test_a_result_that_cannot_be_written_leaves_nothing(run, table, tmp_path):
    local = ErrorKind.LOCAL_IO.value
    printed = run(
        "sql",
        "SELECT 1 AS n",
        "--table",
        f"t={table}",
        "-o",
        tmp_path / "none" / "o.csv",
        code=local,
    )
    assert "none" in printed.err
    printed = run(
        "sql", "SELECT error('no') FROM t", "--table", f"t={table}", "-o", tmp_path / "o.csv",
        code=INVALID,
    )  # fmt: skip
    assert not list(tmp_path.glob("*o.csv*"))
    folder = cache_dir() / "tables"
    assert not folder.exists() or list(folder.iterdir()) == []


def test_a_collection_without_a_timeframe_names_what_is_missing(run, tmp_path):
    printed = run(
        "collect", "ohlcv", "BTC-USD", "--from", "2024-01-01", "--to", "2024-01-02",
        "-o", tmp_path / "o.csv", code=INVALID,
    )  # fmt: skip
    assert "The timeframe is missing" in printed.err
    assert "1m" in printed.err
