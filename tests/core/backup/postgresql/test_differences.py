"""Differences of the schema and of keys that the preview of a PostgreSQL table names."""

from __future__ import annotations

import pytest
from helpers.backups import MemoryStore
from helpers.postgresql_tables import Database

from core.backup.databases import open_database
from core.backup.preview import preview_of
from core.backup.restore import Choices, restore_of
from core.backup.run import back_up
from core.errors import Conflict, StorageError
from core.model.restore import RestorePreview
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
    seen = _seen(
        database, store,
        ["CREATE DOMAIN price AS numeric(9, 2)", "CREATE TABLE t (p price)",
         "INSERT INTO t VALUES (1), (2)"], [change, "INSERT INTO t VALUES (3)"],
    )  # fmt: skip
    (found,) = [one for one in seen.dependants if one.problem]
    assert (found.kind, found.name) == ("type", "price")
    assert "The type price has another definition in 127.0.0.1" in found.problem
    assert "In the backup: price domain numeric(9,2)." in found.problem
    assert named.lower() in found.problem.lower()
    assert (seen.difference.added, seen.difference.removed) == (0, 1)
    assert any("types of columns" in text for text in seen.drift)
    _refused_alike(database, store, seen)


def test_a_row_that_refers_to_missing_rows_by_several_keys_counts_once(
    database: Database, store: MemoryStore
) -> None:
    keys = "a int REFERENCES t, b int REFERENCES t"
    seen = _seen(
        database, store,
        ["CREATE TABLE t (id int PRIMARY KEY)", f"CREATE TABLE pairs ({keys})",
         "INSERT INTO t VALUES (1)"],
        ["INSERT INTO t VALUES (4), (5)",
         "INSERT INTO pairs VALUES (4, 5), (4, 1), (1, 5), (1, 1), (4, NULL)"],
    )  # fmt: skip
    assert seen.orphans == (("pairs", 4),)
    with pytest.raises(Conflict) as refused:
        database.restore(store, seen.backup)
    assert "break: 4 in pairs." in refused.value.cause
    backup = database.back_up(store, "pairs")
    database.script("DELETE FROM pairs", "DELETE FROM t WHERE id > 3")
    assert preview_of(store, backup, database.address, 5, Work()).orphans == (("pairs", 4),)
    with pytest.raises(Conflict) as refused:
        database.restore(store, backup)
    assert "break: 4 in pairs." in refused.value.cause


def test_rows_of_tables_without_common_columns_all_differ(
    database: Database, store: MemoryStore
) -> None:
    seen = _seen(
        database, store, ["CREATE TABLE t (a int)", "INSERT INTO t VALUES (1), (2)"],
        ["DROP TABLE t", "CREATE TABLE t (b int)", "INSERT INTO t VALUES (1)"],
    )  # fmt: skip
    found = seen.difference
    assert (found.added, found.changed, found.removed) == (2, 0, 1)


def _refused_alike(database: Database, store: MemoryStore, seen: RestorePreview) -> None:
    """Check that a restore is refused with the text of the preview, and changes nothing."""
    before = database.everything()
    with pytest.raises(StorageError) as refused:
        restore_of(store, seen.backup, database.address, Choices(), Work())
    reason = refused.value.reason.replace(f" The table being restored is {seen.table}.", "")
    text = f"{reason} {refused.value.remedy}"
    assert text in [one.problem for one in seen.dependants]
    assert database.everything() == before


_KINDS = "CREATE TYPE kind AS ENUM ('buy', 'sell')"
_PAIR = "CREATE TYPE pair AS (base text, amount numeric)"


@pytest.mark.parametrize(
    ("before", "after", "names", "changes"),
    [
        # A label that the database does not have any more, in a key, an array and a computed
        # column.
        (
            [_KINDS, ("CREATE TABLE t (id kind PRIMARY KEY, many kind[], "
             "twice text GENERATED ALWAYS AS (CASE id WHEN 'buy' THEN 'b' END) STORED)"),
             "INSERT INTO t VALUES ('buy', '{buy,sell}'), ('sell', NULL)"],
            ["DROP TABLE t", "DROP TYPE kind", "CREATE TYPE kind AS ENUM ('buy', 'hold')",
             "CREATE TABLE t (id kind PRIMARY KEY, many kind[])",
             "INSERT INTO t VALUES ('buy', '{hold}')"],
            {"kind"}, (1, 1, 0),
        ),
        # Fields of a composite, and a domain over it, with rows that refer to each other.
        (
            [_PAIR, "CREATE DOMAIN positive AS pair CHECK ((value).amount > 0)",
             "CREATE TABLE t (id int PRIMARY KEY, p pair, d positive, up int REFERENCES t)",
             "INSERT INTO t VALUES (1, '(BTC,1.50)', '(BTC,2)', NULL), (2, '(ETH,1)', NULL, 1)"],
            ["DROP TABLE t", "DROP DOMAIN positive", "ALTER TYPE pair DROP ATTRIBUTE amount"],
            {"pair"}, (2, 0, 0),
        ),
        # A foreign key whose columns have the type.
        (
            [_KINDS, "CREATE TABLE parent (id kind PRIMARY KEY)", "INSERT INTO parent VALUES ('buy')",
             "CREATE TABLE t (id kind REFERENCES parent)", "INSERT INTO t VALUES ('buy'), ('buy')"],
            ["ALTER TYPE kind ADD VALUE 'hold'", "DELETE FROM t", "DELETE FROM parent"],
            {"kind"}, (2, 0, 0),
        ),
        # A missing extension.
        (
            ["CREATE EXTENSION citext", "CREATE TABLE t (id citext PRIMARY KEY)",
             "INSERT INTO t VALUES ('Ada')"],
            ["DROP TABLE t", "DROP EXTENSION citext"], {"citext"}, (1, 0, 0),
        ),
    ],
    ids=["enum", "composite", "foreign key", "extension"],
)  # fmt: skip
def test_types_that_prevent_a_restore_are_part_of_the_preview(
    database: Database,
    store: MemoryStore,
    before: list[str],
    after: list[str],
    names: set[str],
    changes: tuple[int, int, int],
) -> None:
    seen = _seen(database, store, before, after)
    refused = [one for one in seen.dependants if one.kind in ("type", "extension")]
    assert {one.name for one in refused} == names
    assert (seen.difference.added, seen.difference.changed, seen.difference.removed) == changes
    if "parent" in str(before):
        assert seen.orphans == (("t", 2),)
    _refused_alike(database, store, seen)


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


_DOUBLE = "CREATE FUNCTION dbl(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2'"


@pytest.mark.parametrize(
    ("table", "drop", "kind", "named"),
    [
        ("v int DEFAULT nextval('free')", "SEQUENCE free", "table", "public.free"),
        ("v int DEFAULT dbl(4), g int GENERATED ALWAYS AS (dbl(v)) STORED", "FUNCTION dbl",
         "table", "function public.dbl(integer)"),
        ("v text COLLATE german", "COLLATION german", "table", 'collation "public.german"'),
        ("v int CONSTRAINT more CHECK (dbl(v) > 0)", "FUNCTION dbl", "constraint", "public.dbl"),
        ("v int, CONSTRAINT apart EXCLUDE USING btree (dbl(v) WITH =)", "FUNCTION dbl",
         "constraint", "public.dbl"),
        ("v even", "DOMAIN even, FUNCTION dbl", "type", "public.dbl"),
        ("v int) PARTITION BY RANGE (dbl(v)", "FUNCTION dbl", "partition key of", "public.dbl"),
    ],
)  # fmt: skip
def test_what_a_restore_needs_and_is_missing_is_part_of_the_preview(
    database: Database, store: MemoryStore, table: str, drop: str, kind: str, named: str
) -> None:
    seen = _seen(
        database, store,
        [_DOUBLE, "CREATE SEQUENCE free", "CREATE COLLATION german (provider = icu, locale = 'de')",
         "CREATE DOMAIN even AS int CHECK (dbl(value) > 0)", f"CREATE TABLE t ({table})",
         *(["CREATE TABLE part PARTITION OF t DEFAULT"] if "PARTITION" in table else []),
         "INSERT INTO t (v) VALUES ('7')"],
        ["DROP TABLE t", "DROP DOMAIN even",
         *(f"DROP {one}" for one in drop.split(", ") if "DOMAIN" not in one)],
    )  # fmt: skip
    (found,) = [one for one in seen.dependants if one.problem]
    assert found.kind == kind
    assert named.lower() in found.problem.lower()
    assert seen.difference.added == 1
    _refused_alike(database, store, seen)


def test_an_index_by_a_missing_function_is_part_of_the_preview(
    database: Database, store: MemoryStore
) -> None:
    seen = _seen(
        database, store, [_DOUBLE, "CREATE TABLE t (v int)", "CREATE INDEX t_v ON t (dbl(v))"],
        ["DROP TABLE t", "DROP FUNCTION dbl"],
    )  # fmt: skip
    (found,) = [one for one in seen.dependants if one.problem]
    assert (found.kind, found.name) == ("index", "t_v")
    _refused_alike(database, store, seen)
