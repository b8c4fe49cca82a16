"""A range of objects becomes one exact, sorted table without repetitions, or names what is missing."""

import csv
from pathlib import Path

import duckdb
import pytest

from core.errors import AlreadyExists, InvalidInput, NotFound
from core.sql.csv_text import FORMULA_STARTS


def test_candles_of_several_files_are_one_table_in_order_of_time(collected):
    collected.candles(
        "BTC-USD",
        "2024-01-15T11:00:00Z",
        [("2024-01-15T11:01:00Z", 3), ("2024-01-15T11:00:00Z", 2)],
    )
    collected.candles("BTC-USD", "2024-01-15T10:00:00Z", [("2024-01-15T10:00:00", 1)])
    report, rows = collected.collect()
    assert [row["timestamp"] for row in rows] == [
        "2024-01-15T10:00:00Z", "2024-01-15T11:00:00Z", "2024-01-15T11:01:00Z",
    ]  # fmt: skip
    assert [row["open"] for row in rows] == [1, 2, 3]
    assert report.rows == 3
    assert report.complete
    assert report.columns == (
        "symbol", "timeframe", "timestamp", "open", "high", "low", "close", "volume",
    )  # fmt: skip


def test_the_candle_of_the_later_object_counts(collected):
    collected.candles(
        "BTC-USD",
        "2024-01-15T10:00:00Z",
        [("2024-01-15T09:59:00Z", 1), ("2024-01-15T10:00:00Z", 2)],
    )
    collected.candles(
        "BTC-USD",
        "2024-01-15T10:01:00Z",
        [("2024-01-15T09:59:00Z", 1), ("2024-01-15T10:00:00Z", "2.5")],
    )
    report, rows = collected.collect()
    assert [row["open"] for row in rows] == ["1.0", "2.5"]
    assert (report.repeated, report.revised) == (1, 1)


def test_objects_beyond_the_range_complete_it_and_their_other_rows_are_omitted(collected):
    collected.candles(
        "BTC-USD",
        "2024-01-14T23:59:00Z",
        [("2024-01-15T00:00:00Z", 1), ("2024-01-14T23:59:00Z", 9)],
    )
    collected.candles(
        "BTC-USD",
        "2024-01-17T00:30:00Z",
        [("2024-01-16T23:59:00Z", 2), ("2024-01-17T00:00:00Z", 9)],
    )
    collected.candles("BTC-USD", "2024-01-18T00:30:00Z", [("2024-01-15T12:00:00Z", 9)])
    report, rows = collected.collect()
    assert [row["open"] for row in rows] == [1, 2]
    assert report.outside == 2
    assert report.plan.objects == 2


def test_times_are_read_in_each_form_of_the_contract(collected):
    forms = [
        "2024-01-15T10:00:00",
        "2024-01-15T10:01:00.123456",
        "2024-01-15T10:02:00+00:00",
        1705312980,
        1705313040000,
    ]
    collected.candles(
        "BTC-USD", "2024-01-15T10:00:00Z", [(form, at) for at, form in enumerate(forms)]
    )
    _, rows = collected.collect()
    assert [row["timestamp"] for row in rows] == [
        "2024-01-15T10:00:00Z", "2024-01-15T10:01:00.123456Z", "2024-01-15T10:02:00Z",
        "2024-01-15T10:03:00Z", "2024-01-15T10:04:00Z",
    ]  # fmt: skip


def test_decimals_are_exact_in_all_formats(collected):
    price = "0.1234567890123456789012345678"
    body = b'{"data": [{"timestamp": "2024-01-15T10:00:00Z", "open": %s}]}' % price.encode()
    collected.put("market-data/ohlcv/BTC-USD/1m/2024/01/15/2024-01-15T10:00:00Z.json", body)
    _, rows = collected.collect()
    assert rows[0]["open"] == price
    report, _ = collected.collect(ending="csv")
    with Path(report.path).open(encoding="utf-8") as file:
        assert next(csv.DictReader(file))["open"] == price
    report, _ = collected.collect(ending="parquet")
    found = duckdb.execute("SELECT open, typeof(timestamp) FROM read_parquet(?)", [report.path])
    value, kind = found.fetchall()[0]
    assert str(value) == price
    assert kind == "TIMESTAMP WITH TIME ZONE"


def test_numbers_with_too_many_digits_stay_text_with_a_note(collected):
    body = b'{"data": [{"timestamp": "2024-01-15T10:00:00Z", "open": 1%s}]}' % (b"0" * 50)
    collected.put("market-data/ohlcv/BTC-USD/1m/2024/01/15/2024-01-15T10:00:00Z.json", body)
    report, rows = collected.collect()
    assert rows[0]["open"] == "1" + "0" * 50
    assert report.notes


def test_damaged_objects_are_named_and_the_file_is_marked(collected):
    collected.candles(
        "BTC-USD",
        "2024-01-15T10:00:00Z",
        [("2024-01-15T10:00:00Z", 1), ("soon", 2), ("2024-01-15T10:01:00Z", "n/a")],
    )
    key = "market-data/ohlcv/BTC-USD/1m/2024/01/15/2024-01-15T11:00:00Z.json"
    collected.put(key, b'{"data": [')
    report, rows = collected.collect()
    assert not report.complete
    assert report.path.endswith("result.partial.jsonl")
    assert {problem.key[-25:]: problem.rows for problem in report.problems} == {
        "2024-01-15T10:00:00Z.json": 1,
        "2024-01-15T11:00:00Z.json": None,
    }
    assert [row["open"] for row in rows] == [1, None]


def test_an_archived_object_is_named(collected):
    collected.candles("BTC-USD", "2024-01-15T10:00:00Z", [("2024-01-15T10:00:00Z", 1)])
    key = collected.candles("BTC-USD", "2024-01-15T11:00:00Z", [("2024-01-15T11:00:00Z", 1)])
    collected.bucket.client.put_object(
        Bucket=collected.bucket.name, Key=key, Body=b"{}", StorageClass="GLACIER"
    )
    assert collected.plan().archived == 1
    report, rows = collected.collect()
    assert [problem.key for problem in report.problems] == [key]
    assert len(rows) == 1


def test_trades_with_an_id_count_once_and_equal_ones_as_often_as_in_one_object(collected):
    root = "market-data/trades/BTC-USD/2024/01/15"
    trade = {"timestamp": "2024-01-15T10:00:00Z", "price": "1.10", "quantity": 2}
    collected.put(
        f"{root}/10/2024-01-15T10:00:00Z.json", {"trades": [{"id": 7, **trade}, trade, trade]}
    )
    collected.put(
        f"{root}/10/2024-01-15T10:30:00Z.json",
        {"trades": [trade, {"id": 7, **trade, "price": "1.2"}]},
    )
    report, rows = collected.collect("trades")
    assert sorted((str(row.get("id")), row["price"]) for row in rows) == [
        ("7", "1.20"), ("None", "1.10"), ("None", "1.10"),
    ]  # fmt: skip
    assert (report.repeated, report.revised) == (1, 1)


def test_trades_whose_ids_have_other_names_in_other_objects_count_once(collected):
    root = "market-data/trades/BTC-USD/2024/01/15/10/2024-01-15T10"
    trade = {"timestamp": "2024-01-15T10:00:00Z", "price": "1.10", "quantity": 2}
    objects = [
        [{"id": 7, **trade}, {"id": 8, **trade}],
        [{"trade_id": "7", **trade}, {"trade_id": 9, "symbol": "BTC/USD", **trade}],
        [{"tradeId": 9, "symbol": "btcusd", **trade, "price": 2}, {"TID": "8", **trade}],
        [{"id": 7, "symbol": "ETH-USD", **trade}],
    ]
    for minute, trades in enumerate(objects):
        collected.put(f"{root}:0{minute}:00Z.json", {"trades": trades})
    report, rows = collected.collect("trades")
    assert sorted(row["price"] for row in rows) == ["1.10", "1.10", "1.10", "2.00"]
    assert (report.rows, report.repeated + report.revised) == (4, 3)


def test_spellings_that_are_no_decimal_numbers_are_counted_as_bad_values(collected):
    at = {"timestamp": "2024-01-15T10:00:00Z"}
    trades = [{"id": n, "price": each, **at} for n, each in enumerate(("0x10", "0b11", "16", 3))]
    key = "market-data/trades/BTC-USD/2024/01/15/10/2024-01-15T10:00:00Z.json"
    collected.put(key, {"trades": trades})
    report, rows = collected.collect("trades")
    assert [row.get("price") for row in rows] == [None, None, 16, 3]
    assert [(each.key, each.rows) for each in report.problems] == [(key, 2)]


@pytest.mark.parametrize("finer", [[], ["2024-01-15T10:00:00.123456789Z"]], ids=["micro", "nano"])
def test_digits_of_a_date_are_a_date_and_no_epoch_number(collected, finer):
    moments = ["20240115", 20240115, "20240115103000", 20240115103000, "20240132", *finer]
    trades = [{"id": n, "price": 1, "timestamp": each} for n, each in enumerate(moments)]
    key = "market-data/trades/BTC-USD/2024/01/15/10/2024-01-15T10:00:00Z.json"
    collected.put(key, {"trades": trades})
    _, rows = collected.collect("trades")
    assert [row["timestamp"] for row in rows if row["id"] != 5] == [
        "2024-01-15T00:00:00Z", "2024-01-15T00:00:00Z", "2024-01-15T10:30:00Z", "2024-01-15T10:30:00Z",
    ]  # fmt: skip


def test_a_book_counts_once_a_moment(collected):
    root = "market-data/orderbook/BTC-USD/2024/01/15/10"
    for name, bids in (
        ("00_2024-01-15T10:00:00Z", [[1, 1], [2, 2]]),
        ("00_2024-01-15T10:00:00+00:00", [[3, 3]]),
    ):
        collected.put(
            f"{root}/{name}.json",
            {"timestamp": "2024-01-15T10:00:00Z", "orderbook": {"bids": bids, "asks": []}},
        )
    _, rows = collected.collect("orderbook")
    # The time in both keys is the same: the key decides.
    assert [row["price"] for row in rows] == [1, 2]


def test_symbols_may_be_patterns_and_missing_ones_are_named(collected):
    for symbol in ("BTC-USD", "BTC-EUR", "ETH-USD"):
        collected.candles(symbol, "2024-01-15T10:00:00Z", [("2024-01-15T10:00:00Z", 1)])
    report, rows = collected.collect(names=("BTC-*", "XRP-USD"))
    assert [row["symbol"] for row in rows] == ["BTC-EUR", "BTC-USD"]
    assert report.plan.without == ("XRP-USD",)


def test_the_second_collection_needs_no_get(collected):
    for hour in range(3):
        moment = f"2024-01-15T{hour:02}:00:00Z"
        collected.candles("BTC-USD", moment, [(moment, hour)])
    first, rows = collected.collect()
    assert first.gets == 3
    assert collected.plan().cached == 3
    second, again = collected.collect()
    assert second.gets == 0
    assert again == rows
    collected.candles("BTC-USD", "2024-01-15T02:00:00Z", [("2024-01-15T02:00:00Z", 9)])
    assert collected.collect()[0].gets == 1
    assert collected.collect(cache=False)[0].gets == 3


def test_many_small_objects_are_read_at_once(collected):
    for minute in range(40):
        moment = f"2024-01-15T10:{minute:02}:00Z"
        collected.candles("BTC-USD", moment, [(moment, minute)])
    report, rows = collected.collect()
    assert [row["open"] for row in rows] == list(range(40))
    assert report.gets == 40


def test_a_plan_states_what_is_read_and_what_it_costs(collected):
    collected.candles("BTC-USD", "2024-01-15T10:00:00Z", [("2024-01-15T10:00:00Z", 1)])
    collected.put("market-data/ohlcv/BTC-USD/1m/2024/01/15/readme.txt", b"x")
    found = collected.plan()
    assert (found.objects, found.gets, found.lists, found.other) == (1, 1, 1, 1)
    assert found.cost == pytest.approx((0.0004 + 0.005) / 1000)


def test_texts_that_are_formulas_get_an_apostrophe(collected):
    texts = [f"{start}1+1" for start in FORMULA_STARTS]
    trades = [
        {"timestamp": f"2024-01-15T10:00:0{n}Z", "note": text, "price": -1}
        for n, text in enumerate([*texts, "1+1"])
    ]
    collected.put(
        "market-data/trades/BTC-USD/2024/01/15/10/2024-01-15T10:00:00Z.json", {"trades": trades}
    )
    report, _ = collected.collect("trades", ending="csv", formula_safe=True)
    with Path(report.path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["note"] for row in rows] == [*(f"'{text}" for text in texts), "1+1"]
    assert {row["price"] for row in rows} == {"-1"}


def test_names_that_differ_only_in_case_are_separate_columns(collected):
    trade = {
        "timestamp": "2024-01-15T10:00:00Z",
        "T": 1,
        "m": 2,
        "M": 3,
        "$row": 4,
        "symbol": "BTC-USD",
    }
    collected.put(
        "market-data/trades/BTC-USD/2024/01/15/10/2024-01-15T10:00:00Z.json", {"trades": [trade]}
    )
    report, _ = collected.collect("trades")
    assert report.columns == ("symbol", "timestamp", "T", "m", "M_2", "$row_2")


def test_an_existing_file_is_not_replaced(collected):
    collected.candles("BTC-USD", "2024-01-15T10:00:00Z", [("2024-01-15T10:00:00Z", 1)])
    collected.collect()
    with pytest.raises(AlreadyExists):
        collected.collect(overwrite=False) if False else _again(collected)


def _again(collected):
    from core.collect.collecting import collect

    collect(
        collected, kind="ohlcv", names=["BTC-USD"], timeframe="1m", start="2024-01-15",
        end="2024-01-16", path=str(collected.folder / "result.jsonl"),
    )  # fmt: skip


def test_an_empty_range_of_objects_is_an_error(collected):
    with pytest.raises(NotFound, match="no objects of BTC-USD"):
        collected.collect()


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "log"},
        {"names": ()},
        {"names": ("a/b",)},
        {"timeframe": ""},
        {"start": "soon"},
        {"end": "2024-01-14"},
        {"ending": "xlsx"},
        {"margin": -1.0},
        {"kind": "trades", "timeframe": "1m"},
    ],
)
def test_requests_that_are_not_valid_are_refused(collected, values):
    with pytest.raises(InvalidInput):
        collected.collect(**values)


def test_trades_of_different_symbols_with_one_id_are_different_trades(collected):
    """Ids are unique for a symbol: those of another one must not replace them."""
    rows = [
        {"id": 1, "timestamp": "2024-01-15T10:00:00Z", "symbol": "BTC-USD", "price": 1},
        {"id": 1, "timestamp": "2024-01-15T10:00:01Z", "symbol": "ETH-USD", "price": 2},
    ]
    name = "2024-01-15T10:00:00Z"
    collected.put(f"user-data/ada/trades/2024/01/{name}.json", {"trades": rows})
    report, found = collected.collect("user_trades", ("ada",))
    assert [row["price"] for row in found] == [1, 2]
    assert (report.repeated, report.revised, report.conflicting) == (0, 0, 0)
    # The symbol of the rows is another than that of the key.
    for minute in ("00", "05"):
        key = f"market-data/trades/all/2024/01/15/10/2024-01-15T10:{minute}:00Z.json"
        collected.put(key, {"trades": rows})
    report, found = collected.collect("trades", ("all",))
    assert [row["price"] for row in found] == [1, 2]
    assert report.repeated == 2


def test_members_that_differ_only_in_case_are_columns_of_their_own(collected):
    body = b'{"data": [{"Open": 9, "open": 1, "timestamp": "2024-01-15T10:00:00Z"}]}'
    collected.put("market-data/ohlcv/BTC-USD/1m/2024/01/15/2024-01-15T10:00:00Z.json", body)
    _, rows = collected.collect()
    assert (rows[0]["open"], rows[0]["Open_2"]) == (1, 9)
