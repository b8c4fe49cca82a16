"""Secrets that have no text: binary ones are shown, saved and replaced; others get a first value."""

import json

import pytest
from helpers.credentials import opened, settled
from PySide6.QtWidgets import QFileDialog

from core.redaction import MASK, redacted
from gui.dialogs.confirm import Confirm
from gui.widgets import secret_page

NAME = "cryptotrading/trading keys"
CONTENT = b"\x30\x82\x0a\x0a\x02\x01\x03" + bytes(range(250)) * 2


def test_a_secret_without_a_value_gets_its_first_one_in_the_form(tab, qtbot, server):
    server.create_secret(Name="cryptotrading/empty")
    tab.refresh()
    settled(qtbot, tab)
    tab.secrets.choose("cryptotrading/empty")
    settled(qtbot, tab)
    assert tab.secret.editor.isVisible()
    assert tab.secret._age.text() == "has no value yet"
    tab.secret.editor.form.add.click()
    row = tab.secret.editor.form.fields[-1]
    qtbot.keyClicks(row.name, "token")
    qtbot.keyClicks(row.field.line, "t0k3n")
    tab.refresh()
    settled(qtbot, tab)
    tab.secret.save.click()
    opened(qtbot, tab, Confirm).go.click()
    settled(qtbot, tab)
    found = server.get_secret_value(SecretId="cryptotrading/empty")
    assert json.loads(found["SecretString"]) == {"token": "t0k3n"}


@pytest.fixture
def binary(qtbot, server, tab):
    """The tab with a binary secret."""
    server.create_secret(Name=NAME, SecretBinary=CONTENT)
    tab.refresh()
    settled(qtbot, tab)
    tab.secrets.choose(NAME)
    settled(qtbot, tab)
    return tab


def test_it_shows_size_and_kind_and_its_bytes_for_a_while(binary, qtbot, monkeypatch):
    page = binary.secret.binary
    assert page.isVisible()
    assert page.size_label.text() == "507 bytes"
    assert "PKCS #12" in page.kind_label.text()
    assert not page.bytes.revealed
    assert page.bytes.view.toPlainText() == ""
    monkeypatch.setattr(secret_page, "REVEAL_SECONDS", 0.05)
    page.bytes.cover.button.click()
    assert page.bytes.view.toPlainText().startswith("0000  30 82 0a 0a 02 01 03 00")
    assert page.bytes.view.isReadOnly()
    qtbot.waitUntil(lambda: not page.bytes.revealed)
    assert not binary.secret.dirty
    binary.secret.set_locked("This profile is read-only.")
    assert not binary.secret.replace.isEnabled()
    assert binary.secret.save_file.isEnabled()
    assert redacted(binary.secret.value.text.reveal()) == MASK
    binary.secret.show_nothing()
    assert page.bytes.text == ""


def test_it_is_saved_as_a_file_and_replaced_by_one(binary, qtbot, server, tmp_path):
    binary.secret.save_file.click()
    dialog = opened(qtbot, binary, QFileDialog)
    assert dialog.selectedFiles()[0].endswith("/trading keys.p12")
    path = tmp_path / "keys.p12"
    dialog.fileSelected.emit(str(path))
    dialog.reject()
    confirm = opened(qtbot, binary, Confirm)
    assert not path.exists()
    confirm.go.click()
    settled(qtbot, binary)
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o600
    assert "507 bytes saved as keys.p12" in binary.banner.text
    path = tmp_path / "new"
    path.write_bytes(b"\xff\0new")
    actions = binary.actions_on_secret.binary
    value = binary.secret.value
    actions.ask_to_replace(value, path)
    opened(qtbot, binary, Confirm).go.click()
    settled(qtbot, binary)
    assert server.get_secret_value(SecretId=NAME)["SecretBinary"] == b"\xff\0new"
    assert binary.secret.binary.size_label.text() == "5 bytes"
    actions.ask_to_replace(value, path)
    opened(qtbot, binary, Confirm).go.click()
    settled(qtbot, binary)
    assert "changed" in binary.banner.text
