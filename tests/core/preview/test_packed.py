"""Packed previews show the same texts and exact numbers, and are sent without one object for each."""

from __future__ import annotations

import json
import os
import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.engine.frames import Kind, Reader, Writer
from core.preview import (
    Book,
    BookHistory,
    Candles,
    CandleSeries,
    Table,
    Trades,
    join_previews,
    preview,
)
from core.preview.packed import pack, packed_bytes
from core.preview.packed_texts import PackedRows, PackedTexts
from core.preview.resampling import resample

START = datetime(2024, 1, 15, tzinfo=UTC)
TEXTS = st.lists(st.none() | st.text(max_size=9) | st.just("\ud800é"), max_size=40)


@given(first=TEXTS, second=TEXTS)
@settings(max_examples=60, deadline=None)
def test_texts_are_returned_as_they_were(first, second):
    texts = PackedTexts.chained([PackedTexts.of(first), PackedTexts.of(second)])
    expected = [*first, *second]
    assert [texts[at] for at in range(len(texts))] == expected
    assert list(texts[2:30]) == expected[2:30]
    assert list(texts[::-2]) == expected[::-2]
    assert texts[5:3] == ()
    with pytest.raises(IndexError):
        texts[len(expected)]


def candles(hours, close="11.50", volume='"3.10"'):
    rows = ", ".join(
        f'{{"timestamp": "{(START + timedelta(hours=hour)).isoformat()}", "open": 10.50,'
        f' "high": "14", "low": 9, "close": {close}, "volume": {volume}}}'
        for hour in hours
    )
    body = f'{{"symbol": "BTC", "timeframe": "1h", "data": [{rows}]}}'
    return preview(body.encode(), f"market-data/ohlcv/BTC/1h/{hours[0]:02}.json")


def packed(seen):
    kinds = (Candles, Book, Trades, Table)
    chosen = [pack(each) for each in seen.representations if isinstance(each, kinds)]
    return type(seen)(seen.key, seen.title, seen.count, tuple(chosen), seen.problems, seen.counts)


def test_joined_candles_are_the_same_and_exact():
    files = [candles(range(9)), candles(range(6, 20), close="11.500"), candles(range(30, 33))]
    plain, other = join_previews(files), join_previews([packed(each) for each in files])
    one, two = plain.representations[0], other.representations[0]
    assert tuple(two.candles) == tuple(one.candles)
    assert str(two.candles[3].open) == "10.50"
    assert str(two.candles[19].close) == "11.500"
    assert (two.gaps, two.step, other.problems) == (one.gaps, one.step, plain.problems)
    assert tuple(resample(two, "4h").candles) == tuple(resample(one, "4h").candles)


def test_a_missing_volume_stays_missing():
    seen = packed(candles(range(5), volume="null"))
    assert [each.volume for each in seen.representations[0].candles] == [None] * 5


def test_order_books_and_trades_and_tables_are_the_same():
    books = [book(minute) for minute in range(4)]
    plain, other = join_previews(books), join_previews([packed(each) for each in books])
    one, two = plain.representations[0], other.representations[0]
    assert isinstance(two, BookHistory)
    assert [tuple(each.bids) for each in two.books] == [tuple(each.bids) for each in one.books]
    assert two.books[1].asks[0].price == Decimal("102.20")
    assert np.array_equal(two.heat.cells, one.heat.cells)
    bought = [trades(hour) for hour in (3, 1, 2)]
    plain, other = join_previews(bought), join_previews([packed(each) for each in bought])
    one, two = plain.representations[0], other.representations[0]
    assert list(two.written) == list(one.written)
    assert list(two.written[1:3]) == list(one.written)[1:3]
    tables = [preview(f"a,b\n{n},é{n}\n,x\n".encode(), f"{n}.csv") for n in range(3)]
    plain, other = join_previews(tables), join_previews([packed(each) for each in tables])
    assert list(other.representations[0].rows) == list(plain.representations[0].rows)
    assert other.representations[0].cell(2, 1) == "é1"


def book(minute):
    sides = {
        "bids": [[f"{100 - n + minute}.10", "1.50"] for n in range(3)],
        "asks": [[f"{101 + n + minute}.20", "2.50"] for n in range(3)],
    }
    when = (START + timedelta(minutes=minute)).isoformat()
    body = {"symbol": "BTC", "timestamp": when, "orderbook": sides}
    return preview(json.dumps(body).encode(), f"market-data/orderbook/BTC/{minute}.json")


def trades(hour):
    when = (START + timedelta(hours=hour)).isoformat()
    found = [
        {
            "id": hour * 9 + n,
            "timestamp": when,
            "side": "buy",
            "price": f"10.{n}0",
            "quantity": n + 1,
        }
        for n in range(3)
    ]
    body = {"symbol": "BTC", "timestamp": START.isoformat(), "trades": found}
    return preview(json.dumps(body).encode(), f"market-data/trades/BTC/{hour}.json")


def test_a_million_candles_are_sent_in_a_few_objects():
    count = 100_000
    written = [f"{n}.50" for n in range(count)]
    floats = np.zeros((5, count))
    series = CandleSeries(np.arange(count), floats, [written] * 4 + [[None] * count])
    made = pack(Candles("A", "1m", series))
    arrays = []
    message = pickle.dumps(made, 5, buffer_callback=lambda one: arrays.append(one.raw().nbytes))
    assert len(message) < 4_000
    assert sum(arrays) == pytest.approx(packed_bytes(made), rel=0.01)


def test_arrays_are_sent_beside_the_message_and_can_be_changed():
    inner, outer = os.pipe()
    large, small = np.arange(7_000.0), np.arange(3)
    with os.fdopen(inner, "rb") as source, os.fdopen(outer, "wb", 200_000) as target:
        Writer(target).send(Kind.DONE, {"large": large, "small": small, "again": large})
        kind, found = Reader(source).receive()
    assert kind is Kind.DONE
    assert np.array_equal(found["large"], large)
    assert np.array_equal(found["small"], small)
    assert found["again"] is found["large"]
    found["large"][0] = 5
    assert found["large"][0] == 5


def test_an_array_that_is_cut_off_ends_the_connection():
    inner, outer = os.pipe()
    with os.fdopen(inner, "rb") as source:
        with os.fdopen(outer, "wb") as target:
            frame = Frame()
            Writer(frame).send(Kind.DONE, np.arange(9_000.0))
            target.write(frame.content[:40_000])
        assert Reader(source).receive() is None


class Frame:
    def __init__(self):
        self.content = b""

    def write(self, data):
        self.content += bytes(data)

    def flush(self):
        pass


def test_rows_without_columns_and_empty_ones_are_packed():
    assert list(PackedRows.of([], 2)) == []
    rows = [("a", "b"), ("c", "")]
    assert list(PackedRows.of(rows, 2)) == rows
    assert PackedRows.of(rows, 2)[-1] == ("c", "")
