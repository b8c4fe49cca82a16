"""A large table is read and hashed by several sessions with one view; it is the same backup."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from helpers.backups import MemoryStore
from helpers.databases import Server
from helpers.postgresql_tables import Database
from helpers.waiting import until

from core.backup.databases import open_database, parallel_reading, postgresql
from core.backup.databases.postgresql import reading, snapshot
from core.backup.databases.postgresql.session import Session
from core.backup.listing import backups_in
from core.backup.manifest import from_bytes
from core.backup.preview import preview_of
from core.backup.run import back_up
from core.errors import Cancelled, Conflict, DatabaseError, DatabaseOffline, Offline, StorageError
from core.model.backup import Manifest
from core.model.selection import Selection
from core.model.tables import TableSchema
from core.work import CancelToken, Progress, Work


@pytest.fixture
def pages(database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A table whose pages are divided into ranges of two, some of them empty; long values."""
    database.script(
        'CREATE TABLE "Pages" (id serial PRIMARY KEY, n numeric, note text, more text)',
        'INSERT INTO "Pages" (n, note, more) SELECT i / 7.0, repeat(i::text, 40), '
        "CASE WHEN i % 300 = 0 THEN (SELECT string_agg(md5(j::text), '') "
        "FROM generate_series(1, 3000) j) END FROM generate_series(1, 3000) i",
        'DELETE FROM "Pages" WHERE id % 3 = 0 OR id BETWEEN 500 AND 1500 OR id > 2900',
        'UPDATE "Pages" SET n = 0 WHERE id % 10 = 1',
    )
    monkeypatch.setattr(snapshot, "_LARGE_PAGES", 1)
    monkeypatch.setattr(reading, "_RANGE_PAGES", 2)
    return database


def manifest_of(database: Database, table: str = '"Pages"') -> tuple[Manifest, MemoryStore]:
    store = MemoryStore()
    backup = database.back_up(store, table)
    return from_bytes(store.objects[backup.key]), store


def sessions(server: Server, database: Database) -> list[list[Any]]:
    """Return process and query of Strongroom's sessions."""
    return list(
        server.ask(
            "SELECT pid, query FROM pg_stat_activity WHERE application_name = 'strongroom' "
            f"AND datname = '{database.name}' ORDER BY backend_start"
        )
    )


@pytest.fixture
def no_session_left(postgresql_server: Server, database: Database) -> Iterator[None]:
    yield
    until(lambda: not sessions(postgresql_server, database))


def test_several_sessions_write_the_same_backup_as_one(
    pages: Database, monkeypatch: pytest.MonkeyPatch, postgresql_server: Server
) -> None:
    begun = len(postgresql_server.logs)
    several, store = manifest_of(pages)
    log = postgresql_server.logs[begun:]
    assert log.count("SET TRANSACTION SNAPSHOT") == 2  # one reads, one computes the fingerprint
    assert log.count('FROM ONLY "public"."Pages" WHERE ctid') > 20
    monkeypatch.setattr(snapshot, "_LARGE_PAGES", 1 << 40)
    one, _ = manifest_of(pages)
    assert (several.rows, several.content, several.fingerprint) == (
        (one.rows, one.content, one.fingerprint)
    )
    before = pages.content('"Pages"')
    pages.script('DELETE FROM "Pages"')
    (listed,) = backups_in(store, None, Work())
    pages.restore(store, listed)
    assert pages.content('"Pages"') == before


@pytest.mark.parametrize(
    "made", ["CREATE TABLE empty (a int)", "CREATE UNLOGGED TABLE empty (a int)"]
)
def test_a_table_without_rows_is_read(
    database: Database, monkeypatch: pytest.MonkeyPatch, made: str
) -> None:
    monkeypatch.setattr(snapshot, "_LARGE_PAGES", 0)
    database.script(made)
    found, _ = manifest_of(database, "empty")
    assert (found.rows, found.fingerprint) == (0, "chained-hash-2:0:0")


def test_partitions_are_read_by_one_session_while_another_one_hashes_them(
    database: Database, monkeypatch: pytest.MonkeyPatch, postgresql_server: Server
) -> None:
    database.script(
        "CREATE TABLE parted (id int, note text) PARTITION BY RANGE (id)",
        "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (500)",
        "CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (500) TO (2000)",
        "INSERT INTO parted SELECT i, repeat('x', 90) FROM generate_series(0, 999) i",
    )
    monkeypatch.setattr(snapshot, "_LARGE_PAGES", 5)
    begun = postgresql_server.logs.count("SET TRANSACTION SNAPSHOT")
    found, _ = manifest_of(database, "parted")
    assert found.rows == 1000
    assert found.fingerprint.startswith("chained-hash-2:1000:")
    assert postgresql_server.logs.count("SET TRANSACTION SNAPSHOT") == begun + 1


def test_rows_that_are_written_during_the_backup_are_in_no_session(pages: Database) -> None:
    with open_database(pages.address) as source, source.snapshot():
        schema = source.schema('"Pages"')
        pages.script(
            "INSERT INTO \"Pages\" (note) SELECT 'later' FROM generate_series(1, 2000)",
            'DELETE FROM "Pages" WHERE id % 7 = 0',
            "UPDATE \"Pages\" SET note = 'changed' WHERE id % 5 = 0",
        )
        pieces = list(source.dump(schema))
        rows, text = sum(count for count, _ in pieces), b"".join(data for _, data in pieces)
        assert (
            source.count('"Pages"')
            == rows
            == int(source.fingerprint(schema, work=Work()).split(":")[1])
        )
        assert b"later" not in text
        assert b"changed" not in text


def test_without_another_connection_one_session_reads_everything(
    pages: Database, postgresql_server: Server
) -> None:
    one, _ = manifest_of(pages)
    with open_database(pages.address) as source, source.snapshot():
        schema = source.schema('"Pages"')
        postgresql_server.ask(f"ALTER ROLE {pages.user} CONNECTION LIMIT 1")
        rows = sum(count for count, _ in source.dump(schema))
        found = source.fingerprint(schema, work=Work())
        assert source.count('"Pages"') == rows == one.rows
    postgresql_server.ask(f"ALTER ROLE {pages.user} CONNECTION LIMIT -1")
    assert found == one.fingerprint


def test_a_server_that_exports_no_view_is_read_by_one_session(
    pages: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = manifest_of(pages)
    original = Session.query

    def query(session: Session, statement: str, *values: Any) -> Any:
        if "pg_export_snapshot" in statement:
            statement = "SELECT 1 / 0"
        assert "SET TRANSACTION SNAPSHOT" not in statement
        return original(session, statement, *values)

    monkeypatch.setattr(Session, "query", query)
    found, _ = manifest_of(pages)
    assert (found.content, found.fingerprint) == (one.content, one.fingerprint)


def test_a_change_of_the_table_that_waits_for_the_backup_does_not_stop_it(
    pages: Database, postgresql_server: Server
) -> None:
    with open_database(pages.address) as source, source.snapshot():
        schema = source.schema('"Pages"')
        waiting = threading.Thread(
            target=pages.script, args=('ALTER TABLE "Pages" ADD COLUMN later int',)
        )
        waiting.start()
        locks = "SELECT FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock'"
        until(lambda: postgresql_server.ask(locks))
        rows = sum(count for count, _ in source.dump(schema))
        assert source.count('"Pages"') == rows
    waiting.join(10)
    assert not waiting.is_alive()


@pytest.mark.usefixtures("no_session_left")
@pytest.mark.parametrize("which", [0, 1])
def test_a_session_that_ends_ends_the_run(
    pages: Database, postgresql_server: Server, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    monkeypatch.setattr(parallel_reading, "_AHEAD_BYTES", 1)  # each waits in its first range

    def readers() -> list[list[Any]]:
        return [row for row in sessions(postgresql_server, pages) if "COPY" in str(row[1])]

    with open_database(pages.address) as source, source.snapshot():
        rows = source.dump(source.schema('"Pages"'))
        next(rows)
        until(lambda: len(readers()) == snapshot.READERS)
        postgresql_server.ask(f"SELECT pg_terminate_backend({readers()[which][0]})")
        with pytest.raises(Offline), closing(rows):  # type: ignore[type-var] # a generator
            list(rows)


@pytest.mark.usefixtures("no_session_left")
def test_a_failed_fingerprint_ends_the_run(
    pages: Database, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(session: Session, schema: TableSchema) -> str:
        return str(session.value("SELECT 1 / 0"))

    monkeypatch.setattr(snapshot, "fingerprint", failing)
    with pytest.raises(StorageError, match="reported an error"):
        pages.back_up(store, '"Pages"')
    assert store.objects == {}


@pytest.mark.usefixtures("no_session_left")
def test_a_cancel_ends_all_sessions(
    pages: Database, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = CancelToken()

    def long(session: Session, schema: TableSchema) -> str:
        threading.Timer(0.1, token.cancel).start()
        return str(session.value("SELECT pg_sleep(60)"))

    monkeypatch.setattr(snapshot, "fingerprint", long)
    with pytest.raises(Cancelled), open_database(pages.address) as source:
        back_up(store, source, ['"Pages"'], "", Work(token))
    assert store.objects == {}


@pytest.mark.usefixtures("no_session_left")
def test_a_failed_upload_ends_all_sessions(pages: Database, store: MemoryStore) -> None:
    store.fail_after = 0
    with pytest.raises(Offline, match="cannot be reached"):
        pages.back_up(store, '"Pages"')


def test_the_progress_of_a_large_table_uses_the_estimate_of_the_server_and_never_exceeds_its_total(
    pages: Database, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "COUNTED_PAGES", 1)
    monkeypatch.setattr(reading, "_RANGE_PAGES", 20)
    rows = pages.run('SELECT count(*) FROM "Pages"')[0][0]
    seen: list[Progress] = []
    more = "INSERT INTO \"Pages\" (note) SELECT repeat('x', 9) FROM generate_series(1, 3000)"
    for statement in ('ANALYZE "Pages"', more):
        pages.script(statement)
        with open_database(pages.address) as source:
            back_up(store, source, ['"Pages"'], "", Work(report=seen.append))
    totals = [progress.total for progress in seen if progress.total is not None]
    assert abs(totals[0] - rows) < rows / 10
    assert seen[-1].done == rows + 3000
    assert all(progress.done <= progress.total for progress in seen if progress.total is not None)


def test_a_damaged_table_is_skipped_by_a_backup_of_all_and_restored_under_a_new_name(
    orders: Database, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended the backup of all tables, and the proposals were to inspect the server only."""
    with open_database(orders.address) as source:
        kind = type(source)
        (backup,) = back_up(store, source, ["orders"], "", Work()).backups
    real = kind.dump

    def dump(self: Any, schema: TableSchema, **options: Any) -> Any:
        if schema.table == "orders":
            self._session.query("SELECT 1/0")  # which ends a transaction without savepoints
        return real(self, schema, **options)

    monkeypatch.setattr(kind, "dump", dump)
    monkeypatch.setattr(kind, "compare", lambda self, *_, **__: self._session.query("SELECT 1/0"))
    with open_database(orders.address) as source:
        report = back_up(store, source, None, "", Work())
        with pytest.raises(DatabaseError, match="reported an error"):
            back_up(store, source, Selection(include=("orders",)), "", Work())
    assert [each.table for each in report.skipped] == ["orders"]
    assert "users" in {made.table for made in report.backups}
    with pytest.raises(DatabaseError) as refused:
        preview_of(store, backup, orders.address, 1, Work())
    assert refused.value.hint_value == f"orders_{backup.taken:%Y%m%d}"
    assert "under a new name" in refused.value.remedy


@pytest.mark.parametrize("damaged", [slice(0, 1), slice(1, None)])
def test_other_tables_are_backed_up_after_a_damaged_one_that_several_sessions_read(
    pages: Database, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, damaged: slice
) -> None:
    """The error closed all connections, so that the tables after it were not backed up."""
    pages.run("CREATE TABLE zz (id int)")
    real = snapshot.range_statements

    def failing(*of_table: Any) -> list[str]:
        found = list(real(*of_table))
        found[damaged] = ["COPY (SELECT 1/0) TO STDOUT (FORMAT csv)"] * len(found[damaged])
        return found

    monkeypatch.setattr(snapshot, "range_statements", failing)
    with open_database(pages.address) as source:
        report = back_up(store, source, None, "", Work())
    assert [(each.table, "by zero" in each.problem) for each in report.skipped] == [("Pages", True)]
    assert [made.table for made in report.backups] == ["zz"]


def test_a_backup_is_complete_although_the_connection_ends_after_its_last_row(
    orders: Database, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was reported as failed, although it is in the list."""
    query, copy_out, began = Session.query, Session.copy_out, list[str]()

    def ending(session: Session, statement: str, *values: Any) -> Any:
        if began and statement.startswith("RELEASE"):
            raise DatabaseOffline("The connection ended")
        return query(session, statement, *values)

    def copying(session: Session, statement: str, work: Work) -> Any:
        began.append(statement)
        return copy_out(session, statement, work)

    monkeypatch.setattr(Session, "query", ending)
    monkeypatch.setattr(Session, "copy_out", copying)
    with open_database(orders.address) as source:
        assert back_up(store, source, ["orders"], "", Work()).backups


def test_a_table_whose_check_fails_leaves_the_others_readable(
    orders: Database, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = postgresql.PostgreSQLDatabase
    real = kind.prove_restorable

    def prove(self: Any, schema: TableSchema) -> None:
        if schema.table == "orders":
            self._session.query("SELECT 1/0")
        real(self, schema)

    monkeypatch.setattr(kind, "prove_restorable", prove)
    with open_database(orders.address) as source:
        report = back_up(store, source, None, "", Work())
    assert [each.table for each in report.skipped] == ["orders"]
    assert "users" in {made.table for made in report.backups}


def test_a_table_that_is_dropped_during_the_list_is_not_in_it(
    orders: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list ended with an error, for example while another window undid a restore."""
    with open_database(orders.address) as source:
        real = source.count

        def count(table: str) -> int:
            if table == "orders":
                orders.run("DROP TABLE orders CASCADE")
            return real(table)

        monkeypatch.setattr(source, "count", count)
        assert "users" in {info.name for info in source.tables()}


def test_a_locked_table_is_skipped_by_a_backup_of_all(
    orders: Database, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended the backup of all tables; then each locked one was waited for completely."""
    from core.backup.databases.postgresql import listing
    from core.backup.databases.postgresql import session as sessions

    monkeypatch.setitem(sessions._SETTINGS, "lock_timeout", "100ms")
    monkeypatch.setattr(listing, "LOCK_TIMEOUT", "100ms")
    with orders.session() as other:
        other("BEGIN")
        other("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        with open_database(orders.address) as source:
            waits: list[str] = []
            real, session = source.wait_briefly, source._session  # type: ignore[attr-defined] # of PostgreSQL

            def wait_briefly() -> None:
                real()
                waits.append(session.value("SHOW lock_timeout"))

            monkeypatch.setattr(source, "wait_briefly", wait_briefly)
            report = back_up(store, source, None, "", Work())
        assert waits == ["500ms"]
        with open_database(orders.address) as source, pytest.raises(Conflict) as refused:
            back_up(store, source, ["orders"], "", Work())
    (left,) = report.skipped
    assert (left.table, left.problem.split(" in ")[0]) == (
        "orders", "Another session holds a lock on orders",
    )  # fmt: skip
    assert report.backups
    assert refused.value.summary.startswith("Another session holds a lock on orders")
