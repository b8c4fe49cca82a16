"""Batches of the queue run against a server, in both directions, and are paused and retried."""

import hashlib
import shutil
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from helpers.moto_bucket import moto_bucket

from core.errors import ErrorKind
from core.limits import TransferLimits
from core.model.objects import Verdict
from core.objects.reading import read
from core.objects.writing import put
from core.transfer import queue_runner
from core.transfer.hash_list import hash_lines
from core.transfer.journal import Order
from core.transfer.queue import TransferQueue
from core.transfer.queue_runner import run_waiting
from core.transfer.queue_values import BatchState, Counts
from core.transfer.running import order_of, run_journalled
from core.transfer.values import State, TransferCancelled
from core.work import CancelToken, Work

P = "profile"


@pytest.fixture
def queue():
    return TransferQueue()


@pytest.fixture(scope="module")
def bucket():
    with moto_bucket() as made:
        yield made


@pytest.fixture
def place(bucket):
    return SimpleNamespace(bucket=bucket)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / f"q{uuid4().hex[:8]}"
    root.mkdir()
    for number in range(20):
        (root / f"{number}.json").write_text(f"[{number}]")
    (root / "odd\\name.json").write_text("odd")
    return root


def upload_order(place, folder):
    paths = sorted(folder.iterdir())
    arguments = {
        "paths": [str(path) for path in paths],
        "keys": [f"{folder.name}/{path.name}" for path in paths],
        "sizes": [path.stat().st_size for path in paths],
    }
    return Order("transfer.upload", uuid4().hex, "Up", P, place.bucket.name, arguments)


def download_order(place, up, target):
    keys, sizes = up.arguments["keys"], up.arguments["sizes"]
    below = keys[0].partition("/")[0] + "/"
    arguments = {"keys": keys, "sizes": sizes, "folder": str(target), "below": below}
    return Order("transfer.download", uuid4().hex, "Down", P, place.bucket.name, arguments)


def test_both_directions_run_and_their_hash_lists_pass_sha256sum(queue, place, folder, tmp_path):
    up, target = upload_order(place, folder), tmp_path / "down"
    down = download_order(place, up, target)
    queue.add(up)
    queue.add(down)
    ended = run_waiting(queue, place, profile=P)
    assert [batch.counts for batch in ended] == [Counts(21, done=21)] * 2
    sent, got = queue.files(up.id), queue.files(down.id)
    assert sent.report().done == got.report().done == tuple(range(21))
    assert sum(sent.report().verified().values()) == 21
    assert got.report().verified() == {Verdict.SHA256: 21}
    sums = "".join(hash_lines(sent))
    assert sums.count("\n") == 21
    assert hashlib.sha256(b"[0]").hexdigest() in sums
    if shutil.which("sha256sum") is None:
        pytest.skip("without GNU coreutils")
    for lines, where in ((sums, folder), ("".join(hash_lines(got)), target)):
        checked = subprocess.run(
            ["sha256sum", "-c", "--strict", "--quiet"],
            input=lines,
            text=True,
            cwd=where,
            check=False,
        )
        assert checked.returncode == 0


def test_a_paused_operation_is_continued_with_the_remaining_files(queue, place, folder):
    up = upload_order(place, folder)
    queue.add(up)
    token = CancelToken()

    def first_two(turn, work):
        arguments = dict(turn.arguments)
        asked = order_of(turn.operation, place, arguments.pop("journal"), arguments)

        def body(recorder):
            recorder.done(0, Verdict.SHA256)
            recorder.done(1, Verdict.SHA256)
            queue.pause(up.id)
            token.pause()
            work.check()

        return run_journalled(asked, arguments, work, body)

    with pytest.raises(TransferCancelled):
        run_waiting(queue, place, Work(token), profile=P, run=first_two)
    assert queue.batch(up.id).state is BatchState.PAUSED
    assert run_waiting(queue, place, profile=P) == ()
    queue.resume(up.id)
    (ended,) = run_waiting(queue, place, profile=P)
    assert ended.counts == Counts(21, done=21)
    columns = zip(up.arguments["paths"], up.arguments["keys"], strict=True)
    for path, key in list(columns)[2:]:
        assert read(place.bucket, key) == Path(path).read_bytes()


def test_no_more_requests_run_at_a_time_than_allowed(queue, place, folder, monkeypatch):
    up = upload_order(place, folder)
    queue.add(up)
    running, most, lock = 0, 0, threading.Lock()

    def count(change):
        nonlocal running, most
        with lock:
            running += change
            most = max(most, running)

    # Without the fast upload, which sends its requests without botocore.
    monkeypatch.setattr("core.transfer.upload.SMALL_BYTES", -1)
    events = place.bucket.client.meta.events
    begin, end = (lambda **_: count(1)), (lambda **_: count(-1))
    events.register("before-send.s3.PutObject", begin)
    events.register("needs-retry.s3.PutObject", end)
    try:
        run_waiting(queue, place, Work(limits=TransferLimits(parallel=2)), profile=P)
    finally:
        events.unregister("before-send.s3.PutObject", begin)
        events.unregister("needs-retry.s3.PutObject", end)
    assert queue.batch(up.id).counts.done == 21
    assert 1 <= most <= 2


def test_a_missing_file_fails_and_is_retried_alone(queue, place, folder):
    up = upload_order(place, folder)
    queue.add(up)
    lost = folder / "7.json"
    content = lost.read_bytes()
    lost.unlink()
    (ended,) = run_waiting(queue, place, profile=P)
    assert ended.counts == Counts(21, done=20, failed=1)
    report = queue.files(up.id).report()
    assert report.failed[0].key.endswith("/7.json")
    assert report.failed[0].reason
    lost.write_bytes(content)
    queue.retry(up.id, {State.FAILED})
    (ended,) = run_waiting(queue, place, profile=P)
    assert ended.counts == Counts(21, done=21)


def test_a_batch_that_cannot_start_is_held_and_the_next_one_runs(queue, place, tmp_path):
    put(place.bucket, "single", b"x")
    (tmp_path / "file").touch()
    blocked, free = (
        Order("transfer.download", uuid4().hex, "t", P, place.bucket.name,
              {"keys": ["single"], "sizes": [1], "folder": str(folder)})
        for folder in (tmp_path / "file" / "below", tmp_path / "free")
    )  # fmt: skip
    queue.add(blocked)
    queue.add(free)
    held, ended = run_waiting(queue, place, profile=P)
    assert (held.state, held.kind) == (BatchState.HELD, ErrorKind.LOCAL_IO)
    assert ended.counts == Counts(1, done=1)


def test_an_unexpected_error_leaves_no_batch_running(queue, place, monkeypatch):
    def broken(*_arguments, **_more):
        raise ZeroDivisionError

    monkeypatch.setitem(queue_runner.RUNNERS, "transfer.upload", broken)
    columns = {"paths": ["/0"], "keys": ["k"], "sizes": [1]}
    asked = Order("transfer.upload", uuid4().hex, "t", P, place.bucket.name, columns)
    batch = queue.add(asked).id
    with pytest.raises(ZeroDivisionError):
        run_waiting(queue, place, profile=P)
    assert queue.batch(batch).state is BatchState.WAITING


def test_an_order_of_many_files_is_stored_completely(queue):
    names = [f'{number}\u20ac"' for number in range(5_003)]
    arguments = {"keys": names, "paths": names, "sizes": [1] * len(names), "only_new": True}
    order = Order("transfer.upload", uuid4().hex, "x", "p", "b", arguments)
    queue.add(order)
    assert queue.files(order.id).arguments == arguments
