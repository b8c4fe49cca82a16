"""The sample data is complete, always the same, and readable in all its forms."""

import hashlib
import json
import sqlite3
from contextlib import closing

import pytest
from helpers.demo import plain_client

from core.demo.data import buckets
from core.demo.data.candles import CORRUPT_KEY
from core.demo.data.logs import OVERSIZED_KEY
from core.demo.data.trading_db import ROWS, make_database
from core.layout.parsing import parse
from core.preview import HEAD_BYTES, preview

BUCKET = "tentimecrypto"
CONTRACT_KEYS = (
    "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T10:00:00Z.json",
    "market-data/orderbook/BTC-USD/2024/01/15/10/30_2024-01-15T10:30:00Z.json",
    "market-data/trades/BTC-USD/2024/01/15/10/2024-01-15T10:15:00Z.json",
    "user-data/crowe/portfolio/2024/01/15/2024-01-15T12:00:00Z.json",
    "user-data/iris-capital/trades/2024/01/2024-01-01T14:00:00Z.json",
    "analytics/risk/2024/01/15/2024-01-15T16:00:00Z.json",
    "backups/database/users/2024/01/15/2024-01-15T02:00:00Z.json",
    "logs/application/2024/01/15/2024-01-15T00:00:00Z_app.log",
)


@pytest.fixture(scope="module")
def samples():
    return list(buckets.samples())


def test_same_data_every_time(samples):
    """The digest changes when the samples are changed on purpose, and for no other reason."""

    def digest(found):
        total = hashlib.sha256()
        for sample in found:
            total.update(f"{sample.key}{sample.modified}{sample.metadata}".encode())
            total.update(sample.body)
        return total.hexdigest()

    again = digest(buckets.samples())
    assert digest(samples) == again


def test_all_kinds_are_there(samples):
    keys = {sample.key for sample in samples}
    assert set(CONTRACT_KEYS) <= keys
    assert 7_000 < len(keys) < 12_000
    streams = {tuple(key.split("/")[2:4]) for key in keys if key.startswith("market-data/ohlcv/")}
    assert len(streams) == 9
    sizes = {sample.key: len(sample.body) for sample in samples}
    assert sizes[OVERSIZED_KEY] > 30_000_000
    with pytest.raises(ValueError, match="Expecting"):
        json.loads(next(each.body for each in samples if each.key == CORRUPT_KEY))


def test_old_forms_are_among_them(samples):
    keys = [each.key for each in samples if each.key.startswith("market-data/ohlcv/")]
    assert any(key.endswith("T10:00:00.json") for key in keys)
    assert any(key.endswith("+00:00.json") for key in keys)
    assert any("T08:00:00.0" in key for key in keys)
    bodies = {
        each.key.split("/")[2] + each.key.split("/")[3]: each
        for each in samples
        if each.key in keys
    }
    assert isinstance(json.loads(bodies["SOL-USD1d"].body), list)
    assert isinstance(json.loads(bodies["ETH-USD4h"].body)["data"][0]["open"], str)
    assert isinstance(json.loads(bodies["SOL-USD1h"].body)["data"][0]["timestamp"], int)


def test_every_form_is_read_and_only_the_planted_problems_are_found(samples):
    representations = {
        "ohlcv": "Candles",
        "orderbook": "Book",
        "trades": "Table",
        "portfolio": "Holdings",
        "user_trades": "Table",
        "analytics": "Tree",
        "backup": "Table",
        "log": "Lines",
    }
    seen, problems = set(), set()
    for sample in [*samples[::23], *(each for each in samples if "2024-01-15T10" in each.key)]:
        found, meaning = preview(sample.body[:HEAD_BYTES], sample.key), parse(sample.key)
        if meaning is None or sample.key in (CORRUPT_KEY, OVERSIZED_KEY):
            continue
        assert meaning.moment is not None
        assert type(found.representations[0]).__name__ == representations[meaning.kind.id], (
            sample.key
        )
        seen.add(meaning.kind.id)
        problems |= {problem.kind.name for problem in found.problems}
    assert seen == set(representations)
    planted = {"GAP", "DUPLICATE"}
    assert planted <= problems <= planted | {"HIGH_BELOW_LOW", "OUT_OF_ORDER", "TRUNCATED"}


def test_the_server_holds_what_was_made(demo_server, demo_s3, samples):
    expected = {}
    for sample in samples:
        expected[sample.key] = None if sample.deleted else sample
    sizes = {}
    for page in demo_s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        sizes |= {each["Key"]: each["Size"] for each in page["Contents"]}
    missing = [key for key, each in expected.items() if each and sizes.get(key) != len(each.body)]
    assert missing == []
    for key in CONTRACT_KEYS:
        head = demo_s3.head_object(Bucket=BUCKET, Key=key)
        assert head["Metadata"] == dict(expected[key].metadata)
        assert head["ServerSideEncryption"] == "AES256"
    body = demo_s3.get_object(Bucket=BUCKET, Key=CONTRACT_KEYS[0])["Body"].read()
    assert body == expected[CONTRACT_KEYS[0]].body


def test_versions_markers_unfinished_uploads_and_rules(demo_s3):
    key = "user-data/crowe/portfolio/2024/01/25/2024-01-25T12:00:00Z.json"
    versions = demo_s3.list_object_versions(Bucket=BUCKET, Prefix=key)["Versions"]
    assert [each["IsLatest"] for each in versions] == [True, False]
    assert demo_s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()  # a listing closes nothing
    trash = demo_s3.list_object_versions(Bucket=BUCKET, Prefix="exports/drafts/")
    assert len(trash["DeleteMarkers"]) == 9
    assert len(demo_s3.list_multipart_uploads(Bucket=BUCKET)["Uploads"]) >= 2
    rules = demo_s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
    assert "expire-logs" in [rule["ID"] for rule in rules]


def test_the_storage_secret_holds_the_platforms_keys(demo_server):
    secrets = plain_client(demo_server, "secretsmanager", demo_server.platform)
    text = secrets.get_secret_value(SecretId="cryptotrading/s3-storage")["SecretString"]
    assert json.loads(text) == {
        "aws_access_key_id": demo_server.platform.access_key_id,
        "aws_secret_access_key": demo_server.platform.secret_access_key.reveal(),
        "bucket_name": BUCKET,
        "region": "us-east-1",
    }
    names = {each["Name"] for each in secrets.list_secrets(MaxResults=100)["SecretList"]}
    assert {"cryptotrading/database", "cryptotrading/exchange-keys"} <= names
    secrets.close()


def test_trading_database_is_complete_and_the_same_every_time(tmp_path):
    dumps = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        path = make_database(tmp_path / name)
        dumps.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert dumps[0] == dumps[1]
    with closing(sqlite3.connect(path)) as database:
        found = {
            table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ROWS
        }
        assert found == ROWS
        assert sum(found.values()) >= 200_000
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        keys = database.execute("PRAGMA foreign_key_list(orders)").fetchall()
        assert [(each[2], each[3], each[4]) for each in keys] == [("users", "user_id", "id")]
        blobs = database.execute("SELECT count(*) FROM users WHERE typeof(avatar) = 'blob'")
        assert blobs.fetchone() == (3,)
        prices = database.execute("SELECT price FROM orders WHERE price IS NOT NULL LIMIT 500")
        assert any(len(repr(price).replace(".", "")) >= 17 for (price,) in prices)
