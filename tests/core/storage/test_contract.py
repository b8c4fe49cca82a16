"""The storage classes write the keys, payloads and metadata of the contract exactly."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from helpers.moto_bucket import moto_bucket, store_copies_in_moto

import core
from core.errors import (
    CredentialsInvalid,
    InvalidInput,
    NoSuchBucket,
    NotFound,
    StorageError,
)
from core.storage.crypto_data_manager import CryptoDataManager
from core.storage.s3_storage_service import S3StorageService

AT = datetime(2024, 1, 15, 10, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def bucket():
    with moto_bucket() as made:
        yield made


@pytest.fixture
def s3(bucket):
    return S3StorageService(clients=bucket.clients)


@pytest.fixture
def data(s3):
    return CryptoDataManager(s3)


def stored(bucket, written):
    answer = bucket.client.get_object(Bucket=bucket.name, Key=written.key)
    return json.loads(answer["Body"].read()), answer["Metadata"], answer["ContentType"]


def test_keys_payloads_and_metadata_are_exact(bucket, data, tmp_path):
    candle = {"timestamp": "2024-01-15T10:00:00Z", "open": Decimal("0.1"), "close": 2}
    ts = "2024-01-15T10:30:00Z"
    written = data.save_ohlcv_data("BTC-USD", "1h", [candle], AT)
    assert written.key == f"market-data/ohlcv/BTC-USD/1h/2024/01/15/{ts}.json"
    body, metadata, content_type = stored(bucket, written)
    assert body == {
        "symbol": "BTC-USD", "timeframe": "1h", "timestamp": ts,
        "data": [candle | {"open": "0.1"}],
    }  # fmt: skip
    assert metadata == {
        "symbol": "BTC-USD", "timeframe": "1h", "data_type": "ohlcv", "timestamp": ts,
        "record_count": "1",
    }  # fmt: skip
    assert content_type == "application/json"
    book = {"bids": [["1", "2"]], "asks": [], "sequence": 7}
    written = data.save_orderbook_data("BTC-USD", book, AT)
    assert written.key == f"market-data/orderbook/BTC-USD/2024/01/15/10/30_{ts}.json"
    body, metadata, _ = stored(bucket, written)
    assert body == {"symbol": "BTC-USD", "timestamp": ts, "orderbook": book}
    assert metadata == {
        "symbol": "BTC-USD", "data_type": "orderbook", "timestamp": ts, "bid_count": "1",
        "ask_count": "0",
    }  # fmt: skip
    expected = {
        data.save_trade_data("ETH-USD", [{"p": 1}], AT): (
            f"market-data/trades/ETH-USD/2024/01/15/10/{ts}.json", "trades", "trade_count"),
        data.save_user_portfolio("craig", {"assets": [{}]}, AT): (
            f"user-data/craig/portfolio/2024/01/15/{ts}.json", "portfolio", "asset_count"),
        data.save_user_trades("craig", [{}], AT): (
            f"user-data/craig/trades/2024/01/{ts}.json", "trades", "trade_count"),
        data.backup_database_table("users", [{"id": 1}], AT): (
            f"backups/database/users/2024/01/15/{ts}.json", "database_backup", "record_count"),
    }  # fmt: skip
    for written, (key, data_type, count) in expected.items():
        _, metadata, _ = stored(bucket, written)
        assert written.key == key
        assert (metadata["data_type"], metadata["timestamp"]) == (data_type, ts)
        assert metadata[count] == "1"
    report = data.save_analytics_report("risk", {"rsi": 1}, AT)
    assert report.key == f"analytics/risk/2024/01/15/{ts}.json"
    assert stored(bucket, report)[1] == {
        "report_type": "risk", "data_type": "analytics", "timestamp": ts,
    }  # fmt: skip
    log = tmp_path / "app.log"
    log.write_text("line\n")
    written = data.upload_log_file("trading", log, AT)
    assert written.key == f"logs/trading/2024/01/15/{ts}_app.log"
    answer = bucket.client.head_object(Bucket=bucket.name, Key=written.key)
    assert answer["ContentType"] == "text/plain"
    assert answer["Metadata"]["filename"] == "app.log"


def test_naive_times_are_utc_and_aware_ones_are_converted(data):
    from datetime import timezone

    naive = data.save_trade_data("A", [], datetime(2024, 1, 15, 1, 2, 3, 4))  # noqa: DTZ001 - that is it
    assert naive.key.endswith("2024/01/15/01/2024-01-15T01:02:03.000004Z.json")
    east = datetime(2024, 1, 15, 1, tzinfo=timezone(timedelta(hours=2)))
    assert "2024/01/14/23/2024-01-14T23:00:00Z" in data.save_trade_data("A", [], east).key


@pytest.mark.parametrize("symbol", ["", " ", "a/b", ".", "..", "a\nb", "a\0"])
def test_names_that_would_break_the_layout_are_refused(data, symbol):
    with pytest.raises(InvalidInput, match="symbol"):
        data.save_trade_data(symbol, [])
    with pytest.raises(InvalidInput):
        data.get_latest_market_data(symbol, "trades")


def test_the_latest_is_the_newest_by_its_own_time_not_the_first_listed(bucket, data, s3):
    now = datetime.now(UTC)
    folder = "market-data/ohlcv/NEW-USD"
    old, new = now - timedelta(days=1), now
    day = f"{new:%Y/%m/%d}"
    bodies = {
        f"{folder}/1h/{old:%Y/%m/%d}/{old:%Y-%m-%dT%H:%M:%S}.json": {"n": "yesterday"},
        f"{folder}/1h/{day}/{new:%Y-%m-%dT00:00:01}+00:00.json": {"n": "early"},
        f"{folder}/1h/{day}/{new:%Y-%m-%dT00:00:02}.500000.json": {"n": "late"},
        f"{folder}/5m/{day}/{new:%Y-%m-%dT00:00:03}Z.json.gz": {"n": "latest"},
        f"{folder}/5m/{day}/not-a-time.json": {"n": "no"},
    }
    assert data.get_latest_market_data("NEW-USD", "ohlcv") is None
    for key, body in bodies.items():
        raw = json.dumps(body).encode()
        s3.upload_data(gzip.compress(raw) if key.endswith(".gz") else raw, key)
    assert data.get_latest_market_data("NEW-USD", "ohlcv") == {"n": "latest"}
    assert data.get_latest_market_data("NEW-USD", "ohlcv", timeframe="1h") == {"n": "late"}
    assert data.get_latest_market_data("NEW-USD", "trades", days_back=3) is None
    with pytest.raises(InvalidInput):
        data.get_latest_market_data("NEW-USD", "portfolio")


def test_more_than_a_thousand_objects_are_listed_and_counted():
    with moto_bucket() as bucket:
        store_copies_in_moto(bucket, [f"logs/{number:05}" for number in range(1203)], b"12")
        bucket.client.put_object(Bucket=bucket.name, Key="top", Body=b"123")
        s3 = S3StorageService(clients=bucket.clients)
        assert len(s3.list_objects("logs/")) == 1000
        rows = s3.list_objects("logs/", max_keys=5000)
        assert [row["key"] for row in rows] == [f"logs/{n:05}" for n in range(1203)]
        assert set(rows[0]) == {"key", "size", "last_modified", "etag"}
        assert len(s3.list_objects(max_keys=1100)) == 1100
        stats = CryptoDataManager(s3).get_storage_stats()
        assert stats["total_objects"] == 1204
        assert stats["total_size_bytes"] == 2409
        assert stats["data_types"]["logs"] == {"count": 1203, "size_bytes": 2406, "size_mb": 0.0}
        assert set(stats) == {
            "total_objects", "total_size_bytes", "total_size_mb", "data_types", "last_updated",
        }  # fmt: skip


def test_what_does_not_exist(bucket, s3, tmp_path):
    assert s3.object_exists("nothing") is False
    s3.upload_data("text", "there", content_type="text/plain")
    assert s3.object_exists("there") is True
    assert s3.get_object_data("there") == b"text"
    assert s3.download_file("there", tmp_path / "x").verified
    assert (tmp_path / "x").read_text() == "text"
    with pytest.raises(NotFound):
        s3.get_object_data("nothing")
    with pytest.raises(NotFound):
        s3.download_file("nothing", tmp_path / "x")
    assert (tmp_path / "x").read_text() == "text"
    assert s3.delete_object("there")
    assert s3.delete_object("there")
    elsewhere = S3StorageService(clients=bucket.clients, bucket_name="not-there")
    with pytest.raises(NoSuchBucket):
        elsewhere.object_exists("x")


def test_a_denied_answer_is_never_a_no(s3, bucket, monkeypatch):
    def deny(**_event):
        raise CredentialsInvalid("deactivated")

    bucket.client.meta.events.register_first("before-send.s3.HeadObject", deny, unique_id="deny")
    try:
        with pytest.raises(StorageError, match="deactivated"):
            s3.object_exists("there")
    finally:
        bucket.client.meta.events.unregister("before-send.s3.HeadObject", unique_id="deny")


def test_links_of_all_methods(s3):
    for method in ("GET", "PUT", "HEAD", "DELETE"):
        url = s3.generate_presigned_url("k", 60, method)
        assert "X-Amz-Expires=60" in url
    with pytest.raises(InvalidInput):
        s3.generate_presigned_url("k", http_method="PATCH")


def test_user_files_and_the_front_door(data, s3):
    data.save_user_portfolio("ann", {"assets": []}, AT)
    data.save_user_trades("ann", [], AT)
    assert len(data.list_user_data_files("ann")) == 2
    assert len(data.list_user_data_files("ann", "trades")) == 1
    assert core.CryptoDataManager is CryptoDataManager
    assert core.S3StorageService is S3StorageService
    with pytest.raises(AttributeError):
        _ = core.Nothing
