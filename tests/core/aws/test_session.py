import pytest
from helpers.aws import CANARY, KEY_ID, connection
from helpers.stub_server import Reply, StubServer

from core import errors
from core.aws.clients import ClientFactory
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
    with StubServer(lambda _asked: Reply(200, {}, container)) as server:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/creds")
        keys = keys_of(Profile("p", KeySource.ROLE))
    assert keys.access_key_id == "ASIATASK"


def test_a_further_role_is_assumed_with_the_source_s_keys_and_its_end_is_known():
    with StubServer(lambda _asked: Reply(200, {"Content-Type": "text/xml"}, ASSUMED)) as server:
        role = "arn:aws:iam::123456789012:role/reader"
        clients = ClientFactory(connection(endpoint_url=server.url, role_arn=role))
        keys = clients.frozen_keys()
        assert (keys.access_key_id, keys.session_token.reveal()) == ("ASIAROLE", "role-token")
        assert clients.credentials_expire().year == 2999
        assert clients.credentials_method() == "assume-role"
        assert b"AssumeRole" in server.asked[0].body
        assert KEY_ID in server.asked[0].headers["authorization"]
        assert CANARY not in server.asked[0].body.decode()
        clients.close()


def test_a_role_that_asks_for_mfa_fails_in_words_or_asks_who_can_answer(clean_machine):
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
