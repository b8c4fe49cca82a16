"""A folder and a prefix are compared, and synchronized after a confirmation."""

import shlex

import pytest
from botocore.exceptions import ClientError
from PySide6.QtWidgets import QLabel

from core.transfer.sync_values import SyncAction, SyncCompare
from gui.tabs.uploads.sync_dialog import SyncChoice, SyncDialog, deletions_text, name_to_type
from gui.tabs.uploads.sync_model import ACTION, NAME, REASON, REFUSED
from tests.gui.uploads.test_uploads_tab import WAIT, plain, put, read


def compare(tab, qtbot, choice):
    dialog = tab.syncing.open(choice)
    dialog.start.click()
    qtbot.waitUntil(lambda: dialog.plan is not None, timeout=WAIT)
    return dialog


def rows(dialog):
    model = dialog.model
    return [
        tuple(model.index(row, column).data() for column in (NAME, ACTION, REASON))
        for row in range(model.rowCount())
    ]


def ended(tab, qtbot):
    qtbot.waitUntil(lambda: not tab.busy and not tab.syncing.busy, timeout=WAIT)


@pytest.fixture
def choice(folder):
    return SyncChoice(str(folder), f"{folder.name}/", delete=True)


def test_the_empty_folder_has_the_focus_first(tab, choice):
    dialog = tab.syncing.open()
    assert dialog.focusWidget() is dialog.folder
    dialog.reject()
    dialog = tab.syncing.open(choice)
    assert dialog.focusWidget() is not dialog.folder
    dialog.reject()


def test_a_prefix_is_made_equal_to_a_folder(tab, bucket, folder, choice, context, qtbot):
    changes = []
    context.changed.connect(changes.append)
    put(bucket, f"{folder.name}/1.json", b"different")
    put(bucket, f"{folder.name}/old.json", b"1")
    dialog = compare(tab, qtbot, choice)
    assert rows(dialog) == [
        ("0.json", "add", "the target does not have it"),
        ("1.json", "replace", "the sizes differ"),
        *((f"{n}.json", "add", "the target does not have it") for n in (2, 3, 4)),
        ("old.json", "delete", "the source does not have it"),
    ]
    assert (
        dialog.summary.text()
        == "4 to add, 1 to replace, 1 to delete, 0 unchanged; 15 B to transfer."
    )
    dialog.filter.select("delete")
    assert [row[0] for row in rows(dialog)] == ["old.json"]
    # The bucket has no versioning, so the deletion is permanent.
    assert not dialog.go_deleting.isEnabled()
    assert "Type the name" in dialog.go_deleting.toolTip()
    dialog.name.field.setText(folder.name)
    assert dialog.go_deleting.text() == "Synchronize and delete 1 file"
    dialog.go_deleting.click()
    ended(tab, qtbot)
    assert "5 files transferred, 15 B; 1 deleted." in tab.banner.text
    assert read(bucket, f"{folder.name}/1.json") == b"[1]"
    with pytest.raises(ClientError):
        read(bucket, f"{folder.name}/old.json")
    assert f"{folder.name}/" in changes[-1].prefixes
    again = compare(tab, qtbot, choice)
    assert again.summary.text() == "Both sides are equal: 5 files."
    assert not again.go.isEnabled()
    again.reject()


def test_a_folder_is_made_equal_to_a_prefix(tab, bucket, folder, qtbot, tmp_path):
    target = tmp_path / "down"
    target.mkdir()
    (target / "extra.txt").write_text("x")
    put(bucket, f"{folder.name}/sub/a.json", b"[7]")
    choice = SyncChoice(
        str(target), folder.name, "download", compare=SyncCompare.SIZE.value, delete=True
    )
    dialog = compare(tab, qtbot, choice)
    assert "Local files are deleted permanently." in dialog.warning.text()
    dialog.name.field.setText("down")
    dialog.go_deleting.click()
    ended(tab, qtbot)
    assert (target / "sub" / "a.json").read_bytes() == b"[7]"
    assert not (target / "extra.txt").exists()


def test_many_deletions_are_only_confirmed_by_a_name_on_a_versioned_bucket(
    tab, bucket, tmp_path, qtbot
):
    client = plain(bucket)
    client.put_bucket_versioning(Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"})
    prefix = f"{tmp_path.name}-many/"
    for number in range(14):
        put(bucket, f"{prefix}{number:02}", b"x")
    source = tmp_path / "source"
    source.mkdir()
    for number in range(3):
        (source / f"{number:02}").write_text("x")
    choice = SyncChoice(str(source), prefix, delete=True)
    dialog = compare(tab, qtbot, choice)
    assert "11 files of 14 would be deleted" in dialog.warning.text()
    assert "restored from the trash" in dialog.warning.text()
    assert name_to_type(dialog.plan) == prefix.rstrip("/")
    assert not dialog.go_deleting.isEnabled()
    dialog.name.field.setText(prefix.rstrip("/"))
    with qtbot.waitSignal(dialog.confirmed) as confirmed:
        dialog.go_deleting.click()
    assert confirmed.args[2] == 11, "exactly these deletions are confirmed"
    ended(tab, qtbot)
    assert "11 deleted" in tab.banner.text
    versions = client.list_object_versions(Bucket=bucket.name, Prefix=prefix)
    assert len(versions["DeleteMarkers"]) == 11
    (source / "02").unlink()
    dialog = compare(tab, qtbot, choice)
    assert not name_to_type(dialog.plan), "one deletion that can be undone needs no name"
    assert dialog.go_deleting.isEnabled()
    dialog.reject()
    client.put_bucket_versioning(
        Bucket=bucket.name, VersioningConfiguration={"Status": "Suspended"}
    )


def test_an_edit_drops_the_plan(tab, folder, choice, qtbot):
    dialog = compare(tab, qtbot, choice)
    assert dialog.go.isEnabled()
    assert not dialog.prefix.isVisible()
    dialog.back.click()
    assert dialog.prefix.isVisible()
    dialog.prefix.setText("elsewhere")
    assert dialog.plan is None
    assert not dialog.go.isEnabled()
    assert dialog.go.reason == "Compare both sides first."
    dialog.start.click()
    dialog.folder.setText("/nowhere")
    qtbot.waitUntil(lambda: not tab.context.runner.bulk_running, timeout=WAIT)
    assert dialog.plan is None, "a plan of other values is not shown"
    dialog.start.click()
    qtbot.waitUntil(lambda: "/nowhere" in dialog.summary.text(), timeout=WAIT)
    dialog.reject()


def test_what_cannot_be_transferred_is_listed(tab, folder, choice, qtbot):
    (folder / "broken").symlink_to(folder / "nowhere")
    dialog = compare(tab, qtbot, choice)
    dialog.filter.select(REFUSED)
    assert [row[:2] for row in rows(dialog)] == [("broken", "excluded")]
    dialog.model.sort(NAME)
    assert dialog.summary.text().endswith("1 file cannot be transferred.")
    dialog.go.click()
    ended(tab, qtbot)
    # The result names it below what was done.
    assert any("broken" in label.text() for label in tab.banner.findChildren(QLabel))


def test_the_last_choice_is_stored_and_its_command_is_equivalent(tab, folder, choice, qtbot):
    dialog = compare(tab, qtbot, choice)
    text = shlex.split(
        tab.syncing._command(str(folder), f"s3://b/{folder.name}/", choice, max_delete=2)
    )
    assert text[:2] == ["strongroom", "sync"]
    for option in ("--delete", "--yes", "--max-delete=2", "--compare=hash"):
        assert option in text
    dialog.reject()
    assert SyncDialog(tab.context, tab)._choice() == choice
    for broken in (None, 3, {"folder": "/x", "unknown": 1}, {"direction": "sideways"}):
        assert SyncChoice.from_setting(broken) == SyncChoice()


def test_a_read_only_profile_may_only_synchronize_to_a_folder(tab, choice, context, qtbot):
    context.lock()
    dialog = compare(tab, qtbot, choice)
    assert "read-only" in dialog.go.toolTip()
    dialog.reject()


def test_plans_without_deletions_have_no_warning(tab, choice, qtbot):
    dialog = compare(tab, qtbot, choice)
    assert dialog.plan.count(SyncAction.DELETE) == 0
    assert deletions_text(dialog.plan) == ""
    dialog.reject()
