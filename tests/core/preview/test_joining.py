"""Several previews become one series, comparison, history of order books, or table."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.preview import (
    BookHistory,
    Candles,
    Comparison,
    Panes,
    ProblemKind,
    Table,
    Trades,
    join_previews,
    preview,
)
from core.preview.values import DEGREES

START = datetime(2024, 1, 15, tzinfo=UTC)


def candle_file(hours, symbol="BTC-USD", timeframe="1h", **changed):
    rows = [
        {
            "timestamp": (START + timedelta(hours=hour)).isoformat(),
            "open": "10.50",
            "high": 14,
            "low": 9,
            "close": 11 + hour % 3,
            "volume": 3,
            **changed,
        }
        for hour in hours
    ]
    body = {"symbol": symbol, "timeframe": timeframe, "data": rows}
    key = f"market-data/ohlcv/{symbol}/{timeframe}/2024/01/15/{hours[0]:02}.json"
    return preview(json.dumps(body).encode(), key)


def book_file(minute, symbol="BTC-USD", size=2):
    when = (START + timedelta(minutes=minute)).isoformat()
    body = {
        "symbol": symbol,
        "timestamp": when,
        "orderbook": {
            "bids": [[f"{100 - n + minute}.10", "1.50"] for n in range(size)],
            "asks": [[f"{101 + n + minute}.20", "2.50"] for n in range(size)],
        },
    }
    return preview(json.dumps(body).encode(), f"market-data/orderbook/{symbol}/{minute}.json")


def trade_file(hour, symbol="BTC-USD"):
    trades = [
        {"id": hour * 2 + n, "timestamp": (START + timedelta(hours=hour)).isoformat(), **side}
        for n, side in enumerate(
            ({"side": "buy", "price": "10.1", "quantity": "1"}, {"side": "SELL", "price": 9, "quantity": 2})
        )
    ]  # fmt: skip
    body = {"symbol": symbol, "timestamp": START.isoformat(), "trades": trades}
    return preview(json.dumps(body).encode(), f"market-data/trades/{symbol}/{hour}.json")


def first(joined, kind):
    return next(each for each in joined.representations if isinstance(each, kind))


class TestCandles:
    def test_files_of_one_symbol_become_one_series(self):
        joined = join_previews([candle_file(range(24, 48)), candle_file(range(24))])
        candles = first(joined, Candles)
        assert joined.title == "BTC-USD · 1h"
        assert joined.count == "48 candles"
        assert [one.when for one in candles.candles] == [
            START + timedelta(hours=hour) for hour in range(48)
        ]
        assert str(candles.candles[0].open) == "10.50"
        assert candles.gaps == ()
        assert not joined.problems

    def test_overlapping_candles_count_once_and_equal_ones_are_a_note(self):
        joined = join_previews([candle_file(range(10)), candle_file(range(5, 15))])
        assert joined.count == "15 candles"
        assert joined.counts == {ProblemKind.NOTE: 5}
        assert joined.problem_texts == "5 repeated candles in several objects"

    def test_of_differing_repeats_the_last_object_counts(self):
        joined = join_previews([candle_file(range(3)), candle_file(range(2, 5), close=10, high=12)])
        assert first(joined, Candles).candles[2].close == 10
        assert joined.counts[ProblemKind.DUPLICATE] == 1

    def test_a_gap_between_files_is_found_and_one_that_a_file_fills_is_none(self):
        gap = join_previews([candle_file(range(5)), candle_file(range(8, 12))])
        assert [one.missing for one in first(gap, Candles).gaps] == [3]
        sparse = candle_file([0, 1, 2, 6, 7, 8])
        filled = join_previews([sparse, candle_file([3, 4, 5])])
        assert first(filled, Candles).gaps == ()
        assert ProblemKind.GAP not in filled.counts

    def test_several_symbols_are_compared(self):
        joined = join_previews(
            [candle_file(range(5), symbol) for symbol in ("BTC-USD", "ETH-USD", "SOL-USD")]
        )
        assert [one.symbol for one in first(joined, Comparison).symbols] == [
            "BTC-USD", "ETH-USD", "SOL-USD",
        ]  # fmt: skip
        assert first(joined, Panes).charts == first(joined, Comparison).symbols
        assert joined.title == "BTC-USD, ETH-USD, SOL-USD"

    def test_a_few_objects_of_another_kind_are_left_out_with_a_note(self):
        files = [candle_file(range(5)), candle_file(range(5, 9)), preview(b"notes\n", "a.txt")]
        joined = join_previews(files)
        assert joined.count == "9 candles"
        assert "1 object of another kind left out" in joined.problem_texts

    def test_objects_with_nothing_in_common_have_no_joined_preview(self):
        assert join_previews([preview(b"a\n", "a.txt"), preview(b"\0\1", "b.bin")]) is None


class TestBooks:
    def test_order_books_become_a_history_in_order_of_time(self):
        joined = join_previews([book_file(minute) for minute in (2, 0, 1)])
        history = first(joined, BookHistory)
        assert joined.title == "BTC-USD · order books"
        assert [book.when for book in history.books] == [
            START + timedelta(minutes=minute) for minute in range(3)
        ]
        assert list(history.heat.best[0]) == pytest.approx([100.1, 101.1, 102.1])
        assert list(history.heat.best[1]) == pytest.approx([101.2, 102.2, 103.2])

    def test_bids_and_asks_have_their_degrees_at_their_prices(self):
        heat = first(join_previews([book_file(m, size=20) for m in range(4)]), BookHistory).heat
        assert heat.cells.shape[1] == 4
        assert heat.cells.dtype == np.uint8
        row = int((heat.high - 100.10) / (heat.high - heat.low) * len(heat.cells))
        assert 1 <= heat.cells[row, 0] <= DEGREES
        row = int((heat.high - 101.20) / (heat.high - heat.low) * len(heat.cells))
        assert DEGREES < heat.cells[row, 0] <= 2 * DEGREES

    def test_order_books_of_a_file_of_lines_are_a_history(self):
        lines = [
            json.dumps({"symbol": "X", "timestamp": 1_700_000_000 + n, "bids": [[1, 2]], "asks": [[3, 4]]})
            for n in range(30)
        ]  # fmt: skip
        found = preview("\n".join(lines).encode(), "books.jsonl")
        assert len(first(found, BookHistory).books) == 30
        assert found.count == "30 order books"
        assert [each.label for each in found.representations[:3]] == ["Replay", "Table", "JSON"]

    def test_books_without_levels_leave_their_column_empty(self):
        empty = preview(
            json.dumps(
                {"symbol": "BTC-USD", "timestamp": 1_705_276_800, "bids": [], "asks": [[2, 1]]}
            ).encode(),
            "a.json",
        )
        history = first(join_previews([book_file(1), empty, book_file(2)]), BookHistory)
        assert np.isnan(history.heat.best[0, 0])


class TestTrades:
    def test_trades_are_joined_with_their_sides(self):
        joined = join_previews([trade_file(1), trade_file(0)])
        trades = first(joined, Trades)
        assert joined.count == "4 trades"
        assert list(np.diff(trades.times) >= 0) == [True] * 3
        assert list(trades.sells) == [False, True, False, True]
        assert list(trades.floats[1]) == [1, 2, 1, 2]
        assert not trades.unknown.any()

    def test_trades_that_overlapping_objects_share_count_once(self):
        """Otherwise the sums of what was bought and sold would be too large."""
        one, two = trade_file(0), trade_file(1)
        joined = join_previews([one, two, trade_file(0), one])
        assert joined.count == "4 trades"
        assert first(joined, Trades).floats[1].sum() == 6
        assert "4 repeated trades in several objects" in [each.text for each in joined.problems]
        # The trade of the last object counts, and ids of other symbols are other trades.
        late = [
            {"id": 1, "timestamp": START.isoformat(), "price": 1, "quantity": q} for q in (7, 9)
        ]
        late[1]["symbol"] = "ETH-USD"
        files = [
            preview(json.dumps({"symbol": "x", "trades": rows}).encode(), "x.json")
            for rows in ([{**late[0], "quantity": 5}], late)
        ]
        assert sorted(first(join_previews(files), Trades).floats[1]) == [7, 9]

    def test_trades_whose_ids_and_symbols_are_named_otherwise_count_once(self):
        row = {"timestamp": START.isoformat(), "price": 1, "quantity": 2}
        ids = (
            {"id": 1}, {"trade_id": "1", "symbol": "BTC/USD"}, {"tradeId": 1, "pair": "btcusd"},
            {"tid": 1}, {"id": 1, "symbol": "ETH-USD"},
        )  # fmt: skip
        files = [
            preview(
                json.dumps({"symbol": "BTC-USD", "trades": [{**row, **each}]}).encode(), "x.json"
            )
            for each in ids
        ]
        assert join_previews(files).count == "2 trades"

    def test_equal_trades_without_ids_count_as_often_as_in_one_object(self):
        row = {"timestamp": START.isoformat(), "price": "1.0", "quantity": "2"}
        other = {**row, "price": 1, "quantity": 2.0}
        files = [
            preview(json.dumps({"symbol": "x", "trades": rows}).encode(), "x.json")
            for rows in ([row, row, {**row, "side": "sell"}], [other], [{**row, "quantity": 3}])
        ]
        trades = first(join_previews(files), Trades)
        assert sorted(trades.floats[1]) == [2, 2, 2, 3]
        assert [len(trades.written), len(trades.ids)] == [4, 4]

    def test_amounts_without_sides_are_marked_by_their_sign(self):
        rows = [
            {"t": 1_700_000_000 + n, "p": 5, "amount": amount} for n, amount in enumerate((1, -2))
        ]
        found = preview(json.dumps({"trades": rows}).encode(), "x.json")
        assert list(first(found, Trades).sells) == [False, True]


def test_tables_with_the_same_columns_follow_one_another():
    tables = [preview(f"a,b\n{n},x{n}\n{n + 10},y\n".encode(), f"{n}.csv") for n in range(3)]
    joined = join_previews([*tables, preview(b"c,d\n1,2\n", "z.csv")])
    table = first(joined, Table)
    assert table.columns == ("a", "b")
    assert len(table.rows) == 6
    assert table.rows[2] == ("1", "x1")
    assert table.cell(5, 0) == "12"
    assert table.rows[-1] == ("12", "y")
    assert "1 table with other columns left out" in joined.problem_texts
