"""The demo server allows the platform's user exactly its grants, as IAM does."""

import json
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from helpers.demo import plain_client

from core.health.permissions import check_permissions
from core.health.policy_eval import decision

BUCKET = "tentimecrypto"
CANDLES = "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T10:00:00Z.json"
GRANTS = {
    "s3:ListBucket",
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "secretsmanager:GetSecretValue",
    "secretsmanager:ListSecrets",
    "secretsmanager:CreateSecret",
    "secretsmanager:UpdateSecret",
}


@pytest.fixture
def bot(demo_server):
    made = {}

    def client(service):
        if service not in made:
            made[service] = plain_client(demo_server, service, demo_server.platform)
        return made[service]

    yield client
    for each in made.values():
        each.close()


def test_everything_granted_works(demo_server, bot, demo_prefix):
    s3, secrets = bot("s3"), bot("secretsmanager")
    where = {"Bucket": BUCKET, "Key": f"{demo_prefix}object"}
    s3.put_object(**where, Body=b"text", Metadata={"data_type": "test"})
    assert s3.head_object(**where)["Metadata"] == {"data_type": "test"}
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix=demo_prefix)["KeyCount"] == 1
    s3.copy_object(Bucket=BUCKET, Key=f"{demo_prefix}copy", CopySource=where)
    answer = s3.delete_objects(
        Bucket=BUCKET, Delete={"Objects": [{"Key": where["Key"]}, {"Key": f"{demo_prefix}copy"}]}
    )
    assert len(answer["Deleted"]) == 2
    name = f"cryptotrading/test-{uuid4().hex}"
    secrets.create_secret(Name=name, SecretString="one")
    secrets.update_secret(SecretId=name, SecretString="two")
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "two"
    assert name in [each["Name"] for each in secrets.list_secrets(MaxResults=100)["SecretList"]]


def test_who_began_an_upload_may_abort_it(bot, demo_s3, demo_prefix):
    where = {"Bucket": BUCKET, "Key": f"{demo_prefix}large"}
    own = bot("s3").create_multipart_upload(**where)["UploadId"]
    bot("s3").upload_part(**where, UploadId=own, PartNumber=1, Body=b"part")
    assert len(bot("s3").list_parts(**where, UploadId=own)["Parts"]) == 1
    bot("s3").abort_multipart_upload(**where, UploadId=own)
    foreign = demo_s3.create_multipart_upload(**where)["UploadId"]
    with pytest.raises(ClientError, match="s3:AbortMultipartUpload"):
        bot("s3").abort_multipart_upload(**where, UploadId=foreign)
    demo_s3.abort_multipart_upload(**where, UploadId=foreign)


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "action"),
    [
        ("s3", "create_bucket", {"Bucket": "mine"}, "s3:CreateBucket"),
        ("s3", "list_buckets", {}, "s3:ListAllMyBuckets"),
        ("s3", "list_objects_v2", {"Bucket": "tentimecrypto-other"}, "s3:ListBucket"),
        ("s3", "list_object_versions", {"Bucket": BUCKET}, "s3:ListBucketVersions"),
        ("s3", "get_bucket_versioning", {"Bucket": BUCKET}, "s3:GetBucketVersioning"),
        ("s3", "get_bucket_encryption", {"Bucket": BUCKET}, "s3:GetEncryptionConfiguration"),
        ("s3", "delete_bucket_lifecycle", {"Bucket": BUCKET}, "s3:PutLifecycleConfiguration"),
        ("s3", "delete_bucket_policy", {"Bucket": BUCKET}, "s3:DeleteBucketPolicy"),
        ("s3", "get_object", {"Bucket": BUCKET, "Key": "a", "VersionId": "1"}, "GetObjectVersion"),
        ("s3", "get_object_tagging", {"Bucket": BUCKET, "Key": "a"}, "s3:GetObjectTagging"),
        (
            "s3",
            "put_bucket_lifecycle_configuration",
            {
                "Bucket": BUCKET,
                "LifecycleConfiguration": {
                    "Rules": [
                        {"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
                    ]
                },
            },
            "s3:PutLifecycleConfiguration",
        ),
        (
            "secretsmanager",
            "delete_secret",
            {"SecretId": "cryptotrading/database"},
            "secretsmanager:DeleteSecret",
        ),
        (
            "secretsmanager",
            "get_secret_value",
            {"SecretId": "other/database"},
            "secretsmanager:GetSecretValue",
        ),
        ("iam", "create_access_key", {"UserName": "strongroom-admin"}, "iam:CreateAccessKey"),
        ("cloudwatch", "list_metrics", {"Namespace": "AWS/S3"}, "cloudwatch:ListMetrics"),
    ],
)
def test_everything_else_is_denied_and_the_action_named(bot, service, operation, arguments, action):
    with pytest.raises(ClientError, match=rf"AccessDenied.*s3-bot is not .*{action} on resource"):
        getattr(bot(service), operation)(**arguments)


def test_denied_keys_are_errors_inside_the_answer(bot, demo_s3, demo_prefix):
    key = f"{demo_prefix}a & <b>"
    version = demo_s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")["VersionId"]
    objects = [{"Key": key, "VersionId": version}, {"Key": f"{demo_prefix}plain"}]
    answer = bot("s3").delete_objects(Bucket=BUCKET, Delete={"Objects": objects})
    assert [each["Key"] for each in answer["Deleted"]] == [f"{demo_prefix}plain"]
    assert [(each["Key"], each["Code"]) for each in answer["Errors"]] == [(key, "AccessDenied")]
    answer = bot("s3").delete_objects(Bucket=BUCKET, Delete={"Objects": objects[:1]})
    assert [each["Key"] for each in answer["Errors"]] == [key]


def test_our_permission_check_finds_exactly_the_grants(demo_server):
    from core.aws.clients import ClientFactory

    clients = ClientFactory(demo_server.platform_connection)
    found = {each.action for each in check_permissions(clients) if each.ok}
    clients.close()
    assert {action for action in found if action.split(":")[0] != "sts"} <= GRANTS
    assert {action for action in GRANTS if action.startswith("s3:")} <= found


def test_a_bucket_policy_binds_the_administrator_too(demo_server, demo_s3):
    bucket = f"policy-{uuid4().hex[:8]}"
    demo_s3.create_bucket(Bucket=bucket)
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    tls_only = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    no_puts = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": resources}
    policy = {"Version": "2012-10-17", "Statement": [tls_only]}
    demo_s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    demo_s3.put_object(Bucket=bucket, Key="a", Body=b"")
    policy["Statement"].append(no_puts)
    demo_s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    with pytest.raises(ClientError, match="AccessDenied"):
        demo_s3.put_object(Bucket=bucket, Key="b", Body=b"")
    assert demo_s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b""


def test_a_bucket_elsewhere_is_followed(demo_server):
    from core.aws.clients import ClientFactory

    clients = ClientFactory(demo_server.connection)
    found = clients.for_bucket("tentimecrypto-archive").list_objects_v2(
        Bucket="tentimecrypto-archive"
    )
    assert (found["KeyCount"], clients.followed("tentimecrypto-archive")) == (1, "eu-west-1")
    clients.close()


@pytest.mark.parametrize(
    ("operation", "arguments", "code"),
    [
        ("put_object", {"Key": "k" * 1025, "Body": b""}, "KeyTooLongError"),
        ("put_object", {"Key": "a", "Body": b"x", "ContentMD5": "A" * 22 + "=="}, "BadDigest"),
        ("put_object", {"Key": "a", "Body": b"x", "ChecksumCRC32": "AAAAAA=="}, "BadDigest"),
        (
            "delete_objects",
            {"Delete": {"Objects": [{"Key": str(n)} for n in range(1001)]}},
            "MalformedXML",
        ),
    ],
)
def test_what_aws_refuses_is_refused(demo_s3, operation, arguments, code):
    with pytest.raises(ClientError, match=code):
        getattr(demo_s3, operation)(Bucket=BUCKET, **arguments)


def test_a_secret_beyond_the_limit_is_refused(demo_server):
    secrets = plain_client(demo_server, "secretsmanager", demo_server.admin)
    with pytest.raises(ClientError, match="ValidationException"):
        secrets.create_secret(Name="cryptotrading/long", SecretString="x" * 65_537)
    secrets.close()


def test_uploads_with_trailing_checksums_are_unpacked(demo_server, demo_prefix, tmp_path):
    """As botocore sends files by default, and over plain HTTP with signed chunks too."""
    (tmp_path / "file").write_bytes(b"0123456789" * 100_000)
    where = {"Bucket": BUCKET, "Key": f"{demo_prefix}file"}
    client = plain_client(
        demo_server, "s3", demo_server.admin, request_checksum_calculation="when_supported"
    )
    with (tmp_path / "file").open("rb") as file:
        client.put_object(**where, Body=file)
    answer = client.get_object(**where, ChecksumMode="ENABLED")
    assert answer["Body"].read() == b"0123456789" * 100_000
    assert answer["ChecksumCRC32"]
    assert not answer.get("ContentEncoding")
    client.close()


ARN = {"aws:principalarn": "arn:aws:iam::123456789012:user/a"}


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([{"Effect": "Allow", "Action": "S3:get*", "Resource": "*"}], True),
        ([{"Effect": "Allow", "Action": "s3:GetObjec?", "Resource": "arn:aws:s3:::b/*"}], True),
        ([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b"}], None),
        ([{"Effect": "Allow", "NotAction": "s3:Put*", "NotResource": "arn:aws:s3:::c/*"}], True),
        (
            [
                {"Effect": "Allow", "Action": "*", "Resource": "*"},
                {"Effect": "Deny", "Action": ["s3:Get*"], "Resource": "*"},
            ],
            False,
        ),
        (
            [
                {
                    "Effect": "Allow",
                    "Action": "*",
                    "Resource": "*",
                    "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
                }
            ],
            None,
        ),
        (
            [
                {
                    "Effect": "Deny",
                    "Action": "*",
                    "Resource": "*",
                    "Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/a"}},
                }
            ],
            None,
        ),
        (
            {
                "Effect": "Allow",
                "Action": "*",
                "Resource": "*",
                "Principal": {"AWS": "123456789012"},
            },
            True,
        ),
        (
            {
                "Effect": "Allow",
                "Action": "*",
                "Resource": "*",
                "Principal": {"AWS": "210987654321"},
            },
            None,
        ),
    ],
)
def test_policies_decide_as_iam_does(statements, expected):
    found = decision([{"Statement": statements}], "s3:GetObject", "arn:aws:s3:::b/k.x", ARN)
    assert found is expected


@pytest.mark.parametrize(
    ("pattern", "key", "expected"),
    [
        ("a${*}b${?}${$}c", "a*b?$c", True),
        ("a${*}b${?}${$}c", "a1b2$c", None),
        ("a${*}*", "a*anything", True),
        ("a$*", "a$b", True),
        ("${unknown}*", "a", None),
    ],
)
def test_escaped_wildcards_of_a_resource_are_literal(pattern, key, expected):
    allow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::b/{pattern}"}
    found = decision([{"Statement": [allow]}], "s3:GetObject", f"arn:aws:s3:::b/{key}", ARN)
    assert found is expected


def test_escaped_wildcards_of_a_condition_are_literal():
    wanted = {"StringEquals": {"s3:prefix": "a${*}"}}
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": wanted}
    for prefix, expected in (("a*", True), ("a${*}", None), ("ab", None)):
        context = {**ARN, "s3:prefix": prefix}
        found = decision([{"Statement": [allow]}], "s3:ListBucket", "arn:aws:s3:::b", context)
        assert found is expected
