"""A changing command that fails reports what it has changed."""

import json
import sqlite3

import pytest

from core.cli import main
from core.errors import ErrorKind


@pytest.fixture
def failing(monkeypatch, capsys, tmp_path):
    """Run a command with a server that is unreachable."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIK7MDENG")
    monkeypatch.setattr("core.aws.retries.INTERACTIVE_SECONDS", 0.1)
    monkeypatch.setattr("core.work.RETRY_SECONDS", 0.1)
    monkeypatch.setattr("core.aws.retries._FIRST_PAUSE", 0.001)
    value, database = tmp_path / "value.json", tmp_path / "shop.db"
    value.write_text("{}")
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    connection.close()

    def call(*arguments):
        places = {"VALUE": str(value), "DATABASE": str(database)}
        assert main([places.get(word, word) for word in arguments]) == ErrorKind.OFFLINE.value
        return capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    ("arguments", "effect"),
    [
        (("secrets", "put", "cryptotrading/new", "--file", "VALUE"), "Nothing was "),
        (("secrets", "rollback", "cryptotrading/database", "--yes"), "Nothing was changed."),
        (("backup", "DATABASE", "--all-tables"), "Nothing was backed up."),
        (("restore", "DATABASE", "orders", "--yes"), "Nothing was restored."),
        (("rotate", "cryptotrading/s3-storage", "--yes"), "Nothing was changed."),
    ],
)
def test_a_changing_command_that_fails_states_its_effect(failing, arguments, effect):
    output = failing(*arguments)
    assert effect in output
    assert effect in json.loads(failing("--json", *arguments))["error"]["effect"]


def test_a_reading_command_states_none(failing):
    assert "Nothing was" not in failing("secrets", "list")
