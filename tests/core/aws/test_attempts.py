"""The observer of a connection receives each attempt of a request."""

import pytest
from helpers.stub_server import Reply, StubServer

from core.aws.attempts import Attempt, outcome
from core.aws.clients import ClientFactory
from core.errors import ErrorKind, StorageError
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.objects.bucket import Bucket
from core.objects.versioning import versioning
from core.redaction import Secret

KEYS = AccessKeys("AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMIK7MDENG"))
S3 = {"Content-Type": "application/xml", "x-amz-request-id": "1"}
VERSIONED = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"


def error(code, status):
    return Reply(status, S3, f"<Error><Code>{code}</Code></Error>".encode())


def watched(reply):
    """Ask a server that answers with `reply`; return its host and the reports."""
    seen = []
    with StubServer(lambda _asked: reply) as server:
        profile = Profile("p", KeySource.SESSION, endpoint_url=server.url, bucket="b")
        clients = ClientFactory(Connection(profile, KEYS))
        clients.watch(seen.append)
        try:
            versioning(Bucket(clients, "b"))
        except StorageError:
            pass  # what it was is in the reports
        finally:
            clients.close()
    return server.url.removeprefix("http://"), seen


@pytest.mark.parametrize(
    ("reply", "failed"),
    [
        (Reply(200, S3, VERSIONED.encode()), None),
        (error("AccessDenied", 403), None),
        (error("NoSuchBucket", 404), None),
        (error("InvalidAccessKeyId", 403), ErrorKind.CREDENTIALS_INVALID),
        (error("ExpiredToken", 400), ErrorKind.CREDENTIALS_EXPIRED),
        (Reply(200, {"Content-Type": "text/html"}, b"<html>Sign in</html>"), ErrorKind.NOT_S3),
    ],
)
def test_an_answer_is_good_unless_it_concerns_the_server_or_the_keys(reply, failed):
    host, seen = watched(reply)
    assert seen[0] == Attempt(host)
    assert seen[-1] == Attempt(host, over=True, failed=failed)


@pytest.mark.parametrize(("code", "accepted"), [("NotImplemented", False), ("AccessDenied", True)])
def test_an_unsupported_operation_proves_nothing_about_the_keys(code, accepted):
    _host, seen = watched(error(code, 501 if code == "NotImplemented" else 403))
    assert (seen[-1].failed, seen[-1].keys_accepted) == (None, accepted)


@pytest.mark.parametrize(
    ("status", "code", "operation", "accepted"),
    [
        (404, "NoSuchKey", "s3:GetObject", True),
        (301, "PermanentRedirect", "s3:ListObjectsV2", False),
        (503, "SlowDown", "s3:ListObjectsV2", False),
        (404, "404", "sts:GetCallerIdentity", False),
        (400, "InvalidRequest", "sts:GetCallerIdentity", False),
    ],
)
def test_an_answer_that_precedes_the_check_of_the_keys_proves_nothing(
    status, code, operation, accepted
):
    answer = {
        "Error": {"Code": code, "Message": ""},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    found = outcome("h", operation, (None, answer), None)
    assert (found.failed, found.keys_accepted) == (None, accepted)


def test_nothing_is_reported_once_the_watcher_is_gone():
    seen = []
    with StubServer(lambda _asked: Reply(200, S3, VERSIONED.encode())) as server:
        profile = Profile("p", KeySource.SESSION, endpoint_url=server.url, bucket="b")
        clients = ClientFactory(Connection(profile, KEYS))
        clients.watch(seen.append)
        clients.watch(None)
        versioning(Bucket(clients, "b"))
        clients.close()
    assert seen == []
