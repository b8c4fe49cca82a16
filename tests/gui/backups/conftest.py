"""The Backups tab on a separate bucket, and a small database to back up."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.backups import sql, trading_database
from helpers.moto_bucket import moto_bucket

from core.backup.run import backup
from core.backup.store import BucketStore
from core.work import Work
from core.workspace import Workspace
from gui.tabs.backups import BackupsTab


@pytest.fixture(scope="module")
def bucket():
    with moto_bucket() as bucket:
        yield bucket


@pytest.fixture
def path(tmp_path):
    return trading_database(tmp_path / "trading.db", rows=60)


@pytest.fixture
def elsewhere():
    """Run a call in another thread, as the window does: none may reach AWS from this one."""

    def run(function):
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(function).result()

    return run


@pytest.fixture
def empty_bucket(bucket, elsewhere):
    store = BucketStore(bucket)
    elsewhere(lambda: store.delete([each.key for each in store.list("", work=Work())], work=Work()))
    return bucket


@pytest.fixture
def workspace(empty_bucket):
    return Workspace(empty_bucket.clients.connection, clients=empty_bucket.clients)


@pytest.fixture
def fresh_tab(qtbot, context):
    """The tab of a machine on which no database was ever opened; not connected yet."""
    tab = BackupsTab(context)
    qtbot.addWidget(tab)
    return tab


@pytest.fixture
def tab(qtbot, context, workspace, path, fresh_tab):
    """The tab with the small database open, connected."""
    context.demo_database = path
    context.set_workspace(workspace)
    fresh_tab.show()
    qtbot.waitUntil(
        lambda: not fresh_tab.busy and len(fresh_tab.tables.model.tables) == 3, timeout=15_000
    )
    return fresh_tab


@pytest.fixture
def changed(qtbot, tab, path, elsewhere):
    """The tab of a database whose tables were changed since the backup of all of them."""
    workspace = tab.context.workspace
    elsewhere(lambda: backup(workspace, database=str(path)))
    sql(path, "UPDATE orders SET status = 'lost' WHERE id < 3; DELETE FROM audit")
    sql(path, "DELETE FROM orders WHERE id > 58; INSERT INTO orders VALUES (99, 1, 1, 'new')")
    sql(path, "DELETE FROM audit; ALTER TABLE audit ADD COLUMN extra TEXT")
    tab.refresh()
    qtbot.waitUntil(lambda: not tab.busy, timeout=15_000)
    return tab
