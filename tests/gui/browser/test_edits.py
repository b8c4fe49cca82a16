"""Properties of several objects and of folders are changed together, with a plan, and undone."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from helpers.browser import active, in_other_thread, put, settled
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from core.errors import ErrorKind
from core.objects.deleting import delete
from core.objects.properties import read_properties
from core.objects.property_edits import PropertyEdit
from core.objects.trash import RestoreReport
from core.transfer.edited import EditedObject, EditReport
from core.transfer.property_edits import edit_properties
from core.transfer.values import Failure
from gui.tabs.browser.edits import edit_failure, result_text
from gui.tabs.browser.properties_dialog import consequence

WAIT = 30_000


def properties_of(bucket, key="note.txt"):
    return in_other_thread(read_properties, bucket, key)


def until(qtbot, tab, text):
    qtbot.waitUntil(lambda: text in tab.banner.text, timeout=WAIT)
    settled(qtbot, tab)


def opened(tab, qtbot, *selected):
    """Open the dialog for rows and wait for its plan."""
    active(tab, qtbot)
    tab.folder.select_all_of(selected)
    tab.folder.table.setFocus()
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Return, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: tab.tools.edits.dialog is not None, timeout=WAIT)
    dialog = tab.tools.edits.dialog
    qtbot.waitUntil(lambda: "object" in dialog.state.text(), timeout=WAIT)
    qtbot.waitUntil(lambda: "Listing" not in dialog.state.text(), timeout=WAIT)
    return dialog


def choose(dialog, name, change, value=""):
    (header,) = (each for each in dialog.headers if each.name == name)
    header.choice.setCurrentText(change)
    header.value.setText(value)


def test_a_change_of_a_folder_and_an_object_is_planned_made_and_undone(tab, qtbot, bucket):
    before = [properties_of(bucket, key) for key in ("note.txt", "logs/app.log")]
    dialog = opened(tab, qtbot, "note.txt", "logs/")
    assert dialog.state.text() == "2 objects, 24 B."
    assert not dialog.go.isEnabled()
    choose(dialog, "Content-Type", "Set to", "text/markdown")
    choose(dialog, "Cache-Control", "Remove")
    dialog.metadata.setPlainText("team=desk")
    dialog.removed_tags.setText("old, older")
    assert dialog.changes.text().splitlines() == [
        "In each of 2 objects, about 22 requests, less than 0.01 USD:",
        "Content-Type is set to text/markdown.",
        "Cache-Control is removed.",
        "Metadata team is set to desk.",
        "Tag old is removed.",
        "Tag older is removed.",
    ]
    assert "the former one stays" in dialog.effect.text()
    dialog.go.click()
    until(qtbot, tab, "2 of 2 objects changed and read back.")
    for old, key in zip(before, ("note.txt", "logs/app.log"), strict=True):
        now = properties_of(bucket, key)
        assert now.headers["Content-Type"] == "text/markdown"
        assert now.metadata == {**old.metadata, "team": "desk"}
    active(tab, qtbot)
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    until(qtbot, tab, "Properties of 2 objects restored.")
    assert [properties_of(bucket, key) for key in ("note.txt", "logs/app.log")] == before


@pytest.mark.parametrize("bucket", [False], indirect=True)
def test_failures_are_listed_and_retried_alone_and_a_loss_is_announced(tab, qtbot, bucket):
    put(bucket, "gone.txt", b"1")
    tab.refresh()
    settled(qtbot, tab)
    dialog = opened(tab, qtbot, "note.txt", "gone.txt")
    dialog.storage_class.setCurrentIndex(dialog.storage_class.findData("STANDARD_IA"))
    assert "This bucket has no versions, so this cannot be undone." in dialog.effect.text()
    assert dialog.effect.property("tone") == "warning"
    assert (
        dialog.summary.text()
        == "about 16 requests, less than 0.01 USD. The former state may be lost."
    )
    in_other_thread(delete, bucket, "gone.txt")
    dialog.go.click()
    until(qtbot, tab, "1 of 2 objects changed and read back. 1 failed")
    assert properties_of(bucket).storage_class == "STANDARD_IA"
    assert tab.removal.reason_not_to_undo()
    put(bucket, "gone.txt", b"1")
    settled(qtbot, tab)
    (retry,) = (each for each in tab.banner.findChildren(QPushButton) if each.text() == "Retry")
    retry.click()
    until(qtbot, tab, "1 of 1 object changed and read back.")
    assert properties_of(bucket, "gone.txt").storage_class == "STANDARD_IA"


def test_values_are_required_and_a_locked_profile_changes_nothing(tab, qtbot, context):
    context.lock()
    dialog = opened(tab, qtbot, "note.txt", "logs/")
    choose(dialog, "Content-Type", "Set to")
    assert "Content-Type has no value" in dialog.changes.text()
    choose(dialog, "Content-Type", "Set to", "text/csv")
    assert not dialog.go.isEnabled()
    assert "read-only" in dialog.go.reason
    dialog.reject()


def test_what_was_changed_before_a_cancel_is_shown_and_undone(tab, qtbot, bucket):
    before = properties_of(bucket)
    edits = tab.tools.edits
    edit = PropertyEdit(tags=(("team", "desk"),))
    changed = in_other_thread(
        edit_properties, SimpleNamespace(bucket=bucket), keys=["note.txt"], edit=edit
    )
    report = replace(changed, cancelled=("logs/app.log",))
    edits._on_stopped(edit, (report, report.undoable))
    assert tab.banner.text == "1 of 2 objects changed and read back. 1 cancelled."
    active(tab, qtbot)
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    until(qtbot, tab, "Properties of 1 object restored.")
    assert properties_of(bucket) == before
    edits._on_stopped(edit, None)
    assert tab.banner.text == "The change of properties was cancelled."


def test_a_task_that_is_cancelled_hands_over_its_result_so_far(tab, qtbot):
    """The result passes through the engine process and the task, also if the undo is cancelled."""
    edits, many = tab.tools.edits, [f"none/{number}" for number in range(3_000)]
    edits._start(["note.txt", *many], PropertyEdit(tags=(("team", "desk"),)))
    (task,) = (each for each in tab.context.runner.tasks if each.running and each.bulk)
    qtbot.waitUntil(lambda: task.progress is not None, timeout=WAIT)
    task.cancel()
    until(qtbot, tab, "of 3,001 objects changed and read back.")
    assert "cancelled" in tab.banner.text
    assert "The same change again completes it" in tab.banner.accessibleName()
    edited = (EditedObject("a"), EditedObject("b"))
    edits._on_undo_stopped(edited, RestoreReport(("a",), ()))
    assert tab.banner.text == "The undo was cancelled; 1 object left."
    assert tab.removal.reason_not_to_undo() == ""


def test_the_result_names_every_failure():
    failed = tuple(
        Failure(number, f"k{number}", ErrorKind.ACCESS_DENIED, "Denied", "No right.")
        for number in range(2_000)
    )
    report = EditReport((EditedObject("a"),), ("b",), failed, (EditedObject("k7", "1"),))
    text = result_text(report)
    assert text == (
        "1 of 2,002 objects changed and read back. 1 already had these properties. 2,000 failed."
    )
    details = edit_failure(report, text).details.splitlines()
    assert len(details) == 2_000
    assert details[7] == "k7: No right (changed in part)"


@pytest.mark.parametrize(
    ("copies", "versioned", "version", "part", "lost"),
    [
        (True, True, "1", "the former one stays", False),
        (True, False, "", "cannot be undone", True),
        (True, False, "1", "Versioning is suspended", False),
        (True, None, "", "is unknown", True),
        (False, False, "", "Tags are replaced in place", False),
    ],
)
def test_what_remains_of_the_former_state_is_stated(copies, versioned, version, part, lost):
    text, is_lost = consequence(copies=copies, versioned=versioned, version=version)
    assert part in text
    assert is_lost is lost
