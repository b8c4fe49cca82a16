"""Fixtures that run commands as a script does, on the demo server."""

import io
import sys

import pytest
from helpers.rotation_world import World

from core.cli import main


@pytest.fixture
def world(demo_server):
    world = World(demo_server)
    yield world
    world.close()


@pytest.fixture
def command(demo_server, monkeypatch, capsys):
    """Run a command as the administrator, and see its exit code."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", demo_server.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", demo_server.admin.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", demo_server.admin.secret_access_key.reveal())

    def call(*arguments, code=0):
        exit_code = main(list(arguments))
        output = capsys.readouterr()
        assert exit_code == code, output.err
        return output

    return call


@pytest.fixture
def run(s3_server, s3_bucket, monkeypatch, capsys, tmp_path):
    """Run one command on a separate bucket of each S3 server, and return what it printed."""
    for name, value in s3_server.environment(tmp_path / "home").items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)

    def call(*arguments, code=0):
        given = main([*map(str, arguments), "--bucket", s3_bucket])
        printed = capsys.readouterr()
        assert given == code, printed.err
        return printed

    return call


@pytest.fixture
def put(s3_client, s3_bucket):
    """Store objects, by default with their keys as content."""

    def call(*keys, body=None):
        for key in keys:
            data = key.encode() if body is None else body
            s3_client.put_object(Bucket=s3_bucket, Key=key, Body=data)

    return call


@pytest.fixture
def bodies(s3_client, s3_bucket):
    """Return the objects of a bucket with their contents as text."""

    def call(bucket=s3_bucket):
        rows = s3_client.list_objects_v2(Bucket=bucket).get("Contents", ())
        keys = [row["Key"] for row in rows]
        read = {key: s3_client.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
        return {key: body.decode() for key, body in read.items()}

    return call


@pytest.fixture
def feed(monkeypatch):
    """Set what a command in this process reads from standard input."""

    def call(data):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return call
