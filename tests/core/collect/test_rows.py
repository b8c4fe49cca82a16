"""Documents of the data contract, and what other programs wrote, become columns of exact values."""

import gzip
import json

import pytest

from core.collect.rows import UnreadableError, read_rows, unpacked

MOMENT = "2024-01-15T10:00:00Z"


def _read(kind, document):
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_rows(kind, unpacked(data), MOMENT)


def _table(kind, document):
    """Return the rows as dictionaries of texts."""
    return [
        {
            name: None if cell is None else str(cell)
            for name, cell in zip(block.names, row, strict=True)
        }
        for block in _read(kind, document).blocks
        for row in zip(*block.columns, strict=True)
    ]


def test_numbers_have_the_digits_of_the_document():
    body = b'{"data": [{"timestamp": 1705312800, "open": 0.10000000000000000555, "close": 1e-8}]}'
    assert _table("ohlcv", body) == [
        {"timestamp": "1705312800", "open": "0.10000000000000000555", "close": "1e-8"}
    ]


@pytest.mark.parametrize("name", ["timestamp", "time", "t", "Date", "open_time"])
def test_the_time_of_a_candle_has_one_name(name):
    assert _table("ohlcv", {"data": [{name: "x", "o": 1, "High": 2}]}) == [
        {"timestamp": "x", "open": "1", "high": "2"}
    ]


def test_a_bare_list_and_lists_of_numbers_are_candles():
    assert _table("ohlcv", [[1705312800000, 1, 3, 0.5, 2, 10]]) == [
        {"timestamp": "1705312800000", "open": "1", "high": "3", "low": "0.5", "close": "2", "volume": "10"}
    ]  # fmt: skip


def test_lists_are_read_in_the_order_that_their_values_prove():
    """Coinbase writes low, high, open, close."""
    rows = [[1705312800 + at * 60, 1, 9, 5, 6, 10] for at in range(5)]
    assert _table("ohlcv", rows)[0]["high"] == "9"
    assert _table("ohlcv", rows)[0]["open"] == "5"


def test_the_letters_of_streams_of_trades_are_id_and_time():
    """In Binance's streams `t` is the id of the trade, and `T` its time."""
    assert _table("trades", {"trades": [{"t": 3412345678, "p": "42.10", "T": 1705312800000}]}) == [
        {"id": "3412345678", "p": "42.10", "timestamp": "1705312800000"}
    ]


def test_rows_with_other_members_form_another_block():
    read = _read("trades", {"trades": [{"id": 1}, {"id": 2, "fee": 1}, {"id": 3}]})
    assert [(block.names, list(block.rows)) for block in read.blocks] == [
        (("id",), [0, 2]),
        (("id", "fee"), [1]),
    ]


def test_rows_that_are_no_objects_are_counted():
    assert _read("trades", {"trades": [1, None, {"id": 1}, {}]}).refused == 3


def test_a_book_is_one_row_a_level_at_the_time_of_the_document():
    book = {"bids": [["1.10", 2], {"price": 1, "qty": 3}], "asks": [["bad"]]}
    read = _read("orderbook", {"timestamp": "2024-01-15T10:00:01Z", "orderbook": book})
    assert read.refused == 1
    assert list(zip(*read.blocks[0].columns, strict=True)) == [
        ("2024-01-15T10:00:01Z", "bid", 1, "1.10", 2),
        ("2024-01-15T10:00:01Z", "bid", 2, 1, 3),
    ]


def test_a_portfolio_is_one_row_an_asset_with_the_values_of_the_portfolio():
    portfolio = {"total_value_usd": 5, "assets": [{"symbol": "BTC"}, {"symbol": "ETH"}]}
    assert _table("portfolio", {"portfolio": portfolio}) == [
        {"timestamp": MOMENT, "total_value_usd": "5", "symbol": "BTC"},
        {"timestamp": MOMENT, "total_value_usd": "5", "symbol": "ETH"},
    ]


def test_assets_by_their_symbols_are_rows_with_these():
    assets = {"BTC": {"quantity": 1.5}, "ETH": 2, "x": {"Asset": "SOL", "quantity": 3}}
    assert _table("portfolio", {"portfolio": {"total": 5, "assets": assets}}) == [
        {"timestamp": MOMENT, "total": "5", "symbol": "BTC", "quantity": "1.5"},
        {"timestamp": MOMENT, "total": "5", "symbol": "ETH", "quantity": "2"},
        {"timestamp": MOMENT, "total": "5", "Asset": "SOL", "quantity": "3"},
    ]
    assert _table("portfolio", {"portfolio": {"total": 5, "assets": {}}}) == [
        {"timestamp": MOMENT, "total": "5"}
    ]
    with pytest.raises(UnreadableError, match="neither a list nor an object"):
        _read("portfolio", {"portfolio": {"assets": 7}})


def test_gzip_with_several_members_is_read():
    body = json.dumps({"trades": [{"id": 1}]}).encode()
    assert len(_table("trades", gzip.compress(body[:9]) + gzip.compress(body[9:]))) == 1


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"{", "not valid JSON"),
        (b'{"data": 1}', "not a list"),
        (b'{"rows": []}', "no member “data”"),
        (b'{"data": [], "data": []}', "not valid JSON"),
        (gzip.compress(b"{}", mtime=0)[:-9], "ends early"),
        (b"\x1f\x8b" + b"x" * 20, "damaged"),
        (b'{"data": ["\xff"]}', "not valid JSON"),
    ],
)
def test_a_damaged_document_is_refused_with_a_reason(body, reason):
    with pytest.raises(UnreadableError, match=reason):
        _read("ohlcv", body)


def test_a_document_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr("core.collect.rows.MOST_BYTES", 1000)
    with pytest.raises(UnreadableError, match="when it is unpacked"):
        _read("ohlcv", gzip.compress(b" " * 2000))
