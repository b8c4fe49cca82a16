"""The journeys of canaries: every path that secrets take, each with its evidence."""

import io
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from helpers.demo import plain_client
from helpers.keyrings import MemoryKeyring
from helpers.leaks import children_of
from helpers.rotation_world import AT_ONCE, AtStep, World, resume_or_start
from helpers.secret_world import SecretWorld
from helpers.wire_faults import Killed, Wire, on_the_wire
from PySide6.QtGui import QGuiApplication

from core.aws.clients import ClientFactory
from core.aws.limits import SECRET_BYTES
from core.cli import main
from core.doctor.doctor import Doctor
from core.errors import StorageError
from core.local.connections import Connections
from core.local.vault import Vault
from core.model.connection import AccessKeys, Connection, KeySource, Profile
from core.model.rotation import Step
from core.redaction import Secret
from core.rotation.journal import RotationJournal
from core.rotation.local_keys import LocalKeys
from core.secrets import secret_text
from core.storage.aws_secrets_manager import SecretsManager
from core.work import Work
from core.workspace import Workspace
from gui.tabs.credentials import CredentialsTab
from gui.widgets.secret_clipboard import secret_clipboard

EXCHANGE = ("binance_api_key", "binance_secret_key", "coinbase_api_key", "coinbase_secret_key")


def failing(evidence, where, act):
    """Carry out what must fail, and collect how."""
    with pytest.raises((StorageError, TypeError)) as caught:
        act()
    evidence.error(where, caught.value)


def rotate(server, clients, canaries, evidence, home, monkeypatch):
    """An access key: rotated, stopped by a fault, resumed, undone, killed, examined; profiles too."""
    world = World(server)
    canaries.add("the first key", world.first.secret_access_key.reveal())
    connections = Connections(vault=Vault(MemoryKeyring()))
    profile = Profile("stored", KeySource.KEYRING, endpoint_url=server.endpoint_url)
    monkeypatch.setattr("core.local.vault.ALLOWED", {"helpers.keyrings.MemoryKeyring"})
    evidence.record("a connection", connections.save(profile, world.first))
    rotator = world.rotator(clients, RotationJournal(), local=LocalKeys(connections))
    evidence.record("the plan", rotator.plan(world.secret))
    rule = AtStep(Step.PROMOTE, "denied", 99)
    with on_the_wire(monkeypatch, Wire(rule)):
        stopped = rotator.start(world.secret, work=Work(batch=rule.watch))
    canaries.add("a staged key", world.stored("AWSPENDING")["aws_secret_access_key"])
    evidence.record("a stopped rotation", stopped)
    evidence.error("its problem", stopped.problem.error())
    evidence.record("a resumed rotation", resume_or_start(rotator, world))
    undone = rotator.start(world.secret)
    canaries.add("a key that is undone", world.stored("AWSCURRENT")["aws_secret_access_key"])
    evidence.record("an undone rotation", rotator.undo(undone))
    rule = AtStep(Step.TEST, "killed", 1)
    with on_the_wire(monkeypatch, Wire(rule)), pytest.raises(Killed):
        rotator.start(world.secret, work=Work(batch=rule.watch))
    canaries.add("the key of a killed one", world.stored("AWSPENDING")["aws_secret_access_key"])
    for finding in Doctor(clients, rotator).examine(world.secret).findings:
        evidence.record("a finding", finding)
    evidence.record("the last rotation", rotator.resume(rotator.find(world.secret), now=AT_ONCE))
    evidence.record("the history", rotator.history())
    world.close()


def exchange(server, clients, canaries, evidence, home, monkeypatch):
    """The pairs of an exchange: new ones handed over, staged, promoted; and refused ones."""
    old = {name: canaries.make(f"old {name}") for name in EXCHANGE}
    new = {name: Secret(canaries.make(f"new {name}")) for name in EXCHANGE}
    world = SecretWorld(server, json.dumps(old))
    rotator = World.rotator(world, clients, RotationJournal())
    evidence.record("an exchange's plan", rotator.plan(world.secret))
    evidence.record("an exchange's rotation", rotator.start(world.secret, values=new))
    evidence.record("the same once more", rotator.start(world.secret, values=new))
    world.close()


def store(server, clients, canaries, evidence, home, monkeypatch):
    """Secrets that are made, saved, refused, denied, too long, no JSON, changed concurrently."""
    secrets, name = SecretsManager(clients=clients), f"cryptotrading/{uuid4().hex}"
    password = canaries.make("a saved password")
    evidence.record("a write", secrets.create_secret(name, {"password": password}))
    value = secrets.read(name)
    evidence.record("a value", value)
    text = json.dumps({"password": canaries.make("a changed password")})
    evidence.record("a save", secrets.save(name, text, expected_version=value.version_id))
    late = json.dumps({"password": canaries.make("one that came too late")})
    stale = value.version_id
    failing(evidence, "a late save", lambda: secrets.save(name, late, expected_version=stale))
    # Just too long: tracebacks repeat it in every frame, and the scan reads all of them.
    long = canaries.make("one that is too long") * (SECRET_BYTES // 20)
    assert len(long) > SECRET_BYTES
    failing(evidence, "a long value", lambda: secrets.update_secret(name, long))
    wrong = {"password": canaries.make("one of a wrong type"), "x": object()}
    failing(evidence, "a wrong type", lambda: secrets.update_secret(name, wrong))
    torn = '{"password": "' + canaries.make("one in torn JSON") + '", '
    evidence.add("error", "a torn text", secret_text.json_problem(torn))
    failing(evidence, "torn rows", lambda: secret_text.rows_of(torn))
    secrets.update_secret(name, canaries.make("a text that is not JSON"))
    failing(evidence, "no JSON", lambda: secrets.get_secret(name))
    denied = ClientFactory(server.platform_connection)
    theirs = SecretsManager(clients=denied)
    secret = canaries.make("one that may not be stored")
    failing(evidence, "denied", lambda: theirs.create_secret("elsewhere/x", secret))
    denied.close()
    token = Secret(canaries.make("a session token"))
    bad = AccessKeys("AKIAUNKNOWNUNKNOWN00", Secret(canaries.make("an unknown key")), token)
    strange = ClientFactory(Connection(server.connection.profile, bad))
    failing(evidence, "unknown keys", lambda: SecretsManager(clients=strange).read(name))
    evidence.record("keys", bad)
    strange.close()


def command(server, clients, canaries, evidence, home, monkeypatch):
    """The same by commands: what is put, rotated, compared and rolled back, and their outputs."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.admin.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.admin.secret_access_key.reveal())
    name = f"cryptotrading/{uuid4().hex}"
    world = World(server)
    pairs = {"binance_api_key": canaries.make("a pair by command")}
    inputs = {
        ("secrets", "put", name, "password"): canaries.make("a password by command") + "\n",
        ("secrets", "put", name, "--file", "-"): json.dumps(
            {"a_api_key": canaries.make("a complete value"), **pairs}
        ),
        ("secrets", "get", name): "",
        ("secrets", "get", name, "--json"): "",
        ("secrets", "versions", name, "--json"): "",
        ("secrets", "rollback", name): "",
        ("rotate", name, "--file", "-", "--yes", "--json"): json.dumps(
            {"binance_api_key": canaries.make("a new pair by command")}
        ),
        ("rotate", world.secret, "--yes", "--json"): "",
        ("rotate", world.secret, "--undo", "--yes"): "",
        ("doctor", "--prefix", name): "",
        ("check",): "",
    }
    for text, given in inputs.items():
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given.encode()), "utf-8"))
        out, err = io.StringIO(), io.StringIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            code = main(list(text))
        evidence.add("output", " ".join(text[:2]), out.getvalue() + err.getvalue())
        assert code in {0, 13, 23}, (text, code, err.getvalue())
    world.close()


def window(server, canaries, evidence, context, qtbot):
    """The form: opened, typed into, generated, revealed and hidden, copied, compared, rotated."""
    vault = plain_client(server, "secretsmanager", server.admin)
    name = f"cryptotrading/{uuid4().hex}"
    first = {"password": canaries.make("a shown password"), "api_key": canaries.make("a shown key")}
    vault.create_secret(Name=name, SecretString=json.dumps(first))
    context.set_workspace(Workspace.open(server.connection))
    tab = CredentialsTab(context)
    qtbot.addWidget(tab)
    tab.resize(1280, 800)
    tab.show()
    tab.ensure_loaded()
    qtbot.waitUntil(lambda: not tab.busy, timeout=20000)
    tab.secrets.choose(name)
    qtbot.waitUntil(lambda: not tab.busy and tab.secret.value is not None, timeout=20000)
    evidence.widgets(tab)
    form = tab.secret.editor
    evidence.record("the editor's value", tab.secret.value)
    secret_clipboard().copy(Secret(canaries.make("a copied value")))
    secret_clipboard()._timer.timeout.emit()  # thirty seconds later
    evidence.add("clipboard", "after its time", QGuiApplication.clipboard().text())
    form.set_text(json.dumps({"password": canaries.make("a typed password")}))
    evidence.widgets(tab)
    tab.rotation.open(name)
    qtbot.waitUntil(lambda: not tab.busy, timeout=20000)
    evidence.widgets(tab)
    tab.actions_on_hygiene.refresh()
    qtbot.waitUntil(lambda: not tab.busy, timeout=20000)
    evidence.widgets(tab)
    for entry in context.log.read():
        evidence.record("the log of changes", entry)
    tab.secret.show_nothing()
    tab.close()
    context.set_workspace(None)
    vault.close()


JOURNEYS = {each.__name__: each for each in (rotate, exchange, store, command)}


def travel(names, *parts):
    """Run journeys in a separate thread: the window's thread may not call AWS."""
    evidence, home = parts[3], parts[4]
    with evidence.logs(), ThreadPoolExecutor(1) as elsewhere:
        for name in names:
            elsewhere.submit(JOURNEYS[name], *parts).result()
    evidence.processes([os.getpid(), *children_of(os.getpid())])
    evidence.files(home)
