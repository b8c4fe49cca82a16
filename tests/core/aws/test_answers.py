"""Truncated, empty and foreign answers are errors for every service, never results."""

import json

import pytest
from helpers.aws import connection
from helpers.stub_server import Reply, StubServer

from core import errors
from core.aws.clients import ClientFactory
from core.aws.faults import translated

AWS = {"x-amz-request-id": "1", "x-amzn-requestid": "1"}
HTML = b"<!DOCTYPE html><html><body>Sign in to the network</body></html>"
JSON = {"Content-Type": "application/x-amz-json-1.1", **AWS}
XML = {"Content-Type": "application/xml", **AWS}

#: call -> (its client, its arguments, a right answer's headers and body)
CALLS = {
    "get_secret_value": ("secrets", {"SecretId": "s"}, JSON, b'{"ARN":"a","Name":"s","VersionId":"v","SecretString":"x"}'),
    "create_secret": ("secrets", {"Name": "s", "SecretString": "x"}, JSON, b'{"ARN":"a","Name":"s"}'),
    "list_secrets": ("secrets", {}, JSON, b'{"SecretList":[]}'),
    "list_access_keys": ("iam", {}, XML, b"<ListAccessKeysResponse><ListAccessKeysResult><AccessKeyMetadata/><IsTruncated>false</IsTruncated></ListAccessKeysResult></ListAccessKeysResponse>"),
    "get_caller_identity": ("sts", {}, XML, b"<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>a</Arn><UserId>u</UserId><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"),
    "list_buckets": ("s3", {}, XML, b"<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"),
    "list_objects_v2": ("s3", {"Bucket": "b"}, XML, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"),
    "list_object_versions": ("s3", {"Bucket": "b"}, XML, b"<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>"),
    "create_multipart_upload": ("s3", {"Bucket": "b", "Key": "k"}, XML, b"<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"),
    "get_bucket_versioning": ("s3", {"Bucket": "b"}, XML, b"<VersioningConfiguration/>"),
    "delete_objects": ("s3", {"Bucket": "b", "Delete": {"Objects": [{"Key": "k"}]}}, XML, b"<DeleteResult/>"),
    "put_object": ("s3", {"Bucket": "b", "Key": "k", "Body": b"x"}, {"ETag": '"e"', **AWS}, b""),
    "upload_part": ("s3", {"Bucket": "b", "Key": "k", "UploadId": "u", "PartNumber": 1, "Body": b"x"}, {"ETag": '"e"', **AWS}, b""),
    "delete_object": ("s3", {"Bucket": "b", "Key": "k"}, AWS, b""),
    "delete_bucket_lifecycle": ("s3", {"Bucket": "b"}, AWS, b""),
}  # fmt: skip
BODIES = [name for name, (_, _, _, body) in CALLS.items() if body]
#: What else may answer, and whether asking again could help.
OTHERS = {
    "a web page": (Reply(200, {"Content-Type": "text/html"}, HTML), False),
    "a redirect": (Reply(302, {"Location": "http://127.0.0.1:9/login"}), False),
    "nothing": (Reply(200), True),
    "another content type": (Reply(200, {"Content-Type": "image/png"}, b"\x89PNG"), False),
}


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr("core.aws.retries._FIRST_PAUSE", 0.0)


def call(url, name):
    service, arguments, _, _ = CALLS[name]
    clients = ClientFactory(connection(endpoint_url=url))
    try:
        with translated(f"{service}:Call", "subject"):
            return getattr(getattr(clients, service)(), name)(**arguments)
    finally:
        clients.close()


@pytest.mark.parametrize("name", CALLS)
def test_a_right_answer_counts(name):
    _, _, headers, body = CALLS[name]
    with StubServer(lambda _request: Reply(200, headers, body)) as server:
        assert call(server.url, name)["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", CALLS)
def test_what_is_not_an_answer_of_aws_is_refused(name, other):
    reply, may_help = OTHERS[other]
    with StubServer(lambda _request: reply) as server:
        with pytest.raises(errors.NotAnS3Answer) as caught:
            call(server.url, name)
        assert len(server.requests) == 4 or not may_help
    assert caught.value.kind.value == 32
    assert caught.value.remedy
    assert "Sign in to the network" not in str(caught.value) + caught.value.details


@pytest.mark.parametrize("name", BODIES)
def test_an_answer_cut_at_any_byte_is_refused(name):
    _, _, headers, body = CALLS[name]
    cuts = iter(range(0, len(body) * 7, 7))
    with StubServer(lambda _request: Reply(200, headers, body[: next(cuts) % len(body)])) as server:
        for _ in range(0, len(body), 28):
            with pytest.raises(errors.NotAnS3Answer):
                call(server.url, name)


@pytest.mark.parametrize("name", CALLS)
def test_a_proxy_that_asks_for_a_sign_in_is_named(name):
    refusal = Reply(407, {"Content-Type": "text/html"}, HTML)
    with StubServer(lambda _request: refusal) as server, pytest.raises(errors.Offline) as caught:
        call(server.url, name)
    assert "407" in caught.value.cause


@pytest.mark.parametrize("name", CALLS)
def test_a_gateway_s_error_page_is_a_failure_of_the_service(name):
    with StubServer(lambda _request: Reply(500, {"Content-Type": "text/html"}, HTML)) as server:
        with pytest.raises(errors.ServiceError):
            call(server.url, name)
        assert len(server.requests) == 4


@pytest.mark.parametrize("name", [n for n, (s, *_) in CALLS.items() if s == "s3"])
def test_an_error_inside_a_200_is_that_error(name):
    body = b"<?xml version='1.0'?><Error><Code>InternalError</Code><Message>x</Message></Error>"
    with StubServer(lambda _request: Reply(200, XML, body)) as server:
        with pytest.raises(errors.ServiceError):
            call(server.url, name)
        assert len(server.requests) == 4


def test_one_bad_answer_is_asked_again():
    _, _, headers, body = CALLS["list_objects_v2"]
    right, cut = Reply(200, headers, body), Reply(200, headers, body[:-9])
    with StubServer(lambda _request: right if len(server.requests) > 1 else cut) as server:
        assert call(server.url, "list_objects_v2")["IsTruncated"] is False
        assert len(server.requests) == 2


@pytest.mark.parametrize("lacking", ["ARN", "Name", "VersionId"])
def test_an_answer_without_a_required_field_is_refused(lacking):
    found = json.loads(CALLS["get_secret_value"][3])
    del found[lacking]
    reply = Reply(200, JSON, json.dumps(found).encode())
    with (
        StubServer(lambda _request: reply) as server,
        pytest.raises(errors.NotAnS3Answer) as caught,
    ):
        call(server.url, "get_secret_value")
    assert lacking in caught.value.cause


@pytest.mark.parametrize("lacking", ["ETag", "Last-Modified"])
def test_a_head_without_its_headers_is_refused(lacking):
    headers = {"ETag": '"e"', "Last-Modified": "Wed, 25 Nov 2026 16:00:00 GMT", **AWS}
    headers.pop(lacking, None)
    with StubServer(lambda _request: Reply(200, headers)) as server:
        clients = ClientFactory(connection(endpoint_url=server.url))
        with pytest.raises(errors.NotAnS3Answer), translated("s3:HeadObject", "s3://b/k"):
            clients.s3().head_object(Bucket="b", Key="k")
        clients.close()


@pytest.mark.parametrize(
    "header",
    [
        {"Content-Length": "9, 9"},
        {"Last-Modified": "yesterday"},
        {"x-amz-mp-parts-count": "many"},
    ],
)
def test_a_header_of_another_form_is_a_bad_answer(header):
    headers = {"ETag": '"e"', "Last-Modified": "Wed, 25 Nov 2026 16:00:00 GMT", **AWS, **header}
    with StubServer(lambda _request: Reply(200, headers)) as server:
        clients = ClientFactory(connection(endpoint_url=server.url))
        with pytest.raises(errors.NotAnS3Answer), translated("s3:HeadObject", "s3://b/k"):
            clients.s3().head_object(Bucket="b", Key="k")
        clients.close()


@pytest.mark.parametrize("name", ["get_bucket_encryption", "get_bucket_ownership_controls"])
def test_a_listing_in_place_of_a_setting_is_a_missing_feature(name):
    page = Reply(200, XML, b"<ListBucketResult><Name>b</Name></ListBucketResult>")
    with StubServer(lambda _request: page) as server:
        clients = ClientFactory(connection(endpoint_url=server.url))
        with pytest.raises(errors.NotSupported), translated("s3:GetSetting", "s3://b"):
            getattr(clients.s3(), name)(Bucket="b")
        assert len(server.requests) == 1
        clients.close()
