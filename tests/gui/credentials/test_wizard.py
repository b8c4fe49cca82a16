import json

import boto3
import pytest
from helpers.aws import CANARY
from helpers.credentials import STORAGE, opened
from helpers.keyrings import RefusingKeyring, allow
from helpers.stub_sts import MFA_ROLE
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from core.local.vault import Vault
from core.model.connection import KeySource
from gui.dialogs.confirm import Confirm
from gui.dialogs.mfa import MfaForm
from gui.dialogs.wizard import Wizard


@pytest.fixture
def wizard(qtbot, context, server):
    window = QWidget()
    qtbot.addWidget(window)
    window.show()
    made = Wizard(context, window)
    made.open()
    qtbot.waitUntil(lambda: not context.runner.busy)
    yield made
    for dialog in window.findChildren(QDialog):
        dialog.reject()
    window.close()


def fill(qtbot, wizard):
    wizard.connect_aws.click()
    qtbot.keyClicks(wizard.form.name, "main")
    qtbot.keyClicks(wizard.form.key_id, "AKIAMAINKEY")
    qtbot.keyClicks(wizard.form.secret_key.line, CANARY)


def secret_on(server):
    return json.loads(server.get_secret_value(SecretId=STORAGE)["SecretString"])


def test_one_click_leads_into_the_demo(wizard, qtbot, context):
    with qtbot.waitSignal(wizard.demo_chosen):
        wizard.demo.click()
    assert context.connections.profiles.list() == ()


def test_keys_are_tested_stored_read_back_and_only_then_kept(
    wizard, qtbot, context, server, keyring
):
    server.delete_secret(SecretId=STORAGE, ForceDeleteWithoutRecovery=True)
    fill(qtbot, wizard)
    assert wizard.test.isEnabled()
    wizard.test.click()
    qtbot.waitUntil(wizard.finish.isEnabled, timeout=8000)
    for step in ("Find the bucket", "Upload a test object", "Read the secret back"):
        assert wizard.steps.state(step) == "good"
    assert secret_on(server)["aws_access_key_id"] == "AKIAMAINKEY"
    assert any(CANARY in text for text in keyring.entries.values())
    assert "Contents" not in boto3.client("s3", "us-east-1").list_objects_v2(Bucket="tentimecrypto")  # noqa: TID251 - another program's look
    with qtbot.waitSignal(wizard.connected) as connected:
        wizard.finish.click()
    assert connected.args[0] == context.connections.connect("main")


def test_a_failing_step_is_shown_and_nothing_is_kept(wizard, qtbot, context, keyring):
    fill(qtbot, wizard)
    wizard.form.bucket.setText("no-such-bucket")
    wizard.test.click()
    qtbot.waitUntil(wizard.banner.isVisible, timeout=8000)
    assert "does not exist" in wizard.banner.text
    assert wizard.steps.state("Find the bucket") == "failed"
    assert not wizard.finish.isEnabled()
    assert keyring.entries == {}
    assert context.connections.profiles.list() == ()
    wizard.back.click()
    assert wizard.form.bucket.isVisible()


def test_the_platform_s_keys_are_not_replaced_without_a_question(wizard, qtbot, server):
    before = secret_on(server)
    fill(qtbot, wizard)
    wizard.test.click()
    qtbot.waitUntil(wizard.finish.isEnabled, timeout=8000)
    assert secret_on(server) == before
    assert "other keys" in wizard.banner.text
    wizard.banner._on_action()
    opened(qtbot, wizard, Confirm).go.click()
    qtbot.waitUntil(wizard.finish.isEnabled, timeout=8000)
    assert secret_on(server)["aws_access_key_id"] == "AKIAMAINKEY"


def test_without_a_keyring_the_keys_are_kept_for_the_session_and_it_says_so(
    wizard, qtbot, context, monkeypatch
):
    allow(monkeypatch, RefusingKeyring)
    context.connections.vault = Vault(RefusingKeyring(OSError("no D-Bus")))
    fill(qtbot, wizard)
    wizard.test.click()
    qtbot.waitUntil(lambda: "keyring" in wizard.banner.text, timeout=8000)
    assert not wizard.finish.isEnabled()
    wizard.banner._on_action()
    qtbot.waitUntil(wizard.finish.isEnabled, timeout=8000)
    assert context.connections.profiles.get("main").source is KeySource.SESSION


def test_a_role_that_wants_a_code_asks_once_for_test_and_connection(wizard, qtbot, tmp_path):
    (tmp_path / "aws-config").write_text(MFA_ROLE)
    wizard.connect_aws.click()
    qtbot.keyClicks(wizard.form.name, "main")
    wizard.form.source.setCurrentIndex(wizard.form.source.findData(KeySource.AWS_PROFILE))
    wizard.form.aws_profile.setCurrentText("team")
    wizard.test.click()

    def forms():
        return [
            w for w in QApplication.topLevelWidgets() if isinstance(w, MfaForm) and w.isVisible()
        ]

    qtbot.waitUntil(lambda: bool(forms()))
    forms()[0].code.setText("123456")
    forms()[0].go.click()
    qtbot.waitUntil(wizard.finish.isEnabled, timeout=8000)
    with qtbot.waitSignal(wizard.connected) as connected:
        wizard.finish.click()
    assert connected.args[0].keys.session_token is not None
    assert connected.args[0].keys.expires is not None
