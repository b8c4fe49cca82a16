"""A cancel ends a request at once, and a silent server blocks a call only briefly."""

import socket
import threading
import time
from contextlib import ExitStack, contextmanager, suppress

import pytest
from helpers.aws import connection
from helpers.silent_server import SilentServer
from helpers.stub_server import XML, Reply, StubServer

from core import errors
from core.aws import retries
from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.work import CancelToken, RetryBudget, Work

HALF = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\nContent-Length: 900\r\n\r\n<ListBuc"
PAGE = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"


@contextmanager
def full_listener():
    """The URL of a port that neither accepts nor refuses: its queue of connections is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def list_objects(url, work=None, *, once=False):
    clients = ClientFactory(connection(endpoint_url=url))
    try:
        with translated("s3:ListObjectsV2", "s3://b", work):
            return clients.s3(once=once).list_objects_v2(Bucket="b")
    finally:
        clients.close()


@pytest.mark.parametrize("once", [False, True])
@pytest.mark.parametrize("beginning", [b"", HALF])
def test_a_cancel_wakes_a_request_that_waits(beginning, once):
    token = CancelToken()
    with SilentServer(beginning) as server:

        def cancel():
            assert server.reached.wait(10)
            token.cancel()

        canceller = threading.Thread(target=cancel)
        canceller.start()
        began = time.monotonic()
        with pytest.raises(errors.Cancelled):
            list_objects(server.url, Work(token), once=once)
        canceller.join()
        assert time.monotonic() - began < 2
        assert server.requests == 1


def test_a_cancel_wakes_a_connection_that_is_being_made():
    token = CancelToken()
    with full_listener() as url:
        threading.Timer(0.3, token.cancel).start()
        began = time.monotonic()
        with pytest.raises(errors.Cancelled):
            list_objects(url, Work(token))
        assert 0.2 < time.monotonic() - began < 2


@pytest.mark.parametrize("warm", [False, True])
def test_a_cancel_just_before_the_request_is_sent_ends_it(warm):
    """Also on a connection that an earlier request left open, and before one is made."""
    token, never = CancelToken(), threading.Event()

    def answer(_request):
        if len(server.requests) > warm:
            never.wait(20)
        return Reply(200, XML, PAGE)

    with StubServer(answer) as server:
        clients = ClientFactory(connection(endpoint_url=server.url))
        client = clients.s3()
        if warm:
            client.list_objects_v2(Bucket="b")
        client.meta.events.register("before-send.s3", lambda **_event: token.cancel())
        began = time.monotonic()
        with pytest.raises(errors.Cancelled), translated("s3:List", "s3://b", Work(token)):
            client.list_objects_v2(Bucket="b")
        took = time.monotonic() - began
        never.set()
        clients.close()
    assert took < 2


def test_a_cancel_wakes_the_pause_between_two_attempts(monkeypatch):
    monkeypatch.setattr(retries, "_FIRST_PAUSE", 60.0)
    monkeypatch.setattr(retries, "_LONGEST_PAUSE", 60.0)
    monkeypatch.setattr(retries, "INTERACTIVE_SECONDS", 600.0)
    token = CancelToken()

    def answer(_request):
        threading.Timer(0.05, token.cancel).start()
        return Reply(503, XML, b"<Error><Code>SlowDown</Code></Error>")

    with StubServer(answer) as server:
        with pytest.raises(errors.Cancelled):
            list_objects(server.url, Work(token))
        assert len(server.requests) == 1


def test_nothing_is_sent_for_a_work_that_is_cancelled_already():
    token = CancelToken()
    token.cancel()
    with StubServer(lambda _request: Reply(200, XML, PAGE)) as server:
        with pytest.raises(errors.Cancelled):
            list_objects(server.url, Work(token))
        assert not server.requests


def test_an_interactive_call_to_a_silent_server_ends_in_time_and_names_it(monkeypatch):
    monkeypatch.setattr(retries, "INTERACTIVE_SECONDS", 1.5)
    with SilentServer() as server:
        began = time.monotonic()
        with pytest.raises(errors.Offline) as caught:
            list_objects(server.url)
        assert time.monotonic() - began < 4
        assert server.url in caught.value.cause


def test_a_budget_ends_an_outage_for_all_requests_at_once():
    work = Work(budget=RetryBudget(1.0))
    storm = Reply(503, XML, b"<Error><Code>SlowDown</Code></Error>")
    with StubServer(lambda _request: storm) as server:
        clients = ClientFactory(connection(endpoint_url=server.url))
        client, began = clients.s3(), time.monotonic()
        for _ in range(20):
            with pytest.raises(errors.Throttled), translated("s3:ListObjectsV2", "s3://b", work):
                client.list_objects_v2(Bucket="b")
        assert time.monotonic() - began < 3
        clients.close()
    assert work.budget.left < 1.0


def test_a_success_gives_the_budget_back():
    work = Work(budget=RetryBudget(1.0))
    storm = Reply(503, XML, b"<Error><Code>SlowDown</Code></Error>")
    with StubServer(
        lambda _request: Reply(200, XML, PAGE) if len(server.requests) % 2 == 0 else storm
    ) as server:
        for _ in range(6):
            assert list_objects(server.url, work)["IsTruncated"] is False
    assert work.budget.left == 1.0
    assert not work.budget.exhausted


def test_once_sends_a_request_a_single_time_whatever_comes_back():
    for reply in (Reply(500, XML), Reply(200), Reply(200, XML, PAGE[:-5])):
        with StubServer(lambda _asked, reply=reply: reply) as server:
            with pytest.raises(errors.StorageError):
                list_objects(server.url, once=True)
            assert len(server.requests) == 1
