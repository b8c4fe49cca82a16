"""An interrupted test of permissions leaves no object behind."""

from contextlib import suppress
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from helpers.moto_bucket import moto_bucket
from helpers.object_server import Server, bucket_at
from helpers.stub_server import StubServer

from core.errors import AccessDenied, Offline
from core.local.pending_uploads import note, of_dead_processes
from core.objects.conditions import COMPLETE, is_supported
from core.objects.probes import probe_completion
from core.objects.reading import read
from core.objects.writing import put
from core.transfer import sweep
from core.transfer.sweep import sweep_at_start
from core.work import Work

#: The calls of a probe in their order, as botocore's clients name them.
CALLS = (
    "put_object",
    "create_multipart_upload",
    "upload_part",
    "complete_multipart_upload",
    "abort_multipart_upload",
    "head_object",
    "delete_object",
)
PROBE = "k.strongroom-probe-0123abcd"


class Ended(BaseException):
    """A request to end the process, which Strongroom must not catch."""


@pytest.fixture(params=[True, False], ids=["honoured", "ignored"])
def server(request):
    return Server(conditions=request.param)


@pytest.fixture
def url(server):
    with StubServer(server) as stub:
        yield stub.url


def ending(monkeypatch, bucket, call, raised, *, sent, dead):
    """Have a call raise, before or after it is sent, and with `dead` every later call as well."""
    ended = []

    def wrap(client, name):
        original = getattr(client, name)

        def called(**arguments):
            if ended and dead:
                raise raised("ended")
            if name != call or ended:
                return original(**arguments)
            if sent:
                with suppress(ClientError):  # the answer is lost, whatever it was
                    original(**arguments)
            ended.append(name)
            raise raised("ended")

        monkeypatch.setattr(client, name, called)

    for client in (bucket.client, bucket.client_once):
        for name in (*CALLS, "list_multipart_uploads", "list_parts"):
            wrap(client, name)
    return ended


ENDS = [
    pytest.param((Ended, False, False), id="before it"),
    pytest.param((Ended, True, False), id="after it"),
    pytest.param((Ended, False, True), id="killed before it"),
    pytest.param((Ended, True, True), id="killed after it"),
    pytest.param((Offline, True, False), id="answer lost"),
    pytest.param((AccessDenied, False, False), id="refused"),
]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("call", CALLS)
def test_an_end_at_any_call_leaves_nothing(server, url, monkeypatch, call, end):
    raised, sent, dead = end
    with bucket_at(url) as bucket, monkeypatch.context() as patch:
        ended = ending(patch, bucket, call, raised, sent=sent, dead=dead)
        if raised is Ended:
            with pytest.raises(Ended):
                probe_completion(bucket, "k", Work())
        else:
            probe_completion(bucket, "k", Work())
    assert ended == [call]
    with bucket_at(url) as bucket:
        assert sweep_at_start(bucket, Work()).failed == ()
        assert (server.objects, server.uploads) == ({}, {})
        # The next clean-ups search for what may still be created, for a minute.
        monkeypatch.setattr(sweep, "_MAY_ARRIVE", timedelta())
        sweep_at_start(bucket, Work())
    assert (server.objects, server.uploads, of_dead_processes()) == ({}, {}, [])


def test_a_probe_that_a_busy_server_stores_after_a_clean_up_is_removed_by_the_next(bucket):
    recorded(bucket, PROBE).abandon()
    assert sweep_at_start(bucket, Work()).uploads == ()
    put(bucket, PROBE, b"0")  # the last request of the killed process
    assert sweep_at_start(bucket, Work()).uploads == (PROBE,)
    assert of_dead_processes() == []


def test_a_probe_without_an_end_leaves_nothing_and_finds_out(server, url):
    with bucket_at(url) as bucket:
        probe_completion(bucket, "k", Work())
        assert is_supported(bucket, COMPLETE) is server.conditions
    assert (server.objects, server.uploads, of_dead_processes()) == ({}, {}, [])


def test_all_versions_of_a_probe_are_removed():
    with moto_bucket(versioned=True) as bucket:
        for body in (b"0", b"1", b"1"):
            put(bucket, PROBE, body)
        recorded(bucket, PROBE).abandon()
        assert sweep_at_start(bucket, Work()).uploads == (PROBE,)
        assert "Versions" not in bucket.client.list_object_versions(Bucket=bucket.name)
        assert of_dead_processes() == []


@pytest.mark.parametrize(
    ("key", "body"),
    [("k", b"0"), (f"{PROBE}.txt", b"0"), (f"{PROBE}9", b"0"), (PROBE, b"00"), (PROBE, b"")],
)
def test_what_is_no_probe_is_never_deleted(bucket, key, body):
    put(bucket, key, body)
    recorded(bucket, key).abandon()
    assert sweep_at_start(bucket, Work()).failed == ()
    assert read(bucket, key) == body
    assert of_dead_processes() == []
    bucket.client.delete_object(Bucket=bucket.name, Key=key)


def test_a_probe_of_a_running_process_is_left_alone(bucket):
    put(bucket, PROBE, b"0")
    pending = recorded(bucket, PROBE)
    assert sweep_at_start(bucket, Work()).uploads == ()
    assert read(bucket, PROBE) == b"0"
    pending.abandon()
    assert sweep_at_start(bucket, Work()).uploads == (PROBE,)


def test_a_probe_that_cannot_be_deleted_is_reported_and_tried_again(bucket, monkeypatch):
    put(bucket, PROBE, b"0")
    recorded(bucket, PROBE).abandon()
    with monkeypatch.context() as patch:
        patch.setattr(bucket.client, "delete_object", lambda **_: {})
        assert [each.key for each in sweep_at_start(bucket, Work()).failed] == [PROBE]
    assert sweep_at_start(bucket, Work()).uploads == (PROBE,)
    assert of_dead_processes() == []


def recorded(bucket, key):
    return note(bucket.clients.endpoint_url, bucket.name, key, probe=True)
