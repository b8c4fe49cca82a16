"""The setup dialog tests keys, stores them, and opens the connection or the demo."""

import json
import os

import boto3
import pytest
from helpers.aws import CANARY
from helpers.credentials import STORAGE, opened
from helpers.keyrings import RefusingKeyring, allow
from helpers.stub_sts import MFA_ROLE
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QScrollArea, QWidget

from core.local.vault import Vault
from core.model.connection import KeySource
from core.storage.setup import SECRET_STEPS, TEST_STEPS
from gui.dialogs.confirm import Confirm
from gui.dialogs.mfa import MfaForm
from gui.dialogs.wizard import CHOICE_SETTING, DEMO_CHOICE, Wizard


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


def test_keys_are_tested_stored_read_back_and_only_then_stored(
    wizard, qtbot, context, server, keyring
):
    server.delete_secret(SecretId=STORAGE, ForceDeleteWithoutRecovery=True)
    fill(qtbot, wizard)
    assert wizard.test.isEnabled()
    wizard.test.click()
    qtbot.waitUntil(wizard.finish.isEnabled)
    # The steps that are listed before the test are those that it reports.
    steps = [*TEST_STEPS, *SECRET_STEPS, "Store the profile"]
    assert [(step, wizard.steps.state(step)) for step in wizard.steps._parts] == [
        (step, "good") for step in steps
    ]
    assert secret_on(server)["aws_access_key_id"] == "AKIAMAINKEY"
    assert any(CANARY in text for text in keyring.entries.values())
    assert "Contents" not in boto3.client("s3", "us-east-1").list_objects_v2(Bucket="tentimecrypto")  # noqa: TID251 - another program's look
    with qtbot.waitSignal(wizard.connected) as connected:
        wizard.finish.click()
    assert connected.args[0] == context.connections.connect("main")


def test_a_failing_step_is_shown_and_nothing_is_stored(wizard, qtbot, context, keyring):
    fill(qtbot, wizard)
    wizard.form.bucket.setText("no-such-bucket")
    wizard.test.click()
    qtbot.waitUntil(wizard.banner.isVisible)
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
    qtbot.waitUntil(wizard.finish.isEnabled)
    assert secret_on(server) == before
    assert "different keys" in wizard.banner.text
    wizard.banner._on_action()
    opened(qtbot, wizard, Confirm).go.click()
    qtbot.waitUntil(wizard.finish.isEnabled)
    assert secret_on(server)["aws_access_key_id"] == "AKIAMAINKEY"


def test_without_a_keyring_the_keys_are_stored_for_the_session_and_it_says_so(
    wizard, qtbot, context, monkeypatch
):
    allow(monkeypatch, RefusingKeyring)
    context.connections.vault = Vault(RefusingKeyring(OSError("no D-Bus")))
    fill(qtbot, wizard)
    wizard.test.click()
    qtbot.waitUntil(lambda: "keyring" in wizard.banner.text)
    assert not wizard.finish.isEnabled()
    wizard.banner._on_action()
    qtbot.waitUntil(wizard.finish.isEnabled)
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
    qtbot.waitUntil(wizard.finish.isEnabled)
    with qtbot.waitSignal(wizard.connected) as connected:
        wizard.finish.click()
    assert connected.args[0].keys.session_token is not None
    assert connected.args[0].keys.expires is not None


@pytest.fixture
def no_variables(server, monkeypatch):
    """A terminal without AWS variables; those of the test server are gone."""
    with monkeypatch.context() as gone:  # the server takes its own away at the end
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            gone.delenv(name)
        yield


@pytest.fixture
def variables(no_variables, monkeypatch):
    """The AWS variables of a terminal."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAFROMTERMINAL")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")


def test_variables_that_are_set_are_offered_and_fill_the_form(variables, wizard):
    assert wizard.environment.isVisible()
    said = " ".join(label.text() for label in wizard.findChildren(QLabel))
    assert "AWS_ACCESS_KEY_ID AKIAFROMTERMINAL, AWS_REGION eu-west-1" in said
    assert CANARY not in said
    wizard.environment.click()
    profile = wizard.form.profile
    assert (profile.source, profile.region, profile.name) == (
        KeySource.ENVIRONMENT,
        "eu-west-1",
        "environment",
    )
    assert wizard.test.isEnabled()


def test_without_variables_nothing_is_offered_of_them(no_variables, wizard):
    assert not wizard.environment.isVisible()


def test_the_choice_of_the_demo_is_remembered(wizard, context):
    wizard.demo.click()
    assert context.settings.get(CHOICE_SETTING) == DEMO_CHOICE


def test_nothing_stored_is_a_dash_and_never_a_tick(wizard, qtbot, server):
    fill(qtbot, wizard)
    wizard.store.setChecked(False)
    wizard.test.click()
    qtbot.waitUntil(wizard.finish.isEnabled)
    assert wizard.steps.state("Store the secret") == "skipped"
    assert wizard.steps.state("Read the secret back") == ""
    assert wizard.steps.state("Store the profile") == "good"


def page_of(widget):
    while not isinstance(widget, QScrollArea):
        widget = widget.parentWidget()
    return widget


@pytest.mark.parametrize("room", [(1100, 640), (1280 * 2 // 3, 800 * 2 // 3), (550, 320)])
def test_the_buttons_are_on_every_screen(wizard, qtbot, monkeypatch, room):
    monkeypatch.setattr("gui.widgets.dialog.available_area", lambda _dialog: QRect(0, 0, *room))
    for page, buttons in enumerate(
        (
            (wizard.demo, wizard.connect_aws),
            (wizard.back, wizard.test),
            (wizard.back, wizard.finish),
        )
    ):
        wizard._show(page)
        qtbot.waitUntil(lambda: wizard.frameGeometry().height() <= room[1])
        assert wizard.width() <= room[0]
        for button in buttons:
            if page == 0:  # on a page that scrolls
                page_of(button).ensureWidgetVisible(button)
            area = QRect(button.mapTo(wizard, QPoint()), button.size())
            assert wizard.rect().contains(area), (page, button.text())


def test_a_mistyped_region_is_marked_like_every_other_field(themed, wizard, qtbot):
    fill(qtbot, wizard)
    line = wizard.form.region.lineEdit()
    wizard.form.region.setCurrentText("us east 1")
    assert not wizard.test.isEnabled()
    assert wizard.form.region.property("problem") == "true"
    assert line.accessibleDescription() == "Enter a region such as us-east-1."
    red = wizard.form.region.grab().toImage().pixelColor(wizard.form.region.width() // 2, 0)
    wizard.form.region.setCurrentText("us-east-1")
    plain = wizard.form.region.grab().toImage().pixelColor(wizard.form.region.width() // 2, 0)
    assert wizard.form.region.property("problem") == "false"
    assert (line.toolTip(), line.accessibleDescription()) == ("", "")
    assert red != plain
