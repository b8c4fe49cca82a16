"""Differences of the schema and of keys that the preview of a PostgreSQL table names."""

from __future__ import annotations

import pytest
from helpers.backups import MemoryStore
from helpers.postgresql_tables import Database

from core.backup.databases import open_database
from core.backup.preview import preview_of
from core.backup.run import back_up
from core.errors import Conflict
from core.model.backup import RestorePreview
from core.work import Work


def _seen(
    database: Database, store: MemoryStore, before: list[str], after: list[str]
) -> RestorePreview:
    database.script(*before)
    backup = database.back_up(store, "t")
    database.script(*after)
    return preview_of(store, backup, database.address, 5, Work())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("ALTER DOMAIN price ADD CONSTRAINT high CHECK (value < 99)", "CONSTRAINT high CHECK"),
        ("ALTER DOMAIN price SET DEFAULT 7", "DEFAULT 7"),
        ("ALTER DOMAIN price SET NOT NULL", "NOT NULL"),
    ],
)
def test_a_domain_with_another_definition_is_named(
    database: Database, store: MemoryStore, change: str, named: str
) -> None:
    with pytest.raises(Conflict, match="The type price has another definition") as refused:
        _seen(
            database, store,
            ["CREATE DOMAIN price AS numeric(9, 2)", "CREATE TABLE t (p price)"], [change],
        )  # fmt: skip
    assert "In the backup: price domain numeric(9,2)." in refused.value.cause
    assert named in refused.value.cause


def test_comments_and_numbering_are_named(database: Database, store: MemoryStore) -> None:
    seen = _seen(
        database, store,
        ["CREATE TABLE t (id serial PRIMARY KEY, a text DEFAULT NULL, b varchar(5) DEFAULT NULL)",
         "COMMENT ON TABLE t IS 'it''s old'"],
        ["COMMENT ON TABLE t IS 'new'", "COMMENT ON COLUMN t.a IS 'in USDT'",
         "ALTER SEQUENCE t_id_seq INCREMENT 5", "ALTER TABLE t ALTER b DROP DEFAULT"],
    )  # fmt: skip
    assert set(seen.drift) == {
        "the comment of the table: “new” today, “it's old” in the backup",
        "column a: the comment is “in USDT” today, none in the backup",
        (
            "numbering: id integer by 5 from 1 to 2147483647 today, "
            "id integer by 1 from 1 to 2147483647 in the backup"
        ),
    }


@pytest.mark.parametrize(
    ("key", "before", "after"),
    [
        ("numeric", "1.0", "1.00"),
        ("text COLLATE insensitive", "'Ada'", "'ada'"),
        ("interval", "'24:00'", "'1 day'"),
    ],
)
def test_keys_that_are_equal_but_not_the_same_are_changed_values(
    database: Database, store: MemoryStore, key: str, before: str, after: str
) -> None:
    seen = _seen(
        database, store,
        [("CREATE COLLATION insensitive (provider = icu, locale = 'und-u-ks-level2', "
         "deterministic = false)"),
         f"CREATE TABLE t (k {key} PRIMARY KEY, v int)", f"INSERT INTO t VALUES ({before}, 1)"],
        [f"UPDATE t SET k = {after}"],
    )  # fmt: skip
    found = seen.difference
    assert (found.added, found.changed, found.removed) == (0, 1, 0)
    assert [cell.column for cell in found.cells] == ["k"]


def test_keys_of_citext_that_differ_in_case_are_named(
    database: Database, store: MemoryStore
) -> None:
    database.server.ask(f"ALTER ROLE {database.user} SUPERUSER")
    seen = _seen(
        database, store,
        ["CREATE EXTENSION citext", "CREATE TABLE t (k citext PRIMARY KEY, v int)",
         "INSERT INTO t VALUES ('Ada', 1), ('bob', 2)"],
        ["UPDATE t SET k = 'ada' WHERE v = 1"],
    )  # fmt: skip
    found = seen.difference
    assert (found.added, found.changed, found.removed) == (1, 0, 1)


def test_columns_of_large_objects_are_named(database: Database, store: MemoryStore) -> None:
    database.script(
        "CREATE DOMAIN blob AS oid",
        "CREATE TABLE t (id int PRIMARY KEY, picture oid, file blob, a text)",
        "CREATE TABLE plain (id int)",
        "INSERT INTO t SELECT 1, lo_from_bytea(0, '\\x00ff'), NULL, 'x'",
    )
    note = "picture, file have object ids. If they are those of large objects: these are not in"
    with open_database(database.address) as source:
        report = back_up(store, source, ["t", "plain"], "", Work())
    (found,) = report.notes
    assert found.startswith(f"t: {note}")
    seen = preview_of(store, report.backups[0], database.address, 5, Work())
    assert any(problem.startswith(note) for problem in seen.problems)
    seen = preview_of(store, report.backups[1], database.address, 5, Work())
    assert not seen.problems
