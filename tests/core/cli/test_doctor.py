"""`strongroom doctor` on the embedded server."""

import json

import pytest
from helpers.rotation_world import World

from core.cli import main
from core.errors import ErrorKind


@pytest.fixture
def world(demo_server):
    world = World(demo_server)
    yield world
    world.close()


@pytest.fixture
def run(world, demo_server, monkeypatch, capsys):
    monkeypatch.setenv("AWS_ENDPOINT_URL", demo_server.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", demo_server.admin.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", demo_server.admin.secret_access_key.reveal())

    def call(*words, code=0):
        given = main(["doctor", *words, "--prefix", world.secret])
        told = capsys.readouterr()
        assert given == code, told.err
        return told

    return call


def test_findings_are_listed_and_mended(run, world):
    assert "nothing found" in run().out
    key = world.iam.create_access_key(UserName=world.user)["AccessKey"]["AccessKeyId"]
    told = json.loads(run("--json", code=ErrorKind.CONFLICT.value).out)
    assert [finding["kind"] for finding in told["findings"]] == ["orphan-key"]
    name = f"orphan-key:{key}"
    assert name in run(code=ErrorKind.CONFLICT.value).out
    assert "Nothing was changed" in run(name, "deactivate").err
    assert world.keys[key] is True
    run(name, "deactivate", "--yes")
    assert world.keys[key] is False
    name = f"inactive-key:{key}"
    told = run(name, "delete", "--yes", code=ErrorKind.INVALID_INPUT.value)
    assert f"--confirm {key}" in told.err
    run(name, "delete", "--yes", "--confirm", key)
    world.check_as_before()
    run(name, "delete", "--yes", code=ErrorKind.INVALID_INPUT.value)


def test_a_repair_that_is_not_offered_is_named(run, world):
    world.vault.delete_secret(SecretId=world.secret, RecoveryWindowInDays=7)
    name = f"scheduled-deletion:{world.secret}"
    assert "Offered: restore" in run(name, "delete", code=ErrorKind.INVALID_INPUT.value).err
    run(name, "restore", "--yes", "--json")
    world.check_as_before()
