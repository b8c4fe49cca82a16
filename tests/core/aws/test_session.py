"""Each credential source gives exactly its own keys, or an error that names what is missing."""

import gzip
import json
import socket
from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from helpers.aws import CANARY, KEY_ID, connection
from helpers.stub_server import Reply, StubServer

from core import errors
from core.aws.clients import ClientFactory
from core.aws.identity import identity
from core.aws.session import session_for
from core.model.connection import Connection, KeySource, Profile

AWS_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")

ASSUMED = b"""<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleResult><Credentials><AccessKeyId>ASIAROLE</AccessKeyId>
<SecretAccessKey>role-secret</SecretAccessKey><SessionToken>role-token</SessionToken>
<Expiration>2999-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>
</AssumeRoleResponse>"""


@pytest.fixture(autouse=True)
def clean_machine(monkeypatch, tmp_path):
    for name in AWS_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path


def keys_of(profile, keys=None):
    clients = ClientFactory(Connection(profile, keys))
    try:
        return clients.frozen_keys()
    finally:
        clients.close()


def test_an_aws_profile_is_read_from_aws_s_files_and_beats_the_environment(
    clean_machine, monkeypatch
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAWRONG")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    (clean_machine / "credentials").write_text(
        "[team]\naws_access_key_id = AKIATEAM\naws_secret_access_key = team-secret\n"
    )
    keys = keys_of(Profile("p", KeySource.AWS_PROFILE, aws_profile="team"))
    assert (keys.access_key_id, keys.secret_access_key.reveal()) == ("AKIATEAM", "team-secret")


def test_the_service_models_are_read_once_for_all_connections():
    first, second = (ClientFactory(connection()) for _ in range(2))
    try:
        models = [each.s3().meta.service_model.operation_names for each in (first, second)]
        shapes = [each.s3()._service_model._service_description for each in (first, second)]
    finally:
        first.close()
        second.close()
    assert models[0] == models[1]
    assert shapes[0] is shapes[1]


def test_the_environment_gives_keys(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "env-token")
    keys = keys_of(Profile("p", KeySource.ENVIRONMENT))
    assert keys.access_key_id == "AKIAENV"
    assert keys.session_token.reveal() == "env-token"


def test_own_keys_look_neither_at_aws_profile_nor_at_a_broken_config_file(
    clean_machine, monkeypatch
):
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    (clean_machine / "config").write_text("this is not an ini file")
    clients = ClientFactory(connection())
    assert clients.frozen_keys().access_key_id == KEY_ID
    clients.s3()
    clients.close()


@pytest.mark.parametrize(
    ("profile", "word"),
    [
        (Profile("p", KeySource.ENVIRONMENT), "AWS_"),
        (Profile("p", KeySource.ROLE), "role"),
        (Profile("p", KeySource.KEYRING), "keyring"),
        (Profile("p", KeySource.SESSION), "memory"),
        (Profile("p", KeySource.AWS_PROFILE, aws_profile="gone"), "gone"),
    ],
)
def test_a_source_without_keys_says_which_and_what_to_do(profile, word):
    with pytest.raises(errors.CredentialsMissing) as raised:
        keys_of(profile)
    assert word in raised.value.cause
    assert raised.value.remedy


def test_a_role_of_the_machine_uses_neither_environment_nor_files(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
    container = b"""{"AccessKeyId": "ASIATASK", "SecretAccessKey": "task-secret",
        "Token": "task-token", "Expiration": "2999-01-01T00:00:00Z"}"""
    with StubServer(lambda _request: Reply(200, {}, container)) as server:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/creds")
        keys = keys_of(Profile("p", KeySource.ROLE))
    assert keys.access_key_id == "ASIATASK"


def test_a_further_role_is_assumed_with_the_source_s_keys_and_its_end_is_known():
    with StubServer(lambda _request: Reply(200, {"Content-Type": "text/xml"}, ASSUMED)) as server:
        role = "arn:aws:iam::123456789012:role/reader"
        clients = ClientFactory(connection(endpoint_url=server.url, role_arn=role))
        keys = clients.frozen_keys()
        assert (keys.access_key_id, keys.session_token.reveal()) == ("ASIAROLE", "role-token")
        assert clients.credentials_expire().year == 2999
        assert clients.credentials_method() == "assume-role"
        assert b"AssumeRole" in server.requests[0].body
        assert KEY_ID in server.requests[0].headers["authorization"]
        assert CANARY not in server.requests[0].body.decode()
        clients.close()


def test_a_role_that_asks_for_mfa_fails_in_text_or_asks_who_can_answer(clean_machine):
    (clean_machine / "config").write_text(
        "[profile admin]\nrole_arn = arn:aws:iam::123456789012:role/admin\n"
        "source_profile = base\nmfa_serial = arn:aws:iam::123456789012:mfa/me\n"
        "[profile base]\naws_access_key_id = AKIABASE\naws_secret_access_key = base-secret\n"
    )
    profile = Profile("p", KeySource.AWS_PROFILE, aws_profile="admin")
    with pytest.raises(errors.CredentialsMissing, match="MFA"):
        keys_of(profile)
    prompts = []

    def dismiss(prompt):
        prompts.append(prompt)
        raise errors.Cancelled("Cancelled")

    clients = ClientFactory(Connection(profile), ask_mfa=dismiss)
    with pytest.raises(errors.Cancelled):
        clients.frozen_keys()
    assert "mfa/me" in prompts[0]
    clients.close()


@pytest.mark.parametrize(
    ("style", "where"),
    [("virtual", "//bucket.s3.localhost:9/"), ("path", "/bucket/"), ("", "/bucket/")],
)
def test_the_addressing_style_of_an_aws_profile_holds_at_an_endpoint_of_our_own(
    clean_machine, style, where
):
    (clean_machine / "config").write_text(
        "[profile team]\naws_access_key_id = AKIATEAM\naws_secret_access_key = team-secret\n"
        + f"s3 =\n  addressing_style = {style}\n" * bool(style)
    )
    profile = Profile(
        "p", KeySource.AWS_PROFILE, aws_profile="team", endpoint_url="http://s3.localhost:9"
    )
    clients = ClientFactory(Connection(profile))
    url = clients.s3().generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "k"})
    assert where in url
    clients.close()


@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:9"])
def test_an_impossible_region_is_named_and_the_endpoint_is_not_blamed(endpoint):
    clients = ClientFactory(connection(region="xx yy", endpoint_url=endpoint))
    with pytest.raises(errors.InvalidInput) as raised:
        clients.s3()
    assert "'xx yy'" in raised.value.summary
    assert "endpoint" not in str(raised.value)
    clients.close()


def test_an_impossible_endpoint_is_named():
    clients = ClientFactory(connection(endpoint_url="localhost:9000"))
    with pytest.raises(errors.InvalidInput, match="localhost:9000"):
        clients.s3()
    clients.close()


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_file_of_certificates_that_cannot_be_used_is_named(clean_machine, monkeypatch, content):
    file = clean_machine / "ca.pem"
    if content:
        file.write_text(content)
    monkeypatch.setenv("AWS_CA_BUNDLE", str(file))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        clients = ClientFactory(connection(endpoint_url=f"https://127.0.0.1:{port}"))
        with pytest.raises(errors.LocalIOError) as raised:
            identity(clients)
    assert str(file) in raised.value.summary
    assert "AWS_CA_BUNDLE" in raised.value.cause
    clients.close()


@pytest.mark.parametrize("type_name", ["service-2", "endpoint-rule-set-1", "waiters-2"])
def test_the_known_services_are_those_of_botocore(type_name):
    loader = session_for(connection()).get_component("data_loader")
    known, expected = loader.list_available_services(type_name), Loader()
    assert list(known) == expected.list_available_services(type_name)
    some = {"s3", "secretsmanager", "sts", "account", "partitions", "nothing"}
    assert some & {*known} == {name for name in some if name in known} > {"s3"}
    with pytest.raises(UnknownServiceError, match=r"Unknown service: 'nothing'.*s3"):
        loader.load_service_model("nothing", type_name)


def test_data_of_botocore_is_parsed_as_by_python():
    loader = session_for(connection()).get_component("data_loader")
    folder = Path(loader.BUILTIN_DATA_PATH)
    files = [*folder.glob("*.json*"), *(folder / "s3").rglob("*.json*")]
    files += (folder / "secretsmanager").rglob("*.json*")
    assert len(files) > 10
    for file in files:
        data = file.read_bytes()
        text = gzip.decompress(data) if file.suffix == ".gz" else data
        path = str(file).removesuffix(".gz").removesuffix(".json")
        assert loader.file_loader.load_file(path) == json.loads(text)
    assert loader.file_loader.load_file(str(folder / "none")) is None
