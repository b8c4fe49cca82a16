"""A MariaDB table that has no column of its backup is compared by the number of rows."""

from __future__ import annotations

from helpers.backups import MemoryStore

from core.backup.preview import preview_of
from core.work import Work
from tests.core.backup.mariadb.conftest import Trading


def test_rows_of_tables_without_common_columns_all_differ(
    trading: Trading, store: MemoryStore
) -> None:
    trading.sql("CREATE TABLE t (a INT)", "INSERT INTO t VALUES (1), (2)")
    backup = trading.backed_up(store, "t")
    trading.sql("DROP TABLE t", "CREATE TABLE t (b INT)", "INSERT INTO t VALUES (1)")
    found = preview_of(store, backup, trading.address, 5, Work()).difference
    assert (found.added, found.changed, found.removed) == (2, 0, 1)
