"""`strongroom rotate` replaces every copy of the rotated value in a secret."""

import io
import json
import sys

import pytest
from helpers.secret_world import SecretWorld

from core.errors import ErrorKind

OLD = {
    "kraken_api_key": "old-kraken-key-0001",
    "kraken_secret_key": "old-kraken-secret-0001",
    "url": "https://old-kraken-key-0001:old-kraken-secret-0001@api.example/v1",
    "dsn": "host=api.example secret=old-kraken-secret-0001",
    "notes": "secret is old-kraken-secret-0001",
    "rate": 1.5,
}
NEW = {"kraken_api_key": "new-kraken-key-0002", "kraken_secret_key": "new-kraken-secret-0002"}


@pytest.fixture
def exchange(demo_server):
    world = SecretWorld(demo_server, json.dumps(OLD))
    yield world
    world.close()


@pytest.fixture
def rotate(command, exchange, monkeypatch):
    def call(*arguments, stdin=b"", code=0):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        output = command("rotate", exchange.secret, *arguments, code=code)
        for value in (*OLD.values(), *NEW.values()):
            assert str(value) not in (output.out + output.err).replace("1.5", "")
        return output

    return call


def test_the_plan_names_the_copies_and_the_rotation_replaces_them(rotate, exchange):
    output = rotate().out
    assert "! url holds the same value (inside a URL); it is also replaced" in output
    assert "! notes holds the same value (inside a longer text); change it yourself" in output
    assert "! url holds the same value (inside a URL); change" in rotate("--keep-copies").out
    output = rotate("--yes", "--file", "-", stdin=json.dumps(NEW).encode() + b"\r\n").out
    assert "also replaced in dsn" in output
    assert "! notes still contains the old value: change it yourself" in output
    stored = exchange.stored()
    assert stored["dsn"] == f"host=api.example secret={NEW['kraken_secret_key']}"
    assert NEW["kraken_secret_key"] in stored["url"]
    assert stored["notes"] == OLD["notes"]
    assert exchange.current_text().endswith('"rate": 1.5}')


def test_copies_are_stored_on_request_and_named(rotate, exchange):
    output = rotate(
        "--yes", "--keep-copies", "--file", "-", "--json", stdin=json.dumps(NEW).encode()
    )
    facts = json.loads(output.out)["facts"]
    assert facts["also_changed"] == []
    assert set(facts["still_old"]) == {"url", "dsn", "notes"}
    stored = exchange.stored()
    assert {name: stored[name] for name in ("url", "dsn", "notes")} == {
        name: OLD[name] for name in ("url", "dsn", "notes")
    }
    assert stored["kraken_api_key"] == NEW["kraken_api_key"]


@pytest.mark.parametrize(
    ("piped", "kind"),
    [
        (b"", ErrorKind.INVALID_INPUT),
        (b"\xff", ErrorKind.INVALID_INPUT),
        (b"[1]", ErrorKind.INVALID_INPUT),
    ],
)
def test_pasted_keys_go_through_the_one_reader(rotate, exchange, piped, kind):
    rotate("--yes", "--file", "-", stdin=piped, code=kind.value)
    exchange.check_as_before()
    output = rotate("--yes", stdin=piped, code=kind.value)
    assert "--file" in output.err
    exchange.check_as_before()


def test_a_key_pair_is_replaced_in_a_url_as_well(command, world):
    value = world.value(world.first)
    url = "s3://{aws_access_key_id}:{aws_secret_access_key}@bucket"
    from urllib.parse import quote

    def quoted(fields):
        return url.format(**{name: quote(str(text), safe="") for name, text in fields.items()})

    text = json.dumps({**value, "url": quoted(value)})
    world.vault.put_secret_value(SecretId=world.secret, SecretString=text)
    assert "url holds the same value (inside a URL)" in command("rotate", world.secret).out
    command("rotate", world.secret, "--yes")
    stored = world.stored("AWSCURRENT")
    assert stored["aws_access_key_id"] != value["aws_access_key_id"]
    assert stored["url"] == quoted({name: stored[name] for name in value})
    assert value["aws_secret_access_key"] not in json.dumps(stored)
