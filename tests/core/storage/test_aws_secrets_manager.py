"""The secrets class of the contract reads, saves and deletes without losing a foreign change."""

import json

import boto3
import pytest
from helpers.aws import CANARY, connection, deny_secrets
from helpers.keyrings import MemoryKeyring, allow
from moto import mock_aws

from core import errors
from core.aws.clients import ClientFactory
from core.aws.identity import identity
from core.aws.secret_faults import NoSecretValue
from core.demo.moto_repairs import repair_moto
from core.model.secret_names import CURRENT, PREVIOUS
from core.redaction import Secret
from core.secrets import saving
from core.storage.aws_secrets_manager import SecretsManager
from core.storage.s3_keys import SUMMARY, StorageKeys, storage_keys, storage_text
from core.work import Work

NAME = "cryptotrading/database"
VALUE = {"host": "db", "port": "5432", "password": "canary-password"}
#: What the platform's grants leave out.
NOT_GRANTED = (
    "PutSecretValue",
    "UpdateSecretVersionStage",
    "DescribeSecret",
    "ListSecretVersionIds",
)


@pytest.fixture
def secrets():
    repair_moto()
    with mock_aws():
        clients = ClientFactory(connection())
        yield SecretsManager(clients=clients)
        clients.close()


@pytest.fixture
def server(secrets):
    return boto3.Session().client("secretsmanager", region_name="us-east-1")


def test_the_contract_s_calls_in_order(secrets):
    assert secrets.create_secret(NAME, VALUE, "the database")
    assert secrets.get_secret(NAME) == VALUE
    assert secrets.update_secret(NAME, {**VALUE, "port": "5433"}).version_id
    assert secrets.get_secret(NAME)["port"] == "5433"
    assert [entry["name"] for entry in secrets.list_secrets()] == [NAME]
    assert [entry["name"] for entry in secrets.list_secrets("cryptotrading/d")] == [NAME]
    assert secrets.list_secrets("other") == []
    assert secrets.delete_secret(NAME).when is not None
    assert secrets.list_secrets() == []


def test_what_is_missing_is_not_found_and_what_is_there_already_exists(secrets):
    with pytest.raises(errors.NotFound):
        secrets.get_secret(NAME)
    with pytest.raises(errors.NotFound):
        secrets.update_secret(NAME, VALUE)
    assert not secrets.exists(NAME)
    secrets.create_secret(NAME, VALUE)
    with pytest.raises(errors.AlreadyExists):
        secrets.create_secret(NAME, VALUE)
    assert secrets.exists(NAME)


def test_a_secret_without_a_value_gets_its_first_one_unless_another_client_was_faster(
    secrets, server
):
    server.create_secret(Name=NAME)
    with pytest.raises(NoSecretValue, match="has no value"):
        secrets.read(NAME)
    assert secrets.exists(NAME)
    assert secrets.save(NAME, "first", expected_version="").version_id
    assert secrets.read(NAME).text.reveal() == "first"
    with pytest.raises(errors.Conflict):
        secrets.save(NAME, "second", expected_version="")


def test_a_denied_read_is_never_taken_for_missing(secrets):
    deny_secrets(secrets.clients, "GetSecretValue")
    for call in (secrets.get_secret, secrets.exists):
        with pytest.raises(errors.AccessDenied) as raised:
            call(NAME)
        assert raised.value.action == "secretsmanager:GetSecretValue"
        assert NAME in raised.value.remedy


def test_more_secrets_than_a_page_are_listed_also_those_that_wait_for_deletion(secrets, server):
    for number in range(120):
        server.create_secret(Name=f"cryptotrading/s{number:03}", SecretString="{}")
    server.create_secret(Name="elsewhere", SecretString="{}")
    server.delete_secret(SecretId="cryptotrading/s007")
    infos = secrets.list_infos()
    assert [info.name for info in infos] == [f"cryptotrading/s{n:03}" for n in range(120)]
    assert [info.name for info in infos if info.deleted] == ["cryptotrading/s007"]
    assert infos[0].updated is not None


@pytest.fixture(params=["all rights", "the platform's grants"])
def seen(request, secrets, server):
    """A secret as it was opened, with and without the rights to move stages."""
    secrets.create_secret(NAME, '{"a": 1.10}')
    if request.param != "all rights":
        deny_secrets(secrets.clients, *NOT_GRANTED)
    return secrets.read(NAME)


def test_a_save_keeps_the_text_verbatim_and_the_old_value_as_previous(secrets, seen):
    text = '{"a": 1.10,  "b": "ü"}'
    result = secrets.save(NAME, Secret(text), expected_version=seen.version_id)
    assert secrets.read(NAME, version_id=result.version_id).text.reveal() == text
    assert secrets.read(NAME, stage=CURRENT).version_id == result.version_id
    assert secrets.read(NAME, stage=PREVIOUS).version_id == seen.version_id


def test_a_change_by_someone_else_is_a_conflict_and_theirs_stays(secrets, seen, server):
    server.put_secret_value(SecretId=NAME, SecretString='{"theirs": 1}')
    with pytest.raises(errors.Conflict) as raised:
        secrets.save(NAME, '{"ours": 1}', expected_version=seen.version_id)
    assert "another client" in raised.value.summary
    assert secrets.get_secret(NAME) == {"theirs": 1}


def test_a_change_between_read_and_write_is_a_conflict_and_theirs_is_stored(
    secrets, seen, server, monkeypatch
):
    def too_late(*_arguments):
        server.put_secret_value(SecretId=NAME, SecretString='{"theirs": 1}')
        return seen

    monkeypatch.setattr(saving, "_check_current", too_late)
    with pytest.raises(errors.Conflict):
        secrets.save(NAME, '{"ours": 1}', expected_version=seen.version_id)
    stored = [
        json.loads(server.get_secret_value(SecretId=NAME, VersionStage=stage)["SecretString"])
        for stage in (CURRENT, PREVIOUS)
    ]
    assert {"theirs": 1} in stored


def labels_on(server):
    stages = server.describe_secret(SecretId=NAME)["VersionIdsToStages"].values()
    return sorted(label for names in stages for label in names)


def test_versions_tell_who_made_them_and_old_labels_make_room_in_time(secrets, server):
    secrets.create_secret(NAME, "{}")
    counts = []
    for number in range(14):
        version = secrets.read(NAME).version_id
        secrets.save(NAME, f'{{"b": {number}}}', expected_version=version)
        current, previous = secrets.list_versions(NAME)[:2]
        assert current.by == identity(secrets.clients).user
        assert number == 0 or previous.by == current.by
        assert current.shown_stages == (CURRENT,)
        counts.append(len(labels_on(server)))
    assert max(counts) == 11  # of twenty that a secret can have
    assert counts[-1] < 11
    assert any(version.by for version in secrets.list_versions(NAME)[2:])


def test_a_failed_swap_leaves_no_label_of_ours(secrets, server, monkeypatch):
    secrets.create_secret(NAME, "{}")
    deny_secrets(secrets.clients, "DescribeSecret")
    seen = secrets.read(NAME)
    server.put_secret_value(SecretId=NAME, SecretString='{"theirs": 1}')
    monkeypatch.setattr(saving, "_check_current", lambda *_arguments: seen)
    with pytest.raises(errors.Conflict):
        secrets.save(NAME, '{"b": 1}', expected_version=seen.version_id)
    assert labels_on(server) == [CURRENT, PREVIOUS]


def test_a_lost_answer_of_an_update_counts_as_done(secrets, monkeypatch):
    secrets.create_secret(NAME, "{}")
    client = secrets.client()
    real = client.update_secret

    def answered_late(**arguments):
        real(**arguments)
        raise client.exceptions.ResourceExistsException(
            {"Error": {"Code": "ResourceExistsException", "Message": "token"}}, "UpdateSecret"
        )

    monkeypatch.setattr(client, "update_secret", answered_late)
    assert secrets.update_secret(NAME, VALUE)
    assert secrets.get_secret(NAME) == VALUE


def test_rolling_back_moves_the_stage_and_refuses_when_someone_was_faster(secrets, server):
    first = secrets.create_secret(NAME, '{"v": 1}').version_id
    second = secrets.save(NAME, '{"v": 2}', expected_version=first).version_id
    assert secrets.list_versions(NAME)[0].version_id == second
    assert secrets.make_current(NAME, first, expected_version=second)
    assert secrets.get_secret(NAME) == {"v": 1}
    with pytest.raises(errors.Conflict):
        secrets.make_current(NAME, second, expected_version=second[:-4] + "0000")


def test_facts_come_from_the_listing_where_describing_is_not_granted(secrets):
    secrets.create_secret(NAME, VALUE, "the database")
    deny_secrets(secrets.clients, *NOT_GRANTED)
    assert secrets.describe(NAME).description == "the database"
    with pytest.raises(errors.AccessDenied, match=NAME) as raised:
        secrets.list_versions(NAME)
    assert raised.value.action == "secretsmanager:ListSecretVersionIds"


def test_a_deletion_has_a_window_and_can_be_taken_back(secrets):
    secrets.create_secret(NAME, VALUE)
    for days in (6, 31):
        with pytest.raises(errors.InvalidInput):
            secrets.delete_secret(NAME, recovery_days=days)
    secrets.delete_secret(NAME, recovery_days=7)
    for call in (secrets.get_secret, lambda name: secrets.create_secret(name, VALUE)):
        with pytest.raises((errors.ScheduledForDeletion, errors.AlreadyExists)):
            call(NAME)
    secrets.restore_secret(NAME)
    assert secrets.get_secret(NAME) == VALUE
    secrets.delete_secret(NAME, force_delete=True)
    assert secrets.list_infos() == ()


def test_sizes_and_names_are_refused_before_anything_is_sent(secrets):
    for name, value in ((NAME, "x" * 65_537), (NAME, ""), ("", "x"), (" a", "x")):
        with pytest.raises(errors.InvalidInput):
            secrets.create_secret(name, value)
    with pytest.raises(errors.InvalidInput):
        secrets.save(NAME, "x" * 65_537, expected_version="v")


def test_a_binary_value_is_reported_as_such(secrets, server):
    server.create_secret(Name=NAME, SecretBinary=b"\x00\x01")
    value = secrets.read(NAME)
    assert value.binary
    assert value.text.reveal() == "AAE="
    with pytest.raises(errors.Corrupt):
        secrets.get_secret(NAME)


def test_values_show_nowhere(secrets, caplog):
    caplog.set_level("DEBUG", "core")
    secrets.create_secret(NAME, VALUE)
    value = secrets.read(NAME)
    assert "canary" not in f"{value!r} {value} {caplog.text}"


def test_a_cancelled_work_sends_nothing(secrets):
    work = Work()
    work.token.cancel()
    with pytest.raises(errors.Cancelled):
        secrets.create_secret(NAME, VALUE, work=work)
    assert not secrets.exists(NAME)


# How a script gets its service.


def test_a_script_needs_no_more_than_a_region_and_the_environment(secrets, monkeypatch):
    secrets.create_secret(NAME, VALUE)
    from core import SecretsManager as FromTheFrontDoor

    assert FromTheFrontDoor(region_name="us-east-1").get_secret(NAME) == VALUE
    assert FromTheFrontDoor("eu-west-1").clients.region == "eu-west-1"
    elsewhere = FromTheFrontDoor("us-east-1", endpoint_url="http://127.0.0.1:9")
    assert elsewhere.clients.endpoint_url == "http://127.0.0.1:9"


def test_a_stored_profile_is_used_by_its_name(secrets, monkeypatch, tmp_path):
    import keyring

    from core.local.connections import Connections
    from core.model.connection import KeySource, Profile

    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path))
    allow(monkeypatch, MemoryKeyring)
    backend = MemoryKeyring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: backend)
    Connections().save(Profile("production", KeySource.KEYRING), connection().keys)
    secrets.create_secret(NAME, VALUE)
    assert SecretsManager(profile="production").get_secret(NAME) == VALUE
    with pytest.raises(errors.NotFound, match="no profile named staging"):
        SecretsManager(profile="staging")


# The platform's S3 keys.

STORAGE = "cryptotrading/s3-storage"


def test_the_s3_keys_are_read_with_bucket_and_region(secrets):
    stored = {"aws_access_key_id": "AKIA1", "aws_secret_access_key": CANARY, "extra": 1.50}
    secrets.create_secret(STORAGE, json.dumps({**stored, "bucket_name": "b", "region": "r"}))
    found = storage_keys(secrets, STORAGE)
    assert (found.keys.access_key_id, found.bucket, found.region) == ("AKIA1", "b", "r")
    assert CANARY not in repr(found)


def test_their_absence_is_reported_in_the_text_that_users_know(secrets):
    with pytest.raises(errors.NotFound, match=SUMMARY) as raised:
        storage_keys(secrets, STORAGE)
    assert "set-up" in raised.value.remedy
    secrets.create_secret(STORAGE, {"aws_access_key_id": "AKIA1"})
    with pytest.raises(errors.Corrupt, match=SUMMARY) as raised:
        storage_keys(secrets, STORAGE)
    assert "aws_secret_access_key" in raised.value.cause
    deny_secrets(secrets.clients, "GetSecretValue")
    with pytest.raises(errors.AccessDenied, match=SUMMARY) as raised:
        storage_keys(secrets, STORAGE)
    assert raised.value.action == "secretsmanager:GetSecretValue"


def test_storing_new_keys_leaves_other_fields_of_the_secret():
    new = StorageKeys(connection().keys, "b", "eu-west-1")
    before = '{"region": "us-east-1", "comment": "ours", "rate": 1.50}'
    after = storage_text(new, before)
    assert '"rate": 1.50' in after
    assert json.loads(after)["region"] == "eu-west-1"
    assert list(json.loads(storage_text(new))) == [
        "aws_access_key_id",
        "aws_secret_access_key",
        "bucket_name",
        "region",
    ]


def test_a_binary_value_is_called_binary_and_no_text_replaces_it_unasked(secrets, server):
    data = b"\x00\xffPKCS12"
    server.create_secret(Name=NAME, SecretBinary=data)
    with pytest.raises(errors.Corrupt, match="contains a binary value"):
        secrets.get_secret(NAME)
    seen = secrets.read(NAME)
    assert seen.binary
    with pytest.raises(errors.InvalidInput, match="a text would replace it"):
        secrets.save(NAME, '{"a": 1}', expected_version=seen.version_id)
    assert server.get_secret_value(SecretId=NAME)["SecretBinary"] == data
    written = secrets.save(NAME, data + b"2", expected_version=seen.version_id)
    assert server.get_secret_value(SecretId=NAME)["SecretBinary"] == data + b"2"
    text = '{"a": 1}'
    secrets.save(NAME, text, expected_version=written.version_id, replace_binary=True)
    assert secrets.get_secret(NAME) == {"a": 1}
    deny_secrets(secrets.clients, "PutSecretValue")
    secrets.save(NAME, data, expected_version=secrets.read(NAME).version_id)
    assert server.get_secret_value(SecretId=NAME)["SecretBinary"] == data


def test_bytes_are_created_as_a_binary_value_and_have_its_limits(secrets, server):
    secrets.create_secret(NAME, b"\x00\x01")
    assert server.get_secret_value(SecretId=NAME)["SecretBinary"] == b"\x00\x01"
    with pytest.raises(errors.InvalidInput, match="is empty"):
        secrets.create_secret("other", b"")
    with pytest.raises(errors.InvalidInput, match="too large"):
        secrets.create_secret("other", bytes(65_537))
