"""Commands with rights on one prefix: there all of them work, elsewhere they name what is missing."""

import json

import pytest
from helpers.limited_user import limited

from core.cli import main
from core.errors import ErrorKind

ALLOWED, OTHER = "market-data/ohlcv/BTC-USD/", "market-data/ohlcv/ETH-USD/"
CANDLE = "{0}1h/2024/01/15/2024-01-15T{1:02}:00:00Z.json"
DENIED = ErrorKind.ACCESS_DENIED.value


@pytest.fixture
def run(s3_server, s3_client, s3_bucket, monkeypatch, capsys, tmp_path):
    """Run one command as the user that has rights on `ALLOWED` only."""
    server = limited(s3_server, s3_client, s3_bucket, ALLOWED)
    for name, value in server.environment(tmp_path / "home").items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    for prefix in (ALLOWED, OTHER):
        for hour in range(3):
            s3_client.put_object(Bucket=s3_bucket, Key=CANDLE.format(prefix, hour), Body=b"{}")

    def call(*arguments, code=0):
        given = main([*map(str, arguments), "--bucket", s3_bucket])
        printed = capsys.readouterr()
        assert given == code, printed.err
        assert "bug" not in printed.err
        return printed

    return call


def test_all_commands_work_on_the_prefix(run, tmp_path):
    assert run("ls", ALLOWED).out.split()[-1] == f"{ALLOWED}1h/"
    assert len(json.loads(run("ls", ALLOWED, "-r", "--json").out)) == 3
    target = tmp_path / "got.json"
    run("get", CANDLE.format(ALLOWED, 1), target)
    assert target.read_bytes() == b"{}"
    run("get", ALLOWED, tmp_path / "all", "--recursive")
    assert len(list((tmp_path / "all").rglob("*.json"))) == 3
    target.write_bytes(b"[1]")
    run("put", target, f"{ALLOWED}new.json")
    assert json.loads(run("stats", ALLOWED, "--json").out)["objects"] == 4
    run("catalog", "refresh", ALLOWED)
    assert len(json.loads(run("find", "symbol:BTC-USD", "--json").out)) == 3
    found = run("coverage", "ohlcv", "BTC-USD", "--timeframe", "1h", "--json").out
    assert json.loads(found)


MISSING = (
    (["ls"], "s3:ListBucket"),
    (["ls", OTHER], "s3:ListBucket"),
    (["stats"], "s3:ListBucket"),
    (["catalog", "refresh"], "s3:ListBucket"),
    (["find", "btc", "--refresh"], "s3:ListBucket"),
    (["get", CANDLE.format(OTHER, 1), "."], "s3:GetObject"),
    (["rm", CANDLE.format(ALLOWED, 1), "--yes"], "s3:DeleteObject"),
    (["tag", CANDLE.format(ALLOWED, 1)], "s3:GetObjectTagging"),
    (["versions", CANDLE.format(ALLOWED, 1)], "s3:ListBucketVersions"),
    (["uploads"], "s3:ListBucketMultipartUploads"),
)


def test_other_commands_name_the_missing_action(run, tmp_path, s3_client, s3_bucket):
    for arguments, action in MISSING:
        assert action in run(*arguments, code=DENIED).err
    (tmp_path / "x").write_bytes(b"x")
    upload = ["put", tmp_path / "x", f"{OTHER}x"]
    assert "s3:GetObject" in run(*upload, code=DENIED).err  # whether the object exists
    assert "s3:PutObject" in run(*upload, "--overwrite", code=DENIED).err
    for prefix in (ALLOWED, OTHER):
        assert s3_client.list_objects_v2(Bucket=s3_bucket, Prefix=prefix)["KeyCount"] == 3
