"""A permanent delete of the window spares what was stored after its question was asked."""

from types import SimpleNamespace

import pytest
from helpers.browser import active, in_other_thread, put, settled
from helpers.s3_servers import make_bucket
from PySide6.QtCore import Qt

from core.aws.clients import ClientFactory
from core.objects.bucket import Bucket
from core.objects.deleting import DeleteReport, FailedDelete
from core.objects.level import list_level
from gui.tabs.browser import deletion, removal
from gui.tabs.browser.undo_steps import NOTHING_TO_UNDO

WAIT = 20_000


def keys(bucket, prefix=""):
    return [row.key for row in in_other_thread(list_level, bucket, prefix).objects]


def press_delete(tab, qtbot, *keys):
    """Select rows and press Del in the list, as a user does."""
    active(tab, qtbot)
    tab.folder.select_all_of(keys)
    tab.folder.table.setFocus()
    qtbot.keyClick(tab.folder.table, Qt.Key.Key_Delete)


@pytest.mark.parametrize("bucket", [False], indirect=True)
def test_what_is_stored_while_the_question_is_open_is_not_deleted(tab, qtbot, bucket):
    press_delete(tab, qtbot, "market-data/", "note.txt")
    qtbot.waitUntil(lambda: tab.removal.question is not None, timeout=20_000)
    question = tab.removal.question
    in_other_thread(put, bucket, "note.txt", b"of another client")
    question.field.setText(bucket.name)
    question.go.click()
    qtbot.waitUntil(lambda: "could not" in tab.banner.text, timeout=20_000)
    settled(qtbot, tab)
    assert tab.banner.text == "1 of 4 objects could not be deleted"
    assert keys(bucket) == ["note.txt"]


@pytest.mark.parametrize("bucket", [False, True], indirect=True)
def test_what_arrives_in_a_deleted_folder_is_named_and_stays(tab, qtbot, bucket, monkeypatch):
    plan = removal.plan_of

    def planned(*arguments):
        found = plan(*arguments)
        put(bucket, "market-data/arrived", b"new")
        return found

    monkeypatch.setattr(removal, "plan_of", planned)
    press_delete(tab, qtbot, "market-data/")
    versioned = in_other_thread(removal.versioning, bucket)
    if not versioned:
        qtbot.waitUntil(lambda: tab.removal.question is not None, timeout=20_000)
        tab.removal.question.field.setText("market-data")
        tab.removal.question.go.click()
    text = "3 objects deleted. 1 object stored in the meantime and not deleted."
    qtbot.waitUntil(lambda: tab.banner.text == text, timeout=20_000)
    settled(qtbot, tab)
    assert keys(bucket, "market-data/") == ["market-data/arrived"]


def test_an_error_states_how_many_objects_it_does_not_name():
    failed = tuple(FailedDelete(f"k{number}", "InternalError", "m") for number in range(1_002))
    lines = deletion.delete_failure(DeleteReport((), failed)).details.splitlines()
    assert (len(lines), lines[-1]) == (1_001, "and 2 objects more")


class TestSuspendedVersioning:
    """SeaweedFS, since the demo server does not model the version "null"."""

    @pytest.fixture
    def bucket(self, seaweed):
        def made():
            client = seaweed.client()
            name = make_bucket(client)
            for status in ("Enabled", "Suspended"):
                state = {"Status": status}
                client.put_bucket_versioning(Bucket=name, VersioningConfiguration=state)
            for key in ("note.txt", "two.txt"):
                client.put_object(Bucket=name, Key=key, Body=key.encode())
            client.close()
            return Bucket(ClientFactory(seaweed.connection(name)), name)

        bucket = in_other_thread(made)
        yield bucket
        bucket.clients.close()

    @pytest.fixture
    def workspace(self, bucket):
        connection = bucket.clients.connection
        return SimpleNamespace(
            bucket=bucket, clients=bucket.clients, profile=connection.profile,
            connection=connection, set_unlocked=bucket.clients.set_unlocked, close=lambda: None,
        )  # fmt: skip

    def test_a_delete_is_described_as_permanent_before_and_after_it(self, tab, qtbot, bucket):
        press_delete(tab, qtbot, "two.txt")
        qtbot.waitUntil(lambda: tab.removal.question is not None, timeout=WAIT)
        question = tab.removal.question
        assert question.windowTitle() == "Delete two.txt permanently?"
        question.field.setText("two.txt")
        question.go.click()
        qtbot.waitUntil(lambda: tab.banner.text == "two.txt deleted permanently.", timeout=WAIT)
        settled(qtbot, tab)
        assert keys(bucket) == ["note.txt"]
        assert tab.removal.reason_not_to_undo() == NOTHING_TO_UNDO

    def test_a_move_cannot_be_undone_and_its_copy_stays(self, tab, qtbot, bucket):
        active(tab, qtbot)
        tab.folder.select_all_of(["note.txt"])
        tab.folder.table.setFocus()
        qtbot.keyClick(tab.folder.table, Qt.Key.Key_F6)
        dialog = tab.tools.copying.dialog
        dialog.folder.setText("archive/")
        qtbot.waitUntil(lambda: dialog.plan is not None and dialog.go.isEnabled(), timeout=WAIT)
        dialog.go.click()
        qtbot.waitUntil(lambda: "1 of 1 object moved" in tab.banner.text, timeout=WAIT)
        settled(qtbot, tab)
        assert tab.removal.reason_not_to_undo() == NOTHING_TO_UNDO
        active(tab, qtbot)
        qtbot.keyClick(tab.folder.table, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        settled(qtbot, tab)
        assert keys(bucket, "archive/") == ["archive/note.txt"]
