"""Edit a secret in its form; the question before saving names the keys, never the values."""

import json
from uuid import uuid4

import pytest
from helpers.demo import plain_client
from PySide6.QtWidgets import QPlainTextEdit

from gui.dialogs.confirm import Confirm

BEFORE = {"host": "db-1.example.com", "port": "5432", "password": "the old password", "extra": "1"}


@pytest.fixture
def vault(demo_server):
    client = plain_client(demo_server, "secretsmanager", demo_server.admin)
    yield client
    client.close()


def test_edit_a_secret_by_form(program, hands, vault):
    name = f"cryptotrading/edited-{uuid4().hex[:8]}"
    vault.create_secret(Name=name, SecretString=json.dumps(BEFORE))
    tab = program.window.show_tab("credentials")
    tab.refresh()
    hands.choose(tab.secrets.table, name)
    hands.until(lambda: tab.secret.value is not None and tab.secret.value.name == name)
    hands.fill("host", "db-2.example.com", tab)
    hands.fill("password", "the new password", tab)
    hands.press("Remove extra", tab)
    hands.press("Save…", tab)
    question = hands.dialog(Confirm)
    told = question.findChild(QPlainTextEdit).toPlainText()
    assert told.split("\n") == ["~ host", "~ password", "− extra"]  # noqa: RUF001 - a minus sign
    hands.press("Save", question)
    hands.until(lambda: not tab.secret.dirty and tab.secret.value is not None)

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
