"""The search finds names in a stable order without blocking the window."""

import pytest

from core.errors import Cancelled
from core.work import CancelToken, Work
from gui.models.names import Name, NameList, SeenKeys, key_name, score, search_terms

WORK = Work()


def found(source, text, limit=10):
    matches = sorted(source.find(text, limit, WORK), key=lambda match: -match.score)
    return [match.name.text for match in matches]


def test_the_last_part_of_a_name_counts_most():
    names = ["orders/2024.csv", "old/orders.csv", "old/reorders", "orders"]
    source = NameList(Name("Key", name, name) for name in names)
    assert found(source, "orders") == [
        "orders",
        "old/orders.csv",
        "orders/2024.csv",
        "old/reorders",
    ]
    assert found(source, "ORDERS 2024") == ["orders/2024.csv"]
    assert found(source, "nothing") == []
    assert found(source, "  ") == []


def test_no_more_than_the_limit_is_returned():
    source = NameList(Name("Key", f"key-{number}", number) for number in range(30))
    assert len(source.find("key", 7, WORK)) == 7


def test_keys_and_folders_of_listed_folders_are_found():
    seen = SeenKeys()
    seen.add("", ["market-data/", "readme.txt"], first=True)
    seen.add("market-data/", ["market-data/BTC/", "market-data/x.json"], first=True)
    seen.add("market-data/", ["market-data/y.json"], first=False)
    assert found(seen, "market") == [
        "market-data/", "market-data/BTC/", "market-data/x.json", "market-data/y.json",
    ]  # fmt: skip
    assert found(seen, "btc") == ["market-data/BTC/"]
    assert [key_name(key).kind for key in ("a/", "a")] == ["Folder", "Key"]


def test_a_folder_that_is_listed_anew_forgets_what_is_gone():
    seen = SeenKeys()
    seen.add("a/", ["a/old"], first=True)
    seen.add("a/", ["a/new"], first=True)
    assert found(seen, "a/") == ["a/", "a/new"]
    seen.clear()
    assert found(seen, "a/") == []


def test_counted_keys_are_found_with_their_folders_once():
    seen = SeenKeys()
    seen.add("", ["a/"], first=True)
    seen.set_counted(("a/b/one", "a/b/two", "a/three", "a/", "a/b/"))
    assert found(seen, "a") == ["a/", "a/b/", "a/b/one", "a/b/two", "a/three"]
    assert found(seen, "b/") == ["a/b/", "a/b/one", "a/b/two"]


def test_only_so_many_keys_are_remembered(monkeypatch):
    monkeypatch.setattr("gui.models.names._MOST_KEYS", 3)
    seen = SeenKeys()
    for folder in ("a/", "b/", "c/"):
        seen.add(folder, [f"{folder}1", f"{folder}2"], first=True)
    assert found(seen, "/") == ["c/", "c/1", "c/2"]


def test_a_cancelled_search_ends():
    seen = SeenKeys()
    seen.add("", [f"key-{number}" for number in range(10_000)], first=True)
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        seen.find("key", 10, Work(token))


def test_text_may_come_in_any_order():
    assert score("market-data/BTC-USD/1h/", search_terms("1h btc")) > 0
    assert score("market-data/BTC-USD/1h/", search_terms("1h eth")) == 0
