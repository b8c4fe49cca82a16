"""The hygiene board shows figures with texts, and a separate limit for each secret."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from helpers.aws import connection, deny_secrets
from helpers.credentials import DATABASE, STORAGE, opened, settled
from helpers.widget_tree import labels_with_html, unnamed
from PySide6.QtCore import Qt

from core.health.hygiene import LIMIT_TAG, HygieneReport, SecretHygiene
from core.model.connection import ProfileColour
from core.model.secret_names import BACKUP_KEY_DESCRIPTION
from core.model.secrets import SecretInfo
from core.workspace import Workspace
from gui.models.roles import PILL_ROLE, SORT_ROLE
from gui.tabs.credentials.hygiene.hygiene_actions import LimitDialog
from gui.tabs.credentials.hygiene.hygiene_model import AGE, LIMIT, NOTES, STATE, HygieneModel
from gui.tabs.credentials.secrets.secrets_pane import HYGIENE, LIST

NOW = datetime(2026, 11, 23, tzinfo=UTC)


def row(name, days, limit=90, **more):
    info = {
        key: more.pop(key) for key in ("deleted", "description", "rotation_enabled") if key in more
    }
    made = None if days is None else NOW - timedelta(days=days)
    age = None if days is None else timedelta(days=days)
    return SecretHygiene(SecretInfo(name, created=made, **info), age, limit, limit != 90, **more)


def test_how_a_secret_stands_is_reported_in_text(qtmodeltester):
    model = HygieneModel()
    rows = [
        row("cryptotrading/a", 94, same_as=("cryptotrading/b / token",)),
        row("b", 12, 5),
        row("c", 31, 40, rotation_enabled=True),
        row("d", 0, unseen="needs secretsmanager:GetSecretValue"),
        row("e", None),
        row("f", 200, deleted=NOW + timedelta(days=7)),
        row("g", 400, description=BACKUP_KEY_DESCRIPTION),
    ]
    model.show(HygieneReport(tuple(rows), NOW))
    qtmodeltester.check(model)
    states = [(model.index(at, STATE).data(), model.index(at, STATE).data(PILL_ROLE))
              for at in range(7)]  # fmt: skip
    assert states == [
        ("overdue by 4 days", "warning"),
        ("overdue by 7 days", "danger"),
        ("due in 9 days", "neutral"),
        ("within the limit", "good"),
        ("unknown", "neutral"),
        ("deleted in 7 days", "danger"),
        ("key of backups", "neutral"),
    ]
    assert model.index(6, LIMIT).data() == "none"
    assert [model.index(at, NOTES).data() for at in (0, 2, 3, 5)] == [
        "same value as b / token; never rotated",
        "never rotated; rotates by AWS",
        "never rotated; value not compared: needs secretsmanager:GetSecretValue",
        "",
    ]
    ages = [model.index(at, AGE).data(SORT_ROLE) for at in range(6)]
    assert ages == [94 * 86400, 12 * 86400, 31 * 86400, 0, -1, 200 * 86400]


@pytest.fixture
def board(tab, qtbot, server):
    """The tab with the board of two secrets of which one has the other's password."""
    stored = json.loads(server.get_secret_value(SecretId=STORAGE)["SecretString"])
    text = json.dumps({"password": stored["aws_secret_access_key"]})
    server.put_secret_value(SecretId=DATABASE, SecretString=text)
    tab.secrets.switch.select(HYGIENE)
    settled(qtbot, tab)
    return tab


def at_row(tab, name):
    rows = [each.info.name for each in tab.hygiene.model.report.rows]
    tab.hygiene.table.setCurrentIndex(tab.hygiene.table.model().index(rows.index(name), 0))


def test_a_value_used_twice_is_found_and_named_by_its_place(board):
    assert board.hygiene.isVisible()
    assert not board.secrets.isVisible()
    assert board.hygiene.twice.text() == "2 with a duplicate value"
    texts = [board.hygiene.model.index(at, NOTES).data() for at in range(2)]
    assert any("same value as s3-storage / aws_secret_access_key" in text for text in texts)


def test_a_limit_is_stored_as_a_tag_and_both_views_follow(board, qtbot, server, context):
    at_row(board, DATABASE)
    board.hygiene.limit.click()
    dialog = opened(qtbot, board, LimitDialog)
    assert dialog.days.value() == 90
    assert dialog.default.isHidden()
    assert unnamed(board) == []
    assert labels_with_html(board) == []
    dialog.days.setValue(30)
    dialog.go.click()
    settled(qtbot, board)
    assert server.describe_secret(SecretId=DATABASE)["Tags"] == [{"Key": LIMIT_TAG, "Value": "30"}]
    assert board.hygiene.current.limit_days == 30
    assert context.log.read()[-1].change.action == "Tagging a secret"
    board.hygiene.limit.click()
    opened(qtbot, board, LimitDialog).default.click()
    settled(qtbot, board)
    assert board.hygiene.current.limit_days == 90
    assert not server.describe_secret(SecretId=DATABASE).get("Tags")


def test_a_limit_does_not_touch_what_is_being_edited(tab, qtbot):
    line = next(f for f in tab.secret.editor.form.fields if f.row.key == "host").field.line
    qtbot.keyClicks(line, "x")
    tab.secrets.switch.select(HYGIENE)
    settled(qtbot, tab)
    at_row(tab, DATABASE)
    tab.hygiene.limit.click()
    opened(qtbot, tab, LimitDialog).go.click()
    settled(qtbot, tab)
    assert tab.secret.dirty


def test_enter_opens_the_secret_in_the_list(board, qtbot):
    at_row(board, STORAGE)
    board.hygiene.table.setFocus()
    qtbot.keyClick(board.hygiene.table, Qt.Key.Key_Return)
    settled(qtbot, board)
    assert board.secrets.isVisible()
    assert board.secret.name == STORAGE
    assert (board.secrets.switch.current, board.hygiene.switch.current) == (LIST, HYGIENE)


def test_what_may_not_be_done_is_locked_or_named(qtbot, tab, context, server):
    context.set_workspace(Workspace.open(connection(colour=ProfileColour.RED)))
    settled(qtbot, tab)
    tab.secrets.switch.select(HYGIENE)
    settled(qtbot, tab)
    assert not tab.hygiene.limit.isEnabled()
    assert "read-only" in tab.hygiene.limit.toolTip()
    deny_secrets(context.workspace.clients, "ListSecrets")
    tab.hygiene.refresh.click()
    settled(qtbot, tab)
    assert "secretsmanager:ListSecrets" in tab.hygiene.empty._text.text()
