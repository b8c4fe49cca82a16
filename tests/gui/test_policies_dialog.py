"""The policies dialog shows and copies the policy for a role and a prefix."""

import json
from datetime import date

import pytest
from helpers.widget_tree import labels_with_html, unnamed
from PySide6.QtWidgets import QWidget

from core.local.used_actions import UsedAction
from core.model.connection import KeySource, Profile
from gui.dialogs.policies import Policies

PROFILE = Profile("work", KeySource.ENVIRONMENT)
DAY = date(2026, 11, 1)


@pytest.fixture
def dialog(themed, qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    dialog = Policies(parent, PROFILE, [UsedAction("s3:GetObject", DAY, DAY)])
    dialog.show()
    yield dialog
    dialog.close()


def test_the_policy_follows_role_and_prefix_and_is_copied(dialog, qapp):
    assert unnamed(dialog) == []
    assert labels_with_html(dialog) == []
    dialog.prefix.setText("analytics/")
    dialog.role.setCurrentIndex(1)
    policy = json.loads(dialog.text.toPlainText())
    actions = {action for one in policy["Statement"] for action in one["Action"]}
    assert "s3:PutObject" in actions
    assert "s3:DeleteObject" not in actions
    dialog.copy.click()
    assert json.loads(qapp.clipboard().text()) == policy


def test_what_was_used_says_since_when(dialog):
    dialog.role.setCurrentIndex(dialog.role.count() - 1)
    policy = json.loads(dialog.text.toPlainText())
    assert [one["Action"] for one in policy["Statement"]] == [["s3:GetObject"]]
    assert "since 1 Nov 2026" in dialog.note.text()


def test_whose_keys_an_admin_rotates_is_named(dialog):
    assert not dialog.user.isEnabled()
    dialog.role.setCurrentIndex(3)
    assert "user/${aws:username}" in dialog.text.toPlainText()
    dialog.user.setText("s3-bot")
    assert "user/s3-bot" in dialog.text.toPlainText()


def test_what_would_widen_the_policy_is_refused(dialog):
    dialog.prefix.setText("*")
    assert dialog.text.toPlainText() == ""
    assert not dialog.copy.isEnabled()
    assert "cannot be used in a policy" in dialog.note.text()
