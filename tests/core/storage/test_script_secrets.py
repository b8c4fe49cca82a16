"""Secrets work as the scripts of the earlier software use them."""

import json

import boto3
import pytest
from helpers.aws import connection
from moto import mock_aws

from core.aws.clients import ClientFactory
from core.demo.moto_repairs import repair_moto
from core.errors import AlreadyExists
from core.storage.aws_secrets_manager import SecretsManager

NAME = "cryptotrading/database"


@pytest.fixture
def secrets():
    repair_moto()
    with mock_aws():
        clients = ClientFactory(connection())
        yield SecretsManager(clients=clients)
        clients.close()


def test_listed_secrets_have_the_fields_of_aws_and_ours(secrets):
    secrets.create_secret(NAME, {"a": "1"}, "the database")
    secrets.create_secret("cryptotrading/api", "{}")
    server = boto3.Session().client("secretsmanager", region_name="us-east-1")
    by_aws = {entry["Name"]: entry for entry in server.list_secrets()["SecretList"]}
    listed = secrets.list_secrets()
    assert [one["Name"] for one in listed] == ["cryptotrading/api", NAME]
    for one in listed:
        expected = by_aws[one["Name"]]
        assert {name: one[name] for name in expected} == expected
        assert (one["Name"], one["ARN"]) == (one["name"], one["arn"]) == (one.name, one.arn)
        assert one.Name == one.name
        assert one["created"] == expected["CreatedDate"]
    assert listed[1].Description == listed[1].description == "the database"
    assert json.loads(json.dumps(listed, default=str))[1]["Name"] == NAME
    assert listed[0].get("nothing") is None
    with pytest.raises(AttributeError):
        _ = listed[0].nothing


def test_names_are_filtered_by_their_beginning(secrets):
    for name in (NAME, "cryptotrading/api", "other/cryptotrading/x"):
        secrets.create_secret(name, "{}")
    assert [one["Name"] for one in secrets.list_secrets("cryptotrading/")] == [
        "cryptotrading/api", NAME,
    ]  # fmt: skip


def test_creating_an_existing_secret_names_update_secret_as_the_remedy(secrets):
    secrets.create_secret(NAME, {"a": "1"})
    with pytest.raises(AlreadyExists) as raised:
        secrets.create_secret(NAME, {"a": "2"})
    assert f"update_secret({NAME!r}, ...)" in raised.value.remedy
    assert "update_existing=True" in raised.value.remedy
    assert raised.value.subject == NAME
    assert secrets.get_secret(NAME) == {"a": "1"}


def test_creating_with_update_existing_replaces_value_and_description(secrets):
    first = secrets.create_secret(NAME, {"a": "1"}, "old", update_existing=True)
    second = secrets.create_secret(NAME, {"a": "2"}, "new", update_existing=True)
    assert first.version_id != second.version_id
    assert second.arn == first.arn
    assert secrets.get_secret(NAME) == {"a": "2"}
    assert secrets.list_secrets()[0].description == "new"
    secrets.create_secret(NAME, {"a": "3"}, update_existing=True)
    assert secrets.list_secrets()[0].description == "new"
