"""A delete or move that ends without the answers to its last requests is reported and undone."""

import pytest
from helpers.browser import active, in_other_thread, settled
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton

from core.effects import Result, note_attempt
from core.errors import Cancelled, Offline
from core.objects import deleting
from core.objects.deleting import Deleted, DeleteReport, FailedDelete
from core.objects.listing import list_pages
from core.objects.lost_answers import LostAnswers
from core.objects.trash import RestoreReport
from core.objects.undo_delete import LostDeletion, Undoable
from core.objects.versions import list_versions
from core.transfer import copies
from core.transfer.copies import move_objects
from core.transfer.undo_move import UndoReport
from core.transfer.values import TransferCancelled
from gui.tabs.browser import removal
from gui.tabs.browser.copying_texts import undone_texts
from gui.tabs.browser.deletion import Deletion, restore_failure
from gui.tabs.browser.loading import Plan
from gui.tabs.browser.undo_steps import NOTHING_TO_UNDO

WAIT = 30_000
SENT = LostAnswers(1, 0.0, 1.0)


def keys(bucket):
    return in_other_thread(lambda: [key for page in list_pages(bucket, "") for key in page.keys])


def until(qtbot, tab, text):
    qtbot.waitUntil(lambda: text in tab.banner.text, timeout=WAIT)
    settled(qtbot, tab)


def pressed(tab, qtbot, key, *selected, modifier=Qt.KeyboardModifier.NoModifier):
    active(tab, qtbot)
    tab.folder.select_all_of(selected)
    tab.folder.table.setFocus()
    qtbot.keyClick(tab.folder.table, key, modifier)


def undo(tab, qtbot):
    active(tab, qtbot)
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)


def lose_answers(monkeypatch, error, *, arrives=True):
    """Carry requests to delete out, or lose them on the way, and then end with an error."""
    real = deleting._answer_of

    def lost(*arguments):
        if arrives:
            real(*arguments)
        else:
            note_attempt("DeleteObjects", Result.UNKNOWN)
        raise error

    monkeypatch.setattr(deleting, "_answer_of", lost)


@pytest.mark.parametrize("cancelled", [False, True], ids=["lost connection", "cancel"])
def test_a_delete_without_an_answer_is_counted_and_undone(
    tab, qtbot, bucket, monkeypatch, cancelled
):
    lose_answers(monkeypatch, Cancelled("Cancelled") if cancelled else Offline("No answer"))
    pressed(tab, qtbot, Qt.Key.Key_Delete, "note.txt", "logs/")
    until(qtbot, tab, "cancelled" if cancelled else "No answer")
    assert "2 deletions were not answered." in tab.banner.accessibleName()
    assert "An undo inspects these objects" in tab.banner.accessibleName()
    if cancelled:
        text = "The delete was cancelled: 0 of 2 objects moved to the trash. 2 deletions were not"
        assert tab.banner.text.startswith(text)
        (button,) = (
            each for each in tab.banner.findChildren(QPushButton) if each.text().startswith("Undo")
        )
    monkeypatch.undo()
    assert not {"note.txt", "logs/app.log"} & {*keys(bucket)}
    if cancelled:
        button.click()
    else:
        undo(tab, qtbot)
    until(qtbot, tab, "2 objects restored.")
    assert {"note.txt", "logs/app.log"} <= {*keys(bucket)}
    assert tab.removal.reason_not_to_undo() == NOTHING_TO_UNDO


def test_a_delete_that_never_arrived_is_found_out_by_the_undo(tab, qtbot, bucket, monkeypatch):
    before = in_other_thread(list_versions, bucket, "note.txt")
    lose_answers(monkeypatch, Offline("No answer"), arrives=False)
    pressed(tab, qtbot, Qt.Key.Key_Delete, "note.txt")
    until(qtbot, tab, "No answer")
    monkeypatch.undo()
    undo(tab, qtbot)
    until(qtbot, tab, "note.txt had not been deleted.")
    assert in_other_thread(list_versions, bucket, "note.txt") == before


def test_a_repeated_delete_is_undone_together_with_the_one_without_an_answer(
    tab, qtbot, bucket, monkeypatch
):
    lose_answers(monkeypatch, Offline("No answer"))
    pressed(tab, qtbot, Qt.Key.Key_Delete, "note.txt")
    until(qtbot, tab, "No answer")
    monkeypatch.undo()
    assert tab.banner.text == "No answer", "no message about the row that is gone"
    (retry,) = (each for each in tab.banner.findChildren(QPushButton) if each.text() == "Retry")
    retry.click()
    until(qtbot, tab, "moved to the trash")
    assert len(in_other_thread(list_versions, bucket, "note.txt")) == 3
    undo(tab, qtbot)
    until(qtbot, tab, "note.txt restored.")
    assert "note.txt" in keys(bucket)
    assert len(in_other_thread(list_versions, bucket, "note.txt")) == 1


def test_the_deletion_of_another_client_is_left_and_named(tab, qtbot, bucket, monkeypatch):
    lose_answers(monkeypatch, Offline("No answer"))
    pressed(tab, qtbot, Qt.Key.Key_Delete, "note.txt")
    until(qtbot, tab, "No answer")
    monkeypatch.undo()
    in_other_thread(lambda: bucket.client.delete_object(Bucket=bucket.name, Key="note.txt"))
    undo(tab, qtbot)
    until(qtbot, tab, "1 of 1 object could not be restored")
    assert "may be of another client" in tab.banner.accessibleName()
    assert "restore it from the trash" in tab.banner.accessibleName()
    assert "note.txt" not in keys(bucket)


def test_without_a_trash_nothing_is_promised(tab):
    plan = Plan(("a", "b"), (1, 2), (), ('"e"', "f"))
    report = DeleteReport((Deleted("a"),), (), (), ((("a", "b"), SENT),))
    found = Deletion.of(plan, report, permanent=True)
    assert (found.undo, found.permanent) == (Undoable(), True)
    tab.removal._on_delete_stopped(plan, found)
    assert tab.banner.text == (
        "The delete was cancelled: 1 of 2 objects deleted permanently. 1 deletion was not answered."
    )
    assert "Refresh to see which of these objects exist." in tab.banner.accessibleName()
    assert tab.removal.reason_not_to_undo() == NOTHING_TO_UNDO
    # Where it is not known whether there is a trash, a delete marker shows it.
    report = DeleteReport((Deleted("a", "1"),), (), (), ((("a", "b"), SENT),))
    found = Deletion.of(plan, report, permanent=True)
    assert found.undo.lost == (
        LostDeletion("a", "e", 1, SENT, ("1",)), LostDeletion("b", "f", 2, SENT),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("access_denied", "Request s3:ListBucketVersions"),
        ("not_supported", "Refresh"),
        ("VersioningSuspended", "Restore it from the trash"),
        ("DeletedPermanently", "Upload it again"),
        ("Replaced", "Compare the versions"),
        ("InternalError", "Try again"),
    ],
)
def test_what_an_undo_leaves_has_a_remedy(code, remedy):
    failed = FailedDelete("b", code, "Why.")
    error = restore_failure(RestoreReport(("a",), (failed,)))
    assert error.remedy.startswith(remedy)


def test_many_deletions_without_an_answer_are_inspected_by_the_engine(tab, monkeypatch):
    ordered = []
    monkeypatch.setattr(tab, "bulk", lambda *args, **_more: ordered.append(args))
    lost = [LostDeletion(f"k{number}", "e", 1, SENT) for number in range(101)]
    tab.removal.restore([("a", ("1",))], lost)
    arguments = {"objects": [("a", ("1",))], "lost": lost}
    assert ordered[0][1:3] == ("objects.restore_many", arguments)
    assert removal._INSPECTED_IN_THE_WINDOW == 100


def test_a_cancelled_move_is_undone_with_the_deletion_that_was_not_answered(
    tab, qtbot, bucket, workspace, monkeypatch
):
    """The window gets the report of a run in which one answer was lost; the engine undoes it."""
    ordered = {}
    bulk = tab.bulk
    monkeypatch.setattr(
        tab, "bulk", lambda _name, operation, arguments, then=None, **more: ordered.update(
            operation=operation, arguments=arguments, then=then, **more
        ),
    )  # fmt: skip
    pressed(tab, qtbot, Qt.Key.Key_F6, "note.txt", "logs/")
    dialog = tab.tools.copying.dialog
    dialog.folder.setText("archive/")
    qtbot.waitUntil(lambda: dialog.plan is not None and dialog.go.isEnabled(), timeout=WAIT)
    dialog.go.click()
    monkeypatch.setattr(tab, "bulk", bulk)
    assert ordered["operation"] == "transfer.move"
    real = copies.delete_unchanged

    def lost(*arguments, **more):
        real(*arguments, **more)
        raise Cancelled("Cancelled")

    monkeypatch.setattr(copies, "delete_unchanged", lost)
    with pytest.raises(TransferCancelled) as cancelled:
        in_other_thread(move_objects, workspace, **ordered["arguments"])
    monkeypatch.undo()
    report = cancelled.value.partial
    assert report.unanswered
    ordered["stopped"](report)
    assert report.unanswered_text() in tab.banner.text
    assert "An undo inspects these objects" in tab.banner.accessibleName()
    assert not {"note.txt", "logs/app.log"} <= {*keys(bucket)}
    undo(tab, qtbot)
    until(qtbot, tab, f"{len(report.unanswered)} object")
    until(qtbot, tab, "moved back.")
    assert {"note.txt", "logs/app.log"} <= {*keys(bucket)}
    assert not [key for key in keys(bucket) if key.startswith("archive/")]


def test_the_undo_of_a_move_names_what_was_never_removed():
    assert undone_texts(UndoReport(("a",), (), ("b", "c"))) == (
        "1 object moved back. 2 objects had not been removed.", "",
    )  # fmt: skip
    failed = FailedDelete("b", "NoSuchVersion", "Gone")
    assert undone_texts(UndoReport((), (failed,), (), ())) == (
        "0 objects moved back. 1 could not be restored; 0 copies could not be removed.",
        "First b: Gone",
    )
