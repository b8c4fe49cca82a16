"""The table of a folder sorts and filters a hundred thousand rows."""

from __future__ import annotations

import time
from array import array
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPersistentModelIndex, Qt
from PySide6.QtGui import QIcon, QPixmap

from core.errors import StorageError
from core.model.listing import ObjectRow
from core.objects.level import rows_of as object_rows
from core.objects.pages import Columns
from gui.models.roles import SORT_ROLE
from gui.tabs.browser import folder_model
from gui.tabs.browser.folder_model import FolderModel
from gui.tabs.browser.folder_rows import (
    MODIFIED,
    NAME,
    SIZE,
    Texts,
    kind_text,
    rows_of,
    rows_of_columns,
)
from gui.tabs.browser.row_positions import places_of, positions_of, without_index

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
ASCENDING, DESCENDING = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder


def row(name, size=5, minutes=0):
    return ObjectRow(f"p/{name}", size, NOON + timedelta(minutes=minutes))


@pytest.fixture
def model(qapp, qtmodeltester):
    model = FolderModel()
    model.clear("p/")
    yield model
    qtmodeltester.check(model)


def add(model, folders, objects):
    model.add(rows_of("p/", folders, objects))


def names(model):
    return [model.index(at, NAME).data() for at in range(model.rowCount())]


def test_rows_have_ready_texts(model):
    add(model, ["p/folder/"], [row("a.json.gz", 1900)])
    assert names(model) == ["folder/", "a.json.gz"]
    texts = [model.index(1, column).data() for column in range(4)]
    assert texts == ["a.json.gz", "1.9 KB", "15 Jan 2024 12:00:00", "JSON, gzip"]
    assert model.headerData(SIZE, Qt.Orientation.Horizontal) == "Size"
    assert model.index(1, SIZE).data(SORT_ROLE) == 1900


def test_folders_of_later_pages_go_before_the_objects(model):
    add(model, ["p/a/"], [row("b")])
    add(model, ["p/c/"], [row("d")])
    assert names(model) == ["a/", "c/", "b", "d"]
    assert model.total == 4


def test_a_folder_on_two_pages_is_shown_once(model):
    add(model, ["p/a/"], [])
    add(model, ["p/a/"], [row("b")])
    assert names(model) == ["a/", "b"]


def test_odd_names_are_reported_apart(model):
    add(model, ["p//"], [ObjectRow("p/", 0, NOON)])
    assert names(model) == ["(empty name)/", "(marker of this folder)"]
    assert model.entry(1).key == "p/"


def test_sorting_is_native_and_keeps_folders_first(model):
    add(model, ["p/z/"], [row("a", 900, 3), row("b", 10_000, 1), row("c", 20, 2)])
    model.sort(SIZE, DESCENDING)
    assert names(model) == ["z/", "b", "a", "c"]
    model.sort(MODIFIED, ASCENDING)
    assert names(model) == ["z/", "b", "c", "a"]
    add(model, [], [row("d", 1, 0)])
    assert names(model) == ["z/", "d", "b", "c", "a"]


def test_a_place_is_stored_when_the_order_changes(model):
    add(model, [], [row("a", 3), row("b", 2), row("c", 1)])
    stored = QPersistentModelIndex(model.index(0, NAME))
    model.sort(SIZE, ASCENDING)
    assert (stored.row(), stored.data()) == (2, "a")


@pytest.mark.parametrize(
    ("text", "found"),
    [("JSON", ["b.json"]), ("*.c?v", ["a.csv"]), ("zzz", []), ("", ["a.csv", "b.json"])],
)
def test_filter(model, text, found):
    add(model, [], [row("a.csv"), row("b.json")])
    model.set_filter(text)
    assert names(model) == found
    add(model, [], [row("d.bin")])
    assert names(model) == found + (["d.bin"] if not text else [])
    assert model.total == 3


def test_rows_are_removed_wherever_they_stand(model):
    add(model, ["p/a/"], [row("b"), row("c"), row("d")])
    model.sort(NAME, DESCENDING)
    model.remove(["p/c", "p/a/"])
    assert names(model) == ["d", "b"]
    model.sort(NAME, ASCENDING)
    add(model, ["p/e/"], [row("f")])
    assert names(model) == ["e/", "b", "d", "f"]


def test_icons_come_with_the_first_folder(model, qapp):
    model.set_icons(QIcon(QPixmap(4, 4)), QIcon())
    add(model, [], [row("a")])
    assert model.index(0, NAME).data(Qt.ItemDataRole.DecorationRole) is None
    add(model, ["p/b/"], [])
    assert isinstance(model.index(0, NAME).data(Qt.ItemDataRole.DecorationRole), QIcon)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.json", "JSON"), ("a.gz", "gzip"), ("noending", "object"), (".hidden", "object")],
)
def test_kinds(name, kind):
    assert kind_text(name) == kind


def test_a_page_becomes_rows_without_an_object_for_each():
    moments = ["2024-01-15T12:00:00.000Z", "2024-01-15T12:00:00.000Z", "2025-03-01T00:00:00Z"]
    keys = ["p/", "p/a.json.gz", "p/\u00dcber"]
    page = Columns(keys, [0, 7, 9], moments, ["STANDARD", "GLACIER", ""], ["e", "f", ""], ["p/d/"])
    found = rows_of_columns("p/", page)
    assert found == rows_of("p/", page.folders, object_rows(page))
    assert (found.size, found.newest) == (16, datetime(2025, 3, 1, tzinfo=UTC).timestamp())
    page.modified[1] = "2024-02-30T00:00:00Z"
    with pytest.raises(StorageError, match="does not exist"):
        rows_of_columns("p/", page)


def test_a_hundred_thousand_rows_come_in_without_a_freeze(qapp):
    """Each page of 1,000 costs the GUI thread few milliseconds, also the last, also sorted."""
    pages = [rows_of("p/", (), [row(f"{n:03}/{m:04}", m) for m in range(1000)]) for n in range(100)]
    model = FolderModel()
    model.clear("p/")
    longest = 0.0
    for page in pages:
        began = time.thread_time()
        model.add(page)
        longest = max(longest, time.thread_time() - began)
    assert model.rowCount() == 100_000
    assert longest < 0.05
    began = time.thread_time()
    model.set_filter("99/0500")
    assert model.rowCount() == 1
    assert time.thread_time() - began < 0.25


@pytest.mark.parametrize("count", [3, 200], ids=["one by one", "at once"])
def test_rows_are_taken_away_and_what_is_left_can_be_sorted(model, count):
    add(model, ["p/folder/"], [row(f"{n:03}", size=n) for n in range(count)])
    gone = [f"p/{n:03}" for n in range(0, count, 2)]
    assert model.runs_of(["p/001", "p/002", "p/folder/"]) == [(0, 0), (2, 3)]
    model.remove(gone)
    left = [f"{n:03}" for n in range(1, count, 2)]
    assert names(model) == ["folder/", *left]
    assert model.total == len(left) + 1
    model.sort(SIZE, DESCENDING)
    assert names(model) == ["folder/", *reversed(left)]
    model.set_filter("001")
    assert names(model) == ["001"]


@given(
    st.lists(st.sets(st.text("ab/~", max_size=3)), max_size=5), st.sets(st.text("ab/~", max_size=3))
)
def test_sorted_keys_are_found_like_others(pages, wanted):
    keys, known = Texts(), sorted(set().union(*pages))
    for start in range(0, len(known), 3):
        keys.append(tuple(known[start : start + 3]))
    found = [known.index(key) for key in sorted(wanted & set(known))]
    assert positions_of(keys, wanted, ordered=True) == found
    assert positions_of(keys, wanted) == found


@pytest.fixture
def large(qapp, monkeypatch):
    """A model whose rows are many, and what a worker thread has to do for it."""
    monkeypatch.setattr(folder_model, "MANY_ROWS", 0)
    jobs = []
    model = FolderModel(background=lambda compute, then: jobs.append((compute, then)))
    model.clear("p/")
    add(model, ["p/folder/"], [row(f"{n:03}", size=n) for n in range(100)])
    return model, jobs


def test_many_rows_are_found_as_they_are_shown_when_they_are_found(large):
    model, jobs = large
    found = []
    model.find_runs(lambda: ["p/folder/", "p/000", "p/050"], found.append)
    model.sort(NAME, DESCENDING)
    compute, then = jobs[-1]
    then(compute())
    assert found == []
    compute, then = jobs[-1]
    then(compute())
    assert found == [[(0, 0), (50, 50), (100, 100)]]
    model.find_runs(lambda: ["p/000"], found.append)
    model.clear("p/")
    compute, then = jobs[-1]
    then(compute())
    assert len(found) == 1


def test_few_rows_of_many_are_only_hidden_before_they_are_listed_again(large):
    model, _jobs = large
    model.remove(["p/000", "p/folder/"], replaced=True)
    assert names(model)[:2] == ["001", "002"]
    assert (model.rowCount(), model.total) == (99, 101)


def test_ten_thousand_of_twenty_thousand_rows_go_quickly(model):
    add(model, [], [row(f"{n:05}") for n in range(20_000)])
    began = time.process_time()
    model.remove(f"p/{n:05}" for n in range(0, 20_000, 2))
    assert model.rowCount() == 10_000
    assert time.process_time() - began < 1  # one by one it took ten seconds


@given(st.lists(st.lists(st.text(max_size=2), max_size=4), max_size=6), st.data())
def test_a_column_of_texts_is_that_of_its_pages(pages, data):
    column, every = Texts(), [text for page in pages for text in page]
    for page in pages:
        column.append(tuple(page))
    assert list(column) == every == [column[at] for at in range(len(column))]
    assert [column[-at] for at in range(1, len(every) + 1)] == every[::-1]
    start = data.draw(st.integers(0, len(every)))
    end = data.draw(st.integers(start, len(every)))
    assert list(column.between(start, end)) == column[start:end] == every[start:end]
    for text in {*every, "absent"}:
        assert column.find(text) == (every.index(text) if text in every else -1)
    with pytest.raises(IndexError):
        column[len(every)]


@pytest.mark.parametrize(
    "shown", [range(3_000), array("q", range(2_999, -1, -1)), array("q", [4, 2])]
)
def test_places_are_the_indexes_of_the_shown_positions(shown):
    every = {at: index for index, at in enumerate(shown)}
    for positions in ([2, 4, 9_999], list(range(20)), []):
        wanted = {at: every[at] for at in positions if at in every}
        assert places_of(shown, positions) == wanted
    for index in (0, len(shown) - 1):
        assert list(without_index(shown[:], index)) == [*shown[:index], *shown[index + 1 :]]


def test_entries_of_ranges_are_their_rows_once_and_stay_the_same(model):
    model.add(rows_of("p/", ["p/d/", "p/e/"], [row(f"{n}", size=n) for n in range(6)]))
    found = model.entries([(4, 5), (0, 2), (1, 2), (7, 7)])
    expected = ["p/d/", "p/e/", "p/0", "p/2", "p/3", "p/5"]
    assert [entry.key for entry in found] == expected
    assert (found.folders, found.size, len(found)) == (["p/d/", "p/e/"], 10, 6)
    model.sort(SIZE, DESCENDING)
    model.remove(["p/3"])
    assert [entry.key for entry in found] == expected
    assert [entry.key for entry in model.entries([(2, 3)])] == ["p/5", "p/4"]
    assert list(model.entries([])) == []
