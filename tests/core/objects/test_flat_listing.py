"""A flat listing is divided into ranges that contain each key exactly once."""

from __future__ import annotations

import threading
from bisect import bisect_right
from contextlib import closing

import pytest
from helpers.moto_bucket import moto_bucket
from hypothesis import given, settings
from hypothesis import strategies as st

from core.aws.clients import ClientFactory
from core.errors import Cancelled
from core.objects import listing
from core.objects.bucket import Bucket
from core.objects.direct_pages import DirectPages
from core.objects.listing import boundaries, columns_between, list_pages
from core.objects.pages import Columns
from core.objects.writing import put
from core.work import CancelToken, Work, default_work

NUMBERED = [f"k{number:05}" for number in range(3_000)]
RANDOM = [f"{number * 7919 % 3001:x}-{number:x}" for number in range(3_000)]
ODD = [f"\N{SNOWMAN}{number}\U0001f600" for number in range(900)]


def columns_of(keys):
    count = len(keys)
    return Columns(keys, [1] * count, ["x"] * count, ["STANDARD"] * count, ["e"] * count, [])


class Server:
    """Answers with pages of ten keys; `obeys` is whether it knows StartAfter."""

    def __init__(self, keys, *, obeys=True, size=10):
        self.keys, self.obeys, self.size = sorted(keys), obeys, size
        self.calls, self.busy, self.most_busy = 0, 0, 0
        self.lock = threading.Lock()
        self.together = threading.Condition(self.lock)

    def ask(self, prefix, *, delimiter="", token=None, after=""):
        assert not delimiter
        with self.together:
            self.calls += 1
            self.busy += 1
            self.most_busy = max(self.most_busy, self.busy)
            self.together.notify_all()
            # Like latency: others get the opportunity to send a request before the answer.
            self.together.wait(0.001)
            self.busy -= 1
        keys = [key for key in self.keys if key.startswith(prefix)]
        start = token if token is not None else after if self.obeys else ""
        begin = bisect_right(keys, start) if start else 0
        page = keys[begin : begin + self.size]
        more = begin + self.size < len(keys)
        return columns_of(page), page[-1] if more else None


def listed(server, prefixes=("",), threads=8):
    fan = listing._Fan(server.ask, list(prefixes), threads, default_work(None))
    return sorted(key for page in fan.pages() for key in page.keys)


@pytest.mark.parametrize("keys", [NUMBERED, RANDOM, ODD], ids=["numbered", "random", "odd"])
def test_keys_without_folders_are_listed_at_the_same_time(keys):
    server = Server(keys)
    assert listed(server) == sorted(keys)
    assert server.most_busy > 2
    # Few requests more than pages: parts of the range may turn out to be empty.
    assert server.calls < len(keys) / server.size * 2 + 60


def test_a_server_that_ignores_the_start_of_a_range_yields_no_key_twice():
    keys = NUMBERED[:300]
    assert listed(Server(keys, obeys=False)) == keys


def test_one_thread_lists_with_one_request_for_each_page():
    server = Server(NUMBERED)
    assert listed(server, threads=1) == NUMBERED
    assert server.calls == len(NUMBERED) / server.size


@settings(deadline=None, max_examples=40)
@given(st.sets(st.text(max_size=4), max_size=200), st.integers(1, 6), st.integers(1, 7))
def test_every_key_is_listed_exactly_once(keys, threads, size):
    keys.discard("")
    assert listed(Server(keys, size=size), threads=threads) == sorted(keys)


@given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=30), st.text(max_size=5))
def test_boundaries_ascend_between_the_page_and_the_end_of_the_range(keys, until):
    keys = sorted(keys)
    end = until if until > keys[-1] else None
    found = boundaries("", keys, end)
    assert found == sorted(set(found))
    assert all(keys[-1] < each and (end is None or each < end) for each in found)


def test_the_boundaries_of_numbered_keys_are_their_next_digits():
    page = [f"p/k{number:04}" for number in range(20)]
    assert boundaries("p/", page, None)[:2] == ["p/k1", "p/k2"]
    assert boundaries("p/", page, "p/k1")[0] == "p/k01"
    assert boundaries("p/", ["p/b", "p/a"], None) == []


def test_rows_outside_a_range_are_removed():
    columns = columns_of(["a", "b", "c", "d"])
    assert columns_between(columns, "", None) is columns
    assert columns_between(columns, "a", "c").keys == ["b", "c"]
    assert columns_between(columns, "", "0").keys == []
    assert columns_between(columns_of([]), "x", "y").keys == []


@pytest.fixture
def bucket():
    with moto_bucket() as made:
        for number in range(30):
            put(made, f"a b/\N{SNOWMAN}+{number:02}&%41", b"x")
        yield made


def test_direct_pages_equal_those_of_botocore(bucket, monkeypatch):
    monkeypatch.setattr("core.objects.direct_pages.LIST_KEYS", 7)
    direct = DirectPages(bucket, default_work(None))
    keys, token = [], None
    while True:
        columns, token = direct.page_of("a b/", token=token)
        keys += columns.keys
        if token is None:
            break
    (page,) = list_pages(bucket, "a b/")
    assert keys == page.keys
    after, _ = direct.page_of("a b/", after=keys[20])
    assert after.keys == keys[21:28]


def test_direct_pages_are_the_same_on_every_server(s3_server, s3_bucket, monkeypatch):
    clients = ClientFactory(s3_server.connection(s3_bucket))
    with closing(clients):
        bucket = Bucket(clients, s3_bucket)
        keys = sorted(f"a b/\N{SNOWMAN}+{number:02}&%41" for number in range(30))
        for key in keys:
            put(bucket, key, b"x")
        monkeypatch.setattr("core.objects.direct_pages.LIST_KEYS", 7)
        direct = DirectPages(bucket, default_work(None))
        columns, token = direct.page_of("a b/")
        found = columns.keys
        while token is not None:
            columns, token = direct.page_of("a b/", token=token)
            found += columns.keys
        assert found == keys
        assert direct.page_of("a b/", after=keys[20])[0].keys == keys[21:28]
        (page,) = list_pages(bucket, "a b/")
        assert page.keys == keys
        monkeypatch.setattr(listing, "_LONG", 1)
        monkeypatch.setattr("core.objects.level.LIST_KEYS", 7)
        assert sorted(key for page in list_pages(bucket) for key in page.keys) == keys


def test_a_long_listing_uses_direct_requests_and_leaves_failures_to_botocore(bucket, monkeypatch):
    monkeypatch.setattr(listing, "_LONG", 1)
    real, answers = DirectPages.page_of, []

    def page_of(self, prefix, **more):
        answers.append(real(self, prefix, **more))
        return answers[-1] if len(answers) % 2 else None

    monkeypatch.setattr(DirectPages, "page_of", page_of)
    monkeypatch.setattr("core.objects.level.LIST_KEYS", 7)
    monkeypatch.setattr("core.objects.direct_pages.LIST_KEYS", 7)
    keys = sorted(key for page in list_pages(bucket, "a b/") for key in page.keys)
    assert len(keys) == len(set(keys)) == 30


def test_a_missing_bucket_is_left_to_botocore(bucket):
    direct = DirectPages(bucket, default_work(None))
    bucket.clients.s3().delete_objects(
        Bucket=bucket.name,
        Delete={"Objects": [{"Key": key} for page in list_pages(bucket) for key in page.keys]},
    )
    bucket.clients.s3().delete_bucket(Bucket=bucket.name)
    assert [direct.page_of("") for _ in range(4)] == [None] * 4
    assert not direct._requests.usable
    bucket.clients.s3().create_bucket(Bucket=bucket.name)


def test_a_cancel_ends_a_direct_request(bucket):
    token = CancelToken()
    direct = DirectPages(bucket, Work(token=token))
    token.cancel()
    with pytest.raises(Cancelled):
        direct.page_of("")


def test_ranges_of_folders_with_similar_keys_are_divided_where_the_pages_of_others_end():
    days = [f"1h/2024/{month:02}/{day:02}" for month in range(1, 13) for day in range(1, 29)]
    keys = [f"{symbol}/{day}/{hour:02}" for symbol in "abcd" for day in days for hour in (0, 12)]
    server = Server(keys)
    assert listed(server, prefixes=("a/", "b/", "c/", "d/"), threads=3) == sorted(keys)
    # Boundaries by characters would be empty here: all keys of a folder begin alike.
    assert server.calls < len(keys) / server.size * 1.06


def test_the_folders_of_a_level_are_explored_at_the_same_time():
    waiting = threading.Barrier(4, timeout=20)

    def ask(prefix, *, delimiter="", token=None, after=""):
        if prefix:
            waiting.wait()
        folders = [f"{prefix}{name}/" for name in "wxyz"]
        return Columns([], [], [], [], [], folders), None

    prefixes, _pages = listing._discovered(ask, "", 16)
    assert len(prefixes) == 16
