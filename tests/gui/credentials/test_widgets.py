import gc
from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QAccessible, QGuiApplication, QHelpEvent
from PySide6.QtWidgets import QStyleOptionViewItem

from core.health.permissions import PermissionResult
from core.model.connection import KeySource, Profile, ProfileColour
from core.model.secrets import CURRENT, PENDING, PREVIOUS, SecretInfo, SecretVersion
from core.redaction import Secret
from core.storage.secret_text import SecretRow
from gui.models.roles import DOT_ROLE, PILL_ROLE, SORT_ROLE
from gui.tabs.credentials.profiles_model import PermissionsModel, ProfilesModel
from gui.tabs.credentials.secrets_model import SecretsModel
from gui.tabs.credentials.versions_model import VersionsModel
from gui.widgets import cells, secret_clipboard, secret_editor, secret_field
from gui.widgets.secret_editor import FORM, JSON, SecretEditor
from gui.widgets.secret_field import SecretField
from gui.widgets.steps import Steps
from gui.widgets.table import make_table

VALUE = "canary-value-0123456789"
TEXT = '{"host": "db",  "rate": 1.10, "password": "canary-value-0123456789"}'
NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def field(qtbot):
    made = SecretField("password")
    qtbot.addWidget(made)
    made.set_value(Secret(VALUE))
    made.show()
    return made


@pytest.fixture
def editor(qtbot):
    made = SecretEditor()
    qtbot.addWidget(made)
    made.resize(500, 400)
    made.set_text(TEXT)
    made.show()
    return made


def spoken(widget):
    """What a screen reader is told of a field's text."""
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Value)


# One value.


def test_a_value_is_bullets_to_the_eye_and_to_screen_readers(field):
    assert VALUE not in field.line.displayText()
    assert VALUE not in spoken(field.line)
    assert VALUE not in f"{field.line.toolTip()} {field.line.accessibleDescription()}"
    assert field.value.reveal() == VALUE


def test_a_revealed_value_hides_itself(field, qtbot, monkeypatch):
    monkeypatch.setattr(secret_field, "REVEAL_SECONDS", 0.05)
    qtbot.mouseClick(field.eye, Qt.MouseButton.LeftButton)
    assert field.revealed
    assert field.eye.accessibleName() == "Hide password"
    qtbot.waitUntil(lambda: not field.revealed)
    assert field.eye.accessibleName() == "Show password"


def test_a_copy_leaves_the_clipboard_after_a_while_and_says_it_is_secret(field, qtbot, monkeypatch):
    monkeypatch.setattr(secret_clipboard, "CLEAR_SECONDS", 0.05)
    qtbot.mouseClick(field.copy, Qt.MouseButton.LeftButton)
    clipboard = QGuiApplication.clipboard()
    assert clipboard.text() == VALUE
    assert clipboard.mimeData().data("x-kde-passwordManagerHint") == b"secret"
    qtbot.waitUntil(lambda: clipboard.text() == "")


def test_what_was_copied_since_stays_on_the_clipboard(field):
    field.copy.click()
    QGuiApplication.clipboard().setText("something else")
    secret_clipboard.secret_clipboard().clear()
    assert QGuiApplication.clipboard().text() == "something else"
    QGuiApplication.clipboard().clear()


def test_copying_a_selection_goes_the_guarded_way_and_never_from_bullets(field, qtbot):
    QGuiApplication.clipboard().clear()
    field.line.selectAll()
    qtbot.keyClick(field.line, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == ""
    field.reveal()
    field.line.selectAll()
    qtbot.keyClick(field.line, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().mimeData().hasFormat("x-kde-passwordManagerHint")
    secret_clipboard.secret_clipboard().clear()
    assert QGuiApplication.clipboard().text() == ""


# The editor.


def test_an_untouched_text_keeps_its_bytes_through_both_views(editor):
    for mode in (JSON, FORM, JSON):
        editor.modes.select(mode)
        assert editor.text == TEXT
        assert not editor.dirty
        assert editor.problem == ""


def test_the_json_is_shown_on_demand_only_and_hides_itself(editor, qtbot, monkeypatch):
    editor.modes.select(JSON)
    assert not editor.json.revealed
    assert not editor.json.view.isVisible()
    monkeypatch.setattr(secret_editor, "REVEAL_SECONDS", 0.05)
    editor.json.cover.button.click()
    assert editor.json.view.isVisible()
    qtbot.waitUntil(lambda: not editor.json.revealed)
    assert editor.text == TEXT
    editor.json.reveal()
    editor.modes.select(FORM)
    assert not editor.json.revealed


def test_editing_json_tells_line_and_column_and_the_form_waits_until_it_is_right(editor):
    editor.modes.select(JSON)
    editor.json.view.setPlainText('{"host": "db",\n "rate": }')
    assert "Line 2, column 10" in editor.problem
    editor.modes.select(FORM)
    assert editor.modes.current == JSON
    editor.json.view.setPlainText('{"host": "other"}')
    editor.modes.select(FORM)
    assert editor.form.rows == (SecretRow("host", Secret("other")),)
    assert editor.dirty


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


def test_a_text_that_is_no_object_has_no_form(editor):
    editor.set_text("plain text\n")
    assert editor.modes.current == JSON
    assert editor.text == "plain text\n"
    assert editor.problem == ""
    editor.set_text("a\r\nb")
    assert editor.text == "a\r\nb"


def test_a_text_above_the_limit_is_refused(editor):
    editor.modes.select(JSON)
    editor.json.view.setPlainText('{"a": "' + "x" * 65_536 + '"}')
    assert "too long" in editor.problem


# Models.


def info(name, days=0, **more):
    return SecretInfo(name, created=NOW - timedelta(days=days), **more)


def test_secrets_as_rows(qtmodeltester):
    model = SecretsModel()
    pending = (SecretVersion("a", (CURRENT,)), SecretVersion("b", (PENDING,)))
    model.show(
        [
            info("a", 94),
            info("b", 1, deleted=NOW + timedelta(days=30)),
            info("c", 0, versions=pending),
            info("d", 12),
            SecretInfo("e"),
        ],
        NOW,
    )
    qtmodeltester.check(model)
    texts = [[model.index(row, col).data() for col in range(3)] for row in range(5)]
    assert texts == [
        ["a", "94 days", "overdue"],
        ["b", "1 day", "deleted in 30 days"],
        ["c", "now", "pending change"],
        ["d", "12 days", ""],
        ["e", "", ""],
    ]
    assert model.index(0, 1).data(SORT_ROLE) > model.index(3, 1).data(SORT_ROLE)
    assert model.index(1, 2).data(PILL_ROLE) == "danger"
    assert model.row_of("d") == 3
    assert model.row_of("x") == -1


def test_foreign_text_in_a_tooltip_is_plain(qtbot, monkeypatch):
    model, told = SecretsModel(), []
    model.show([info("a", description="<img src=x> \u202e")], NOW)
    view = make_table(model, "Secrets")
    qtbot.addWidget(view)
    monkeypatch.setattr(cells.QToolTip, "showText", lambda _where, text, _view: told.append(text))
    event = QHelpEvent(QEvent.Type.ToolTip, QPoint(1, 1), QPoint(1, 1))
    view.itemDelegate().helpEvent(event, view, QStyleOptionViewItem(), model.index(0, 0))
    assert "&lt;img src=x&gt;" in told[0]
    assert "\u202e" not in told[0]


def test_versions_as_rows(qtmodeltester):
    model = VersionsModel()
    model.show([SecretVersion("828d0000-41c2", (CURRENT,), NOW), SecretVersion("x", (PREVIOUS,))])
    qtmodeltester.check(model)
    assert model.index(0, 0).data() == "828d…41c2"
    assert model.index(0, 1).data(PILL_ROLE) == "good"
    assert model.index(0, 2).data() == "2026-11-23 00:00:00"
    assert model.index(1, 2).data() == ""


def test_profiles_and_permissions_as_rows(qtmodeltester):
    profiles = ProfilesModel()
    profiles.show(
        [
            Profile("demo", KeySource.SESSION, colour=ProfileColour.GREEN),
            Profile("production", KeySource.ROLE, colour=ProfileColour.RED),
        ],
        "demo",
    )
    qtmodeltester.check(profiles)
    assert profiles.index(1, 0).data(DOT_ROLE) == "danger"
    assert "read-only" in profiles.index(1, 0).data(Qt.ItemDataRole.AccessibleDescriptionRole)
    permissions = PermissionsModel()
    for ok in (True, False, None):
        permissions.add(PermissionResult("s3:ListBucket", ok, "contract", "why <b>"))
    qtmodeltester.check(permissions)
    spoken = [
        permissions.index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(3)
    ]
    assert ["not allowed" in text for text in spoken] == [False, True, False]
    assert "unknown" in spoken[2]


def test_steps_tell_state_detail_and_time(qtbot):
    steps = Steps(("one", "two"))
    qtbot.addWidget(steps)
    steps.set_step("one", "good", "well", 1.25)
    steps.set_step("two", "failed", "no")
    steps.set_step("three", "running")
    assert [steps.state(title) for title in ("one", "two", "three", "four")] == [
        "good", "failed", "running", "",
    ]  # fmt: skip
    steps.drop("two")
    assert steps.state("two") == ""
    steps.forget()
    assert steps.state("one") == ""


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
