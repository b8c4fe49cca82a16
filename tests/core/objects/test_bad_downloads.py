"""A download with damaged answers ends in the right bytes or in an error and no file."""

import hashlib
import random

import pytest
from helpers.fault_proxy import rule
from helpers.faults import FAULTS
from helpers.object_server import Server, bucket_at
from helpers.stub_server import Reply, StubServer

from core.aws.clients import ClientFactory
from core.errors import AlreadyExists, Corrupt, NotAnS3Answer, StorageError
from core.local import partial_files
from core.model.objects import Verdict
from core.objects import reading, writing
from core.objects.bodies import chunks_of
from core.objects.comparing import Comparison, compare_file
from core.objects.object_reader import ObjectReader, inspect
from core.objects.reading import download, head, read
from core.work import Work

BODY = random.Random(7).randbytes(40_000)
PART = 5 * 1024 * 1024
LARGE = random.Random(8).randbytes(2 * PART + 999)
#: Those that end a connection or replace an answer; stalls have separate tests.
ENDS = sorted(
    set(FAULTS) - {"stall_before", "stall_middle", "cut_request", "truncate_up", "flip_up"}
)


def put_multipart(bucket, key, data, size):
    """Store as other tools do: without our hash."""
    where = {"Bucket": bucket.name, "Key": key}
    upload = bucket.client.create_multipart_upload(**where)["UploadId"]
    parts = []
    for number, start in enumerate(range(0, len(data), size), 1):
        body = data[start : start + size]
        answer = bucket.client.upload_part(UploadId=upload, PartNumber=number, Body=body, **where)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    done = {"Parts": parts}
    bucket.client.complete_multipart_upload(UploadId=upload, MultipartUpload=done, **where)


@pytest.fixture(scope="module")
def stored(bucket):
    """Objects of each kind, by name: their bytes."""
    own = {"sha256": hashlib.sha256(BODY).hexdigest()}
    bucket.client.put_object(Bucket=bucket.name, Key="own", Body=BODY, Metadata=own)
    bucket.client.put_object(Bucket=bucket.name, Key="foreign", Body=BODY)
    kms = {"ServerSideEncryption": "aws:kms"}
    bucket.client.put_object(Bucket=bucket.name, Key="opaque", Body=BODY, **kms)
    put_multipart(bucket, "multipart", LARGE, PART)
    return {"own": BODY, "foreign": BODY, "opaque": BODY, "multipart": LARGE}


def outcome(call, path, body):
    """Return the verdict, or the kind of error; the file must be right or absent."""
    try:
        verdict = call().verdict.name
    except StorageError as error:
        verdict = error.kind.name
        assert not path.exists()
    else:
        assert path.read_bytes() == body
    left = {p.name for p in path.parent.iterdir()} - {path.name}
    assert left <= {f"{path.name}.corrupt"}, left
    return verdict


@pytest.mark.parametrize("occasion", ["first", "every"])
@pytest.mark.parametrize("fault", ENDS)
@pytest.mark.parametrize("kind", ["own"])
def test_complete_objects(stored, damaged, tmp_path, kind, fault, occasion):
    path = tmp_path / "file"
    with damaged(rule("Get", fault, occasion)) as (bucket, proxy):
        found = outcome(lambda: download(bucket, kind, path), path, stored[kind])
    assert proxy.struck
    if occasion == "first" and fault not in {"portal_200", "redirect_302", "proxy_407"}:
        assert found in {"SHA256", "MD5", "CRC", "OFFLINE", "NOT_S3"}
    if fault == "flip_down":
        assert found == ("CORRUPT" if occasion == "every" else {"own": "SHA256"}.get(kind, found))


@pytest.mark.parametrize("fault", ENDS)
def test_continued_objects(stored, damaged, tmp_path, fault):
    path = tmp_path / "file"
    with damaged(rule("Get", "cut_fin", "first"), rule("GetRange", fault)) as (bucket, proxy):
        outcome(lambda: download(bucket, "foreign", path), path, stored["foreign"])
    assert {name for _, name in [(s[0], s[1]) for s in proxy.struck]} >= {"cut_fin"}


def test_a_stream_that_breaks_is_continued_where_it_broke(stored, damaged, tmp_path):
    with damaged(rule("Get", "cut_fin")) as (bucket, proxy):
        got = download(bucket, "own", tmp_path / "f")
    assert got.verdict is Verdict.SHA256
    assert [name for name in proxy.seen if name.startswith("Get")] == ["Get", "GetRange"]


@pytest.mark.parametrize("fault", ["flip_down", "short_length", "range_ignored", "cut_fin"])
def test_a_multipart_upload_of_another_tool_is_compared_as_a_complete(
    stored, damaged, tmp_path, fault
):
    path = tmp_path / "file"
    with damaged(rule("Get", fault, "first")) as (bucket, _proxy):
        if fault == "flip_down":  # moto does not say what the parts are, so nothing is proved
            assert download(bucket, "multipart", path).verdict is Verdict.SIZE_ONLY
            return
        found = outcome(lambda: download(bucket, "multipart", path), path, LARGE)
    assert found in {"MD5", "CRC"}


#: Of two parts.
SIZE = 20_000
_MD5S = [hashlib.md5(BODY[n : n + SIZE]).digest() for n in range(0, len(BODY), SIZE)]
COMPOSITE = f'"{hashlib.md5(b"".join(_MD5S)).hexdigest()}-{len(_MD5S)}"'


class Flipping(Server):
    """Each answer has other bytes."""

    def _get(self, asked, path):
        body, etag, meta = self.objects[path]
        self.objects[path] = (body[1:] + bytes([len(self.seen) % 251]), etag, meta)
        return super()._get(asked, path)


def test_the_composite_hash_of_a_multipart_upload_is_compared(tmp_path):
    server = Server(part_size=SIZE, objects={"/b/k": (BODY, COMPOSITE, {})})
    with StubServer(server) as stub, bucket_at(stub.url) as bucket:
        assert download(bucket, "k", tmp_path / "f").verdict is Verdict.MD5


@pytest.mark.parametrize("aws", [False, True])
@pytest.mark.parametrize("kind", [Server, Flipping])
def test_only_aws_defines_the_etag_of_parts(tmp_path, monkeypatch, kind, aws):
    """SeaweedFS composes it of other values if it has copied the parts itself."""
    server = kind(part_size=SIZE, objects={"/b/k": (BODY[:-1] + b"?", COMPOSITE, {})})
    with StubServer(server) as stub, bucket_at(stub.url) as bucket:
        if aws:
            monkeypatch.setattr(ClientFactory, "endpoint_url", None)
        reader = ObjectReader(bucket, "k", inspect(bucket, "k", Work()), Work())
        while reader.read(SIZE):
            pass
        if aws or kind is Flipping:
            with pytest.raises(Corrupt):
                download(bucket, "k", tmp_path / "f")
            with pytest.raises(Corrupt):
                reader.check()
        else:
            got = download(bucket, "k", tmp_path / "f")
            assert (got.verdict, got.verified) == (Verdict.UNVERIFIABLE, False)
            assert got.path.read_bytes() == BODY[:-1] + b"?"
            reader.check()
            assert reader.verdict is Verdict.UNVERIFIABLE
    assert (tmp_path / "f").exists() is (not aws and kind is Server)


def test_an_etag_of_parts_that_differs_does_not_show_that_a_file_differs(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(BODY)
    wrong = f'"{"0" * 32}-{len(_MD5S)}"'
    server = Server(
        part_size=SIZE, objects={"/b/k": (BODY, wrong, {}), "/b/l": (BODY, COMPOSITE, {})}
    )
    with StubServer(server) as stub, bucket_at(stub.url) as bucket:
        assert compare_file(bucket, "k", path) == Comparison(same=False, proven=False)
        assert compare_file(bucket, "l", path) == Comparison(same=True, verdict=Verdict.MD5)


def test_parts_of_several_sizes_are_not_taken_for_damage(bucket, tmp_path):
    where = {"Bucket": bucket.name, "Key": "uneven"}
    sizes, data, parts = (PART + 3, PART, PART + 3, 5), b"", []
    upload = bucket.client.create_multipart_upload(**where)["UploadId"]
    for number, size in enumerate(sizes, 1):
        body = random.Random(number).randbytes(size)
        answer = bucket.client.upload_part(UploadId=upload, PartNumber=number, Body=body, **where)
        data += body
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    bucket.client.complete_multipart_upload(
        UploadId=upload, MultipartUpload={"Parts": parts}, **where
    )
    got = download(bucket, "uneven", tmp_path / "f")
    assert got.verdict is Verdict.SIZE_ONLY
    assert (tmp_path / "f").read_bytes() == data


def test_what_has_no_hash_is_compared_by_its_size(stored, damaged, bucket, tmp_path):
    assert download(bucket, "opaque", tmp_path / "a").verdict is Verdict.SIZE_ONLY
    assert not download(bucket, "opaque", tmp_path / "b").verified
    with damaged(rule("Get", "short_length")) as (other, _proxy):
        with pytest.raises(Corrupt):
            download(other, "opaque", tmp_path / "c")
        with pytest.raises(Corrupt):
            download(other, "opaque", tmp_path / "d", expected_size=len(BODY))
    assert not (tmp_path / "c").exists()
    assert not (tmp_path / "d").exists()


def test_an_object_that_was_replaced_since_it_was_listed_is_no_damage(stored, bucket, tmp_path):
    listed = {"expected_size": 17, "expected_etag": '"0123"'}
    got = download(bucket, "foreign", tmp_path / "f", **listed)
    assert got.size == len(BODY)


def test_an_object_that_is_replaced_concurrently_is_fetched_anew(damaged, bucket, tmp_path):
    bucket.client.put_object(Bucket=bucket.name, Key="moving", Body=b"a" * 9000)
    with damaged(rule("Get", "cut_fin", "first")) as (other, proxy):

        def replace_it(event_name="", **_details):
            if len([s for s in proxy.seen if s.startswith("Get")]) == 1:
                bucket.client.put_object(Bucket=bucket.name, Key="moving", Body=b"b" * 7000)

        other.client.meta.events.register("before-send.s3.GetObject", replace_it)
        download(other, "moving", tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == b"b" * 7000
    assert [s for s in proxy.seen if s.startswith("Get")] == ["Get", "GetRange", "Get"]


@pytest.mark.parametrize("fault", ["cut_fin", "flip_down", "short_length", "error_in_200"])
def test_reads_into_memory_are_compared_too(stored, damaged, fault):
    with damaged(rule("Get", fault, "first")) as (bucket, _proxy):
        assert read(bucket, "foreign") == BODY
    both = rule(("Get", "GetRange"), fault)
    with damaged(both) as (bucket, _proxy), pytest.raises(StorageError):
        read(bucket, "foreign")


@pytest.mark.parametrize(
    ("start", "length"), [(0, 10), (100, 50), (39_990, 50), (40_000, 5), (5, None)]
)
@pytest.mark.parametrize("fault", [None, "range_ignored", "cut_fin", "short_length", "empty_200"])
def test_ranges_are_the_ones_that_were_asked_for(stored, damaged, start, length, fault):
    rules = [rule("GetRange", fault, "first")] if fault else []
    end = len(BODY) if length is None else start + length
    with damaged(*rules) as (bucket, _proxy):
        assert read(bucket, "foreign", start=start, length=length) == BODY[start:end]


@pytest.mark.parametrize(
    "said", ["bytes 0-9/40", "bytes 3-12/40", "bytes 2-11/", "bytes 2-11/5", "bytes 2-99/40", "x"]
)
def test_another_range_than_the_one_asked_for_is_refused(said):
    headers = {"ETag": '"0123"', "Content-Range": said, "x-amz-request-id": "1"}

    def answer(asked):
        return Reply(200) if asked.method == "HEAD" else Reply(206, headers, b"0123456789")

    with StubServer(answer) as server, bucket_at(server.url) as bucket:
        bucket.clients._regions["b"] = "us-east-1"
        with pytest.raises(StorageError, match="a different"):
            read(bucket, "k", start=2, length=10)


@pytest.mark.parametrize("missing", ["ETag", "Content-Length", "Last-Modified"])
def test_a_head_without_its_headers_is_an_error_in_text(missing):
    headers = {"ETag": '"0123"', "Last-Modified": "Wed, 25 Nov 2026 16:00:00 GMT"}
    headers.pop(missing, None)

    def answer(_asked):
        return Reply(200, {**headers, "x-amz-request-id": "1"}, b"")

    with StubServer(answer) as server, bucket_at(server.url) as bucket:
        bucket.clients._regions["b"] = "us-east-1"
        if missing == "Content-Length":
            assert head(bucket, "k").size == 0
        else:
            with pytest.raises(NotAnS3Answer):
                head(bucket, "k")


def test_a_file_that_appears_during_the_download_is_not_replaced(
    stored, bucket, tmp_path, monkeypatch
):
    path = tmp_path / "f"
    move = reading.move_into_place

    def late(temporary, target, *, overwrite):
        target.write_text("another program's")
        move(temporary, target, overwrite=overwrite)

    monkeypatch.setattr(reading, "move_into_place", late)
    with pytest.raises(AlreadyExists):
        download(bucket, "own", path)
    assert path.read_text() == "another program's"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
    download(bucket, "own", path, overwrite=True)
    assert path.read_bytes() == BODY


def test_a_disk_without_hard_links_does_not_replace_either(tmp_path, monkeypatch):
    def refused(*_paths):
        raise OSError(95, "not supported")

    monkeypatch.setattr(partial_files.os, "link", refused)
    part, target = tmp_path / "part", tmp_path / "target"
    part.write_text("new")
    target.write_text("old")
    with pytest.raises(AlreadyExists):
        partial_files.move_into_place(part, target, overwrite=False)
    assert (part.read_text(), target.read_text()) == ("new", "old")
    target.unlink()
    partial_files.move_into_place(part, target, overwrite=False)
    assert target.read_text() == "new"
    assert not part.exists()


def test_a_quarantine_replaces_nothing(bucket, tmp_path):
    writing.put(bucket, "bad", b"flipped", metadata={"sha256": "0" * 64})
    (tmp_path / "f.corrupt").write_text("an earlier one")
    with pytest.raises(Corrupt, match="corrupt") as caught:
        download(bucket, "bad", tmp_path / "f")
    assert "f.corrupt-2" in str(caught.value)
    assert (tmp_path / "f.corrupt").read_text() == "an earlier one"
    assert (tmp_path / "f.corrupt-2").read_bytes() == b"flipped"


class _ReleasedStream:
    """The stream of an answer whose connection is already in use for another request."""

    def shutdown(self):
        raise RuntimeError("Cannot shutdown as connection has already been released to the pool")


class _ReadBody:
    """The body of an answer that is read completely while a cancel arrives."""

    _raw_stream = _ReleasedStream()
    closed = False

    def iter_chunks(self, _size):
        yield b"all"

    def close(self):
        self.closed = True


def test_a_cancel_after_the_last_byte_ends_the_read_without_an_error(caplog):
    body, work = _ReadBody(), Work()
    chunks = chunks_of(body, work)
    assert next(chunks) == b"all"
    work.token.cancel()
    assert list(chunks) == []
    assert body.closed
    assert not caplog.records
