"""Scripts of the contract and of the earlier software run unchanged, as separate programs.

They have the platform's keys, which allow what the contract grants and nothing else.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from helpers.demo import plain_client

from core.demo import DemoServer

SCRIPTS = Path(__file__).with_name("scripts")
BUCKET = "tentimecrypto"


@pytest.fixture(scope="module")
def server():
    with DemoServer.start() as server:
        yield server


@pytest.fixture
def mine():
    return f"script-{uuid4().hex[:12]}"


@pytest.fixture
def run(server, tmp_path):
    """Run a script; its standard output is returned, its standard error holds no secret."""

    def run(name, *arguments, errors=""):
        secret = server.platform.secret_access_key.reveal()
        environment = {name: text for name, text in os.environ.items() if name[:4] != "AWS_"} | {
            "AWS_ENDPOINT_URL": server.endpoint_url,
            "AWS_ACCESS_KEY_ID": server.platform.access_key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "PYTHONWARNINGS": "ignore::DeprecationWarning",
        }
        done = subprocess.run(
            [sys.executable, str(SCRIPTS / name), *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert secret not in done.stdout + done.stderr
        assert re.search(errors, done.stderr)
        return done.stdout

    return run


def test_the_samples_of_the_contract(run, server, tmp_path):
    client = plain_client(server, "s3", server.admin)
    assert re.fullmatch(r"Total objects: \d+\n", run("contract.py", str(tmp_path)))
    body = client.get_object(Bucket=BUCKET, Key="path/to/data.json")["Body"].read()
    assert json.loads(body) == {"key": "value"}
    for prefix in ("user-data/craig/", "analytics/technical_analysis/", "backups/database/users/"):
        rows = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        assert rows["KeyCount"] >= 1
    client.close()


def test_a_script_that_keeps_secrets(run, mine):
    output = json.loads(run("secrets_of_the_platform.py", mine, errors="cryptotrading/s3-storage"))
    name = f"cryptotrading/{mine}"
    assert "cryptotrading/s3-storage" in output["names"]
    assert output["arns"]["cryptotrading/s3-storage"].startswith("arn:aws:secretsmanager:")
    assert f"update_secret({name!r}" in output["refused"]
    assert output["unchanged"] == {"key": "one"}
    assert output["now"] == {"key": "three", "more": "x"}
    assert output["listed"]["Name"] == output["listed"]["name"] == name


def test_a_script_that_reads_every_file_of_a_user(run, mine):
    output = json.loads(run("files_of_a_user.py", mine))
    days = [f"2024-01-{day}T10:00:00Z" for day in (17, 17, 16, 16, 15, 15)]
    assert output["timestamps"] == days
    assert output["newest"] == "2024-01-17T10:00:00Z.json"
    assert output["files"][1] == f"user-data/{mine}/portfolio/2024/01/17/2024-01-17T10:00:00Z.json"
    assert output["sizes"] == output["as_items"]
    assert all(size > 50 for size in output["sizes"])
    assert output["trades"] == [key for key in output["files"] if "/trades/" in key]
    assert output["portfolios"] == [key for key in output["files"] if "/portfolio/" in key]


def test_a_script_that_calculates_with_the_latest_candles(run, mine):
    first, ahead = map(
        json.loads, run("latest_prices.py", mine, errors="a timestamp in the future").splitlines()
    )
    assert first["text"]["data"][1]["close"] == 2.3
    assert first["mean"] == pytest.approx(2.25)
    assert first["change"] == pytest.approx(0.1 / 2.2)
    assert first["kinds"] == ["float", "int", "str"]
    assert first["exact"] == "Decimal"
    assert first["in_future"] is False
    assert ahead == {"price": 1.5, "in_future": True}


def test_a_script_that_uses_the_clients_of_boto3(run, mine):
    first, last = map(json.loads, run("clients_of_boto3.py", f"scripts/{mine}").splitlines())
    assert first == {
        "read": "by boto3",
        "size": 8,
        "listed": [f"scripts/{mine}"],
        "bucket": BUCKET,
        "region": "us-east-1",
        "same": True,
    }
    assert last == {"exists": False}
