"""Restore of several tables in one transaction: all of them, or none."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.backups import MemoryStore, everything, sql
from helpers.cyclic_tables import (
    CYCLE,
    KEYS,
    NAMES,
    Address,
    back_up_tables,
    restore_tables,
    undo_each,
)
from helpers.databases import Server, mariadb_server, postgresql_server  # noqa: F401 - fixtures
from helpers.doses import HEAVY
from helpers.forked_runs import run_script
from helpers.forks import Forks
from helpers.postgresql_tables import Database, new_database

from core.backup.databases import open_database
from core.backup.databases.postgresql.session import Session
from core.backup.manifest import from_bytes, to_bytes
from core.backup.restore import Choices
from core.errors import Cancelled, Conflict, Corrupt, DatabaseOffline, NotSupported
from core.local import spool
from core.model.table_restores import TablesReport
from core.paths import cache_dir
from core.work import CancelToken, Progress, Work
from tests.core.backup.mariadb.conftest import Trading
from tests.core.backup.mariadb.conftest import trading as shop  # noqa: F401 - fixture

#: Two tables that refer to each other, one that refers to both, and a view of it.
TABLES = (
    "CREATE TABLE a1 (id INTEGER PRIMARY KEY, b INTEGER)",
    "CREATE TABLE b1 (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a1 (id) ON DELETE CASCADE)",
    "CREATE TABLE c1 (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a1 (id), b INTEGER REFERENCES b1)",
    "CREATE VIEW v1 AS SELECT a1.id, b FROM a1",
    "INSERT INTO a1 VALUES (1, 10), (2, 20)",
    "INSERT INTO b1 VALUES (10, 1), (20, 2)",
    "INSERT INTO c1 VALUES (5, 1, 10), (6, 2, 20)",
)
CHANGES = (
    "DELETE FROM c1",
    "UPDATE a1 SET b = NULL",
    "DELETE FROM b1",
    "DELETE FROM a1",
    "INSERT INTO a1 VALUES (7, NULL)",
    "INSERT INTO c1 VALUES (9, 7, NULL)",
)


def _restore(
    store: MemoryStore, address: Address, *tables: str, work: Work | None = None, **choices: bool
) -> TablesReport:
    return restore_tables(
        store, address, *tables, work=work, choices=Choices(**choices), single_transaction=True
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An SQLite database with the tables."""
    path = tmp_path / "trading.db"
    first = f"{TABLES[0].removesuffix(')')} REFERENCES b1 (id))"
    sql(path, "; ".join((first, *TABLES[1:])))
    return path


@pytest.fixture
def trading(postgresql_server: Server) -> Any:  # noqa: F811 - the fixture
    """A PostgreSQL database with the tables."""
    with new_database(postgresql_server) as database:
        database.script(*TABLES, CYCLE)
        yield database


def _all(database: Database) -> Any:
    return [database.everything(), database.run(KEYS), database.run("SELECT * FROM v1 ORDER BY 1")]


def test_sqlite_restores_all_tables_and_undoes_each(path: Path, store: MemoryStore) -> None:
    back_up_tables(store, str(path))
    rows = {name: sql(path, f"SELECT * FROM {name} ORDER BY id") for name in (*NAMES, "v1")}
    for text in CHANGES:
        sql(path, text)
    changed = everything(path)
    batches: list[Any] = []
    report = _restore(store, str(path), work=replace(Work(), batch=batches.append))
    assert (report.problems, report.remaining) == ((), ())
    assert tuple(batches) == report.tables
    assert [one.verified for one in report.tables] == ["verified (SHA-256)"] * 3
    present = {name: sql(path, f"SELECT * FROM {name} ORDER BY id") for name in (*NAMES, "v1")}
    assert present == rows
    assert sql(path, "PRAGMA foreign_key_check") == []
    undo_each(str(path), report)
    assert everything(path) == changed


def test_postgresql_restores_all_tables_and_undoes_each(
    trading: Database, store: MemoryStore
) -> None:
    back_up_tables(store, trading.address)
    before = _all(trading)
    trading.script(*CHANGES)
    changed = _all(trading)
    report = _restore(store, trading.address)
    assert (report.problems, report.remaining) == ((), ())
    assert not [text for one in report.tables for text in one.problems]
    with open_database(trading.address, write=True) as target:
        for one in report.tables:
            with target.change(work=Work()):
                target.drop_former(one.kept)
    assert _all(trading) == before
    trading.script(*CHANGES)
    report = _restore(store, trading.address, *NAMES)
    undo_each(trading.address, report)
    assert _all(trading) == changed


def test_postgresql_restores_into_an_empty_database(
    trading: Database, store: MemoryStore, postgresql_server: Server  # noqa: F811 - the fixture
) -> None:  # fmt: skip
    back_up_tables(store, trading.address)
    with new_database(postgresql_server) as fresh:
        report = _restore(store, fresh.address, *NAMES)
        assert (report.problems, len(report.attached)) == ((), 1)
        for name in NAMES:
            assert fresh.content(name) == trading.content(name)


def test_a_lost_answer_to_the_commit_is_no_report_that_nothing_was_restored(
    trading: Database, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up_tables(store, trading.address)
    trading.script(*CHANGES)
    query = Session.query

    def losing(session: Session, statement: str, values: Any = ()) -> Any:
        found = query(session, statement, values)
        if statement == "COMMIT":
            raise DatabaseOffline("The connection ended")
        return found

    monkeypatch.setattr(Session, "query", losing)
    with pytest.raises(DatabaseOffline) as lost:
        _restore(store, trading.address, *NAMES)
    assert "may have been restored" in lost.value.effect
    assert lost.value.partial is None


def test_mariadb_is_refused_before_anything_is_fetched(shop: Trading) -> None:  # noqa: F811 - the fixture
    with pytest.raises(NotSupported, match="in one transaction") as refused:
        _restore(MemoryStore(), shop.address, "orders")
    assert refused.value.effect == "Nothing was restored."
    assert refused.value.partial == TablesReport((), 0.0)


def _damaged(store: MemoryStore, table: str) -> None:
    key = next(key for key in store.objects if f"/{table}/" in key and "part" in key)
    store.objects[key] = store.objects[key][:-1] + b"x"


def test_many_tables_need_no_open_file_each(
    path: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up_tables(store, str(path))
    open_spools: list[int] = []
    lock = spool.create_owned

    def counted(path: Path) -> int:
        open_spools.append(lock(path))
        return open_spools[-1]

    monkeypatch.setattr(spool, "create_owned", counted)
    assert len(_restore(store, str(path), *NAMES).tables) == len(NAMES)
    assert len(open_spools) == 1
    assert not list(cache_dir().glob("*/*"))


def test_a_damaged_last_backup_changes_no_table(path: Path, store: MemoryStore) -> None:
    back_up_tables(store, str(path))
    sql(path, CHANGES[0])
    before = everything(path)
    _damaged(store, "c1")
    with pytest.raises(Corrupt) as failed:
        _restore(store, str(path))
    report = failed.value.partial
    assert isinstance(report, TablesReport)
    assert (report.tables, set(report.remaining)) == ((), set(NAMES))
    assert failed.value.effect == "Nothing was restored."
    assert everything(path) == before


@pytest.mark.parametrize("step", range(12))
def test_a_cancel_at_any_step_changes_no_table(path: Path, store: MemoryStore, step: int) -> None:
    back_up_tables(store, str(path))
    sql(path, CHANGES[0])
    before, token, seen = everything(path), CancelToken(), list[Progress]()

    def report(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == step + 1:
            token.cancel()

    with pytest.raises(Cancelled) as stopped:
        _restore(store, str(path), work=Work(token=token, report=report))
    assert everything(path) == before
    assert isinstance(stopped.value.partial, TablesReport)
    assert stopped.value.partial.tables == ()


def test_dangling_rows_of_the_last_table_undo_the_others(
    trading: Database, store: MemoryStore
) -> None:
    back_up_tables(store, trading.address)
    trading.script(
        "CREATE TABLE d1 (c INTEGER REFERENCES c1 (id))",
        "INSERT INTO c1 VALUES (77, 1, NULL)",
        "INSERT INTO d1 VALUES (77)",
    )
    before = _all(trading)
    with pytest.raises(Conflict, match="missing rows") as failed:
        _restore(store, trading.address, *NAMES)
    assert failed.value.effect == "Nothing was restored."
    assert _all(trading) == before
    report = _restore(store, trading.address, *NAMES, allow_orphans=True)
    assert [len(one.problems) for one in report.tables] == [0, 0, 1]


def _backups_of_two_moments(
    store: MemoryStore, run: Callable[[str], Any], address: Address
) -> None:
    """Back up the tables of a cycle such that one refers to rows that the other does not have."""
    back_up_tables(store, address, "b1")
    run("INSERT INTO b1 VALUES (30, 1)")
    run("UPDATE a1 SET b = 30 WHERE id = 1")
    back_up_tables(store, address, "a1")


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_dangling_rows_in_a_cycle_are_refused_or_reported(
    path: Path, trading: Database, store: MemoryStore, engine: str
) -> None:
    address: Address = str(path) if engine == "sqlite" else trading.address

    def run(text: str) -> Any:
        return sql(path, text) if engine == "sqlite" else trading.script(text)

    def state() -> Any:
        return everything(path) if engine == "sqlite" else _all(trading)

    _backups_of_two_moments(store, run, address)
    before = state()
    with pytest.raises(Conflict, match="missing rows"):
        _restore(store, address, "a1", "b1")
    assert state() == before
    report = _restore(store, address, "a1", "b1", allow_orphans=True)
    assert len([*report.problems, *(p for one in report.tables for p in one.problems)]) >= 1


_KILLED = """
import os, pickle, signal, sys
from core.backup.restore import Choices
from core.backup.restore_tables import restore_tables_of
from core.backup.together import TablesWanted
from core.backup.databases.address import DatabaseAddress
from core.redaction import Secret
from core.work import Work
(store, url, password), left = pickle.load(sys.stdin.buffer), int(sys.argv[1])
address = DatabaseAddress(url, Secret(password))
def report(progress):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
wanted = TablesWanted(single_transaction=True)
restore_tables_of(store, address, wanted, Choices(), Work(report=report))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_kill_at_any_step_changes_no_table(
    path: Path, trading: Database, store: MemoryStore, forks: Forks, engine: str
) -> None:
    address: Address = str(path) if engine == "sqlite" else trading.address
    place = (str(path), "") if engine == "sqlite" else (trading.address.url, trading.password)

    def state() -> Any:
        return everything(path) if engine == "sqlite" else _all(trading)

    back_up_tables(store, address)
    sql(path, CHANGES[0])
    trading.script(CHANGES[0])
    before, root = state(), Path(__file__).parents[3]
    environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"}
    killed, stride = 0, 1 if HEAVY else 2
    for step in range(0, 40, stride):
        ended = run_script(
            forks, _KILLED, str(step),
            environment=environment, stdin=pickle.dumps((store, *place)),
        )  # fmt: skip
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL
        assert state() == before
        killed += 1
    assert killed >= 6 / stride
    assert state() != before


def _with_other_rows(store: MemoryStore, table: str) -> None:
    """Make the manifest of a backup state another hash of all rows."""
    key = next(key for key in store.objects if f"/{table}/" in key and "manifest" in key)
    manifest = from_bytes(store.objects[key])
    store.objects[key] = to_bytes(replace(manifest, content="0" * 64))


@pytest.mark.parametrize("damage", [_damaged, _with_other_rows])
@pytest.mark.parametrize("table", NAMES)
def test_an_error_names_only_the_damaged_backup(
    path: Path, store: MemoryStore, damage: Callable[[MemoryStore, str], None], table: str
) -> None:
    back_up_tables(store, str(path))
    damage(store, table)
    with pytest.raises(Corrupt) as failed:
        _restore(store, str(path))
    ids = {name: _id_of_backup(store, name) for name in NAMES}
    found = {name for name, backup_id in ids.items() if backup_id in str(failed.value)}
    assert found == {table}


def _id_of_backup(store: MemoryStore, table: str) -> str:
    key = next(key for key in store.objects if f"/{table}/" in key)
    return key.split("/")[-2].rpartition("_")[2]
