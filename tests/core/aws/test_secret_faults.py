"""Refusals of Secrets Manager that only their message distinguishes."""

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from helpers.aws import connection
from moto import mock_aws

from core import errors
from core.aws.clients import ClientFactory
from core.aws.faults import translate
from core.demo.moto_repairs import repair_moto
from core.storage.aws_secrets_manager import SecretsManager

NAME = "cryptotrading/replicated"


@pytest.fixture
def managers():
    """Secrets Manager in the primary region and in that of a replica."""
    repair_moto()
    with mock_aws():
        here = connection(region="us-east-1")
        there = replace(here, profile=replace(here.profile, region="eu-west-1"))
        factories = [ClientFactory(each) for each in (here, there)]
        factories[0].secrets().create_secret(
            Name=NAME, SecretString='{"a": "1"}', AddReplicaRegions=[{"Region": "eu-west-1"}]
        )
        yield [SecretsManager(clients=each) for each in factories]
        for each in factories:
            each.close()


def test_a_replica_refers_to_its_primary_region(managers):
    _primary, replica = managers
    value = replica.read(NAME)
    with pytest.raises(errors.NotSupported, match="is a replica in this region") as refused:
        replica.save(NAME, '{"a": "2"}', expected_version=value.version_id)
    assert "primary secret's region" in refused.value.remedy
    assert refused.value.effect == "Nothing was saved."


def test_a_secret_with_replicas_is_not_deleted_and_names_them(managers):
    primary, _replica = managers
    with pytest.raises(errors.Conflict, match="has replicas in other regions") as refused:
        primary.delete_secret(NAME)
    assert "eu-west-1" in refused.value.cause
    assert refused.value.effect == "Nothing was deleted."


def test_a_denied_encryption_key_is_not_taken_for_a_denied_secret():
    error = {"Code": "AccessDeniedException", "Message": "Access to KMS is not allowed"}
    found = translate(
        ClientError({"Error": error}, "GetSecretValue"), "secretsmanager:GetSecretValue", NAME
    )
    assert type(found) is errors.AccessDenied
    assert found.summary == f"The KMS key of {NAME} cannot be used"
    assert "kms:Decrypt" in found.remedy
    assert "grant secretsmanager" not in found.remedy
