"""Stored documents are valid JSON: NaN and infinity are refused or become null."""

import json
from collections import UserDict
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from helpers.moto_bucket import moto_bucket
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidInput
from core.storage.crypto_data_manager import CryptoDataManager
from core.storage.documents import Payload, document, encoded
from core.storage.s3_storage_service import S3StorageService

NAN, INFINITY = float("nan"), float("inf")
AT = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


class Float32:
    """A stand-in for numpy's narrow float, which is no `float`."""

    def __float__(self):
        return NAN


class NaTType(datetime):
    """A stand-in for pandas' missing time, which is a datetime by type."""


@pytest.fixture(scope="module")
def bucket():
    with moto_bucket() as made:
        yield made


def calls(data, **more):
    """Every writer of JSON, with one value that is not JSON, and how that value is called."""
    bad = {"ok": 1, "x": NAN}
    return {
        "ohlcv_data[1].x is nan": lambda: data.save_ohlcv_data("A", "1h", [{}, bad], AT, **more),
        "orderbook.bids[0][1] is Infinity": lambda: data.save_orderbook_data(
            "A", {"bids": [["1", Decimal("Infinity")]], "asks": []}, AT, **more
        ),
        "trades[2].x is nan": lambda: data.save_trade_data("A", ({}, {}, bad), AT, **more),
        "portfolio.assets[0].x is nan": lambda: data.save_user_portfolio(
            "u", {"assets": [bad]}, AT, **more
        ),
        "trades[0].price is -inf": lambda: data.save_user_trades(
            "u", [UserDict({"price": -INFINITY})], AT, **more
        ),
        "analysis_data.rsi.deep is sNaN": lambda: data.save_analytics_report(
            "r", {"rsi": {"deep": Decimal("sNaN")}}, AT, **more
        ),
        "data[0].x is nan": lambda: data.backup_database_table("t", [bad], AT, **more),
    }


def test_every_writer_refuses_nan_and_names_field_and_row_before_anything_is_sent(bucket):
    data = CryptoDataManager(S3StorageService(clients=bucket.clients))
    sent = []
    bucket.client.meta.events.register("before-send.s3", lambda **event: sent.append(event))
    refused = calls(data)
    for named, call in refused.items():
        with pytest.raises(InvalidInput) as raised:
            call()
        assert raised.value.summary == f"{named}, which JSON does not support"
        assert 'nan="null"' in raised.value.remedy
    assert sent == []
    assert len(refused) == 7


def test_every_writer_stores_null_where_the_caller_asks_for_it(bucket):
    data = CryptoDataManager(S3StorageService(clients=bucket.clients))
    for call in calls(data, nan="null").values():
        text = data.s3_service.get_object_data(call().key)
        assert b"null" in text
        json.loads(text, parse_constant=pytest.fail)
    with pytest.raises(InvalidInput, match="nan='zero'"):
        data.save_trade_data("A", [], nan="zero")


def test_further_values_are_named_and_counted():
    rows = [{"open": NAN} for _ in range(8)]
    with pytest.raises(InvalidInput) as raised:
        encoded({}, Payload("data", "ohlcv_data", rows))
    assert raised.value.subject == "ohlcv_data[0].open"
    assert "ohlcv_data[4].open is nan; 3 more" in raised.value.cause


@pytest.mark.parametrize("value", [NaTType(1, 1, 1), pytest.param("float32", id="float32")])
def test_missing_values_of_other_libraries_are_no_text(value):
    if value == "float32":
        from numbers import Real

        Real.register(Float32)
        value = Float32()
    with pytest.raises(InvalidInput, match=r"analysis_data\.when is"):
        encoded({}, Payload("analysis", "analysis_data", {"when": value}))


CIRCLE: list[object] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize("value", [{("a", "b"): 1}, {"half": "\ud800"}, CIRCLE], ids=repr)
def test_what_cannot_be_written_is_an_error_of_ours(value):
    with pytest.raises(InvalidInput, match="analysis_data cannot be written as JSON"):
        encoded({}, Payload("analysis", "analysis_data", value))


def test_values_are_written_as_they_always_were():
    value = {"n": 1, "f": 0.1, "d": Decimal("0.10"), "t": AT, "b": True, "none": None, "ü": "ü"}
    text = encoded({"symbol": "A"}, Payload("analysis", "analysis_data", value)).decode()
    assert text == json.dumps(
        {"symbol": "A", "analysis": value}, indent=2, default=str, ensure_ascii=False
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=20,
)


@given(value=JSON)
@settings(max_examples=150, deadline=None)
def test_what_is_stored_is_always_json(value):
    payload = Payload("analysis", "analysis_data", value)
    try:
        text = encoded({}, payload)
    except InvalidInput:
        text = encoded({}, payload, nan="null")
        assert b"null" in text
    assert set(json.loads(text, parse_constant=pytest.fail)) == {"analysis"}


def test_fractions_are_floats_as_json_gives_them_or_exact_where_asked():
    raw = b'{"a": 0.10, "b": 7}'
    assert document("a.json", raw) == {"a": 0.1, "b": 7}
    assert isinstance(document("a.json", raw)["a"], float)
    exact = document("a.json", raw, exact=True)
    assert (exact["a"], str(exact["a"]), exact["b"]) == (Decimal("0.1"), "0.10", 7)
