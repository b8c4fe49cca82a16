"""`find` and `catalog` on every S3 server: what is listed is found, and later without a request."""

import csv
import io
import json

import duckdb
import pytest

from core.cli import main
from core.errors import ErrorKind

CANDLE = "market-data/ohlcv/BTC-USD/1h/2024/01/{0:02}/2024-01-{0:02}T{1:02}:00:00Z.json"
NOT_FOUND, INVALID, USAGE = (
    ErrorKind.NOT_FOUND.value, ErrorKind.INVALID_INPUT.value, ErrorKind.USAGE.value,
)  # fmt: skip


@pytest.fixture
def run(s3_server, s3_bucket, monkeypatch, capsys, tmp_path):
    """Run one command on a separate bucket, and return what it printed."""
    for name, value in s3_server.environment(tmp_path / "home").items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)

    def call(*arguments, code=0):
        given = main([*arguments, "--bucket", s3_bucket])
        printed = capsys.readouterr()
        assert given == code, printed.err
        return printed

    return call


@pytest.fixture
def put(s3_client, s3_bucket):
    def store(*keys):
        for key in keys:
            s3_client.put_object(Bucket=s3_bucket, Key=key, Body=b"x" * 12)

    return store


def test_keys_are_found_after_a_refresh_and_new_ones_after_the_next(run, put, monkeypatch):
    from core.catalog import planning

    # So that few keys need a listing after the last day, and of one level.
    monkeypatch.setattr(planning, "LIST_KEYS", 1)
    put(*(CANDLE.format(day, hour) for day in (1, 2) for hour in range(6)), "exports/a b+%2F.csv")
    assert "`strongroom catalog refresh`" in run("find", "btc", code=NOT_FOUND).err
    assert json.loads(run("catalog", "status", "--json").out)["objects"] == 0
    first = json.loads(run("catalog", "refresh", "--json").out)
    assert (first["objects"], first["added"], first["complete"]) == (13, 13, True)
    assert run("find", "*.csv").out.split("\t")[-1] == "exports/a b+%2F.csv\n"
    put(CANDLE.format(2, 7), CANDLE.format(3, 0), "other/new/file")
    estimate = json.loads(run("catalog", "refresh", "--dry-run", "--json").out)
    assert estimate["requests"] > 1
    second = json.loads(run("catalog", "refresh", "--json").out)
    assert (second["objects"], second["added"], second["complete"]) == (16, 3, False)
    found = json.loads(run("find", "kind:ohlcv", "time:>=2024-01-02T05", "--json").out)
    assert [row["key"] for row in found] == [
        CANDLE.format(2, 5), CANDLE.format(2, 7), CANDLE.format(3, 0),
    ]  # fmt: skip
    assert found[0]["symbol"] == "BTC-USD"


def test_results_are_sorted_limited_and_written_as_csv(run, put):
    put(*(f"folder/{number}" for number in range(5)))
    printed = run("find", "--refresh", "--sort", "name", "--descending", "--limit", "2", "--csv")
    rows = list(csv.DictReader(io.StringIO(printed.out)))
    assert [(row["key"], row["size"]) for row in rows] == [("folder/4", "12"), ("folder/3", "12")]
    assert "5 keys, 60 B" in printed.err
    lines = run("find", "size:>10", "--json-lines").out.splitlines()
    assert [json.loads(line)["key"] for line in lines] == [f"folder/{n}" for n in range(5)]
    assert "5 keys" in run("catalog", "status").err
    run("catalog", "remove")
    run("find", code=NOT_FOUND)


def test_keys_that_a_spreadsheet_would_compute_are_written_as_texts(run, put):
    put("=1+1.csv", "-5")
    printed = run("find", "--refresh", "--csv")
    keys = [row["key"] for row in csv.DictReader(io.StringIO(printed.out))]
    assert keys == ["-5", "'=1+1.csv"]
    printed = run("find", "--csv", "--raw-csv")
    assert {row["key"] for row in csv.DictReader(io.StringIO(printed.out))} == {"-5", "=1+1.csv"}


def test_invalid_searches_are_errors(run, put):
    put("a")
    run("catalog", "refresh")
    assert "size:>1MB" in run("find", "size:big", code=INVALID).err
    assert "regular expression" in run("find", "/(/", code=INVALID).err
    run("catalog", "refresh", "folder", code=INVALID)
    run("find", "--refresh", "--inventory", "x.parquet", code=USAGE)
    run("find", "a", "--csv", "--json", code=USAGE)
    run("find", "a", "--csv", "--json-lines", code=USAGE)
    run("catalog", "refresh", "--dry-run", "--inventory", "x.parquet", code=USAGE)
    run("catalog", "refresh", "a/", "--complete", "--inventory", "x.parquet", code=USAGE)


def test_a_report_of_a_folder_leaves_all_other_keys_in_the_catalogue(run, put, s3_bucket, tmp_path):
    put("a/1", "a/2", "b/1")
    run("catalog", "refresh")
    path = tmp_path / "report.parquet"
    duckdb.execute(
        f"COPY (SELECT '{s3_bucket}' AS bucket, 'a/2' AS key, 12 AS size, now() + INTERVAL 30 DAY AS "
        f"last_modified_date) TO '{path}'"
    )
    merge = ("catalog", "refresh", "--inventory", str(path), "--json")
    assert json.loads(run(*merge).out)["removed"] == 0
    run("catalog", "refresh", "b/", "--inventory", str(path), code=INVALID)
    assert json.loads(run("catalog", "refresh", "a/", *merge[2:]).out)["removed"] == 1
    found = json.loads(run("find", "size:>0", "--json").out)
    assert [row["key"] for row in found] == ["a/2", "b/1"]
