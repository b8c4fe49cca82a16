"""The setup tests keys, stores them, reads them back, and changes nothing the second time."""

import json

import boto3
import pytest
from helpers.aws import CANARY, KEY_ID, connection
from moto import mock_aws

from core import errors
from core.demo.moto_repairs import repair_moto
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.redaction import Secret
from core.storage.setup import set_up
from core.work import Work

SECRET = "cryptotrading/s3-storage"


@pytest.fixture
def aws():
    repair_moto()
    with mock_aws():
        yield boto3.Session(region_name="us-east-1")


@pytest.fixture
def bucket(aws):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="tentimecrypto")
    s3.put_bucket_versioning(Bucket="tentimecrypto", VersioningConfiguration={"Status": "Enabled"})
    return s3


def described(steps):
    return [(step.title, step.ok) for step in steps if not step.running]


def test_keys_are_tested_stored_and_read_back_and_nothing_else_stays(aws, bucket):
    steps = []
    report = set_up(connection(), work=Work(batch=steps.append))
    assert described(steps) == [
        ("Identify the owner of the keys", True),
        ("Find the bucket", True),
        ("Upload a test object", True),
        ("Read it back", True),
        ("Delete it", True),
        ("Store the secret", True),
        ("Read the secret back", True),
    ]
    assert report.stored
    stored = json.loads(
        aws.client("secretsmanager").get_secret_value(SecretId=SECRET)["SecretString"]
    )
    assert stored == {
        "aws_access_key_id": KEY_ID,
        "aws_secret_access_key": CANARY,
        "bucket_name": "tentimecrypto",
        "region": "us-east-1",
    }
    versions = bucket.list_object_versions(Bucket="tentimecrypto")
    assert "Versions" not in versions
    assert "DeleteMarkers" not in versions
    assert CANARY not in f"{steps} {report}"


def test_running_it_twice_changes_nothing(bucket):
    set_up(connection())
    report = set_up(connection())
    assert not report.stored
    assert "already" in report.steps[-2].detail


def test_the_platform_s_keys_may_differ_from_the_admin_s(aws, bucket):
    keys = AccessKeys("AKIAPLATFORM", Secret("platform-secret-0"))
    set_up(connection(), keys=keys)
    stored = aws.client("secretsmanager").get_secret_value(SecretId=SECRET)["SecretString"]
    assert "AKIAPLATFORM" in stored


def test_other_keys_in_the_secret_are_replaced_only_when_that_is_asked_for(aws, bucket):
    server = aws.client("secretsmanager")
    theirs = json.dumps({"aws_access_key_id": "AKIATHEIRS", "aws_secret_access_key": "x" * 40})
    server.create_secret(Name=SECRET, SecretString=theirs)
    report = set_up(connection())
    assert report.kept
    assert not report.stored
    assert server.get_secret_value(SecretId=SECRET)["SecretString"] == theirs
    assert set_up(connection(), replace_keys=True).stored
    assert KEY_ID in server.get_secret_value(SecretId=SECRET)["SecretString"]
    previous = server.get_secret_value(SecretId=SECRET, VersionStage="AWSPREVIOUS")
    assert previous["SecretString"] == theirs


def test_without_keys_of_ours_it_verifies_only(aws, bucket, monkeypatch):
    report = set_up(Connection(Profile("p", KeySource.ENVIRONMENT)))
    assert not report.stored
    assert report.steps[-1].title == "Delete it"


def test_a_bucket_elsewhere_is_followed_and_stored_with_its_region(aws):
    aws.client("s3", region_name="eu-west-1").create_bucket(
        Bucket="tentimecrypto",
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    report = set_up(connection())
    assert report.region == "eu-west-1"
    assert report.steps[1].detail == (
        "Bucket is in a different region: eu-west-1. Its requests go there, those for secrets to "
        "us-east-1."
    )
    assert f"{SECRET} created in us-east-1" in [step.detail for step in report.steps]
    assert aws.client("secretsmanager").get_secret_value(SecretId=SECRET)


def test_the_failing_step_is_reported_and_nothing_is_stored(aws):
    steps = []
    with pytest.raises(errors.NoSuchBucket):
        set_up(connection(), work=Work(batch=steps.append))
    assert described(steps)[-1] == ("Find the bucket", False)
    assert aws.client("secretsmanager").list_secrets()["SecretList"] == []


def test_a_cancel_after_the_upload_removes_the_test_object(bucket):
    work = Work()

    def watch(step):
        if step.title == "Upload a test object" and step.ok:
            work.token.cancel()

    with pytest.raises(errors.Cancelled):
        set_up(connection(), work=Work(token=work.token, batch=watch))
    assert "Versions" not in bucket.list_object_versions(Bucket="tentimecrypto")
