"""Locks of other sessions: a restore and an undo change everything or nothing, and say which."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any
from uuid import uuid4

import pytest
from helpers.backups import MemoryStore

from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.databases.mysql import completion
from core.backup.databases.mysql import session as sessions
from core.backup.databases.mysql.session import Session
from core.backup.databases.naming import LockedError
from core.backup.preview import preview_of
from core.backup.row_restore import preview_rows_of, restore_rows_of
from core.backup.run import back_up
from core.backup.undo import drop_former_table, undo
from core.effects import BY_HAND, stating_effect
from core.errors import AccessDenied, Conflict, DatabaseError, NotFound, StorageError
from core.model.backup import Backup
from core.redaction import Secret
from core.work import Work
from tests.core.backup.mariadb.conftest import PASSWORD, Trading
from tests.core.backup.mariadb.test_swap import TABLES

PARENT, CHILD = "orders", "fills"
READ = "SELECT * FROM {}"


@pytest.fixture
def shop(trading: Trading, monkeypatch: pytest.MonkeyPatch) -> Trading:
    """The tables of the swap, and sessions that wait one second for a lock."""
    trading.sql(*TABLES)
    settings = tuple(text.replace("timeout=10", "timeout=1") for text in sessions._SETTINGS)
    monkeypatch.setattr(sessions, "_SETTINGS", settings)
    return trading


@contextmanager
def _held(shop: Trading, statement: str) -> Iterator[Any]:
    """Hold a transaction open that ran a statement."""
    import pymysql

    with closing(
        pymysql.connect(
            user="operator", password=PASSWORD, host="127.0.0.1", port=shop.server.port,
            database=shop.name, ssl_disabled=True,
        )
    ) as other:  # fmt: skip
        cursor = other.cursor()
        cursor.execute("START TRANSACTION")
        cursor.execute(statement)
        yield cursor
        other.rollback()


def _replace(shop: Trading, store: MemoryStore, backup: Backup) -> str:
    with stating_effect("restored", (BY_HAND,)):
        return shop.restored(store, backup, with_triggers=True).kept


def test_a_locked_table_is_listed_with_the_estimate_and_skipped_by_a_backup_of_all(
    shop: Trading, store: MemoryStore
) -> None:
    """The list and the backup of all tables ended with an error.

    The wait for several locked tables was the complete one for each of them.
    """
    with _held(shop, "LOCK TABLES orders WRITE"):
        with open_database(shop.address) as source:
            rows = {info.name: info.rows for info in source.tables()}
            limit = source._session.value("SELECT @@lock_wait_timeout")  # type: ignore[attr-defined] # of MariaDB
        with open_database(shop.address) as source:
            source._session.run("SET SESSION lock_wait_timeout=2")  # type: ignore[attr-defined] # of MariaDB
            report = back_up(store, source, None, "", Work())
            assert source._session.value("SELECT @@lock_wait_timeout") == 1  # type: ignore[attr-defined] # of MariaDB
        with open_database(shop.address) as source, pytest.raises(Conflict) as refused:
            back_up(store, source, ["fills", "orders"], "", Work())
    assert {"orders", "fills", "users"} <= rows.keys()
    assert rows["orders"] is not None
    assert limit == 1
    assert {"fills", "users"} <= {made.table for made in report.backups}
    (left,) = report.skipped
    assert (left.table, left.locked) == ("orders", True)
    assert left.problem.startswith("Another session holds a lock on orders in 127.0.0.1")
    assert refused.value.summary.startswith("Another session holds a lock on orders in 127.0.0.1")


@pytest.mark.parametrize("kind", [LockedError, DatabaseError])
def test_a_table_that_is_locked_or_damaged_while_others_are_read_is_skipped(
    shop: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, kind: type[StorageError]
) -> None:
    """A large table, whose rows are not counted, is only used when it is read."""
    with open_database(shop.address) as source:
        real = type(source).dump

        def dump(self: Any, schema: Any, **options: Any) -> Any:
            if schema.table == "orders":
                raise kind("It cannot be read")
            return real(self, schema, **options)

        monkeypatch.setattr(type(source), "dump", dump)
        report = back_up(store, source, None, "", Work())
    assert [left.table for left in report.skipped] == ["orders"]
    assert {"fills", "users"} <= {made.table for made in report.backups}


def test_a_damaged_table_does_not_prevent_the_list(
    shop: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list ended with its error, or with that of a table that was dropped since its beginning."""
    real = Session.value

    def value(session: Session, statement: str) -> Any:
        if "COUNT(*) FROM `orders`" in statement:
            raise DatabaseError("It failed", cause="Tablespace is missing.")
        if "COUNT(*) FROM `fills`" in statement:
            raise NotFound("Dropped")
        return real(session, statement)

    monkeypatch.setattr(Session, "value", value)
    with open_database(shop.address) as source:
        problems = {info.name: info.problem for info in source.tables()}
    assert problems["orders"] == "not readable: Tablespace is missing"
    assert problems["users"] == ""
    assert "fills" not in problems


def test_a_table_is_not_locked_before_its_rows_are_read(shop: Trading) -> None:
    """A run over many tables reads all schemas first: others could not change the last table for hours."""
    with open_database(shop.address) as source, source.snapshot():
        source.schema("orders")
        shop.sql("SET lock_wait_timeout = 1", "ALTER TABLE orders ADD COLUMN added INT")


def test_a_table_that_a_user_cannot_read_is_skipped_with_the_reason(
    shop: Trading, store: MemoryStore
) -> None:
    """The list of all tables ended with an error, although the others can be read."""
    user = f"partial_{uuid4().hex[:8]}"
    shop.sql(
        f"CREATE USER {user}@'%' IDENTIFIED BY 'reads some'",
        f"GRANT SELECT, SHOW VIEW ON users TO {user}@'%'",
        f"GRANT INSERT ON orders TO {user}@'%'",
    )
    try:
        url = f"mysql://{user}@127.0.0.1:{shop.server.port}/{shop.name}"
        with open_database(DatabaseAddress(url, Secret("reads some"))) as source:
            problems = {info.name: info.problem for info in source.tables()}
            report = back_up(store, source, None, "", Work())
    finally:
        shop.sql(f"DROP USER {user}@'%'")
    lacking = "not readable for this user, who lacks the privilege SELECT"
    assert problems == {"users": "", "orders": lacking}
    assert [backup.table for backup in report.backups] == ["users"]
    assert [each.table for each in report.skipped] == ["orders"]
    assert "command denied" in report.skipped[0].problem


BLOCKING = (
    READ.format(CHILD),
    READ.format("notes"),
    "INSERT INTO fills VALUES (9, 1)",
    READ.format(PARENT),
    "UPDATE orders SET status = 'held' WHERE id = 1",
    "UPDATE users SET name = 'x' WHERE id = 2",
)


@pytest.mark.parametrize("statement", BLOCKING)
def test_a_lock_on_a_parent_or_a_child_changes_nothing(
    shop: Trading, store: MemoryStore, statement: str
) -> None:
    backup = shop.backed_up(store, PARENT)
    former = _replace(shop, store, backup)
    before = shop.everything()
    with _held(shop, statement):
        with pytest.raises(Conflict) as refused:
            _replace(shop, store, backup)
        assert refused.value.effect == "Nothing was restored."
        assert refused.value.cause.endswith("The table being restored is orders.")
        assert shop.everything() == before
        with pytest.raises(Conflict) as refused:
            undo(None, database=shop.address, former=former)
        assert refused.value.effect == "Nothing was changed."
        assert refused.value.cause.endswith(f"The table being restored is {former}.")
        assert shop.everything() == before
    undo(None, database=shop.address, former=former)
    assert former not in shop.tables()


@pytest.mark.parametrize("table", ["audit", "users"])
def test_readers_of_tables_that_are_only_used_prevent_nothing(
    shop: Trading, store: MemoryStore, table: str
) -> None:
    backup = shop.backed_up(store, PARENT)
    before = shop.everything()
    with _held(shop, READ.format(table)):
        former = _replace(shop, store, backup)
        undo(None, database=shop.address, former=former)
        assert shop.everything() == before


def test_a_former_table_in_use_is_not_dropped(shop: Trading, store: MemoryStore) -> None:
    former = _replace(shop, store, shop.backed_up(store, PARENT))
    before = shop.everything()
    with _held(shop, READ.format(former)), pytest.raises(Conflict):
        drop_former_table(None, database=shop.address, former=former)
    assert shop.everything() == before
    drop_former_table(None, database=shop.address, former=former)
    assert former not in shop.tables()


def _holding_after_rename(
    monkeypatch: pytest.MonkeyPatch, take: Callable[[], None], step: str = "_complete_names"
) -> None:
    original = getattr(completion, step)

    def held(session: Session, note: Any) -> None:
        take()
        original(session, note)

    monkeypatch.setattr(completion, step, held)


def test_what_remains_after_the_swap_is_stated_and_completed_later(
    shop: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = shop.backed_up(store, PARENT)
    before = shop.everything()
    with monkeypatch.context() as patch, _held(shop, "SELECT 1") as other:
        _holding_after_rename(patch, lambda: other.execute(READ.format(PARENT)))
        with pytest.raises(Conflict, match="was replaced") as stated:
            _replace(shop, store, backup)
        assert stated.value.effect.startswith("It was not completed, but a part was restored")
        assert "the trigger seen is named seen__restoring" in stated.value.cause
        assert "Nothing was changed" not in str(stated.value)
        shown = preview_of(store, backup, shop.address, 10, Work())
        assert any(found.kind == "restore" for found in shown.dependants)
        for child in (CHILD, "notes"):
            assert "REFERENCES `orders`" in shop.definition(child)
    with shop.open(write=True) as database, database.change(work=Work()):
        pass
    assert "__restoring" not in str(shop.everything())
    (former,) = [name for name in shop.tables() if "__before" in name and "__note" not in name]
    undo(None, database=shop.address, former=former)
    assert shop.everything() == before


def test_what_remains_after_an_undo_is_stated_and_completed_later(
    shop: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = shop.backed_up(store, PARENT)
    before = shop.everything()
    former = _replace(shop, store, backup)
    with monkeypatch.context() as patch, _held(shop, "SELECT 1") as other:
        _holding_after_rename(patch, lambda: other.execute(READ.format(PARENT)))
        with pytest.raises(Conflict, match="was replaced") as stated:
            undo(None, database=shop.address, former=former)
        assert stated.value.effect.startswith("It was not completed, but a part was changed")
        assert "__discarded" in stated.value.cause
    with shop.open(write=True) as database, database.change(work=Work()):
        pass
    assert shop.everything() == before


def test_a_session_that_waits_for_a_child_with_the_parent_ends_first(
    shop: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = shop.backed_up(store, PARENT)
    original, waiting = completion._rename, list[threading.Thread]()
    with _held(shop, READ.format(PARENT)) as other:

        def read_child() -> None:
            other.execute(READ.format(CHILD))
            other.execute("COMMIT")

        def rename(*arguments: Any, **more: Any) -> None:
            if not waiting:
                waiting.append(threading.Thread(target=read_child))
                waiting[0].start()
            original(*arguments, **more)

        monkeypatch.setattr(completion, "_rename", rename)
        assert _replace(shop, store, backup)
        waiting[0].join()


def test_a_failed_clean_up_is_stated(
    shop: Trading,
    store: MemoryStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    backup = shop.backed_up(store, PARENT)
    before = shop.everything()
    opened = Session.open

    def fail(*_: Any) -> None:
        monkeypatch.setattr(Session, "open", refuse)
        raise StorageError("The answer was lost", effect="Nothing was changed.")

    def refuse(*_: Any) -> Session:
        raise Conflict("No connection", cause="There are too many.")

    monkeypatch.setattr(completion, "_complete_names", fail)
    with pytest.raises(StorageError, match="answer was lost") as stated:
        _replace(shop, store, backup)
    assert "may have been restored" in stated.value.effect
    assert "could not be removed: There are too many." in stated.value.cause
    assert "Nothing was changed" not in str(stated.value)
    assert not caplog.messages  # standard error of a command has the error already
    monkeypatch.undo()
    monkeypatch.setattr(Session, "open", opened)
    (former,) = [name for name in shop.tables() if "__before" in name and "__note" not in name]
    undo(None, database=shop.address, former=former)
    assert shop.everything() == before


def test_the_table_of_rows_and_of_a_preview_that_another_session_locks_is_named(
    shop: Trading, store: MemoryStore
) -> None:
    backup = shop.backed_up(store, CHILD)
    shop.sql("UPDATE fills SET order_id = 2 WHERE id = 1")
    for held, attempt in (
        ("UPDATE fills SET order_id = 3 WHERE id = 1", restore_rows_of),
        ("LOCK TABLES fills WRITE", preview_rows_of),
    ):
        with _held(shop, held), pytest.raises(Conflict) as refused:
            attempt(store, backup, shop.address, ["1"], Work())
        assert refused.value.cause.endswith("The table being restored is fills.")
    with _held(shop, "LOCK TABLES fills WRITE"), pytest.raises(Conflict) as refused:
        preview_of(store, backup, shop.address, 1, Work())
    assert refused.value.cause.endswith("The table being restored is fills.")


def test_former_rows_in_use_are_restored_and_their_table_is_dropped_later(
    shop: Trading, store: MemoryStore
) -> None:
    backup = shop.backed_up(store, CHILD)
    before = shop.everything()
    shop.sql("UPDATE fills SET order_id = 2 WHERE id = 1")
    changed = shop.rows(CHILD)
    former = restore_rows_of(store, backup, shop.address, ["1"], Work()).former
    with _held(shop, READ.format(former)), pytest.raises(Conflict, match="are restored") as stated:
        undo(None, database=shop.address, former=former)
    assert "a part was changed" in stated.value.effect
    assert shop.rows(CHILD) == changed
    with shop.open(write=True) as database, database.change(work=Work()):
        pass
    shop.sql("UPDATE fills SET order_id = 1 WHERE id = 1")
    assert shop.everything() == before


def test_without_the_privilege_to_lock_nothing_is_left_halfway(
    shop: Trading, store: MemoryStore
) -> None:
    backups = {table: shop.backed_up(store, table) for table in (PARENT, "users")}
    shop.sql(f"REVOKE LOCK TABLES ON {shop.name}.* FROM operator@'%'")
    before = shop.everything()
    with pytest.raises(AccessDenied) as refused:
        _replace(shop, store, backups[PARENT])
    assert refused.value.effect == "Nothing was restored."
    assert shop.everything() == before
    with _held(shop, READ.format(PARENT)), pytest.raises(Conflict, match="was replaced") as stated:
        _replace(shop, store, backups["users"])
    assert f"the foreign key buyer of {PARENT} refers to users__before" in stated.value.cause
    former = _replace(shop, store, backups["users"])
    undo(None, database=shop.address, former=former)
    (first,) = [name for name in shop.tables() if "__before" in name and "__note" not in name]
    undo(None, database=shop.address, former=first)
    assert shop.everything() == before
