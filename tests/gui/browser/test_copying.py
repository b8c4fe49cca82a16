"""Copies, moves and renames from the list of objects: plan, confirmation, result, undo."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from helpers.browser import DAY, active, in_other_thread, names, put, settled
from PySide6.QtCore import Qt

from core.errors import Offline
from core.model.change import Change, ChangeKind
from core.model.connection import KeySource, Profile, ProfileColour
from core.model.objects import Verdict
from core.objects.listing import list_pages
from core.objects.reading import head, read
from core.transfer.relocation import Relocation
from core.transfer.values import IfExists, TransferReport
from core.units import utc_now
from gui.tabs.browser import listing
from gui.tabs.browser.copying_dialog import CopyDialog, CopyTarget, plan_text
from gui.tabs.browser.copying_texts import result_text
from gui.tabs.browser.listing import common_folder

WAIT = 30_000


def keys(bucket, prefix=""):
    return in_other_thread(
        lambda: [key for page in list_pages(bucket, prefix) for key in page.keys]
    )


def pressed(tab, qtbot, key, *selected, modifier=Qt.KeyboardModifier.NoModifier):
    """Select rows and press a key in the list, as a user does."""
    active(tab, qtbot)
    tab.folder.select_all_of(selected)
    tab.folder.table.setFocus()
    qtbot.keyClick(tab.folder.table, key, modifier)


def opened(tab, qtbot, key, *selected, folder, modifier=Qt.KeyboardModifier.NoModifier):
    """Open the dialog, type a folder, and wait for its plan."""
    pressed(tab, qtbot, key, *selected, modifier=modifier)
    dialog = tab.tools.copying.dialog
    dialog.folder.setText(folder)
    qtbot.waitUntil(lambda: dialog.plan is not None and dialog.go.isEnabled(), timeout=WAIT)
    return dialog


def until(qtbot, tab, text):
    qtbot.waitUntil(lambda: text in tab.banner.text, timeout=WAIT)
    settled(qtbot, tab)


def test_what_was_moved_before_a_cancel_is_undone(tab, qtbot, bucket):
    """A cancel of the task hands over the report of the engine, and the move of it is undone."""
    for number in range(300):
        put(bucket, f"many/{number:03}", b"x")
    tab.refresh()
    settled(qtbot, tab)
    opened(tab, qtbot, Qt.Key.Key_F6, "many/", folder="archive/").go.click()
    (task,) = (each for each in tab.context.runner.tasks if each.running and each.bulk)
    qtbot.waitUntil(lambda: bool(task.progress and task.progress.items_done), timeout=WAIT)
    task.cancel()
    until(qtbot, tab, "cancelled.")
    assert " of 300 objects moved to s3://" in tab.banner.text
    active(tab, qtbot)
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    until(qtbot, tab, "moved back")
    back = {key.rpartition("/")[2] for key in keys(bucket, "many/")}
    left = keys(bucket, "archive/")
    # Also those whose answers were lost by the cancel.
    assert (len(back), left) == (300, [])
    tab.tools.copying._on_stopped(SimpleNamespace(move=True), None)
    assert tab.banner.text == "The move was cancelled."


def test_a_folder_and_an_object_are_copied_after_their_plan_was_shown(tab, qtbot, bucket):
    put(bucket, "backup/note.txt", b"old", metadata={"by": "me"})
    dialog = opened(
        tab, qtbot, Qt.Key.Key_F6, "logs/", "note.txt", folder="backup",
        modifier=Qt.KeyboardModifier.ShiftModifier,
    )  # fmt: skip
    assert dialog.plan.targets == ("backup/note.txt", "backup/logs/app.log")
    assert dialog.state.text().startswith("2 objects, 24 B, about 6 requests, less than 0.01 USD")
    assert f"s3://{bucket.name}/backup/: 1 of the new keys already exists" in dialog.state.text()
    assert "backup/note.txt  (exists)" in dialog.names.toPlainText()
    dialog.choice.select(IfExists.OVERWRITE.value)
    dialog.go.click()
    until(qtbot, tab, "copied")
    assert tab.banner.text.startswith(f"2 of 2 objects copied to s3://{bucket.name}/backup/.")
    assert in_other_thread(read, bucket, "backup/note.txt") == b"hello"
    assert {"note.txt", "logs/app.log", "backup/logs/app.log"} <= {*keys(bucket)}


def test_a_move_disappears_from_the_list_and_ctrl_z_brings_it_back(tab, qtbot, bucket):
    before = in_other_thread(head, bucket, "note.txt")
    opened(tab, qtbot, Qt.Key.Key_F6, "note.txt", folder="archive/").go.click()
    until(qtbot, tab, "moved")
    assert "note.txt" not in keys(bucket)
    assert "note.txt" not in names(tab)
    assert "archive/note.txt" in keys(bucket)
    active(tab, qtbot)
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    until(qtbot, tab, "moved back")
    assert "archive/note.txt" not in keys(bucket)
    after = in_other_thread(head, bucket, "note.txt")
    assert (after.version_id, after.modified) == (before.version_id, before.modified)


@pytest.mark.parametrize("bucket", [False], indirect=True)
def test_without_versions_a_move_cannot_be_undone_and_offers_nothing(tab, qtbot, bucket):
    opened(tab, qtbot, Qt.Key.Key_F6, "note.txt", folder="archive/").go.click()
    until(qtbot, tab, "moved")
    assert tab.removal.reason_not_to_undo()
    assert keys(bucket, "archive/") == ["archive/note.txt"]


def test_an_object_is_renamed(tab, qtbot, bucket):
    pressed(tab, qtbot, Qt.Key.Key_F2, "note.txt")
    dialog = tab.tools.copying.name_dialog
    assert dialog.field.text() == "note.txt"
    qtbot.waitUntil(lambda: dialog.field.selectedText() == "note", timeout=WAIT)
    qtbot.keyClicks(dialog.field, "letter")
    dialog.go.click()
    until(qtbot, tab, "moved")
    assert "letter.txt" in keys(bucket)
    assert "note.txt" not in keys(bucket)
    settled(qtbot, tab)
    assert [each.key for each in tab.selected] == ["letter.txt"], "the next key acts on it"


def test_the_blanks_of_a_key_are_no_new_name(tab, qtbot, bucket):
    put(bucket, " blank.txt", b"")
    tab.refresh()
    settled(qtbot, tab)
    pressed(tab, qtbot, Qt.Key.Key_F2, " blank.txt")
    tab.tools.copying.name_dialog.go.click()
    settled(qtbot, tab)
    assert " blank.txt" in keys(bucket)
    assert "blank.txt" not in keys(bucket)


def test_what_is_selected_during_a_rename_stays_selected(tab, qtbot, bucket):
    put(bucket, "other.txt", b"")
    tab.refresh()
    settled(qtbot, tab)
    pressed(tab, qtbot, Qt.Key.Key_F2, "note.txt")
    dialog = tab.tools.copying.name_dialog
    dialog.field.setText("letter.txt")
    dialog.go.click()
    qtbot.waitUntil(lambda: "Moving 1 object" in tab.banner.text, timeout=WAIT)
    assert tab.folder.select("other.txt")
    until(qtbot, tab, "moved")
    settled(qtbot, tab)
    assert [each.key for each in tab.selected] == ["other.txt"]


def test_a_folder_is_renamed_after_a_question_with_its_count(tab, qtbot, bucket):
    pressed(tab, qtbot, Qt.Key.Key_F2, "market-data/")
    dialog = tab.tools.copying.name_dialog
    dialog.field.setText("data")
    dialog.go.click()
    qtbot.waitUntil(lambda: tab.tools.copying.question is not None, timeout=WAIT)
    question = tab.tools.copying.question
    assert question.windowTitle() == "Rename a folder with 3 objects?"
    question.go.click()
    until(qtbot, tab, "moved")
    assert len(keys(bucket, DAY.replace("market-data/", "data/"))) == 3
    assert keys(bucket, "market-data/") == []
    settled(qtbot, tab)
    assert [each.key for each in tab.selected] == ["data/"]


def test_a_rename_never_replaces_an_object(tab, qtbot, bucket):
    put(bucket, "taken.txt", b"precious")
    pressed(tab, qtbot, Qt.Key.Key_F2, "note.txt")
    dialog = tab.tools.copying.name_dialog
    dialog.field.setText("taken.txt")
    dialog.go.click()
    until(qtbot, tab, "taken.txt already exists")
    assert in_other_thread(read, bucket, "taken.txt") == b"precious"
    assert "note.txt" in keys(bucket)


def test_the_present_folder_is_no_target(tab, qtbot):
    pressed(tab, qtbot, Qt.Key.Key_F6, "note.txt")
    dialog = tab.tools.copying.dialog
    qtbot.waitUntil(lambda: "already have these keys" in dialog.state.text(), timeout=WAIT)
    assert not dialog.go.isEnabled()
    dialog.reject()


def test_another_profile_is_a_target_unless_it_is_read_only(tab, qtbot, bucket, workspace):
    connections = tab.context.connections
    target = replace(
        workspace.connection.profile, name="other", source=KeySource.SESSION, bucket=bucket.name
    )
    connections.save(target, workspace.connection.keys)
    locked = Profile("prod", KeySource.ENVIRONMENT, colour=ProfileColour.RED)
    connections.save(locked)
    pressed(
        tab, qtbot, Qt.Key.Key_F6, "logs/", modifier=Qt.KeyboardModifier.ShiftModifier
    )  # fmt: skip
    dialog = tab.tools.copying.dialog
    qtbot.waitUntil(lambda: dialog.profile.count() == 3, timeout=WAIT)
    dialog.profile.setCurrentText("prod")
    qtbot.waitUntil(lambda: "prod does not allow changes" in dialog.state.text(), timeout=WAIT)
    assert not dialog.go.isEnabled()
    dialog.profile.setCurrentText("other")
    dialog.folder.setText("from/")
    qtbot.waitUntil(lambda: dialog.plan is not None and dialog.go.isEnabled(), timeout=WAIT)
    dialog.go.click()
    until(qtbot, tab, "copied")
    assert in_other_thread(read, bucket, "from/logs/app.log") == b"INFO one\nERROR two\n"


def test_the_folder_that_is_common_to_all(qtbot):
    assert common_folder(["a/b/c", "a/b/d/"]) == "a/b/"
    assert common_folder(["a/b/c", "a/bb/d"]) == "a/"
    assert common_folder(["x", "a/y"]) == ""


def test_the_plan_is_described_with_its_price(qtbot):
    plan = Relocation(("a", "b"), ("c", "d"), (1_000_000, 24), ("", ""))
    assert plan_text(plan, CopyTarget("bkt", "to/")) == (
        "2 objects, 1.0 MB, about 6 requests, less than 0.01 USD.\n"
        "To s3://bkt/to/: none of the new keys exists yet."
    )
    many = ("k",) * 10_000
    plan = Relocation(many, many, (1,) * 10_000, many, (0, 1))
    assert plan_text(plan, CopyTarget("bkt", "to/")) == (
        "10,000 objects, 10.0 KB, about 30,000 requests, 0.06 USD.\n"
        "To s3://bkt/to/: 2 of the new keys already exist."
    )


@pytest.mark.parametrize("folder", [" a/", "/", "line\nend/", "a//"])
def test_the_folder_of_a_list_is_the_target_exactly_until_another_one_is_typed(qtbot, folder):
    """Blanks and line ends were removed, so that a drop on “ a/” went to “a/”."""
    dialog = CopyDialog(None, CopyTarget("b", folder), move=True)
    qtbot.addWidget(dialog)
    assert dialog.target.folder == folder
    dialog.folder.setText(" typed ")
    assert dialog.target.folder == "typed/"


def test_a_locked_connection_can_only_be_copied_to_another_profile(qtbot):
    dialog = CopyDialog(None, CopyTarget("b", ""), move=False, locked="It is locked.")
    qtbot.addWidget(dialog)
    plan = Relocation(("a",), ("c",), (1,), ("",))
    dialog.show_plan(dialog.target, plan)
    assert dialog.go.reason == "It is locked."
    dialog.add_profiles(["other"])
    dialog.profile.setCurrentText("other")
    dialog.show_plan(dialog.target, plan)
    assert dialog.go.isEnabled()


def test_a_copy_to_another_profile_names_it():
    report = TransferReport(2, (0, 1), (), (), 2, 1.0, (Verdict.MD5,) * 2)
    text = result_text(CopyTarget("bkt", "to/", "Ceph"), report, move=False)
    assert text.startswith("2 of 2 objects copied to s3://bkt/to/ of the profile Ceph. ")
    text = result_text(CopyTarget("bkt", "to/"), report, move=True)
    assert text.startswith("2 of 2 objects moved to s3://bkt/to/. ")


def test_a_failed_refresh_after_a_change_leaves_the_message_about_the_change(
    tab, qtbot, monkeypatch
):
    tab.listing.show("logs/")
    settled(qtbot, tab)

    def refused(*_arguments):
        raise Offline("The endpoint cannot be reached")

    monkeypatch.setattr(listing, "load_level", refused)
    tab.banner.show_warning("3 of 4 objects copied. 1 object failed.")
    tab._do_change(Change(ChangeKind.OBJECTS, "Copy", "logs/", "browser", utc_now(), ("logs/",)))
    settled(qtbot, tab)
    assert tab.banner.text == "3 of 4 objects copied. 1 object failed."
    assert "could not be refreshed" in tab.folder.age.text()
    tab.refresh()
    settled(qtbot, tab)
    assert tab.banner.text == "The endpoint cannot be reached"
