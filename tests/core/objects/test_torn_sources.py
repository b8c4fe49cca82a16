"""Files that change during an upload, and bits that flip on the way, never leave a wrong object."""

import base64
import hashlib
import os
import random
import zlib

import pytest
from helpers.doses import HEAVY
from helpers.object_server import Server, bucket_at, error
from helpers.stub_server import StubServer

from core.errors import Corrupt, LocalIOError, SourceChanged, StorageError
from core.objects import file_parts, hashing, part_checksums, parts, writing

SIZE, PART, BLOCK = 50_000, 20_000, 4_096
#: Changed files and flipped bits; each is divided among the forms below.
TORN, FLIPPED = (200, 300) if HEAVY else (40, 36)


class VerifyingServer(Server):
    """An object server that verifies the CRC32 of parts, as AWS and SeaweedFS do."""

    verifies = True

    def _multipart(self, asked, path, query):
        crc32 = asked.headers.get("x-amz-checksum-crc32")
        if asked.method != "PUT" or not self.verifies or crc32 is None:
            return super()._multipart(asked, path, query)
        damaged = self.damages > 0
        reply = super()._multipart(asked, path, query)
        body = self.uploads[query["uploadId"]].get(int(query["partNumber"]), b"")
        if damaged or base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode() != crc32:
            self.uploads[query["uploadId"]].pop(int(query["partNumber"]))
            return error(400, "BadDigest")
        reply.headers["x-amz-checksum-crc32"] = crc32
        return reply


@pytest.fixture(scope="module")
def served():
    """One server and one connection for all tests."""
    server = VerifyingServer()
    with StubServer(server) as stub, bucket_at(stub.url) as bucket:
        yield bucket, server


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    monkeypatch.setattr(parts, "part_size", lambda _size: PART)
    monkeypatch.setattr(writing, "SINGLE_BYTES", PART)
    monkeypatch.setattr(file_parts, "BLOCK_BYTES", BLOCK)
    monkeypatch.setattr(hashing, "_BLOCK", BLOCK)


@pytest.fixture(params=[True, False], ids=["crc32", "md5"])
def target(request, served):
    """A server that verifies the CRC32 of parts, or one that ignores it."""
    bucket, server = served
    server.verifies, server.damages = request.param, 0
    server.objects.clear()
    part_checksums._found.pop(bucket.clients, None)
    return bucket, server


def flip(path, chance):
    """Change one byte; the times stay the same, as for a file that is mapped into memory."""
    before = path.stat()
    with path.open("r+b") as file:
        place = chance.randrange(before.st_size)
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def shorten(path, chance):
    os.truncate(path, chance.randrange(SIZE))


def lengthen(path, chance):
    with path.open("ab") as file:
        file.write(chance.randbytes(chance.randrange(1, 30_000)))


def replace(path, chance):
    other = path.with_suffix(".new")
    other.write_bytes(chance.randbytes(SIZE))
    other.replace(path)


def remove(path, _chance):
    path.unlink()


CHANGES = [flip, shorten, lengthen, replace, remove]


def _changes_at(monkeypatch, number, change):
    """Call `change` before the block with this number is read, for its hash or to be sent."""
    count = iter(range(10_000))

    def counted(method):
        def call(*arguments):
            for block in method(*arguments):
                if next(count) == number:
                    change()
                yield block

        return call

    read = hashing._PartHasher._read_part

    def read_part(self, file):
        if next(count) == number:
            change()
        return read(self, file)

    monkeypatch.setattr(hashing._PartHasher, "_read_part", read_part)
    for name in ("blocks", "file_blocks"):
        monkeypatch.setattr(file_parts.FilePart, name, counted(getattr(file_parts.FilePart, name)))


def attempted(bucket, path, ahead=None):
    """Upload a file, and return the result or the error."""
    try:
        return writing.upload(bucket, "k", path, ahead=ahead)
    except StorageError as error:
        return error


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_file_is_never_stored_in_parts_of_two_states(
    target, tmp_path, monkeypatch, change
):
    bucket, server = target
    for seed in range(TORN // 10):
        chance, path = random.Random(f"{change.__name__}{seed}"), tmp_path / f"{seed}"
        path.write_bytes(chance.randbytes(SIZE))
        struck = []

        def strike(path=path, chance=chance, struck=struck):
            struck.append(path)
            change(path, chance)

        with monkeypatch.context() as patch:
            # Up to three parts are hashed, and each is sent in five blocks.
            _changes_at(patch, chance.randrange(12), strike)
            outcome = attempted(bucket, path)
        # A file that changed before it was read, or after all of it was sent, has one state.
        stored = server.objects.pop("/b/k", None)
        if isinstance(outcome, StorageError):
            assert stored is None
            assert isinstance(outcome, SourceChanged | LocalIOError)
        else:
            assert hashlib.sha256(stored[0]).hexdigest() == outcome.sha256
        assert struck
        assert not server.uploads


@pytest.mark.parametrize("damages", [1, 2, 99])
def test_bits_that_flip_on_the_way_are_found(target, tmp_path, damages):
    bucket, server = target
    content = random.Random(damages).randbytes(SIZE)
    path = tmp_path / "f"
    path.write_bytes(content)
    # The first upload tests the server.
    writing.upload(bucket, "k", path)
    for _ in range(FLIPPED // 6):
        server.objects.clear()
        server.damages = damages
        if damages == 99:
            with pytest.raises((Corrupt, StorageError)):
                writing.upload(bucket, "k", path)
            assert not server.objects
        else:
            writing.upload(bucket, "k", path)
            assert server.objects["/b/k"][0] == content
        assert not server.uploads


@pytest.fixture
def ahead(monkeypatch):
    """Have the small files of these tests hashed ahead; the list has the files that were hashed."""
    hashed, original = [], hashing.hash_parts

    def hash_parts(path, size, work):
        hashed.append(path)
        return original(path, size, work)

    monkeypatch.setattr(hashing, "SINGLE_BYTES", PART)
    monkeypatch.setattr(hashing, "part_size", lambda _size: PART)
    monkeypatch.setattr(hashing, "hash_parts", hash_parts)
    monkeypatch.setattr(parts, "hash_parts", hash_parts)
    return hashed


def test_a_file_that_is_hashed_ahead_is_read_once_and_verified(target, tmp_path, ahead):
    bucket, server = target
    path = tmp_path / "f"
    path.write_bytes(random.Random(1).randbytes(SIZE))
    with hashing.hashing_ahead(path) as hashes:
        written = writing.upload(bucket, "k", path, ahead=hashes)
    assert ahead == [path]
    assert hashlib.sha256(server.objects["/b/k"][0]).hexdigest() == written.sha256


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_file_that_changes_after_it_was_hashed_ahead_is_noticed(target, tmp_path, ahead, change):
    bucket, server = target
    path = tmp_path / "f"
    path.write_bytes(random.Random(2).randbytes(SIZE))
    hashes = hashing.HashingAhead(path, hashing.Stamp.of(path))
    hashes._pool.shutdown()  # the hashes are complete
    change(path, random.Random(3))
    outcome = attempted(bucket, path, hashes)
    assert not server.uploads
    if isinstance(outcome, StorageError):
        assert isinstance(outcome, SourceChanged | LocalIOError)
        assert not server.objects
    else:  # the size or the time has changed: these hashes were not used
        assert hashlib.sha256(server.objects["/b/k"][0]).hexdigest() == outcome.sha256
        assert outcome.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_only_files_that_are_sent_in_parts_are_hashed_ahead(tmp_path, ahead):
    (tmp_path / "small").write_bytes(bytes(PART))
    for name in ("small", "none", "."):
        with hashing.hashing_ahead(tmp_path / name) as hashes:
            assert hashes is None
    assert ahead == []
