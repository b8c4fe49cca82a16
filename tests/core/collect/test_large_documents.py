"""Documents that are too large for the memory are collected in parts, with the same rows."""

import gzip
import json

import pytest

from core.collect import collecting, json_list, large_documents, reading

DAY = "market-data/ohlcv/BTC-USD/1m/2024/01/15"
TRADES = "market-data/trades/BTC-USD/2024/01/15/10"
BOOK = "market-data/orderbook/BTC-USD/2024/01/15/10"
MOMENT = "2024-01-15T10:00:00Z"


def times(count):
    return [f"2024-01-15T{10 + n // 60}:{n % 60:02}:00Z" for n in range(count)]


def documents():
    """Return documents of each form by their kinds and keys."""
    candles = [
        {"timestamp": at, "open": n, "high": f"{n}.50", "low": 1e-9, "close": n, "volume": 1}
        for n, at in enumerate(times(100))
    ]
    # Kraken's order of the columns is known from the first rows only.
    lists = [[1705312800 + 60 * n, 5, 9, 1, 6, 5.5, 100 + n, 7] for n in range(100)]
    trades = [
        {"id": n, "timestamp": at, "price": f"{n}.1", "quantity": 2}
        for n, at in enumerate(times(100))
    ]
    yield "ohlcv", f"{DAY}/{MOMENT}.json", {"symbol": "BTC-USD", "data": candles, "more": [1, 2]}
    yield "ohlcv", f"{DAY}/{MOMENT}.json", {"data": lists}
    yield "ohlcv", f"{DAY}/{MOMENT}.json", [*candles, "no candle"]
    yield "trades", f"{TRADES}/{MOMENT}.json", {"n": "trades", "trades": trades}
    yield "orderbook", f"{BOOK}/00_{MOMENT}.json", {
        "timestamp": MOMENT, "orderbook": {"bids": [[1, 2]] * 50, "asks": [[3, 4]]},
    }  # fmt: skip


@pytest.fixture
def in_parts(monkeypatch):
    """Return the function after which all objects are large."""

    def call():
        monkeypatch.setattr(reading, "STORED_BYTES", 0)
        monkeypatch.setattr(json_list, "_PART_BYTES", 300)

    return call


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("number", range(len(list(documents()))))
def test_the_rows_are_those_of_a_document_that_is_read_at_once(collected, in_parts, number, pack):
    kind, key, document = list(documents())[number]
    collected.put(key, pack(json.dumps(document).encode()))
    before, rows = collected.collect(kind, cache=False)
    in_parts()
    report, found = collected.collect(kind, cache=False)
    assert found == rows
    assert len(rows) > 40
    assert (report.types, report.repeated) == (before.types, before.repeated)
    assert [each.rows for each in report.problems] == [each.rows for each in before.problems]


def test_packed_documents_are_not_unpacked_in_memory(collected, monkeypatch):
    monkeypatch.setattr(collecting, "MOST_PACKED", 30)
    monkeypatch.setattr(collecting, "unpacked", None)
    _, key, document = next(documents())
    collected.put(key, gzip.compress(json.dumps(document).encode()))
    assert len(collected.collect()[1]) == 100


@pytest.mark.parametrize(
    ("document", "rows", "reason"),
    [
        (b'{"data": [%s, {"timestamp" 5}]}', 90, "The rows before are in the table."),
        (b'{"data": [%s]', 0, "has no end"),
        (b'{"data": [%s], "data": []}', 0, "not valid JSON"),
        (b'{"rows": [%s]}', 0, "no member “data”"),
        (b'{"data": {"a": [%s]}}', 0, "no member “data” that is a list"),
    ],
)
def test_a_damaged_document_is_named(collected, in_parts, document, rows, reason):
    in_parts()
    candles = json.dumps(next(documents())[2]["data"])[1:-1].encode()
    collected.put(f"{DAY}/{MOMENT}.json", document % candles)
    collected.candles("BTC-USD", "2024-01-16T10:00:00Z", [("2024-01-16T10:00:00Z", 1)])
    report, found = collected.collect()
    (problem,) = report.problems
    assert reason in problem.reason
    # The part with the fault is omitted, which may have other rows, too.
    assert rows <= len(found) - 1 <= (100 if rows else 0)


def test_a_large_document_of_one_moment_is_refused_with_the_reason(
    collected, in_parts, monkeypatch
):
    in_parts()
    monkeypatch.setattr(large_documents, "MOST_LINE", 100)
    kind, key, document = list(documents())[-1]
    collected.put(key, document)
    report, _ = collected.collect(kind)
    assert "a document of one moment may have" in report.problems[0].reason


def test_requests_for_large_documents_are_in_the_plan(collected, monkeypatch):
    monkeypatch.setattr(collecting, "STORED_BYTES", 0)
    monkeypatch.setattr(collecting, "ranges_of", lambda _size: 5)
    collected.candles("BTC-USD", MOMENT, [(MOMENT, 1)])
    assert collected.plan(cache=False).gets == 6
