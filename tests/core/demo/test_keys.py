"""The demo server refuses wrong keys and signatures with the errors of AWS."""

import threading
from dataclasses import replace
from datetime import timedelta
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import botocore.auth
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from helpers.demo import plain_client

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.aws.identity import identity
from core.errors import AccessDenied, ClockSkew, CredentialsInvalid
from core.model.connection import AccessKeys, Connection
from core.redaction import Secret

BUCKET = "tentimecrypto"
CANDLES = "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T10:00:00Z.json"
UNKNOWN = AccessKeys("AKIAIOSFODNN7EXAMPLE", Secret("no such key" * 4))

CALLS = {
    "s3": lambda client: client.list_objects_v2(Bucket=BUCKET, MaxKeys=1),
    "sts": lambda client: client.get_caller_identity(),
    "iam": lambda client: client.list_users(),
    "secretsmanager": lambda client: client.list_secrets(),
    "cloudwatch": lambda client: client.list_metrics(Namespace="AWS/S3"),
}


def refusal(server, service, keys):
    client = plain_client(server, service, keys)
    try:
        with pytest.raises(ClientError) as caught:
            CALLS[service](client)
    finally:
        client.close()
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("service", CALLS)
def test_administrator_may_call_every_service(demo_server, service):
    client = plain_client(demo_server, service, demo_server.admin)
    assert CALLS[service](client)["ResponseMetadata"]["HTTPStatusCode"] == 200
    client.close()


@pytest.mark.parametrize(
    ("service", "unknown", "wrong"),
    [
        ("s3", ("InvalidAccessKeyId", 403), ("SignatureDoesNotMatch", 403)),
        ("sts", ("InvalidClientTokenId", 403), ("SignatureDoesNotMatch", 403)),
        ("iam", ("InvalidClientTokenId", 403), ("SignatureDoesNotMatch", 403)),
        (
            "secretsmanager",
            ("UnrecognizedClientException", 400),
            ("InvalidSignatureException", 400),
        ),
        ("cloudwatch", ("UnrecognizedClientException", 400), ("InvalidSignatureException", 400)),
    ],
)
def test_unknown_keys_and_wrong_secrets_are_refused(demo_server, service, unknown, wrong):
    assert refusal(demo_server, service, UNKNOWN) == unknown
    bad_secret = replace(demo_server.admin, secret_access_key=Secret("another secret" * 3))
    assert refusal(demo_server, service, bad_secret) == wrong


def test_deactivated_and_deleted_keys_are_refused_and_reactivated_ones_pass(demo_server):
    iam = plain_client(demo_server, "iam", demo_server.admin)
    made = iam.create_access_key(UserName="s3-bot")["AccessKey"]
    keys = AccessKeys(made["AccessKeyId"], Secret(made["SecretAccessKey"]))
    s3 = plain_client(demo_server, "s3", keys)
    link = s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": CANDLES})
    for status, refused in (("Active", False), ("Inactive", True), ("Active", False)):
        iam.update_access_key(UserName="s3-bot", AccessKeyId=made["AccessKeyId"], Status=status)
        if refused:
            assert refusal(demo_server, "s3", keys) == ("InvalidAccessKeyId", 403)
            assert refusal(demo_server, "sts", keys) == ("InvalidClientTokenId", 403)
            assert fetched(link) == (403, "InvalidAccessKeyId")
        else:
            assert CALLS["s3"](s3)["KeyCount"] == 1
            assert fetched(link)[0] == 200
    iam.delete_access_key(UserName="s3-bot", AccessKeyId=made["AccessKeyId"])
    assert refusal(demo_server, "s3", keys) == ("InvalidAccessKeyId", 403)
    assert refusal(demo_server, "secretsmanager", keys) == ("UnrecognizedClientException", 400)
    iam.close()
    s3.close()


def test_our_errors_say_what_the_refusals_mean(demo_server):
    strange = ClientFactory(Connection(demo_server.connection.profile, UNKNOWN))
    with pytest.raises(CredentialsInvalid):
        identity(strange)
    bot = ClientFactory(demo_server.platform_connection)
    with (
        pytest.raises(AccessDenied) as caught,
        translated("s3:GetBucketVersioning", f"s3://{BUCKET}"),
    ):
        bot.s3().get_bucket_versioning(Bucket=BUCKET)
    assert caught.value.action == "s3:GetBucketVersioning"
    strange.close()
    bot.close()


@pytest.mark.parametrize("service", ["s3", "sts", "secretsmanager"])
def test_a_wrong_clock_is_reported_as_such(demo_server, service, monkeypatch):
    right = botocore.auth.get_current_datetime
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda: right() - timedelta(minutes=16)
    )
    client = plain_client(demo_server, service, demo_server.admin)
    with pytest.raises(ClockSkew), translated(f"{service}:Call", "demo"):
        CALLS[service](client)
    client.close()


def fetched(url, method="GET", data=None):
    """Fetch a link without any AWS library: the status, and S3's code when it is refused."""
    request = Request(url, data, method=method)
    try:
        with urlopen(request) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            code = error.read().decode().partition("<Code>")[2].partition("<")[0]
        return error.code, code


def test_get_link_works_and_only_for_what_it_was_made_for(demo_server, demo_s3):
    link = demo_s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": CANDLES})
    status, body = fetched(link)
    assert (status, body[:20]) == (200, b'{\n  "symbol": "BTC-U')
    assert fetched(link.replace("T10%3A", "T09%3A")) == (403, "SignatureDoesNotMatch")
    assert fetched(link.replace("X-Amz-Expires=3600", "X-Amz-Expires=3601"))[0] == 403
    assert fetched(link + "&versionId=1")[0] == 403
    assert fetched(link, "PUT", b"x")[0] == 403
    assert fetched(link, "DELETE")[0] == 403


def test_put_link_stores(demo_server, demo_s3, demo_prefix):
    where = {"Bucket": BUCKET, "Key": f"{demo_prefix}from a link & more.bin"}
    link = demo_s3.generate_presigned_url("put_object", where)
    assert fetched(link, "PUT", b"by link")[0] == 200
    assert demo_s3.get_object(**where)["Body"].read() == b"by link"


@pytest.mark.parametrize(("seconds", "expected"), [(604_800, 200), (604_801, 400)])
def test_links_live_seven_days_at_most(demo_s3, seconds, expected):
    where = {"Bucket": BUCKET, "Key": CANDLES}
    link = demo_s3.generate_presigned_url("get_object", where, ExpiresIn=seconds)
    status, output = fetched(link)
    assert status == expected
    assert status == 200 or output == "AuthorizationQueryParametersError"


def test_expired_link_is_refused(demo_s3, monkeypatch):
    right = botocore.auth.get_current_datetime
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda: right() - timedelta(seconds=70)
    )
    where = {"Bucket": BUCKET, "Key": CANDLES}
    assert fetched(demo_s3.generate_presigned_url("get_object", where, ExpiresIn=60)) == (
        403,
        "AccessDenied",
    )
    assert fetched(demo_s3.generate_presigned_url("get_object", where, ExpiresIn=90))[0] == 200


@pytest.mark.parametrize(
    "path", ["/", f"/{BUCKET}", f"/{BUCKET}/{CANDLES}", "/moto-api/data.json", "/latest/meta-data/"]
)
def test_anonymous_requests_are_refused(demo_server, path):
    assert fetched(demo_server.endpoint_url + path) == (403, "AccessDenied")


def test_motos_control_pages_are_out_of_reach_for_the_administrator_too(demo_s3):
    with pytest.raises(ClientError, match="NoSuchBucket"):
        demo_s3.list_objects_v2(Bucket="moto-api")


def test_links_signed_in_the_old_way_are_refused(demo_server):
    old = boto3.session.Session(
        demo_server.admin.access_key_id, demo_server.admin.secret_access_key.reveal()
    ).client(
        "s3",
        endpoint_url=demo_server.endpoint_url,
        region_name="us-east-1",
        config=Config(signature_version="s3"),
    )
    link = old.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": CANDLES})
    assert fetched(link) == (400, "InvalidRequest")
    old.close()


def test_keys_of_an_assumed_role_work_with_their_token_only(demo_server):
    iam = plain_client(demo_server, "iam", demo_server.admin)
    trust = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}}'
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust)["Role"]
    policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:List*","Resource":"*"}]}'
    iam.put_role_policy(RoleName="reader", PolicyName="list", PolicyDocument=policy)
    sts = plain_client(demo_server, "sts", demo_server.admin)
    made = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
    keys = AccessKeys(
        made["AccessKeyId"], Secret(made["SecretAccessKey"]), Secret(made["SessionToken"])
    )
    s3 = plain_client(demo_server, "s3", keys)
    assert CALLS["s3"](s3)["KeyCount"] == 1
    with pytest.raises(ClientError, match=r"assumed-role/reader/test.*s3:GetObject"):
        s3.get_object(Bucket=BUCKET, Key=CANDLES)
    assert refusal(demo_server, "s3", replace(keys, session_token=None)) == ("InvalidToken", 400)
    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=role["Arn"] + "x", RoleSessionName="test")
    for client in (iam, sts, s3):
        client.close()


def test_many_threads_at_once(demo_server, demo_s3, demo_prefix):
    errors = []

    def put(number):
        try:
            demo_s3.put_object(Bucket=BUCKET, Key=f"{demo_prefix}{number}", Body=b"%d" % number)
        except ClientError as error:
            errors.append(error)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert demo_s3.list_objects_v2(Bucket=BUCKET, Prefix=demo_prefix)["KeyCount"] == 40
