"""A table that changed after the preview of its restore is not replaced without a new decision."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from helpers.backups import MemoryStore, backed_up, restored, sql

from core.backup.previewed import TableChangedError
from core.backup.restore import Choices
from core.backup.restore_tables import restore_tables_of
from core.backup.together import TablesWanted
from core.work import Work


@pytest.mark.parametrize("change", ["INSERT INTO orders(user_id) VALUES (1)", "DELETE FROM orders"])
def test_a_table_with_more_or_fewer_rows_is_not_replaced(
    store: MemoryStore, path: Path, change: str
) -> None:
    backup = backed_up(store, path, "orders")
    sql(path, change)
    before = sql(path, "SELECT * FROM orders")
    with pytest.raises(TableChangedError, match="orders has changed since the preview") as refused:
        restored(store, backup, path, previewed_rows=500)
    assert refused.value.cause == f"It had 500 rows, and has {len(before)} now."
    assert isinstance(pickle.loads(pickle.dumps(refused.value)), TableChangedError)
    assert sql(path, "SELECT * FROM orders") == before
    assert restored(store, backup, path, previewed_rows=len(before)).kept


def test_a_table_that_did_not_exist_in_the_preview_is_not_replaced(
    store: MemoryStore, path: Path
) -> None:
    """It was replaced without a question: the preview stated that it is created."""
    backup = backed_up(store, path, "users")
    with pytest.raises(TableChangedError, match="users has changed"):
        restored(store, backup, path, previewed_rows=0)
    sql(path, "ALTER TABLE users RENAME TO others")
    assert restored(store, backup, path, previewed_rows=0).kept == ""


@pytest.mark.parametrize("single", [False, True])
def test_of_several_tables_each_is_counted_again(
    store: MemoryStore, path: Path, single: bool
) -> None:
    for table in ("users", "orders"):
        backed_up(store, path, table)
    sql(path, "INSERT INTO orders(user_id) VALUES (1)")
    before = sql(path, "SELECT count(*) FROM orders")
    wanted = TablesWanted(("users", "orders"), single_transaction=single)
    choices = Choices(previewed_tables=(("users", 3), ("orders", 500)))
    with pytest.raises(TableChangedError, match="orders has changed") as refused:
        restore_tables_of(store, str(path), wanted, choices, Work())
    assert sql(path, "SELECT count(*) FROM orders") == before
    restored_before = [each.table for each in refused.value.partial.tables]  # type: ignore[attr-defined] # the report
    assert restored_before == ([] if single else ["users"])
