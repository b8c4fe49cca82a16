"""Large objects of a folder are written to files and read in parts, with the same rows and reasons."""

import gzip
import json

import duckdb
import pytest
import zstandard
from helpers.folders import load_folder

from core.collect import documents, reading
from core.collect.folder import plan_folder
from core.collect.querying import read_page, run_query
from core.collect.report import ranges_of
from core.collect.rows import UnreadableError
from core.collect.streams import opened

MIB = 1024 * 1024


@pytest.fixture(params=[False, True], ids=["in memory", "as files"])
def stored(request, monkeypatch):
    """Read all objects as large ones, in parts of a few rows."""
    if request.param:
        monkeypatch.setattr(reading, "STORED_BYTES", 0)
        monkeypatch.setattr(documents, "_PART_ROWS", 7)
        monkeypatch.setattr(documents, "_PART_BYTES", 50)
    return request.param


def parquet(folder, sql):
    path = folder / "made.parquet"
    duckdb.execute(f"COPY ({sql}) TO '{path}'")
    return path.read_bytes()


def rows_of(collected, report, sql):
    found = run_query(collected, sql=sql, tables={"folder": report.table})
    return read_page(collected, table=found.table, count=10_000).rows


def test_objects_of_each_format_have_the_same_rows(collected, tmp_path, stored):
    lines = "".join(f'{{"n": {n}, "x": "{n / 7}"}}\n' for n in range(40))
    table = "x,n\n" + "".join(f'"{n / 7}",{n}\n' for n in range(40, 80))
    sql = "SELECT range AS n, (range / 7)::VARCHAR AS x FROM range({}, {})"
    objects = {
        "f/a.jsonl": lines.encode(),
        "f/b.csv": b"\xef\xbb\xbf" + table.encode(),
        "f/c.json": json.dumps([{"n": n, "x": str(n / 7)} for n in range(80, 120)]).encode(),
        "f/d.parquet": parquet(tmp_path, sql.format(120, 160)),
        "f/e.parquet.gz": gzip.compress(parquet(tmp_path, sql.format(160, 200))),
        "f/f.json": lines.encode(),
        "f/g.csv.gz": gzip.compress(table.encode()[:99]) + gzip.compress(table.encode()[99:]),
        "f/h.ndjson.zst": zstandard.compress(lines.encode()),
    }
    for key, body in objects.items():
        collected.put(key, body)
    report = load_folder(collected, folder="f/", cache=False)
    assert report.complete, report.problems
    assert report.gets == len(objects)
    found = rows_of(collected, report, "SELECT object_key, n, x FROM folder")
    first = {"a": 0, "b": 40, "c": 80, "d": 120, "e": 160, "f": 0, "g": 40, "h": 0}
    assert [(key, int(n)) for key, n, _ in found] == [
        (key, first[key[2]] + n) for key in objects for n in range(40)
    ]
    assert all(float(x) == pytest.approx(int(n) / 7) for _, n, x in found)


DAMAGED = {
    "f/cut.json": (b'[{"a": 1}', "not valid JSON"),
    "f/cut.csv.gz": (gzip.compress(b"a\n1\n")[:-9], "ends early"),
    "f/cut.csv.zst": (zstandard.compress(b"a\n1\n" * 99)[:-3], "ends early"),
    "f/bad.csv.zst": (zstandard.FRAME_HEADER + b"\xff" * 30, "compression is damaged"),
    "f/bad.csv.gz": (gzip.compress(b"a\n")[:4] + b"\xff" * 30, "compression is damaged"),
    "f/latin.csv": ("a\nÖl\n".encode("latin-1"), "not text in UTF-8"),
    "f/quote.csv": (b'a\n"x\n', "not valid CSV"),
    "f/nul.csv": (b"a\n\x00\n", "null characters"),
    "f/text.parquet": (b"a,b\n1,2\n", "not a complete Parquet file"),
    "f/lines.jsonl": (b"{\n}", "No line"),
}


def test_each_damaged_object_is_named(collected, stored):
    for key, (body, _) in DAMAGED.items():
        collected.put(key, body)
    collected.put("f/good.csv", b"a\n1\n")
    report = load_folder(collected, folder="f/", cache=False)
    reasons = {problem.key: problem.reason for problem in report.problems}
    assert reasons.keys() == DAMAGED.keys()
    for key, (_, reason) in DAMAGED.items():
        assert reason in reasons[key]
    assert report.rows == 1


def test_the_rows_before_a_fault_are_in_the_table_and_named_as_such(collected, monkeypatch):
    monkeypatch.setattr(reading, "STORED_BYTES", 0)
    monkeypatch.setattr(documents, "_PART_ROWS", 2)
    collected.put("f/a.csv", b'a\n1\n2\n3\n4\n"5\n')
    report = load_folder(collected, folder="f/", cache=False)
    assert report.rows == 4
    assert report.problems[0].reason.endswith("The rows before are in the table.")


def test_an_object_may_be_larger_than_a_document(collected, monkeypatch):
    monkeypatch.setattr(reading, "STORED_BYTES", 0)
    monkeypatch.setattr("core.collect.reading.MOST_BYTES", 100)
    monkeypatch.setattr("core.collect.json_object._MOST_ROW_BYTES", 100)
    collected.put("f/a.csv", b"a\n" + b"1\n" * 200)
    collected.put("f/b.json", json.dumps([{"a": 1}] * 100, indent=1).encode())
    collected.put("f/c.json", json.dumps({"symbol": "X", "data": [{"a": 1}] * 100}).encode())
    collected.put("f/d.json", json.dumps({"bids": [[1, 2]] * 100, "asks": [3] * 9}).encode())
    report = load_folder(collected, folder="f/", cache=False)
    assert [problem.key for problem in report.problems] == ["f/d.json"]
    assert "one row of more than 100 B" in report.problems[0].reason
    assert "none of its members are lists of rows" in report.problems[0].reason
    assert "Store its rows as a JSON list" in report.problems[0].reason
    assert report.rows == 400


def test_packed_objects_are_not_unpacked_in_memory(collected, monkeypatch):
    monkeypatch.setattr("core.collect.folder.MOST_PACKED", 30)
    monkeypatch.setattr("core.collect.folder.unpacked", None)
    document = json.dumps({"symbol": "X", "data": [{"a": 1}] * 100}).encode()
    collected.put("f/a.json.gz", gzip.compress(document))
    collected.put("f/b.json.zst", zstandard.compress(document))
    report = load_folder(collected, folder="f/", cache=False)
    assert (report.rows, report.problems) == (200, ())


def test_requests_of_large_objects_are_a_part_of_the_price(collected, monkeypatch):
    assert ranges_of(8 * MIB) == 0
    assert ranges_of(1024 * MIB) > 10
    monkeypatch.setattr("core.collect.folder.STORED_BYTES", 0)
    monkeypatch.setattr("core.collect.folder.ranges_of", lambda _size: 5)
    collected.put("f/a.csv", b"a\n1\n")
    assert plan_folder(collected, folder="f/", cache=False).gets == 6


def test_what_unpacks_to_too_much_is_refused(tmp_path):
    path = tmp_path / "a.zst"
    path.write_bytes(zstandard.compress(bytes(64 * MIB)))
    with opened(path, MIB) as stream, pytest.raises(UnreadableError, match="when it is unpacked"):
        stream.read()


def test_more_memory_is_used_if_little_does_not_suffice(collected, monkeypatch):
    monkeypatch.setattr("core.sql.session.LITTLE_MEMORY", "1MB")
    moment = "2024-01-15T10:00:00Z"
    collected.candles("BTC-USD", moment, [(moment, "1.50")])
    report, rows = collected.collect()
    assert report.complete
    assert [row["close"] for row in rows] == ["1.50"]
    folder = load_folder(collected, folder="market-data/", cache=False)
    assert (folder.rows, len(folder.notes)) == (1, 1)


def test_a_row_that_is_too_long_does_not_refuse_the_folder(collected, monkeypatch):
    monkeypatch.setattr("core.collect.staging.MOST_ROW_BYTES", 1000)
    monkeypatch.setattr("core.collect.table.MOST_ROW_BYTES", 1000)
    collected.put("f/a.json", json.dumps({"a": "x" * 900 + "é" * 60}).encode())
    collected.put("f/b.json", json.dumps([{"a": "x" * 300}] * 9).encode())
    collected.put("f/c.json", json.dumps({"a": "x" * 2000, "rows": []}).encode())
    report = load_folder(collected, folder="f/", cache=False)
    assert {each.key: each.reason for each in report.problems} == {
        "f/a.json": "A row of it has 1.0 KB or more.",
        "f/c.json": "A row of it has 1.0 KB or more.",
    }
    assert report.rows == 9
