"""A row that refers to missing rows by several foreign keys of SQLite counts once."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.backups import MemoryStore, backed_up, restored, sql

from core.backup.preview import preview_of
from core.errors import Conflict
from core.work import Work


def test_a_row_that_refers_to_missing_rows_by_several_keys_counts_once(
    store: MemoryStore, path: Path
) -> None:
    sql(path, "CREATE TABLE pairs (a INT REFERENCES users(id), b INT REFERENCES users(id))")
    backup = backed_up(store, path, "users")
    sql(
        path,
        "INSERT INTO users(name) VALUES ('dot'), ('eve');"
        "INSERT INTO pairs VALUES (4, 5), (4, 1), (1, 5), (1, 1), (4, NULL)",
    )
    assert preview_of(store, backup, str(path), 10, Work()).orphans == (("pairs", 4),)
    with pytest.raises(Conflict, match=r"break: 4 in pairs\."):
        restored(store, backup, path)
    backup = backed_up(store, path, "pairs")
    sql(path, "DELETE FROM pairs; DELETE FROM users WHERE id > 3; INSERT INTO pairs VALUES (9, 1)")
    assert preview_of(store, backup, str(path), 10, Work()).orphans == (("pairs", 3),)
    with pytest.raises(Conflict, match=r"break: 3 in pairs\."):
        restored(store, backup, path)
