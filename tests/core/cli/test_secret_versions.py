"""`strongroom secrets versions` lists versions, and `rollback` restores one."""

import json
from uuid import uuid4

import pytest
from helpers.demo import plain_client

from core.cli import main
from core.errors import ErrorKind


@pytest.fixture
def vault(demo_server):
    client = plain_client(demo_server, "secretsmanager", demo_server.admin)
    yield client
    client.close()


@pytest.fixture
def name(vault):
    name = f"cryptotrading/versions-{uuid4().hex[:8]}"
    vault.create_secret(Name=name, SecretString='{"user": "a", "token": "first-canary"}')
    return name


@pytest.fixture
def run(demo_server, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("AWS_ENDPOINT_URL", demo_server.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", demo_server.admin.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", demo_server.admin.secret_access_key.reveal())

    def call(*arguments, code=0):
        given = main(["secrets", *arguments])
        output = capsys.readouterr()
        assert given == code, output.err
        assert "canary" not in output.out + output.err
        return output

    return call


def stored(vault, name, stage="AWSCURRENT"):
    return json.loads(vault.get_secret_value(SecretId=name, VersionStage=stage)["SecretString"])


def save(run, tmp_path, name, value):
    file = tmp_path / "value.json"
    file.write_text(json.dumps(value))
    run("put", name, "--file", str(file))


def test_versions_tell_their_labels_and_who_made_them(run, vault, name, tmp_path):
    save(run, tmp_path, name, {"user": "b", "token": "second-canary"})
    current, previous = json.loads(run("versions", name, "--json").out)
    assert (current["stages"], current["by"]) == (["AWSCURRENT"], "strongroom-admin")
    assert (previous["stages"], previous["by"]) == (["AWSPREVIOUS"], "")
    first = run("versions", name).out.splitlines()[0].split("\t")
    assert first[:2] == [current["version_id"], "AWSCURRENT"]
    assert first[3] == "strongroom-admin"


def test_a_roll_back_is_shown_first_and_done_with_yes(run, vault, name, tmp_path):
    save(run, tmp_path, name, {"user": "a", "token": "second-canary", "new": "x"})
    output = run("rollback", name)
    assert "Nothing was changed" in output.err
    assert "AWSCURRENT: " in output.out
    assert output.out.splitlines()[-2:] == ["~ token", "- new"]
    assert stored(vault, name)["new"] == "x"
    output = json.loads(run("rollback", name, "--yes", "--json").out)
    assert output["done"] is True
    assert output["difference"] == {"added": [], "removed": ["new"], "changed": ["token"]}
    assert [move["label"] for move in output["moves"]] == ["AWSCURRENT", "AWSPREVIOUS"]
    assert stored(vault, name)["token"] == "first-canary"
    assert stored(vault, name, "AWSPREVIOUS")["new"] == "x"
    run("rollback", name, "--to", output["current"][:8], "--yes")
    assert stored(vault, name)["new"] == "x"


def test_what_cannot_be_gone_back_to_is_an_error(run, name):
    run("rollback", name, "--yes", code=ErrorKind.NOT_FOUND.value)
    run("rollback", name, "--to", "AWSCURRENT", code=ErrorKind.INVALID_INPUT.value)
    run("versions", "cryptotrading/none", code=ErrorKind.NOT_FOUND.value)


def test_a_field_is_put_without_a_change_to_any_other_byte(run, vault):
    name = f"cryptotrading/bytes-{uuid4().hex[:8]}"
    text = '{"rate": 1.10,  "user": "\\u00e9",\n "big": 123456789012345678901}'
    vault.create_secret(Name=name, SecretString=text)
    run("put", name, "user=b", "note=c")
    found = vault.get_secret_value(SecretId=name)["SecretString"]
    assert found == text.replace("\\u00e9", "b")[:-1] + ',  "note": "c"}'
    vault.put_secret_value(SecretId=name, SecretString="plain-canary")
    run("put", name, "user=b", code=ErrorKind.INVALID_INPUT.value)
