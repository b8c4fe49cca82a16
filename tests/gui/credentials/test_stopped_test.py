"""A test of the permissions that did not reach its end is not shown as a complete one."""

import pytest
from helpers.credentials import settled

from core.errors import Cancelled, Offline
from core.health.permissions import PermissionResult
from gui.tabs.credentials.profiles import profile_actions


@pytest.mark.parametrize("error", [Offline("The endpoint cannot be reached"), Cancelled("Stop")])
@pytest.mark.parametrize(("ok", "text"), [(True, "not completed"), (False, "1 missing")])
def test_a_test_that_ends_early_is_not_complete(tab, qtbot, monkeypatch, error, ok, text):
    """It was “complete”, in green, if the permissions that were tested until then exist."""

    def stopped(_clients, *, work):
        work.batch(PermissionResult("s3:ListBucket", ok, "contract"))
        raise error

    monkeypatch.setattr(profile_actions, "check_permissions", stopped)
    tab.profiles.test.click()
    settled(qtbot, tab)
    assert len(tab.profiles.permissions.results) == 1
    assert tab.profiles._verdict.text() == text
    assert tab.profiles.test.isEnabled()
