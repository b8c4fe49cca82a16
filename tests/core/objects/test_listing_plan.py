"""A flat listing is divided into ranges that contain each key exactly once, whatever the order."""

from datetime import date, timedelta

import pytest
from helpers.ordered_listing import Server, by_bytes, by_path, columns_of, listed
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.objects.folder_levels import FolderNames
from core.objects.key_ranges import KeyRange
from core.objects.listing_plan import ListingPlan

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


#: S3 places `run/` after `run-2/`, and a server that lists folder by folder before it.
RUNS = ("run", "run-1", "run-2", "run.3", "run2", "run_a", "run~")


def test_no_folder_is_the_only_one_of_a_range_that_has_another_one_in_another_order():
    names = FolderNames()
    folders = [f"t/{name}/" for name in ("run-1", "run-2", "run", "run2")]
    names.add("t/", columns_of([], folders), complete=True)
    assert names.only_folder("t/run-1~", "t/run1~") is None
    assert names.only_folder("t/run1~", "t/run3~") == "t/run2/"


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(RUNS), min_size=2, max_size=6, unique=True),
       st.sampled_from([by_bytes, by_path]), st.sampled_from([8, 16, 30]), st.integers(10, 60),
       st.integers(0, 7))  # fmt: skip
@example([*RUNS[:3], *RUNS[4:6]], by_bytes, 16, 60, 0)
@example([*RUNS[:3], *RUNS[4:6]], by_bytes, 8, 60, 1)
@example([*RUNS[:3], *RUNS[4:6]], by_bytes, 30, 30, 2)
@example(["run", "run2", "run_a", "run~"], by_path, 8, 10, 0)  # a text was the name of a folder
def test_no_folder_is_lost_beside_others_whose_names_continue_its_name(
    names, order, wanted, days, seed
):
    keys = [f"{kind}/{name}/{day:04}.json" for kind in ("ohlcv", "orderbook", "trades")
            for name in names for day in range(days)]  # fmt: skip
    server = Server(keys, order=order)
    assert sorted(listed(server, wanted=wanted, seed=seed)[0]) == sorted(keys)


@st.composite
def dated_folders(draw):
    """Symbols with the same dates, and others whose names or dates continue those of a folder."""
    keys = set()
    odd = st.sampled_from(
        ("1h-old", "1h.x", "1h!", "2020-a", "2020", "1h/2020-a", "1h/2020.b", "01~")
    )
    symbols = st.lists(st.sampled_from(("A", "A-B", "B", "B.c", "C", "D")), min_size=2, unique=True)
    for symbol in draw(symbols):
        for month in range(1, draw(st.integers(1, 6))):
            count = draw(st.integers(1, 15))
            keys |= {f"md/{symbol}/1h/2020/{month:02}/{n:02}" for n in range(count)}
        for name in draw(st.lists(odd, max_size=2)):
            keys |= {f"md/{symbol}/{name}/{n:02}" for n in range(draw(st.integers(1, 12)))}
    return keys


@settings(deadline=None, max_examples=200)
@given(dated_folders(), st.sampled_from([by_bytes, by_path]), st.sampled_from([3, 16, 64]),
       st.integers(4, 10), st.integers(0, 3))  # fmt: skip
def test_folders_are_divided_between_their_own_folders_whatever_the_order(
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


@pytest.mark.parametrize("order", [by_bytes, by_path])
def test_similar_folders_of_any_server_are_divided_once_their_names_are_known(order):
    server = Server(CANDLES, order=order, size=20)
    found, most = listed(server, wanted=32)
    assert sorted(found) == sorted(CANDLES)
    assert most >= 32
    assert server.calls < len(CANDLES) / server.size * 1.3


def test_few_round_trips_list_similar_folders_of_any_server():
    server, plan = Server(CANDLES, size=60), ListingPlan(KeyRange(""), divide=True)
    keys, trips, early, plan.wanted = [], 0, 0, 64
    while requests := plan.following(0):
        trips += 1
        for left, request in enumerate(requests, 1):
            for page in plan.answered(request, *server.ask(request), len(requests) - left):
                keys += page.keys
        early = len(keys) if trips <= 3 else early
    assert sorted(keys) == sorted(CANDLES)
    # The first page, the levels, the beginnings of all ranges, and their ends.
    assert trips == 4
    assert early > len(CANDLES) * 0.6


@pytest.mark.parametrize("any_order", [True, False])
def test_folders_are_divided_so_that_the_first_part_is_not_the_longest_one(any_order):
    """The last month is seldom complete: a longer first part would need another round trip."""
    days = [date(2020, 1, 1) + timedelta(days=number) for number in range(260)]
    keys = [f"md/{symbol:02}-USD/1h/{day:%Y/%m/%d}/{hour}.json" for symbol in range(16)
            for day in days for hour in (0, 1)]  # fmt: skip
    server = Server(keys, size=83)
    plan = ListingPlan(KeyRange(""), divide=True, any_order=any_order)
    found, trips, plan.wanted = [], 0, 64
    while requests := plan.following(0):
        trips += 1
        for left, request in enumerate(requests, 1):
            for page in plan.answered(request, *server.ask(request), len(requests) - left):
                found += page.keys
    assert sorted(found) == sorted(keys)
    assert trips == 4


@pytest.mark.parametrize("order", [by_bytes, by_path])
def test_folders_that_are_not_like_the_first_one_are_divided_by_their_own_names(order):
    other = {"B-USD": "1h/2024-x/{}", "C-USD": "1h/2024/03-{}", "D-USD": "1h/2024/03!/{}"}
    odd = [f"ohlcv/{symbol}/{form}".format(n) for symbol, form in other.items() for n in range(90)]
    missing = [key for key in CANDLES if key.startswith("ohlcv/C-USD/1h/2024/04/")]
    keys = sorted({*CANDLES, *odd} - set(missing))
    for seed in range(4):
        server = Server(keys, order=order, size=60)
        assert sorted(listed(server, wanted=64, seed=seed)[0]) == keys


@pytest.mark.parametrize(("missing", "needed"), [("04/", False), ("", True)])
def test_an_expected_range_that_may_not_be_listed_is_only_needed_if_its_folder_exists(
    missing, needed
):
    # A folder for each page, so that the others are expected to be divided between their folders.
    keys = [f"md/{symbol}/{month:02}/{n:02}" for symbol in "ABC" for month in range(1, 9)
            for n in range(10) if symbol != "C" or f"{month:02}/" != missing]  # fmt: skip
    server, plan = Server(keys, size=10), ListingPlan(KeyRange(""), divide=True)
    plan.wanted, found, flying, refusals = 64, [], [], []
    while flying := flying + plan.following(len(flying)):
        # The names in the folders arrive at last.
        request = flying.pop(-1 if plan.expected_pages else 0)
        if request.prefix == "md/C/04/" and not request.delimiter:
            refusals.append(plan.refused(request, len(flying)))
            if refusals[-1] is None:
                break
            continue
        for page in plan.answered(request, *server.ask(request), len(flying)):
            found += page.keys
    # If it is needed, it is requested once more when the names are known.
    assert refusals == ([[], None] if needed else [[]])
    assert needed or sorted(found) == keys


def test_ranges_that_are_only_expected_are_not_left_to_a_helper():
    server, plan, keys = Server(CANDLES, size=60), ListingPlan(KeyRange(""), divide=True), []
    plan.wanted, flying = 64, plan.following(0)
    while not plan.expected_pages:
        request = flying.pop(0)
        for page in plan.answered(request, *server.ask(request), len(flying)):
            keys += page.keys
        flying += plan.following(len(flying)) if not plan.expected_pages else []
    taken = plan.take()
    assert not taken.prefix.startswith(("ohlcv/B", "ohlcv/C", "ohlcv/D"))


def test_ranges_of_folders_with_similar_keys_are_divided_where_the_pages_of_others_end():
    server = Server(CANDLES)
    assert sorted(listed(server, wanted=3, any_order=False)[0]) == sorted(CANDLES)
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
