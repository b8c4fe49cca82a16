"""The Credentials tab lists secrets, hides their values, and saves only what was changed."""

import json

import pytest
from helpers.aws import CANARY, connection, deny_secrets
from helpers.credentials import DATABASE, DATABASE_TEXT, STORAGE, names_in, opened, settled
from helpers.keyrings import RefusingKeyring, allow
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QWidget

from core.local.vault import Vault
from core.model.connection import KeySource, Profile, ProfileColour
from core.model.secret_names import PREVIOUS
from core.redaction import redacted
from core.workspace import Workspace
from gui.dialogs.confirm import Confirm
from gui.dialogs.profile_editor import ProfileEditor
from gui.tabs.credentials import CredentialsTab
from gui.tabs.credentials.secrets.secret_dialogs import DeleteSecret, NewSecret
from gui.tabs.credentials.secrets.templates import TEMPLATES
from gui.widgets.secret_editor import JSON


def text_on(server, name=DATABASE, **which):
    return server.get_secret_value(SecretId=name, **which)["SecretString"]


def row_of(tab, key):
    return next(row for row in tab.secret.editor.form.fields if row.row.key == key)


def type_into(qtbot, row, text):
    row.field.line.selectAll()
    qtbot.keyClicks(row.field.line, text)


def choose(qtbot, tab, name):
    tab.secrets.choose(name)
    settled(qtbot, tab)


# Looking.


def test_secrets_are_listed_and_the_first_is_open_with_its_values_hidden(tab):
    assert tab.secrets.model.rowCount() == 2
    assert tab.secret.name == DATABASE
    assert row_of(tab, "host").field.revealed
    password = row_of(tab, "password").field
    assert not password.revealed
    assert "canary" not in password.line.displayText()
    assert tab.versions.model.rowCount() == 1


def test_no_widget_shows_a_value_that_is_hidden(tab, qtbot):
    choose(qtbot, tab, STORAGE)
    output = []
    for widget in tab.findChildren(QWidget):
        output += [widget.toolTip(), widget.accessibleName(), widget.accessibleDescription()]
        output += [widget.text()] if isinstance(widget, QLabel | QPushButton) else []
        output += [widget.displayText()] if isinstance(widget, QLineEdit) else []
    assert len(output) > 100
    assert not [text for text in output if CANARY in text]


def test_the_filter_narrows_the_list(tab, qtbot):
    tab.focus_filter()
    qtbot.keyClicks(tab.secrets.filter, "storage")
    assert tab.secrets.table.model().rowCount() == 1
    tab.window().activateWindow()
    qtbot.waitUntil(tab.secrets.filter.hasFocus)
    qtbot.keyClick(tab.secrets.filter, Qt.Key.Key_Down)
    assert tab.secrets.table.hasFocus()
    assert tab.secrets.current.name == STORAGE


def test_without_a_connection_it_says_what_to_do(qtbot, context):
    tab = CredentialsTab(context)
    qtbot.addWidget(tab)
    tab.show()
    settled(qtbot, tab)
    assert not tab.secrets.new.isEnabled()
    assert tab.profiles.model.profile(0).name == "demo"


def test_a_missing_permission_is_named_and_the_rest_goes_on(qtbot, context, workspace):
    deny_secrets(workspace.clients, "ListSecretVersionIds", "ListSecrets")
    tab = CredentialsTab(context)
    qtbot.addWidget(tab)
    tab.show()
    context.set_workspace(workspace)
    settled(qtbot, tab)
    assert "secretsmanager:ListSecrets" in tab.secrets.empty._text.text()
    assert tab.banner.isHidden()
    tab.secret.show_loading(DATABASE)
    tab._read(DATABASE)
    settled(qtbot, tab)
    assert row_of(tab, "host")
    assert "secretsmanager:ListSecretVersionIds" in tab.versions.empty._text.text()


# Saving.


def test_a_save_shows_the_changed_keys_and_changes_nothing_else(tab, qtbot, server, context):
    assert not tab.secret.save.isEnabled()
    type_into(qtbot, row_of(tab, "host"), "new-host-canary")
    tab.secret.save.click()
    question = opened(qtbot, tab, Confirm)
    assert names_in(question) == ["~ host: db → new-host-canary"]
    question.go.click()
    settled(qtbot, tab)
    assert json.loads(text_on(server)) == {
        "host": "new-host-canary", "port": "5432", "rate": 1.10, "password": "canary-password",
    }  # fmt: skip
    assert '"rate": 1.10' in text_on(server)
    assert text_on(server, VersionStage=PREVIOUS) == DATABASE_TEXT
    assert not tab.secret.dirty
    assert tab.versions.model.rowCount() >= 2
    logged = context.log.read()[-1].change
    assert (logged.action, logged.subject) == ("Saving a secret", DATABASE)


def test_json_is_saved_verbatim(tab, qtbot, server):
    text = '{"host":   "x"}\n'
    tab.secret.editor.modes.select(JSON)
    tab.secret.editor.json.reveal()
    tab.secret.editor.json.view.setPlainText(text)
    tab.secret.save.click()
    opened(qtbot, tab, Confirm).go.click()
    settled(qtbot, tab)
    assert text_on(server) == text


def test_leaving_unsaved_changes_asks_first(tab, qtbot):
    type_into(qtbot, row_of(tab, "host"), "x")
    tab.secrets.choose(STORAGE)
    assert len(tab.findChildren(Confirm)) == 1
    opened(qtbot, tab, Confirm).reject()
    assert tab.secrets.current.name == DATABASE
    assert tab.secret.dirty
    tab.secrets.choose(STORAGE)
    opened(qtbot, tab, Confirm).go.click()
    settled(qtbot, tab)
    assert tab.secret.name == STORAGE


# Making, deleting, restoring, rolling back.


def test_a_new_secret_starts_from_the_template_that_is_missing(tab, qtbot, server):
    tab.secrets.new.click()
    dialog = opened(qtbot, tab, NewSecret)
    assert dialog.name.text() == TEMPLATES[2][1]
    assert [row.row.key for row in dialog.editor.form.fields] == list(TEMPLATES[2][2])
    qtbot.keyClicks(dialog.editor.form.fields[0].field.line, "key-1")
    dialog.go.click()
    settled(qtbot, tab)
    assert json.loads(text_on(server, TEMPLATES[2][1]))["binance_api_key"] == "key-1"
    assert tab.secrets.model.rowCount() == 3


def test_a_new_secret_that_is_refused_stays_on_the_screen_with_the_reason(tab, qtbot, server):
    tab.secrets.new.click()
    dialog = opened(qtbot, tab, NewSecret)
    dialog.name.setText(DATABASE)
    assert not dialog.go.isEnabled()
    dialog.name.setText("elsewhere/x")
    assert not dialog.go.isEnabled()
    server.create_secret(Name="cryptotrading/late", SecretString="{}")
    dialog.name.setText("cryptotrading/late")
    dialog.go.click()
    qtbot.waitUntil(dialog.banner.isVisible)
    assert "already exists" in dialog.banner.text
    assert dialog.go.isEnabled()
    dialog.reject()


def test_a_deletion_has_a_window_and_is_taken_back(tab, qtbot, server):
    tab.secret.delete.click()
    dialog = opened(qtbot, tab, DeleteSecret)
    assert dialog.days.value() == 30
    assert (dialog.days.minimum(), dialog.days.maximum()) == (7, 30)
    dialog.days.setValue(7)
    dialog.go.click()
    settled(qtbot, tab)
    assert "DeletedDate" in server.describe_secret(SecretId=DATABASE)
    assert tab.secrets.current.deleted
    assert tab.secret.empty.button.text() == "Restore secret"
    tab.secret.empty.button.click()
    settled(qtbot, tab)
    assert text_on(server) == DATABASE_TEXT
    assert row_of(tab, "host")


def test_a_plain_text_is_made_and_comes_back_to_the_byte(tab, qtbot, server):
    tab.secrets.new.click()
    dialog = opened(qtbot, tab, NewSecret)
    dialog.template.setCurrentIndex(len(TEMPLATES) - 1)
    dialog.name.setText("cryptotrading/plain")
    assert not dialog.go.isEnabled()
    assert dialog.editor.json.revealed
    dialog.editor.json.view.setPlainText(" no { json\n\u00a0")
    dialog.go.click()
    settled(qtbot, tab)
    assert text_on(server, "cryptotrading/plain") == " no { json\n\u00a0"
    assert tab.secret.editor.text == " no { json\n\u00a0"


def test_only_what_can_be_rotated_offers_it(tab, qtbot, server):
    choose(qtbot, tab, STORAGE)
    assert tab.secret.rotate.isEnabled()
    with qtbot.waitSignal(tab.secret.rotate_clicked):
        tab.secret.rotate.click()
    type_into(qtbot, row_of(tab, "aws_access_key_id"), "x")
    assert not tab.secret.rotate.isEnabled()
    assert "Save or discard" in tab.secret.rotate.toolTip()
    tab.secret.revert.click()
    server.create_secret(Name="cryptotrading/other", SecretString="{}")
    tab.refresh()
    settled(qtbot, tab)
    choose(qtbot, tab, "cryptotrading/other")
    assert not tab.secret.rotate.isEnabled()
    tab.secret.set_rotated_by_aws(rotated=True)
    assert tab.secret.rotate.isEnabled()


def test_deleting_at_once_asks_to_type_the_name(tab, qtbot, server):
    tab.secret.delete.click()
    dialog = opened(qtbot, tab, DeleteSecret)
    assert dialog.force.isHidden()
    assert not dialog.force.isChecked()
    dialog.more.click()
    dialog.force.setChecked(True)
    assert not dialog.go.isEnabled()
    qtbot.keyClicks(dialog.typed, DATABASE)
    dialog.go.click()
    settled(qtbot, tab)
    assert [s["Name"] for s in server.list_secrets()["SecretList"]] == [STORAGE]
    assert tab.secret.name == STORAGE


def test_a_read_only_profile_offers_no_change_and_says_why(qtbot, context, server):
    tab = CredentialsTab(context)
    qtbot.addWidget(tab)
    tab.show()
    context.set_workspace(Workspace.open(connection(colour=ProfileColour.RED)))
    settled(qtbot, tab)
    for button in (tab.secrets.new, tab.secret.save, tab.secret.delete, tab.secret.rotate):
        assert not button.isEnabled()
        assert "read-only" in button.toolTip()
    assert row_of(tab, "host").field.line.isReadOnly()
    context.unlock(5)
    assert tab.secrets.new.isEnabled()
    assert not row_of(tab, "host").field.line.isReadOnly()
    context.lock()


# Profiles and permissions.


def test_the_permissions_are_tried_and_shown_with_a_verdict(tab, qtbot):
    deny_secrets(tab.context.workspace.clients, "UpdateSecret")
    tab.profiles.test.click()
    settled(qtbot, tab)
    qtbot.waitUntil(tab.profiles.test.isEnabled)
    results = {r.action: r for r in tab.profiles.permissions.results}
    assert results["s3:PutObject"].ok
    assert results["secretsmanager:UpdateSecret"].ok is False
    assert tab.profiles._verdict.text() == "1 missing"


def test_a_profile_is_made_and_its_key_is_in_the_keyring_only(tab, qtbot, keyring, tmp_path):
    tab.profiles.add.click()
    editor = opened(qtbot, tab, ProfileEditor)
    assert not editor.go.isEnabled()
    qtbot.keyClicks(editor.form.name, "staging")
    qtbot.keyClicks(editor.form.key_id, "AKIASTAGING")
    assert "secret access key" in editor.reason.text()
    qtbot.keyClicks(editor.form.secret_key.line, CANARY)
    editor.form.colour.setCurrentIndex(editor.form.colour.findData(ProfileColour.AMBER))
    editor.go.click()
    qtbot.waitUntil(lambda: tab.profiles.model.row_of("staging") >= 0)
    stored = tab.context.connections.profiles.get("staging")
    assert (stored.colour, stored.access_key_id) == (ProfileColour.AMBER, "AKIASTAGING")
    assert any(CANARY in text for text in keyring.entries.values())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if CANARY.encode() in path.read_bytes()]


def test_an_edited_profile_keeps_its_key(tab, qtbot, keyring):
    from helpers.aws import KEY_ID

    connections = tab.context.connections
    connections.save(Profile("staging", KeySource.KEYRING), connection().keys)
    tab.refresh()
    settled(qtbot, tab)
    tab.profiles.list.setCurrentIndex(
        tab.profiles.model.index(tab.profiles.model.row_of("staging"), 0)
    )
    tab.profiles.edit.click()
    editor = opened(qtbot, tab, ProfileEditor)
    assert editor.go.isEnabled()
    assert editor.form.secret_key.line.placeholderText() == "unchanged"
    editor.form.region.setCurrentText("eu-west-1")
    editor.go.click()
    qtbot.waitUntil(lambda: connections.profiles.get("staging").region == "eu-west-1")
    settled(qtbot, tab)
    assert connections.connect("staging").keys.access_key_id == KEY_ID


def test_a_locked_keyring_offers_to_keep_the_keys_for_the_session(tab, qtbot, monkeypatch):
    allow(monkeypatch, RefusingKeyring)
    tab.context.connections.vault = Vault(RefusingKeyring(OSError("no D-Bus")))
    tab.profiles.add.click()
    editor = opened(qtbot, tab, ProfileEditor)
    qtbot.keyClicks(editor.form.name, "staging")
    qtbot.keyClicks(editor.form.key_id, "AKIASTAGING")
    qtbot.keyClicks(editor.form.secret_key.line, CANARY)
    editor.go.click()
    qtbot.waitUntil(editor.banner.isVisible)
    assert "keyring" in editor.banner.text
    editor.banner._on_action()
    qtbot.waitUntil(lambda: tab.profiles.model.row_of("staging") >= 0)
    assert tab.context.connections.profiles.get("staging").source is KeySource.SESSION
    assert tab.context.connections.connect("staging").keys.secret_access_key.reveal() == CANARY


def test_a_profile_is_used_by_double_click_and_deleted_after_a_question(tab, qtbot, context):
    context.connections.save(Profile("staging", KeySource.ROLE))
    tab.refresh()
    settled(qtbot, tab)
    index = tab.profiles.model.index(tab.profiles.model.row_of("staging"), 0)
    tab.profiles.list.setCurrentIndex(index)
    with qtbot.waitSignal(context.profile_wanted) as wanted:
        tab.profiles.list.doubleClicked.emit(index)
    assert wanted.args == ["staging"]
    with qtbot.waitSignal(context.profile_wanted):
        tab.profiles.list.setFocus()
        qtbot.keyClick(tab.profiles.list, Qt.Key.Key_Return)
    with qtbot.assertNotEmitted(context.profile_wanted):  # Enter elsewhere is no switch
        tab.secrets.filter.setFocus()
        qtbot.keyClick(tab.secrets.filter, Qt.Key.Key_Return)
    tab.profiles.delete.click()
    opened(qtbot, tab, Confirm).go.click()
    settled(qtbot, tab)
    assert tab.profiles.model.row_of("staging") == -1
    assert context.connections.profiles.list() == ()


def test_the_demo_s_profile_is_neither_edited_nor_deleted(tab):
    tab.profiles.list.setCurrentIndex(tab.profiles.model.index(0, 0))
    assert tab.profiles.current.name == "demo"
    assert not tab.profiles.edit.isEnabled()
    assert not tab.profiles.delete.isEnabled()


@pytest.mark.parametrize("source", list(KeySource))
def test_each_source_of_keys_shows_the_fields_it_needs(qtbot, source):
    from gui.dialogs.profile_form import ProfileForm

    form = ProfileForm(Profile("p", source))
    qtbot.addWidget(form)
    keyed = source in {KeySource.KEYRING, KeySource.SESSION}
    assert form._form.isRowVisible(form.secret_key) is keyed
    assert form._form.isRowVisible(form.aws_profile) is (source is KeySource.AWS_PROFILE)
    assert bool(form.problems) is (keyed or source is KeySource.AWS_PROFILE)


def test_typing_a_key_hides_no_part_of_later_messages(qtbot):
    from gui.dialogs.profile_form import ProfileForm

    form = ProfileForm(Profile("p", KeySource.KEYRING, access_key_id="AKIAEXAMPLE"))
    qtbot.addWidget(form)
    form.changed.connect(form.show_problems)
    qtbot.keyClicks(form.secret_key.line, "dogecoin-usd-1")
    assert redacted("dogecoin-usd") == "dogecoin-usd"
    assert form.keys.secret_access_key.reveal() == "dogecoin-usd-1"
    assert redacted("dogecoin-usd-1") == "***"


def test_everything_can_be_reached_by_the_keyboard(tab):
    reachable = {
        widget
        for widget in (tab.secret.delete, tab.secrets.new, tab.profiles.add, tab.profiles.test)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    }
    assert len(reachable) == 4


def test_fields_inside_choices_have_names(qtbot):
    from gui.dialogs.profile_form import ProfileForm

    form = ProfileForm(Profile("p", KeySource.AWS_PROFILE))
    qtbot.addWidget(form)
    assert form.region.lineEdit().accessibleName() == "Region"
    assert form.aws_profile.lineEdit().accessibleName() == "AWS profile"
