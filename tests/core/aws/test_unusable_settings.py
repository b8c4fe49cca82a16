"""Keys and settings with which no request can be made are named; they are no outage and no bug."""

import pytest
from helpers.aws import CANARY

from core import errors
from core.aws.clients import ClientFactory
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.redaction import Secret

ENVIRONMENT = Profile("env", KeySource.ENVIRONMENT, endpoint_url="http://127.0.0.1:1")
PAIR = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": CANARY}
URL = "AWS_CONTAINER_CREDENTIALS_FULL_URI"


def failure(connection=None):
    """Return the error of a request to a server that does not exist."""
    clients = ClientFactory(connection or Connection(ENVIRONMENT))
    with pytest.raises(errors.StorageError) as raised:
        clients.s3()
    clients.close()
    assert CANARY not in f"{raised.value} {raised.value.__dict__}"
    return raised.value


@pytest.fixture
def variables(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    def assign(**values):
        for name, value in values.items():
            monkeypatch.setenv(name, value)

    return assign


@pytest.mark.parametrize("name", [*PAIR, "AWS_SESSION_TOKEN"])
@pytest.mark.parametrize("character", ["\r", "\n", "\t", "\x7f", "\udcff"])
def test_a_key_with_a_line_end_or_bytes_is_named_by_its_variable(variables, name, character):
    variables(**PAIR | {name: f"{CANARY}{character}"})
    error = failure()
    assert isinstance(error, errors.CredentialsInvalid)
    assert f"{name} contains a line end" in error.cause
    assert error.effect == "Nothing was sent."


def test_an_entered_key_with_a_line_end_is_not_that_of_a_variable():
    keys = AccessKeys("AKIAEXAMPLE", Secret(f"{CANARY}\r"))
    error = failure(Connection(Profile("own", KeySource.SESSION), keys))
    assert isinstance(error, errors.CredentialsInvalid)
    assert (
        error.summary == "The secret access key of profile own contains a character that no key has"
    )
    assert error.cause.startswith("It contains a line end")


@pytest.mark.parametrize("key", ["AKIA EXAMPLE", "ключ", "key/with+signs=:;*"])
def test_keys_of_other_servers_may_have_unusual_characters(variables, key):
    variables(**PAIR | {"AWS_ACCESS_KEY_ID": key})
    clients = ClientFactory(Connection(ENVIRONMENT))
    assert clients.frozen_keys().access_key_id == key
    clients.close()


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"AWS_METADATA_SERVICE_TIMEOUT": "1s"}, "AWS_METADATA_SERVICE_TIMEOUT is not a number"),
        ({URL: "http://example.com/keys"}, f"{URL} cannot be used: Unsupported host"),
        ({URL: "keys"}, f"{URL} cannot be used: Unsupported host"),
        (
            {URL: "http://127.0.0.1:1/", "AWS_CONTAINER_AUTHORIZATION_TOKEN": f"{CANARY}\n"},
            "AWS_CONTAINER_AUTHORIZATION_TOKEN cannot be used",
        ),
    ],
)
def test_an_unusable_setting_of_a_credential_source_is_named(variables, values, named):
    variables(**values)
    error = failure()
    assert isinstance(error, errors.CredentialsMissing)
    assert f"The setting {named}" in error.cause
    assert error.remedy == "Correct the setting in the variable or in AWS's configuration file."


@pytest.mark.parametrize(
    ("line", "kind", "named"),
    [
        ("metadata_service_timeout = 1s", errors.CredentialsMissing, "metadata_service_timeout"),
        ("s3 = virtual", errors.InvalidInput, "s3 ="),
        ("s3 =\n  addressing_style = best", errors.InvalidInput, "addressing style best"),
        (
            "sts_regional_endpoints = best",
            errors.InvalidInput,
            "STS regional endpoints option best",
        ),
        ("defaults_mode = best", errors.InvalidInput, "defaults mode: best"),
    ],
)
def test_an_unusable_setting_of_the_configuration_file_is_named(
    variables, tmp_path, line, kind, named
):
    (tmp_path / "config").write_text(f"[default]\n{line}\n")
    variables(**PAIR)
    error = failure()
    assert isinstance(error, kind)
    assert named in error.cause
    assert error.remedy.startswith("Correct the ")
