"""A refresh without a server leaves the old content visible, with its age and the error."""

import sqlite3
from dataclasses import replace
from importlib import import_module

import pytest
from helpers.demo import plain_client
from helpers.fault_proxy import FaultProxy
from helpers.s3_servers import S3Server
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLabel

from core.aws import retries
from core.backup.run import backup
from core.engine import operations
from core.workspace import Workspace
from gui.tab_list import TABS

#: Tabs that list what the server holds, with a list of theirs that has rows.
LISTS = {
    "credentials": "Secrets",
    "browser": "Objects of this folder",
    "uploads": "Unfinished in the bucket",
    "statistics": "Largest objects",
    "backups": "Backups",
    "bucket": "Lifecycle rules",
}
STALE = ("could not be refreshed", "stale")
BUCKET = "dead-server"
RULE = {
    "ID": "old-logs",
    "Filter": {"Prefix": "logs/"},
    "Status": "Enabled",
    "Expiration": {"Days": 30},
}


class NearEngine:
    """Runs the operations of the engine in the worker's own thread: no process to start."""

    def call(self, operation, arguments, *, connection, work):
        module, _, function = operations.operation(operation).run.partition(":")
        workspace = Workspace.open(connection)
        try:
            return getattr(import_module(module), function)(workspace, work, **arguments)
        finally:
            workspace.close()

    def close(self):
        """There is no process."""


@pytest.fixture
def proxy(demo_server):
    keys = demo_server.admin
    server = S3Server(
        "demo", demo_server.endpoint_url, keys.access_key_id, keys.secret_access_key.reveal()
    )
    with FaultProxy(server) as made:
        yield made


@pytest.fixture
def behind(context, demo_server, proxy, tmp_path, monkeypatch, qtbot):
    """A small bucket with something for every tab, behind a proxy that can be taken away."""
    s3 = plain_client(demo_server, "s3", demo_server.admin)
    if BUCKET not in [each["Name"] for each in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="logs/a.txt", Body=b"a")
        s3.put_object(Bucket=BUCKET, Key="b.json", Body=b"{}")
        s3.create_multipart_upload(Bucket=BUCKET, Key="unfinished")
        s3.put_bucket_lifecycle_configuration(
            Bucket=BUCKET, LifecycleConfiguration={"Rules": [RULE]}
        )
    s3.close()
    path = tmp_path / "people.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT)")
        database.execute("INSERT INTO people VALUES (1, 'ann')")
    database.close()
    connection = demo_server.connection
    profile = replace(connection.profile, bucket=BUCKET, endpoint_url=proxy.url)
    opened = Workspace.open(replace(connection, profile=profile))
    context.runner.run("Back up", lambda _work: backup(opened, database=str(path)), owner=context)
    qtbot.waitUntil(lambda: not context.runner.busy, timeout=20_000)
    monkeypatch.setattr(context.runner, "_engine", NearEngine())
    context.demo_database = path
    context.set_workspace(opened)
    yield context
    context.set_workspace(None)


def lists(tab):
    """Return the first texts of the rows of every visible list."""
    return {
        view.accessibleName(): [
            str(view.model().index(row, 0).data()) for row in range(view.model().rowCount())
        ]
        for view in tab.findChildren(QAbstractItemView)
        if view.isVisible() and not isinstance(view, QHeaderView)
    }


def texts(tab):
    return [label.text() for label in tab.findChildren(QLabel) if label.isVisible()]


@pytest.mark.parametrize("tab_id", [spec.id for spec in TABS])
def test_old_content_stays_with_its_age(behind, proxy, qtbot, monkeypatch, tab_id):
    tab = next(spec for spec in TABS if spec.id == tab_id).factory(behind)
    qtbot.addWidget(tab)
    tab.resize(1280, 700)
    tab.show()
    tab.ensure_loaded()
    qtbot.waitUntil(lambda: not behind.runner.busy, timeout=15_000)
    if tab_id == "statistics":
        tab.refresh()
    elif tab_id == "uploads":
        tab.unfinished.toggle.click()
    if tab_id in LISTS:
        qtbot.waitUntil(lambda: bool(lists(tab).get(LISTS[tab_id])), timeout=15_000)
    qtbot.waitUntil(lambda: not behind.runner.busy, timeout=15_000)
    before = lists(tab)
    proxy.__exit__(None, None, None)
    monkeypatch.setattr(retries, "ATTEMPTS", 1)
    monkeypatch.setattr(retries, "ATTEMPTS_IN_BUDGET", 1)
    tab.refresh()
    qtbot.waitUntil(lambda: not behind.runner.busy, timeout=15_000)
    after = lists(tab)
    assert {name: [row for row in after[name] if row in rows] for name, rows in before.items()} == (
        before
    )
    if tab_id in LISTS:
        assert tab.banner.failed or any("could not be listed" in text for text in texts(tab))
        assert any(stale in text for stale in STALE for text in texts(tab)), texts(tab)
        assert behind.connection_state.shown().tone == "danger"
