"""Each permission is tested with a request that is undone, and a missing one is reported."""

from dataclasses import replace
from datetime import timedelta

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from helpers.aws import connection, deny_secrets
from helpers.stub_server import XML, Reply, StubServer
from moto import mock_aws

from core import errors
from core.aws.clients import ClientFactory
from core.demo.moto_repairs import repair_moto
from core.health.permissions import CHECKS, check_permissions
from core.model.connection import Connection, KeySource, Profile
from core.units import utc_now
from core.work import Work

CONTRACT = [
    "s3:ListBucket",
    "s3:PutObject",
    "s3:GetObject",
    "s3:DeleteObject",
    "secretsmanager:GetSecretValue",
    "secretsmanager:ListSecrets",
    "secretsmanager:CreateSecret",
    "secretsmanager:UpdateSecret",
]


@pytest.fixture
def clients():
    repair_moto()
    with mock_aws():
        factory = ClientFactory(connection())
        factory.s3().create_bucket(Bucket="tentimecrypto")
        factory.s3().put_bucket_versioning(
            Bucket="tentimecrypto", VersioningConfiguration={"Status": "Enabled"}
        )
        factory.secrets().create_secret(Name="cryptotrading/s3-storage", SecretString="{}")
        yield factory
        factory.close()


def everything(clients):
    """All that a check could have changed."""
    versions = clients.s3().list_object_versions(Bucket="tentimecrypto")
    secrets = clients.secrets().list_secrets(IncludePlannedDeletion=True)["SecretList"]
    return (
        versions.get("Versions"),
        versions.get("DeleteMarkers"),
        [(secret["Name"], secret["LastChangedDate"]) for secret in secrets],
    )


def by_action(results):
    return {result.action: result for result in results}


def test_each_permission_is_tried_reported_at_once_and_undone(clients):
    before = everything(clients)
    output = []
    results = check_permissions(clients, work=Work(batch=output.append))
    assert tuple(output) == results
    assert [result.action for result in results] == [check.action for check in CHECKS]
    assert [r.action for r in results if r.needed == "contract"] == CONTRACT
    assert all(result.ok for result in results if result.needed == "contract")
    assert everything(clients) == before


def test_the_extras_can_be_left_out(clients):
    assert [r.action for r in check_permissions(clients, extras=False)] == CONTRACT


def test_what_cannot_be_undone_is_not_tried_and_says_so(clients):
    deny_secrets(clients, "DeleteSecret")
    before = everything(clients)
    found = by_action(check_permissions(clients))
    assert found["secretsmanager:CreateSecret"].ok is None
    assert "could not be removed" in found["secretsmanager:CreateSecret"].detail
    assert found["secretsmanager:UpdateSecret"].ok is True
    assert found["secretsmanager:DeleteSecret"].ok is False
    assert everything(clients) == before


def test_a_missing_permission_is_a_cross_with_its_reason(clients):
    deny_secrets(clients, "GetSecretValue", "UpdateSecret")
    found = by_action(check_permissions(clients, extras=False))
    for action in ("secretsmanager:GetSecretValue", "secretsmanager:UpdateSecret"):
        assert found[action].ok is False
        assert "no identity-based policy allows it" in found[action].detail
    assert found["secretsmanager:ListSecrets"].ok is True


def test_a_secret_that_is_not_there_yet_is_no_missing_permission(clients):
    clients.secrets().delete_secret(
        SecretId="cryptotrading/s3-storage", ForceDeleteWithoutRecovery=True
    )
    found = by_action(check_permissions(clients, extras=False))
    assert found["secretsmanager:GetSecretValue"].ok is True
    assert "does not exist yet" in found["secretsmanager:GetSecretValue"].detail


def test_a_missing_bucket_is_a_cross_for_s3_and_the_rest_is_still_tried(clients):
    boto3.Session().client("s3", region_name="us-east-1").delete_bucket(Bucket="tentimecrypto")
    found = by_action(check_permissions(clients, extras=False))
    assert found["s3:ListBucket"].ok is False
    assert "does not exist" in found["s3:ListBucket"].detail
    assert found["secretsmanager:ListSecrets"].ok is True


def test_keys_that_are_not_accepted_end_the_check_at_once():
    body = b"<Error><Code>InvalidAccessKeyId</Code><Message>unknown</Message></Error>"

    def answer(asked):
        return Reply(403) if asked.method == "HEAD" else Reply(403, XML, body)

    with StubServer(answer) as server:
        factory = ClientFactory(connection(endpoint_url=server.url))
        with pytest.raises(errors.CredentialsInvalid):
            check_permissions(factory)
        factory.close()


def test_a_cancel_in_the_middle_removes_the_test_object(clients):
    work = Work()

    def watch(result):
        if result.action == "s3:PutObject":
            work.token.cancel()

    before = everything(clients)
    with pytest.raises(errors.Cancelled):
        check_permissions(clients, work=Work(token=work.token, batch=watch))
    assert everything(clients) == before


@pytest.mark.parametrize("operation", ["PutObject", "CreateSecret"])
def test_a_write_whose_answer_is_lost_is_undone_as_well(clients, monkeypatch, operation):
    before = everything(clients)
    service = clients.s3() if operation == "PutObject" else clients.secrets()
    call = service._make_api_call

    def lost(name, arguments):
        answer = call(name, arguments)
        if name == operation:
            raise EndpointConnectionError(endpoint_url="http://gone")
        return answer

    monkeypatch.setattr(service, "_make_api_call", lost)
    with pytest.raises(errors.Offline):
        check_permissions(clients)
    monkeypatch.undo()
    assert everything(clients) == before


def test_the_table_reports_who_we_are_where_the_keys_come_from_and_their_end(clients):
    found = by_action(check_permissions(clients))["sts:GetCallerIdentity"].detail
    assert "arn:aws:" in found
    assert "keys from memory" in found
    assert "no end known" in found
    keys = replace(clients.connection.keys, expires=utc_now() + timedelta(hours=1, seconds=30))
    profile = Profile("p", KeySource.AWS_PROFILE, aws_profile="team")
    clients.renew(Connection(profile, keys))
    found = by_action(check_permissions(clients))["sts:GetCallerIdentity"].detail
    assert "keys from the AWS profile team" in found
    assert "(1 h 0 min left)" in found
