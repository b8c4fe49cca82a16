"""Only an answer with the object itself counts as a working link."""

import http.client
import socket
import threading

import pytest
from helpers.aws import connection
from helpers.stub_server import Reply, Request, StubServer

from core.aws.clients import ClientFactory
from core.errors import NotSupported, Offline
from core.links.check import check_link
from core.links.make import make_links
from core.objects.bucket import Bucket

SIZE, ETAG = 11_000, '"0123456789abcdef0123456789abcdef"'
S3 = {"x-amz-request-id": "R1"}
OBJECT = S3 | {"ETag": ETAG, "Content-Type": "text/plain"}
ERROR = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
HTML = {"Content-Type": "text/html"}
PAGE = b"<html><body>Sign in</body></html>"


def part(total=SIZE, body=b"x", **headers):
    return Reply(206, OBJECT | {"Content-Range": f"bytes 0-0/{total}"} | headers, body)


def head_of_object(headers=None):
    # The stub gives the length of the body that a HEAD does not send.
    more = {"Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}
    return Reply(200, OBJECT | more | (headers or {}), b"x" * SIZE)


def tried(answer, head=None, *, key="key", bucket=True):
    """Make a link and try it; the profile's own HEAD is answered by `head`."""

    def reply(asked: Request) -> Reply:
        if "X-Amz-Signature" in asked.path:
            return answer
        return Reply(200, S3) if asked.path.rstrip("/") == "/bucket" else head or head_of_object()

    with StubServer(reply) as server:
        clients = ClientFactory(connection(endpoint_url=server.url))
        place = Bucket(clients, "bucket")
        (link,) = make_links(place, [key])
        try:
            return check_link(link, bucket=place if bucket else None)
        finally:
            clients.close()


@pytest.mark.parametrize("bucket", [True, False])
@pytest.mark.parametrize("answer", [part(), Reply(200, OBJECT, b"x" * SIZE)])
def test_the_object_works(answer, bucket):
    check = tried(answer, bucket=bucket)
    assert check.works
    assert check.explanation == ("works" if bucket else "answers; not compared with the object")


def test_an_empty_object_works():
    empty = Reply(200, OBJECT | {"Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT"}, b"")
    refusal = b"<Error><Code>InvalidRange</Code></Error>"
    assert tried(Reply(416, S3, refusal), empty).works
    assert tried(Reply(200, OBJECT, b""), empty).works
    assert not tried(Reply(416, S3, refusal)).works
    assert not tried(Reply(416, HTML, PAGE), empty).works


@pytest.mark.parametrize("bucket", [True, False])
@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (Reply(200, HTML, PAGE), "does not come from S3"),
        (Reply(206, HTML | {"Content-Range": "bytes 0-0/1"}, b"<"), "does not come from S3"),
        (Reply(200, S3, b""), "does not come from S3"),
        (Reply(200, S3 | {"Content-Type": "application/xml"}, ERROR), "does not come from S3"),
        (Reply(302, {"Location": "http://127.0.0.1:9/portal"}, b""), "redirected"),
        (Reply(307, {"Location": "http://127.0.0.1:9/portal"}, b""), "redirected"),
        (Reply(403, S3, ERROR), "Request has expired"),
        (Reply(403, HTML, PAGE), "HTTP status 403"),
        (Reply(403, S3, b"<a><Message>not an error of S3</Message></a>"), "HTTP status 403"),
        (Reply(404, S3, b""), "HTTP status 404"),
        (Reply(503, S3, b"\xff\xfe<"), "HTTP status 503"),
        (Reply(204, OBJECT, b""), "HTTP status 204"),
        (part(body=b""), "incomplete"),
        (part(body=b"xy"), "incomplete"),
        (part(total="*"), "incomplete"),
    ],
)
def test_what_is_not_the_object_does_not_work(answer, text, bucket):
    check = tried(answer, bucket=bucket)
    assert not check.works
    assert text in check.explanation
    assert check.status == answer.status


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (part(total=SIZE - 1), "the object has 11,000"),
        (Reply(200, OBJECT, b"x" * 10), "10 bytes"),
        (Reply(200, OBJECT | {"Content-Type": "application/xml"}, ERROR), "bytes"),
        (part(ETag='"ffffffffffffffffffffffffffffffff"'), "ETag differs"),
    ],
)
def test_another_length_or_etag_than_the_object_s_does_not_work(answer, text):
    check = tried(answer)
    assert not check.works
    assert text in check.explanation


def test_a_head_that_is_denied_leaves_the_answer_uncompared():
    check = tried(part(), Reply(403, S3, b""))
    assert (check.works, check.explanation) == (True, "answers; not compared with the object")


def test_an_answer_that_is_cut_does_not_work():
    with socket.create_server(("127.0.0.1", 0)) as server:
        said = [
            b'HTTP/1.1 200 OK\r\nETag: "a"\r\nx-amz-id-2: a\r\nContent-Length: 100\r\n\r\nhalf',
            b"rubbish that is not HTTP\r\n\r\n",
        ]

        def serve():
            for text in said:
                peer, _ = server.accept()
                with peer:
                    peer.recv(65536)
                    peer.sendall(text)

        thread = threading.Thread(target=serve)
        thread.start()
        clients = ClientFactory(
            connection(endpoint_url=f"http://127.0.0.1:{server.getsockname()[1]}")
        )
        clients._regions["bucket"] = "us-east-1"
        (link,) = make_links(Bucket(clients, "bucket"), ["key"], method="DELETE")
        object.__setattr__(link, "method", "GET")
        checks = [check_link(link) for _ in said]
        thread.join()
        clients.close()
    assert [check.works for check in checks] == [False, False]
    assert "incomplete" in checks[0].explanation
    assert "HTTP" in checks[1].explanation


def test_a_link_that_writes_is_not_tried_and_a_silent_place_is_offline():
    clients = ClientFactory(connection(endpoint_url="http://127.0.0.1:9"))
    clients._regions["bucket"] = "us-east-1"
    (link,) = make_links(Bucket(clients, "bucket"), ["key"], method="PUT")
    with pytest.raises(NotSupported):
        check_link(link)
    object.__setattr__(link, "method", "GET")
    with pytest.raises(Offline) as raised:
        check_link(link)
    assert "X-Amz-Signature" not in str(vars(raised.value))
    clients.close()


def test_the_debug_output_of_http_client_does_not_print_the_link(monkeypatch, capsys):
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    assert tried(part()).works
    assert "X-Amz-Signature" not in "".join(capsys.readouterr())
