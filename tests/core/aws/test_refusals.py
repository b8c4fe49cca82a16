"""The reason for a refused HEAD is fetched once, with a request whose answer has a body."""

from contextlib import contextmanager

import pytest
from helpers.aws import connection
from helpers.stub_server import XML, Reply, StubServer

from core import errors
from core.aws.clients import ClientFactory
from core.objects.bucket import Bucket
from core.objects.reading import head

PAGE = (
    b"<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>1</KeyCount><Contents>"
    b"<Key>key</Key><Size>1</Size><ETag>&quot;e&quot;</ETag>"
    b"<LastModified>2024-01-15T10:00:00.000Z</LastModified></Contents></ListBucketResult>"
)


def error(code, text="no"):
    return f"<Error><Code>{code}</Code><Message>{text}</Message></Error>".encode()


@contextmanager
def server(status, listing):
    """A server that refuses every HEAD of an object, and answers a listing in its own way."""

    def answer(asked):
        if asked.method == "HEAD":
            return Reply(200 if asked.path == "/bucket" else status, {"x-amz-request-id": "1"})
        return listing

    with StubServer(answer) as stub:
        clients = ClientFactory(connection(endpoint_url=stub.url))
        yield stub, Bucket(clients, "bucket")
        clients.close()


@pytest.mark.parametrize(
    ("status", "code", "kind", "text"),
    [
        (400, "ExpiredToken", errors.CredentialsExpired, "temporary credentials have expired"),
        (403, "ExpiredToken", errors.CredentialsExpired, "aws sso login"),
        (403, "InvalidAccessKeyId", errors.CredentialsInvalid, "unknown, deactivated or deleted"),
        (403, "SignatureDoesNotMatch", errors.CredentialsInvalid, "signature does not match"),
        (403, "RequestTimeTooSkewed", errors.ClockSkew, "clock"),
    ],
)
def test_what_is_wrong_with_the_keys_is_named(status, code, kind, text):
    listing = Reply(status, XML, error(code))
    with server(status, listing) as (_stub, bucket), pytest.raises(kind) as caught:
        head(bucket, "key")
    assert text in str(caught.value)
    assert "without a reason" not in str(caught.value)


@pytest.mark.parametrize("listing", [Reply(200, XML, PAGE), Reply(403, XML, error("AccessDenied"))])
def test_keys_that_are_accepted_lack_a_permission_and_are_not_asked_again_at_once(listing):
    with server(403, listing) as (stub, bucket):
        for _again in range(3):
            with pytest.raises(errors.AccessDenied) as caught:
                head(bucket, "key")
        listed = [asked.path for asked in stub.requests if asked.method == "GET"]
    # Whether the object exists is another question, about the key itself.
    of_keys = [path for path in listed if "prefix=key" not in path]
    assert "deactivated" not in str(caught.value)
    assert "s3:GetObject" in str(caught.value)
    assert len(of_keys) == 1


def test_a_bad_request_with_good_keys_is_an_object_with_a_key_of_its_own():
    refused = pytest.raises(errors.NotSupported, match="its own encryption key")
    with server(400, Reply(200, XML, PAGE)) as (_stub, bucket), refused:
        head(bucket, "key")


@pytest.mark.parametrize("key", ["a/../b", "a/./b", "..", "a\nb", "\x01"])
def test_a_bad_request_for_an_unusual_key_with_good_keys_names_the_key(key):
    refused = pytest.raises(errors.InvalidInput)
    with server(400, Reply(200, XML, PAGE)) as (_stub, bucket), refused as caught:
        head(bucket, key)
    assert bucket.subject(key) in caught.value.cause
    assert "does not accept the key" in caught.value.cause


@pytest.mark.parametrize("listing", [Reply(404, XML, error("NoSuchBucket")), Reply(403, XML, b"")])
def test_what_cannot_be_found_out_stays_open(listing):
    with server(400, listing) as (_stub, bucket), pytest.raises(errors.StorageError) as caught:
        head(bucket, "key")
    assert caught.value.kind in {
        errors.ErrorKind.CREDENTIALS_EXPIRED,
        errors.ErrorKind.NOT_SUPPORTED,
    }


def test_a_missing_object_asks_nothing():
    with server(404, Reply(200, XML, PAGE)) as (stub, bucket), pytest.raises(errors.NotFound):
        head(bucket, "key")
    assert [asked.method for asked in stub.requests] == ["HEAD", "HEAD"]
