"""Servers count the rows of a table again before a restore replaces it."""

from __future__ import annotations

import pytest
from helpers.backups import MemoryStore
from helpers.databases import Server
from helpers.postgresql_tables import new_database

from core.backup.previewed import TableChangedError
from tests.core.backup.mariadb.conftest import Trading


def test_mariadb_does_not_replace_a_table_that_has_changed(
    trading: Trading, store: MemoryStore
) -> None:
    trading.sql("CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
    backup = trading.backed_up(store, "t")
    trading.sql("INSERT INTO t VALUES (3)")
    with pytest.raises(TableChangedError):
        trading.restored(store, backup, previewed_rows=2)
    assert trading.tables() == ["t"]
    assert trading.restored(store, backup, previewed_rows=3).kept


def test_postgresql_does_not_replace_a_table_that_has_changed(
    postgresql_server: Server, store: MemoryStore
) -> None:
    with new_database(postgresql_server) as database:
        database.script("CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)")
        backup = database.back_up(store, "t")
        database.script("INSERT INTO t VALUES (3)")
        before = database.everything()
        with pytest.raises(TableChangedError):
            database.restore(store, backup, previewed_rows=2)
        assert database.everything() == before
        assert database.restore(store, backup, previewed_rows=3).kept
