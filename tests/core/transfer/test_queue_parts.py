"""A large file of the queue is continued with the parts that the server has, unless it has changed."""

import random
from contextlib import closing
from types import SimpleNamespace
from uuid import uuid4

import pytest
from helpers.s3_servers import heavy_servers

from core.errors import CredentialsExpired, ErrorKind
from core.local.state.database import state_database
from core.objects import part_sender
from core.objects.reading import read
from core.transfer.journal import Order
from core.transfer.queue import TransferQueue
from core.transfer.queue_runner import run_waiting
from core.transfer.queue_values import BatchState
from core.transfer.sweep import sweep
from core.transfer.values import TransferCancelled
from core.work import CancelToken, Work
from core.workspace import Workspace

pytestmark = pytest.mark.parametrize("s3_server", heavy_servers(), indirect=True)
P, MIB = "profile", 1 << 20


@pytest.fixture
def place(s3_server, s3_bucket):
    with closing(Workspace.open(s3_server.connection(s3_bucket))) as workspace:
        yield workspace


@pytest.fixture
def queue():
    return TransferQueue()


@pytest.fixture
def sent(monkeypatch):
    """The numbers of the parts that are sent; `stop` is called before each."""
    found = SimpleNamespace(numbers=[], stop=lambda: None)
    answer = part_sender.Parts._answer

    def counted(self, number, *arguments):
        found.stop()
        found.numbers.append(number)
        return answer(self, number, *arguments)

    monkeypatch.setattr(part_sender.Parts, "_answer", counted)
    for name in ("IN_FLIGHT", "_MORE"):  # so that one part is complete at a time
        monkeypatch.setattr(part_sender, name, 1)
    return found


@pytest.fixture
def large(tmp_path):
    path = tmp_path / "large.bin"
    path.write_bytes(random.Random(1).randbytes(20 * MIB))
    return path


@pytest.fixture
def batch(queue, place, large):
    columns = {
        "paths": [str(large)],
        "keys": [f"{uuid4().hex}/large.bin"],
        "sizes": [large.stat().st_size],
    }
    asked = Order("transfer.upload", uuid4().hex, "Up", P, place.bucket.name, columns)
    queue.add(asked)
    return asked


def uploads(bucket):
    found = bucket.client.list_multipart_uploads(Bucket=bucket.name)
    return [each["Key"] for each in found.get("Uploads", ())]


def paused(queue, place, batch, sent, parts=2):
    token = CancelToken()

    def stop():
        if len(sent.numbers) == parts:
            queue.pause(batch.id)
            token.pause()
            token.check()

    sent.stop = stop
    with pytest.raises(TransferCancelled):
        run_waiting(queue, place, Work(token), profile=P)
    sent.stop = lambda: None
    assert sent.numbers == list(range(1, parts + 1))
    sent.numbers.clear()
    assert queue.batch(batch.id).state is BatchState.PAUSED
    assert uploads(place.bucket) == batch.arguments["keys"]


def resumed(queue, place, batch, large):
    """Continue the batch, and return its last progress."""
    queue.resume(batch.id)
    reports = []
    (ended,) = run_waiting(queue, place, Work(report=reports.append), profile=P)
    assert ended.counts.done == 1
    assert read(place.bucket, batch.arguments["keys"][0]) == large.read_bytes()
    assert uploads(place.bucket) == []
    assert state_database().rows("SELECT * FROM uploads") == []
    return reports[-1]


def test_after_a_pause_only_the_missing_parts_are_sent(queue, place, batch, sent, large):
    paused(queue, place, batch, sent)
    sweep(place)  # another transfer begins
    assert uploads(place.bucket) == batch.arguments["keys"]
    last = resumed(queue, place, batch, large)
    assert sent.numbers == [3]
    assert (last.done, last.reused) == (20 * MIB, 16 * MIB)


def test_a_file_that_has_changed_is_sent_completely(queue, place, batch, sent, large):
    paused(queue, place, batch, sent)
    large.write_bytes(random.Random(2).randbytes(20 * MIB))
    resumed(queue, place, batch, large)
    assert sent.numbers == [1, 2, 3]


def test_a_part_with_other_bytes_is_sent_again(queue, place, batch, sent, large):
    paused(queue, place, batch, sent)
    bucket, key = place.bucket, batch.arguments["keys"][0]
    (found,) = bucket.client.list_multipart_uploads(Bucket=bucket.name)["Uploads"]
    bucket.client.upload_part(
        Bucket=bucket.name, Key=key, UploadId=found["UploadId"], PartNumber=2, Body=bytes(8 * MIB)
    )
    resumed(queue, place, batch, large)
    # SeaweedFS retains both second parts, and completes the one that is named by its ETag.
    assert sent.numbers in ([2, 3], [3])


def test_an_upload_that_was_aborted_elsewhere_starts_again(queue, place, batch, sent, large):
    paused(queue, place, batch, sent)
    bucket, key = place.bucket, batch.arguments["keys"][0]
    (found,) = bucket.client.list_multipart_uploads(Bucket=bucket.name)["Uploads"]
    bucket.client.abort_multipart_upload(Bucket=bucket.name, Key=key, UploadId=found["UploadId"])
    resumed(queue, place, batch, large)
    assert sent.numbers == [1, 2, 3]


def test_the_parts_of_a_cancelled_batch_are_removed(queue, place, batch, sent):
    paused(queue, place, batch, sent)
    queue.cancel(batch.id)
    sweep(place)
    assert uploads(place.bucket) == []


def test_expired_credentials_retain_the_parts(queue, place, batch, sent, large):
    def stop():
        if len(sent.numbers) == 2:
            raise CredentialsExpired("The session has expired")

    sent.stop = stop
    (held,) = run_waiting(queue, place, profile=P)
    assert (held.state, held.kind) == (BatchState.HELD, ErrorKind.CREDENTIALS_EXPIRED)
    sent.stop = lambda: None
    sent.numbers.clear()
    resumed(queue, place, batch, large)
    assert sent.numbers == [3]
