"""Downloading and deleting, with the right warnings and with an undo."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.browser import DAY, aside, names, settled
from PySide6.QtCore import QStandardPaths, Qt

from core.errors import ErrorKind
from core.objects.deleting import Deleted, DeleteReport, FailedDelete
from core.objects.level import list_level
from core.objects.listing import list_pages
from core.transfer import local_names
from gui.tabs.browser import removal
from gui.tabs.browser.downloads import existing_folder
from gui.tabs.browser.loading import Plan


def keys(bucket, prefix=""):
    return [row.key for row in aside(list_level, bucket, prefix).objects]


def test_a_versioned_delete_goes_to_the_trash_and_comes_back(tab, qtbot, bucket):
    tab.folder.select("note.txt")
    tab.folder.table.setFocus()
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: "trash" in tab.banner.text, timeout=8000)
    settled(qtbot, tab)
    assert keys(bucket) == []
    assert "note.txt" not in names(tab)
    tab.banner._on_action()
    qtbot.waitUntil(lambda: tab.banner.text == "note.txt restored.", timeout=8000)
    settled(qtbot, tab)
    assert keys(bucket) == ["note.txt"]
    assert "note.txt" in names(tab)


def test_a_folder_names_its_count_first(tab, qtbot, bucket):
    tab.folder.select("market-data/")
    tab.deeds["delete"].trigger()
    qtbot.waitUntil(lambda: tab.removal.question is not None, timeout=8000)
    question = tab.removal.question
    assert question.windowTitle() == "Move the folder market-data with 3 objects to the trash?"
    question.accept()
    qtbot.waitUntil(lambda: "trash" in tab.banner.text, timeout=8000)
    settled(qtbot, tab)
    assert (
        sum(len(page.keys) for page in aside(lambda: list(list_pages(bucket, "market-data/")))) == 0
    )


@pytest.mark.parametrize("bucket", [False], indirect=True)
def test_an_unversioned_delete_asks_for_the_name(tab, qtbot, bucket):
    tab.folder.select("note.txt")
    tab.deeds["delete"].trigger()
    qtbot.waitUntil(lambda: tab.removal.question is not None, timeout=8000)
    question = tab.removal.question
    assert question.windowTitle() == "Delete note.txt for ever?"
    assert not question.go.isEnabled()
    question.field.setText("note.txt")
    question.go.click()
    qtbot.waitUntil(lambda: tab.banner.text == "note.txt deleted for ever.", timeout=8000)
    settled(qtbot, tab)
    assert keys(bucket) == []


def test_when_versioning_is_unknown_it_is_taken_for_off(tab, qtbot, monkeypatch):
    monkeypatch.setattr(removal, "versioning", lambda *_args, **_more: None)
    tab.folder.select("note.txt")
    tab.deeds["delete"].trigger()
    qtbot.waitUntil(lambda: tab.removal.question is not None, timeout=8000)
    assert "for ever" in tab.removal.question.windowTitle()
    tab.removal.question.reject()


def test_failures_are_one_summary(tab):
    denied = FailedDelete("b", "AccessDenied", "Access Denied")
    error = removal.failure_of(DeleteReport((Deleted("a"),), (denied,)))
    assert error.summary == "1 of 2 objects could not be deleted"
    assert error.kind is ErrorKind.ACCESS_DENIED
    tab.removal._on_deleted(Plan(("a", "b"), (1, 1)), DeleteReport((), (denied,)))
    assert tab.banner.text == "1 of 1 object could not be deleted"


def test_many_deletes_are_the_engines_work(tab, monkeypatch):
    asked = []
    monkeypatch.setattr(tab, "bulk", lambda *args, **_more: asked.append(args))
    many = tuple(f"k{n}" for n in range(1001))
    tab.removal._delete(Plan(many, (1,) * 1001))
    assert asked[0][1:3] == ("objects.delete_many", {"keys": list(many)})


def test_read_only_deletes_nothing(tab, context):
    tab.folder.select("note.txt")
    context.lock()
    tab.removal.ask(tab.folder.selected)
    assert not tab.busy


def opened(qtbot, tab):
    """Ask for a download and return the dialog, which opens as soon as the disk was asked."""
    tab.downloads.ask(tab.folder.selected)
    qtbot.waitUntil(lambda: tab.downloads.dialog is not None, timeout=8000)
    return tab.downloads.dialog


def test_one_object_is_downloaded_and_verified(tab, qtbot, tmp_path, context):
    context.settings.set("downloads/folder", str(tmp_path))
    tab.folder.select("note.txt")
    dialog = opened(qtbot, tab)
    assert dialog.directory().path() == str(tmp_path)
    assert dialog.selectedFiles()[0].endswith("note.txt")
    dialog.fileSelected.emit(str(tmp_path / "mine.txt"))
    dialog.close()
    qtbot.waitUntil(lambda: "downloaded" in tab.banner.text, timeout=8000)
    assert (tmp_path / "mine.txt").read_bytes() == b"hello"
    assert "verified" in tab.banner.text


def test_a_file_is_proposed_by_the_name_of_its_key(tab, qtbot, tmp_path, context):
    context.settings.set("downloads/folder", str(tmp_path))
    tab.open_target(f"{DAY}2024-01-15T01:00:00Z.json")
    qtbot.waitUntil(lambda: bool(tab.folder.selected), timeout=8000)
    dialog = opened(qtbot, tab)
    assert dialog.selectedFiles()[0].endswith("/2024-01-15T01:00:00Z.json")
    dialog.close()


def test_a_name_that_the_disk_does_not_take_is_reported(tab, qtbot, tmp_path, monkeypatch, context):
    monkeypatch.setattr(local_names, "_keeps", lambda _folder, _name: False)
    context.settings.set("downloads/folder", str(tmp_path))
    tab.open_target(f"{DAY}2024-01-15T01:00:00Z.json")
    qtbot.waitUntil(lambda: bool(tab.folder.selected), timeout=8000)
    dialog = opened(qtbot, tab)
    [path] = dialog.selectedFiles()
    dialog.fileSelected.emit(path)
    dialog.close()
    qtbot.waitUntil(lambda: "downloaded" in tab.banner.text, timeout=8000)
    assert tab.banner.text.startswith("2024-01-15T01%3A00%3A00Z.json downloaded")
    assert "does not take the name 2024-01-15T01:00:00Z.json" in tab.banner.accessibleName()


def test_the_dialog_begins_in_a_folder_that_exists(tmp_path, monkeypatch):
    paths = QStandardPaths
    monkeypatch.setattr(paths, "writableLocation", lambda _place: str(tmp_path / "Downloads"))
    assert existing_folder(str(tmp_path / "gone")) == Path.home()
    (tmp_path / "Downloads").mkdir()
    assert existing_folder(None) == tmp_path / "Downloads"
    assert existing_folder(str(tmp_path)) == tmp_path


def test_several_go_to_the_engine(tab, qtbot, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(tab, "bulk", lambda *args, **more: asked.append((args, more)))
    tab.listing.show(DAY)
    settled(qtbot, tab)
    tab.folder.table.selectAll()
    dialog = opened(qtbot, tab)
    dialog.fileSelected.emit(str(tmp_path))
    dialog.close()
    qtbot.waitUntil(lambda: bool(asked), timeout=8000)
    operation, arguments = asked[0][0][1:3]
    assert operation == "transfer.download"
    assert len(arguments["keys"]) == len(arguments["sizes"]) == 3
    assert arguments["below"] == DAY
    assert arguments["folder"] == str(tmp_path)


def test_the_menu_offers_what_can_be_done(tab, qtbot):
    tab.folder.select("note.txt")
    menu = tab.deeds.open_menu(tab, tab.mapToGlobal(tab.rect().center()))
    enabled = [action.text() for action in menu.actions() if action.isEnabled() and action.text()]
    assert enabled[:3] == ["Open", "Preview", "Download…"]
    assert "Delete" in enabled
    menu.close()
    assert tab.deeds["preview"].shortcut().toString() == "Space"
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Space)
