"""A large download that was cut continues, and the file always has the bytes of one state."""

import errno
import os
import random
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from helpers.object_server import bucket_at, error
from helpers.range_server import RANGE, RangeServer
from helpers.stub_server import StubServer

from core.errors import AlreadyExists, Cancelled, ErrorKind, LocalIOError, StorageError
from core.local import partial_downloads, partial_records
from core.local.partial_files import remove_partials
from core.local.state.database import state_database
from core.model.objects import Verdict
from core.objects import fetching, ranges
from core.objects.reading import download
from core.transfer.download import download as download_all
from core.work import CancelToken, RetryBudget, Work

BODY = random.Random(5).randbytes(10 * RANGE + 77)
OTHER = random.Random(6).randbytes(len(BODY))
COUNT = "SELECT count(*) FROM partial_downloads"


@pytest.fixture(autouse=True)
def _small_ranges(monkeypatch):
    monkeypatch.setattr(ranges, "RANGE_BYTES", RANGE)
    monkeypatch.setattr(ranges, "IN_FLIGHT", 1)
    monkeypatch.setattr(fetching, "RANGE_BYTES", RANGE)
    monkeypatch.setattr(partial_downloads, "_RECORD_SECONDS", 0)


class World:
    """The object `k` of a server that fails from the byte `fails_at` on; `asked` has the ranges."""

    def __init__(self, bucket, current, path):
        self.bucket, self.path = bucket, path
        self.asked, self.fails_at, self.answer = [], len(BODY), error(500, "InternalError")
        self.before = lambda _first: None
        self.server = current["server"] = RangeServer(BODY)
        self.server.damage = self._damage

    def _damage(self, first, reply):
        self.before(first)
        if first >= self.fails_at:
            return self.answer
        self.asked.append(first)
        return reply

    def get(self, work=None, **more):
        work = work or Work(budget=RetryBudget(0))
        more = {"expected_size": len(BODY), "resumable": True} | more
        return download(self.bucket, "k", self.path, work=work, **more)

    def cut(self, at=5 * RANGE, **more):
        """Fail after `at` bytes, and return the error."""
        self.fails_at = at
        with pytest.raises(StorageError) as caught:
            self.get(**more)
        self.fails_at, self.asked = len(BODY), []
        return caught.value

    @property
    def left(self):
        return [path for path in self.path.parent.iterdir() if path != self.path]


@pytest.fixture(scope="module")
def stub():
    current = {}

    def answer(asked):
        return current["server"](asked)

    with StubServer(answer) as made, bucket_at(made.url) as bucket:
        yield bucket, current


@pytest.fixture
def world(stub, tmp_path):
    folder = tmp_path / "downloads"
    folder.mkdir()
    return World(*stub, folder / "f")


@pytest.mark.parametrize("known", [len(BODY), None])
def test_a_cut_download_continues_and_is_verified(world, known):
    failed = world.cut()
    assert "The first 20.5 KB are stored for 7 days" in failed.remedy
    (part,) = world.left
    assert part.read_bytes() == BODY[: 5 * RANGE]
    got = world.get(expected_size=known)
    assert world.asked == [n * RANGE for n in range(5, 11)]
    assert (world.path.read_bytes(), got.verdict) == (BODY, Verdict.SHA256)
    assert (world.left, state_database().rows(COUNT)) == ([], [(0,)])


def test_a_sweep_leaves_what_can_be_continued_for_a_week(world, monkeypatch):
    world.cut()
    assert remove_partials([world.path.parent]) == ()
    monkeypatch.setattr(partial_records, "RETENTION", timedelta(0))
    remove_partials()
    assert (world.left, state_database().rows(COUNT)) == ([], [(0,)])


@pytest.mark.parametrize("own", [True, False], ids=["own", "foreign"])
def test_an_object_that_was_replaced_is_downloaded_from_its_first_byte(world, own):
    world.cut()
    world.server.store(OTHER, own=own)
    world.get()
    assert world.asked == [n * RANGE for n in range(11)]
    assert (world.path.read_bytes(), world.left) == (OTHER, [])


def test_an_object_that_is_replaced_while_it_continues_is_never_mixed(world):
    world.cut()

    def replace(first):
        if first == 7 * RANGE:
            world.before = lambda _first: None
            world.server.store(OTHER)

    world.before = replace
    world.get(work=Work(budget=RetryBudget(5)))
    assert world.asked[-11:] == [n * RANGE for n in range(11)]
    assert (world.path.read_bytes(), world.left) == (OTHER, [])


def test_an_object_that_became_small_leaves_no_byte_of_the_former_one(world):
    world.cut()
    world.server.store(b"small")
    world.get(expected_size=5)
    assert (world.path.read_bytes(), world.left) == (b"small", [])


@pytest.mark.parametrize("damage", ["changed", "shortened", "zeros"])
def test_bytes_that_were_changed_on_the_disk_are_not_used(world, damage):
    world.server.objects["/b/k"] = (BODY, '"opaque"', {})  # nothing else could find the damage
    world.cut()
    (part,) = world.left
    content = {"changed": b"x" + BODY[1 : 5 * RANGE], "shortened": BODY[:RANGE], "zeros": bytes(5 * RANGE)}  # fmt: skip
    part.write_bytes(content[damage])
    assert world.get().verdict is Verdict.SIZE_ONLY
    assert (world.path.read_bytes(), world.left) == (BODY, [])
    assert len(world.asked) == 11


@pytest.mark.parametrize("trap", ["link", "second name", "others may write"])
def test_a_file_that_others_could_change_is_not_used(world, trap, tmp_path):
    world.cut()
    (part,) = world.left
    aside = tmp_path / "aside"
    if trap == "link":
        part.rename(aside)
        part.symlink_to(aside)
    elif trap == "second name":  # a kill between the two steps of the move to the final name
        aside.hardlink_to(part)
    else:
        part.chmod(0o622)
    with part.open("rb") as file:
        world.get()
        assert world.path.read_bytes() == BODY
        assert file.read() == BODY[: 5 * RANGE]


@pytest.mark.parametrize("code", ["AccessDenied", "ExpiredToken"])
def test_a_refusal_leaves_the_bytes_until_it_is_granted_again(world, code):
    world.answer = error(403, code)
    assert "The first 20.5 KB are stored for 7 days" in world.cut().remedy
    assert world.cut(at=0).kind in {ErrorKind.ACCESS_DENIED, ErrorKind.CREDENTIALS_EXPIRED}
    world.get()
    assert world.asked[0] == 5 * RANGE
    assert (world.path.read_bytes(), world.left) == (BODY, [])


def test_a_full_disk_leaves_the_bytes_until_space_is_freed(world):
    def refuse(_download):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        world.before = lambda first: (
            first == 5 * RANGE and patch.setattr(ranges.RangedDownload, "_take_range", refuse)
        )
        with pytest.raises(LocalIOError) as caught:
            world.get()
    assert caught.value.remedy.startswith("Free some space, then try again. The first ")
    world.before, world.asked = lambda _first: None, []
    world.get()
    assert world.asked[0] >= 3 * RANGE
    assert (world.path.read_bytes(), world.left) == (BODY, [])


def test_an_object_that_was_removed_leaves_nothing(world):
    world.answer = error(404, "NoSuchKey")
    world.cut()
    assert world.left == []


def test_a_cancel_leaves_nothing_and_a_pause_does(world):
    for end, expected in (("cancel", 0), ("pause", 1)):
        token = CancelToken()
        request = getattr(token, end)
        world.before = lambda first, request=request: first == 5 * RANGE and request()
        with pytest.raises(Cancelled):
            world.get(work=Work(token))
        world.before = lambda _first: None
        assert len(world.left) == expected
    world.asked = []
    world.get()
    assert world.asked[0] >= 4 * RANGE
    assert world.path.read_bytes() == BODY


@pytest.mark.parametrize("lacking", ["locks", "rights"])
def test_nothing_is_left_where_no_later_download_could_own_it(world, monkeypatch, lacking):
    def refuse(*_arguments, **_more):
        raise OSError(errno.ENOLCK, "No locks available")

    if lacking == "locks":  # as on some network drives
        monkeypatch.setattr("core.local.locking._lock", refuse)
    else:  # where all files have the same
        world.before = lambda _first: world.left[0].chmod(0o777)
    assert "are stored" not in world.cut().remedy
    assert world.left == []


def test_only_a_resumable_download_leaves_its_bytes(world):
    world.cut(resumable=False)
    assert world.left == []


def test_bytes_of_an_earlier_download_are_reported_as_such(world):
    world.cut()
    reports = []
    world.get(work=Work(report=reports.append))
    assert [each.reused for each in reports if each.done <= 5 * RANGE][-1] == 5 * RANGE
    assert {each.reused for each in reports if each.done > 5 * RANGE} == {5 * RANGE}
    assert min(each.done - each.reused for each in reports) == 0
    world.path.unlink()
    world.cut()
    world.server.store(OTHER)  # whose bytes are all sent
    reports.clear()
    world.get(work=Work(report=reports.append))
    assert {each.reused for each in reports} == {0}


def test_of_two_downloads_that_were_cut_nothing_is_left_after_the_next(world):
    world.cut()
    source = partial_records.Source(world.bucket.clients.endpoint_url, "b", "k")
    running = partial_downloads.PartialDownload.begin(world.path, source)
    world.cut()  # beside the one that is running
    os.close(running.handle)
    assert len(world.left) == 2
    world.get()
    assert (world.path.read_bytes(), world.left) == (BODY, [])
    assert state_database().rows(COUNT) == [(0,)]


def test_another_target_and_a_running_download_do_not_share_the_bytes(world):
    world.cut()
    (part,) = world.left
    source = partial_records.Source(world.bucket.clients.endpoint_url, "b", "k")
    running = partial_downloads.PartialDownload.begin(world.path, source)
    try:
        assert running.path == part
        world.get()
        assert len(world.asked) == 11
    finally:
        os.close(running.handle)
    assert world.left == [part]
    with pytest.raises(AlreadyExists):
        world.get()


def test_the_space_of_a_continued_download_is_not_needed_again(world, monkeypatch):
    class Place:
        bucket = world.bucket
        profile = None

    world.cut()
    needed = len(BODY) - 5 * RANGE
    monkeypatch.setattr("core.transfer.download.shutil.disk_usage",
                        lambda _folder: type("Usage", (), {"free": needed}))  # fmt: skip
    etag = world.server.objects["/b/k"][1]

    def get_as(name):
        return download_all(
            Place(), keys=["k"], sizes=[len(BODY)], etags=[etag], names=[name],
            folder=str(world.path.parent),
        )  # fmt: skip

    with pytest.raises(LocalIOError, match="not enough space"):
        get_as("other")  # which cannot use the bytes
    assert get_as("f").complete
    assert world.path.read_bytes() == BODY


DOWNLOAD_AND_HANG = """
import sys
from contextlib import suppress
from pathlib import Path
from helpers.object_server import bucket_at
from core.cli.interrupt import interruptible
from core.local import partial_downloads
from core.objects import fetching, ranges
from core.objects.reading import download
from core.errors import Cancelled
from core.work import CancelToken, Work
ranges.RANGE_BYTES = fetching.RANGE_BYTES = {range}
ranges.IN_FLIGHT = 1
partial_downloads._RECORD_SECONDS = 0
token = CancelToken()
with bucket_at(sys.argv[1]) as bucket, interruptible(token, print), suppress(Cancelled):
    download(bucket, "k", Path(sys.argv[2]), resumable=True, work=Work(token))
"""
POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows ends a process without a signal")


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=POSIX)])
def test_a_killed_download_continues(world, number):
    url = world.bucket.clients.endpoint_url
    killed = subprocess.Popen(
        [sys.executable, "-c", DOWNLOAD_AND_HANG.format(range=RANGE), url, str(world.path)],
        env={**os.environ, "PYTHONPATH": "tests:."},
    )

    def kill(first):
        if first == 6 * RANGE:
            killed.send_signal(number)
            killed.wait()

    world.before = kill
    assert killed.wait(30) == (-number if number == signal.SIGKILL else 0)
    assert len(world.left) == 1
    assert remove_partials([world.path.parent]) == ()
    world.before, world.asked = lambda _first: None, []
    world.get()
    assert world.asked[0] >= 4 * RANGE
    assert (world.path.read_bytes(), world.left) == (BODY, [])
