"""`sql --folder` reads a folder as a table: a plan first, exact rows, and exit code 40 if rows are missing."""

import json

from core.errors import ErrorKind
from core.paths import cache_dir

SUM = "SELECT symbol, sum(price) AS total FROM folder GROUP BY 1 ORDER BY 1"


def test_a_folder_is_planned_and_queried(run, put, s3_bucket):
    put("data/a.csv", body=b"symbol,price\nBTC,0.1\nBTC,0.2\n")
    put("data/deep/b.json", body=b'[{"symbol": "ETH", "price": 2.50}]')
    put("data/c.txt", body=b"-")
    place = f"s3://{s3_bucket}/data/"
    plan = run("sql", SUM, "--folder", place, "--dry-run").out
    assert "folder: 2 objects (1 CSV, 1 JSON)" in plan
    assert "2 GET requests" in plan
    assert "1 object of other formats, not read" in plan
    found = json.loads(run("sql", SUM, "--folder", place, "--json").out)
    assert found["result"]["rows"] == [["BTC", "0.30"], ["ETH", "2.50"]]
    assert found["folders"]["folder"]["gets"] == 2
    joined = "SELECT count(*) AS n FROM a JOIN b USING (symbol)"
    printed = run("sql", joined, "--folder", "a=data/", "--folder", f"b={place}deep/", "--json")
    assert json.loads(printed.out)["result"]["rows"] == [[1]]
    assert list((cache_dir() / "tables").iterdir()) == []


def test_missing_rows_and_bad_arguments_have_exit_codes(run, put, tmp_path):
    put("data/a.csv", body=b"symbol,price\nBTC,0.1\n")
    put("data/cut.json", body=b"[")
    printed = run("sql", SUM, "--folder", "data/", code=ErrorKind.CORRUPT.value)
    assert "data/cut.json" in printed.err
    assert "not valid JSON" in printed.err
    assert "0.1" in printed.out
    invalid = ErrorKind.INVALID_INPUT.value
    assert "SELECT" in run("sql", "DROP TABLE x", "--folder", "data/", code=invalid).err
    assert "slash" in run("sql", SUM, "--folder", "data", code=invalid).err
    run("sql", SUM, "--folder", "none/", code=ErrorKind.NOT_FOUND.value)
    run("sql", SUM, "--dry-run", code=ErrorKind.USAGE.value)
    (tmp_path / "o.csv").write_text("", encoding="utf-8")
    taken = run(
        "sql",
        SUM,
        "--folder",
        "data/",
        "-o",
        tmp_path / "o.csv",
        code=ErrorKind.ALREADY_EXISTS.value,
    )
    assert "already exists" in taken.err


def test_texts_of_a_csv_are_no_formulas_unless_they_are_requested_raw(run, put, tmp_path):
    put("data/a.csv", body=b"text,number,long\n=1+1,-1.5,-%s\n" % (b"1" * 50))
    path = tmp_path / "o.csv"
    sql = "SELECT text, number, long FROM folder"
    run("sql", sql, "--folder", "data/", "-o", path)
    head, row = path.read_text(encoding="utf-8").splitlines()
    assert (head, row.split(",")[:2]) == ("text,number,long", ["'=1+1", "-1.5"])
    assert row.split(",")[2].startswith("-1")
    run("sql", sql, "--folder", "data/", "-o", path, "--overwrite", "--raw-csv")
    assert path.read_text(encoding="utf-8").splitlines()[1].startswith("=1+1,-1.5,-1")
    run("sql", sql, "--folder", "data/", "-o", tmp_path / "o.parquet")
