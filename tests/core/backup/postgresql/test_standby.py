"""A hot standby as the source of a backup: it is read-only, and may end a transaction at any time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from helpers.backups import MemoryStore
from helpers.databases import Server, running_standby
from helpers.postgresql_tables import Database

from core.backup.databases import open_database
from core.backup.databases.postgresql import snapshot
from core.backup.run import back_up
from core.errors import DatabaseError, NotSupported, StorageError
from core.work import Work


@pytest.fixture(scope="module")
def standby(postgresql_server: Server) -> Iterator[Server]:
    """A standby of the server of all tests, which ends no query in favor of changes."""
    with running_standby(postgresql_server) as server:
        set_delay(server, "-1")  # else a vacuum of the primary server ends a transaction at times
        yield server


def set_delay(standby: Server, delay: str) -> None:
    """Set for how long the standby lets queries delay the changes of the primary server."""
    standby.ask(f"ALTER SYSTEM SET max_standby_streaming_delay = '{delay}'")
    standby.ask("SELECT pg_reload_conf()")
    end = time.monotonic() + 20
    while standby.ask("SHOW max_standby_streaming_delay")[0][0] != delay:
        assert time.monotonic() < end, "the standby does not read its configuration"
        threading.Event().wait(0.02)


@pytest.fixture
def impatient(standby: Server) -> Iterator[None]:
    """The standby ends at once what conflicts with a change of the primary server."""
    set_delay(standby, "0")
    yield
    set_delay(standby, "-1")


@pytest.fixture
def copied(orders: Database, standby: Server) -> Database:
    """The tables of `trading` on the standby, with the users of the primary server."""
    catch_up(orders, standby)
    return replace(orders, server=standby)


def catch_up(primary: Database, standby: Server) -> None:
    """Wait until the standby has applied all changes of the primary server."""
    (place,) = primary.server.ask("SELECT pg_current_wal_lsn()::text")[0]
    end = time.monotonic() + 20
    while not standby.ask(f"SELECT pg_last_wal_replay_lsn() >= '{place}'::pg_lsn")[0][0]:
        assert time.monotonic() < end, "the standby does not catch up"
        threading.Event().wait(0.02)


def test_a_backup_of_a_standby_is_restored_into_the_primary_server(
    orders: Database, copied: Database, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "_LARGE_PAGES", 1)  # so that a second connection reads, too
    before = orders.content("orders")
    backup = copied.back_up(store, "orders")
    assert (backup.rows, backup.origin.host) == (500, f"127.0.0.1:{copied.server.port}")
    orders.script("DELETE FROM fills", "DELETE FROM orders WHERE id > 100")
    report = orders.restore(store, backup)
    assert report.verified == "verified (SHA-256 and server fingerprint)"
    assert orders.content("orders") == before
    catch_up(orders, copied.server)
    with open_database(copied.address) as source:
        found = back_up(store, source, None, "", Work())
    assert {each.table for each in found.backups} >= {"orders", "users", "fills"}


def test_a_restore_into_a_standby_changes_nothing_and_names_the_primary_server(
    orders: Database, copied: Database, store: MemoryStore
) -> None:
    backup = orders.back_up(store, "orders")
    before = copied.everything()
    with pytest.raises(DatabaseError) as error:
        copied.restore(store, backup)
    assert "use the primary server to restore" in error.value.remedy
    assert copied.everything() == before


@contextmanager
def at_the_first_part(store: MemoryStore, act: Callable[[], Any]) -> Iterator[None]:
    """Call a function once, when the first part is stored."""
    put, done = store.put, list[bool]()

    def acting(*arguments: Any, **more: Any) -> Any:
        if not done:
            done.append(True)
            act()
        return put(*arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "put", acting)
        yield
    assert done


@pytest.mark.usefixtures("impatient")
def test_a_transaction_that_the_standby_ends_leaves_no_backup_and_is_explained(
    orders: Database, copied: Database, store: MemoryStore
) -> None:
    def change_the_primary_server() -> None:
        orders.script("DROP VIEW open_orders", "ALTER TABLE orders DROP COLUMN total")
        catch_up(orders, copied.server)

    with (
        at_the_first_part(store, change_the_primary_server),
        pytest.raises(StorageError) as error,
    ):
        copied.back_up(store, "orders")
    assert "conflict with recovery" in error.value.cause
    assert "hot_standby_feedback" in error.value.remedy
    assert not [key for key in store.objects if key.endswith("_manifest.json")]
    orders.back_up(store, "orders")  # the next one removes what it left
    assert len({key.rpartition("/")[0] for key in store.objects}) == 1


def test_an_unlogged_table_has_no_rows_on_a_standby(
    orders: Database, copied: Database, store: MemoryStore
) -> None:
    orders.script("CREATE UNLOGGED TABLE cache (id int)")
    catch_up(orders, copied.server)
    with open_database(copied.address) as source:
        (cache,) = (each for each in source.tables() if each.name == "cache")
        assert (cache.rows, "unlogged relations" in cache.problem) == (None, True)
        found = back_up(store, source, None, "", Work())
        assert [each.table for each in found.skipped] == ["cache"]
        with pytest.raises(NotSupported, match="no rows on a standby server"):
            back_up(store, source, ["cache"], "", Work())
