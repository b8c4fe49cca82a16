"""A flat listing is divided into ranges that contain each key exactly once, whatever the order."""

import random
from bisect import bisect_right
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.objects.folder_levels import levels_of
from core.objects.key_ranges import (
    KeyRange,
    boundaries,
    columns_between,
    evenly,
    spread,
    text_before,
)
from core.objects.listing_plan import ListingPlan
from core.objects.pages import Columns

NUMBERED = [f"k{number:05}" for number in range(3_000)]
RANDOM = [f"{number * 7919 % 3001:x}-{number:x}" for number in range(3_000)]
ODD = [f"\N{SNOWMAN}{number}\U0001f600" for number in range(900)]
DAYS = [f"1h/2024/{month:02}/{day:02}" for month in range(1, 13) for day in range(1, 29)]
CANDLES = [f"ohlcv/{symbol}/{day}/{hour:02}.json" for symbol in ("A-USD", "B-USD", "C-USD", "D-USD")
           for day in DAYS for hour in (0, 12)]  # fmt: skip
#: Characters before the slash, where the orders of servers differ, and after it.
AWKWARD = st.text("a0-/!~", max_size=6).filter(
    lambda key: key.strip("/") == key and "//" not in key
)


def columns_of(keys, folders=()):
    count = len(keys)
    return Columns(
        keys, [1] * count, ["x"] * count, ["STANDARD"] * count, ["e"] * count, list(folders)
    )


def by_bytes(key):
    return key


def by_path(key):
    return key.split("/")


class Server:
    """Answers with pages of ten entries, in the order of S3 or of a file system."""

    def __init__(self, keys, *, order=by_bytes, obeys=True, size=10):
        self.order, self.obeys, self.size = order, obeys, size
        self.keys = sorted(keys, key=order)
        self.known, self.cached = set(keys), {}
        self.calls = self.empty = 0

    def ask(self, request):
        self.calls += 1
        entries = self._entries(request.prefix, request.delimiter)
        start = request.token or (request.after if self.obeys else "")
        begin = bisect_right(entries, self.order(start), key=self.order) if start else 0
        if self.order is by_path and not request.token:
            # SeaweedFS lists nothing of a folder that is named.
            while begin < len(entries) and start and entries[begin].startswith(f"{start}/"):
                begin += 1
        page = entries[begin : begin + self.size]
        self.empty += not page
        more = page[-1] if begin + self.size < len(entries) else None
        keys = [entry for entry in page if entry in self.known]
        return columns_of(keys, [entry for entry in page if entry not in self.known]), more

    def _entries(self, prefix, delimiter):
        if (prefix, delimiter) not in self.cached:
            self.cached[prefix, delimiter] = self._all_entries(prefix, delimiter)
        return self.cached[prefix, delimiter]

    def _all_entries(self, prefix, delimiter):
        keys = [key for key in self.keys if key.startswith(prefix)]
        if not delimiter:
            return keys
        found = {}
        for key in keys:
            behind = key[len(prefix) :]
            found[prefix + behind.partition("/")[0] + "/" if "/" in behind else key] = None
        return list(found)


def listed(server, prefix="", *, wanted=8, divide=True, seed=1, any_order=True):
    """List with answers in any order, and return the keys and the most requests at a time."""
    chosen, plan = (
        random.Random(seed),
        ListingPlan(KeyRange(prefix), divide=divide, any_order=any_order),
    )
    plan.wanted, keys, flying, most = wanted, [], [], 0
    while True:
        flying += plan.following(len(flying))
        most = max(most, len(flying))
        if not flying:
            return keys, most
        request = flying.pop(chosen.randrange(len(flying)))
        for page in plan.answered(request, *server.ask(request), len(flying)):
            keys += page.keys


@pytest.mark.parametrize("order", [by_bytes, by_path])
@pytest.mark.parametrize(
    "keys", [NUMBERED, RANDOM, ODD, CANDLES], ids=["numbered", "random", "odd", "candles"]
)
def test_many_requests_are_on_their_way_at_the_same_time(keys, order):
    server = Server(keys, order=order)
    found, most = listed(server)
    assert sorted(found) == sorted(keys)
    assert most >= 8
    # Few requests more than pages: parts of a range may turn out to be empty.
    assert server.calls < len(keys) / server.size * 1.5 + 30


def test_a_server_that_ignores_the_start_of_a_range_yields_no_key_twice():
    keys = NUMBERED[:300]
    assert sorted(listed(Server(keys, obeys=False))[0]) == keys


def test_undivided_keys_are_listed_in_their_order_with_one_request_for_each_page():
    server = Server(NUMBERED)
    assert listed(server, wanted=1, divide=False) == (NUMBERED, 1)
    assert server.calls == len(NUMBERED) / server.size


@settings(deadline=None, max_examples=100)
@given(st.sets(AWKWARD, max_size=120), st.sampled_from([by_bytes, by_path]), st.booleans(),
       st.sampled_from([1, 2, 8, 64]), st.integers(2, 7), st.integers(0, 3))  # fmt: skip
@example({"a/1", "a/2", "a/3", "a-b/1", "a-b/2", "b/1", "b/2"}, by_path, True, 64, 2, 0)
def test_every_key_is_listed_exactly_once(keys, order, obeys, wanted, size, seed):
    keys = {key for key in keys if key and not any(other.startswith(f"{key}/") for other in keys)}
    server = Server(keys, order=order, obeys=obeys, size=size)
    assert sorted(listed(server, wanted=wanted, seed=seed)[0]) == sorted(keys)


@st.composite
def similar_folders(draw):
    """Keys in folders of which some names continue others with a character before the slash."""
    names = ("BTC", "BTC-EUR", "BTC-USDT", "BTC.x", "ETH", "ETH-EUR", "2024", "2024-01", "2024-03")
    some = st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True)
    keys = set()
    for outer in draw(st.lists(st.sampled_from("abc"), min_size=2, max_size=3, unique=True)):
        for inner in draw(some):
            for deep in draw(st.one_of(st.just([""]), some)):
                count = draw(st.integers(1, 30))
                keys |= {f"{outer}/{inner}/{deep}/{n:02}".replace("//", "/") for n in range(count)}
    return keys


@settings(deadline=None, max_examples=150)
@given(similar_folders(), st.sampled_from([by_bytes, by_path]), st.sampled_from([2, 16, 64]),
       st.integers(4, 10), st.integers(0, 3))  # fmt: skip
def test_every_key_of_folders_with_similar_names_is_listed_exactly_once(
    keys, order, wanted, size, seed
):
    server = Server(keys, order=order, size=size)
    assert sorted(listed(server, wanted=wanted, seed=seed)[0]) == sorted(keys)


@settings(deadline=None, max_examples=40)
@given(st.sets(st.text(min_size=1, max_size=4), max_size=120), st.integers(2, 7), st.integers(0, 3))
def test_every_key_of_aws_is_listed_exactly_once(keys, size, seed):
    server = Server(keys, size=size)
    assert sorted(listed(server, wanted=64, seed=seed, any_order=False)[0]) == sorted(keys)


def test_similar_folders_are_divided_like_the_first_one():
    server = Server(CANDLES)
    found, most = listed(server, wanted=32, any_order=False)
    assert sorted(found) == sorted(CANDLES)
    assert most >= 32
    assert server.calls < len(CANDLES) / server.size * 1.5


def test_ranges_of_folders_with_similar_keys_are_divided_where_the_pages_of_others_end():
    server = Server(CANDLES)
    assert sorted(listed(server, wanted=3)[0]) == sorted(CANDLES)
    assert server.calls < len(CANDLES) / server.size * 1.06 + 8


def test_a_helper_takes_ranges_until_the_end():
    server, plan, taken = Server(CANDLES), ListingPlan(KeyRange(""), divide=True), []
    plan.wanted, keys, flying = 2, [], []
    while flying := flying + plan.following(len(flying)):
        request = flying.pop(0)
        for page in plan.answered(request, *server.ask(request), len(flying)):
            keys += page.keys
        # As soon as the folders are known, there are more of them than requests on their way.
        while plan.expected_pages and len(taken) < 2:
            taken.append(plan.take())
    plan.finish()
    assert plan.take() is None
    for part in taken:
        alone = ListingPlan(part, divide=False)
        while requests := alone.following(0):
            for page in alone.answered(requests[0], *server.ask(requests[0]), 0):
                keys += page.keys
    assert sorted(keys) == sorted(CANDLES)


def test_a_level_that_may_not_be_listed_by_itself_is_not_needed():
    server, plan = Server(CANDLES), ListingPlan(KeyRange(""), divide=True)
    plan.wanted, keys, flying = 4, [], []
    while flying := flying + plan.following(len(flying)):
        request = flying.pop(0)
        if request.delimiter and request.prefix:
            pages = plan.refused(request, len(flying))
        else:
            pages = plan.answered(request, *server.ask(request), len(flying))
        keys += [key for page in pages for key in page.keys]
    assert sorted(keys) == sorted(CANDLES)


@given(st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=30), st.text(max_size=5),
       st.integers(1, 20))  # fmt: skip
def test_boundaries_ascend_between_the_page_and_the_end_of_the_range(keys, until, most):
    keys = sorted(keys)
    end = until if until > keys[-1] else None
    found = boundaries("", keys, end, most)
    assert len(found) <= most
    assert all(before < after for before, after in pairwise([keys[-1], *found]))
    assert end is None or all(each < end for each in found)


def test_the_boundaries_of_numbered_keys_are_their_next_digits():
    page = [f"p/k{number:04}" for number in range(20)]
    assert boundaries("p/", page, None, 2) == ["p/k1", "p/k2"]
    assert boundaries("p/", page, None, 10)[:2] == ["p/k01", "p/k1"]
    assert boundaries("p/", page, "p/k1", 1) == ["p/k01"]
    assert boundaries("p/", ["p/b", "p/a"], None, 5) == []


def test_letters_follow_digits_in_random_names():
    assert "a" in boundaries("", ["01c", "0a1", "0b2"], None, 20)
    assert boundaries("", ["a01", "a02"], None, 20) == ["a1", "a2"]


def test_a_range_with_an_end_is_divided_at_equal_distances():
    page = [f"k{number:04}" for number in range(1000, 1100)]
    part = KeyRange("k", "k1", "k2", pages=1)
    assert evenly(part, page, 3) == ["k132", "k154", "k177"]
    assert len(evenly(part, page, 100)) == 9
    assert evenly(KeyRange("k", "k1", "k11", pages=1), page, 5) == []
    assert evenly(KeyRange("k", "k1", None, pages=1), page, 5) == []
    letters = [f"k0{number:03x}" for number in range(200)]
    assert len(evenly(KeyRange("k", "", "k1", pages=1), letters, 64)) > 10


def test_rows_outside_a_range_are_removed():
    columns = columns_of(["a", "b", "c", "d"])
    assert columns_between(columns, "", None) is columns
    assert columns_between(columns, "a", "c").keys == ["b", "c"]
    assert columns_between(columns, "", "0").keys == []
    assert columns_between(columns_of([]), "x", "y").keys == []


def test_levels_are_those_above_the_last_key_down_to_small_folders():
    page = [f"md/A/2024/{month:02}/{day:02}/x" for month in (1, 2) for day in (1, 2, 3)]
    assert levels_of("", page) == (["", "md/", "md/A/", "md/A/2024/"], 2)
    assert levels_of("", ["a", "b"]) == ([""], 1)
    assert levels_of("", [f"{name}/x" for name in "abcd"]) == (["", "d/"], 1)
    assert levels_of("", [f"x/{name}/x" for name in "abcd"]) == ([""], 1)


@pytest.mark.parametrize(
    ("folder", "text"),
    [
        ("y/02/", "y/01~"),
        ("y/10/", "y/0~"),
        ("y/00/", None),
        ("y/b-/", None),
        ("y/\N{SNOWMAN}/", None),
    ],
)
def test_a_text_before_a_folder_is_no_folder(folder, text):
    assert text_before(folder[:-1], "y/") == text


def test_texts_are_chosen_at_equal_distances():
    assert spread(list("abcdefg"), 3) == ["b", "d", "f"]
    assert spread(["a"], 3) == ["a"]
