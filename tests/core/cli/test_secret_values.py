"""`secrets put` and `get` read a value from any input and preserve its kind and bytes."""

import io
import json
import sys
from uuid import uuid4

import pytest
from helpers.demo import plain_client

from core.errors import ErrorKind

BINARY = b"\x00\xffPKCS12-canary"


@pytest.fixture
def vault(demo_server):
    client = plain_client(demo_server, "secretsmanager", demo_server.admin)
    yield client
    client.close()


@pytest.fixture
def name(vault):
    name = f"cryptotrading/values-{uuid4().hex[:8]}"
    vault.create_secret(Name=name, SecretString='{"user": "me", "password": "old"}')
    return name


@pytest.fixture
def put(command, monkeypatch, name):
    """Run `secrets put` on the secret with some bytes on standard input."""

    def call(*arguments, stdin=b"", code=0):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        output = command("secrets", "put", name, *arguments, code=code)
        assert "canary" not in output.out + output.err
        return output

    return call


@pytest.fixture
def stored(vault, name):
    return lambda: vault.get_secret_value(SecretId=name).get("SecretString")


def password(text):
    return json.loads(text)["password"]


@pytest.mark.parametrize(
    ("piped", "saved"),
    [
        (b"hunter2", "hunter2"),
        (b"hunter2\n", "hunter2"),
        (b"hunter2\r\n", "hunter2"),
        (b"hunter2\n\n", "hunter2\n"),
        (b"hunter2\r", "hunter2\r"),
        (b"hun\rter\r\n2\n", "hun\rter\r\n2"),
        (b" hunter2 \n", " hunter2 "),
        ("h\u00fcnter\n".encode(), "h\u00fcnter"),
    ],
)
@pytest.mark.parametrize("way", ["field", "field from -", "field from a file", "complete value"])
def test_what_is_stored_is_what_was_given_but_for_one_line_end(
    put, stored, tmp_path, piped, saved, way
):
    file = tmp_path / "value"
    file.write_bytes(piped)
    arguments = {
        "field": ["password"],
        "field from -": ["password", "--file", "-"],
        "field from a file": ["password", "--file", str(file)],
        "complete value": ["--file", "-"],
    }[way]
    put(*arguments, stdin=b"" if "a file" in way else piped)
    assert (stored() if way == "complete value" else password(stored())) == saved
    if way != "complete value":
        assert json.loads(stored())["user"] == "me"


@pytest.mark.parametrize("arguments", [["password"], ["password", "--file", "-"], ["--file", "-"]])
@pytest.mark.parametrize(
    ("piped", "problem"), [(b"", "is empty"), (b"\n", "is empty"), (b"\r\n", "is empty"),
                           (b"canary\xff\n", "is not UTF-8"), (b"x" * 65_539, "is too large")]
)  # fmt: skip
def test_nothing_and_no_text_are_refused_and_nothing_changes(
    put, stored, arguments, piped, problem
):
    before = stored()
    output = put(*arguments, stdin=piped, code=ErrorKind.INVALID_INPUT.value)
    assert problem in output.err.splitlines()[0]
    assert stored() == before


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["user", "password"],
        ["user", "password", "--file", "-"],
        ["password=x", "--file", "-"],
        ["password=x", "password=y"],
        ["=x"],
        ["password="],
        ["--binary"],
        ["password", "--as-text", "--json-value"],
    ],
)
def test_contradictions_are_refused_and_nothing_changes(put, stored, arguments):
    before = stored()
    put(*arguments, stdin=b"canary\n", code=ErrorKind.USAGE.value)
    assert stored() == before


def test_a_missing_file_is_named(put, tmp_path):
    output = put("--file", str(tmp_path / "none"), code=ErrorKind.LOCAL_IO.value)
    assert str(tmp_path / "none") in output.err


def test_kinds_stay_or_the_edit_is_refused(put, vault, name, stored):
    text = '{"port": 5432, "tls": true, "hosts": ["a", "b"], "nest": {"a": 1}, "fee": 1.10}'
    vault.put_secret_value(SecretId=name, SecretString=text)
    put("port=5433", "tls=false", 'hosts=["a"]', 'nest={"a":2}')
    changed = '{"port": 5433, "tls": false, "hosts": ["a"], "nest": {"a":2}, "fee": 1.10}'
    assert stored() == changed
    output = put("port=none", code=ErrorKind.INVALID_INPUT.value)
    assert "port is a number, and its new value would be a text" in output.err
    assert stored() == changed
    put("port=5434", "--as-text")
    put("tls=[1.10]", "--json-value")
    assert stored() == changed.replace("5433", '"5434"').replace("false", "[1.10]")


def test_values_are_printed_as_they_are_stored(command, vault, name):
    text = (
        '{"flag": true, "none": null, "hosts": ["a", "b"], "nest": {"a": 1}, "fee": 1.10,'
        ' "pem": "line\\nline\\u001b[31m"}'
    )
    vault.put_secret_value(SecretId=name, SecretString=text)
    rows = dict(
        line.split("\t") for line in command("secrets", "get", name, "--reveal").out.splitlines()
    )
    assert rows == {
        "flag": "true", "none": "null", "hosts": '["a", "b"]', "nest": '{"a": 1}', "fee": "1.10",
        "pem": r"line\nline\x1b[31m",
    }  # fmt: skip
    assert command("secrets", "get", name, "--reveal", "--json").out == text + "\n"
    masked = json.loads(command("secrets", "get", name, "--json").out)
    assert set(masked.values()) == {"***"}
    assert set(masked) == set(rows)


def test_a_plain_text_is_shown_as_a_complete(command, vault, name):
    vault.put_secret_value(SecretId=name, SecretString="plain-text")
    assert "plain-text" not in command("secrets", "get", name).out
    assert command("secrets", "get", name, "--reveal").out == "(the complete text)\tplain-text\n"
    assert json.loads(command("secrets", "get", name, "--reveal", "--json").out) == "plain-text"
    assert json.loads(command("secrets", "get", name, "--json").out) == "***"


def test_binary_is_called_binary_and_replaced_on_purpose_only(
    command, put, vault, name, stored, tmp_path
):
    vault.put_secret_value(SecretId=name, SecretBinary=BINARY)
    assert "is a binary value of 15 bytes" in command("secrets", "get", name).out
    found = json.loads(command("secrets", "get", name, "--json").out)
    assert found == {"binary": True, "size": 15, "base64": "***"}
    for arguments in (["--file", "-"], ["password"], ["password=x"]):
        code = ErrorKind.INVALID_INPUT if arguments[0] == "--file" else ErrorKind.CORRUPT
        assert "binary value" in put(*arguments, stdin=b'{"a": "1"}', code=code.value).err
        assert vault.get_secret_value(SecretId=name)["SecretBinary"] == BINARY
    file = tmp_path / "key.p12"
    file.write_bytes(BINARY + b"\n")
    put("--binary", "--file", str(file))
    assert vault.get_secret_value(SecretId=name)["SecretBinary"] == BINARY + b"\n"
    put("--file", "-", "--as-text", stdin=b'{"a": "1"}')
    assert stored() == '{"a": "1"}'


def test_the_first_value_of_a_secret_is_stored(command, vault):
    name = f"cryptotrading/values-{uuid4().hex[:8]}"
    vault.create_secret(Name=name)
    assert "has no value" in command("secrets", "get", name, code=ErrorKind.NOT_FOUND.value).err
    command("secrets", "put", name, "user=me")
    assert json.loads(vault.get_secret_value(SecretId=name)["SecretString"]) == {"user": "me"}
