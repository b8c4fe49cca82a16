"""The tree of prefixes loads on demand, counts what is known, and reports refusals."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QModelIndex, Qt

from core.errors import AccessDenied, Offline
from gui.models.roles import ASIDE_ROLE
from gui.tabs.browser.tree_model import PREFIX_ROLE, PrefixTreeModel, State, Total, name_of


@pytest.fixture
def asked():
    return []


@pytest.fixture
def model(qapp, qtmodeltester, asked):
    model = PrefixTreeModel()
    model.wanted.connect(lambda prefix, token: asked.append((prefix, token)))
    yield model
    qtmodeltester.check(model)


def texts(model, prefix=""):
    parent = model.index_of(prefix) if prefix else QModelIndex()
    return [model.index(row, 0, parent).data() for row in range(model.rowCount(parent))]


def test_a_folder_is_asked_for_when_it_is_opened(model, asked):
    model.load()
    assert asked == [("", None)]
    assert texts(model) == ["loading…"]
    model.add_page("", ["a/", "b/"], 3, None, first=True)
    assert texts(model) == ["a", "b"]
    index = model.index_of("a/")
    assert model.hasChildren(index)
    assert model.canFetchMore(index)
    model.fetchMore(index)
    model.fetchMore(index)
    assert asked == [("", None), ("a/", None)]
    model.add_page("a/", [], 7, None, first=True)
    assert not model.hasChildren(index)
    assert index.data(ASIDE_ROLE) == "7"


def test_pages_follow_and_what_is_left_is_one_click(model, asked):
    model.load()
    model.add_page("", [f"{n}/" for n in range(3)], 0, "t1", first=True)
    assert texts(model)[-1] == "3 folders shown: load more"
    model.activate(model.index(3, 0))
    assert asked[-1] == ("", "t1")
    model.add_page("", ["3/"], 0, None, first=False)
    assert texts(model) == ["0", "1", "2", "3"]


def test_new_folders_of_a_reloaded_page_are_at_their_place(model):
    model.load()
    model.show_trash(shown=True)
    model.add_page("", ["b/", "d/"], 0, None, first=True)
    model.load(reload=True)
    model.add_page("", ["a/", "b/", "c/", "c0/", "d/", "e/"], 0, None, first=True)
    assert texts(model) == ["a", "b", "c", "c0", "d", "e", "Trash"]
    assert [model.index_of(f"{name}/").row() for name in texts(model)[:-1]] == list(range(6))


def test_counts_as_they_become_known(model):
    model.load()
    model.add_page("", ["a/", "b/", "c/"], 0, None, first=True)
    assert model.count_text("a/") == ""
    model.load("a/")
    model.add_page("a/", ["a/x/"], 1000, "more", first=True)
    assert model.count_text("a/") == "1,000+"
    model.set_counts({"a/": Total(12), "b/": Total(1440)}, complete_until=None)
    assert [model.count_text(p) for p in ("a/", "b/", "c/")] == ["12", "1,440", ""]
    model.set_counts({"a/": Total(900), "b/": Total(100)}, complete_until="b/key")
    assert [model.count_text(p) for p in ("a/", "b/")] == ["900", "100+"]


def test_a_refused_folder_is_locked_and_says_what_it_needs(model, asked):
    model.load()
    model.add_page("", ["a/"], 0, None, first=True)
    model.load("a/")
    model.set_failed("a/", AccessDenied("Denied", action="s3:ListBucket"))
    assert model.state_of("a/") is State.LOCKED
    assert texts(model, "a/") == ["needs s3:ListBucket"]
    model.activate(model.index(0, 0, model.index_of("a/")))
    assert asked[-1] == ("a/", None)


def test_a_failed_folder_can_be_tried_again(model, asked):
    model.load()
    model.set_failed("", Offline("The endpoint cannot be reached."))
    assert texts(model) == ["The endpoint cannot be reached. Try again"]
    model.activate(model.index(0, 0))
    model.add_page("", ["a/"], 0, None, first=True)
    assert texts(model) == ["a"]


def test_a_fresh_listing_drops_what_has_gone(model):
    model.load()
    model.add_page("", ["a/", "b/", "c/"], 0, None, first=True)
    model.load("")
    model.add_page("", ["a/", "c/", "d/"], 0, None, first=True)
    assert texts(model) == ["a", "c", "d"]
    assert not model.index_of("b/").isValid()
    assert model.index(1, 0).data(PREFIX_ROLE) == "c/"


def test_answers_about_folders_that_have_gone_are_dropped(model):
    model.add_page("gone/", ["gone/x/"], 0, None, first=True)
    model.set_failed("gone/", Offline("x"))
    assert model.rowCount() == 0


def test_names(model):
    assert (name_of("a/b/"), name_of("a//")) == ("b", "(empty name)")
    model.load()
    model.add_page("", ["a/"], 0, None, first=True)
    assert model.flags(model.index(0, 0)) & Qt.ItemFlag.ItemIsSelectable
    model.clear()
    assert model.rowCount() == 0
