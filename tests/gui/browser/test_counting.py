"""Sums of folders: counts, bytes and the newest object, up to the whole bucket."""

from datetime import UTC, datetime

import pytest

from core.objects.pages import Columns
from core.work import Work
from gui.models.tree_model import Total
from gui.tabs.browser.counting import Counts, count_below, total_words

WHEN = datetime(2024, 1, 15, 10, tzinfo=UTC)


def page(*rows):
    keys, sizes, days = zip(*rows, strict=True)
    count = len(rows)
    modified = [f"2024-01-{day:02}T10:00:00.000Z" for day in days]
    return Columns(list(keys), list(sizes), modified, ["STANDARD"] * count, [""] * count, [])


def test_each_prefix_has_the_sum_of_all_below_it(monkeypatch):
    pages = [
        page(("a/1", 1, 3), ("a/b/2", 10, 15)),
        page(("a/b/3", 100, 4), ("c//4", 1000, 1), ("d", 7, 2)),
    ]
    monkeypatch.setattr("gui.tabs.browser.counting.list_pages", lambda *_a, **_k: iter(pages))
    counts = count_below(None, Work())
    assert isinstance(counts, Counts)
    assert counts.total == Total(5, 1118, WHEN)
    assert counts.below["a/"] == Total(3, 111, WHEN)
    assert counts.below["a/b/"] == Total(2, 110, WHEN)
    assert {key: each.count for key, each in counts.below.items()} == {
        "a/": 3, "a/b/": 2, "c/": 1, "c//": 1,
    }  # fmt: skip
    assert counts.keys == ("a/1", "a/b/2", "a/b/3", "c//4", "d")


@pytest.mark.parametrize(
    ("total", "whole", "words"),
    [
        (Total(), True, "0 objects · 0 B"),
        (Total(1, 5, WHEN), True, "1 object · 5 B · newest 15 Jan 2024 10:00:00 UTC"),
        (Total(1, 5), False, "1+ objects · at least 5 B"),
    ],
)
def test_words_are_honest_about_what_was_not_counted(total, whole, words):
    assert total_words(total, whole=whole) == words
