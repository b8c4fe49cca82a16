"""Secrets that another client changes or deletes while they are shown or edited."""

from datetime import UTC, datetime

import pytest
from helpers.credentials import DATABASE, STORAGE, opened, settled
from helpers.geometry import cut_cells
from PySide6.QtWidgets import QApplication, QDialog

from core.errors import ScheduledForDeletion
from core.model.secrets import SecretInfo
from gui.dialogs.confirm import Confirm
from gui.tabs.credentials.secrets.edit_conflict import EditConflict
from gui.tabs.credentials.secrets.secret_view import SecretView

DELETED = SecretInfo("s", deleted=datetime(2026, 12, 7, tzinfo=UTC))


@pytest.fixture
def edited(tab, qtbot):
    """The tab with an unsaved change of a port."""
    row = next(row for row in tab.secret.editor.form.fields if row.row.key == "port")
    row.field.line.selectAll()
    qtbot.keyClicks(row.field.line, "6543")
    assert tab.secret.name == DATABASE
    return tab


def reload(tab, qtbot):
    tab.refresh()
    settled(qtbot, tab)


def dialogs():
    found = QApplication.topLevelWidgets()
    return [each for each in found if isinstance(each, QDialog) and each.isVisible()]


def test_a_read_that_ends_after_the_deletion_was_shown_leaves_the_button_to_restore(qtbot):
    view = SecretView()
    qtbot.addWidget(view)
    view.show_loading("s")
    view.show_deleted(DELETED)
    view.show_failed("s", ScheduledForDeletion("s is scheduled for deletion"))
    assert view.empty.button.text() == "Restore secret"
    with qtbot.waitSignal(view.restore_clicked):
        view.empty.button.click()


def test_a_secret_that_was_deleted_after_it_was_listed_can_be_restored(tab, qtbot, server):
    server.delete_secret(SecretId=STORAGE, RecoveryWindowInDays=7)
    tab.secrets.choose(STORAGE)
    settled(qtbot, tab)
    tab.secret.empty.button.click()
    settled(qtbot, tab)
    assert "was restored" in tab.banner.text
    assert tab.secret.value.name == STORAGE


def test_a_deleted_secret_cannot_be_restored_with_a_locked_profile(qtbot):
    view = SecretView()
    qtbot.addWidget(view)
    view.set_locked("Locked.")
    view.show_deleted(DELETED)
    assert not view.empty.button.isEnabled()
    view.show_failed("other", ScheduledForDeletion("other is scheduled for deletion"))
    assert not view.empty.button.isEnabled()
    view.set_locked("")
    assert view.empty.button.isEnabled()


def test_the_restore_of_a_secret_that_is_being_edited_preserves_the_changes(edited, qtbot, server):
    server.delete_secret(SecretId=DATABASE, RecoveryWindowInDays=7)
    reload(edited, qtbot)
    assert not dialogs()
    assert "was scheduled for deletion by another client" in edited.banner.text
    edited.banner._on_action()
    settled(qtbot, edited)
    assert "was restored" in edited.banner.text
    assert edited.secret.dirty
    assert '"port": "6543"' in edited.secret.editor.text
    edited.secret.save.click()
    opened(qtbot, edited, Confirm).go.click()
    settled(qtbot, edited)
    assert "6543" in server.get_secret_value(SecretId=DATABASE)["SecretString"]


def test_a_secret_that_is_deleted_while_it_is_edited_stays_selected(edited, qtbot, server):
    server.delete_secret(SecretId=DATABASE, ForceDeleteWithoutRecovery=True)
    reload(edited, qtbot)
    assert not dialogs()
    assert "was deleted by another client while you were editing it" in edited.banner.text
    assert edited.secrets.current.name == DATABASE
    assert edited.secret.dirty
    edited.secret.revert.click()
    reload(edited, qtbot)
    assert edited.secrets.current.name == STORAGE
    assert edited.secret.name == STORAGE


def test_a_filter_that_hides_the_edited_secret_asks_nothing_until_another_is_selected(
    edited, qtbot
):
    for text in ("s3-storage", "nothing", "s3-storage"):
        edited.secrets.filter.setText(text)
        reload(edited, qtbot)
        assert not dialogs()
        assert edited.secrets.current is None
        assert edited.secret.dirty
    edited.secrets.choose(STORAGE)
    opened(qtbot, edited, Confirm).cancel.click()
    assert not dialogs()
    assert edited.secrets.filter.text() == ""
    assert edited.secrets.current.name == DATABASE


@pytest.mark.parametrize("width", [1100, 1280])
def test_the_state_of_a_secret_that_was_deleted_later_is_shown_completely(
    tab, qtbot, server, width
):
    tab.resize(width, 560)
    server.delete_secret(SecretId=DATABASE, RecoveryWindowInDays=7)
    reload(tab, qtbot)
    assert (
        tab.secrets.model.index(tab.secrets.model.row_of(DATABASE), 2).data() == "deleted in 7 days"
    )
    qtbot.waitUntil(lambda: cut_cells(tab.secrets, moments=False) == [])


def test_the_message_about_unsaved_changes_goes_with_them(edited, qtbot, server):
    server.put_secret_value(SecretId=DATABASE, SecretString='{"host": "theirs"}')
    reload(edited, qtbot)
    edited.secret.save.click()
    opened(qtbot, edited, Confirm).go.click()
    opened(qtbot, edited, EditConflict).load.click()
    settled(qtbot, edited)
    assert edited.banner.text == ""
    assert edited.versions.model.rowCount() == 2


def test_a_secret_that_another_client_deleted_while_it_was_shown_is_named(tab, qtbot, server):
    assert tab.secret.name == DATABASE
    server.delete_secret(SecretId=DATABASE, ForceDeleteWithoutRecovery=True)
    reload(tab, qtbot)
    assert f"{DATABASE} is no longer listed" in tab.banner.text
    assert tab.secret.name == STORAGE


def test_a_secret_that_was_deleted_here_is_not_reported_twice(tab, qtbot):
    tab.actions_on_secret._delete(DATABASE, 7, force=True)
    settled(qtbot, tab)
    assert tab.banner.text == f"{DATABASE} was deleted."
    reload(tab, qtbot)
    assert "no longer listed" not in tab.banner.text
