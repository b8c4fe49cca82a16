"""The statements for Athena fit the keys and the documents of the data contract."""

import re
from datetime import UTC, datetime

import pytest

from core.collect.athena import athena_texts, scan_cost
from core.collect.request import request_of
from core.errors import InvalidInput, NotSupported
from core.layout.building import build
from core.layout.kinds import kind

MOMENT = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)
MOMENT_SQL = "from_iso8601_timestamp_nanos(replace(\"timestamp\", ' ', 'T'))"


def _texts(kind_id, name="BTC-USD"):
    timeframe = "1h" if kind_id == "ohlcv" else ""
    return athena_texts("b", request_of(kind_id, [name], timeframe, "2024-01-01", "2024-01-31"))


@pytest.mark.parametrize("kind_id", ["ohlcv", "trades", "orderbook", "user_trades"])
def test_the_projected_partition_contains_the_key(kind_id):
    names = dict.fromkeys(kind(kind_id).names, "x")
    key = build(kind_id, moment=MOMENT, **names)
    table = _texts(kind_id).table
    place = re.search(r"'storage.location.template' = 's3://b/(.*)'", table)[1]
    for name, value in {**names, "day": "2024/01/15", "month": "2024/01"}.items():
        place = place.replace(f"${{{name}}}", value)
    assert key.startswith(place)
    partitions = re.search(r"PARTITIONED BY \((.*)\)", table)[1]
    for column in partitions.split(", "):
        assert f"'projection.{column.split()[0]}.type'" in table


def test_the_range_of_days_includes_the_margin_of_the_keys():
    assert "day BETWEEN '2023/12/27' AND '2024/02/05'" in _texts("ohlcv").query
    assert "month BETWEEN '2023/12' AND '2024/03'" in _texts("user_trades").query


def test_repeated_rows_follow_the_rule_of_collections():
    assert f'PARTITION BY symbol, {MOMENT_SQL} ORDER BY "$path" DESC' in _texts("ohlcv").query
    assert f"PARTITION BY symbol, {MOMENT_SQL} ORDER BY path DESC" in _texts("orderbook").query
    assert "PARTITION BY symbol, coalesce(id, concat(" in _texts("trades").query
    assert "PARTITION BY user_id, symbol, coalesce(id, concat(" in _texts("user_trades").query


@pytest.mark.parametrize("kind_id", ["ohlcv", "trades", "orderbook", "user_trades"])
def test_times_are_sorted_as_moments_and_numbers_are_not_rounded(kind_id):
    texts = _texts(kind_id)
    assert f"ORDER BY {MOMENT_SQL}" in texts.query
    assert "decimal" not in texts.table
    assert "double" not in texts.table


def test_a_name_cannot_end_its_literal():
    assert "symbol IN ('x'' OR 1=1 --')" in _texts("trades", "x' OR 1=1 --").query


def test_reports_have_no_table_and_patterns_no_partitions():
    with pytest.raises(NotSupported):
        _texts("analytics")
    with pytest.raises(InvalidInput, match="instead of the pattern"):
        _texts("trades", "BTC-*")


def test_a_query_costs_at_least_ten_megabytes():
    assert scan_cost(1) == pytest.approx(10e6 / 1e12 * 5)
    assert scan_cost(10**12) == pytest.approx(5)
