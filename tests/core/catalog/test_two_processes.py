"""Several processes refresh the same catalogue while others read it; none of them waits for long."""

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.catalog_race import ROUNDS, keys_of
from helpers.listed_bucket import ListedBucket

from core.catalog import catalog as catalog_module
from core.catalog import refresh as refresh_module
from core.catalog.catalog import open_catalog
from core.catalog.database import connect
from core.catalog.manifest import CatalogFolder
from core.catalog.query import Query
from core.catalog.refresh import refresh
from core.coverage import catalog_cells
from core.coverage.report import Source, coverage
from core.errors import Cancelled
from core.local.locking import locked
from core.model.catalog import Listed
from core.units import utc_now
from core.work import Work

ROOT = Path(__file__).parents[3]
CANDLE = "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T{:02}:00:00Z.json"


def start(home, how):
    path = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    environment = {**os.environ, "STRONGROOM_HOME": str(home), "PYTHONPATH": path}
    command = [sys.executable, "-m", "helpers.catalog_race", how]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def test_two_refreshes_and_a_reader_never_see_a_part(tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path))
    bucket = ListedBucket(keys_of(0)).use(monkeypatch)
    refresh(bucket, Work())
    catalog = open_catalog(bucket)
    running = [start(tmp_path, how) for how in ("complete", "new")]
    seen = set()
    try:
        while any(process.poll() is None for process in running):
            seen.add(len(catalog.search(Query())))
            assert not catalog.state.damaged
    finally:
        errors = [process.communicate(timeout=60)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], errors
    assert seen <= {len(keys_of(number)) for number in range(ROUNDS)}
    bucket.keys = keys_of(ROUNDS - 1)
    refresh(bucket, Work(), complete=True)
    assert len(catalog.search(Query())) == len(bucket.keys)


def test_a_refresh_that_ends_while_the_manifest_is_read_is_noticed(monkeypatch):
    bucket = ListedBucket({"a": 1}).use(monkeypatch)
    refresh(bucket, Work())
    catalog = open_catalog(bucket)
    read, refreshed = CatalogFolder.read, []

    def read_and_refresh(folder):
        found = read(folder)
        if not refreshed:
            refreshed.append(True)
            bucket.keys = {"a": 1, "b": 1}
            refresh(bucket, Work(), complete=True)
        return found

    monkeypatch.setattr(CatalogFolder, "read", read_and_refresh)
    catalog.search(Query())
    assert len(catalog.search(Query())) == 2
    assert not catalog.state.damaged


def _table_of(bucket):
    with connect() as connection:
        open_catalog(bucket).create_table(connection)
        return connection.execute("SELECT count(*) FROM keys").fetchall()[0][0]


@pytest.mark.parametrize(
    "read",
    [
        lambda bucket: len(open_catalog(bucket).search(Query())),
        lambda bucket: len(open_catalog(bucket).rows("ohlcv")),
        lambda bucket: len(open_catalog(bucket).listed_keys([""])),
        _table_of,
        lambda bucket: coverage(bucket, source=Source.CATALOG).objects,
    ],
    ids=["search", "rows", "keys", "table", "coverage"],
)
@pytest.mark.parametrize("before", [True, False])
def test_segments_that_a_refresh_replaces_while_they_are_read_are_read_again(
    monkeypatch, read, before
):
    keys = {CANDLE.format(hour): 1 for hour in range(10)}
    # All segments are replaced, as after many changes.
    monkeypatch.setattr(refresh_module, "_MOST_RECENT", 0)
    monkeypatch.setattr(refresh_module, "_RECENT_SHARE", 0)
    bucket = ListedBucket(dict(list(keys.items())[:9])).use(monkeypatch)
    refresh(bucket, Work())
    bucket.keys, refreshed = keys, []
    attach = catalog_module.attach

    def attach_and_refresh(connection, folder, manifest):
        done = bool(refreshed)
        refreshed.append(True)
        if before and not done:
            refresh(bucket, Work(), complete=True)
        damaged = attach(connection, folder, manifest)
        if not before and not done:
            refresh(bucket, Work(), complete=True)
        return damaged

    monkeypatch.setattr(catalog_module, "attach", attach_and_refresh)
    monkeypatch.setattr(catalog_cells, "attach", attach_and_refresh)
    assert read(bucket) == 10
    assert len(refreshed) == 2


def test_a_refresh_waits_for_another_one_and_uses_its_result(monkeypatch):
    bucket = ListedBucket({"a": 1}).use(monkeypatch)
    refresh(bucket, Work())
    bucket.requests.clear()
    found = []
    folder = CatalogFolder(bucket)
    waiting = threading.Thread(target=lambda: found.append(refresh(bucket, Work())))
    with locked(folder.lock_path.with_suffix("")):
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        # What the other process does at the end of its refresh.
        folder.write(replace(folder.read(), listed={"": Listed(utc_now(), utc_now())}))
    waiting.join(30)
    assert (found[0].objects, found[0].shared) == (1, True)
    assert not bucket.requests


def test_a_waiting_refresh_can_be_cancelled(monkeypatch):
    bucket = ListedBucket({"a": 1}).use(monkeypatch)
    refresh(bucket, Work())
    work, errors = Work(), []

    def wait():
        try:
            refresh(bucket, work)
        except Cancelled as error:
            errors.append(error)

    waiting = threading.Thread(target=wait)
    with locked(CatalogFolder(bucket).lock_path.with_suffix("")):
        waiting.start()
        waiting.join(0.1)
        work.token.cancel()
        waiting.join(30)
    assert len(errors) == 1
