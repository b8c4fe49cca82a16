"""Folders show counts, bytes and their newest object, up to the complete bucket."""

from datetime import UTC, datetime

import pytest
from helpers.browser import DAY, in_other_thread, settled

from core.objects.listing import list_pages
from core.objects.pages import Columns
from core.units import format_date, format_size, in_zone
from core.work import Work
from gui.tabs.browser import counting
from gui.tabs.browser.counting import Counts, count_below, stored_counts, total_text
from gui.tabs.browser.tree_model import Total

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
    ("total", "complete", "text"),
    [
        (Total(), True, "0 objects · 0 B"),
        (Total(1, 5, WHEN), True, "1 object · 5 B · newest 15 Jan 2024 10:00:00 UTC"),
        (Total(1, 5), False, "1+ objects · at least 5 B"),
    ],
)
def test_text_are_honest_about_what_was_not_counted(total, complete, text):
    assert total_text(total, complete=complete) == text


def test_the_footer_has_the_number_of_the_tree_with_size_and_newest(tab, qtbot):
    tab.listing.show("market-data/")
    settled(qtbot, tab)
    model, text = tab.tree_panel.model, tab.folder.count.text()
    total, complete = model.total_of("market-data/")
    assert (total.count, complete, model.count_text("market-data/")) == (3, True, "3")
    newest = format_date(in_zone(total.newest))
    assert text == f"1 entry · 3 objects · {format_size(total.size)} · newest {newest}"
    tab.listing.show(DAY)
    settled(qtbot, tab)
    assert tab.folder.count.text() == text.removeprefix("1 entry · ")


def test_several_selected_rows_are_summed_with_what_lies_below_their_folders(tab):
    tab.folder.select_all_of(["market-data/", "note.txt"])
    size = tab.tree_panel.model.total_of("market-data/")[0].size + 5
    assert tab.folder.count.text() == f"2 selected · 4 objects · {format_size(size)}"


def test_the_sum_of_several_selected_rows_follows_a_new_count(tab):
    tab.folder.select_all_of(["market-data/", "note.txt"])
    new = Total(41, 1000, WHEN)
    tab.tree_loader.counted.emit(Counts(Total(42, 1005, WHEN), {"market-data/": new}))
    text = tab.object.preview.content_view._title.text()
    assert text == tab.folder.count.text() == "2 selected · 42 objects · 1.0 KB"


def test_a_selected_folder_says_what_is_in_it(tab, qtbot):
    tab.folder.select("market-data/")
    shown = tab.object.preview.content_view
    assert shown._title.text() == "market-data"
    assert shown._text.text().splitlines()[0] == "3 objects"
    assert shown._text.text().splitlines()[-1].startswith("newest ")


def test_a_folder_that_the_count_did_not_reach_is_counted_when_it_is_selected(
    tab, qtbot, bucket, monkeypatch
):
    monkeypatch.setattr(counting, "COUNTED_AT_MOST", 1)
    monkeypatch.setattr(counting, "list_pages", pages_of_one)
    tab.tree_loader.count()
    settled(qtbot, tab)
    assert tab.tree_panel.total.text() == "1+ objects"
    tab.folder.select("market-data/")
    text = tab.object.preview.content_view._text
    qtbot.waitUntil(lambda: text.text().startswith("3 objects"), timeout=20_000)
    settled(qtbot, tab)
    monkeypatch.setattr(counting, "FOLDER_AT_MOST", 2)
    tab.folder.select("note.txt")
    tab.folder.select("market-data/")

    def counted_in_part():
        assert text.text().startswith("2+ objects"), text.text()

    qtbot.waitUntil(counted_in_part, timeout=20_000)
    settled(qtbot, tab)


def pages_of_one(bucket, prefix="", *, work, fan_out):
    """The objects below a prefix, one a page."""
    for page in list_pages(bucket, prefix, work=work, fan_out=fan_out):
        for at in range(len(page)):
            columns = (page.keys, page.sizes, page.modified, page.classes, page.etags)
            yield Columns(*([column[at]] for column in columns), [])


def test_a_larger_bucket_has_the_totals_of_its_catalogue(bucket, workspace, monkeypatch):
    from core.catalog.refresh import refresh

    counted = in_other_thread(count_below, bucket, Work())
    assert in_other_thread(stored_counts, bucket, Work()) is None
    in_other_thread(refresh, workspace, Work())
    assert in_other_thread(stored_counts, bucket, Work()) is None, "few objects are counted"
    monkeypatch.setattr(counting, "COUNTED_AT_MOST", 2)
    monkeypatch.setattr(counting, "list_pages", None)  # no request
    stored = in_other_thread(stored_counts, bucket, Work())
    assert stored.until is None
    assert stored.total == counted.total
    depth = {name: total for name, total in counted.below.items() if name.count("/") <= 5}
    assert dict(stored.below) == depth
