"""An exchange that was damaged on the way is repeated, and no damaged value is ever used."""

import pytest
from helpers.aws import connection
from helpers.fault_proxy import FaultProxy, rule
from helpers.s3_servers import S3Server
from helpers.stub_server import XML, Reply, StubServer

from core import errors
from core.aws.clients import ClientFactory
from core.aws.faults import translated

VERSION = "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo"
STORED = Reply(200, {"ETag": '"0123456789abcdef"', "x-amz-version-id": VERSION})
MALFORMED = Reply(400, XML, b"<Error><Code>MalformedXML</Code><Message>m</Message></Error>")


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr("core.aws.retries._FIRST_PAUSE", 0.0)


def s3(url):
    return ClientFactory(connection(endpoint_url=url)).s3()


@pytest.mark.parametrize("at", [0.05, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99])
def test_no_header_that_is_cut_off_is_taken_for_complete(at):
    with (
        StubServer(lambda _request: STORED) as server,
        FaultProxy(
            S3Server("stub", server.url, "", ""), rule("Put", "cut_head", "first", at)
        ) as proxy,
    ):
        answer = s3(proxy.url).put_object(Bucket="b", Key="k", Body=b"x")
        assert len(server.requests) == 2
    assert answer["ETag"] == '"0123456789abcdef"'
    assert answer["VersionId"] == VERSION


@pytest.mark.parametrize(
    ("name", "arguments", "body"),
    [
        ("delete_objects", {"Delete": {"Objects": [{"Key": "k"}]}}, b"<DeleteResult/>"),
        (
            "complete_multipart_upload",
            {"Key": "k", "UploadId": "u", "MultipartUpload": {"Parts": []}},
            b"<CompleteMultipartUploadResult><ETag>e</ETag></CompleteMultipartUploadResult>",
        ),
    ],
)
def test_a_body_of_ours_that_the_server_cannot_parse_is_sent_again(name, arguments, body):
    replies = iter([MALFORMED, Reply(200, XML, body)])
    with StubServer(lambda _request: next(replies)) as server:
        getattr(s3(server.url), name)(Bucket="b", **arguments)
        assert len(server.requests) == 2


def test_a_value_that_the_server_refuses_as_malformed_is_sent_once():
    rules = {"Rules": [{"ID": "r", "Status": "Enabled", "Filter": {"Prefix": ""}}]}
    with StubServer(lambda _request: MALFORMED) as server:
        with (
            pytest.raises(errors.InvalidInput),
            translated("s3:PutBucketLifecycleConfiguration", "s3://b"),
        ):
            s3(server.url).put_bucket_lifecycle_configuration(
                Bucket="b", LifecycleConfiguration=rules
            )
        assert len(server.requests) == 1
