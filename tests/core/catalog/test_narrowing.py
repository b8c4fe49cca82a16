"""A search within earlier results finds exactly what a search of all keys finds."""

import random

import pytest
from helpers.listed_bucket import ListedBucket
from helpers.many_keys import store_catalog, typed

from core.catalog import matches, narrowing
from core.catalog.catalog import open_catalog
from core.catalog.query_text import parse_query
from core.errors import InvalidInput

COUNT = 10_000
TEXTS = [
    "btc-usd", "2020-01-1", "-btc 2020-01", "symbol:ETH* T10", "kind:trades eth", "size:>1MB 00:00",
    "*BTC*2020-01-0?T*", "/T1[0-2]:00/ eth", "class:glacier json", "BTC-uSD /1H/", "zzz", "_",
]  # fmt: skip


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Return the folder of the catalogue, and the catalogue without a memory of its searches."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("home")
        patch.setenv("STRONGROOM_HOME", str(folder))
        store_catalog(COUNT)
        catalog = open_catalog(ListedBucket())
        catalog._loaded()._narrowing.remember = lambda *_: None
        return folder, catalog


@pytest.fixture
def home(stored, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(stored[0]))


@pytest.fixture
def reference(stored, home):
    return stored[1]


def found(catalog, text, order="key", *, descending=False):
    hits = catalog.search(parse_query(text), order=order, descending=descending)
    return hits.size, hits._rows.tolist()


@pytest.fixture(params=[(10**9, 200), (0, 200), (100, 3)], ids=["named", "ranges", "both"])
def limits(request, monkeypatch, home):
    """Name rows, use ranges, or both."""
    monkeypatch.setattr(narrowing, "_MOST_NAMED", request.param[0])
    monkeypatch.setattr(narrowing, "_MOST_RANGES", request.param[1])
    monkeypatch.setattr(narrowing, "_GAP", 16)


@pytest.mark.parametrize("seed", range(2))
def test_each_step_of_typing_finds_the_same_keys(limits, reference, seed):
    chance = random.Random(seed)
    steps = []
    for text in chance.sample(TEXTS, 6):
        beginnings = [text[:end] for end in range(1, len(text) + 1) if text[:end].count("/") != 1]
        for step in [*beginnings[-5:], chance.choice(beginnings)]:
            order = chance.choice(["key", "size", "name"])
            steps.append((step, order, chance.random() < 0.3))
    catalog = open_catalog(ListedBucket())
    narrowed = []
    for text, order, descending in steps:
        try:
            query = parse_query(text)
        except InvalidInput:  # an incomplete text, which starts no search
            continue
        sql, _ = catalog._loaded()._narrowing.condition(query.conditions, COUNT)
        narrowed.append(sql != "true")
        expected = found(reference, text, order, descending=descending)
        assert found(catalog, text, order, descending=descending) == expected, text
    assert any(narrowed)


def test_only_stricter_conditions_are_narrowed(home, monkeypatch):
    catalog = open_catalog(ListedBucket())
    remembered = catalog._loaded()._narrowing

    def is_narrowed(text):
        return remembered.condition(parse_query(text).conditions, COUNT)[0] != "true"

    found(catalog, "btc-u 2020")
    assert all(
        map(
            is_narrowed, ["btc-u 2020", "btc-usd 2020-01", "2020 xbtc-usd size:>1", "2020 btc-u -x"]
        )
    )
    assert not any(
        map(is_narrowed, ["btc-u", "btc- 2020", "2020", "-btc-u 2020", "symbol:btc-u 2020", ""])
    )
    found(catalog, "-eth 2020")
    assert is_narrowed("-eth 2020-01")
    assert not is_narrowed("-eth-usd 2020")  # it excludes fewer keys
    found(catalog, "nothing like it")
    assert (
        remembered.condition(parse_query("nothing like it at all").conditions, COUNT)[0] == "false"
    )


def test_a_bounded_number_of_rows_is_remembered(home, monkeypatch):
    monkeypatch.setattr(narrowing, "_MOST_ROWS", 2 * COUNT)
    catalog = open_catalog(ListedBucket())
    for text in ("m", "ma", "mar", "mark", "marke", "market", "market-"):
        found(catalog, text)
    assert sum(len(rows) for _, rows in catalog._loaded()._narrowing._last) <= 2 * COUNT


def test_many_keys_are_compressed_in_steps(reference, monkeypatch):
    expected = [found(reference, text, order) for text, order in typed()]
    monkeypatch.setattr(matches, "COMPRESSED", 0)
    monkeypatch.setattr(matches, "_AT_ONCE", 2_500)
    statements = []
    create = matches.search_table_sql
    monkeypatch.setattr(
        matches, "search_table_sql", lambda *values: statements.append(values) or create(*values)
    )
    catalog = open_catalog(ListedBucket())
    assert [found(catalog, text, order) for text, order in typed()] == expected
    assert len(statements) >= 4


def test_a_small_catalog_is_compressed_in_one_step(home, monkeypatch):
    monkeypatch.setattr(matches, "COMPRESSED", 0)
    hits = open_catalog(ListedBucket()).search(parse_query(""))
    keys = [row.key for row in hits.page(0, len(hits))]
    assert len(keys) == len(set(keys))
    assert keys == sorted(keys)
