"""An undo names what uses columns that were added since the restore."""

from __future__ import annotations

from typing import Any

from helpers.backups import MemoryStore

from core.backup.undo import describe_former_table, undo
from tests.core.backup.mariadb.conftest import Trading


def test_a_view_that_an_undo_breaks_is_named_before_and_after(
    store: MemoryStore, trading: Trading
) -> None:
    """The view was broken without a word."""
    address: Any = trading.address
    trading.sql(
        "CREATE TABLE coins (id INT PRIMARY KEY, name VARCHAR(20))",
        "INSERT INTO coins VALUES (1, 'ada'), (2, 'btc')",
    )
    former = trading.restored(store, trading.backed_up(store, "coins")).kept
    trading.sql(
        "ALTER TABLE coins ADD COLUMN score INT",
        "CREATE VIEW scores AS SELECT id, score FROM coins",
        "CREATE VIEW names AS SELECT id, name FROM coins",
    )
    expected = (
        "With the former table, the view scores uses columns that this schema does not have: score."
    )
    assert expected in describe_former_table(address, "coins").undo_effect
    assert undo(None, database=address, former=former).problems == (expected,)
    assert trading.sql("SELECT name FROM names") == (("ada",), ("btc",))
