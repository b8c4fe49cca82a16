"""An upload counts only if the answer of the server confirms the bytes."""

import threading

import pytest
from helpers.object_server import Server, bucket_at, error
from helpers.stub_server import Reply, StubServer

from core.errors import AlreadyExists, Corrupt, StorageError
from core.model.objects import Verdict
from core.objects import conditions, parts, writing

BODY = b"0123456789" * 100


@pytest.fixture
def served():
    """Return a function that starts a server and returns it with its bucket."""
    stack = []

    def start(server):
        stub = StubServer(server)
        stub.__enter__()
        reached = bucket_at(stub.url)
        stack[:] = [stub, reached]
        return reached.__enter__()

    yield start
    stack[1].__exit__(None, None, None)
    stack[0].__exit__(None, None, None)


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A file that goes in three parts."""
    monkeypatch.setattr(writing, "SINGLE_BYTES", 1000)
    monkeypatch.setattr(parts, "part_size", lambda _size: 1000)
    path = tmp_path / "large"
    path.write_bytes(bytes(range(250)) * 10)
    return path


def test_the_etag_that_the_server_returns_is_compared(served):
    bucket = served(Server())
    assert writing.put(bucket, "k", BODY).verdict is Verdict.MD5


@pytest.mark.parametrize("only_new", [False, True])
@pytest.mark.parametrize("damages", [1, 2])
def test_bytes_that_arrive_damaged_are_sent_again(served, damages, only_new):
    server = Server(damages=damages)
    bucket = served(server)
    assert writing.put(bucket, "k", BODY, only_new=only_new).verdict is Verdict.MD5
    assert server.objects["/b/k"][0] == BODY


@pytest.mark.parametrize("only_new", [False, True])
def test_what_is_damaged_every_time_is_an_error_and_not_left_there(served, only_new):
    server = Server(damages=99)
    bucket = served(server)
    with pytest.raises(Corrupt, match="not stored correctly"):
        writing.put(bucket, "k", BODY, only_new=only_new)
    assert server.objects == {}


def test_a_server_whose_etag_is_no_md5_is_read_back(served):
    server = Server(opaque=True)
    bucket = served(server)
    assert writing.put(bucket, "k", BODY).verdict is Verdict.SHA256
    assert "GET" in server.seen
    server.damages = 99
    with pytest.raises(Corrupt):
        writing.put(bucket, "k", BODY)


def test_each_part_and_the_complete_are_compared(served, large):
    server = Server()
    bucket = served(server)
    written = writing.upload(bucket, "k", large)
    assert (written.verdict, written.etag[-2:]) == (Verdict.MD5, "-3")
    assert server.objects["/b/k"][0] == large.read_bytes()
    server.damages = 2
    assert writing.upload(bucket, "k", large).verdict is Verdict.MD5
    assert server.objects["/b/k"][0] == large.read_bytes()


def test_parts_without_a_hash_are_read_back_as_a_complete(served, large):
    server = Server(opaque=True)
    bucket = served(server)
    assert writing.upload(bucket, "k", large).verdict is Verdict.SHA256
    server.damages = 99
    with pytest.raises(Corrupt):
        writing.upload(bucket, "k", large)
    assert server.objects == {}
    assert server.uploads == {}


BAD = {
    "empty": Reply(200),
    "web page": Reply(200, {"Content-Type": "text/html"}, b"<html>sign in</html>"),
    "error inside": error(200, "InternalError"),
    "no etag": Reply(200, {"x-amz-request-id": "1"}),
    "500": error(500, "InternalError"),
}


@pytest.mark.parametrize("times", [1, 99])
@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("step", ["PUT", "POST uploads", "PUT uploadId", "POST uploadId"])
def test_answers_that_confirm_nothing_are_no_success(served, large, step, bad, times):
    server, left = Server(), [times]

    def answer(asked):
        good = server(asked)
        if server.seen[-1] == step and left[0] and not asked.path.startswith("/b?"):
            left[0] -= 1
            return BAD[bad]
        return good

    bucket = served(answer)
    path = large
    if step == "PUT":
        path = large.with_name("small")
        path.write_bytes(BODY)
    try:
        written = writing.upload(bucket, "k", path)
    except StorageError:
        assert server.uploads == {} or step == "POST uploads"
    else:
        assert times == 1
        assert written.verdict in {Verdict.MD5, Verdict.SHA256}
        assert server.objects["/b/k"][0] == path.read_bytes()


def test_a_server_that_ignores_conditions_is_found_out_and_reported(served, caplog):
    server = Server(conditions=False)
    bucket = served(server)
    written = writing.put(bucket, "k", BODY, only_new=True)
    assert not written.race_free
    assert "ignores conditional writes" in caplog.text
    with pytest.raises(AlreadyExists):
        writing.put(bucket, "k", b"other", only_new=True)
    assert server.objects["/b/k"][0] == BODY
    assert len([r for r in caplog.records if "ignores" in r.message]) == 1


def test_a_server_that_honours_them_is_asked_once(served):
    server = Server()
    bucket = served(server)
    assert writing.put(bucket, "k", BODY, only_new=True).race_free
    assert conditions.is_supported(bucket, conditions.PUT)
    server.seen.clear()
    writing.put(bucket, "k2", BODY, only_new=True)
    assert server.seen == ["PUT"]


def test_a_server_that_ignores_them_for_uploads_in_parts_is_found_out_too(served, large, caplog):
    server = Server(conditions=False)
    bucket = served(server)
    assert not writing.upload(bucket, "k", large, only_new=True).race_free
    assert "CompleteMultipartUpload" in caplog.text
    assert list(server.objects) == ["/b/k"]
    assert server.uploads == {}
    with pytest.raises(AlreadyExists):
        writing.upload(bucket, "k", large, only_new=True)


@pytest.mark.parametrize("size", [100, 1_100])
def test_of_two_writers_of_one_key_exactly_one_wins(served, large, size):
    bucket = served(Server())
    for number in range(5):
        assert race(bucket, f"k{number}", large.parent, size) == ["AlreadyExists", "Written"]


def race(bucket, key, tmp_path, size):
    start, found = threading.Barrier(2), []

    def write(letter):
        path = tmp_path / f"{key}{letter}"
        path.write_bytes(letter.encode() * size)
        start.wait()
        try:
            found.append(type(writing.upload(bucket, key, path, only_new=True)).__name__)
        except StorageError as caught:
            found.append(type(caught).__name__)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stored = bucket.client.get_object(Bucket=bucket.name, Key=key)["Body"].read()
    assert len(set(stored)) == 1
    return sorted(found)
