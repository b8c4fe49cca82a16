"""The trash in the tree shows who deleted what, and restores it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from helpers.browser import DAY, active, in_other_thread, names, put, settled
from PySide6.QtCore import Qt

from core.errors import AccessDenied, Offline
from core.local.activity import LoggedChange
from core.model.change import Change, ChangeKind
from core.objects import deleting
from core.objects.level import list_level
from core.objects.trash import DeletedObject, TrashCursor, TrashPage
from core.units import utc_now
from gui import shortcuts
from gui.tabs.browser import trash
from gui.tabs.browser.trash_model import BY, DELETED, KEY, TrashModel, deleted_by, owner_of
from gui.tabs.browser.tree_model import TRASH_ROLE


def in_trash(tab):
    model = tab.trash_pane.model
    return [model.index(row, KEY).data() for row in range(model.rowCount())]


def open_trash(tab, qtbot):
    """Choose the trash in the tree, as a user does."""
    active(tab, qtbot)
    index = tab.tree_panel.model.trash_index()
    tab.tree_panel.view.setCurrentIndex(index)
    settled(qtbot, tab)


@pytest.fixture
def deleted(bucket, tab, qtbot):
    """Three objects in the trash, which others have deleted."""
    keys = ["logs/app.log", "note.txt", f"{DAY}2024-01-15T00:00:00Z.json"]
    in_other_thread(deleting.delete_many, bucket, keys)
    tab.refresh()
    settled(qtbot, tab)
    open_trash(tab, qtbot)
    return keys


def test_the_trash_is_the_last_place_of_a_versioned_bucket(tab):
    model = tab.tree_panel.model
    index = model.index(model.rowCount() - 1, 0)
    assert (index.data(), index.data(TRASH_ROLE)) == ("Trash", True)
    assert not model.hasChildren(index)


@pytest.mark.parametrize("bucket", [False], indirect=True)
def test_a_bucket_without_versions_has_no_trash(tab):
    assert not tab.tree_panel.model.trash_index().isValid()


def test_an_empty_trash_says_what_it_is_for(tab, qtbot):
    open_trash(tab, qtbot)
    assert tab.trash_pane.state.empty._title.text() == "The trash is empty"
    assert tab.trash_pane.count.text() == "0 deleted objects · 0 B"
    assert not tab.trash_pane.restore_all.isEnabled()


def test_what_was_deleted_is_listed_with_its_size_and_can_be_filtered(tab, qtbot, deleted):
    assert sorted(in_trash(tab)) == sorted(deleted)
    assert tab.trash_pane.count.text().startswith("3 deleted objects · ")
    tab.focus_filter()
    qtbot.keyClicks(tab.trash_pane.filter, "*.log")
    assert in_trash(tab) == ["logs/app.log"]
    assert tab.trash_pane.count.text() == "1 of 3 deleted objects · 19 B"


def test_one_is_restored_and_the_next_one_selected(tab, qtbot, bucket, deleted):
    pane = tab.trash_pane
    pane.table.sortByColumn(KEY, Qt.SortOrder.AscendingOrder)
    pane.table.selectRow(0)
    assert "Restoring brings back the version" in tab.object.preview._empty._text.text()
    pane.restore.click()
    qtbot.waitUntil(lambda: tab.banner.text == "app.log restored.", timeout=20_000)
    settled(qtbot, tab)
    assert sorted(in_trash(tab)) == sorted(deleted[1:])
    assert len(pane.selected) == 1
    assert pane.table.hasFocus()
    assert [row.key for row in in_other_thread(list_level, bucket, "logs/").objects] == [
        "logs/app.log"
    ]


def test_all_that_are_shown_are_restored_after_a_question(tab, qtbot, bucket, deleted):
    tab.trash_pane.restore_all.click()
    question = tab.trash.question
    assert question.windowTitle() == "Restore 3 deleted objects?"
    question.accept()
    qtbot.waitUntil(lambda: tab.banner.text == "3 objects restored.", timeout=20_000)
    settled(qtbot, tab)
    assert in_trash(tab) == []
    assert tab.trash_pane.state.empty._title.text() == "The trash is empty"
    qtbot.waitUntil(lambda: tab.tree_panel.model.index_of("logs/").isValid(), timeout=20_000)
    tab.tree_panel.view.setCurrentIndex(tab.tree_panel.model.index_of("logs/"))
    qtbot.waitUntil(lambda: not tab.in_trash, timeout=20_000)
    settled(qtbot, tab)
    assert names(tab) == ["app.log"]


def test_another_place_leaves_the_trash(tab, qtbot, deleted):
    tab.open_target(DAY)
    settled(qtbot, tab)
    assert (tab.in_trash, tab.prefix) == (False, DAY)
    open_trash(tab, qtbot)
    assert tab.in_trash
    assert tab.object_actions.reason("download")


@pytest.mark.parametrize("way", ["button", "key", "go to"])
def test_the_way_back_from_the_trash(tab, qtbot, deleted, way):
    active(tab, qtbot)
    if way == "go to":
        tab.perform("go_to")
        assert tab.folder.path.field.hasFocus()
    elif way == "key":
        tab.trash_pane.table.setFocus()
        qtbot.keyClick(tab.trash_pane.table, Qt.Key.Key_Backspace)
    else:
        tab.trash_pane.back.click()
    assert (tab.in_trash, tab.prefix) == (False, "")
    assert way == "go to" or tab.folder.table.hasFocus()
    assert not tab.tree_panel.view.currentIndex().isValid()


def test_the_trash_that_the_menu_opens_has_the_focus(tab, qtbot, bucket):
    in_other_thread(deleting.delete, bucket, "note.txt")
    active(tab, qtbot)
    # A list that is not shown yet does not accept the focus, and a tree that has it retains it.
    qtbot.waitUntil(tab.folder.table.isVisible)
    tab.folder.table.setFocus()
    qtbot.waitUntil(tab.folder.table.hasFocus)
    qtbot.waitUntil(
        lambda: tab.tree_panel.model.trash_index().isValid()
    )  # the bucket is known to be versioned
    tab.object_actions.menu(tab)  # opening the menu examines what is possible
    tab.object_actions["trash"].trigger()
    qtbot.waitUntil(lambda: tab.focusWidget() is tab.trash_pane.table)
    assert tab.tree_panel.view.currentIndex().data() == "Trash"


def test_f5_lists_the_trash_anew(tab, qtbot, bucket, deleted):
    put(bucket, "more.txt", b"1")
    in_other_thread(deleting.delete, bucket, "more.txt")
    tab.refresh()
    settled(qtbot, tab)
    assert sorted(in_trash(tab)) == sorted([*deleted, "more.txt"])


def test_a_deleted_object_that_is_to_be_opened_is_explained(tab, qtbot, deleted, monkeypatch):
    shown = []
    monkeypatch.setattr(shortcuts, "explain", lambda _widget, why: shown.append(why))
    table = tab.trash_pane.table
    table.selectRow(0)
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert shown == ["Deleted objects cannot be opened. Restore them first."]


def test_a_locked_profile_restores_nothing_and_says_why(tab, context, deleted):
    tab.trash_pane.table.selectRow(0)
    context.lock()
    assert not tab.trash_pane.restore.isEnabled()
    assert "Unlock it" in tab.trash_pane.restore.accessibleDescription()


def test_a_long_listing_stops_and_goes_on(tab, qtbot, monkeypatch):
    moment = utc_now()
    made = [DeletedObject(f"k{n}", n, moment, moment, "v", ("m",)) for n in range(3)]
    pages = [TrashPage((each,), 10, TrashCursor(each.key, "m")) for each in made[:2]]
    pages.append(TrashPage((made[2],), 10, None))
    monkeypatch.setattr(trash, "list_trash", lambda *_args, **_more: pages.pop(0))
    monkeypatch.setattr(trash, "VERSIONS_AT_ONCE", 15)
    open_trash(tab, qtbot)
    assert tab.trash_pane.count.text() == "2 deleted objects · 1 B · in 20 versions so far"
    tab.trash_pane.more.click()
    settled(qtbot, tab)
    assert tab.trash_pane.count.text() == "3 deleted objects · 3 B"
    assert tab.trash_pane.more.isHidden()


def test_a_trash_that_may_not_be_listed_says_what_is_missing(tab, qtbot, monkeypatch):
    def refused(*_args, **_more):
        raise AccessDenied("Access denied", action="s3:ListBucketVersions")

    monkeypatch.setattr(trash, "list_trash", refused)
    open_trash(tab, qtbot)
    assert "s3:ListBucketVersions" in tab.trash_pane.state.empty._text.text()


WHEN = utc_now()
OBJECT = DeletedObject("logs/app.log", 1, WHEN, WHEN, "v", ("m",))
TITLE = "Deleting objects"


def logged(subject, prefixes, seconds=5, action=TITLE):
    when = WHEN + timedelta(seconds=seconds)
    return LoggedChange(Change(ChangeKind.OBJECTS, action, subject, "x", when, prefixes), "ops")


@pytest.mark.parametrize(
    ("entry", "output"),
    [
        (logged("s3://b/logs/app.log", ("logs/",)), "profile ops, here"),
        (logged("3 objects", ("logs/",)), "profile ops, here"),
        (logged("70 objects", ("",)), "profile ops, here"),
        (logged("s3://b/logs/other.log", ("logs/",)), ""),
        (logged("3 objects", ("else/",)), ""),
        (logged("3 objects", ("logs/",), seconds=600), ""),
        (logged("3 objects", ("logs/",), action="Uploading"), ""),
    ],
)
def test_deletes_of_this_computer_are_known_by_the_log_of_changes(entry, output):
    assert deleted_by([entry], "s3://b", TITLE)(OBJECT) == output


def test_of_others_only_the_account_is_known():
    assert (
        owner_of(
            replace(
                OBJECT, owner="79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
            )
        )
        == "account 79a5…f2be"
    )
    assert owner_of(replace(OBJECT, owner="anonymous")) == ""


def test_the_newest_delete_is_first_and_sorting_is_by_values():
    model = TrashModel()
    rows = [replace(OBJECT, key=f"k{n}", deleted=WHEN + timedelta(days=n)) for n in range(3)]
    model.add(rows, owner_of)
    assert [each.key for each in model.objects] == ["k2", "k1", "k0"]
    model.sort(DELETED, Qt.SortOrder.AscendingOrder)
    assert [each.key for each in model.objects] == ["k0", "k1", "k2"]
    assert model.index(0, BY).data() == ""


def test_a_trash_that_could_not_be_listed_is_not_counted_as_empty(tab, qtbot, monkeypatch):
    def unreachable(*_args, **_more):
        raise Offline("The endpoint cannot be reached")

    monkeypatch.setattr(trash, "list_trash", unreachable)
    open_trash(tab, qtbot)
    assert tab.trash_pane.state.empty._title.text() == "The endpoint cannot be reached"
    assert tab.trash_pane.count.text() == ""
