"""An undo names what uses columns that were added since the restore."""

from __future__ import annotations

from pathlib import Path

from helpers.backups import MemoryStore, backed_up, sql

from core.backup.restore import Choices, restore_of
from core.backup.undo import describe_former_table, undo
from core.work import Work

ROWS = "INSERT INTO coins VALUES (1, 'ada'), (2, 'btc')"
SINCE = (
    "ALTER TABLE coins ADD COLUMN score INT",
    "CREATE VIEW scores AS SELECT id, score FROM coins",
    "CREATE VIEW names AS SELECT id, name FROM coins",
)


def test_a_view_that_an_undo_breaks_is_named_before_and_after(
    store: MemoryStore, tmp_path: Path
) -> None:
    """The view was broken without a word."""
    path = tmp_path / "coins.db"
    sql(path, f"CREATE TABLE coins (id INTEGER PRIMARY KEY, name TEXT); {ROWS}")
    sql(path, "CREATE VIEW broken_before AS SELECT missing FROM coins")
    backup = backed_up(store, path, "coins")
    former = restore_of(store, backup, str(path), Choices(), Work()).kept
    for statement in SINCE:
        sql(path, statement)
    effect = describe_former_table(str(path), "coins").undo_effect
    problems = undo(None, database=str(path), former=former).problems
    expected = "With the former table, the view scores does not work with this schema: "
    assert expected in effect
    (problem,) = problems
    assert problem.startswith(expected)
    assert sql(path, "SELECT name FROM names") == [("ada",), ("btc",)]
