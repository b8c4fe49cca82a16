"""Copies within and between buckets have everything of their source, on every S3 server."""

import hashlib
import os
from contextlib import contextmanager

import pytest
from helpers.fault_proxy import FaultProxy, rule
from helpers.s3_servers import heavy_servers, make_bucket

from core.aws.clients import ClientFactory
from core.errors import AlreadyExists, Conflict, Corrupt, InvalidInput, NotFound
from core.limits import TransferLimits
from core.model.objects import Verdict
from core.objects import copying, multipart_copy, reading, writing
from core.objects.bucket import Bucket
from core.work import Work

_METADATA = {"note": "a b"}
_BIG = 11 << 20


@pytest.fixture
def here(s3_server, s3_bucket):
    clients = ClientFactory(s3_server.connection(s3_bucket))
    yield Bucket(clients, s3_bucket)
    clients.close()


@pytest.fixture
def _small_parts(monkeypatch):
    monkeypatch.setattr(copying, "SINGLE_BYTES", 1 << 20)
    monkeypatch.setattr(multipart_copy, "PART_BYTES", 5 << 20)


def _store(client, bucket, key, data):
    client.put_object(
        Bucket=bucket.name, Key=key, Body=data, Metadata=_METADATA, ContentType="text/x-special",
        CacheControl="no-cache", Tagging="team=research&level=2%20b",
    )  # fmt: skip


def _tags(client, bucket, key):
    found = client.get_object_tagging(Bucket=bucket.name, Key=key)["TagSet"]
    return {row["Key"]: row["Value"] for row in found}


@pytest.mark.usefixtures("_small_parts")
@pytest.mark.parametrize("size", [0, 1000, _BIG])
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_copy_has_bytes_metadata_and_tags(here, s3_server, s3_client, size, elsewhere):
    data, key = os.urandom(size), "a/ü +%&?#.bin"
    if s3_server.name == "rgw" and size == _BIG:
        key = "a/key.bin"  # release 16 crashes when it copies a part of an object with such a key
    _store(s3_client, here, key, data)
    target = Bucket(here.clients, make_bucket(s3_client)) if elsewhere else here
    written = copying.copy(target, key, "b/copy", source=here, only_new=True)
    assert (written.key, written.size) == ("b/copy", size)
    assert written.verdict in {Verdict.MD5, Verdict.CRC} or size == _BIG
    assert reading.read(target, "b/copy") == data
    found = s3_client.head_object(Bucket=target.name, Key="b/copy")
    assert (found["Metadata"], found["ContentType"]) == (_METADATA, "text/x-special")
    assert found["CacheControl"] == "no-cache"
    assert _tags(s3_client, target, "b/copy") == {"team": "research", "level": "2 b"}
    assert "Uploads" not in s3_client.list_multipart_uploads(Bucket=target.name)
    equal = copying.equal_content(here, key, target, "b/copy", Work(), read=True)
    assert equal in {Verdict.MD5, Verdict.CRC, Verdict.SHA256}


@pytest.mark.parametrize("s3_server", heavy_servers(), indirect=True)
@pytest.mark.parametrize("size", [1000, _BIG])
def test_an_object_of_another_connection_is_read_and_sent(
    here, s3_server, s3_client, damaged_source, size
):
    data = os.urandom(size)
    _store(s3_client, here, "source", data)
    clients = ClientFactory(s3_server.connection(here.name))
    other = Bucket(clients, here.name)
    written = copying.copy(here, "source", "copy", source=other, only_new=True)
    assert written.verdict in {Verdict.MD5, Verdict.CRC}
    assert written.sha256 == hashlib.sha256(data).hexdigest()
    assert reading.read(here, "copy") == data
    assert _tags(s3_client, here, "copy") == {"team": "research", "level": "2 b"}
    with damaged_source() as source, pytest.raises(Corrupt):
        copying.copy(here, "source", "damaged", source=source)
    with pytest.raises(NotFound):
        reading.head(here, "damaged")
    assert "Uploads" not in s3_client.list_multipart_uploads(Bucket=here.name)
    clients.close()


@pytest.fixture
def damaged_source(here, s3_server):
    """Return a context: the bucket through a proxy that flips a bit of what is read."""

    @contextmanager
    def opened():
        with FaultProxy(s3_server, rule("GetRange", "flip_down")) as proxy:
            clients = ClientFactory(s3_server.connection(here.name, proxy.url))
            yield Bucket(clients, here.name)
            clients.close()

    return opened


@pytest.mark.usefixtures("_small_parts")
def test_the_hash_of_the_source_is_that_of_the_copy(here, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(os.urandom(_BIG))
    writing.upload(here, "source", path)
    written = copying.copy(here, "source", "copy")
    assert written.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert reading.download(here, "copy", tmp_path / "got").verdict is Verdict.SHA256


@pytest.mark.usefixtures("_small_parts")
@pytest.mark.parametrize("size", [10, _BIG])
def test_an_existing_object_is_only_replaced_on_request(here, s3_client, size):
    data = os.urandom(size)
    _store(s3_client, here, "source", data)
    writing.put(here, "taken", b"precious")
    with pytest.raises(AlreadyExists):
        copying.copy(here, "source", "taken", only_new=True)
    assert reading.read(here, "taken") == b"precious"
    copying.copy(here, "source", "taken")
    assert reading.read(here, "taken") == data


def test_a_source_that_was_replaced_since_its_listing_is_not_copied(here):
    listed = writing.put(here, "source", b"old").etag
    writing.put(here, "source", b"new")
    with pytest.raises(Conflict):
        copying.copy(here, "source", "copy", expected_etag=listed)
    with pytest.raises(NotFound):
        reading.head(here, "copy")


@pytest.mark.usefixtures("_small_parts")
@pytest.mark.parametrize("size", [10, _BIG])
def test_a_source_that_is_replaced_during_the_copy_fails_it(here, s3_client, monkeypatch, size):
    _store(s3_client, here, "source", os.urandom(size))
    inspected = copying.inspect

    replacements = iter([True])

    def replaced(bucket, key, work):
        answer = inspected(bucket, key, work)
        if key == "source" and next(replacements, False):
            _store(s3_client, here, "source", os.urandom(size))
        return answer

    monkeypatch.setattr(copying, "inspect", replaced)
    with pytest.raises(Conflict):
        copying.copy(here, "source", "copy")
    with pytest.raises(NotFound):
        reading.head(here, "copy")
    assert "Uploads" not in s3_client.list_multipart_uploads(Bucket=here.name)


def test_an_object_is_not_copied_to_itself(here):
    with pytest.raises(InvalidInput):
        copying.copy(here, "a", "a")


def test_a_missing_source_is_reported_as_such(here):
    with pytest.raises(NotFound):
        copying.copy(here, "none", "copy")


@pytest.mark.usefixtures("_small_parts")
@pytest.mark.parametrize("s3_server", ["demo"], indirect=True)
@pytest.mark.parametrize("key", ["small", "large"])
def test_copies_respect_the_limit_of_parallel_requests(here, s3_client, key):
    _store(s3_client, here, key, os.urandom(_BIG if key == "large" else 10))
    running, peak = [], []

    def begun(**_event):
        running.append(1)
        peak.append((len(running), limits.free))

    class Limits(TransferLimits):
        """The limit of one request, which reports whether it is used up."""

        @property
        def free(self):
            return self._running == 0

    limits = Limits(parallel=1)
    events = here.client.meta.events
    for name in ("UploadPartCopy", "CopyObject"):
        events.register(f"before-call.s3.{name}", begun)
        events.register(f"after-call.s3.{name}", lambda **_event: running.pop())
    copying.copy(here, key, "copy", work=Work(limits=limits))
    assert peak == [(1, False)] * (3 if key == "large" else 1)
