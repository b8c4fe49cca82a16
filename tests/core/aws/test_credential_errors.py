"""An error about credentials names every source that was tried, its cause and its remedy."""

import hashlib
import json
from datetime import timedelta

import pytest
from botocore.credentials import SSOProvider
from botocore.tokens import SSOTokenProvider
from helpers.aws import CANARY
from helpers.stub_server import Reply, StubServer

from core import errors
from core.aws.clients import ClientFactory
from core.aws.credential_errors import provider_attempts
from core.aws.identity import identity
from core.model.connection import Connection, KeySource, Profile
from core.units import iso_utc, utc_now

ENVIRONMENT = Profile("env", KeySource.ENVIRONMENT)
TEAM = Profile("p", KeySource.AWS_PROFILE, aws_profile="team")
MFA_ROLE = (
    "[profile team]\nrole_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = base\n"
    "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"
    "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = base-secret\n"
)


@pytest.fixture
def config(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))

    def write(text):
        (tmp_path / "config").write_text(text)
        return tmp_path / "config"

    return write


def failure(profile):
    clients = ClientFactory(Connection(profile))
    with pytest.raises(errors.StorageError) as raised:
        clients.frozen_keys()
    clients.close()
    assert raised.value.__context__ is None or raised.value.__suppress_context__
    return raised.value


def test_the_environment_lists_every_place_and_what_each_said(config):
    error = failure(ENVIRONMENT)
    assert isinstance(error, errors.CredentialsMissing)
    for text in (
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set",
        "there is no ",
        "AWS_WEB_IDENTITY_TOKEN_FILE is not set",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set",
        "disabled by AWS_EC2_METADATA_DISABLED",
    ):
        assert text in error.cause
    assert [one.place.split(",")[0] for one in provider_attempts(ENVIRONMENT)] == [
        "Environment variables",
        "AWS's files",
        "Web identity",
        "Container role",
        "Instance role",
    ]


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
    ],
)
def test_half_a_pair_is_named_and_its_value_is_not(config, monkeypatch, there, missing):
    monkeypatch.setenv(there, CANARY)
    error = failure(ENVIRONMENT)
    assert f"{there} is set, but {missing} is not" in error.cause
    assert CANARY not in f"{error} {error.details}"


def test_aws_profile_that_names_no_section_is_reported_with_the_files(config, monkeypatch):
    file = config("[profile other]\nregion = eu-central-1\n")
    monkeypatch.setenv("AWS_PROFILE", "gone")
    error = failure(ENVIRONMENT)
    assert "AWS_PROFILE names the AWS profile gone" in error.cause
    assert f"no such section in {file}" in error.cause


def test_a_machine_without_a_role_reports_what_was_asked(monkeypatch):
    role = Profile("r", KeySource.ROLE)
    assert "is disabled" in failure(role).cause
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod")
    error = failure(role)
    assert "the token file /nowhere/token is missing" in error.cause


def test_a_metadata_service_that_does_not_answer_is_reported(monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    with StubServer(lambda _request: Reply(404, {}, b"")) as server:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.url)
        assert (
            "does not answer, or the machine has no role"
            in failure(Profile("r", KeySource.ROLE)).cause
        )
        assert server.requests


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[profile other]\nregion = x\n", "there is no such section"),
        ("[profile team]\nregion = x\n", "it provides no keys"),
        (
            "[profile team]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\n",
            "base",
        ),
        ("this is no ini file", "AWS's files cannot be used"),
        ("[profile team]\ncredential_process = /nowhere/helper\n", "cannot be run: No such file"),
        ("[profile team]\ncredential_process = echo nonsense\n", "did not return JSON"),
    ],
)
def test_an_aws_profile_says_what_it_lacks(config, text, expected):
    config(text)
    error = failure(TEAM)
    assert isinstance(error, errors.CredentialsMissing)
    assert expected in error.cause
    assert "team" in error.cause or "files" in error.cause


def test_a_failing_credential_process_is_quoted_without_its_secrets(config, tmp_path):
    script = tmp_path / "helper"
    script.write_text(
        f"#!/bin/sh\necho 'vault is sealed aws_secret_access_key={CANARY}' >&2\nexit 3\n"
    )
    script.chmod(0o700)
    config(f"[profile team]\ncredential_process = {script}\n")
    error = failure(TEAM)
    assert "credential_process of the AWS profile team" in error.cause
    assert "vault is sealed" in error.cause
    assert CANARY not in f"{error} {error.details}"


@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        ("[profile team]\ncredential_process = false\n", {}, "Run the program"),
        ("[profile team]\ncredential_process = /nowhere/helper\n", {}, "Run the program"),
        ("[profile team]\naws_access_key_id = AKIA\n", {}, "both halves"),
        ("", {"AWS_ACCESS_KEY_ID": "AKIA"}, "both halves"),
        ("[profile other]\nregion = x\n", {"AWS_PROFILE": "gone"}, "Correct AWS_PROFILE"),
        ("this is no ini file", {}, "Correct the file"),
        ("[profile team]\nregion = x\n", {}, "aws configure --profile team"),
    ],
)
def test_the_remedy_is_that_of_the_cause(config, monkeypatch, text, variables, expected):
    config(text)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert expected in failure(ENVIRONMENT if variables else TEAM).remedy


SSO = (
    "[profile team]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Reader\n"
    "[sso-session corp]\nsso_start_url = https://example.invalid/start\nsso_region = us-east-1\n"
)


@pytest.mark.parametrize("cached", [None, "2020-01-01T00:00:00Z"])
def test_an_sso_session_that_is_missing_or_over_names_the_command(
    config, cached, tmp_path, monkeypatch
):
    monkeypatch.setattr(SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path))
    if cached:
        token = {"accessToken": CANARY, "expiresAt": cached, "startUrl": "https://x"}
        name = hashlib.sha1(b"corp").hexdigest()
        (tmp_path / f"{name}.json").write_text(json.dumps(token))
    config(SSO)
    error = failure(TEAM)
    assert isinstance(error, errors.CredentialsExpired)
    assert "aws sso login --profile team" in error.remedy
    assert "try again" in error.remedy
    assert CANARY not in f"{error} {error.details}"


def test_a_later_call_meets_the_same_text_as_the_first(config):
    config(SSO)
    clients = ClientFactory(Connection(TEAM))
    with pytest.raises(errors.CredentialsExpired, match="sign-in"):
        identity(clients)
    clients.close()


def assumed(expiration):
    return f"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>
<SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken>
<Expiration>{expiration}</Expiration></Credentials></AssumeRoleResult>
</AssumeRoleResponse>""".encode()


def test_a_session_with_a_code_lasts_to_its_end_and_then_asks_for_the_next(config, monkeypatch):
    config(MFA_ROLE)
    ends = utc_now() + timedelta(minutes=5)  # botocore gives a session up 10 minutes early
    with StubServer(
        lambda _request: Reply(200, {"Content-Type": "text/xml"}, assumed(iso_utc(ends)))
    ) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        clients = ClientFactory(Connection(TEAM), ask_mfa=lambda _prompt: "123456")
        assert clients.frozen_keys().access_key_id == "ASIAROLE"
        assert clients.frozen_keys().access_key_id == "ASIAROLE"
        assert b"TokenCode=123456" in server.requests[0].body
        assert len(server.requests) == 1
        clients._credentials._expiry_time = utc_now()
        with pytest.raises(errors.CredentialsExpired, match="expired"):
            clients.frozen_keys()
        clients.close()
