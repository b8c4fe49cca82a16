"""A table that changed after the preview of its restore is not replaced without a new decision."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from helpers.backups import MemoryStore, backed_up, restored, sql

from core.backup.previewed import TableChangedError


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
