"""The demo server refuses what AWS refuses, with the same error code."""

import base64
import json
import urllib.error
import urllib.request
from datetime import datetime, timedelta

import pytest
from botocore import auth
from botocore.exceptions import ClientError, ParamValidationError
from helpers.demo import plain_client
from helpers.lifecycle_rules import ACCEPTED, REFUSED

from core.demo.request_checks.aws_limits import rules_of
from core.objects.checksums import digest_of
from core.units import utc_now

BUCKET = "tentimecrypto"
ARN = f"arn:aws:s3:::{BUCKET}"


@pytest.fixture
def own_bucket(demo_s3, demo_prefix):
    """A bucket for settings: those of the sample bucket are other tests' too."""
    name = f"strict-{demo_prefix.split('/')[1][:20]}"
    demo_s3.create_bucket(Bucket=name)
    yield name
    demo_s3.delete_bucket(Bucket=name)


def refused(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def _with_dates(rules):
    """Give dates to botocore as dates; what it refuses itself is no case for the server."""
    return json.loads(json.dumps(rules), object_hook=_dated)


def _dated(found):
    if "Date" in found:
        found["Date"] = datetime.fromisoformat(found["Date"])
    return found


@pytest.mark.parametrize("rules", ACCEPTED, ids=lambda rules: json.dumps(rules)[:70])
def test_lifecycle_rules_that_s3_takes(demo_s3, own_bucket, rules):
    wanted = {"Rules": _with_dates(rules)}
    demo_s3.put_bucket_lifecycle_configuration(Bucket=own_bucket, LifecycleConfiguration=wanted)
    found = demo_s3.get_bucket_lifecycle_configuration(Bucket=own_bucket)["Rules"]
    assert [rule["ID"] for rule in found] == [rule["ID"] for rule in rules]


@pytest.mark.parametrize(("rules", "_word"), REFUSED, ids=lambda value: json.dumps(value)[:70])
def test_lifecycle_rules_that_s3_refuses(demo_s3, own_bucket, rules, _word):
    try:
        code = refused(
            demo_s3.put_bucket_lifecycle_configuration,
            Bucket=own_bucket,
            LifecycleConfiguration={"Rules": _with_dates(rules)},
        )
    except ParamValidationError:
        code = "InvalidRequest"  # botocore does not even send it
    assert code in {"InvalidRequest", "MalformedXML"}
    assert refused(demo_s3.get_bucket_lifecycle_configuration, Bucket=own_bucket) == (
        "NoSuchLifecycleConfiguration"
    )


def test_a_lifecycle_that_is_no_xml_is_malformed():
    with pytest.raises(ValueError, match="well-formed"):
        rules_of(b"<LifecycleConfiguration>")
    with pytest.raises(ValueError, match="ten"):
        rules_of(b"<L><Rule><Expiration><Days>ten</Days></Expiration></Rule></L>")


GOOD_STATEMENT = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [ARN, f"{ARN}/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


@pytest.mark.parametrize(
    "changes",
    [
        {"Effect": "Forbid"},
        {"Principal": None},
        {"Action": None},
        {"Action": "iam:CreateUser"},
        {"Action": "GetObject"},
        {"Resource": None},
        {"Resource": "arn:aws:s3:::another/*"},
        {"Resource": f"{ARN}x/*"},
        {"Condition": {"BoolUnless": {"aws:SecureTransport": "false"}}},
        {"Action": "s3:GetObject", "Resource": ARN},
        {"Action": "s3:ListBucket", "Resource": f"{ARN}/*"},
    ],
    ids=json.dumps,
)
def test_policies_that_s3_refuses(demo_s3, changes):
    statement = {k: v for k, v in {**GOOD_STATEMENT, **changes}.items() if v is not None}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    assert refused(demo_s3.put_bucket_policy, Bucket=BUCKET, Policy=policy) == "MalformedPolicy"


@pytest.mark.parametrize("text", ["", "[]", "no JSON", '{"Statement": []}', "{", " {}"])
def test_a_policy_that_is_none(demo_s3, text):
    assert refused(demo_s3.put_bucket_policy, Bucket=BUCKET, Policy=text) == "MalformedPolicy"


def test_public_policies_are_judged_and_blocked(demo_s3, own_bucket):
    def policy(**changes):
        grant = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{own_bucket}/*",
            **changes,
        }
        return json.dumps({"Version": "2012-10-17", "Statement": grant})

    def is_public():
        return demo_s3.get_bucket_policy_status(Bucket=own_bucket)["PolicyStatus"]["IsPublic"]

    limited = policy(Condition={"StringEquals": {"aws:SourceVpc": "vpc-1"}})
    looks_limited = policy(Condition={"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}})
    for text, public in ((policy(), True), (looks_limited, True), (limited, False)):
        demo_s3.put_bucket_policy(Bucket=own_bucket, Policy=text)
        assert is_public() is public
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    demo_s3.put_public_access_block(
        Bucket=own_bucket, PublicAccessBlockConfiguration=dict.fromkeys(names, True)
    )
    assert refused(demo_s3.put_bucket_policy, Bucket=own_bucket, Policy=policy()) == "AccessDenied"
    demo_s3.put_bucket_policy(Bucket=own_bucket, Policy=limited)
    demo_s3.delete_bucket_policy(Bucket=own_bucket)


ALGORITHMS = {
    "CRC32": "crc32",
    "CRC32C": "crc32c",
    "CRC64NVME": "crc64nvme",
    "SHA1": "sha1",
    "SHA256": "sha256",
}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_checksum_is_compared(demo_s3, demo_prefix, name):
    where = {"Bucket": BUCKET, "Key": f"{demo_prefix}checked"}
    right = base64.b64encode(digest_of(ALGORITHMS[name], b"123456789")).decode()
    wrong = base64.b64encode(digest_of(ALGORITHMS[name], b"123456780")).decode()
    demo_s3.put_object(**where, Body=b"123456789", **{f"Checksum{name}": right})
    code = refused(demo_s3.put_object, **where, Body=b"123456789", **{f"Checksum{name}": wrong})
    assert code == "BadDigest"
    short = {f"Checksum{name}": "AAAA"}
    assert refused(demo_s3.put_object, **where, Body=b"x", **short) == "InvalidDigest"


def test_crcs_have_the_values_of_their_specifications():
    """The check values of the CRC catalogue for the text 123456789."""
    assert digest_of("crc32", b"123456789").hex() == "cbf43926"
    assert digest_of("crc32c", b"123456789").hex() == "e3069283"
    assert digest_of("crc64nvme", b"123456789").hex() == "ae8b14860a799888"


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda body: b"X" + body[1:], "XAmzContentSHA256Mismatch"),
        (lambda body: body[:-1] + b"\0", "XAmzContentSHA256Mismatch"),
    ],
)
def test_a_body_that_changed_on_its_way_is_refused(demo_s3, demo_prefix, damage, code):
    def change(request, **_event):
        body = request.body if isinstance(request.body, bytes) else request.body.read()
        request.body = damage(body)

    where = {"Bucket": BUCKET, "Key": f"{demo_prefix}damaged"}
    demo_s3.meta.events.register("before-send.s3.PutObject", change)
    assert refused(demo_s3.put_object, **where, Body=b"twelve bytes") == code
    assert refused(demo_s3.head_object, **where) == "404"


def test_one_checksum_at_a_time_and_the_one_that_was_promised(demo_s3, demo_prefix):
    where = {"Bucket": BUCKET, "Key": f"{demo_prefix}headers", "Body": b"x"}

    def without_checksum(request, **_event):
        for name in [name for name in request.headers if name.startswith("x-amz-checksum-")]:
            del request.headers[name]

    both = {"ChecksumCRC32": "AAAAAA==", "ChecksumSHA1": "A" * 27 + "="}
    assert refused(demo_s3.put_object, **where, **both) == "InvalidRequest"
    demo_s3.meta.events.register("before-sign.s3.PutObject", without_checksum)
    code = refused(demo_s3.put_object, **where, ChecksumAlgorithm="CRC32")
    assert code == "InvalidRequest"


def test_deletions_need_a_checksum_and_at_most_1000_keys(demo_s3):
    def bare(request, **_event):
        for name in ("Content-MD5", "x-amz-checksum-crc32", "x-amz-sdk-checksum-algorithm"):
            del request.headers[name]

    many = {"Objects": [{"Key": str(number)} for number in range(1001)]}
    assert refused(demo_s3.delete_objects, Bucket=BUCKET, Delete=many) == "MalformedXML"
    demo_s3.meta.events.register("before-sign.s3.DeleteObjects", bare)
    one = {"Objects": [{"Key": "nothing"}]}
    assert refused(demo_s3.delete_objects, Bucket=BUCKET, Delete=one) == "InvalidRequest"


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        ({"SecretString": "x" * 65_537}, "65536"),
        ({"SecretBinary": b"x" * 65_537}, "65536"),
        ({"Name": "with blank", "SecretString": "x"}, "Invalid name"),
        ({"Description": "x" * 2049, "SecretString": "x"}, "2048"),
    ],
)
def test_secrets_that_secrets_manager_refuses(demo_server, arguments, fragment):
    secrets = plain_client(demo_server, "secretsmanager", demo_server.admin)
    with pytest.raises(ClientError, match=fragment) as caught:
        secrets.create_secret(**{"Name": "cryptotrading/strict", **arguments})
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    secrets.close()


def test_a_secret_of_exactly_the_limit_is_taken(demo_server, demo_prefix):
    secrets = plain_client(demo_server, "secretsmanager", demo_server.admin)
    for number, value in enumerate(
        ({"SecretString": "x" * 65_536}, {"SecretBinary": b"x" * 65_536})
    ):
        name = f"cryptotrading/{demo_prefix.replace('/', '-')}{number}"
        secrets.create_secret(Name=name, **value)
        secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    secrets.close()


def _status(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_links_end_and_live_seven_days_at_most(demo_s3, demo_prefix, monkeypatch):
    where = {"Bucket": BUCKET, "Key": f"{demo_prefix}linked"}
    demo_s3.put_object(**where, Body=b"x")

    def link(seconds):
        return demo_s3.generate_presigned_url("get_object", Params=where, ExpiresIn=seconds)

    assert _status(link(604_800))[0] == 200
    status, text = _status(link(604_801))
    assert (status, "AuthorizationQueryParametersError" in text) == (400, True)
    fresh = link(60)
    monkeypatch.setattr(auth, "get_current_datetime", lambda: utc_now() - timedelta(hours=2))
    status, text = _status(link(3600))
    assert (status, "Request has expired" in text) == (403, True)
    assert _status(link(7300))[0] == 200
    assert _status(fresh.replace("X-Amz-Signature=", "X-Amz-Signature=0"))[0] == 403


KEYS = [
    "new\nline",
    "car\rriage",
    "tab\t",
    "both\r\n",
    "é ü",
    "a+b &=?#%20",
    "..",
    "a//b",
    "<&>'\"",
]


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_every_legal_key_can_be_written_listed_read_and_deleted(demo_s3, demo_prefix, key):
    where = {"Bucket": BUCKET, "Key": f"{demo_prefix}{key}"}
    demo_s3.put_object(**where, Body=key.encode())
    listed = demo_s3.list_objects_v2(Bucket=BUCKET, Prefix=demo_prefix)["Contents"]
    assert [each["Key"] for each in listed] == [where["Key"]]
    assert demo_s3.get_object(**where)["Body"].read() == key.encode()
    demo_s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": where["Key"]}]})
    assert demo_s3.list_objects_v2(Bucket=BUCKET, Prefix=demo_prefix)["KeyCount"] == 0
