"""Each error code of AWS becomes an error of the right kind with summary, cause and remedy."""

import socket
from datetime import timedelta
from email.utils import format_datetime

import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from core import errors
from core.aws.fault_codes import BY_CODE, TABLE
from core.aws.faults import translate, translated
from core.units import utc_now


def client_error(code, status=400, message="no", headers=None, operation="GetObject", **body):
    response = {
        "Error": {"Code": code, "Message": message, **body},
        "ResponseMetadata": {
            "HTTPStatusCode": status,
            "RequestId": "REQ1",
            "HTTPHeaders": {"x-amz-request-id": "REQ1", **(headers or {})},
        },
    }
    return boto.ClientError(response, operation)


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_every_code_of_the_table_becomes_its_error_with_text_for_each_part(code):
    fault = translate(client_error(code), "s3:GetObject", "s3://bucket/key")
    assert type(fault) is BY_CODE[code].error
    assert fault.summary
    assert fault.cause
    assert fault.remedy
    assert fault.action == "s3:GetObject"
    assert fault.subject == "s3://bucket/key"
    assert "{" not in str(fault)


def test_no_code_is_twice_in_the_table():
    codes = [code for row in TABLE for code in row.codes.split()]
    assert len(codes) == len(set(codes)) > 100


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("AccessDenied", 403, errors.AccessDenied),
        ("NoSuchBucket", 404, errors.NoSuchBucket),
        ("NoSuchKey", 404, errors.NotFound),
        ("ResourceNotFoundException", 400, errors.NotFound),
        ("ResourceExistsException", 400, errors.AlreadyExists),
        ("SlowDown", 503, errors.Throttled),
        # The answer to HEAD has no body with a code.
        ("503", 503, errors.Throttled),
        ("NeverHeardOf", 503, errors.ServiceError),
        ("ThrottlingException", 400, errors.Throttled),
        ("ExpiredToken", 400, errors.CredentialsExpired),
        ("InvalidAccessKeyId", 403, errors.CredentialsInvalid),
        ("SignatureDoesNotMatch", 403, errors.CredentialsInvalid),
        ("RequestTimeTooSkewed", 403, errors.ClockSkew),
        ("PermanentRedirect", 301, errors.WrongRegion),
        ("InvalidObjectState", 403, errors.Archived),
        ("PreconditionFailed", 412, errors.Conflict),
        ("LimitExceededException", 400, errors.LimitExceeded),
        ("InternalError", 500, errors.ServiceError),
        ("NotImplemented", 501, errors.NotSupported),
        ("NeverHeardOf", 404, errors.NotFound),
        ("NeverHeardOf", 403, errors.AccessDenied),
        ("NeverHeardOf", 501, errors.NotSupported),
        ("NeverHeardOf", 599, errors.ServiceError),
        ("NeverHeardOf", 418, errors.InvalidInput),
    ],
)
def test_known_and_unknown_codes_are_sorted_by_what_a_caller_decides_by(code, status, kind):
    assert type(translate(client_error(code, status), "s3:GetObject", "s3://b/k")) is kind


def test_a_denied_head_is_a_denial_and_says_what_a_head_cannot_tell():
    fault = translate(client_error("403", 403, "Forbidden"), "s3:HeadObject", "s3://b/k")
    assert type(fault) is errors.AccessDenied
    assert fault.summary == "Access denied to S3 bucket"
    assert fault.action == "s3:GetObject"
    assert "s3:GetObject on s3://b/k" in fault.cause
    assert "HEAD" in fault.cause
    assert "bucket policy" in fault.remedy


def test_a_missing_head_reports_bucket_from_key():
    missing = client_error("404", 404, "Not Found")
    assert type(translate(missing, "s3:HeadBucket", "s3://b")) is errors.NoSuchBucket
    assert type(translate(missing, "s3:HeadObject", "s3://b/k")) is errors.NotFound


@pytest.mark.parametrize(
    ("code", "headers", "summary"),
    [
        ("404", {"x-amz-request-id": "1"}, "Bucket b does not exist"),
        ("404", {"server": "nginx", "content-type": "text/plain"}, "Bucket b was not found"),
        ("NoSuchBucket", {}, "Bucket b does not exist"),
    ],
)
def test_a_bare_404_proves_a_missing_bucket_only_if_s3_has_sent_it(code, headers, summary):
    error = client_error(code, 404, "Not Found")
    error.response["ResponseMetadata"]["HTTPHeaders"] = headers
    fault = translate(error, "s3:HeadBucket", "s3://b")
    assert type(fault) is errors.NoSuchBucket
    assert fault.summary == summary
    assert ("Check the endpoint in the profile first" in fault.remedy) is ("was" in summary)


def test_a_delete_marker_is_reported_as_deleted_with_older_versions_left():
    marker = client_error("404", 404, headers={"x-amz-delete-marker": "true"})
    fault = translate(marker, "s3:HeadObject", "s3://b/k")
    assert type(fault) is errors.NotFound
    assert "delete marker" in fault.cause


def test_the_denied_action_resource_and_reason_of_aws_are_named():
    message = (
        "User: arn:aws:iam::1:user/bot is not authorized to perform: kms:Decrypt on resource: "
        "arn:aws:kms:x because of an explicit deny in a service control policy"
    )
    fault = translate(client_error("AccessDenied", 403, message), "s3:GetObject", "s3://b/k")
    assert fault.action == "kms:Decrypt"
    assert "explicit deny in a service control policy" in fault.cause


@pytest.mark.parametrize(
    "error",
    [
        client_error("PermanentRedirect", 301, headers={"x-amz-bucket-region": "eu-west-1"}),
        client_error("AuthorizationHeaderMalformed", 400, Region="eu-west-1"),
        client_error("400", 400, headers={"x-amz-bucket-region": "eu-west-1"}),
    ],
)
def test_a_wrong_region_names_the_right_one(error):
    fault = translate(error, "s3:ListObjectsV2", "s3://b")
    assert type(fault) is errors.WrongRegion
    assert fault.summary == "Bucket is in a different region"
    assert "eu-west-1" in fault.cause


@pytest.mark.parametrize("ahead", [timedelta(hours=-2), timedelta(hours=2)])
def test_a_refusal_under_a_wrong_clock_is_reported_as_such_with_both_times(ahead):
    date = format_datetime(utc_now() - ahead, usegmt=True)
    for code in ("403", "SignatureDoesNotMatch", "RequestTimeTooSkewed"):
        fault = translate(client_error(code, 403, headers={"date": date}), "s3:HeadBucket")
        assert type(fault) is errors.ClockSkew
        assert "2 h 0 min" in fault.cause
        assert ("ahead" if ahead > timedelta() else "behind") in fault.cause


def test_a_signature_that_expired_is_a_clock_not_a_password():
    message = "Signature expired: 20260101T000000Z is now earlier than 20260101T010000Z"
    fault = translate(client_error("InvalidSignatureException", 400, message), "sts:X")
    assert type(fault) is errors.ClockSkew


def test_a_secret_that_waits_for_deletion_is_named_so():
    message = "You can't perform this operation on the secret because it was marked for deletion."
    error = client_error("InvalidRequestException", 400, message)
    fault = translate(error, "secretsmanager:GetSecretValue", "cryptotrading/x")
    assert type(fault) is errors.ScheduledForDeletion
    assert "Restore" in fault.remedy


def test_a_web_page_in_the_place_of_s3_is_named_so_but_a_gateway_s_failure_is_not():
    page = boto.ClientError(
        {
            "Error": {"Code": "403", "Message": "Forbidden"},
            "ResponseMetadata": {
                "HTTPStatusCode": 403,
                "HTTPHeaders": {"content-type": "text/html"},
            },
        },
        "GetObject",
    )
    assert type(translate(page, "s3:GetObject", "s3://b/k")) is errors.NotAnS3Answer
    page.response["ResponseMetadata"]["HTTPStatusCode"] = 502
    page.response["Error"]["Code"] = "502"
    assert type(translate(page, "s3:GetObject", "s3://b/k")) is errors.ServiceError


@pytest.mark.parametrize("operation", ["secretsmanager:GetSecretValue", "sts:GetCallerIdentity"])
@pytest.mark.parametrize("status", [403, 404])
def test_the_status_alone_is_no_statement_about_a_secret_or_a_permission(operation, status):
    """A server without Secrets Manager answered 404: the secret "was never created"."""
    answer = {
        "Error": {"Code": str(status), "Message": ""},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {"content-length": "0"}},
    }
    error = boto.ClientError(answer, operation.partition(":")[2])
    assert type(translate(error, operation, "a")) is errors.NotSupported
    answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"] = "1"
    assert type(translate(error, operation, "a")) is not errors.NotSupported


def wrapped(cause, **more):
    return boto.EndpointConnectionError(endpoint_url="https://x", error=cause, **more)


@pytest.mark.parametrize(
    ("error", "kind", "word"),
    [
        (wrapped(ConnectionRefusedError()), errors.Offline, "listens"),
        (wrapped(socket.gaierror(-2, "Name or service not known")), errors.Offline, "DNS"),
        (boto.SSLError(endpoint_url="x", error="verify"), errors.Offline, "certificate"),
        (boto.ProxyConnectionError(proxy_url="x", error="407"), errors.Offline, "proxy"),
        (boto.ConnectTimeoutError(endpoint_url="x"), errors.Offline, "in time"),
        (boto.ReadTimeoutError(endpoint_url="x"), errors.Offline, "in time"),
        (boto.ConnectionClosedError(endpoint_url="x"), errors.Offline, "was interrupted"),
        (ResponseParserError("not xml"), errors.NotAnS3Answer, "sign-in page"),
        (boto.NoCredentialsError(), errors.CredentialsMissing, "credentials"),
        (boto.ProfileNotFound(profile="x"), errors.CredentialsMissing, "could not be found"),
        (boto.UnauthorizedSSOTokenError(), errors.CredentialsExpired, "single sign-on"),
        (
            boto.FlexibleChecksumError(error_msg="x"),
            errors.Corrupt,
            "checksum",
        ),
        (boto.NoRegionError(), errors.InvalidInput, "region"),
    ],
)
def test_failures_without_an_answer_say_what_to_look_at(error, kind, word):
    fault = translate(error, "s3:GetObject", "s3://b/k")
    assert type(fault) is kind
    assert word in fault.cause
    assert fault.remedy
    assert fault.action == "s3:GetObject"


def test_no_remedy_offers_to_ignore_certificates():
    fault = translate(boto.SSLError(endpoint_url="x", error="verify"), "s3:GetObject")
    assert "never ignored" in fault.remedy


def test_a_refused_value_is_named_but_never_repeated():
    from helpers.aws import connection

    from core.aws.clients import ClientFactory

    clients = ClientFactory(connection())
    with (
        pytest.raises(errors.InvalidInput) as raised,
        translated("secretsmanager:CreateSecret", "cryptotrading/x"),
    ):
        clients.secrets().create_secret(Name="x", SecretString={"password": "hunter2-canary"})
    fault = raised.value
    assert "SecretString" in fault.summary
    output = f"{fault!r} {fault} {vars(fault)} {fault.__context__!r} {fault.__context__}"
    assert "hunter2" not in output
    clients.close()


def test_the_text_of_a_refused_secret_is_not_stored():
    error = client_error("InvalidParameterException", 400, "bad value hunter2-canary")
    fault = translate(error, "secretsmanager:CreateSecret", "x")
    assert "hunter2" not in fault.details
    assert "REQ1" in fault.details


def test_what_is_not_aws_s_goes_through_unchanged():
    with pytest.raises(ZeroDivisionError), translated("s3:GetObject"):
        _ = 1 / 0
    ours = errors.Cancelled("Cancelled")
    with pytest.raises(errors.Cancelled) as raised, translated("s3:GetObject"):
        raise ours
    assert raised.value is ours


@pytest.mark.parametrize("operation", ["PutSecretValue", "UpdateSecret"])
def test_a_secret_that_was_saved_too_often_says_so(operation):
    error = client_error("LimitExceededException")
    fault = translate(error, f"secretsmanager:{operation}", "cryptotrading/database")
    assert type(fault) is errors.LimitExceeded
    assert fault.summary == "cryptotrading/database cannot store another version"
    assert "10 minutes" in fault.remedy
    other = translate(error, "iam:CreateAccessKey", "user/x")
    assert "another version" not in str(other)
