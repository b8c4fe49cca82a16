"""The options of uploads are chosen in a dialog and apply to every object."""

import gzip
import shlex

from core.model.upload_options import Checksum, Compression, Encryption, UploadOptions
from gui.tabs.uploads.options_dialog import UploadOptionsDialog, options_text
from tests.gui.uploads.test_uploads_tab import WAIT, ended, plain, plan, read

CHOSEN = UploadOptions(
    "STANDARD_IA",
    (("team", "desk 4"), ("year", "2024")),
    (("source", "import"),),
    compression=Compression.GZIP,
    checksum=Checksum.SHA256,
)


def test_every_object_has_the_chosen_options(tab, bucket, folder, qtbot):
    plan(tab, qtbot, folder)
    tab.form.set_options(CHOSEN)
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    assert tab.form.plan.plan.keys[0] == f"{folder.name}/0.json.gz", "a new plan has the extension"
    tab.form.plan.start.click()
    batch = ended(tab, qtbot)
    key = f"{folder.name}/3.json.gz"
    found = plain(bucket).head_object(Bucket=bucket.name, Key=key)
    tags = plain(bucket).get_object_tagging(Bucket=bucket.name, Key=key)["TagSet"]
    assert gzip.decompress(read(bucket, key)) == b"[3]"
    assert found["StorageClass"] == "STANDARD_IA"
    assert found["Metadata"]["source"] == "import"
    assert {tag["Key"]: tag["Value"] for tag in tags} == dict(CHOSEN.tags)
    text = shlex.split(batch.command)
    for option in ("--storage-class=STANDARD_IA", "--compress=gzip", "--checksum=SHA256",
                   "--tag=team=desk 4", "--tag=year=2024", "--metadata=source=import"):  # fmt: skip
        assert option in text


def test_the_fields_show_and_return_the_options(tab):
    for options in (
        UploadOptions(),
        CHOSEN,
        UploadOptions("CUSTOM_CLASS", encryption=Encryption.S3),
    ):
        dialog = UploadOptionsDialog(tab, options)
        dialog.go.click()
        assert dialog.options == options
    dialog = UploadOptionsDialog(tab, CHOSEN)
    dialog._on_reset()
    dialog.go.click()
    assert dialog.options == UploadOptions()


def test_a_key_of_kms_needs_its_encryption(tab):
    dialog = UploadOptionsDialog(tab, UploadOptions(encryption=Encryption.KMS, kms_key="alias/x"))
    assert dialog.kms_key.isEnabled()
    dialog.encryption.setCurrentIndex(0)
    assert not dialog.kms_key.isEnabled()
    assert "SSE-KMS" in dialog.kms_key.toolTip()
    dialog.go.click()
    assert dialog.options == UploadOptions()


def test_what_s3_refuses_is_explained_before_a_file_is_sent(tab):
    for field, text, problem in (
        ("tags", "team", "no name and value"),
        ("tags", "aws:x=1", "cannot be stored"),
        ("metadata", "name=ü", "printable ASCII"),
        ("metadata", "my name=1", "neither spaces"),
        ("metadata", "sha256=1", "cannot be set"),
    ):
        dialog = UploadOptionsDialog(tab, UploadOptions())
        dialog.show()
        getattr(dialog, field).setPlainText(text)
        dialog.go.click()
        assert problem in dialog.problem.text()
        assert dialog.isVisible()
        dialog.close()


def test_the_options_are_shown_as_text():
    assert options_text(UploadOptions()) == ""
    assert options_text(CHOSEN) == "Standard-IA, gzip, SHA256, 2 tags, 1 metadata value"
