"""A folder of any CSV, JSON and Parquet is one table with exact values, and nothing is omitted silently."""

import csv
import gzip
import io
from pathlib import Path

import duckdb
import pytest
import zstandard
from helpers.folders import load_folder

from core.collect.folder import plan_folder
from core.collect.folder_query import query_folders
from core.collect.querying import read_page, run_query
from core.errors import InvalidInput, LimitExceeded, NotFound
from core.paths import cache_dir


def parquet(folder, sql):
    """Return the bytes of a Parquet file with the result of a statement."""
    path = folder / "made.parquet"
    duckdb.execute(f"COPY ({sql}) TO '{path}'")
    return path.read_bytes()


def answer(collected, report, sql):
    """Return the rows of a statement on the table of a folder."""
    found = run_query(collected, sql=sql, tables={"folder": report.table})
    return read_page(collected, table=found.table).rows


def test_all_formats_are_one_table_by_the_names_of_the_columns(collected, tmp_path):
    collected.put(
        "f/a.csv", b"symbol,price,at\nBTC,1.10,2024-01-15T10:00:00Z\nETH,,2024-01-15T11:00:00Z\n"
    )
    collected.put("f/b.csv.gz", gzip.compress(b"price;symbol\n2.2;SOL\n"))
    collected.put("f/c.json", b'[{"symbol": "XRP", "price": 0.123456789012345678}]')
    collected.put(
        "f/d.ndjson.zst", zstandard.compress(b'{"symbol": "ADA"}\n{"symbol": "DOT", "price": 3}\n')
    )
    collected.put(
        "f/e.parquet", parquet(tmp_path, "SELECT 'LTC' AS symbol, 4.5::DECIMAL(18,4) AS price")
    )
    collected.put("f/deep/g.tsv", b"symbol\tprice\nBCH\t5\n")
    collected.put("f/readme.txt", b"not a table")
    report = load_folder(collected, folder="f/")
    assert report.complete
    assert (report.plan.objects, report.plan.other, report.gets) == (6, 1, 6)
    rows = answer(collected, report, "SELECT symbol, price, object_key FROM folder ORDER BY 3, 1")
    assert [row[:2] for row in rows] == [
        ("BTC", "1.100000000000000000"), ("ETH", None), ("SOL", "2.200000000000000000"),
        ("XRP", "0.123456789012345678"), ("ADA", None), ("DOT", "3.000000000000000000"),
        ("BCH", "5.000000000000000000"), ("LTC", "4.500000000000000000"),
    ]  # fmt: skip
    assert rows[0][2] == "f/a.csv"
    types = dict(zip(report.columns, report.types, strict=True))
    assert types["at"] == "TIMESTAMP WITH TIME ZONE"


def test_separators_within_quoted_names_of_columns_are_no_separators(collected):
    collected.put("f/a.csv", b'"price, USD, net";size\n"1,5";2\n')
    report = load_folder(collected, folder="f/")
    assert answer(collected, report, 'SELECT "price, USD, net", size FROM folder') == (("1,5", 2),)


def test_the_plan_names_objects_bytes_and_price_and_a_second_query_needs_no_request(collected):
    for number in range(3):
        collected.put(f"f/{number}.csv", b"a\n1\n")
    collected.put("f/other.bin", b"x")
    planned = plan_folder(collected, folder="f/")
    assert (planned.objects, planned.size, planned.gets, planned.other) == (3, 12, 3, 1)
    assert planned.formats == (("CSV", 3),)
    assert planned.cost == pytest.approx(3 * 0.0004 / 1000 + planned.lists * 0.005 / 1000)
    assert load_folder(collected, folder="f/").gets == 3
    collected.put("f/1.csv", b"a\n7\n")
    again = load_folder(collected, folder="f/")
    assert again.gets == 1
    assert answer(collected, again, "SELECT sum(a) FROM folder") == (("9",),)


def test_documents_of_the_contract_are_rows_with_their_symbol(collected):
    moment = "2024-01-15T10:00:00Z"
    collected.candles("BTC-USD", moment, [(moment, "1.5"), ("2024-01-15T10:01:00Z", "1.7")])
    collected.candles("BTC-USD", "2024-01-15T11:00:00Z", [])
    report = load_folder(collected, folder="market-data/ohlcv/BTC-USD/")
    rows = answer(
        collected, report, 'SELECT symbol, "timestamp", "close", document_timestamp FROM folder'
    )
    assert rows == (
        ("BTC-USD", "2024-01-15 10:00:00+00", "1.5", "2024-01-15 10:00:00+00"),
        ("BTC-USD", "2024-01-15 10:01:00+00", "1.7", "2024-01-15 10:00:00+00"),
    )


def test_objects_whose_lists_are_never_rows_are_rows_themselves(collected):
    collected.put("f/a.json", b'{"name": "a", "tags": []}')
    collected.put("f/b.json", b'{"name": "b", "tags": ["x"], "more": {"deep": 1.0}}')
    report = load_folder(collected, folder="f/")
    rows = answer(
        collected, report, "SELECT name, tags->>0, more->>'$.deep' FROM folder ORDER BY 1"
    )
    assert rows == (("a", None, None), ("b", "x", "1.0"))


_DAMAGED = {
    "f/cut.json": (b'[{"a": 1}', "not valid JSON"),
    "f/cut.csv.gz": (gzip.compress(b"a\n1\n")[:-9], "ends early"),
    "f/cut.csv.zst": (zstandard.compress(b"a\n1\n" * 99)[:-3], "ends early"),
    "f/bad.csv.zst": (zstandard.FRAME_HEADER + b"\xff" * 30, "compression is damaged"),
    "f/latin.csv": ("a\nÖl\n".encode("latin-1"), "not text in UTF-8"),
    "f/quote.csv": (b'a\n"x\n', "not valid CSV"),
    "f/text.parquet": (b"a,b\n1,2\n", "not a complete Parquet file"),
    "f/number.json": (b"7", "neither a list nor an object"),
    "f/lines.jsonl": (b"{\n}", "No line"),
}


def test_each_damaged_object_is_named_and_the_others_are_the_table(collected, tmp_path):
    for key, (body, _) in _DAMAGED.items():
        collected.put(key, body)
    good = parquet(tmp_path, "SELECT range AS a FROM range(9000)")
    collected.put("f/good.parquet", good)
    # The footer is intact, and the values are not.
    collected.put("f/zeros.parquet", good[:4] + bytes(len(good) - 400) + good[-396:])
    collected.put("f/short.csv", b"a,b\n1,2\n3\n")
    report = load_folder(collected, folder="f/")
    reasons = {problem.key: problem.reason for problem in report.problems}
    assert reasons.keys() == {*_DAMAGED, "f/zeros.parquet", "f/short.csv"}
    for key, (_, reason) in _DAMAGED.items():
        assert reason in reasons[key]
    assert str(cache_dir()) not in str(reasons)
    assert next(each.rows for each in report.problems if each.key == "f/short.csv") == 1
    assert report.rows == 9001


def test_a_bomb_is_refused_by_name(collected, monkeypatch):
    monkeypatch.setattr("core.collect.rows.MOST_BYTES", 1 << 20)
    collected.put("f/a.csv", b"a\n1\n")
    collected.put("f/bomb.csv.zst", zstandard.compress(bytes(8 << 20)))
    report = load_folder(collected, folder="f/")
    assert [problem.key for problem in report.problems] == ["f/bomb.csv.zst"]
    assert "when it is unpacked" in report.problems[0].reason


def test_columns_that_differ_become_text_or_are_named(collected, tmp_path):
    collected.put("f/a.csv", b"x,id\n1,001\n")
    collected.put("f/b.csv", b"x,id\nlow,2\n")
    report = load_folder(collected, folder="f/")
    assert answer(collected, report, "SELECT x, id FROM folder ORDER BY 1") == (
        ("1", "001"),
        ("low", "2"),
    )
    collected.put("g/a.parquet", parquet(tmp_path, "SELECT {'b': 1} AS x"))
    collected.put("g/b.parquet", parquet(tmp_path, "SELECT [1] AS x"))
    with pytest.raises(InvalidInput, match="cannot be one table") as raised:
        load_folder(collected, folder="g/")
    assert "g/a.parquet" in raised.value.cause
    assert "g/b.parquet" in raised.value.cause


@pytest.mark.parametrize(
    "texts",
    [
        ("0.10000000000000000555", "1" * 42),
        ("12345678901234567890", "1e-40"),
        ("0.1", "1e+400"),
        ("0.1", "1e-400"),
    ],
)
@pytest.mark.parametrize("form", ["csv", "json", "jsonl"])
def test_numbers_that_no_type_holds_stay_as_they_are_written(collected, texts, form):
    lines = [f'{{"x": {text}}}' for text in texts]
    body = {
        "csv": "\n".join(["x", *texts]), "json": f"[{','.join(lines)}]", "jsonl": "\n".join(lines),
    }[form]  # fmt: skip
    collected.put(f"f/a.{form}", f"{body}\n".encode())
    report = load_folder(collected, folder="f/")
    assert answer(collected, report, "SELECT x FROM folder") == tuple((text,) for text in texts)
    assert report.types[0] == "VARCHAR"
    assert report.notes == ("The column x is text, because its numbers have more than 38 digits.",)


@pytest.mark.parametrize(
    "texts",
    [
        ("+491234567", "+491234568"), ("007", "12"), (" 12", "3"), ("1e5", "12e3"), ("0x10", "1"),
        ("1_000", "2"), ("NaN", "1.5"), ("NA", "1"), ("1,000", "2"), (".5", "1"),
    ],
)  # fmt: skip
def test_texts_that_numbers_would_write_otherwise_stay_text_with_a_reason(collected, texts):
    lines = ["x,y", *(f'"{text}",1.50' for text in texts)]
    collected.put("f/a.csv", "\n".join(lines).encode())
    report = load_folder(collected, folder="f/")
    assert answer(collected, report, "SELECT x FROM folder") == tuple((text,) for text in texts)
    assert report.types[:2] == ("VARCHAR", "DECIMAL(18,2)")
    (note,) = report.notes
    assert note.startswith("The column x is text, because “")
    assert any(f"“{text}”" in note for text in texts)


def test_texts_of_json_are_never_numbers_and_the_note_states_how_to_compute(collected):
    rows = [{"id": "1e5", "price": "1.10", "flag": "true", "at": "2024-01-15"}, {"price": "2"}]
    collected.put("f/a.json", rows)
    collected.put("f/b.json", [{"price": 3}])
    report = load_folder(collected, folder="f/")
    types = dict(zip(report.columns, report.types, strict=True))
    assert types == {
        "id": "VARCHAR", "price": "VARCHAR", "flag": "VARCHAR", "at": "DATE", "object_key": "VARCHAR",
    }  # fmt: skip
    (note,) = report.notes
    assert 'CAST("price" AS DECIMAL(18,2))' in note
    assert answer(collected, report, 'SELECT sum(CAST("price" AS DECIMAL(18,2))) FROM folder') == (
        ("6.10",),
    )


def test_numbers_as_programs_write_them_are_numbers(collected):
    collected.put("f/a.csv", b"x,y\n1e-05,-0.5\n-1.5E3,12\n0,0\n")
    report = load_folder(collected, folder="f/")
    assert report.notes == ()
    assert answer(collected, report, "SELECT sum(x), sum(y) FROM folder") == (
        ("-1499.99999", "11.5"),
    )


def test_a_failed_statement_names_why_its_column_is_text(collected):
    collected.put("f/a.json", [{"price": "1.10"}])
    with pytest.raises(InvalidInput) as raised:
        query_folders(collected, sql="SELECT sum(price) FROM f", folders={"f": "f/"})
    assert 'CAST("price" AS DECIMAL(18,2))' in raised.value.cause


def test_numbers_that_a_double_holds_with_all_digits_are_doubles(collected):
    collected.put("f/a.json", b'[{"x": 1.5e300}, {"x": 5e-324}, {"x": 0.1}, {"x": -0.0}]')
    report = load_folder(collected, folder="f/")
    assert (report.types[0], report.notes) == ("DOUBLE", ())
    assert answer(collected, report, "SELECT max(x), min(x) FROM folder") == ((1.5e300, 0.0),)


def test_the_query_can_read_nothing_but_the_table(collected):
    collected.put("f/a.csv", b"x\n1\n")
    report = load_folder(collected, folder="f/")
    for source in ("read_csv('/etc/passwd')", "'s3://other/x.parquet'", "glob('/*')"):
        with pytest.raises(InvalidInput):
            answer(collected, report, f"SELECT * FROM {source}")
    assert list(Path(cache_dir()).glob("rows-*")) == []


@pytest.mark.parametrize(
    ("folder", "error"), [("f", InvalidInput), ("none/", NotFound), ("h/", NotFound)]
)
def test_a_folder_without_tables_is_refused_with_a_reason(collected, folder, error):
    collected.put("h/readme.txt", b"x")
    with pytest.raises(error):
        load_folder(collected, folder=folder)


def test_a_folder_that_does_not_fit_on_the_disk_is_refused(collected, monkeypatch):
    collected.put("f/a.csv", b"x\n1\n")
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": 1}))
    with pytest.raises(LimitExceeded, match="too large"):
        load_folder(collected, folder="f/")


def test_archived_objects_are_named(collected):
    collected.bucket.client.put_object(
        Bucket=collected.bucket.name,
        Key="f/a.csv",
        Body=io.BytesIO(b"x\n1\n"),
        StorageClass="GLACIER",
    )
    assert plan_folder(collected, folder="f/").archived == 1
    report = load_folder(collected, folder="f/")
    assert "archived" in report.problems[0].reason
    assert report.rows == 0


def test_ranges_of_archived_objects_are_not_in_the_plan(collected, monkeypatch):
    monkeypatch.setattr("core.collect.folder.STORED_BYTES", 3)
    monkeypatch.setattr("core.collect.folder.ranges_of", lambda size: size)
    where = {"Bucket": collected.bucket.name, "Body": b"x\n1\n"}
    collected.bucket.client.put_object(Key="f/a.csv", StorageClass="GLACIER", **where)
    assert plan_folder(collected, folder="f/").ranges == 0
    collected.bucket.client.put_object(Key="f/b.csv", **where)
    assert plan_folder(collected, folder="f/").ranges > 0


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_an_object_that_begins_with_an_empty_line_does_not_stop_the_others(
    collected, monkeypatch, large
):
    if large:
        monkeypatch.setattr("core.collect.folder.STORED_BYTES", 3)
    collected.put("f/a.csv", b"\nx\n1\n2\n")
    collected.put("f/b.csv", b"\n\n\n\n")
    collected.put("f/c.csv", b"x\n5\n")
    report = load_folder(collected, folder="f/")
    assert answer(collected, report, "SELECT x FROM folder") == ((5,),)
    assert [each.key for each in report.problems] == ["f/a.csv"]


def test_long_cells_are_read_and_the_limit_of_the_csv_module_stays(collected):
    usual = csv.field_size_limit()
    collected.put("f/a.csv", b"note\n" + b"x" * (2 * usual) + b"\n")
    report = load_folder(collected, folder="f/")
    assert report.complete
    assert answer(collected, report, "SELECT length(note) FROM folder") == ((2 * usual,),)
    assert csv.field_size_limit() == usual
