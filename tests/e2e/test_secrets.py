"""Secrets are edited and rolled back in the window, and concurrent edits are reported."""

import json
from uuid import uuid4

import pytest
from helpers.demo import plain_client
from PySide6.QtWidgets import QLabel, QPlainTextEdit

from gui.dialogs.confirm import Confirm
from gui.tabs.credentials.secrets.edit_conflict import EditConflict
from gui.tabs.credentials.secrets.version_dialogs import RollBackPreview

BEFORE = {"host": "db-1.example.com", "port": "5432", "password": "the old password", "extra": "1"}


@pytest.fixture
def vault(demo_server):
    client = plain_client(demo_server, "secretsmanager", demo_server.admin)
    yield client
    client.close()


def test_edit_a_secret_by_form(program, user, vault):
    name = f"cryptotrading/edited-{uuid4().hex[:8]}"
    vault.create_secret(Name=name, SecretString=json.dumps(BEFORE))
    tab = program.window.show_tab("credentials")
    tab.refresh()
    user.choose(tab.secrets.table, name)
    user.until(lambda: tab.secret.value is not None and tab.secret.value.name == name)
    user.fill("host", "db-2.example.com", tab)
    user.fill("password", "the new password", tab)
    user.press("Remove extra", tab)
    user.press("Save…", tab)
    question = user.dialog(Confirm)
    output = question.findChild(QPlainTextEdit).toPlainText()
    assert output.split("\n") == [
        "~ host: db-1.example.com → db-2.example.com",
        "~ password: changed",
        "− extra",  # noqa: RUF001 - a minus sign
    ]
    user.press("Save", question)
    user.until(lambda: not tab.secret.dirty and tab.secret.value is not None)

    now = vault.get_secret_value(SecretId=name)
    assert json.loads(now["SecretString"]) == {
        "host": "db-2.example.com",
        "port": "5432",
        "password": "the new password",
    }
    before = vault.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")
    assert json.loads(before["SecretString"]) == BEFORE
    log = program.context.log.read()
    assert any(entry.change.subject == name for entry in log)
    assert "the new password" not in repr(log)


def shown(tab, user, vault, first, second=""):
    """A secret of this test, opened in the window; with a second version if one is given."""
    name = f"cryptotrading/story-{uuid4().hex[:8]}"
    vault.create_secret(Name=name, SecretString=first)
    if second:
        vault.put_secret_value(SecretId=name, SecretString=second)
    tab.refresh()
    user.choose(tab.secrets.table, name)
    user.until(lambda: tab.secret.value is not None and tab.secret.value.name == name)
    return name


def holder(vault, name, stage):
    labels = vault.describe_secret(SecretId=name)["VersionIdsToStages"]
    return next(version for version, on in labels.items() if stage in on)


def test_a_bad_save_is_rolled_back_with_one_click_and_one_look(program, user, vault):
    good = '{"host": "db-1", "password": "good canary"}'
    tab = program.window.show_tab("credentials")
    name = shown(tab, user, vault, good, '{"host": "db-1", "password": "bad canary"}')
    bad_version, good_version = (holder(vault, name, f"AWS{s}") for s in ("CURRENT", "PREVIOUS"))
    user.until(lambda: tab.versions.model.rowCount() == 2)
    user.press("Roll back…", tab)
    preview = user.dialog(RollBackPreview)
    output = [label.text() for label in preview.findChildren(QLabel)]
    assert "password" in output
    assert "host" not in output
    assert not [text for text in output if "canary" in text]
    user.press("Roll back", preview)
    user.until(lambda: tab.secret.value and tab.secret.value.version_id == good_version)

    assert vault.get_secret_value(SecretId=name)["SecretString"] == good
    assert holder(vault, name, "AWSPREVIOUS") == bad_version
    assert len(vault.list_secret_version_ids(SecretId=name)["Versions"]) == 2


def test_of_two_who_edit_a_secret_the_second_is_reported_and_nothing_is_lost(program, user, vault):
    tab = program.window.show_tab("credentials")
    name = shown(tab, user, vault, json.dumps(BEFORE))
    user.fill("host", "mine.example.com", tab)
    theirs = json.dumps(BEFORE | {"port": "6543", "extra": "2"})
    vault.put_secret_value(SecretId=name, SecretString=theirs)
    user.press("Save…", tab)
    user.press("Save", user.dialog(Confirm))
    question = user.dialog(EditConflict)
    assert question.by_them == {"port": "changed", "extra": "changed"}
    user.press("Keep editing", question)
    assert vault.get_secret_value(SecretId=name)["SecretString"] == theirs
    assert tab.secret.dirty

    user.press("Save…", tab)
    user.press("Save", user.dialog(Confirm))
    user.press("Save over theirs", user.dialog(EditConflict))
    user.until(lambda: not tab.secret.dirty and tab.secret.value is not None)
    now = json.loads(vault.get_secret_value(SecretId=name)["SecretString"])
    assert now == BEFORE | {"host": "mine.example.com"}
    before = vault.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")
    assert before["SecretString"] == theirs
    own = [s for on in vault.describe_secret(SecretId=name)["VersionIdsToStages"].values()
           for s in on if s.startswith("strongroom:strongroom-admin:")]  # fmt: skip
    assert len(own) == 1
