"""Previews follow the conventions of exchange feeds (`resources/docs/market-data-conventions.md`)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.preview import QUIET_KINDS, Book, Candles, ProblemKind, Table, preview

OHLCV = "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T00:00:00Z.json"
BOOK = "market-data/orderbook/BTC-USD/2024/01/15/10/30_2024-01-15T10:30:00Z.json"
START = datetime(2024, 1, 15, tzinfo=UTC)


def at(hour):
    return int((START + timedelta(hours=hour)).timestamp())


def candle(hour, **changed):
    row = {"timestamp": at(hour) * 1000, "open": "10", "high": "12", "low": "9", "close": "11"}
    return {**row, "volume": "3", **changed}


def shown(body, key=OHLCV):
    return preview(json.dumps(body).encode(), key)


def candles(rows, **more):
    found = shown({"symbol": "BTC-USD", "timeframe": "1h", "data": rows, **more})
    return found, found.representations[0]


def test_a_file_that_is_newest_first_is_one_note():
    found, chart = candles([candle(hour) for hour in reversed(range(24))])
    assert found.problem_texts == "newest first: drawn in order of time"
    assert [one.when.hour for one in chart.candles] == list(range(24))
    assert found.problems[0].kind in QUIET_KINDS


def test_a_row_against_the_order_of_a_file_is_a_finding_of_its_own():
    hours = [9, 8, 7, 3, 6, 5, 4]
    found, chart = candles([candle(hour) for hour in hours])
    assert found.counts == {ProblemKind.OUT_OF_ORDER: 1, ProblemKind.NOTE: 1}
    assert [one.when.hour for one in chart.candles] == sorted(hours)


def test_the_newest_of_two_states_is_drawn_whatever_the_order():
    states = [candle(1), candle(1, volume="5", high="13"), candle(2), candle(3)]
    for rows in (states, states[::-1]):
        found, chart = candles(rows)
        assert chart.candles[0].volume == Decimal(5)
        assert "1 row updates the candle before" in found.problem_texts
        assert ProblemKind.DUPLICATE not in found.counts


def test_an_interval_without_a_candle_is_an_empty_interval_with_its_date():
    found, _ = candles([candle(0), candle(3), candle(30)])
    texts = [problem.text for problem in found.problems]
    assert texts == [
        "2 empty intervals: 15 Jan 2024 01:00:00 to 02:00:00 UTC",
        "26 empty intervals: 15 Jan 2024 04:00:00 to 16 Jan 2024 05:00:00 UTC",
    ]
    assert found.problem_texts == "28 empty intervals"
    assert set(found.counts) <= QUIET_KINDS


def test_days_without_a_candle_are_named_by_date_alone():
    rows = [candle(0), candle(24 * 3)]
    found = shown({"timeframe": "1d", "data": rows})
    assert found.problem_texts == "2 empty intervals: 16 Jan 2024 to 17 Jan 2024"


def test_a_candle_of_volume_zero_is_an_ordinary_candle():
    flat = candle(1, open="11", high="11", low="11", close="11", volume="0")
    found, chart = candles([candle(0), flat, candle(2)])
    assert found.problems == ()
    assert len(chart.candles) == 3


def test_a_candle_without_prices_is_an_empty_interval():
    none = dict.fromkeys(("open", "high", "low", "close", "volume"))
    found, chart = candles([candle(0), candle(1, **none), candle(2), candle(3, **none)])
    assert [one.when.hour for one in chart.candles] == [0, 2]
    assert found.counts == {ProblemKind.GAP: 2}
    assert chart.gaps[0].missing == 1


def test_a_last_candle_that_is_not_over_is_a_note():
    found, _ = candles([candle(0), candle(1)], timestamp="2024-01-15T01:40:00Z")
    assert found.problem_texts == (
        "the last candle, 15 Jan 2024 01:00:00 UTC, was incomplete when this was saved"
    )
    for saved in ("2024-01-15T01:00:00Z", "2024-01-15T02:00:00Z", "2024-02-01T00:00:00Z"):
        assert candles([candle(0), candle(1)], timestamp=saved)[0].problems == ()


@pytest.mark.parametrize(
    ("source", "row"),
    [
        ("", [at(0) * 1000, 10, 13, 9, 12, 5]),
        ("", [at(0) * 1000, "10", "13", "9", "12", "5", at(1) * 1000 - 1, "55", 8, "2", "22", "0"]),
        ("Coinbase", [at(0), 9, 13, 10, 12, 5]),
        ("Bitfinex", [at(0) * 1000, 10, 12, 13, 9, 5]),
        ("KuCoin", [str(at(0)), "10", "12", "13", "9", "5", "55"]),
        ("Kraken", [at(0), "10", "13", "9", "12", "11.5", "5", 23]),
        ("Gate", [str(at(0)), "55", "12", "13", "9", "10", "5", "true"]),
    ],
)
def test_lists_in_the_column_orders_of_exchanges(source, row):
    found = shown([row])
    chart = found.representations[0]
    assert isinstance(chart, Candles)
    (one,) = chart.candles
    assert one.when == START
    assert (one.open, one.high, one.low, one.close, one.volume) == (10, 13, 9, 12, 5)
    assert source in found.problem_texts
    assert ("columns are read" in found.problem_texts) is bool(source)


@pytest.mark.parametrize(
    "row",
    [
        {"t": at(0), "o": "10", "h": "13", "l": "9", "c": "12", "v": "5"},
        {"id": at(0), "open": 10, "high": 13, "low": 9, "close": 12, "vol": 5},
        {"openTime": at(0) * 1000, "Open": 10, "High": 13, "Low": 9, "Close": 12, "Volume": 5},
    ],
)
def test_objects_in_the_names_of_exchanges(row):
    (one,) = shown([row]).representations[0].candles
    assert (one.when, one.open, one.volume) == (START, 10, 5)


def book(bids, asks, **more):
    found = shown({"symbol": "BTC-USD", "orderbook": {"bids": bids, "asks": asks}, **more}, BOOK)
    return found, found.representations[0]


def test_a_level_of_quantity_zero_is_a_deletion():
    found, depth = book([["100", "1"], ["99", "0"]], [["101", "0.0"], ["102", "2"]])
    assert found.problem_texts == "2 levels of quantity 0: a deletion, not drawn"
    assert set(found.counts) <= QUIET_KINDS
    assert [len(depth.bids), len(depth.asks)] == [1, 1]
    assert len(found.representations[1].rows) == 4


def test_repeated_prices_are_added_up_in_a_book_and_cover_each_other_in_an_update():
    orders, depth = book([["100", "1"], ["100", "2"]], [["101", "1"]])
    assert "quantities are added up" in orders.problem_texts
    assert len(depth.bids) == 2
    update, depth = book([["100", "1"], ["100", "2"], ["98", "1"], ["98", "0"]], [["101", "1"]])
    assert "the last quantity counts" in update.problem_texts
    assert [(level.price, level.quantity) for level in depth.bids] == [(100, 2)]


def test_further_columns_of_levels_are_shown():
    found, _ = book([["100", "1", "1705312800"]], [{"price": 101, "size": 2, "order_id": "a"}])
    table = found.representations[1]
    assert table.columns == ("side", "price", "quantity", "more")
    assert [row[3] for row in table.rows] == ["1705312800", '{order_id: "a"}']


def test_updates_of_a_stream_are_books():
    body = {"e": "depthUpdate", "E": at(0) * 1000, "s": "BTCUSDT", "b": [["100", "1"]], "a": []}
    found = shown(body, "x.json")
    depth = found.representations[0]
    assert isinstance(depth, Book)
    assert (depth.symbol, depth.when) == ("BTCUSDT", START)


def test_a_side_in_opposite_order_is_a_note_and_one_in_no_order_a_fault():
    found, _ = book(
        [["98", "1"], ["99", "1"], ["100", "1"]], [["103", "1"], ["101", "1"], ["102", "1"]]
    )
    assert found.counts == {ProblemKind.NOTE: 1, ProblemKind.OUT_OF_ORDER: 1}


def trade(number, second, **changed):
    when = (START + timedelta(seconds=second)).isoformat()
    return {
        "id": number,
        "timestamp": when,
        "side": "buy",
        "price": "5",
        "quantity": "1",
        **changed,
    }


def trades(rows):
    return shown({"symbol": "ETH-USD", "trades": rows}, "x.json")


def test_trades_of_one_time_are_normal_and_newest_first_is_one_note():
    rows = [trade(number, number // 3) for number in range(12)]
    assert trades(rows).problems == ()
    found = trades(rows[::-1])
    assert found.problem_texts == "newest first"
    moved = [*rows[:3], rows[11], *rows[3:11]]
    assert trades(moved).counts == {ProblemKind.OUT_OF_ORDER: 1}


def test_ids_are_unique_for_a_symbol_and_a_repeat_says_whether_it_differs():
    rows = [trade(1, 0, symbol="A"), trade(1, 0, symbol="B"), trade(1, 0, symbol="A")]
    found = trades(rows)
    assert found.problem_texts == "trade id 1 appears again in row 3"
    found = trades([trade(1, 0), trade(1, 0, price="6")])
    assert found.problem_texts == "trade id 1 appears again in row 2 with other values"


def test_negative_amounts_are_sells_where_there_are_no_sides():
    rows = [{"id": 1, "amount": "2", "price": "5"}, {"id": 2, "amount": "-1", "price": "5"}]
    found = trades(rows)
    assert found.problem_texts == "negative amounts mark sells, as there are no sides"
    sided = trades([trade(1, 0), trade(2, 1, quantity="-1")])
    assert sided.counts == {ProblemKind.NEGATIVE: 1}


def test_trades_of_streams_have_their_time_in_a_capital_letter():
    """In Binance's streams `t` is the id of the trade, and `T` its time."""
    rows = [
        {"t": 3412345678 + n, "p": "42.10", "q": "1", "T": at(n) * 1000, "m": True} for n in (0, 1)
    ]
    found = trades([*rows, rows[1]])
    drawn = found.representations[1]
    assert drawn.times.tolist() == [at(n) * 1_000_000 for n in (0, 1, 1)]
    assert found.problem_texts == "trade id 3412345679 appears again in row 3"


def test_a_cut_candle_file_names_the_cut_first_and_once():
    body = json.dumps({"timeframe": "1h", "data": [candle(hour) for hour in range(40)]}, indent=2)
    cut = body.index('"open"', body.index(str(at(38) * 1000))) + 15
    found = preview(body[:cut].encode(), OHLCV)
    assert len(found.representations[0].candles) == 38
    assert (
        found.problem_texts == f"the file ends in the middle (line {body[:cut].count(chr(10)) + 1})"
    )


def test_causes_come_before_consequences():
    rows = [candle(0), candle(1, high="8"), candle(1, high="8"), {}]
    body = json.dumps({"timeframe": "1h", "data": rows})
    body = body[: body.rindex("]")] + ', {"a": '
    kinds = [problem.kind for problem in preview(body.encode(), OHLCV).problems]
    assert kinds[0] is ProblemKind.TRUNCATED
    assert kinds == sorted(kinds, key=list(ProblemKind).index)


def test_data_under_a_name_of_candles_that_is_none_is_no_list_of_faults():
    found = shown({"data": [{"x": 1}, {"x": 2}]})
    assert isinstance(found.representations[0], Table)
    assert found.problem_texts == "no row is a candle, although the name indicates candles"


def test_a_row_with_several_faults_is_one_finding():
    rows = [candle(0), candle(1, open="n/a", high=None, low=None), {"timestamp": at(2) * 1000}]
    rows.append({**candle(3), "open": 5, "high": None, "low": [1], "close": None})
    found, _ = candles(rows)
    texts = [one.text for one in found.problems if one.kind is ProblemKind.BAD_NUMBER]
    assert texts == [
        "row 2: high and low are missing; open is “n/a”, not a number",
        "row 4: high and close are missing; low is “[1]”, not a number",
    ]


def test_a_cut_row_is_no_empty_interval():
    body = json.dumps({"timeframe": "1h", "data": [candle(hour) for hour in range(9)]})
    cut = body.index('"open"', body.index(str(at(6) * 1000)))
    found = preview(body[:cut].encode(), OHLCV)
    assert found.problem_texts == "the file ends in the middle (line 1)"
