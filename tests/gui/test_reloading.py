"""Tabs reload what has failed because of the server or the keys, once it is available again."""

import pytest

from core.errors import AccessDenied, CredentialsExpired, Offline
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.redaction import Secret
from core.workspace import Workspace

EXPIRED = CredentialsExpired("The temporary credentials have expired")


@pytest.fixture
def shown(window):
    """The current tab of the window, loaded."""
    tab = window.show_tab("credentials")
    tab.calls.clear()
    return tab


def test_the_button_of_expired_keys_hides_the_message_but_reloads_the_tab(window, shown):
    wanted = []
    window.context.renewal_wanted.connect(lambda: wanted.append(True))
    shown.show_error(EXPIRED)
    shown.banner._buttons[0].click()
    assert wanted
    assert not shown.banner.failed
    window.connector.connected.emit()
    assert ("refresh",) in shown.calls
    shown.calls.clear()
    window.connector.connected.emit()
    assert shown.calls == []


def test_an_error_that_only_the_window_has_shown_is_reloaded(window, shown):
    error = Offline("The server does not answer")
    window.connector.failed.emit(error)
    shown.show_error(error)
    assert not shown.banner.failed
    window.connector.connected.emit()
    assert ("refresh",) in shown.calls


def test_a_hidden_tab_is_reloaded_when_it_is_shown(window, shown):
    shown.show_error(EXPIRED)
    window.show_tab("browser")
    window.connector.connected.emit()
    assert shown.calls == []
    window.show_tab("credentials")
    assert shown.calls == [("refresh",)]
    window.show_tab("browser")
    window.show_tab("credentials")
    assert shown.calls == [("refresh",)]


def test_a_hidden_tab_with_another_failure_is_left_alone(window, shown):
    shown.show_error(AccessDenied("Access is denied"))
    window.show_tab("browser")
    window.connector.connected.emit()
    window.show_tab("credentials")
    assert shown.calls == []
    assert shown.banner.failed


@pytest.mark.parametrize(
    ("token", "role", "label"),
    [
        ("t", None, "Enter new keys…"),
        ("t", "arn:aws:iam::123456789012:role/r", "Refresh"),
        ("", None, "Refresh"),
    ],
)
def test_expired_keys_that_were_entered_are_entered_again(window, token, role, label):
    profile = Profile("temp", KeySource.KEYRING, endpoint_url="http://127.0.0.1:9", role_arn=role)
    keys = AccessKeys("ASIA", Secret("secret"), Secret(token) if token else None)
    window.context.set_workspace(Workspace.open(Connection(profile, keys)))
    window.connector._requested = "temp"
    tab = window.show_tab("browser")
    tab.show_error(EXPIRED)
    button = tab.banner._buttons[0]
    assert button.text() == label
    window.connector.failed.emit(EXPIRED)
    assert window.banner._buttons[0].text() == label
    if label != "Refresh":
        button.click()
        assert ("target", "profile") in window.tab("credentials").calls
    window.context.set_workspace(None)
