"""Returned strings, dicts and lists have extra attributes and behave like plain ones."""

import copy
import json
import pickle
import warnings
from datetime import UTC, datetime, timedelta

import pytest
from helpers.moto_bucket import moto_bucket

from core.storage.aws_secrets_manager import SecretsManager
from core.storage.crypto_data_manager import CryptoDataManager
from core.storage.s3_storage_service import S3StorageService
from core.storage.script_values import FutureStampWarning, StoredFile


@pytest.fixture(scope="module")
def data():
    with moto_bucket() as bucket:
        yield CryptoDataManager(S3StorageService(clients=bucket.clients))


def test_a_stored_file_is_its_key_and_survives_copies():
    at = datetime(2024, 1, 15, tzinfo=UTC)
    file = StoredFile("a/b.json", 3, at, "etag")
    assert file == "a/b.json"
    assert type(file.key) is str
    assert (file[0], file[-4:], file["size"], file["last_modified"]) == ("a", "json", 3, at)
    assert json.dumps([file]) == '["a/b.json"]'
    for again in (copy.deepcopy(file), pickle.loads(pickle.dumps(file))):
        assert (again, again.size, again.last_modified, again.etag) == (file, 3, at, "etag")
    with pytest.raises(TypeError):
        _ = file["owner"]


def test_a_service_is_not_sent_to_another_process(data):
    """Its locks were named instead: "cannot pickle '_thread.RLock' object"."""
    for service in (data, data.s3_service, SecretsManager()):
        with pytest.raises(TypeError, match="create one in each process") as refused:
            pickle.dumps(service)
        assert type(service).__name__ in str(refused.value)


def test_files_are_listed_by_the_moment_of_their_keys_and_else_by_their_change(data):
    folder = "user-data/mixed/trades"
    keys = [
        f"{folder}/2023/12/2023-12-31T23:59:59Z.json",
        f"{folder}/2024/01/2024-01-15T10:00:00.500000+00:00.json.gz",
        f"{folder}/2024/01/2024-01-15T10:00:00.json",
        f"{folder}/notes.txt",
    ]
    for key in keys:
        data.s3_service.upload_data("[]", key)
    listed = data.list_user_data_files("mixed")
    assert listed == [keys[3], keys[1], keys[2], keys[0]]
    assert {file.size for file in listed} == {2}
    assert all(file.etag and file.last_modified.tzinfo for file in listed)
    assert data.list_user_data_files("mixed", "portfolio") == []


@pytest.mark.parametrize("hours", [13, 23])
def test_a_stamp_of_local_time_ahead_of_utc_is_found_and_reported(data, hours):
    symbol = f"AHEAD-{hours}"
    now = datetime.now(UTC)
    data.save_trade_data(symbol, [{"n": "utc"}], now)
    written = data.save_trade_data(symbol, [{"n": "ahead"}], now + timedelta(hours=hours))
    with pytest.warns(FutureStampWarning, match="a timestamp in the future"):
        latest = data.get_latest_market_data(symbol, "trades")
    assert latest["trades"] == [{"n": "ahead"}]
    assert (latest.key, latest.stamp_in_future) == (written.key, True)
    assert abs(latest.moment - now - timedelta(hours=hours)) < timedelta(seconds=1)


def test_a_stamp_of_this_moment_is_no_warning(data):
    written = data.save_trade_data("NOW-USD", [])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        latest = data.get_latest_market_data("NOW-USD", "trades", days_back=0)
    assert (latest.key, latest.stamp_in_future) == (written.key, False)
    assert latest == {"symbol": "NOW-USD", "timestamp": latest["timestamp"], "trades": []}


def test_bare_lists_and_other_values_are_returned_as_they_are(data):
    now = datetime.now(UTC)
    for symbol, text in (("LIST-USD", "[1, 2.5]"), ("ONE-USD", "7")):
        key = f"market-data/ohlcv/{symbol}/1h/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H:%M:%SZ}.json"
        data.s3_service.upload_data(text, key)
    rows = data.get_latest_market_data("LIST-USD", "ohlcv")
    assert rows == [1, 2.5]
    assert rows.stamp_in_future is False
    assert data.get_latest_market_data("ONE-USD", "ohlcv") == 7
