"""Times are exact to the nanosecond: their order, which rows are equal, and what is exported."""

import csv
from pathlib import Path

import duckdb
import pytest

from core.collect.querying import export_table, run_query
from core.collect.tables import name_of

KEY = "market-data/trades/BTC-USD/2024/01/15/{hour}/2024-01-15T{hour}:00:00Z.json"
#: The same microsecond in four spellings, with their nanoseconds.
SPELLINGS = {
    "2024-01-15T00:00:00.123456789Z": "2024-01-15T00:00:00.123456789Z",
    "2024-01-15T02:00:00.123456001+02:00": "2024-01-15T00:00:00.123456001Z",
    1705276800123456333: "2024-01-15T00:00:00.123456333Z",
    "1705276800.123456444": "2024-01-15T00:00:00.123456444Z",
}


def _put(collected, trades, hour="00"):
    collected.put(KEY.format(hour=hour), {"trades": trades})


def _trade(moment, **more):
    return {"timestamp": moment, "price": "1.10", "quantity": 2, **more}


@pytest.mark.parametrize("ids", [True, False])
def test_rows_are_ordered_and_compared_by_their_nanoseconds(collected, ids):
    for number, moment in enumerate(SPELLINGS):
        _put(collected, [_trade(moment, **({"id": number} if ids else {}))], f"0{number}")
    report, rows = collected.collect("trades")
    assert [row["timestamp"] for row in rows] == sorted(SPELLINGS.values())
    assert (report.rows, report.repeated) == (4, 0)


def test_one_nanosecond_in_two_spellings_is_one_trade(collected):
    _put(collected, [_trade(1705276800123456333)], "00")
    _put(collected, [_trade("2024-01-15T00:00:00.123456333Z")], "01")
    report, rows = collected.collect("trades")
    assert [row["timestamp"] for row in rows] == ["2024-01-15T00:00:00.123456333Z"]
    assert report.repeated == 1


def test_nanoseconds_are_in_each_format(collected):
    _put(collected, [_trade(moment) for moment in SPELLINGS])
    expected = sorted(SPELLINGS.values())
    report, _ = collected.collect("trades", ending="csv")
    with Path(report.path).open(encoding="utf-8") as file:
        assert [row["timestamp"] for row in csv.DictReader(file)] == expected
    report, _ = collected.collect("trades", ending="parquet")
    found = duckdb.execute(
        "SELECT list(strftime(timestamp::TIMESTAMP_NS, '%Y-%m-%dT%H:%M:%S.%nZ')) "
        "FROM read_parquet(?)",
        [report.path],
    )
    assert found.fetchall()[0][0] == expected


def test_nanoseconds_are_in_queries_and_exports_of_a_table(collected):
    _put(collected, [_trade(moment) for moment in SPELLINGS])
    report, _ = collected.collect("trades", ending="parquet", path="")
    table, path = name_of(report.path), str(collected.folder / "exported.jsonl")
    export_table(collected, table=table, path=path, overwrite=True)
    assert [row["timestamp"] for row in collected.rows(path)] == sorted(SPELLINGS.values())
    sql = "SELECT max(timestamp) AS last FROM t"
    run_query(collected, sql=sql, tables={"t": table}, path=path, overwrite=True)
    assert collected.rows(path) == [{"last": "2024-01-15T00:00:00.123456789Z"}]


def test_times_of_microseconds_have_the_type_that_all_readers_know(collected):
    moments = ["2024-01-15T00:00:00.123456Z", 1705276800123456, "2024-01-15T00:00:01.123456000Z"]
    _put(collected, [_trade(moment) for moment in moments])
    report, _ = collected.collect("trades", ending="parquet")
    assert report.types[1] == "TIMESTAMP WITH TIME ZONE"
    assert report.rows == 3


def test_digits_below_nanoseconds_are_omitted_with_a_note_and_do_not_make_rows_equal(collected):
    _put(collected, [_trade("2024-01-15T00:00:00.1234567892Z")], "00")
    _put(collected, [_trade("2024-01-15T00:00:00.1234567891Z")], "01")
    report, rows = collected.collect("trades")
    assert [row["timestamp"] for row in rows] == ["2024-01-15T00:00:00.123456789Z"] * 2
    assert report.notes == ("Digits of times below nanoseconds are omitted.",)


def test_times_that_nanoseconds_cannot_hold_are_outside_the_range(collected):
    far = ["2900-01-01T00:00:00Z", "1500-01-01T00:00:00Z", "9223372036854775807"]
    _put(collected, [_trade(moment) for moment in ["2024-01-15T00:00:00.000000001Z", *far]])
    report, rows = collected.collect("trades")
    assert [row["timestamp"] for row in rows] == ["2024-01-15T00:00:00.000000001Z"]
    assert report.outside == 2 + 1


def test_candles_that_differ_within_one_object_are_no_revision(collected):
    collected.candles(
        "BTC-USD",
        "2024-01-15T10:00:00Z",
        [("2024-01-15T10:00:00Z", 1), ("2024-01-15T10:00:00Z", 2), ("2024-01-15T10:01:00Z", 1)],
    )
    collected.candles("BTC-USD", "2024-01-15T10:01:00Z", [("2024-01-15T10:01:00Z", 3)])
    report, rows = collected.collect()
    assert [row["open"] for row in rows] == [2, 3]
    assert (report.repeated, report.revised, report.conflicting) == (0, 1, 1)
