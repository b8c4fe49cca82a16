"""No unfinished upload is left when the requests that begin and end it fail."""

import threading
from contextlib import contextmanager

import pytest
from helpers.fault_proxy import FaultProxy, rule
from helpers.object_server import KEY_ID, SECRET, Server, bucket_at
from helpers.s3_servers import S3Server
from helpers.stub_server import StubServer

from core.errors import Cancelled, StorageError
from core.objects import parts, writing
from core.work import CancelToken, RetryBudget, Work


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A file that goes in three parts."""
    monkeypatch.setattr(writing, "SINGLE_BYTES", 1000)
    monkeypatch.setattr(parts, "part_size", lambda _size: 1000)
    path = tmp_path / "large"
    path.write_bytes(bytes(range(250)) * 10)
    return path


@pytest.fixture
def damaged():
    """Return a context: a bucket through a proxy with rules, the proxy, and the server."""

    @contextmanager
    def through(*rules):
        server = Server()
        with (
            StubServer(server) as stub,
            FaultProxy(S3Server("stub", stub.url, KEY_ID, SECRET), *rules) as proxy,
            bucket_at(proxy.url) as bucket,
        ):
            yield bucket, proxy, server

    return through


@pytest.mark.parametrize("occasion", ["first", "every"])
@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ("Create", "lost_answer"),
        ("Create", "empty_200"),
        ("Create", "short_length"),
        ("Part", "error_500"),
        ("Part", "portal_200"),
        ("Complete", "lost_answer"),
        ("Complete", "reset"),
        ("Complete", "error_in_200"),
    ],
)
def test_faults_at_each_step(damaged, large, step, fault, occasion):
    with damaged(rule(step, fault, occasion)) as (bucket, proxy, server):
        try:
            written = writing.upload(bucket, f"{step}{fault}{occasion}", large)
        except StorageError as error:
            assert error.summary  # noqa: PT017 - either outcome is right
        else:
            assert written.size == large.stat().st_size
    assert proxy.struck
    assert server.uploads == {}


@pytest.mark.parametrize("fault", ["lost_answer", "portal_200", "error_503"])
def test_an_abort_that_fails_once_is_repeated(damaged, large, fault):
    rules = (rule("Part", "portal_200"), rule("Abort", fault, "first"))
    with damaged(*rules) as (bucket, _proxy, server), pytest.raises(StorageError):
        writing.upload(bucket, f"abort{fault}", large)
    assert server.uploads == {}


@pytest.mark.parametrize("step", ["Create", "Part", "Complete"])
def test_a_cancel_of_a_stalled_upload_ends_in_two_seconds(damaged, large, step):
    token, ended = CancelToken(), threading.Event()
    work = Work(token, budget=RetryBudget())
    with damaged(rule(step, "stall_before")) as (bucket, proxy, server):

        def upload():
            with pytest.raises(Cancelled):
                writing.upload(bucket, f"stalled{step}", large, work=work)
            ended.set()

        thread = threading.Thread(target=upload)
        thread.start()
        while not proxy.struck:
            threading.Event().wait(0.02)
        token.cancel()
        assert ended.wait(6)  # two seconds on an idle machine
        thread.join()
    assert server.uploads == {}
