"""Kind, names and time of a file are detected from its content, each with its position."""

import gzip
import json
from types import SimpleNamespace

import pytest

from core.filing.contents import inspect_file
from core.filing.detection import Found, found_in_document, found_in_path, found_in_text


def candles(*times, **more):
    values = dict.fromkeys(("open", "high", "low", "close", "volume"), 1)
    return [{"timestamp": time, **values, **more} for time in times]


def values(found):
    return {each.name: each.value for each in found}


HOURS = ("2024-02-03T02:00:00Z", "2024-02-03T00:00:00Z", "2024-02-03T01:00:00Z")
TRADES = [
    {"timestamp": "2024-02-03T04:00:00Z", "symbol": "ETH-USD", "side": "buy", "price": 1},
    {"timestamp": "2024-02-03T04:00:05Z", "symbol": "ETH-USD", "side": "sell", "price": 2},
]


@pytest.mark.parametrize(
    ("root", "wanted"),
    [
        (
            {"symbol": "BTC-USD", "timeframe": "4h", "timestamp": "2024-02-03T04:00:00Z",
             "data": candles(*HOURS)},
            {"kind": "ohlcv", "symbol": "BTC-USD", "timeframe": "4h",
             "moment": "2024-02-03T04:00:00Z"},
        ),
        (
            candles(*HOURS),
            {"kind": "ohlcv", "timeframe": "1h", "moment": "2024-02-03T02:00:00Z"},
        ),
        (
            [[1706918400000, "1", "2", "0.5", "1", "9"], [1706918460000, "1", "2", "1", "1", "9"]],
            {"kind": "ohlcv", "timeframe": "1m", "moment": "2024-02-03T00:01:00Z"},
        ),
        (
            TRADES,
            {"kind": "trades", "symbol": "ETH-USD", "moment": "2024-02-03T04:00:05Z"},
        ),
        (
            [*TRADES, {**TRADES[0], "symbol": "BTC-USD"}],
            {"kind": "trades", "moment": "2024-02-03T04:00:05Z"},
        ),
        (
            {"user_id": "u1", "trades": TRADES},
            {"kind": "user_trades", "user_id": "u1", "symbol": "ETH-USD",
             "moment": "2024-02-03T04:00:05Z"},
        ),
        (
            {"symbol": "X", "orderbook": {"timestamp": 1706918400, "bids": [], "asks": []}},
            {"kind": "orderbook", "symbol": "X", "moment": "2024-02-03T00:00:00Z"},
        ),
        ({"table_name": "users", "records": []}, {"kind": "backup", "table_name": "users"}),
        ({"anything": 1}, {}),
        ([], {}),
        ([1, 2], {}),
        ("text", {}),
        ({"data": [None, {"timestamp": {}}, 3]}, {"kind": "ohlcv"}),
    ],
)  # fmt: skip
def test_a_document_says_what_it_is(root, wanted):
    assert values(found_in_document(root)) == wanted


def test_each_value_names_its_place():
    found = found_in_document(candles(*HOURS))
    assert {each.name: each.source for each in found} == {
        "kind": "the members of its rows",
        "timeframe": "the distance between its candles",
        "moment": "the newest of its 3 rows",
    }
    assert found_in_document({"symbol": "X"})[0] == Found("symbol", "X", "“symbol” in the file")


def test_a_log_is_dated_by_its_first_line_and_other_bytes_are_not_taken_for_one():
    found = found_in_text(b"boot\n2024-02-03 04:05:06,789 INFO start\n2024-02-04 00:00:00 end\n")
    assert values(found) == {"kind": "log", "moment": "2024-02-03T04:05:06.789000Z"}
    assert values(found_in_text(b"no time here")) == {"kind": "log"}
    assert found_in_text(b"\x89PNG\r\n\x1a\n\0\0") == ()
    assert found_in_text(b'{"broken": ') == ()
    assert found_in_text(b"") == ()


def test_the_path_of_a_downloaded_object_counts():
    key = "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T10%3A00%3A00Z.json"
    assert values(found_in_path(f"/data/down/{key}")) == {
        "kind": "ohlcv", "symbol": "BTC-USD", "timeframe": "1h", "moment": "2024-01-15T10:00:00Z",
    }  # fmt: skip
    assert values(found_in_path("/tmp/book 2024-01-15T10:00:00Z.json")) == {
        "moment": "2024-01-15T10:00:00Z"
    }
    assert found_in_path("/tmp/x.json") == found_in_path("") == ()


def test_the_content_counts_more_than_the_path_and_the_date_of_the_file_for_nothing(tmp_path):
    place = SimpleNamespace(bucket=None)
    path = tmp_path / "2020-01-01T00:00:00Z.json"
    path.write_text(json.dumps({"symbol": "ETH-USD", "data": candles(*HOURS)}))
    found = inspect_file(place, path=str(path))
    assert (found.kind, found.moment) == ("ohlcv", "2024-02-03T02:00:00Z")
    assert found.count == "3 candles"
    other = tmp_path / "x.json"
    other.write_text('{"symbol": "ETH-USD"}')
    assert inspect_file(place, path=str(other)).moment == ""
    packed = tmp_path / "app.log.gz"
    packed.write_bytes(gzip.compress(b"2024-02-03T04:05:06Z start\n"))
    found = inspect_file(place, path=str(packed))
    assert (found.kind, found.moment, found.trouble) == ("log", "2024-02-03T04:05:06Z", "")
