"""No secret leaks into logs, files, texts, errors, output or widgets, and planted leaks are found.

Each journey collects evidence; the scan must find nothing in it. Then leaks are planted, one in
each channel, and the scan must find each of them.
"""

import base64
import json
import logging
import os
import subprocess
import sys
import traceback
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.leak_journeys import JOURNEYS, travel, window
from helpers.leaks import Canaries, Evidence, children_of
from PySide6.QtWidgets import QLineEdit

import gui.errors
from core.aws.clients import ClientFactory
from core.aws.limits import SECRET_BYTES
from core.errors import InvalidInput
from core.links.make import make_links
from core.local.activity import ChangeLog
from core.paths import data_dir
from core.redaction import Secret
from core.rotation import stages
from core.secrets import secret_text
from core.workspace import Workspace
from gui import theme
from gui.context import Context
from gui.tasks import TaskRunner
from gui.widgets.secret_clipboard import secret_clipboard


@pytest.fixture
def canaries(demo_server):
    found = Canaries()
    found.add("the administrator's key", demo_server.admin.secret_access_key.reveal())
    return found


@pytest.fixture
def evidence():
    return Evidence()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "strongroom"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def clients(demo_server):
    made = ClientFactory(demo_server.connection)
    yield made
    made.close()


@pytest.fixture
def context(qapp, home):
    theme.apply(qapp, "light")
    runner = TaskRunner()
    yield Context(runner, log=ChangeLog())
    runner.shutdown()
    qapp.setStyleSheet("")


def test_nothing_leaks(demo_server, clients, canaries, evidence, home, monkeypatch):
    travel(JOURNEYS, demo_server, clients, canaries, evidence, home, monkeypatch)
    link = make_links_of(demo_server, clients)
    canaries.add("a link's signature", link.url.reveal().rpartition("X-Amz-Signature=")[2][:64])
    evidence.record("a link", link)
    evidence.files(home)
    assert len(canaries.values) >= 25, sorted(canaries.values)
    assert set(evidence.channels) >= {"log", "file", "repr", "error", "traceback", "output"}
    assert evidence.leaks(canaries) == {}


def make_links_of(server, clients):
    with ThreadPoolExecutor(1) as elsewhere:
        workspace = Workspace(server.connection, clients=clients)
        made = elsewhere.submit(
            make_links,
            workspace.bucket,
            ["analytics/x.json"],
            method="GET",
            seconds=60,
            made_by="x",
        )
        return made.result()[0]


def test_nothing_leaks_in_the_window(demo_server, canaries, evidence, home, context, qtbot):
    with evidence.logs():
        window(demo_server, canaries, evidence, context, qtbot)
    evidence.files(home)
    assert evidence.channels["accessibility"]
    assert evidence.leaks(canaries) == {}


# The scanner proves itself: one planted leak in each channel.


def report_each_put(monkeypatch, tell):
    """Have the rotation's write to Secrets Manager tell the text that it stores."""
    put = stages._put

    def leaky(clients, rotation, token, text, work):
        tell(text)
        put(clients, rotation, token, text, work)

    monkeypatch.setattr(stages, "_put", leaky)


def plant_log(monkeypatch):
    report_each_put(
        monkeypatch, lambda text: logging.getLogger("core.rotation").debug("put %s", text)
    )


def plant_file(monkeypatch):
    report_each_put(monkeypatch, (data_dir() / "debug.txt").write_text)


def plant_repr(monkeypatch):
    monkeypatch.setattr(Secret, "__repr__", Secret.reveal)


def plant_error(monkeypatch):
    def leaky(text):
        if len(text) > SECRET_BYTES:
            raise InvalidInput(f"The secret is too long: {text[:100]}")

    monkeypatch.setattr(secret_text, "check_size", leaky)


def plant_traceback(monkeypatch):
    def leaky(kind, error, trace):
        output = traceback.TracebackException(kind, error, trace, capture_locals=True)
        return "".join(output.format())

    monkeypatch.setattr(gui.errors, "report_of", leaky)


def plant_output(monkeypatch):
    reveal = Secret.reveal

    def leaky(self):
        sys.stdout.write(reveal(self))
        return reveal(self)

    monkeypatch.setattr(Secret, "reveal", leaky)


@pytest.mark.parametrize(
    ("plant", "journey", "channel"),
    [
        (plant_log, "exchange", "log"),
        (plant_file, "exchange", "file"),
        (plant_repr, "store", "repr"),
        (plant_error, "store", "error"),
        (plant_traceback, "store", "traceback"),
        (plant_output, "command", "output"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_planted_leak_is_found(
    demo_server, clients, canaries, evidence, home, monkeypatch, caplog, plant, journey, channel
):
    with monkeypatch.context() as patch:
        plant(patch)
        travel([journey], demo_server, clients, canaries, evidence, home, monkeypatch)
    caplog.clear()  # the guard of every test would find it there, too
    assert channel in evidence.leaks(canaries)


def plant_open_fields(monkeypatch):
    monkeypatch.setattr(QLineEdit, "setEchoMode", lambda _field, _mode: None)


def plant_clipboard(monkeypatch):
    secret_clipboard()._timer.timeout.disconnect()


@pytest.mark.parametrize(
    ("plant", "channel"),
    [(plant_open_fields, "accessibility"), (plant_clipboard, "clipboard")],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_a_planted_leak_in_the_window_is_found(
    demo_server, canaries, evidence, home, context, qtbot, monkeypatch, plant, channel
):
    with monkeypatch.context() as patch:
        plant(patch)
        window(demo_server, canaries, evidence, context, qtbot)
    if channel == "clipboard":
        secret_clipboard()._timer.timeout.connect(secret_clipboard().clear)
        secret_clipboard().clear()
    assert set(evidence.leaks(canaries)) == {channel}


@pytest.mark.parametrize("channel", ["argument", "environment"])
def test_a_planted_leak_in_a_child_is_found(canaries, evidence, channel):
    value = canaries.make("a password of a child")
    arguments, extra = ([value], {}) if channel == "argument" else ([], {"PGPASSWORD": value})
    script = "import sys; sys.stdin.read()"
    child = subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        stdin=subprocess.PIPE,
        env={**os.environ, **extra},
    )
    try:
        evidence.processes(children_of(os.getpid()))
    finally:
        child.communicate()
    assert set(evidence.leaks(canaries)) == {"process"}


def test_the_scanner_knows_other_spellings():
    canaries = Canaries()
    value = canaries.make("a value")
    spellings = [
        value,
        json.dumps({"x": value}),
        repr({"x": value}),
        base64.b64encode(value.encode()),
        base64.b64encode(b"user:" + value.encode() + b"@host"),
        urllib.parse.quote(value, safe=""),
    ]
    assert all(canaries.hits(spelling) for spelling in spellings)
    assert not canaries.hits("nothing of it")
