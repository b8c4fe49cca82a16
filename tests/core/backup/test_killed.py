"""A restore that is killed or runs out of disk leaves the target exactly as it was."""

from __future__ import annotations

import pickle
import resource
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from helpers.backups import MemoryStore, everything, sql, trading_database
from helpers.folder_store import FolderStore
from servers.tables.range import Worker

from core.backup.databases import open_database
from core.backup.run import back_up
from core.local.spool import private_file, remove_dead_spools, spool
from core.work import Work

_CHILD = """
import os, pickle, resource, signal, sys
from core.backup.restore import Choices, restore_of
from core.work import Work

path, saved, kill_at, limit = sys.argv[1:]
with open(saved, "rb") as file:
    store, backup = pickle.load(file)
left = int(kill_at)

def report(progress):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

if int(limit):
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    restore_of(store, backup, path, Choices(), Work(report=report))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


@pytest.fixture
def ready(tmp_path: Path) -> tuple[Path, Path]:
    path = trading_database(tmp_path / "trading.db", rows=30_000)
    store = MemoryStore()
    with open_database(str(path)) as source:
        backup = back_up(store, source, ["orders"], "", Work()).backups[0]
    saved = tmp_path / "saved.pickle"
    saved.write_bytes(pickle.dumps((store, backup)))
    return path, saved


def run(
    path: Path, saved: Path, *, kill_at: int = 0, limit: int = 0
) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-c", _CHILD, str(path), str(saved), str(kill_at), str(limit)]
    env = {"PYTHONPATH": ":".join(sys.path), "STRONGROOM_HOME": str(path.parent / "home")}
    return subprocess.run(  # noqa: PLW1510 - the code is asserted
        arguments, env=env, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_killed_at_any_step(tmp_path: Path, mode: str) -> None:
    """Every point at which a restore can be cancelled is one at which it is killed."""
    path = trading_database(tmp_path / "trading.db", rows=8_000)
    store = FolderStore(tmp_path / "store")
    with open_database(str(path), write=True) as database:
        database._connection.execute(f"PRAGMA journal_mode={mode}")
        backup = back_up(store, database, ["orders"], "", Work()).backups[0]
    before, rows = everything(path), sql(path, "SELECT * FROM orders")
    request = {
        "operation": "restore", "url": str(path), "password": "", "backup": backup.id,
        "store": str(store.folder), "home": str(tmp_path / "home"), "fault": "kill",
    }  # fmt: skip
    with closing(Worker()) as worker:
        for kill_at in range(1, 100):
            ended = worker.run(request | {"at": kill_at})
            if everything(path) != before:
                break
            assert ended["ended"] == -signal.SIGKILL
    # The last steps are after the commit.
    assert kill_at > 20
    assert sql(path, "SELECT * FROM orders") == rows
    assert len(everything(path)) > len(before) + len(rows)


def test_a_full_disk(ready: tuple[Path, Path]) -> None:
    path, saved = ready
    before = everything(path)
    size = path.stat().st_size
    for limit in (size + 4096, size + size // 16):
        ended = run(path, saved, limit=limit)
        assert "DatabaseError" in ended.stderr
        assert everything(path) == before
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_what_a_killed_run_left_is_removed_at_the_next_start(home: Path) -> None:
    with spool() as first:
        left = first.with_name("rows-left")
        (left / "deep").mkdir(parents=True)
        lock = first.with_name("rows-left.lock")
        lock.touch()
        with spool() as second:
            assert second.stat().st_mode & 0o077 == 0
            assert private_file(second / "part").stat().st_mode & 0o777 == 0o600
            assert {path for path in first.parent.iterdir() if path.is_dir()} == {first, second}
            assert not lock.exists()
    assert list((home / "cache").iterdir()) == []


def test_a_killed_process_leaves_no_rows_behind(ready: tuple[Path, Path], home: Path) -> None:
    path, saved = ready
    assert run(path, saved, kill_at=6).returncode == -signal.SIGKILL
    cache = path.parent / "home" / "cache"
    spooled = [file for file in cache.rglob("*") if file.is_file()]
    assert any(file.name.startswith("part-") for file in spooled)
    assert {file.stat().st_mode & 0o777 for file in spooled} == {0o600}
    assert remove_dead_spools() == 1
    assert list(cache.iterdir()) == []
