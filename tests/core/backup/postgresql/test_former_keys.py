"""A former table loses no rows by its foreign keys, which an undo creates again."""

from __future__ import annotations

import pytest
from helpers.backups import MemoryStore
from helpers.databases import Server
from helpers.postgresql_tables import Database

from core.backup.databases import open_database
from core.backup.databases.postgresql.session import _SETTINGS
from core.work import Work

_KEYS = """
SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid), convalidated,
  coalesce(obj_description(oid), '')
FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 ORDER BY 1, 2
"""


def _undo(database: Database, former: str) -> str:
    with open_database(database.address, write=True) as opened, opened.change(work=Work()):
        return " ".join(opened.undo(former).problems)


def _content(database: Database, table: str) -> list[str]:
    return database.content('"' + table.replace('"', '""') + '"')


@pytest.mark.parametrize("rule", ["CASCADE", "SET NULL", "SET DEFAULT"])
def test_changes_of_a_referenced_table_do_not_change_the_former_one(
    database: Database, store: MemoryStore, rule: str
) -> None:
    database.script(
        "CREATE TABLE u (id int PRIMARY KEY)",
        "INSERT INTO u VALUES (0), (1), (2)",
        "CREATE TABLE o (id int, u int DEFAULT 0 CONSTRAINT of_u REFERENCES u "
        f"ON DELETE {rule} ON UPDATE {rule} DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO o VALUES (1, 1), (2, 2), (3, 0)",
        "COMMENT ON CONSTRAINT of_u ON o IS 'the user'",
    )
    rows, keys = database.content("o"), database.run(_KEYS)
    report = database.restore(store, database.back_up(store, "o"))
    assert database.run(_KEYS) == keys
    database.script("DELETE FROM u WHERE id = 1", "UPDATE u SET id = 5 WHERE id = 2")
    assert _content(database, report.kept) == rows
    problems = _undo(database, report.kept)
    assert database.content("o") == rows
    ((_, name, definition, valid, comment),) = database.run(_KEYS)
    assert (name, definition, valid, comment) == (
        "of_u", keys[0][2] + " NOT VALID", False, "the user",
    )  # fmt: skip
    assert "The foreign key of_u of o is not valid" in problems
    assert "2 rows of o refer to missing rows." in problems


def test_keys_are_the_same_after_undos_of_two_restores(
    database: Database, store: MemoryStore
) -> None:
    database.script(
        "CREATE TABLE u (id int PRIMARY KEY, other int UNIQUE)",
        "INSERT INTO u VALUES (1, 7)",
        "CREATE TABLE o (id int PRIMARY KEY, u int REFERENCES u ON DELETE CASCADE, "
        "above int REFERENCES o, other int)",
        "INSERT INTO o VALUES (1, 1, 1, 8)",
        "ALTER TABLE o ADD CONSTRAINT odd FOREIGN KEY (other) REFERENCES u (other) NOT VALID",
    )
    before = database.everything()
    backup = database.back_up(store, "o")
    first, second = database.restore(store, backup), database.restore(store, backup)
    assert [_undo(database, second.kept), _undo(database, first.kept)] == ["", ""]
    assert database.everything() == before


def test_a_restored_parent_and_its_undo_do_not_touch_the_former_child(
    orders: Database, store: MemoryStore
) -> None:
    rows = orders.content("orders")
    report = orders.restore(store, orders.back_up(store, "orders"))
    of_users = orders.restore(store, orders.back_up(store, "users"))
    orders.script("DELETE FROM fills", "DELETE FROM users")
    _undo(orders, of_users.kept)
    assert _content(orders, report.kept) == rows
    _undo(orders, report.kept)
    assert orders.content("orders") == rows
    assert ["orders", "orders_user_id_fkey", True] in [
        [row[0], row[1], row[3]] for row in orders.run(_KEYS)
    ]


def test_a_key_that_cannot_be_created_again_is_named(
    database: Database, store: MemoryStore
) -> None:
    database.script(
        "CREATE TABLE u (id int PRIMARY KEY)",
        "CREATE TABLE w (id int PRIMARY KEY)",
        "INSERT INTO u VALUES (1)",
        "INSERT INTO w VALUES (1)",
        "CREATE TABLE p (id int, u int CONSTRAINT of_u REFERENCES u ON DELETE CASCADE, "
        "w int CONSTRAINT of_w REFERENCES w) PARTITION BY RANGE (id)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9)",
        "CREATE TABLE p2 PARTITION OF p DEFAULT",
        "ALTER TABLE p2 ADD CONSTRAINT of_one FOREIGN KEY (id) REFERENCES u ON DELETE CASCADE",
        "INSERT INTO p VALUES (5, 1, 1)",
    )
    rows = database.content("p")
    report = database.restore(store, database.back_up(store, "p"))
    database.script("DELETE FROM u", "DROP TABLE w CASCADE")
    problems = _undo(database, report.kept)
    assert database.content("p") == rows
    # A key of a partitioned table cannot be NOT VALID.
    assert [row[:2] for row in database.run(_KEYS)] == [["p2", "of_one"]]
    assert "p lacks the foreign key of_u, FOREIGN KEY (u) REFERENCES public.u(id)" in problems
    assert "p lacks the foreign key of_w, FOREIGN KEY (w) REFERENCES public.w(id)" in problems


def test_rows_of_a_former_partition_are_not_deleted(database: Database, store: MemoryStore) -> None:
    database.script(
        "CREATE TABLE u (id int PRIMARY KEY)",
        "INSERT INTO u VALUES (1)",
        "CREATE TABLE p (id int) PARTITION BY RANGE (id)",
        "CREATE TABLE p1 PARTITION OF p DEFAULT",
        "ALTER TABLE p1 ADD CONSTRAINT of_one FOREIGN KEY (id) REFERENCES u ON DELETE CASCADE",
        "INSERT INTO p VALUES (1)",
    )
    report = database.restore(store, database.back_up(store, "p"))
    database.script("DELETE FROM u")
    _undo(database, report.kept)
    assert database.content("p") == ["(1)"]
    assert [row[1:4] for row in database.run(_KEYS)] == [
        ["of_one", "FOREIGN KEY (id) REFERENCES u(id) ON DELETE CASCADE NOT VALID", False]
    ]


def test_disabled_triggers_of_a_key_are_disabled_after_the_undo(
    database: Database, store: MemoryStore, postgresql_server: Server
) -> None:
    database.script(
        "CREATE TABLE u (id int PRIMARY KEY)",
        "CREATE TABLE o (u int REFERENCES u)",
        "INSERT INTO o VALUES (NULL)",
    )
    postgresql_server.ask(f"ALTER ROLE {database.user} SUPERUSER")
    database.script("ALTER TABLE o DISABLE TRIGGER ALL")
    states = "SELECT tgenabled::text, tgtype FROM pg_trigger WHERE tgrelid = 'o'::regclass"
    before = database.run(states)
    report = database.restore(store, database.back_up(store, "o"))
    database.script("ALTER TABLE o ENABLE TRIGGER ALL")
    _undo(database, report.kept)
    assert database.run(states) == before


def test_a_reader_of_the_referenced_table_does_not_undo_a_long_restore(
    database: Database, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.script(
        "CREATE TABLE u (id int PRIMARY KEY)",
        "INSERT INTO u VALUES (1)",
        "CREATE TABLE o (u int CONSTRAINT of_u REFERENCES u ON DELETE CASCADE)",
        "INSERT INTO o VALUES (1)",
    )
    keys, backup = database.run(_KEYS), database.back_up(store, "o")
    monkeypatch.setitem(_SETTINGS, "lock_timeout", "300ms")
    with database.session() as reader:
        reader("BEGIN")
        reader("SELECT FROM u")
        report = database.restore(store, backup)
        reader("ROLLBACK")
    (problem,) = report.problems
    assert "still has the foreign key of_u" in problem
    assert "FOREIGN KEY (u) REFERENCES public.u(id) ON DELETE CASCADE" in problem
    _undo(database, report.kept)
    assert database.run(_KEYS) == keys
