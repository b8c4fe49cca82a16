"""Partitioned tables whose names or schemas differ from those that a restore would choose."""

from __future__ import annotations

import pytest
from helpers.backups import MemoryStore
from helpers.databases import Server
from helpers.postgresql_tables import Database, new_database

from core.backup.databases import open_database
from core.work import Work

_KEYS = """
SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND conparentid = 0 ORDER BY 1, 2
"""
_RELATIONS = """
SELECT n.nspname::text, c.relname::text, c.relkind::text FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1, 2
"""
_PARENT = (
    "CREATE TABLE {name} (id int PRIMARY KEY) PARTITION BY RANGE (id)",
    "CREATE TABLE {name}1 PARTITION OF {name} FOR VALUES FROM (0) TO (5)",
    "CREATE TABLE {name}2 PARTITION OF {name} DEFAULT",
    "INSERT INTO {name} VALUES (1), (7)",
)


def _undo(database: Database, former: str) -> None:
    with open_database(database.address, write=True) as opened, opened.change(work=Work()):
        opened.undo(former)


@pytest.mark.parametrize("other", ["a_first", "z"])
def test_keys_to_partitioned_tables_have_their_names_after_a_restore(
    database: Database, store: MemoryStore, other: str
) -> None:
    for name in ("p", "q"):
        database.script(*(one.format(name=name) for one in _PARENT))
    # The server names the keys to each partition, and takes the first free names.
    database.script(
        "CREATE TABLE o (a int)",
        "INSERT INTO o VALUES (1)",
        "ALTER TABLE o ADD CONSTRAINT o_a_fkey FOREIGN KEY (a) REFERENCES q ON DELETE CASCADE",
        f"ALTER TABLE o ADD CONSTRAINT {other} FOREIGN KEY (a) REFERENCES p",
    )
    keys, backup = database.run(_KEYS), database.back_up(store, "o")
    first_report = database.restore(store, backup)
    assert database.run(_KEYS) == keys
    _undo(database, first_report.kept)
    assert database.run(_KEYS) == keys
    report = database.restore(store, database.back_up(store, "p"))
    assert database.run(_KEYS) == keys
    _undo(database, report.kept)
    assert database.run(_KEYS) == keys
    database.restore(store, backup, target="copied")
    assert len(database.run(_KEYS)) == 4


def test_partitions_in_other_schemas_return_to_them(
    database: Database, store: MemoryStore, postgresql_server: Server
) -> None:
    database.script(
        "CREATE SCHEMA archive",
        'CREATE SCHEMA "od.d"',
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE archive.p PARTITION OF p FOR VALUES FROM (0) TO (5) PARTITION BY RANGE (id)",
        'CREATE TABLE "od.d".p1 PARTITION OF archive.p DEFAULT',
        "CREATE TABLE p2 PARTITION OF p DEFAULT",
        "INSERT INTO p VALUES (1), (7)",
        "GRANT SELECT ON archive.p TO pg_monitor",
    )
    tables = database.run(_RELATIONS)
    backup = database.back_up(store, "p")
    report = database.restore(store, backup)
    assert [row for row in database.run(_RELATIONS) if "__before" not in row[1]] == tables
    assert database.content('"od.d".p1') == ["(1)"]
    _undo(database, report.kept)
    assert database.run(_RELATIONS) == tables
    database.restore(store, backup, target="copied")
    with new_database(postgresql_server) as fresh:
        fresh.restore(store, backup)
        assert fresh.run(_RELATIONS) == tables
        assert fresh.content('"od.d".p1') == ["(1)"]


def test_indexes_of_partitions_have_their_former_names(
    database: Database, store: MemoryStore
) -> None:
    long = "x" * 60
    database.script(
        "CREATE TABLE p (id int PRIMARY KEY, a int, b text) PARTITION BY RANGE (id)",
        "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (5)",
        f"CREATE TABLE {long} PARTITION OF p DEFAULT",
        "CREATE INDEX by_a ON p (a)",
        "CREATE INDEX by_lower ON p (lower(b))",
        "ALTER INDEX p1_a_idx RENAME TO own_name",
        "INSERT INTO p VALUES (1), (7)",
    )
    before, backup = database.run(_RELATIONS), database.back_up(store, "p")
    database.script("DROP INDEX by_lower")
    first = database.restore(store, backup)
    found = [row for row in database.run(_RELATIONS) if "__before" not in row[1]]
    assert found == before
    second = database.restore(store, backup)
    assert [row for row in database.run(_RELATIONS) if "__before" not in row[1]] == before
    _undo(database, second.kept)
    assert [row for row in database.run(_RELATIONS) if "__before" not in row[1]] == before
    _undo(database, first.kept)
    assert len(database.run(_RELATIONS)) == len(before) - 3
    database.script("DROP TABLE p")
    database.restore(store, backup)
    usual = [["public", "p1_a_idx", "i"] if row[1] == "own_name" else row for row in before]
    assert sorted(database.run(_RELATIONS)) == sorted(usual)
