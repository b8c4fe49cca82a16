"""Of large Parquet objects a statement reads the parts of the columns that it needs, and no more."""

from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from helpers.folders import load_folder

from core.collect import parquet_chunks, ranged_folder
from core.collect.folder_query import plan_query, query_folders
from core.collect.parquet_chunks import Span
from core.collect.querying import read_page, run_query
from core.collect.tables import path_of
from core.errors import AccessDenied, InvalidInput

ROWS = 60_000
_SELECT = """
    SELECT {first} + i AS id, hash(i) AS noise, hash(i + 1) AS more, 'sym' || (i % 5) AS symbol,
    TIMESTAMP '2024-0{month}-01' + to_seconds(i) AS ts, {{'a': i, 'b': hash(i + 2)}} AS pair,
    (i % 100) / 4 AS price, i AS "we, ird.x" FROM range({rows}) t(i)
"""


@cache
def made(month, rows=ROWS, more=""):
    """Return a file of row groups with 10,240 rows each; `noise`, `more` and `pair` are large."""
    sql = _SELECT.format(first=month * ROWS, month=month, rows=rows)
    with TemporaryDirectory() as folder:
        path = Path(folder, "made.parquet")
        duckdb.execute(
            f"COPY (SELECT *{more} FROM ({sql})) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 10240)"
        )
        return path.read_bytes()


@pytest.fixture
def folder(collected, monkeypatch):
    # Less is skipped in these small files than in real ones.
    monkeypatch.setattr(parquet_chunks, "_GAP_BYTES", 4096)
    collected.put("f/a.parquet", made(1))
    collected.put("f/b.parquet", made(2, more=", 1 AS extra"))
    collected.put("f/small.parquet", made(3, rows=10))
    return collected


def query(collected, sql, folders=None, **more):
    """Run a statement, and return the report of the folder and the rows."""
    done = query_folders(collected, sql=sql, folders=folders or {"folder": "f/"}, **more)
    rows = read_page(collected, table=done.result.table, count=10_000).rows
    Path(done.result.path).unlink()
    return next(iter(done.folders.values()), None), rows


@contextmanager
def received(collected):
    """Yield a list of the lengths of the answers to GetObject of the client."""
    lengths = []

    def note(parsed, **_more):
        lengths.append(parsed.get("ContentLength", 0))

    events = collected.bucket.client.meta.events
    events.register("after-call.s3.GetObject", note)
    try:
        yield lengths
    finally:
        events.unregister("after-call.s3.GetObject", note)


STATEMENTS = [
    ("SELECT count(*) FROM folder", 0.07),
    ("SELECT min(id), max(id), sum(price) FROM folder", 0.25),
    ("SELECT symbol, count(*) FROM folder GROUP BY 1 ORDER BY 1", 0.1),
    ("SELECT count(noise) FROM folder", 0.07),
    ("SELECT sum(price) FROM folder WHERE ts >= '2024-02-01' AND ts < '2024-02-01 01:00:00'", 0.2),
    ("SELECT * FROM folder WHERE id = 125000", 0.25),
    ("SELECT * FROM folder WHERE symbol = 'none'", 0.07),
    ("SELECT * FROM folder WHERE ts < '1999-01-01'", 0.07),
    ("SELECT object_key, count(*) FROM folder GROUP BY 1 ORDER BY 1", 0.07),
    ("SELECT sum(\"we, ird.x\") FROM folder WHERE object_key LIKE '%/b.parquet'", 0.2),
    ("SELECT sum(PAIR.A) FROM folder WHERE Price IN (0.25, 3)", 0.6),
    ("SELECT max(extra), count(extra) FROM folder", 0.07),
    ("SELECT id, symbol FROM folder WHERE symbol = 'sym1' ORDER BY ts DESC LIMIT 3", 0.4),
    ("SELECT count(*) FROM folder a JOIN folder b USING (id) WHERE a.price > 24 AND b.price < 1", 0.3),
    ("WITH w AS (SELECT * FROM folder) SELECT sum(id) FROM w WHERE price = (SELECT max(price) FROM w)", 0.3),
    ("SELECT * EXCLUDE (noise, more, pair) FROM folder WHERE id < 60005 ORDER BY id", 0.25),
    ("SELECT * FROM folder LIMIT 1000", 0.25),
    ("SELECT * FROM folder LIMIT 30000 OFFSET 20", 0.45),
    ("SELECT id, noise FROM folder WHERE object_key LIKE '%/b.parquet' LIMIT 10240", 0.2),
    ("SELECT count(DISTINCT noise) FROM folder WHERE object_key LIKE '%/b.parquet'", 0.3),
    ("(SELECT more FROM folder LIMIT 1) UNION ALL (SELECT id FROM folder LIMIT 2)", 0.15),
    ("SELECT count(*) FROM folder WHERE NOT (id < 100000 OR price > 3) AND symbol <> 'sym1'", 0.3),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "share"), STATEMENTS)
def test_a_statement_reads_its_columns_and_returns_what_all_bytes_give(folder, sql, share):
    loaded = load_folder(folder, folder="f/", cache=False)
    found = run_query(folder, sql=sql, tables={"folder": loaded.table})
    expected = read_page(folder, table=found.table, count=10_000).rows
    with received(folder) as lengths:
        report, rows = query(folder, sql, cache=False)
    assert rows == expected
    assert report.received is not None
    assert report.rows == loaded.rows == 2 * ROWS + 10
    small = folder.bucket.client.head_object(Bucket=folder.bucket.name, Key="f/small.parquet")
    assert sum(lengths) <= report.received <= sum(lengths) + small["ContentLength"]
    assert report.received < share * loaded.plan.size
    assert report.gets >= len(lengths) >= 2


def test_what_was_read_needs_no_second_request(folder):
    sql = "SELECT sum(price) FROM folder"
    first, rows = query(folder, sql)
    again, same = query(folder, sql)
    assert (first.gets >= 3, again.gets, same) == (True, 0, rows)
    other, _ = query(folder, "SELECT max(symbol) FROM folder WHERE symbol > 'sym3'")
    assert 0 < other.gets < first.gets  # the footers are known


@pytest.mark.parametrize(
    "sql", ["SELECT * FROM folder", "SELECT count(columns(*)) FROM folder WHERE price + 1 > 0",
            "SELECT folder FROM folder", "FROM folder"]
)  # fmt: skip
def test_a_statement_that_needs_most_bytes_reads_verified_objects(folder, sql):
    report, rows = query(folder, f"SELECT count(*), count(result) FROM ({sql}) AS result")
    assert rows[0][0] > 0
    report, rows = query(folder, f"SELECT * FROM ({sql}) LIMIT 3")
    assert report.problems == ()


def test_parts_that_are_missing_by_a_mistake_are_read_completely(folder, monkeypatch):
    sql = "SELECT symbol, sum(id), sum(price) FROM folder GROUP BY 1 ORDER BY 1"
    _, expected = query(folder, sql, cache=False)
    monkeypatch.setattr(ranged_folder, "needed_spans", lambda *_: {})
    report, rows = query(folder, sql, cache=False)
    assert (report.received, rows) == (None, expected)


@pytest.mark.parametrize("column", ["id", "noise", "symbol", "ts", "pair", "price", "object_key"])
def test_no_column_can_be_read_of_a_file_without_it(folder, column, monkeypatch):
    """A part of zeros is never data: each statement that reads one fails."""
    monkeypatch.setattr(ranged_folder, "needed_spans", lambda *_: {})
    refused = []

    def refuse(*_arguments, **_more):
        refused.append(column)
        raise InvalidInput("complete objects are wanted")

    monkeypatch.setattr("core.collect.folder_query.load_objects", refuse)
    for sql in ("SELECT {0} FROM folder", "SELECT count(DISTINCT {0}) FROM folder",
                "SELECT 1 FROM folder WHERE hash({0}) = 3"):  # fmt: skip
        if column == "object_key":
            query(folder, sql.format(column), cache=False)
            assert not refused
        else:
            with pytest.raises(InvalidInput, match="complete objects"):
                query(folder, sql.format(column), cache=False)


def test_a_wrong_statement_is_refused_before_any_column_is_read(folder):
    with received(folder) as lengths, pytest.raises(InvalidInput) as error:
        query(folder, "SELECT prize FROM folder", cache=False)
    assert "prize" in error.value.cause
    assert "price" in error.value.cause
    assert sum(lengths) < 150_000  # the footers


def test_an_error_of_the_data_does_not_read_complete_objects(folder):
    with received(folder) as lengths, pytest.raises(InvalidInput) as error:
        query(folder, "SELECT symbol::INTEGER FROM folder", cache=False)
    assert "sym0" in error.value.cause
    assert sum(lengths) < 500_000


@pytest.mark.parametrize("sql", [
    "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'", "SELECT * FROM glob('/etc/*')",
    "SELECT (SELECT content FROM read_text('/etc/hostname')), count(*) FROM folder",
    "SELECT * FROM read_parquet('https://example.com/x.parquet')",
])  # fmt: skip
def test_no_other_file_can_be_read(folder, sql):
    with pytest.raises(InvalidInput) as error:
        query(folder, sql)
    # Without a function, a name is one of a table.
    assert "only read the rows" in error.value.summary or "does not exist" in error.value.cause


def test_damaged_objects_are_reported_as_before(folder):
    data = bytearray(made(3))
    data[5:400_000] = b"\xff" * 399_995
    folder.put("f/c.parquet", bytes(data))
    report, rows = query(folder, "SELECT count(*), sum(id) > 0 FROM folder")
    assert [each.key for each in report.problems] == ["f/c.parquet"]
    assert rows == ((2 * ROWS + 10, True),)
    folder.put("f/c.parquet", bytes(data[:-9]))
    report, rows = query(folder, "SELECT count(*) FROM folder WHERE id > 0")
    assert [each.key for each in report.problems] == ["f/c.parquet"]


def test_an_object_that_changes_after_its_footer_was_read_is_read_again(folder, monkeypatch):
    attach = ranged_folder.RangedFolder.attach

    def changing(self, connection, name):
        folder.put("f/a.parquet", made(4, more=", 2 AS extra"))
        return attach(self, connection, name)

    monkeypatch.setattr(ranged_folder.RangedFolder, "attach", changing)
    report, rows = query(folder, "SELECT max(id) FROM folder", cache=False)
    assert rows == ((5 * ROWS - 1,),)
    assert "changed after the keys were listed" in report.notes[0]


def test_a_folder_with_other_formats_and_two_folders_are_one_statement(folder):
    folder.put("g/x.csv", b"symbol,rank\nsym1,1\nsym2,2\n")
    folder.put("h/x.csv", b"id\n1\n")
    sql = "SELECT rank, sum(price) FROM big JOIN g USING (symbol) GROUP BY 1 ORDER BY 1"
    report, rows = query(folder, sql, {"big": "f/", "g": "g/"})
    assert report.received is not None
    assert [row[0] for row in rows] == [1, 2]
    sql = "SELECT count(*) FROM a JOIN b USING (id) JOIN c USING (id) WHERE a.price = 1"
    report, rows = query(folder, sql, {"a": "f/", "b": "f/", "c": "h/"})
    assert rows == ((0,),)


def test_a_denied_object_is_reported_as_missing(folder, monkeypatch):
    def denied(*_arguments, **_more):
        raise AccessDenied("no")

    monkeypatch.setattr(ranged_folder, "read", denied)
    report, rows = query(folder, "SELECT count(*) FROM folder", cache=False)
    assert rows == ((2 * ROWS + 10,),)
    assert report.received is None


def test_no_byte_between_the_parts_of_a_file_is_omitted(tmp_path):
    """Some writers state sizes that are too small, and a dictionary at 0."""
    path = tmp_path / "made.parquet"
    path.write_bytes(made(1))
    with duckdb.connect() as connection:
        parts = parquet_chunks.read_footers(connection, [path])[str(path)].parts
    short = [replace(part, span=Span(part.span.start, part.span.end - 14)) for part in parts]
    end = path.stat().st_size - parquet_chunks.footer_length(path.read_bytes())
    for found in (parts, parquet_chunks._extended(short, end)):
        spans = sorted(part.span for part in found)
        assert spans[0].start == 4
        assert spans[-1].end == end
        assert all(span.end >= following.start for span, following in pairwise(spans))


@pytest.mark.parametrize("sql", [
    "SELECT max(id) FROM folder", "SELECT * FROM folder LIMIT 5", "SELECT noise FROM folder",
])  # fmt: skip
def test_a_plan_has_the_bytes_and_requests_that_the_statement_needs(folder, sql):
    with received(folder) as lengths:
        plan = plan_query(folder, sql=sql, folders={"folder": "f/"}, cache=False)["folder"]
        footers = sum(lengths)
        report, _ = query(folder, sql, cache=False)
    assert footers < 150_000
    assert (plan.size, plan.footers + plan.gets) == (report.received, report.gets)
    assert plan.size < plan.folder.size == report.plan.size
    assert plan.cost == pytest.approx((plan.gets + plan.footers) * 0.0004e-3 + 0.005e-3, rel=0.3)


def test_a_plan_knows_the_cache_and_complete_reading(folder):
    query(folder, "SELECT max(id) FROM folder")
    plan = plan_query(folder, sql="SELECT max(id) FROM folder", folders={"folder": "f/"})["folder"]
    assert (plan.gets, plan.footers) == (0, 0)
    folder.put("g/x.csv", b"id\n1\n")
    sql = "SELECT * FROM folder, g"
    plans = plan_query(folder, sql=sql, folders={"folder": "f/", "g": "g/"}, cache=False)
    assert [(each.size, each.gets) for each in plans.values()] == [
        (each.folder.size, each.folder.gets) for each in plans.values()
    ]
    with pytest.raises(InvalidInput):
        plan_query(folder, sql="SELECT prize FROM folder", folders={"folder": "f/"})


def test_the_table_of_complete_objects_serves_further_statements(folder):
    folder.put("g/x.csv", b"id,name\n1,a\n2,b\n")
    wanted = {"folders": {"g": "g/"}, "retain": True}
    failed = query_folders(folder, sql="SELECT nome FROM g", **wanted)
    assert failed.result is None
    assert "nome" in failed.failure.cause
    loaded = {"g": failed.folders["g"].table}
    with received(folder) as lengths:
        done = query_folders(folder, sql="SELECT name FROM g", loaded=loaded, **wanted)
    assert (done.result.rows, done.folders, lengths) == (2, {}, [])
    path_of(loaded["g"]).unlink()
    done = query_folders(folder, sql="SELECT name FROM g", loaded=loaded, **wanted)
    assert done.folders["g"].rows == 2
    # Without `retain`, nothing remains but the result.
    before = set(Path(done.result.path).parent.iterdir())
    with pytest.raises(InvalidInput):
        query_folders(folder, sql="SELECT nome FROM g", folders={"g": "g/"})
    query(folder, "SELECT name FROM g", {"g": "g/"})
    assert set(Path(done.result.path).parent.iterdir()) == before
