"""Downloads and deletions show the right warnings, and deletions can be undone."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.browser import DAY, active, in_other_thread, names, put, settled
from PySide6.QtCore import QObject, QStandardPaths, Qt
from PySide6.QtGui import QGuiApplication, QStatusTipEvent

from core.errors import ErrorKind, Offline
from core.objects.deleting import Deleted, DeleteReport, FailedDelete, delete_many
from core.objects.level import list_level
from core.objects.listing import list_pages
from core.objects.trash import RestoreReport
from core.objects.undo_delete import Undoable
from core.transfer import local_names
from core.transfer.values import IfExists
from gui.tabs.browser import deletion, folder_model, removal
from gui.tabs.browser.downloads import existing_folder
from gui.tabs.browser.existing_dialog import DECISION, ExistingFiles
from gui.tabs.browser.loading import Plan
from gui.tabs.browser.undo_steps import NOTHING_TO_UNDO


def keys(bucket, prefix=""):
    return [row.key for row in in_other_thread(list_level, bucket, prefix).objects]


def press_delete(tab, qtbot, *keys):
    """Select rows and press Del in the list, as a user does."""
    active(tab, qtbot)
    tab.folder.select_all_of(keys)
    tab.folder.table.setFocus()
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Delete)


def deleted(tab, qtbot, *keys):
    press_delete(tab, qtbot, *keys)
    qtbot.waitUntil(lambda: "trash" in tab.banner.text, timeout=20_000)
    settled(qtbot, tab)


def undo(tab, qtbot):
    active(tab, qtbot)
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)


def test_a_versioned_delete_goes_to_the_trash_and_ctrl_z_brings_it_back(tab, qtbot, bucket):
    deleted(tab, qtbot, "note.txt")
    assert tab.banner.text == "note.txt moved to the trash."
    assert keys(bucket) == []
    assert "note.txt" not in names(tab)
    undo(tab, qtbot)
    qtbot.waitUntil(lambda: tab.banner.text == "note.txt restored.", timeout=20_000)
    settled(qtbot, tab)
    assert keys(bucket) == ["note.txt"]
    assert [entry.key for entry in tab.folder.selected] == ["note.txt"]
    assert tab.folder.table.hasFocus()


def test_restored_rows_of_a_large_folder_are_found_in_a_worker_thread(tab, qtbot, monkeypatch):
    deleted(tab, qtbot, "note.txt")
    monkeypatch.setattr(folder_model, "MANY_ROWS", 0)
    undo(tab, qtbot)
    qtbot.waitUntil(
        lambda: [entry.key for entry in tab.folder.selected] == ["note.txt"], timeout=20_000
    )
    assert tab.folder.model.key(tab.folder.table.currentIndex().row()) == "note.txt"


def test_what_the_user_selects_until_rows_are_found_stays_selected(tab, qtbot, monkeypatch):
    monkeypatch.setattr(folder_model, "MANY_ROWS", 0)
    tab.folder.select_all_of(["note.txt"])
    tab.folder.select("logs/")
    qtbot.waitUntil(lambda: not tab.context.runner.busy, timeout=20_000)
    assert [entry.key for entry in tab.folder.selected] == ["logs/"]
    tab.folder.table.clearSelection()
    tab.folder.select_all_of(["note.txt"])
    tab.folder.focus_list()  # the current row is not a selection
    qtbot.waitUntil(lambda: [each.key for each in tab.folder.selected] == ["note.txt"])


def test_the_row_that_follows_is_selected_after_a_delete_and_has_the_focus(tab, qtbot):
    tab.listing.show(DAY)
    settled(qtbot, tab)
    first, second, third = (f"{DAY}2024-01-15T{hour:02}:00:00Z.json" for hour in range(3))
    deleted(tab, qtbot, second)
    assert [entry.key for entry in tab.folder.selected] == [third]
    assert tab.folder.table.hasFocus()
    deleted(tab, qtbot, third)
    assert [entry.key for entry in tab.folder.selected] == [first]


def test_a_held_control_key_does_not_add_to_the_selection(tab, qtbot):
    qtbot.keyPress(tab.folder.table, Qt.Key.Key_Control, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.ControlModifier
    assert tab.folder.select("logs/")
    assert tab.folder.select("note.txt")
    assert [entry.key for entry in tab.folder.selected] == ["note.txt"]
    qtbot.keyRelease(tab.folder.table, Qt.Key.Key_Control)


def test_deletes_are_undone_one_after_the_other(tab, qtbot, bucket):
    put(bucket, "a.txt", b"a")
    tab.refresh()
    settled(qtbot, tab)
    deleted(tab, qtbot, "a.txt")
    deleted(tab, qtbot, "note.txt")
    undo(tab, qtbot)
    qtbot.waitUntil(lambda: tab.banner.text == "note.txt restored.", timeout=20_000)
    settled(qtbot, tab)
    undo(tab, qtbot)
    qtbot.waitUntil(lambda: tab.banner.text == "a.txt restored.", timeout=20_000)
    settled(qtbot, tab)
    assert keys(bucket) == ["a.txt", "note.txt"]
    assert tab.removal.reason_not_to_undo() == NOTHING_TO_UNDO


def test_a_folder_goes_to_the_trash_without_a_question_and_comes_back(tab, qtbot, bucket):
    deleted(tab, qtbot, "market-data/", "logs/")
    assert tab.banner.text == "4 objects moved to the trash."
    tab.banner._on_action()
    qtbot.waitUntil(lambda: tab.banner.text == "4 objects restored.", timeout=20_000)
    settled(qtbot, tab)
    assert [entry.key for entry in tab.folder.selected] == ["logs/", "market-data/"]
    assert (
        sum(len(page.keys) for page in in_other_thread(lambda: list(list_pages(bucket, DAY)))) == 3
    )


def test_a_folder_whose_last_object_was_deleted_says_so(tab, qtbot):
    tab.listing.show("logs/")
    settled(qtbot, tab)
    deleted(tab, qtbot, "logs/app.log")
    empty = tab.folder.state.empty
    assert empty._title.text() == "This folder is empty now"
    assert empty.button.hasFocus()
    qtbot.keyClick(tab, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: names(tab) == ["app.log"], timeout=20_000)
    settled(qtbot, tab)
    assert tab.folder.table.hasFocus()


@pytest.mark.parametrize("bucket", [False], indirect=True)
def test_a_permanent_delete_asks_for_the_name(tab, qtbot, bucket):
    press_delete(tab, qtbot, "note.txt")
    qtbot.waitUntil(lambda: tab.removal.question is not None, timeout=20_000)
    question = tab.removal.question
    assert question.windowTitle() == "Delete note.txt permanently?"
    assert not question.go.isEnabled()
    question.field.setText("note.txt")
    question.go.click()
    qtbot.waitUntil(lambda: tab.banner.text == "note.txt deleted permanently.", timeout=20_000)
    settled(qtbot, tab)
    assert keys(bucket) == []
    assert tab.removal.reason_not_to_undo() == NOTHING_TO_UNDO


@pytest.mark.parametrize("bucket", [False], indirect=True)
def test_several_are_deleted_permanently_by_the_name_of_the_bucket(tab, qtbot, bucket):
    press_delete(tab, qtbot, "market-data/", "note.txt")
    qtbot.waitUntil(lambda: tab.removal.question is not None, timeout=20_000)
    question = tab.removal.question
    assert question.windowTitle() == "Delete 4 objects permanently?"
    question.field.setText(bucket.name)
    assert question.go.isEnabled()
    question.reject()
    settled(qtbot, tab)
    assert "note.txt" in names(tab)


def test_when_versioning_is_unknown_it_is_taken_for_off(tab, qtbot, monkeypatch):
    monkeypatch.setattr(removal, "versioning", lambda *_args, **_more: None)
    tab.folder.select("note.txt")
    tab.object_actions["delete"].trigger()
    qtbot.waitUntil(lambda: tab.removal.question is not None, timeout=20_000)
    assert "permanently" in tab.removal.question.windowTitle()
    tab.removal.question.reject()


def test_failures_are_one_summary(tab):
    denied = FailedDelete("b", "AccessDenied", "Access Denied")
    error = deletion.delete_failure(DeleteReport((Deleted("a"),), (denied,)))
    assert error.summary == "1 of 2 objects could not be deleted"
    assert error.kind is ErrorKind.ACCESS_DENIED
    plan = Plan(("a", "b"), (1, 1))
    tab.removal._on_deleted(plan, deletion.Deletion.of(plan, DeleteReport((), (denied,))))
    assert tab.banner.text == "1 of 1 object could not be deleted"


def test_what_a_cancelled_or_failed_delete_has_deleted_can_be_undone(tab, qtbot, bucket):
    plan = Plan(("note.txt", "none"), (5, 1))
    report = in_other_thread(delete_many, bucket, ["note.txt"])
    tab.removal._on_delete_stopped(plan, deletion.Deletion.of(plan, report))
    assert tab.banner.text == "The delete was cancelled: 1 of 2 objects moved to the trash."
    undo(tab, qtbot)
    qtbot.waitUntil(lambda: tab.banner.text == "note.txt restored.", timeout=20_000)
    settled(qtbot, tab)
    assert "note.txt" in keys(bucket)
    error = Offline("No answer")
    error.partial = in_other_thread(delete_many, bucket, ["note.txt"])
    tab.removal._on_delete_failed(plan, error)
    assert tab.banner.text == "No answer"
    assert tab.removal.reason_not_to_undo() == ""
    tab.removal._on_delete_stopped(plan, None)
    assert tab.banner.text == "The delete was cancelled."


def test_a_cancelled_undo_can_be_continued(tab, qtbot):
    hidden = Undoable((("a", ("1",)), ("b", ("2",))))
    tab.removal._on_restore_stopped(hidden, RestoreReport(("a",), ()), undoing=True)
    assert tab.banner.text == "The restore was cancelled: 1 of 2 objects restored."
    assert tab.removal.reason_not_to_undo() == ""


def test_many_deletes_are_the_engines_work(tab, monkeypatch):
    asked = []
    monkeypatch.setattr(tab, "bulk", lambda *args, **_more: asked.append(args))
    many = tuple(f"k{n}" for n in range(1001))
    tab.removal._delete(Plan(many, (1,) * 1001))
    assert asked[0][1:3] == ("objects.delete_many", {"keys": list(many)})


def test_a_restore_of_many_is_the_engines_work(tab, monkeypatch):
    asked = []
    monkeypatch.setattr(tab, "bulk", lambda *args, **_more: asked.append(args))
    many = [(f"k{n}", (f"v{n}",)) for n in range(1001)]
    tab.removal.restore(many)
    assert asked[0][1:3] == ("objects.restore_many", {"objects": many})


def test_a_restore_that_failed_in_part_is_one_summary(tab):
    denied = FailedDelete("b", "AccessDenied", "Access Denied")
    tab.removal._on_restored(RestoreReport(("a",), (denied,)))
    assert tab.banner.text == "1 of 2 objects could not be restored"
    assert "s3:DeleteObjectVersion" in tab.banner.accessibleName()


def test_changing_keys_of_a_locked_profile_say_how_to_unlock(tab, qtbot, context, bucket):
    output = []

    class Listener(QObject):
        def eventFilter(self, _watched, event):  # noqa: N802 - Qt's name
            if isinstance(event, QStatusTipEvent):
                output.append(event.tip())
            return False

    listener = Listener()
    tab.installEventFilter(listener)
    context.lock()
    press_delete(tab, qtbot, "note.txt")
    undo(tab, qtbot)
    assert len(output) == 2
    assert all("Unlock it at the top of the window" in text for text in output)
    assert not tab.busy
    assert keys(bucket) == ["note.txt"]


def opened(qtbot, tab):
    """Start a download and return its dialog, which opens once the free space is known."""
    tab.downloads.ask(tab.folder.selected, tab.prefix)
    qtbot.waitUntil(lambda: tab.downloads.dialog is not None, timeout=20_000)
    return tab.downloads.dialog


def test_one_object_is_downloaded_and_verified(tab, qtbot, tmp_path, context):
    context.settings.set("downloads/folder", str(tmp_path))
    tab.folder.select("note.txt")
    dialog = opened(qtbot, tab)
    assert dialog.directory().path() == str(tmp_path)
    assert dialog.selectedFiles()[0].endswith("note.txt")
    dialog.fileSelected.emit(str(tmp_path / "mine.txt"))
    dialog.close()
    qtbot.waitUntil(lambda: "downloaded" in tab.banner.text, timeout=20_000)
    assert (tmp_path / "mine.txt").read_bytes() == b"hello"
    assert "verified" in tab.banner.text


def test_a_file_is_proposed_by_the_name_of_its_key(tab, qtbot, tmp_path, context):
    context.settings.set("downloads/folder", str(tmp_path))
    tab.open_target(f"{DAY}2024-01-15T01:00:00Z.json")
    qtbot.waitUntil(lambda: bool(tab.folder.selected), timeout=20_000)
    dialog = opened(qtbot, tab)
    assert dialog.selectedFiles()[0].endswith("/2024-01-15T01:00:00Z.json")
    dialog.close()


def test_a_name_that_the_disk_does_not_take_is_reported(tab, qtbot, tmp_path, monkeypatch, context):
    monkeypatch.setattr(local_names, "_preserves", lambda _folder, _name: False)
    context.settings.set("downloads/folder", str(tmp_path))
    tab.open_target(f"{DAY}2024-01-15T01:00:00Z.json")
    qtbot.waitUntil(lambda: bool(tab.folder.selected), timeout=20_000)
    dialog = opened(qtbot, tab)
    [path] = dialog.selectedFiles()
    dialog.fileSelected.emit(path)
    dialog.close()
    qtbot.waitUntil(lambda: "downloaded" in tab.banner.text, timeout=20_000)
    assert tab.banner.text.startswith("2024-01-15T01%3A00%3A00Z.json downloaded")
    assert "The name 2024-01-15T01:00:00Z.json is not allowed" in tab.banner.accessibleName()


def test_the_dialog_begins_in_a_folder_that_exists(tmp_path, monkeypatch):
    paths = QStandardPaths
    monkeypatch.setattr(paths, "writableLocation", lambda _place: str(tmp_path / "Downloads"))
    assert existing_folder(str(tmp_path / "gone")) == Path.home()
    (tmp_path / "Downloads").mkdir()
    assert existing_folder(None) == tmp_path / "Downloads"
    assert existing_folder(str(tmp_path)) == tmp_path


def test_several_are_added_to_the_queue_of_transfers(tab, qtbot, tmp_path, monkeypatch, context):
    started = []
    monkeypatch.setattr(context.transfers, "start", started.append)
    download_all(tab, qtbot, tmp_path)
    qtbot.waitUntil(lambda: bool(started), timeout=20_000)
    (batch,) = started
    assert batch.operation == "transfer.download"
    assert len(batch.arguments["keys"]) == len(batch.arguments["sizes"]) == 3
    assert batch.arguments["below"] == DAY
    assert batch.arguments["folder"] == batch.target == str(tmp_path)
    assert list(batch.names) == [key.removeprefix(DAY) for key in batch.keys]


def test_names_that_the_disk_cannot_have_beside_each_other_are_stated_first(
    tab, qtbot, bucket, tmp_path, monkeypatch, context
):
    started = []
    monkeypatch.setattr(context.transfers, "start", started.append)
    put(bucket, "logs/app.log/part", b"1")
    tab.folder.select("logs/")
    dialog = opened(qtbot, tab)
    dialog.fileSelected.emit(str(tmp_path))
    dialog.close()
    qtbot.waitUntil(lambda: bool(started), timeout=20_000)
    name = "logs/app.log as logs/app.log.object"
    assert f"1 gets another name on this disk, the first {name}." in tab.banner.text
    assert not (tmp_path / "logs").exists()


def test_existing_files_are_replaced_only_after_a_question(tab, qtbot, tmp_path, context):
    (tmp_path / "2024-01-15T01:00:00Z.json").write_text("mine")
    download_all(tab, qtbot, tmp_path)
    qtbot.waitUntil(lambda: bool(tab.findChildren(ExistingFiles)), timeout=20_000)
    assert context.transfers.batches == []
    (dialog,) = tab.findChildren(ExistingFiles)
    assert dialog.windowTitle() == "1 file already exists"
    assert dialog.choice.decision is IfExists.SKIP
    dialog.choice.select(IfExists.IF_SIZE_DIFFERS.value)
    dialog.go.click()
    qtbot.waitUntil(lambda: "downloaded" in tab.banner.text, timeout=20_000)
    assert tab.banner.text.startswith("3 of 3 objects downloaded.")
    assert (tmp_path / "2024-01-15T01:00:00Z.json").read_text() != "mine"


def test_single_files_are_decided_in_the_question(tab, qtbot, tmp_path):
    names = [f"2024-01-15T0{hour}:00:00Z.json" for hour in (0, 1)]
    for name in names:
        (tmp_path / name).write_text("mine")
    download_all(tab, qtbot, tmp_path)
    qtbot.waitUntil(lambda: bool(tab.findChildren(ExistingFiles)), timeout=20_000)
    (dialog,) = tab.findChildren(ExistingFiles)
    assert not dialog.more.isEnabled()
    dialog.model.sort(0, Qt.SortOrder.DescendingOrder)
    dialog.table.selectRow(0)
    dialog.buttons[IfExists.KEEP_BOTH].click()
    decisions = [dialog.model.index(row, DECISION).data() for row in range(2)]
    assert decisions == ["Keep both", "Skip"]
    dialog.choice.select(IfExists.KEEP_BOTH.value)
    assert dialog.model.single == {}, "it no longer differs"
    dialog.choice.select(IfExists.SKIP.value)
    dialog.table.selectRow(1)
    dialog.buttons[IfExists.OVERWRITE].click()
    dialog.follow.click()
    dialog.buttons[IfExists.OVERWRITE].click()
    dialog.go.click()
    qtbot.waitUntil(lambda: "downloaded" in tab.banner.text, timeout=20_000)
    assert (tmp_path / names[0]).read_text() != "mine"
    assert (tmp_path / names[1]).read_text() == "mine"


def download_all(tab, qtbot, folder):
    tab.listing.show(DAY)
    settled(qtbot, tab)
    tab.folder.table.selectAll()
    dialog = opened(qtbot, tab)
    dialog.fileSelected.emit(str(folder))
    dialog.close()


def test_the_menu_offers_what_can_be_done(tab, qtbot):
    tab.folder.select("note.txt")
    menu = tab.object_actions.open_menu(tab, tab.mapToGlobal(tab.rect().center()))
    enabled = [action.text() for action in menu.actions() if action.isEnabled() and action.text()]
    assert enabled[:3] == ["Open", "Preview", "Download…"]
    assert "Delete" in enabled
    menu.close()
    assert tab.object_actions["preview"].shortcut().toString() == "Space"
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Space)
