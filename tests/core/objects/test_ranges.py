"""Downloads in ranges: damaged, cut, replaced and missing ranges end in the right bytes or no file."""

import errno
import random
import threading

import pytest
from helpers.doses import HEAVY
from helpers.object_server import bucket_at, error
from helpers.range_server import RANGE, RangeServer
from helpers.stub_server import Reply, StubServer

from core.errors import AccessDenied, Cancelled, Corrupt, LocalIOError, StorageError
from core.limits import LimitValues, TransferLimits
from core.local import disk_space
from core.model.objects import Verdict
from core.objects import fetching, ranges
from core.objects.reading import download
from core.work import CancelToken, Work

BODY = random.Random(3).randbytes(10 * RANGE + 77)
#: Downloads with a flipped bit, divided among the forms below.
FLIPS = 500 if HEAVY else 60


@pytest.fixture(autouse=True)
def _small_ranges(monkeypatch):
    monkeypatch.setattr(ranges, "RANGE_BYTES", RANGE)
    monkeypatch.setattr(fetching, "RANGE_BYTES", RANGE)


@pytest.fixture(scope="module")
def stub():
    """One server and one connection for all tests, with the answers of each test in turn."""
    current = {}

    def answer(asked):
        return current["server"](asked)

    with StubServer(answer) as made, bucket_at(made.url) as bucket:
        yield bucket, current


@pytest.fixture
def fetched(stub):
    """Return a function that downloads the object, with or without its size in a listing."""

    def fetch(server, path, *, known=True, work=None):
        bucket, current = stub
        current["server"] = server
        size = len(server.objects["/b/k"][0]) if known else None
        return download(bucket, "k", path, expected_size=size, work=work)

    return fetch


def flip(body, bit):
    changed = bytearray(body)
    changed[bit // 8 % len(body)] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("size", [0, RANGE, 2 * RANGE, 2 * RANGE + 1, 5 * RANGE, len(BODY)])
def test_every_size_arrives(fetched, tmp_path, size, known):
    server = RangeServer(BODY[:size])
    got = fetched(server, tmp_path / "f", known=known)
    assert (tmp_path / "f").read_bytes() == BODY[:size]
    assert (got.size, got.verdict) == (size, Verdict.SHA256)
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize("own", [True, False], ids=["own", "foreign"])
@pytest.mark.parametrize("form", ["once", "always", "resumed"])
def test_every_flipped_bit_is_found(fetched, tmp_path, form, own):
    found = 0
    for seed in range(FLIPS // 6):
        chance, path = random.Random(f"{form}{own}{seed}"), tmp_path / f"{seed}"
        server, flipped = RangeServer(BODY, own=own), []
        place = chance.randrange(11) * RANGE
        bit = chance.randrange(8 * RANGE)

        def damage(first, reply, place=place, bit=bit, flipped=flipped, chance=chance):
            if first != place or (flipped and form == "once"):
                return reply
            flipped.append(first)
            body = flip(reply.body, bit)
            # The connection ends within the range, and the rest of the answer is damaged.
            if form == "resumed" and len(flipped) % 2:
                declared = {**reply.headers, "Content-Range": "bytes 0-0/1"}
                return Reply(206, declared, body[: chance.randrange(1, len(body))])
            return Reply(206, reply.headers, body)

        server.damage = damage
        if form == "once":
            assert fetched(server, path).verdict is not Verdict.SIZE_ONLY
            assert path.read_bytes() == BODY
        else:
            with pytest.raises(Corrupt):
                fetched(server, path)
            assert not path.exists()
            assert path.with_name(f"{seed}.corrupt").stat().st_size == len(BODY)
        found += bool(flipped)
    assert found == FLIPS // 6


def test_a_range_that_is_cut_is_requested_again(fetched, tmp_path):
    server, cut = RangeServer(BODY), []

    def damage(first, reply):
        if first in cut or first % (2 * RANGE):
            return reply
        cut.append(first)
        return Reply(206, {**reply.headers, "Connection": "close"}, reply.body[:100])

    server.damage = damage
    assert fetched(server, tmp_path / "f").verdict is Verdict.SHA256
    assert len(cut) == 6


def test_an_object_that_is_replaced_is_downloaded_again(fetched, tmp_path):
    server, other = RangeServer(BODY), BODY[::-1] + b"longer"

    def damage(_first, reply):
        # After its first answer: the last ranges are not requested yet.
        server.damage = lambda _first, reply: reply
        server.store(other)
        return reply

    server.damage = damage
    fetched(server, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == other


def test_a_server_without_ranges_sends_all_bytes_at_once(fetched, tmp_path):
    server = RangeServer(BODY)

    def complete(_first, reply):
        headers = {name: value for name, value in reply.headers.items() if name != "Content-Range"}
        return Reply(200, headers, BODY)

    server.damage = complete
    assert fetched(server, tmp_path / "f").verdict is Verdict.SHA256
    assert (tmp_path / "f").read_bytes() == BODY


@pytest.mark.parametrize("at", [0, 10 * RANGE])
def test_a_refused_range_is_reported_and_leaves_no_file(fetched, tmp_path, at):
    server = RangeServer(BODY)
    server.damage = lambda first, reply: error(403, "AccessDenied") if first == at else reply
    with pytest.raises(AccessDenied):
        fetched(server, tmp_path / "f")
    assert not list(tmp_path.iterdir())


def test_ranges_of_another_place_are_never_written(fetched, tmp_path):
    server = RangeServer(BODY)

    def shifted(first, reply):
        place = f"bytes {first + 1}-{first + len(reply.body)}/{len(BODY)}"
        return Reply(206, {**reply.headers, "Content-Range": place}, reply.body)

    server.damage = shifted
    with pytest.raises(StorageError):
        fetched(server, tmp_path / "f")
    assert not list(tmp_path.iterdir())


def test_a_cancel_ends_all_ranges_and_leaves_no_file(fetched, tmp_path):
    server, token = RangeServer(BODY), CancelToken()

    def cancel(first, reply):
        if first == 5 * RANGE:
            token.cancel()
        return reply

    server.damage = cancel
    with pytest.raises(Cancelled):
        fetched(server, tmp_path / "f", work=Work(token))
    assert not list(tmp_path.iterdir())


def test_a_full_disk_ends_the_download_and_leaves_no_file(fetched, tmp_path, monkeypatch):
    def full(_handle, size, _wanted):
        assert size == len(BODY)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ranges, "reserve_space", full)
    with pytest.raises(LocalIOError, match="cannot be written"):
        fetched(RangeServer(BODY), tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pieces", [0, 1, 2])
def test_space_is_reserved_in_pieces_as_long_as_it_is_wanted(tmp_path, monkeypatch, pieces):
    monkeypatch.setattr(disk_space, "_PIECE", 4096)
    calls = iter([True] * pieces + [False])
    with (tmp_path / "f").open("wb") as file:
        file.write(b"begin")
        file.flush()
        disk_space.reserve_space(file.fileno(), 3 * 4096, lambda: next(calls))
    found = (tmp_path / "f").stat()
    assert (found.st_size, next(calls, None)) == (3 * 4096, None)
    assert found.st_blocks * 512 <= 4096 * max(pieces, 1)
    assert (tmp_path / "f").read_bytes().startswith(b"begin\0")


def test_the_limits_of_a_transfer_are_obeyed(fetched, tmp_path):
    server, limits = RangeServer(BODY), TransferLimits(parallel=1)
    running, most = threading.Semaphore(0), []

    def count(_first, reply):
        running.release()
        most.append(running._value)
        running.acquire()
        return reply

    server.damage = count
    limits.change(LimitValues(bytes_per_second=10_000_000, parallel=1))
    done = []
    fetched(server, tmp_path / "f", work=Work(report=lambda p: done.append(p.done), limits=limits))
    assert max(most) == 1
    assert max(done) == len(BODY)
