"""Pages of a long listing are requested directly, and with botocore whatever is unusual."""

import socket
import threading
from contextlib import closing

import pytest
from helpers.aws import connection
from helpers.moto_bucket import moto_bucket
from helpers.stub_server import XML, Reply, StubServer

from core.aws import chunked_connection
from core.aws.clients import ClientFactory
from core.aws.http_connection import UnexpectedAnswerError
from core.errors import Cancelled, NoSuchBucket, Offline, StorageError
from core.objects import direct_pages, listing
from core.objects.bucket import Bucket
from core.objects.listing import Listing, list_pages
from core.objects.writing import put
from core.work import CancelToken, Work

KEYS = sorted(f"a b/\N{SNOWMAN}+{number:02}&%41" for number in range(30))
PAGES = ("core.objects.level.LIST_KEYS", "core.objects.direct_pages.LIST_KEYS")


@pytest.fixture
def bucket():
    with moto_bucket() as made:
        for key in KEYS:
            put(made, key, b"x")
        yield made


@pytest.fixture
def small_pages(monkeypatch):
    """Pages of seven keys, and the requests that botocore sends."""
    monkeypatch.setattr("core.objects.direct_pages.LIST_KEYS", 7)
    regular, real = [], listing.page_of

    def page_of(bucket, prefix, **named):
        regular.append(prefix)
        return real(bucket, prefix, size=7, **named)

    monkeypatch.setattr(listing, "page_of", page_of)
    return regular


def keys_of(bucket, prefix="", **named):
    return sorted(key for page in list_pages(bucket, prefix, **named) for key in page.keys)


def threads():
    return [each for each in threading.enumerate() if each.name.startswith("listing-")]


EMPTY_PAGE = b"""<?xml version="1.0"?><ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"""
WRONG_REGION = b"""<?xml version="1.0"?><Error><Code>AuthorizationHeaderMalformed</Code>
<Message>wrong region</Message><Region>eu-west-1</Region></Error>"""


def listed_on(answer):
    """List a bucket of a server twice, and return the methods of its requests."""
    with StubServer(answer) as server:
        with closing(ClientFactory(connection(endpoint_url=server.url))) as clients:
            for _ in range(2):
                assert not list(list_pages(Bucket(clients, "b")))
        return [asked.method for asked in server.requests]


def test_the_first_page_of_another_server_shows_that_the_bucket_exists():
    assert listed_on(lambda _asked: Reply(200, XML, EMPTY_PAGE)) == ["GET", "GET"]


def test_the_region_of_a_bucket_is_requested_if_botocore_has_followed_it():
    def answer(asked):
        if asked.method == "HEAD":
            return Reply(200, {"x-amz-bucket-region": "eu-west-1"})
        if "/eu-west-1/s3/" in asked.headers["authorization"]:
            return Reply(200, XML, EMPTY_PAGE)
        return Reply(400, XML, WRONG_REGION)

    assert listed_on(answer) == ["GET", "GET", "HEAD", "GET"]


def test_the_region_of_a_bucket_is_requested_after_a_refused_first_page():
    methods = []

    def answer(asked):
        methods.append(asked.method)
        if asked.method == "HEAD":
            return Reply(200, {"x-amz-bucket-region": "us-east-1"})
        if "HEAD" in methods:
            return Reply(200, XML, EMPTY_PAGE)
        return Reply(400, XML, b"<Error><Code>InvalidRequest</Code></Error>")

    assert listed_on(answer) == ["GET", "HEAD", "GET", "GET"]


def test_a_bucket_that_does_not_exist_is_reported():
    missing = b"<Error><Code>NoSuchBucket</Code></Error>"
    with (
        StubServer(
            lambda asked: Reply(404, XML, b"" if asked.method == "HEAD" else missing)
        ) as server,
        closing(ClientFactory(connection(endpoint_url=server.url))) as clients,
        pytest.raises(NoSuchBucket),
    ):
        list(list_pages(Bucket(clients, "b")))


def test_only_the_first_page_is_requested_with_botocore(bucket, small_pages):
    assert keys_of(bucket, "a b/") == keys_of(bucket) == KEYS
    assert small_pages == ["a b/", ""]
    assert not threads()


def test_the_pages_of_one_request_at_a_time_are_in_order(bucket, small_pages):
    listed = Listing(bucket, "", fan_out=1)
    assert [key for page in listed.pages() for key in page.keys] == KEYS
    assert listed.list_calls == 5
    part = Listing(bucket, "a b/", after=KEYS[3], until=KEYS[20], fan_out=1)
    assert [key for page in part.pages() for key in page.keys] == KEYS[4:21]


def test_direct_pages_are_the_same_on_every_server(s3_server, s3_bucket, small_pages, monkeypatch):
    with closing(ClientFactory(s3_server.connection(s3_bucket))) as clients:
        bucket = Bucket(clients, s3_bucket)
        odd = [
            f"{name}/{number:02}"
            for name in ("a", "a-b", "a0", "b/c", "b-c")
            for number in range(9)
        ]
        for key in (*KEYS, *odd):
            put(bucket, key, b"x")
        for prefix in ("", "a", "a b/", "b"):
            wanted = sorted(key for key in (*KEYS, *odd) if key.startswith(prefix))
            assert keys_of(bucket, prefix) == wanted
            del small_pages[:]
            monkeypatch.setattr(listing, "_FEWEST", 64)
            many = Listing(bucket, prefix)
            assert sorted(key for page in many.pages() for key in page.keys) == wanted
            assert small_pages == [prefix]


@pytest.mark.parametrize(
    ("symbols", "fewer"),
    [
        # No name of the first page shows that the server lists folder by folder.
        (("ADA", "BTC", "ETH", "SOL"), True),
        (("BTC", "BTC-EUR", "ETH", "ETH.x"), False),
    ],
)
def test_similar_folders_of_every_server_are_divided_between_their_own_folders(
    s3_server, s3_bucket, small_pages, monkeypatch, symbols, fewer
):
    dates = [f"1h/2020/{month:02}/{number:02}" for month in range(1, 9) for number in range(6)]
    keys = {f"md/{symbol}/{date}" for symbol in symbols for date in dates}
    # Names that a server which lists folder by folder places elsewhere than S3.
    keys |= {f"md/ETH/{name}/{number}" for name in ("1h-old", "1h.x") for number in range(9)}
    keys |= {f"md/SOL/1h/2020-a/{number}" for number in range(9)}
    starts, real = [], direct_pages._query
    monkeypatch.setattr(
        direct_pages, "_query", lambda request: starts.append(request) or real(request)
    )
    monkeypatch.setattr(listing, "_FEWEST", 32)
    with closing(ClientFactory(s3_server.connection(s3_bucket))) as clients:
        bucket = Bucket(clients, s3_bucket)
        for key in keys:
            put(bucket, key, b"x")
        for prefix in ("", "md/", "md/ETH", "md/SOL/"):
            wanted = sorted(key for key in keys if key.startswith(prefix))
            assert keys_of(bucket, prefix) == wanted
    months = {each.prefix for each in starts if not each.delimiter and "/1h/2020/" in each.prefix}
    assert months or not fewer


def test_a_failed_answer_is_requested_with_botocore(bucket, small_pages, monkeypatch):
    real, answers = direct_pages._page_of, []

    def page_of(request, answer):
        answers.append(real(request, answer))
        return answers[-1] if len(answers) % 2 else None

    monkeypatch.setattr(direct_pages, "_page_of", page_of)
    assert keys_of(bucket) == KEYS
    assert len(small_pages) > 1
    assert len(answers) > len(small_pages) - 1
    assert not threads()


def test_after_several_failures_everything_is_requested_with_botocore(
    bucket, small_pages, monkeypatch
):
    answers = []
    monkeypatch.setattr(direct_pages, "_page_of", lambda *given: answers.append(given))
    listed = Listing(bucket, "", fan_out=1)
    assert [key for page in listed.pages() for key in page.keys] == KEYS
    assert len(answers) == 3
    assert len(small_pages) == 5


@pytest.mark.parametrize("breaks", ["refused", "silent", "ended"])
def test_pages_arrive_whatever_happens_to_the_connections(bucket, small_pages, monkeypatch, breaks):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        if breaks == "refused":
            server.close()
        if breaks == "silent":
            monkeypatch.setattr(direct_pages, "_SILENT_SECONDS", -1.0)
        real = direct_pages.RequestSigner.server

        def elsewhere(signer):
            found = real(signer)
            return type(found)(found.host, ((socket.AF_INET, address),), None)

        monkeypatch.setattr(direct_pages.RequestSigner, "server", elsewhere)
        if breaks == "ended":
            thread = threading.Thread(target=_end_connections, args=(server,))
            thread.start()
        assert keys_of(bucket) == KEYS
        if breaks == "ended":
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _end_connections(server):
    while True:
        try:
            server.accept()[0].close()
        except OSError:
            return


def test_the_error_of_any_page_is_raised(bucket, small_pages, monkeypatch):
    monkeypatch.setattr(direct_pages, "_page_of", lambda *_: None)
    real, asked = listing.page_of, []

    def page_of(*given, **named):
        asked.append(given)
        if len(asked) == 3:
            raise Offline("gone")
        return real(*given, **named)

    monkeypatch.setattr(listing, "page_of", page_of)
    with pytest.raises(StorageError, match="gone"):
        keys_of(bucket)
    assert not threads()


def test_a_cancel_ends_a_listing_between_its_pages(bucket, small_pages):
    token = CancelToken()
    pages = list_pages(bucket, work=Work(token=token))
    next(pages)
    token.cancel()
    with pytest.raises(Cancelled):
        list(pages)
    pages = list_pages(bucket)
    next(pages)
    next(pages)
    pages.close()
    assert not threads()


def parsed(data):
    """Return the body of an answer that arrives in one piece."""
    made = chunked_connection.ChunkedConnection.__new__(chunked_connection.ChunkedConnection)
    made._unsent, made.answered, made._expected = b"", 0, 0
    answer = made._parsed(data)
    return None if answer is None else answer.body


HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def test_answers_in_parts_are_put_together():
    assert (
        parsed(HEAD + b"3\r\nabc\r\n1A;x=y\r\n" + b"z" * 26 + b"\r\n0\r\n\r\n")
        == b"abc" + b"z" * 26
    )
    assert parsed(HEAD + b"0\r\n\r\n") == b""
    assert parsed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab") == b"ab"
    complete = HEAD + b"3\r\nabc\r\n0\r\n\r\n"
    assert all(parsed(complete[:end]) is None for end in range(len(complete)))
    # The end of the last part may also be in the content.
    assert parsed(HEAD + b"c\r\nabc\r\n0\r\n\r\n") is None


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"x\r\nabc\r\n0\r\n\r\n",
        HEAD + b"-1\r\nabc\r\n0\r\n\r\n",
        HEAD + b"2\r\nabc\r\n0\r\n\r\n",
        HEAD + b"0\r\nX: y\r\n\r\n\r\n0\r\n\r\n",
        HEAD + b"1\r\na\r\n0\r\n\r\n1\r\na\r\n0\r\n\r\n",
        HEAD.replace(b"200", b"404") + b"1\r\na\r\n0\r\n\r\n",
        HEAD.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\n\r\n") + b"1\r\na\r\n0\r\n\r\n",
        HEAD.replace(b"chunked", b"gzip") + b"1\r\na\r\n0\r\n\r\n",
    ],
)
def test_malformed_parts_are_refused(data):
    with pytest.raises(UnexpectedAnswerError):
        parsed(data)
