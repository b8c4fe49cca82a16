"""Many small files on connections that break, end, wait, or answer in an unusual form."""

import hashlib
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest
from helpers.databases import write_certificate
from helpers.object_server import bucket_at

from core.aws import request_signer
from core.aws.clients import ClientFactory
from core.aws.http_connection import Server
from core.limits import TransferLimits
from core.objects import small_loop
from core.objects.small import SmallFile, upload_many
from core.objects.small_downloads import SmallObject, download_many
from core.objects.small_loop import FEWEST
from core.work import RetryBudget, Work

COUNT = 2 * FEWEST
HEAD = b"HTTP/1.1 200 OK\r\nx-amz-bucket-region: us-east-1\r\nContent-Length: 0\r\n\r\n"


@dataclass
class RawServer:
    """A server whose answers are bytes; `answer` gets a number, the path and the body.

    It returns the pieces of an answer, and whether the connection stays open.
    """

    answer: object
    context: ssl.SSLContext | None = None
    count: int = 0
    active: int = 0
    most: int = 0
    received: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self):
        self.ended = threading.Event()
        with socket.create_server(("127.0.0.1", 0), backlog=300) as listener:
            self.port = listener.getsockname()[1]
            self.threads = [threading.Thread(target=self._accept, args=(listener,))]
            self.threads[0].start()
            try:
                yield self
            finally:
                self.ended.set()
                with suppress(OSError):
                    listener.shutdown(socket.SHUT_RDWR)
                for thread in self.threads:
                    thread.join()

    def _accept(self, listener):
        while not self.ended.is_set():
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(accepted,))
            self.threads.append(thread)
            thread.start()

    def _serve(self, accepted):
        with suppress(OSError), accepted:
            accepted.settimeout(0.2)
            if self.context is None:
                self._exchange(accepted)
                return
            accepted.settimeout(20)  # a slow machine may need some time for the handshake
            with self.context.wrap_socket(accepted, server_side=True) as encrypted:
                encrypted.settimeout(0.2)
                self._exchange(encrypted)

    def _exchange(self, accepted):
        buffer = b""
        while not self.ended.is_set():
            try:
                data = accepted.recv(65536)
            except TimeoutError:
                continue
            if not data:
                return
            buffer += data
            while (size := self._size(buffer)) <= len(buffer):
                request, buffer = buffer[:size], buffer[size:]
                if not self._reply(accepted, request):
                    return

    @staticmethod
    def _size(buffer):
        head, end, _ = buffer.partition(b"\r\n\r\n")
        if not end:
            return len(buffer) + 1
        lower = head.lower()
        length = lower.partition(b"content-length: ")[2].split(b"\r\n")[0]
        return len(head) + 4 + int(length or 0)

    def _reply(self, accepted, request):
        head, _, body = request.partition(b"\r\n\r\n")
        method, path, _ = head.split(b" ", 2)
        with self.lock:
            self.active += 1
            self.most = max(self.most, self.active)
            self.received += len(request)
            number = self.count
            self.count += method != b"HEAD"
        pieces, stays = ([HEAD], True) if method == b"HEAD" else self.answer(number, path, body)
        with self.lock:
            self.active -= 1
        for piece in pieces:
            accepted.sendall(piece)
        return stays


def put_answer(body, *more):
    etag = hashlib.md5(body).hexdigest()
    lines = [f'ETag: "{etag}"', "Content-Length: 0", *more]
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode()


def get_answer(body, *more):
    digest = hashlib.sha256(body).hexdigest()
    lines = [f"x-amz-meta-sha256: {digest}", 'ETag: "x"', f"Content-Length: {len(body)}", *more]
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode() + body


@pytest.fixture
def files(tmp_path):
    found = []
    for number in range(COUNT):
        path = tmp_path / f"{number}"
        path.write_bytes(b"%d" % number * 50)
        found.append(SmallFile(number, str(path), f"small/{number}"))
    return found


def sent_by(server, files, scheme="http", work=None, **more):
    """Return the numbers of the files that were sent, and of those that were returned."""
    sent = []
    with bucket_at(f"{scheme}://127.0.0.1:{server.port}") as bucket:
        left = upload_many(
            bucket, files, sent=lambda file, _: sent.append(file.number), work=work, **more
        )
    return sorted(sent), sorted(file.number for file in left)


ALL = list(range(COUNT))
USABLE = {
    "as usual": lambda _n, _p, body: ([put_answer(body)], True),
    "closed with an announcement": lambda _n, _p, body: (
        [put_answer(body, "Connection: close")], False,
    ),
    "closed without an announcement": lambda n, _p, body: ([put_answer(body)], n % 3 > 0),
    "in pieces": lambda _n, _p, body: (
        [put_answer(body)[:9], put_answer(body)[9:40], put_answer(body)[40:]], True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("answer", USABLE.values(), ids=USABLE)
def test_all_files_arrive_however_the_server_answers(files, answer):
    with RawServer(answer).running() as server:
        assert sent_by(server, files) == (ALL, [])


UNUSABLE = {
    "no HTTP": b"nonsense\r\n\r\n",
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "without a length": b"HTTP/1.1 200 OK\r\n\r\n",
    "in chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an interim answer": b"HTTP/1.1 100 Continue\r\n\r\n",
    "too long": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n",
    "endless headers": b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 8_000,
    "another length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "a failure": b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n",
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
}


@pytest.mark.parametrize("answer", UNUSABLE.values(), ids=UNUSABLE)
def test_files_with_an_answer_that_is_not_understood_are_returned(files, answer):
    def some(number, _path, body):
        return ([answer], True) if number % 6 == 5 else ([put_answer(body)], True)

    with RawServer(some).running() as server:
        sent, left = sent_by(server, files)
    assert sorted(sent + left) == ALL
    assert len(left) == COUNT // 6


def test_all_files_are_returned_after_many_failures(files):
    budget = RetryBudget(1)
    with RawServer(lambda *_: ([UNUSABLE["a failure"]], True)).running() as server:
        assert sent_by(server, files, work=Work(budget=budget)) == ([], ALL)
    assert server.count < COUNT
    assert budget.left < 1


def test_no_conditional_write_is_repeated_on_a_new_connection(files, monkeypatch):
    monkeypatch.setattr("core.objects.conditions.is_supported", lambda *_: True)

    def closed(number, _path, body):
        return ([], False) if number == COUNT // 2 else ([put_answer(body)], True)

    with RawServer(closed).running() as server:
        sent, left = sent_by(server, files, only_new=True)
    assert (len(sent), len(left), server.count) == (COUNT - 1, 1, COUNT)


def test_the_limits_of_the_work_hold(files, monkeypatch):
    limits, taken = TransferLimits(parallel=2), []
    monkeypatch.setattr(limits, "take", lambda count, _token: taken.append(count))
    with RawServer(USABLE["as usual"]).running() as server:
        assert sent_by(server, files, work=Work(limits=limits)) == (ALL, [])
    assert server.most <= 2
    # Answers of uploads have no content; the server has also received requests about the bucket.
    assert sum(taken) <= server.received < sum(taken) + 5_000


def test_more_connections_are_used_before_the_first_answer_arrives(files, monkeypatch):
    monkeypatch.setattr(small_loop, "_STEP_SECONDS", 30.0)
    arrived = threading.Barrier(20, timeout=20)

    def late(number, _path, body):
        if number < 20:
            arrived.wait()  # all of them at the same time
        return [put_answer(body)], True

    with RawServer(late).running() as server:
        assert sent_by(server, files) == (ALL, [])
    assert server.most >= 20


@pytest.fixture
def region(monkeypatch):
    """The region of the bucket is known, so that botocore sends no request."""
    monkeypatch.setattr(ClientFactory, "bucket_region", lambda *_, **__: "us-east-1")


@pytest.mark.parametrize("case", ["trusted", "of another host", "unknown"])
@pytest.mark.usefixtures("region")
def test_certificates_are_verified_like_those_of_botocore(files, tmp_path, monkeypatch, case):
    write_certificate(tmp_path, tmp_path)
    if case != "unknown":
        monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "server.crt"))
    if case == "trusted":
        original = request_signer._context

        def without_names(verify):
            made = original(verify)
            made.check_hostname = False  # the certificate has no name of a host
            return made

        monkeypatch.setattr(request_signer, "_context", without_names)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    with RawServer(USABLE["as usual"], context).running() as server:
        found = sent_by(server, files, "https")
    assert found == ((ALL, []) if case == "trusted" else ([], ALL))


def test_another_address_is_used_if_one_cannot_be_reached(files, monkeypatch):
    original = Server.of

    def with_closed_port(host, port, context):
        found = original(host, port, context)
        with socket.create_server(("127.0.0.1", 0)) as closed:
            nowhere = (socket.AF_INET, closed.getsockname())
        return Server(host, (nowhere, *found.addresses), context)

    monkeypatch.setattr(Server, "of", with_closed_port)
    with RawServer(USABLE["as usual"]).running() as server:
        assert sent_by(server, files) == (ALL, [])


@pytest.mark.usefixtures("region")
def test_a_proxy_is_left_to_the_regular_transfer(files, monkeypatch):
    monkeypatch.setattr(
        "botocore.httpsession.ProxyConfiguration.proxy_url_for", lambda *_: "http://proxy:1"
    )
    with RawServer(USABLE["as usual"]).running() as server:
        assert sent_by(server, files) == ([], ALL)
    assert server.count == 0


def test_every_flipped_bit_of_a_download_is_found(tmp_path):
    body = bytes(range(64))
    flips = len(body) * 8

    def flipped(_number, path, _body):
        bit = int(path.rpartition(b"/")[2])
        wrong = bytearray(body)
        wrong[bit // 8] ^= 1 << bit % 8
        good = get_answer(body)
        return [good[: -len(body)] + (bytes(wrong) if bit % 9 else body)], True

    objects = [
        SmallObject(n, f"b/{n}", str(tmp_path / "to" / str(n)), len(body)) for n in range(flips)
    ]
    received, left = [], objects
    with (
        RawServer(flipped).running() as server,
        bucket_at(f"http://127.0.0.1:{server.port}") as bucket,
    ):
        # Some failures in a row end the fast download, which then returns the rest.
        while len(left) >= FEWEST and (count := len(received) + 1):
            again = download_many(
                bucket,
                left,
                received=lambda group: received.extend(got.object.number for got in group),
            )
            left = [one for one in again if one.number % 9 == 0]
            assert len(received) >= count
    assert sorted(received + [one.number for one in left]) == list(range(0, flips, 9))
    assert len(list((tmp_path / "to").iterdir())) == len(received)
