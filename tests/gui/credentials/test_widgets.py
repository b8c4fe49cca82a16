"""Secret values are hidden on screen and from screen readers, and leave the clipboard."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QAccessible, QGuiApplication, QHelpEvent
from PySide6.QtWidgets import QStyleOptionViewItem

from core.health.permissions import PermissionResult
from core.model.connection import KeySource, Profile, ProfileColour
from core.model.secret_names import CURRENT, PENDING, PREVIOUS
from core.model.secrets import SecretInfo, SecretVersion
from core.redaction import Secret
from gui.dialogs.profile_form import ProfileForm
from gui.models.roles import ASIDE_ROLE, DOT_ROLE, PILL_ROLE, SORT_ROLE
from gui.tabs.credentials.profiles.profiles_model import (
    PermissionsModel,
    ProfilesModel,
    profile_details,
)
from gui.tabs.credentials.secrets.secrets_model import SecretsModel
from gui.tabs.credentials.secrets.versions_model import VersionsModel
from gui.widgets import cells, secret_clipboard, secret_field
from gui.widgets.secret_field import SecretField
from gui.widgets.steps import Steps
from gui.widgets.table import make_table

VALUE = "canary-value-0123456789"
NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def field(qtbot):
    made = SecretField("password")
    qtbot.addWidget(made)
    made.set_value(Secret(VALUE))
    made.show()
    return made


def screen_reader_text(widget):
    """Return what a screen reader reads of the text of a field."""
    interface = QAccessible.queryAccessibleInterface(widget)
    return interface.text(QAccessible.Text.Value)


# One value.


def test_a_value_is_bullets_to_the_eye_and_to_screen_readers(field):
    assert VALUE not in field.line.displayText()
    assert VALUE not in screen_reader_text(field.line)
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
    explained = []
    monkeypatch.setattr(
        secret_field.shortcuts, "explain", lambda _widget, text: explained.append(text)
    )
    monkeypatch.setattr(secret_clipboard, "CLEAR_SECONDS", 0.05)
    qtbot.mouseClick(field.copy, Qt.MouseButton.LeftButton)
    clipboard = QGuiApplication.clipboard()
    assert clipboard.text() == VALUE
    assert explained == ["Copied. The clipboard is cleared after 30 seconds."]
    assert clipboard.mimeData().data("x-kde-passwordManagerHint") == b"secret"
    qtbot.waitUntil(lambda: clipboard.text() == "")


def test_a_selection_is_not_yet_a_copy(field, monkeypatch, qtbot):
    dropped = []
    monkeypatch.setattr(secret_field, "drop_selection", dropped.append)
    field.reveal()
    qtbot.mouseDClick(field.line, Qt.MouseButton.LeftButton)
    qtbot.mouseRelease(field.line, Qt.MouseButton.LeftButton)
    assert dropped[-1]
    assert dropped[-1] in VALUE
    qtbot.keyClick(field.line, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    assert dropped[-1] == VALUE


def test_each_secret_that_was_copied_is_watched(field):
    board = secret_clipboard.secret_clipboard()
    board.copy(Secret("first-canary"))
    board.mime_data(Secret("selected elsewhere"))
    board.clear()
    assert QGuiApplication.clipboard().text() == ""


def test_a_value_of_any_length_and_kind_comes_back(field):
    for text in ("x" * 65_536, "-----BEGIN\nabc\r\n-----END\n", "\ufeffa", "\ud800", "\u00a0\0"):
        field.set_value(Secret(text))
        assert field.value == Secret(text)


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
    model, output = SecretsModel(), []
    model.show([info("a", description="<img src=x> \u202e")], NOW)
    view = make_table(model, "Secrets")
    qtbot.addWidget(view)
    monkeypatch.setattr(cells.QToolTip, "showText", lambda _where, text, _view: output.append(text))
    event = QHelpEvent(QEvent.Type.ToolTip, QPoint(1, 1), QPoint(1, 1))
    view.itemDelegate().helpEvent(event, view, QStyleOptionViewItem(), model.index(0, 0))
    assert "&lt;img src=x&gt;" in output[0]
    assert "\u202e" not in output[0]


def test_versions_as_rows(qtmodeltester):
    model = VersionsModel()
    ours = (CURRENT, "strongroom:anna:828d0000")
    model.show([SecretVersion("828d0000-41c2", ours, NOW), SecretVersion("x", (PREVIOUS,))])
    qtmodeltester.check(model)
    assert model.index(0, 0).data() == "828d…41c2"
    assert model.index(0, 1).data(PILL_ROLE) == "good"
    assert model.index(0, 1).data() == CURRENT
    assert model.index(0, 2).data() == "23 Nov 2026 00:00:00"
    assert model.index(0, 3).data() == "anna"
    assert "by anna" in model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert model.index(1, 2).data() == ""


def test_the_endpoint_of_the_environment_is_named_where_a_profile_has_none(qtbot, monkeypatch):
    profile = Profile("p", KeySource.KEYRING, bucket="a-bucket", region="eu-central-1")
    assert profile_details(profile).endswith("\nAWS")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://minio:9000")
    assert profile_details(profile).endswith("\nhttp://minio:9000 (set in the environment)")
    form = ProfileForm(profile)
    qtbot.addWidget(form)
    assert form.endpoint.placeholderText() == "http://minio:9000 (set in the environment)"
    own = replace(profile, endpoint_url="http://own:9000")
    assert profile_details(own).endswith("\nhttp://own:9000")


def test_the_current_profile_is_shown_as_unlocked_while_it_is():
    profiles, changes = ProfilesModel(), []
    profiles.set_read_only(False)
    profiles.set_read_only(True)
    red = [Profile(name, KeySource.ROLE, colour=ProfileColour.RED) for name in ("one", "two")]
    profiles.show([*red, Profile("three", KeySource.ROLE)], "one")
    profiles.dataChanged.connect(lambda *area: changes.append(area))

    def asides():
        return [profiles.index(row, 0).data(ASIDE_ROLE) for row in range(3)]

    assert asides() == ["in use · read-only", "read-only", ""]
    profiles.set_read_only(False)
    assert asides() == ["in use · writing", "read-only", ""]
    assert len(changes) == 1


def test_a_field_that_becomes_editable_looks_so_at_once(themed, qtbot):
    field = SecretField("Password")
    field.set_read_only(True, "The profile is read-only.")
    qtbot.addWidget(field)
    field.show()
    point = field.line.rect().center()

    def background():
        return field.line.grab().toImage().pixelColor(point).name()

    locked = background()
    field.set_read_only(False)
    assert background() != locked
    field.set_read_only(True, "The profile is read-only.")
    assert background() == locked


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
    screen_reader_text = [
        permissions.index(row, 0).data(Qt.ItemDataRole.AccessibleTextRole) for row in range(3)
    ]
    assert ["not allowed" in text for text in screen_reader_text] == [False, True, False]
    assert "unknown" in screen_reader_text[2]


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
    steps.clear()
    assert steps.state("one") == ""


def test_what_was_copied_leaves_the_clipboard_with_the_program():
    script = """
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from core.redaction import Secret
from gui.widgets.secret_clipboard import secret_clipboard
app = QApplication([])
secret_clipboard().copy(Secret("canary"))
print(app.clipboard().text())
QTimer.singleShot(0, app.quit)
app.exec()
print(repr(app.clipboard().text()))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.split() == ["canary", "''"]
