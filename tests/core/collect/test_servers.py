"""Collections on each server: ranges of keys, gzip, and objects that change while they are read."""

import gzip
import json
from dataclasses import dataclass

import pytest

from core.aws.clients import ClientFactory
from core.collect.collecting import collect, plan
from core.objects.bucket import Bucket

SYMBOL = "BTC-ÄÖ +%"


@dataclass(frozen=True)
class Workspace:
    """What operations need."""

    bucket: Bucket


@pytest.fixture
def workspace(s3_server, s3_bucket):
    clients = ClientFactory(s3_server.connection(s3_bucket))
    yield Workspace(Bucket(clients, s3_bucket))
    clients.close()


def _put(client, bucket, day, hour):
    moment = f"2024-01-{day:02}T{hour:02}:00:00Z"
    rows = [
        {
            "timestamp": f"2024-01-{day:02}T{hour:02}:{minute:02}:00Z",
            "price": f"{day}.{hour}{minute}",
        }
        for minute in range(2)
    ]
    body = json.dumps({"trades": rows}).encode()
    key = f"market-data/trades/{SYMBOL}/2024/01/{day:02}/{hour:02}/{moment}.json"
    if hour % 2:
        key, body = f"{key}.gz", gzip.compress(body)
    client.put_object(Bucket=bucket, Key=key, Body=body)


def test_a_range_is_collected_completely(workspace, s3_client, s3_bucket, tmp_path):
    for day in range(13, 19):
        for hour in range(0, 24, 3):
            _put(s3_client, s3_bucket, day, hour)
    values = {"kind": "trades", "names": [SYMBOL], "start": "2024-01-15", "end": "2024-01-16"}
    planned = plan(workspace, **values)
    # A day more on each side, since objects are named after their first or last row.
    assert planned.objects == 4 * 8
    path = tmp_path / "out.jsonl"
    report = collect(workspace, **values, path=str(path))
    assert report.complete
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 2 * 8 * 2
    assert [row["timestamp"] for row in rows] == sorted(row["timestamp"] for row in rows)
    assert {row["symbol"] for row in rows} == {SYMBOL}
    assert report.gets == 32
    assert collect(workspace, **values, path=str(path), overwrite=True).gets == 0
