"""A former MariaDB table loses no rows by its foreign keys, which an undo creates again."""

from __future__ import annotations

import pytest
from helpers.backups import MemoryStore

from core.backup.undo import describe_former_table, drop_former_table, undo
from core.errors import Conflict
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


def test_a_view_on_a_former_table_is_named_before_and_after_an_undo(
    trading: Trading, store: MemoryStore
) -> None:
    trading.sql("CREATE TABLE o (id INT PRIMARY KEY)", "INSERT INTO o VALUES (1), (2)")
    backup = trading.backed_up(store, "o")
    trading.sql("DELETE FROM o WHERE id = 1", "CREATE VIEW today AS SELECT * FROM o")
    former = trading.restored(store, backup).kept
    trading.sql(
        f"CREATE VIEW changed AS SELECT o.id FROM o LEFT JOIN {former} f ON f.id = o.id "
        "WHERE f.id IS NULL",
        "CREATE TABLE other (id INT)",
        f"CREATE TRIGGER noted AFTER INSERT ON other FOR EACH ROW DELETE FROM `{former}` WHERE id = 1",
    )
    names = [
        f"The view changed uses {former}, which does not exist after the undo: let it use o.",
        f"The trigger noted uses {former}, which does not exist after the undo: let it use o.",
    ]
    before = trading.everything()
    found = describe_former_table(trading.address, "o")
    assert found.undo_effect.endswith(" ".join(names))
    with pytest.raises(Conflict, match=f"{former} is used by the view changed"):
        drop_former_table(None, database=trading.address, former=former)
    assert trading.everything() == before
    assert list(undo(None, database=trading.address, former=former).problems) == names
    assert trading.rows("today") == ((2,),)


def test_a_former_table_that_nothing_uses_is_dropped(trading: Trading, store: MemoryStore) -> None:
    trading.sql("CREATE TABLE o (id INT PRIMARY KEY)", "CREATE VIEW v AS SELECT * FROM o")
    former = trading.restored(store, trading.backed_up(store, "o")).kept
    drop_former_table(None, database=trading.address, former=former)
    assert former not in trading.tables()
