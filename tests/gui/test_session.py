"""The window prompts for an MFA code, and refreshes a session that has expired."""

import os
import threading
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from helpers.stub_server import StubServer
from helpers.stub_sts import MFA_ROLE, StubSts
from PySide6.QtWidgets import QApplication

from core.errors import CredentialsExpired, LocalIOError
from core.local.profiles import ProfileStore
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.model.identity import Identity
from core.redaction import Secret
from core.units import utc_now
from core.workspace import Workspace
from gui.dialogs.mfa import MfaForm
from gui.main_window.connecting import Connector
from gui.main_window.session_clock import SessionClock
from gui.main_window.window import MainWindow

TEAM = Profile("prod", KeySource.AWS_PROFILE, aws_profile="team")


@pytest.fixture
def sts(monkeypatch):
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(MFA_ROLE)
    stub = StubSts(utc_now() + timedelta(minutes=5))
    with StubServer(stub) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        yield stub


@pytest.fixture
def connector(context, sts, tmp_path):
    context.connections.profiles = ProfileStore(tmp_path)
    context.connections.profiles.save(TEAM)
    made = Connector(context)
    yield made
    context.set_workspace(None)


def form(qtbot):
    def found():
        return [
            w for w in QApplication.topLevelWidgets() if isinstance(w, MfaForm) and w.isVisible()
        ]

    qtbot.waitUntil(lambda: bool(found()))
    return found()[0]


def sign_in(qtbot, code="123456"):
    shown = form(qtbot)
    shown.code.setText(code)
    shown.go.click()


def test_a_code_is_asked_in_the_window_and_opens_the_connection(qtbot, context, connector, sts):
    connector.open_profile("prod")
    shown = form(qtbot)
    output = " ".join(
        label.text() for label in shown.findChildren(object) if hasattr(label, "text")
    )
    for text in ("prod", "team", "arn:aws:iam::123456789012:mfa/me"):
        assert text in output
    assert not shown.go.isEnabled()
    shown.code.setText("12345")
    assert not shown.go.isEnabled()
    sign_in(qtbot)
    qtbot.waitUntil(lambda: context.identity is not None)
    assert context.workspace.profile.name == "prod"
    assert sts.codes == ["123456"]


def test_cancel_reports_that_no_code_was_given_and_keeps_the_former_connection(
    qtbot, context, connector, sts
):
    failures = []
    connector.failed.connect(failures.append)
    connector.open_profile("prod")
    form(qtbot).reject()
    qtbot.waitUntil(lambda: bool(failures))
    assert failures[0].summary == "No MFA code was entered"
    assert context.workspace is None
    assert sts.codes == []


def test_another_wish_withdraws_the_question(qtbot, context, connector, sts):
    connector.open_profile("prod")
    first = form(qtbot)
    gone = []
    first.destroyed.connect(lambda: gone.append(True))
    connector.open_profile("prod")
    qtbot.waitUntil(lambda: bool(gone))
    sign_in(qtbot)
    qtbot.waitUntil(lambda: context.identity is not None)
    assert sts.codes == ["123456"]


OTHER = Connection(
    Profile("other", KeySource.SESSION, bucket="other"), AccessKeys("AKIAOTHER", Secret("x" * 20))
)


def test_a_connection_that_is_opened_at_once_withdraws_the_question_of_another(
    qtbot, context, connector
):
    connector.open_profile("prod")
    gone = []
    form(qtbot).destroyed.connect(lambda: gone.append(True))
    connector.open_connection(OTHER)
    qtbot.waitUntil(lambda: bool(gone))
    qtbot.waitUntil(lambda: not context.runner.busy, timeout=30_000)
    assert context.workspace.profile.name == "other"


@pytest.mark.parametrize("failing", [False, True])
def test_a_connection_that_is_ready_late_does_not_replace_a_later_one(
    qtbot, context, connector, monkeypatch, failing
):
    """The window showed the bucket of the former request, and its changes went there."""
    go, late = threading.Event(), replace(OTHER, profile=Profile("late", KeySource.SESSION))

    def connect(_name):
        assert go.wait(10)
        if failing:
            raise CredentialsExpired("The keys of another profile have expired")
        return late

    monkeypatch.setattr(context.connections, "connect", connect)
    failures = []
    connector.failed.connect(lambda error: failures.append(error.summary))
    connector.open_profile("late")
    connector.open_connection(OTHER)
    go.set()
    qtbot.waitUntil(lambda: not context.runner.busy, timeout=30_000)
    assert context.workspace.profile.name == "other"
    assert "The keys of another profile have expired" not in failures


def test_a_connection_is_used_although_its_name_cannot_be_stored(
    qtbot, context, connector, monkeypatch
):
    """A state that cannot be written ended the start of the window with a report of a bug."""

    def refuse(_name):
        raise LocalIOError("The state cannot be written")

    monkeypatch.setattr(context.connections.profiles, "set_current", refuse)
    troubles = []
    context.trouble.connect(lambda error: troubles.append(error.summary))
    with qtbot.waitSignal(connector.connected):
        connector.open_connection(OTHER)
    qtbot.waitUntil(lambda: bool(troubles))
    assert troubles == ["The state cannot be written"]
    assert context.workspace.profile.name == "other"
    qtbot.waitUntil(lambda: not context.runner.busy, timeout=30_000)


def test_the_answer_about_a_former_session_is_not_the_identity_of_another_connection(
    qtbot, context, monkeypatch
):
    """The window showed the owner and the expiry of keys that were no longer in use."""
    go, soon = threading.Event(), utc_now() + timedelta(minutes=5)
    former = Identity("1", "arn:aws:sts::1:assumed-role/former/s", "s", expires=soon)
    present = Identity("2", "arn:aws:iam::2:user/present", "present")
    with closing(Workspace.open(OTHER)) as first, closing(Workspace.open(OTHER)) as second:

        def renewed(*, work):
            assert go.wait(10)
            return replace(former, expires=soon + timedelta(hours=1))

        monkeypatch.setattr(first, "identity", renewed)
        clock = SessionClock(context)
        qtbot.addWidget(clock)
        context.set_workspace(first)
        context.set_identity(former)
        qtbot.waitUntil(lambda: context.runner.busy)
        context.set_workspace(second)
        context.set_identity(present)
        go.set()
        qtbot.waitUntil(lambda: not context.runner.busy)
        assert context.identity == present
        context.set_workspace(None)


def test_refresh_opens_a_fresh_session_and_leaves_the_views_alone(qtbot, context, connector, sts):
    connector.open_profile("prod")
    sign_in(qtbot)
    qtbot.waitUntil(lambda: context.identity is not None)
    workspace, client = context.workspace, context.workspace.clients.sts()
    changes = []
    context.workspace_changed.connect(changes.append)
    clock = SessionClock(context)
    qtbot.addWidget(clock)
    assert clock.property("chip") == "warning"
    sts.expires = utc_now() + timedelta(hours=2)
    clock.click()
    sign_in(qtbot, "654321")
    qtbot.waitUntil(lambda: clock.property("chip") == "neutral")
    assert "session 1 h 59 min left" in clock.text()
    assert context.workspace is workspace
    assert changes == []
    assert workspace.clients.frozen_keys().access_key_id == "ASIAROLE2"
    assert workspace.clients.sts() is not client
    said = []  # what runs on the former session goes on
    context.runner.run(
        "Go on", lambda _w: client.get_caller_identity(), owner=clock, then=said.append
    )
    qtbot.waitUntil(lambda: bool(said))
    client.close()


def test_a_refresh_that_fails_keeps_the_session_that_is_in_force(qtbot, context, connector, sts):
    connector.open_profile("prod")
    sign_in(qtbot)
    qtbot.waitUntil(lambda: context.identity is not None)
    failures = []
    connector.failed.connect(failures.append)
    sts.refuse_code = True
    context.renewal_wanted.emit()
    sign_in(qtbot)
    qtbot.waitUntil(lambda: any("MFA" in error.summary for error in failures))
    assert context.workspace.clients.frozen_keys().access_key_id == "ASIAROLE1"
    assert connector.recovery(failures[-1]) == (connector.refresh, "Refresh")


def test_an_expired_sign_in_offers_refresh_in_the_window(qtbot, context):
    window = MainWindow(context.settings).complete(context, Connector(context))
    qtbot.addWidget(window)
    remedy = "Run `aws sso login --profile team` in a terminal, then press Refresh."
    window.connector.failed.emit(CredentialsExpired("Your sign-in has expired", remedy=remedy))
    assert "aws sso login --profile team" in window.banner.accessibleName()
    assert window.banner._buttons[0].text() == "Refresh"


@pytest.mark.parametrize(
    ("left", "tone", "text"),
    [
        (timedelta(hours=26, seconds=30), "neutral", "session 1 d 2 h left"),
        (timedelta(hours=3, seconds=30), "neutral", "session 3 h 0 min left"),
        (timedelta(minutes=11, seconds=30), "neutral", "session 11 min left"),
        (timedelta(minutes=9, seconds=59), "warning", "session 9 min left"),
        (timedelta(seconds=42.5), "warning", "session 42 s left"),
        (timedelta(seconds=-1), "danger", "session expired · Refresh"),
    ],
)
def test_the_clock_counts_down_and_says_the_end(qtbot, context, left, tone, text):
    clock = SessionClock(context)
    qtbot.addWidget(clock)
    assert clock.isHidden()
    context.set_identity(Identity("1", "arn", "ann", utc_now() + left))
    assert not clock.isHidden()
    assert (clock.property("chip"), clock.text()) == (tone, text)
    wanted = []
    context.renewal_wanted.connect(lambda: wanted.append(True))
    clock.click()
    assert wanted


def test_temporary_keys_without_a_known_end_say_so(qtbot, context):
    clock = SessionClock(context)
    qtbot.addWidget(clock)
    context.set_identity(Identity("1", "arn", "ann", expiry_known=False))
    assert not clock.isHidden()
    assert clock.text() == "session expiry unknown"
    assert "expiry is unknown" in clock.toolTip()
    context.set_identity(Identity("1", "arn", "ann", utc_now() + timedelta(hours=2)))
    assert clock.text().startswith("session 1 h 59 min")


def test_lasting_keys_have_no_clock(qtbot, context):
    clock = SessionClock(context)
    qtbot.addWidget(clock)
    context.set_identity(Identity("1", "arn", "ann"))
    assert clock.isHidden()
