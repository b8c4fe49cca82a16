"""A former MariaDB table loses no rows by its foreign keys, which an undo creates again."""

from __future__ import annotations

import pytest
from helpers.backups import MemoryStore

from core.backup.undo import undo
from tests.core.backup.mariadb.conftest import Trading


@pytest.mark.parametrize("rule", ["CASCADE", "SET NULL"])
def test_changes_of_a_referenced_table_do_not_change_the_former_one(
    trading: Trading, store: MemoryStore, rule: str
) -> None:
    trading.sql(
        "CREATE TABLE u (id INT PRIMARY KEY)",
        "INSERT INTO u VALUES (1), (2), (3)",
        "CREATE TABLE o (id INT PRIMARY KEY, u INT, CONSTRAINT of_u FOREIGN KEY (u) "
        f"REFERENCES u (id) ON DELETE {rule} ON UPDATE {rule})",
        "INSERT INTO o VALUES (1, 1), (2, 2), (3, 3)",
    )
    rows, definition = trading.rows("o"), trading.definition("o")
    report = trading.restored(store, trading.backed_up(store, "o"))
    trading.sql("DELETE FROM u WHERE id = 1", "UPDATE u SET id = 5 WHERE id = 2")
    assert trading.rows(report.kept) == rows
    undone = undo(None, database=trading.address, former=report.kept)
    assert trading.rows("o") == rows
    assert trading.definition("o") == definition
    assert undone.problems == ("2 rows of o refer to missing rows.",)
