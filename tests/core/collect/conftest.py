"""A bucket with candles, and collections of them."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from helpers.moto_bucket import moto_bucket

from core.collect.collecting import collect, plan
from core.objects.bucket import Bucket


@dataclass(frozen=True)
class Collected:
    """A workspace with a bucket, and the folder of the results."""

    bucket: Bucket
    folder: object

    def put(self, key, document):
        """Store a document, or bytes as they are."""
        body = document if isinstance(document, bytes) else json.dumps(document, indent=2).encode()
        self.bucket.client.put_object(Bucket=self.bucket.name, Key=key, Body=body)

    def candles(self, symbol, moment, rows, timeframe="1m"):
        """Store an object of candles; each row is a time and a price."""
        day = moment[:10].replace("-", "/")
        key = f"market-data/ohlcv/{symbol}/{timeframe}/{day}/{moment}.json"
        data = [
            {
                "timestamp": at,
                "open": price,
                "high": price,
                "low": price,
                "close": price,
                "volume": 1,
            }
            for at, price in rows
        ]
        self.put(key, {"symbol": symbol, "timeframe": timeframe, "timestamp": moment, "data": data})
        return key

    def collect(self, kind="ohlcv", names=("BTC-USD",), ending="jsonl", **more):
        """Collect two days of January 2024, and return the report and the rows."""
        values = {"timeframe": "1m" if kind == "ohlcv" else "", **_DAYS, "overwrite": True, **more}
        values.setdefault("path", str(self.folder / f"result.{ending}"))
        report = collect(self, kind=kind, names=names, **values)
        return report, self.rows(report.path) if ending == "jsonl" else None

    def plan(self, kind="ohlcv", names=("BTC-USD",), **more):
        """Return the plan of the same range."""
        values = {"timeframe": "1m" if kind == "ohlcv" else "", **_DAYS, **more}
        return plan(self, kind=kind, names=names, **values)

    @staticmethod
    def rows(path):
        """Return the rows of a file of JSON lines, with the digits of their numbers."""
        with Path(path).open(encoding="utf-8") as file:
            return [json.loads(line, parse_float=str) for line in file]


_DAYS = {"start": "2024-01-15", "end": "2024-01-16"}


@pytest.fixture(scope="module")
def server_bucket():
    with moto_bucket() as made:
        yield made


@pytest.fixture
def collected(server_bucket, tmp_path):
    yield Collected(server_bucket, tmp_path)
    client = server_bucket.client
    for each in client.list_objects_v2(Bucket=server_bucket.name).get("Contents", []):
        client.delete_object(Bucket=server_bucket.name, Key=each["Key"])
