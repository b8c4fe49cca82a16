"""`strongroom policy` prints a valid IAM policy."""

import json

import pytest

from core.cli import main
from core.errors import ErrorKind


@pytest.fixture
def run(demo_server, monkeypatch, capsys):
    monkeypatch.setenv("AWS_ENDPOINT_URL", demo_server.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", demo_server.admin.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", demo_server.admin.secret_access_key.reveal())

    def call(*arguments, code=0):
        assert main(list(arguments)) == code
        return capsys.readouterr()

    return call


def test_a_role_below_a_prefix(run):
    policy = json.loads(run("policy", "reader", "--prefix", "analytics/").out)
    assert policy["Version"] == "2012-10-17"
    assert "arn:aws:s3:::tentimecrypto/analytics/*" in [s["Resource"] for s in policy["Statement"]]


def test_what_was_used_grows_with_use(run):
    output = run("policy", "used", code=ErrorKind.INVALID_INPUT.value)
    assert "No use is recorded yet" in output.err
    run("ls", "analytics/")
    policy = json.loads(run("policy", "used").out)
    actions = {action for statement in policy["Statement"] for action in statement["Action"]}
    assert actions == {"s3:ListBucket"}


def test_an_unknown_role_is_named(run):
    output = run("policy", "owner", code=ErrorKind.INVALID_INPUT.value)
    assert "reader, uploader, operator, admin, or used" in output.err
