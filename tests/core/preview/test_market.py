"""Every kind of the contract is shown in every old form, with its problems."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.preview import Book, Candles, Holdings, Lines, ProblemKind, Table, Tree, preview

OHLCV = "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T10:00:00Z.json"
BOOK = "market-data/orderbook/BTC-USD/2024/01/15/10/30_2024-01-15T10:30:00Z.json"


def candle(hour, **changed):
    row = {"timestamp": f"2024-01-15T{hour:02}:00:00Z", "open": 10.50, "high": 12, "low": 9}
    return {**row, "close": 11, "volume": 3, **changed}


def shown(body, key=OHLCV):
    return preview(json.dumps(body, indent=2).encode(), key)


def wrapped(rows):
    return {"symbol": "BTC-USD", "timeframe": "1h", "timestamp": "x", "data": rows}


def test_candles():
    found = shown(wrapped([candle(hour) for hour in range(4)]))
    assert (found.title, found.count) == ("BTC-USD · 1h", "4 candles")
    assert [representation.label for representation in found.representations] == [
        "Chart",
        "Table",
        "JSON",
        "Text",
    ]
    assert found.problems == ()
    chart = found.representations[0]
    assert isinstance(chart, Candles)
    assert chart.step == 3600
    assert chart.candles[1].when == datetime(2024, 1, 15, 1, tzinfo=UTC)
    assert chart.candles[0].open == Decimal("10.5")


@pytest.mark.parametrize(
    "spelling",
    ["2024-01-15T10:00:00Z", "2024-01-15T10:00:00", "2024-01-15T10:00:00.000000",
     "2024-01-15T10:00:00+00:00", "2024-01-15 12:00:00+02:00", 1705312800, 1705312800000,
     "1705312800", 1705312800.0, 1705312800000000],
)  # fmt: skip
def test_times_in_every_spelling(spelling):
    found = shown([candle(0, timestamp=spelling)])
    assert found.representations[0].candles[0].when == datetime(2024, 1, 15, 10, tzinfo=UTC)


@pytest.mark.parametrize("as_number", [True, False])
@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        ("20240115", datetime(2024, 1, 15, tzinfo=UTC)),
        ("20240115103001", datetime(2024, 1, 15, 10, 30, 1, tzinfo=UTC)),
        ("20241332", datetime(1970, 8, 23, 6, 35, 32, tzinfo=UTC)),
        ("1705312800", datetime(2024, 1, 15, 10, tzinfo=UTC)),
    ],
)
def test_digits_of_a_date_are_no_epoch_number(digits, expected, as_number):
    found = shown([candle(0, timestamp=int(digits) if as_number else digits)] * 2)
    assert found.representations[0].candles[0].when == expected


def test_a_bare_list_of_lists_with_numeric_text():
    found = shown([[1705312800000, "10.10", "12", "9", "11", "3"]])
    assert found.title == "BTC-USD · 1h"
    assert found.representations[0].candles[0].open == Decimal("10.10")


@pytest.mark.parametrize(
    ("rows", "kind", "text"),
    [
        (
            [candle(10), candle(11), candle(14)],
            ProblemKind.GAP,
            "2 empty intervals: 15 Jan 2024 12:00:00 to 13:00:00 UTC",
        ),
        ([candle(10), candle(12)], ProblemKind.GAP, "1 empty interval: 15 Jan 2024 11:00:00 UTC"),
        (
            [candle(18), candle(18)],
            ProblemKind.DUPLICATE,
            "1 duplicate at 15 Jan 2024 18:00:00 UTC",
        ),
        ([candle(18), candle(18, close=10)], ProblemKind.DUPLICATE, "the last is drawn"),
        (
            [candle(0), candle(2), candle(1), candle(3)],
            ProblemKind.OUT_OF_ORDER,
            "01:00:00 UTC follows 15 Jan 2024 02:00:00 UTC",
        ),
        (
            [candle(2, high=8)],
            ProblemKind.HIGH_BELOW_LOW,
            "high below low at 15 Jan 2024 02:00:00 UTC",
        ),
        (
            [candle(2, close=99)],
            ProblemKind.OUTSIDE_RANGE,
            "outside high and low at 15 Jan 2024 02:00:00 UTC",
        ),
        (
            [candle(2, volume=-1)],
            ProblemKind.NEGATIVE,
            "negative volume at 15 Jan 2024 02:00:00 UTC",
        ),
        ([candle(1), candle(2, open="n/a")], ProblemKind.BAD_NUMBER, "open is “n/a”, not a number"),
        ([candle(1), candle(2, low=None)], ProblemKind.BAD_NUMBER, "low is missing"),
        ([candle(1), candle(2, high="1e999")], ProblemKind.BAD_NUMBER, "not a number"),
        ([candle(1), candle(2, timestamp="soon")], ProblemKind.BAD_TIME, "no readable time"),
        ([candle(1), 7], ProblemKind.BAD_ROW, "not a candle"),
    ],
)
def test_what_is_wrong_with_candles(rows, kind, text):
    found = shown(wrapped(rows))
    output = next(problem for problem in found.problems if problem.kind is kind)
    assert text in output.text
    assert found.counts[kind] == output.amount
    assert isinstance(found.representations[0], Candles)


def test_many_problems_of_one_kind_are_one_phrase():
    rows = [candle(hour) for hour in (0, 2, 4, 6)] + [candle(6)]
    found = shown(wrapped(rows))
    assert found.problem_texts == "1 duplicate at 15 Jan 2024 06:00:00 UTC · 3 empty intervals"
    assert found.problems[0].row == 4


def test_a_cut_candle_file_is_drawn_as_far_as_it_goes():
    body = json.dumps(wrapped([candle(hour) for hour in range(9)]), indent=2).encode()
    found = preview(body[: len(body) // 2], OHLCV)
    assert isinstance(found.representations[0], Candles)
    assert ProblemKind.TRUNCATED in found.counts


def test_order_book():
    body = {"symbol": "BTC-USD", "timestamp": "2024-01-15T10:30:00",
            "orderbook": {"bids": [["99.5", "1"], ["100", 2]], "asks": [[101, 1], [102.5, "4"]]}}  # fmt: skip
    found = shown(body, BOOK)
    book = found.representations[0]
    assert isinstance(book, Book)
    assert [level.price for level in book.bids] == [Decimal(100), Decimal("99.5")]
    assert (found.title, found.count) == ("BTC-USD · order book", "2 bids · 2 asks")
    assert found.problem_texts == "bids come with the lowest price first: sorted here"
    assert found.representations[1].rows[0] == ("bid", "99.5", "1")


def test_a_crossed_book_and_bad_levels_are_reported():
    sides = {"bids": [[105, 1], ["x", 1], [1]], "asks": [{"price": 101, "size": 1}, [102, -1]]}
    found = shown({"orderbook": sides}, BOOK)
    kinds = set(found.counts)
    assert kinds == {ProblemKind.CROSSED, ProblemKind.BAD_NUMBER, ProblemKind.NEGATIVE}
    assert found.title == "BTC-USD · order book"


def test_trades_are_a_tape():
    trade = {"id": "t1", "timestamp": "2024-01-15T10:00:01", "side": "buy", "price": "5.10"}
    earlier = {**trade, "timestamp": "2024-01-15T10:00:00", "price": "-1"}
    found = shown({"symbol": "ETH-USD", "trades": [trade, earlier]}, "x.json")
    tape = found.representations[0]
    assert isinstance(tape, Table)
    assert (tape.label, tape.signs, tape.rows[0][3]) == ("Tape", "side", "5.10")
    assert set(found.counts) == {
        ProblemKind.DUPLICATE, ProblemKind.NOTE, ProblemKind.NEGATIVE,
    }  # fmt: skip


def test_holdings():
    assets = [
        {"symbol": "ETH", "quantity": "2", "avg_price": 1, "current_price": "3.5"},
        {"symbol": "BTC", "quantity": 0.5, "value_usd": "20000.10"},
        {"symbol": "BAD", "quantity": "?"},
    ]
    body = {"user_id": "user-1", "portfolio": {"total_value_usd": 20007.1, "assets": assets}}
    found = shown(body, "user-data/user-1/portfolio/2024/01/15/2024-01-15T10:00:00Z.json")
    holdings = found.representations[0]
    assert isinstance(holdings, Holdings)
    assert [(one.symbol, one.value) for one in holdings.holdings] == [
        ("BTC", Decimal("20000.10")), ("ETH", Decimal(7)), ("BAD", None),
    ]  # fmt: skip
    assert found.problem_texts == "BAD has no readable quantity"


def test_table_backup_of_the_old_form():
    body = {"table_name": "users", "records": [{"id": 1, "name": "Ann"}, {"id": 2, "x": None}]}
    found = shown(body, "backups/database/users/2024/01/15/2024-01-15T10:00:00Z.json")
    assert found.title == "users · table backup"
    assert found.representations[0].columns == ("id", "name", "x")
    assert found.representations[0].rows == (("1", "Ann", ""), ("2", "", ""))


def test_analytics_are_a_tree():
    found = shown({"report_type": "r", "analysis": {"a": {"b": 1.25}}}, "analytics/r/x.json")
    assert isinstance(found.representations[0], Tree)
    assert found.representations[0].root["analysis"]["a"]["b"] == "1.25"


def test_a_key_of_the_contract_with_other_contents_is_no_error():
    assert isinstance(shown({"hello": 1}, OHLCV).representations[0], Tree)
    assert isinstance(preview(b"hello", OHLCV).representations[0], Lines)
    assert isinstance(shown(wrapped([]), OHLCV).representations[0], Tree)
