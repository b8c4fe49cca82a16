"""The expiry of keys is known for each credential source that has one."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from botocore.credentials import SSOProvider
from botocore.tokens import SSOTokenProvider
from helpers.stub_server import XML, Reply, Request, StubServer
from helpers.stub_sts import StubSts

from core.aws.clients import ClientFactory
from core.aws.expiry import Expiry
from core.aws.identity import identity, identity_text
from core.errors import CredentialsExpired, CredentialsMissing
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.model.identity import Identity
from core.redaction import Secret
from core.units import format_moment, iso_utc, utc_now

ENDS = (utc_now() + timedelta(minutes=50)).replace(microsecond=0)
ENVIRONMENT = Profile("p", KeySource.ENVIRONMENT)
TEAM = Profile("p", KeySource.AWS_PROFILE, aws_profile="team")
MACHINE = Profile("p", KeySource.ROLE)
ROLE = "arn:aws:iam::123456789012:role/reader"

PERMANENT = Expiry(temporary=False)
UNKNOWN = Expiry(temporary=True)
KNOWN = Expiry(temporary=True, at=ENDS)

PAIR = {"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env-secret"}
SESSION = PAIR | {"AWS_ACCESS_KEY_ID": "ASIAENV", "AWS_SESSION_TOKEN": "token"}
KEYS = AccessKeys("AKIA1", Secret("key-of-a-profile"))
BASE = "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = base-secret\n"


@pytest.fixture
def aws(monkeypatch, tmp_path):
    """An AWS that opens sessions until `ENDS`, and that stands for a machine's metadata as well."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setattr(SSOTokenProvider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(SSOProvider, "_SSO_TOKEN_CACHE_DIR", str(tmp_path))
    with StubServer(answer) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        yield server


def answer(request: Request) -> Reply:
    keys = {"AccessKeyId": "ASIAROLE", "SecretAccessKey": "secret", "Expiration": iso_utc(ENDS)}
    if request.path.startswith("/latest/api/token"):
        return Reply(200, {}, b"metadata-token")
    if request.path.endswith("/security-credentials/"):
        return Reply(200, {}, b"a-role")
    if request.path.startswith(("/latest/", "/container")):
        body = keys | {"Token": "token", "Code": "Success"}
        return Reply(200, {"Content-Type": "application/json"}, json.dumps(body).encode())
    if request.path.startswith("/federation/"):
        role = {"accessKeyId": "ASIASSO", "secretAccessKey": "secret", "sessionToken": "token"}
        body = {"roleCredentials": role | {"expiration": int(ENDS.timestamp() * 1000)}}
        return Reply(200, {"Content-Type": "application/json"}, json.dumps(body).encode())
    action = parse_qs(request.body.decode())["Action"][0]
    text = "".join(f"<{name}>{value}</{name}>" for name, value in keys.items())
    body = (
        f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>'
        f"<Credentials>{text}<SessionToken>token</SessionToken></Credentials></{action}Result>"
        f"</{action}Response>"
    )
    return Reply(200, XML, body.encode())


def process(tmp_path, **more):
    """A credential_process that gives keys."""
    keys = {"Version": 1, "AccessKeyId": "AKIAHELP", "SecretAccessKey": "secret", **more}
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    return f"[profile team]\ncredential_process = cat {tmp_path / 'keys.json'}\n"


def expiry_of(profile, keys=None):
    clients = ClientFactory(Connection(profile, keys))
    try:
        return clients.credentials_expiry()
    finally:
        clients.close()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (KEYS, PERMANENT),
        (replace(KEYS, session_token=Secret("token-of-a-session")), UNKNOWN),
        (replace(KEYS, access_key_id="ASIA1"), UNKNOWN),
        (replace(KEYS, session_token=Secret("token-of-a-session"), expires=ENDS), KNOWN),
    ],
)
@pytest.mark.parametrize("source", [KeySource.KEYRING, KeySource.SESSION])
def test_keys_of_our_own(source, keys, expected):
    assert expiry_of(Profile("p", source), keys) == expected


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (PAIR, PERMANENT),
        (SESSION, UNKNOWN),
        (SESSION | {"AWS_CREDENTIAL_EXPIRATION": iso_utc(ENDS)}, KNOWN),
    ],
)
def test_variables(monkeypatch, variables, expected):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert expiry_of(ENVIRONMENT) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BASE.replace("base]", "team]"), PERMANENT),
        (BASE.replace("base]", "team]") + "aws_session_token = token\n", UNKNOWN),
        (f"[profile team]\nrole_arn = {ROLE}\nsource_profile = base\n{BASE}", KNOWN),
    ],
)
def test_sections_of_aws_s_files(aws, tmp_path, text, expected):
    (tmp_path / "config").write_text(text)
    assert expiry_of(TEAM) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, PERMANENT),
        ({"SessionToken": "token"}, UNKNOWN),
        ({"SessionToken": "token", "Expiration": iso_utc(ENDS)}, KNOWN),
    ],
)
def test_a_credential_process(aws, tmp_path, more, expected):
    (tmp_path / "config").write_text(process(tmp_path, **more))
    assert expiry_of(TEAM) == expected


def test_a_role_whose_source_is_a_credential_process(aws, tmp_path):
    helper = process(tmp_path, SessionToken="token").replace("team", "base")
    (tmp_path / "config").write_text(
        f"[profile team]\nrole_arn = {ROLE}\nsource_profile = base\n{helper}"
    )
    assert expiry_of(TEAM) == KNOWN


def test_single_sign_on(aws, tmp_path):
    token = {"accessToken": "token", "expiresAt": iso_utc(ENDS), "startUrl": "https://x"}
    name = hashlib.sha1(b"corp").hexdigest()
    (tmp_path / f"{name}.json").write_text(json.dumps(token))
    (tmp_path / "config").write_text(
        "[profile team]\nsso_session = corp\nsso_account_id = 123456789012\n"
        "sso_role_name = Reader\n[sso-session corp]\nsso_start_url = https://x\n"
        "sso_region = us-east-1\n"
    )
    assert expiry_of(TEAM) == KNOWN


def test_a_further_role(aws):
    assert expiry_of(replace(ENVIRONMENT, source=KeySource.SESSION, role_arn=ROLE), KEYS) == KNOWN


def test_web_identity(aws, monkeypatch, tmp_path):
    (tmp_path / "token").write_text("a-token-of-the-cluster")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    assert expiry_of(MACHINE) == KNOWN


def test_a_container_and_an_instance(aws, monkeypatch):
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "false")
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", aws.url)
    assert expiry_of(MACHINE) == KNOWN
    assert not [request for request in aws.requests if request.path.startswith("/container")]
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{aws.url}/container")
    assert expiry_of(MACHINE) == KNOWN
    assert [request for request in aws.requests if request.path.startswith("/container")]


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        (PAIR, "no end known"),
        (SESSION, "temporary, end unknown"),
        (SESSION | {"AWS_CREDENTIAL_EXPIRATION": iso_utc(ENDS)}, f"until {format_moment(ENDS)}"),
    ],
    ids=["permanent", "unknown", "known"],  # every worker of a run must see the same names
)
def test_who_we_are_reports_the_end(monkeypatch, variables, text):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    clients = ClientFactory(Connection(ENVIRONMENT))
    who = Identity("1", "arn:aws:iam::1:user/u", "u", clients.credentials_expire())
    assert text in identity_text(clients, who)
    clients.close()


def test_the_identity_says_whether_the_end_of_its_keys_is_known(monkeypatch):
    for name, value in SESSION.items():
        monkeypatch.setenv(name, value)
    with StubServer(StubSts(ENDS)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        clients = ClientFactory(Connection(ENVIRONMENT))
        who = identity(clients)
        clients.close()
    assert (who.expires, who.expiry_known) == (None, False)


# Keys that have ended when they come.

PAST = "2020-01-01T00:00:00Z"


def failure(profile):
    clients = ClientFactory(Connection(profile))
    with pytest.raises(CredentialsExpired) as raised:
        clients.frozen_keys()
    clients.close()
    return raised.value


def test_a_credential_process_that_gives_ended_keys_is_named(aws, tmp_path):
    (tmp_path / "config").write_text(process(tmp_path, SessionToken="token", Expiration=PAST))
    error = failure(TEAM)
    assert "credential_process of the AWS profile team" in error.cause
    assert "1 Jan 2020 00:00:00 UTC" in error.cause


def test_one_that_a_role_starts_from_is_an_error_of_the_same_kind(aws, tmp_path):
    helper = process(tmp_path, SessionToken="token", Expiration=PAST).replace("team", "base")
    (tmp_path / "config").write_text(
        f"[profile team]\nrole_arn = {ROLE}\nsource_profile = base\n{helper}"
    )
    assert "team" in failure(TEAM).cause


def test_variables_of_an_ended_session_are_named(monkeypatch):
    for name, value in (SESSION | {"AWS_CREDENTIAL_EXPIRATION": PAST}).items():
        monkeypatch.setenv(name, value)
    error = failure(ENVIRONMENT)
    assert "AWS_CREDENTIAL_EXPIRATION" in error.cause
    assert "variables" in error.remedy


def test_an_expiration_without_a_zone_is_utc(monkeypatch):
    for name, text in (
        SESSION | {"AWS_CREDENTIAL_EXPIRATION": f"{ENDS:%Y-%m-%dT%H:%M:%S}"}
    ).items():
        monkeypatch.setenv(name, text)
    assert expiry_of(ENVIRONMENT) == KNOWN


@pytest.mark.parametrize("value", ["soon", "99999999999999999999"])
def test_an_expiration_that_is_no_time_is_named(monkeypatch, value):
    for name, text in (SESSION | {"AWS_CREDENTIAL_EXPIRATION": value}).items():
        monkeypatch.setenv(name, text)
    clients = ClientFactory(Connection(ENVIRONMENT))
    with pytest.raises(CredentialsMissing) as raised:
        clients.frozen_keys()
    assert "AWS_CREDENTIAL_EXPIRATION" in raised.value.cause
    clients.close()
