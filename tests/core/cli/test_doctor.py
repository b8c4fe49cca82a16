"""`strongroom doctor` finds and repairs what interrupted rotations left behind."""

import json

import pytest

from core.errors import ErrorKind


@pytest.fixture
def run(world, command):
    def call(*arguments, code=0):
        return command("doctor", *arguments, "--prefix", world.secret, code=code)

    return call


def test_findings_are_listed_and_repaired(run, world):
    assert "nothing found" in run().out
    key = world.iam.create_access_key(UserName=world.user)["AccessKey"]["AccessKeyId"]
    output = json.loads(run("--json", code=ErrorKind.CONFLICT.value).out)
    assert [finding["kind"] for finding in output["findings"]] == ["orphan-key"]
    name = f"orphan-key:{key}"
    assert name in run(code=ErrorKind.CONFLICT.value).out
    assert "Nothing was changed" in run(name, "deactivate").err
    assert world.keys[key] is True
    run(name, "deactivate", "--yes")
    assert world.keys[key] is False
    name = f"inactive-key:{key}"
    output = run(name, "delete", "--yes", code=ErrorKind.INVALID_INPUT.value)
    assert f"--confirm {key}" in output.err
    run(name, "delete", "--yes", "--confirm", key)
    world.check_as_before()
    run(name, "delete", "--yes", code=ErrorKind.INVALID_INPUT.value)


def test_a_repair_that_is_not_offered_is_named(run, world):
    world.vault.delete_secret(SecretId=world.secret, RecoveryWindowInDays=7)
    name = f"scheduled-deletion:{world.secret}"
    assert (
        "Available repairs: restore" in run(name, "delete", code=ErrorKind.INVALID_INPUT.value).err
    )
    run(name, "restore", "--yes", "--json")
    world.check_as_before()
