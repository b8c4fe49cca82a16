"""The window encrypts backups with a key that the user chooses, and retrieves archived ones."""

import json
from uuid import uuid4

from PySide6.QtWidgets import QAbstractButton, QLabel

from core.backup.encryption_keys import key_of
from core.objects.reading import read
from gui.dialogs.confirm import Confirm
from gui.tabs.backups.encryption_dialog import EncryptionDialog
from gui.tabs.backups.models import BackupsModel


def press(banner, text):
    next(b for b in banner.findChildren(QAbstractButton) if b.text() == text).click()


def test_backups_are_encrypted_with_the_chosen_key(qtbot, tab, path, elsewhere):
    name, workspace = f"secret:keys/{uuid4().hex}", tab.context.workspace
    assert tab.tables.encryption.text() == "Not encrypted"
    tab.tables.encryption.click()
    dialog = next(d for d in tab.findChildren(EncryptionDialog) if d.isVisible())
    dialog.field.setText("nonsense")
    dialog.go.click()
    qtbot.waitUntil(lambda: "does not name a key" in dialog.banner.text, timeout=15_000)
    dialog.field.setText(name)
    dialog.go.click()
    qtbot.waitUntil(lambda: "does not exist" in dialog.banner.text, timeout=15_000)
    press(dialog.banner, "Create it")
    qtbot.waitUntil(lambda: tab.tables.encryption.text() == "Encrypted", timeout=15_000)
    assert name in tab.tables.encryption.toolTip()
    assert "Creating a backup key" in [each.change.action for each in tab.context.log.read()]
    key = elsewhere(lambda: key_of(workspace, name))
    tab.tables.select("users")
    qtbot.waitUntil(lambda: not tab.busy, timeout=15_000)
    tab.tables.back_up.click()
    qtbot.waitUntil(lambda: len(tab.backups.model.backups) == 1, timeout=15_000)
    (backup,) = tab.backups.model.backups
    assert backup.encrypted_with == name
    manifest = json.loads(elsewhere(lambda: read(workspace.bucket, backup.key)))
    assert manifest["encryption"]["key_check"] == key.check
    shown = tab.backups.model.index(0, BackupsModel.CHECKED).data()
    assert shown.startswith("encrypted · ")
    # The preview of the selected backup finds the key by itself.
    qtbot.waitUntil(lambda: tab.restoring.preview is not None, timeout=15_000)
    assert tab.restoring.preview.difference.changed == 0
    tab.tables.encryption.click()
    again = next(d for d in tab.findChildren(EncryptionDialog) if d.isVisible())
    assert again.field.text() == name
    again.field.clear()
    again.go.click()
    assert tab.tables.encryption.text() == "Not encrypted"


def test_an_archived_backup_is_retrieved_from_its_error(qtbot, tab, path, elsewhere):
    bucket = tab.context.workspace.bucket
    tab.tables.select("users")
    qtbot.waitUntil(lambda: not tab.busy, timeout=15_000)
    tab.tables.back_up.click()
    qtbot.waitUntil(lambda: len(tab.backups.model.backups) == 1, timeout=15_000)
    qtbot.waitUntil(lambda: not tab.busy and tab.restoring.preview is not None, timeout=15_000)
    key = tab.backups.model.backups[0].key.replace("_manifest.json", "part-00000.jsonl.zst")

    def archive():
        source = {"Bucket": bucket.name, "Key": key}
        bucket.client.copy_object(
            Bucket=bucket.name, Key=key, CopySource=source, StorageClass="GLACIER"
        )

    elsewhere(archive)
    tab.flow.compare()
    qtbot.waitUntil(lambda: "is archived" in tab.banner.text, timeout=15_000)
    press(tab.banner, "Request retrieval…")
    qtbot.waitUntil(lambda: any(d.isVisible() for d in tab.findChildren(Confirm)), timeout=15_000)
    question = next(d for d in tab.findChildren(Confirm) if d.isVisible())
    question.go.click()
    qtbot.waitUntil(lambda: "is in progress" in tab.banner.text, timeout=15_000)
    # moto retrieves at once.
    titles = [label.text() for label in tab.restoring.empty.findChildren(QLabel)]
    assert "This backup is archived" in titles
    tab.restoring.empty.button.click()
    qtbot.waitUntil(lambda: not tab.busy and tab.restoring.preview is not None, timeout=15_000)
