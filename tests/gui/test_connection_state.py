"""The connection indicator shows the result of the last request."""

from datetime import timedelta
from threading import Event

import pytest
from helpers.silent_server import SilentServer
from helpers.stub_server import Reply, StubServer
from PySide6.QtCore import Qt

from core.aws.attempts import Attempt, endpoint_of
from core.errors import (
    CredentialsExpired,
    DatabaseLoginRefused,
    DatabaseOffline,
    ErrorKind,
    NotFound,
    Offline,
)
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.redaction import Secret
from core.transfer.values import Failure
from core.units import utc_now
from core.workspace import Workspace
from gui.context.connection_state import ConnectionState
from gui.main_window.connecting import Connector
from gui.main_window.status_bar import StatusBar
from gui.main_window.tasks_model import TasksModel
from gui.tabs.base import Tab

_ACTIVE = Qt.ApplicationState.ApplicationActive
KEYS = AccessKeys("AKIAIOSFODNN7EXAMPLE", Secret("wJalrXUtnFEMIK7MDENG"))
IDENTITY = (
    "<GetCallerIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'>"
    "<GetCallerIdentityResult><Arn>arn:aws:iam::1:user/ann</Arn><UserId>A</UserId>"
    "<Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)
VERSIONING = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
REFUSED = "<Error><Code>InvalidAccessKeyId</Code><Message>unknown</Message></Error>"


def workspace(url):
    profile = Profile("dev", KeySource.SESSION, endpoint_url=url, bucket="tentimecrypto")
    return Workspace.open(Connection(profile, KEYS))


def good(asked):
    text = IDENTITY if asked.method == "POST" else VERSIONING
    return Reply(200, {"Content-Type": "text/xml", "x-amz-request-id": "1"}, text.encode())


def refusing(_asked):
    return Reply(403, {"Content-Type": "application/xml"}, REFUSED.encode())


@pytest.fixture
def bar(context, qtbot):
    made = StatusBar(context, TasksModel(context.runner))
    qtbot.addWidget(made)
    yield made
    context.set_workspace(None)


def shown(bar):
    return bar.connection.tone, bar.connection.state.text()


def host(server):
    return server.url.removeprefix("http://")


def test_it_is_green_only_after_an_answer(context, qtbot, bar):
    assert shown(bar) == ("muted", "not connected")
    connector = Connector(context)
    with StubServer(good) as server:
        opened = workspace(server.url)
        context.set_workspace(opened)
        assert shown(bar) == ("warning", f"connecting to {host(server)}…")
        connector.open_connection(opened.connection)
        qtbot.waitUntil(lambda: shown(bar) == ("good", "connected"))
        assert "answered" in bar.connection.accessibleDescription()
        assert bar.connection.retry.isHidden()


def test_an_old_answer_is_no_proof(context, bar):
    with StubServer(good) as server:
        context.set_workspace(workspace(server.url))
    state = context.connection_state
    state._record(Attempt("s3.example", over=True))
    later = utc_now() + timedelta(minutes=3, seconds=5)
    assert state.shown().tone == "good"
    assert (state.shown(later).tone, state.shown(later).text) == (
        "warning",
        "last answer 3 min ago",
    )


def test_a_dead_server_is_named_in_red_and_can_be_asked_again(context, qtbot, bar):
    connector = Connector(context)
    errors = []
    connector.failed.connect(errors.append)
    with StubServer(good) as server:
        connector.open_connection(workspace(server.url).connection)
        qtbot.waitUntil(lambda: shown(bar) == ("good", "connected") and not context.runner.busy)
    context.workspace.clients.close()  # no connection of the pool stays open
    context.set_workspace(workspace(server.url))
    connector.retry()
    qtbot.waitUntil(lambda: bool(errors))
    qtbot.waitUntil(lambda: bar.connection.tone == "danger")
    assert bar.connection.state.text() == f"{host(server)} does not answer"
    assert bar.connection.accessibleName() == f"Connection: {host(server)} does not answer"
    qtbot.waitUntil(lambda: bar.doing.text() == "")  # not "ready"
    assert not bar.connection.retry.isHidden()
    with qtbot.waitSignal(context.retry_wanted):
        bar.connection.retry.click()


def test_refused_keys_are_red_with_their_cause(context, qtbot, bar):
    connector = Connector(context)
    with StubServer(refusing) as server:
        connector.open_connection(workspace(server.url).connection)
        qtbot.waitUntil(lambda: bar.connection.tone == "danger")
        qtbot.waitUntil(lambda: not context.runner.busy)
    assert bar.connection.state.text() == f"{host(server)} refuses the keys"
    assert "access key" in bar.connection.accessibleDescription().lower()
    assert context.connection_state.refused


def test_an_answer_without_a_check_of_the_keys_leaves_them_refused(context, qtbot, bar):
    """A server without STS answers "not supported", whatever the keys, in any order."""
    connector = Connector(context)
    s3_refused, identified = Event(), Event()

    def refusing_in_order(asked):
        if asked.method == "POST":  # GetCallerIdentity
            identified.set()
            assert s3_refused.wait(timeout=30)
        return refusing(asked)

    with StubServer(refusing_in_order) as server:
        connector.open_connection(workspace(server.url).connection)
        qtbot.waitUntil(lambda: context.connection_state.refused)
        s3_refused.set()
        qtbot.waitUntil(lambda: not context.runner.busy)
        qtbot.waitUntil(lambda: not context.connection_state.waiting)
    assert identified.is_set()
    assert bar.connection.tone == "danger"
    assert context.connection_state.refused


def test_a_server_that_says_nothing_is_amber_with_the_time_waited(context, qtbot, bar):
    with SilentServer() as server:
        opened = workspace(server.url)
        context.set_workspace(opened)
        task = context.runner.run("Ask", lambda work: opened.identity(work=work), owner=bar)
        qtbot.waitUntil(lambda: context.connection_state.waiting)
        soon = utc_now() + timedelta(seconds=5)
        found = context.connection_state.shown(soon)
        assert found.tone == "warning"
        assert found.text.startswith(f"waiting for {host(server)} (")
        task.cancel()
        qtbot.waitUntil(lambda: not context.connection_state.waiting)


def test_a_denial_is_an_answer_and_an_attempt_that_is_repeated_is_no_failure_yet(context):
    state = ConnectionState(context.runner)
    with StubServer(good) as server:
        state.follow(workspace(server.url))
    state._record(Attempt("h", over=True, failed=ErrorKind.OFFLINE))
    assert state.shown().text == "no answer from h, trying again"
    state._record(Attempt("h", over=True, keys_accepted=False))
    assert state.shown().tone == "good"


def test_answers_of_a_former_connection_do_not_count(context, qtbot):
    state = context.connection_state
    with StubServer(good) as server:
        former = workspace(server.url)
        context.set_workspace(former)
        watcher = former.clients._watcher
        context.set_workspace(workspace(server.url))
        watcher(Attempt("h", over=True))
        qtbot.wait_until(lambda: not context.runner.busy)
        qtbot.wait(10)
    assert state.last_answer is None
    context.set_workspace(None)


def test_a_failed_switch_leaves_the_state_of_the_connection_in_force(context):
    state = ConnectionState(context.runner)
    with StubServer(good) as server:
        state.follow(workspace(server.url))
    state._record(Attempt("h", over=True))
    state.set_not_opened(CredentialsExpired("The sign-in has expired"))
    assert state.shown().tone == "good"
    state.follow(None)
    state.set_not_opened(CredentialsExpired("The sign-in has expired"))
    assert (state.shown().tone, state.shown().retry) == ("danger", True)


@pytest.mark.parametrize(
    ("error", "tone"),
    [
        (Offline("gone"), "danger"),
        (NotFound("no such key"), "good"),
        (DatabaseOffline("the database server is gone"), "good"),
        (DatabaseLoginRefused("another password"), "good"),
    ],
)
def test_the_engine_reports_by_the_end_of_its_tasks(context, qtbot, monkeypatch, error, tone):
    class Engine:
        def call(self, *_arguments, **_options):
            raise error

        def close(self):
            """Nothing runs."""

    monkeypatch.setattr(context.runner, "_engine", Engine())
    state = context.connection_state
    with StubServer(good) as server:
        opened = workspace(server.url)
        context.set_workspace(opened)
    state._record(Attempt(host(server), over=True))
    task = context.runner.run_bulk("Scan", "x", {}, connection=opened.connection, owner=state)
    qtbot.waitUntil(lambda: not task.running)
    assert state.shown().tone == tone
    context.set_workspace(None)


def test_an_idle_connection_is_asked_once_and_refused_keys_never(context, qtbot, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "core.aws.buckets.bucket_brief",
        lambda *_a, **_k: asked.append(1) or (_ for _ in ()).throw(Offline("x")),
    )
    monkeypatch.setattr(
        "gui.main_window.connecting.QGuiApplication.applicationState", lambda: _ACTIVE
    )
    connector = Connector(context)
    with StubServer(good) as server:
        context.set_workspace(workspace(server.url))
    connector.probe_when_idle()
    qtbot.waitUntil(lambda: not context.runner.busy)
    assert asked == [1]
    context.connection_state._record(Attempt("h", over=True))
    connector.probe_when_idle()
    assert not context.runner.busy
    context.connection_state._record(Attempt("h", over=True, failed=ErrorKind.CREDENTIALS_INVALID))
    connector.probe_when_idle()
    assert not context.runner.busy
    context.set_workspace(None)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://127.0.0.1:9000/b/k?x", "127.0.0.1:9000"),
        ("https://tentimecrypto.s3.eu-west-1.amazonaws.com/k", "s3.eu-west-1.amazonaws.com"),
        ("https://s3.amazonaws.com/", "s3.amazonaws.com"),
        ("https://sts.amazonaws.com/", "sts.amazonaws.com"),
        ("https://b.s3.example.com/", "b.s3.example.com"),
    ],
)
def test_an_endpoint_is_named_by_its_host(url, name):
    assert endpoint_of(url) == name


def test_requests_of_further_clients_of_the_connection_count(context, qtbot, bar):
    context.set_workspace(workspace("http://127.0.0.1:1"))
    report = context.connection_state.watcher()
    report(Attempt("127.0.0.1:1", over=True))
    qtbot.waitUntil(lambda: shown(bar) == ("good", "connected"))
    report(Attempt("127.0.0.1:1", over=True, failed=ErrorKind.OFFLINE))
    task = context.runner.run("Rotate a secret", unreachable, owner=context)
    qtbot.waitUntil(lambda: task.error is not None)
    qtbot.waitUntil(lambda: shown(bar) == ("danger", "127.0.0.1:1 does not answer"))


def unreachable(_work):
    raise Offline("The endpoint cannot be reached")


def test_the_bar_is_not_ready_while_a_tab_still_loads(context, qtbot, bar):
    go_on = Event()
    context.runner.run("List backups", lambda _work: go_on.wait(20), owner=context, quiet=True)
    qtbot.waitUntil(lambda: bar.doing.text() == "loading…")
    go_on.set()
    qtbot.waitUntil(lambda: bar.doing.text() == "ready")


def test_the_server_is_asked_while_an_operation_makes_no_progress(context, qtbot, monkeypatch):
    asked = []
    monkeypatch.setattr("core.aws.buckets.bucket_brief", lambda *_a, **_k: asked.append(1))
    monkeypatch.setattr(type(context.runner), "bulk_running", property(lambda _self: [object()]))
    connector = Connector(context)
    with StubServer(good) as server:
        context.set_workspace(workspace(server.url))
    context.runner.task_started.emit(object())
    assert connector._stuck.isActive()
    connector.probe_when_stuck()
    qtbot.waitUntil(lambda: not context.runner.busy)
    assert asked == [1]
    context.connection_state._record(Attempt("h", over=True))
    connector.probe_when_stuck()
    assert not context.runner.busy, "progress, or any answer, is proof enough"
    context.set_workspace(None)


def test_a_transfer_that_the_server_failed_is_no_proof_of_the_connection(
    context, qtbot, bar, monkeypatch
):
    context.set_workspace(workspace("http://127.0.0.1:1"))
    tab = Tab(context)
    qtbot.addWidget(tab)
    failure = Failure.of(0, "a.txt", Offline("The endpoint cannot be reached"))
    task = context.runner.run(
        "Upload", lambda _work: None, owner=tab, then=lambda _none: tab.note_failures([failure])
    )
    monkeypatch.setattr(type(task), "bulk", True)
    qtbot.waitUntil(lambda: shown(bar) == ("danger", "127.0.0.1:1 does not answer"))
