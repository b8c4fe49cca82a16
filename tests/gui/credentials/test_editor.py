"""The editor of a secret shows fields and JSON, and leaves untouched bytes unchanged."""

import gc
import json

import pytest
from helpers.widget_tree import unnamed
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QAccessible, QGuiApplication, QTextDocument, QTextOption
from PySide6.QtWidgets import QAbstractButton

from core.redaction import Secret, redacted
from core.secrets.secret_text import SecretRow
from gui.tabs.credentials.secrets.secret_actions import changes
from gui.widgets import secret_clipboard, secret_page
from gui.widgets.secret_editor import FORM, JSON, MOST_ROWS, SecretEditor
from gui.widgets.secret_form import FormRow
from gui.widgets.secret_generator import Generator
from gui.widgets.secret_page import ExactText

TEXT = '{"host": "db",  "rate": 1.10, "password": "canary-value-0123456789"}'


@pytest.fixture
def editor(qtbot):
    made = SecretEditor()
    qtbot.addWidget(made)
    made.resize(500, 400)
    made.set_text(TEXT)
    made.show()
    return made


def test_an_untouched_text_keeps_its_bytes_through_both_views(editor):
    for mode in (JSON, FORM, JSON):
        editor.modes.select(mode)
        assert editor.text == TEXT
        assert not editor.dirty
        assert editor.problem == ""


def test_a_value_with_very_many_keys_is_shown_as_json_only(editor):
    text = json.dumps({f"key-{n}": n for n in range(MOST_ROWS + 1)})
    editor.set_text(text)
    assert editor.modes.current == JSON
    assert editor.form.fields == ()
    assert editor.text == text
    assert editor.problem == ""
    hints = [each.toolTip() for each in editor.modes.findChildren(QAbstractButton)]
    assert any("up to 100 keys; this value has 101" in hint for hint in hints)
    editor.set_text("{}")
    assert editor.modes.current == FORM
    editor.modes.select(JSON)
    editor.json.set_text(text)
    editor.modes.select(FORM)
    assert editor.modes.current == JSON
    assert editor.text == text


def test_the_widths_of_the_keys_are_measured_once_for_all_rows(editor, monkeypatch, qtbot):
    measured = []
    width = property(lambda row: measured.append(row) or 80)
    monkeypatch.setattr(FormRow, "title_width", width)
    text = json.dumps({f"key-{n}": n for n in range(MOST_ROWS)})
    editor.set_text(text)
    # A hundred rows at once would block the window for a second.
    assert len(measured) == len(editor.form.fields) < MOST_ROWS / 3
    assert editor.text == text
    editor.form.add.click()
    assert [each.row.key for each in editor.form.fields[-2:]] == ["key-99", ""]
    assert len(measured) == MOST_ROWS + 1
    editor.set_text(text)
    qtbot.waitUntil(lambda: len(editor.form.fields) == MOST_ROWS)
    assert editor.text == text


def test_the_json_is_shown_on_demand_only_and_hides_itself(editor, qtbot, monkeypatch):
    editor.modes.select(JSON)
    assert not editor.json.revealed
    assert not editor.json.view.isVisible()
    monkeypatch.setattr(secret_page, "REVEAL_SECONDS", 0.05)
    editor.json.cover.button.click()
    assert editor.json.view.isVisible()
    qtbot.waitUntil(lambda: not editor.json.revealed)
    assert editor.text == TEXT
    editor.json.reveal()
    editor.modes.select(FORM)
    assert not editor.json.revealed


def test_editing_json_reports_line_and_column_and_the_form_waits_until_it_is_right(editor):
    editor.modes.select(JSON)
    editor.json.reveal()
    editor.json.view.setPlainText('{"host": "db",\n "rate": }')
    assert "Line 2, column 10" in editor.problem
    editor.modes.select(FORM)
    assert editor.modes.current == JSON
    editor.json.view.setPlainText('{"host": "other"}')
    editor.modes.select(FORM)
    assert editor.form.rows == (SecretRow("host", Secret("other")),)
    assert editor.dirty


def test_a_very_long_word_is_wrapped_without_a_search_for_its_boundaries(editor):
    anywhere = QTextOption.WrapMode.WrapAnywhere
    for text, wanted in (("x" * 60_000, True), ("some words " * 5_000, False)):
        editor.json.set_text(text)
        editor.json.reveal()
        assert (editor.json.view.wordWrapMode() is anywhere) is wanted


def test_rows_are_added_and_removed(editor, qtbot):
    editor.form.fields[0].remove.click()
    editor.form.add.click()
    new = editor.form.fields[-1]
    assert editor.problem == "A key has no name"
    qtbot.keyClicks(new.name, "token")
    qtbot.keyClicks(new.field.line, "t0k3n")
    assert [row.key for row in editor.form.rows] == ["rate", "password", "token"]
    assert '"rate": 1.10' in editor.text
    assert not new.field.revealed


#: Texts that a careless editor changes: each must come back to the byte.
ODD_TEXTS = (
    "plain text\n",
    "",
    "a\r\nb",
    "a\rb",
    "a\r\nb\nc",
    "no\u00a0break \u2028 \u2029 \ufdd0",
    "\ufeff{}",
    '{"a": 1, "a": 2}',
    '{"a": "\\ud800", "n": 1.10, "b": "\ufeff\\u00e9\\n"}\r\n',
    f'{{"long": "{"x" * 40_000}", "number": {"9" * 6_000}}}',
    "[1, 2]",
)


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_any_text_comes_back_to_the_byte(editor, text):
    editor.set_text(text)
    assert not editor.dirty
    for mode in (JSON, FORM, JSON):
        editor.modes.select(mode)
        editor.json.reveal()
        assert editor.json.text == text
        editor.json.conceal()
    assert not editor.dirty
    if text:
        assert editor.text == text


@given(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\r\n\u2028\u00a0\0")))
def test_what_an_editor_takes_it_gives_back(text):
    exact = ExactText.of(text)
    if exact.exact:
        document = QTextDocument()
        document.setPlainText(exact.shown)
        assert exact.restored(document) == text


def test_a_text_that_is_no_object_has_no_form_and_says_it_is_stored(editor):
    editor.set_text("plain text\n")
    assert editor.modes.current == JSON
    assert editor.problem == ""
    assert "stays unchanged" in editor.note
    editor.json.reveal()
    editor.json.view.setPlainText("other")
    assert (editor.text, editor.problem) == ("other", "")


def test_the_form_comes_back_with_a_text_that_has_one(editor):
    editor.set_text("plain")
    assert editor.modes.current == JSON
    editor.set_text("{}")
    assert editor.modes.current == FORM
    editor.modes.select(JSON)
    editor.set_text("plain")
    editor.set_text("{}")
    assert editor.modes.current == JSON


def test_line_breaks_that_an_editor_would_change_can_only_be_inspection_at(editor):
    editor.set_text("a\r\nb\nc")
    editor.json.reveal()
    assert editor.json.view.isReadOnly()
    assert "only be viewed" in editor.note
    editor.set_text("a\r\nb")
    editor.json.reveal()
    editor.json.view.setPlainText("a\nb\nc")
    assert editor.text == "a\r\nb\r\nc"


def test_a_covered_text_is_in_no_widget(editor, qtbot):
    editor.modes.select(JSON)
    editor.json.reveal()
    assert "canary" in editor.json.view.toPlainText()
    editor.json.conceal()
    assert editor.json.view.toPlainText() == ""
    assert not editor.json.view.document().isUndoAvailable()
    interface = QAccessible.queryAccessibleInterface(editor.json.view)
    assert "canary" not in interface.text(QAccessible.Text.Value)
    assert editor.text == TEXT


def test_the_line_of_an_error_is_marked(editor):
    editor.modes.select(JSON)
    editor.json.reveal()
    editor.json.view.setPlainText('{"host": "db",\n "rate": }')
    (mark,) = editor.json.view.extraSelections()
    assert mark.cursor.blockNumber() == 1
    editor.json.view.setPlainText('{"host": "db"}')
    assert not editor.json.view.extraSelections()


def test_bytes_are_counted_live_and_in_utf8(editor):
    row = next(row for row in editor.form.fields if row.row.key == "host")
    size = len(TEXT.encode())
    assert editor._size.text() == f"{size} of 65,536 bytes"
    row.field.line.insert("ü")
    assert editor._size.text() == f"{size + 2} of 65,536 bytes"
    editor.set_text('{"a": "' + "x" * 65_536 + '"}')
    assert editor._size.text() == "65,545 of 65,536 bytes"
    assert editor._size.property("tone") == "danger"


def test_values_are_covered_when_the_form_is_left(editor):
    password = next(row.field for row in editor.form.fields if row.row.key == "password")
    password.reveal()
    editor.hide()
    assert not password.revealed


def test_a_value_is_generated_with_its_strength_and_used_on_a_click(editor, qtbot):
    row = next(row for row in editor.form.fields if row.row.key == "password")
    before = row.row.value
    row.generate.click()
    dialog = editor.window().findChild(Generator)
    assert dialog.strength.text() == "190 bits, strong: cannot be guessed"
    assert not dialog.field.revealed
    assert unnamed(dialog) == []
    first = dialog.field.value.reveal()
    dialog.again.click()
    assert dialog.field.value.reveal() != first
    dialog.length.setValue(20)
    for title in ("a–z", "A–Z"):  # noqa: RUF001 - as the form says it
        dialog.alphabets[title].setChecked(False)
    assert dialog.strength.text() == "66 bits, weak: can be guessed"
    assert dialog.field.value.reveal().isdigit()
    dialog.alphabets["0–9"].setChecked(False)  # noqa: RUF001 - as the form says it
    assert not dialog.go.isEnabled()
    dialog.alphabets["Symbols"].setChecked(True)
    assert row.row.value == before
    made = dialog.field.value
    with qtbot.waitSignal(editor.edited):
        dialog.go.click()
    assert row.row.value == made
    assert not row.field.revealed
    assert editor.dirty


def test_nothing_is_made_up_where_someone_else_gives_the_value(editor):
    editor.set_text('{"aws_secret_access_key": "x", "token": "y", "rate": 1}')
    shown = [not row.generate.isHidden() for row in editor.form.fields]
    assert shown == [False, True, False]


def test_a_text_above_the_limit_is_refused(editor):
    editor.modes.select(JSON)
    editor.json.reveal()
    editor.json.view.setPlainText('{"a": "' + "x" * 65_536 + '"}')
    assert "too large" in editor.problem


def test_copying_json_goes_the_guarded_way(editor):
    editor.modes.select(JSON)
    editor.json.reveal()
    for _ in range(50):  # the data changes hands between Python and Qt each time
        editor.json.view.selectAll()
        editor.json.view.copy()
        gc.collect(0)
    clipboard = QGuiApplication.clipboard()
    assert clipboard.text() == TEXT
    assert clipboard.mimeData().data("x-kde-passwordManagerHint") == b"secret"
    secret_clipboard.secret_clipboard().clear()
    assert clipboard.text() == ""


def field_of(editor, key):
    return next(row.field for row in editor.form.fields if row.row.key == key)


def test_the_form_keeps_the_kind_of_each_value_or_refuses_the_edit(editor, qtbot):
    editor.set_text('{"port": 5432, "tls": true, "user": "a"}')
    port = field_of(editor, "port").line
    for wrong, found in (("none", "a text"), ('"5433"', "a text"), ("true", "true or false")):
        port.clear()
        qtbot.keyClicks(port, wrong)
        assert editor.problem == f"port is a number, and its new value would be {found}"
        editor.modes.select("JSON")
        editor.modes.selected.emit("JSON")
        assert editor.form.isVisibleTo(editor)  # the change of kind is not carried over either
    port.clear()
    qtbot.keyClicks(port, "5433")
    assert editor.problem == ""
    assert editor.text == '{"port": 5433, "tls": true, "user": "a"}'


def test_a_kind_is_changed_on_purpose_in_json(editor):
    editor.set_text('{"port": 5432}')
    editor.modes.selected.emit("JSON")
    editor.json.reveal()
    editor.json.view.setPlainText('{"port": "5432"}')
    assert editor.problem == ""
    editor.modes.selected.emit("Form")
    assert editor.text == '{"port": "5432"}'
    assert editor.problem == ""


def test_typing_a_value_hides_no_part_of_later_messages(editor, qtbot):
    word = "litecoin-usd"
    line = editor.form.fields[2].field.line
    line.selectAll()
    qtbot.keyClicks(line, f"{word}-value")
    editor.modes.select(JSON)
    editor.json.reveal()
    qtbot.keyClicks(editor.json.view, f'{{"note": "{word}-note"}}')
    editor.json.view.setPlainText(f'{{"password": "{word}-longer", "host": "db.litecoin.example"}}')
    editor.modes.select(FORM)
    shown = f"market-data/{word}-value, {word}-note and {word}-longer of db.litecoin.example"
    assert redacted(shown) == shown
    editor.form.fields[0].field.copy.click()
    # Qt crashes if its clipboard is destroyed at the end of the process with an object of Python.
    secret_clipboard.secret_clipboard().clear()
    assert redacted(shown) == shown
    assert editor.value.reveal() == editor.text  # it is saved
    assert (
        redacted(shown) == f"market-data/{word}-value, {word}-note and *** of db.litecoin.example"
    )


def test_a_public_field_with_a_password_in_it_is_hidden(qtbot):
    made = SecretEditor()
    qtbot.addWidget(made)
    made.set_text('{"host": "postgresql://ada:canary@h", "port": 5432, "database": {"token": "x"}}')
    assert [row.field.revealed for row in made.form.fields] == [False, True, False]


def test_the_question_before_saving_hides_a_password_in_a_public_field():
    before, after = '{"host": "db"}', '{"host": "redis://:canary@h"}'
    (line,) = changes(Secret(before), Secret(after))
    assert "host" in line
    assert "canary" not in line


@pytest.mark.parametrize(
    ("pasted", "noted"),
    [
        ("canary-value-9876543210\n", True),
        (" canary-value-9876543210", True),
        ("canary-value-9876543210", False),
        ("-----BEGIN KEY-----\ncanary\n-----END KEY-----\n", False),
    ],
)
def test_a_line_end_that_was_pasted_with_a_hidden_value_is_noted(editor, pasted, noted):
    password = next(row for row in editor.form.fields if row.row.key == "password")
    QGuiApplication.clipboard().setText(pasted)
    password.field.line.selectAll()
    password.field.line.paste()
    assert json.loads(editor.text)["password"] == pasted
    assert ("line end before or after it: password" in editor.note) == noted
    assert editor.problem == ""
    editor.set_text(editor.text)
    assert editor.note == "", "an unchanged value needs no note"
