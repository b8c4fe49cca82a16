"""Every difference of two schemas is described, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from helpers.backups import MemoryStore, backed_up, sql

from core.backup.drift import changes_between, drift
from core.backup.preview import preview_of
from core.model.restore import RestorePreview
from core.model.tables import (
    Check,
    Column,
    ForeignKey,
    Key,
    KeyPart,
    Partition,
    Sequence,
    TableSchema,
    UserType,
)
from core.work import Work

_PRICE = UserType("price", "domain", ("CONSTRAINT low CHECK ((VALUE > 0))",), "numeric")
_NUMBERS = Sequence("id", "t_id_seq", "integer", 1, 1, 1, 2**31 - 1)
_TABLE = TableSchema(
    "t",
    (Column("id", "integer", not_null=True), Column("a", "text", collation="NOCASE")),
    (Key((KeyPart("id"),), primary=True), Key((KeyPart("a"),), name="k")),
    (Check("a <> ''", "c"),),
    (ForeignKey(("a",), "u", ("x",), "f"),),
    sequences=(_NUMBERS,),
    types=(_PRICE,),
    partition_key="RANGE (id)",
    partitions=(Partition("t1", "DEFAULT"),),
)


def _column(**values: object) -> TableSchema:
    first, second = _TABLE.columns
    return replace(_TABLE, columns=(first, replace(second, **values)))  # type: ignore[arg-type] # names are Column's


@pytest.mark.parametrize(
    ("today", "text"),
    [
        (_column(collation=None), "column a: the collation is none today, NOCASE in the backup"),
        (_column(comment="new"), "column a: the comment is “new” today, none in the backup"),
        (
            _column(numbering="always"),
            "column a: the numbering is always today, none in the backup",
        ),
        (_column(attributes=("INVISIBLE",)), "column a: the attributes is INVISIBLE today, none"),
        (replace(_TABLE, comment="x" * 99), f"the comment of the table: “{'x' * 79}…” today, none"),
        (
            replace(_TABLE, checks=(Check("a <> 'b'", "c"),)),
            "checks: a <> 'b' today, a <> '' in the backup",
        ),
        (
            replace(_TABLE, checks=(Check("a <> ''", "other"),)),
            "checks: other a <> '' today, c a <> '' in the backup",
        ),
        (
            replace(_TABLE, foreign_keys=(replace(_TABLE.foreign_keys[0], on_delete="CASCADE"),)),
            "foreign keys: a → u (x) on delete cascade today, a → u (x) in the backup",
        ),
        (
            replace(_TABLE, keys=(_TABLE.keys[0], Key((KeyPart("a", collation="NOCASE"),)))),
            "keys: unique (a collate nocase) today, unique (a) in the backup",
        ),
        (
            replace(_TABLE, types=(replace(_PRICE, items=()),)),
            (
                "types of columns: price domain numeric today, "
                "price domain numeric CONSTRAINT low CHECK ((VALUE > 0)) in the backup"
            ),
        ),
        (
            replace(_TABLE, types=(replace(_PRICE, default="7", not_null=True),)),
            "CHECK ((VALUE > 0)) NOT NULL DEFAULT 7 today",
        ),
        (
            replace(_TABLE, sequences=(replace(_NUMBERS, increment=5, last=9),)),
            "numbering: id integer by 5 from 1 to 2147483647 today, id integer by 1",
        ),
        (
            replace(_TABLE, partitions=(Partition("t1", "FOR VALUES IN (1)"),)),
            "partitions: t1 FOR VALUES IN (1) today, t1 DEFAULT in the backup",
        ),
    ],
)
def test_a_difference_is_named(today: TableSchema, text: str) -> None:
    (found,) = drift(_TABLE, today)
    assert text in found
    assert len(changes_between(_TABLE, today)) == 1


@pytest.mark.parametrize(
    "today",
    [
        _TABLE,
        _column(default="NULL"),
        _column(default="(NULL)"),
        _column(default="NULL::character varying"),
        _column(collation="nocase"),
        replace(_TABLE, keys=tuple(reversed(_TABLE.keys))),
        replace(_TABLE, sequences=(replace(_NUMBERS, last=9),)),
    ],
)
def test_the_same_table_has_no_differences(today: TableSchema) -> None:
    assert drift(_TABLE, today) == ()
    assert drift(today, _TABLE) == ()


def test_null_is_a_default_of_its_domain() -> None:
    types = (replace(_PRICE, default="7"),)
    columns = (Column("a", "price"),)
    backup = TableSchema("t", columns, types=types)
    today = TableSchema("t", (Column("a", "price", default="NULL::numeric"),), types=types)
    assert len(drift(backup, today)) == 1


def _seen(store: MemoryStore, path: Path, before: str, after: str) -> RestorePreview:
    sql(path, before)
    backup = backed_up(store, path, "t")
    sql(path, f"DROP TABLE t; {after}")
    return preview_of(store, backup, str(path), 5, Work())


def test_sqlite_tables_are_compared_by_the_values_of_their_keys(
    store: MemoryStore, tmp_path: Path
) -> None:
    seen = _seen(
        store, tmp_path / "d.db",
        "CREATE TABLE t(k TEXT COLLATE NOCASE PRIMARY KEY, v); INSERT INTO t VALUES ('a', 1)",
        "CREATE TABLE t(k TEXT COLLATE BINARY PRIMARY KEY, v DEFAULT NULL); "
        "INSERT INTO t VALUES ('a', 1), ('A', 2)",
    )  # fmt: skip
    found = seen.difference
    assert (found.added, found.changed, found.removed) == (0, 0, 1)
    assert seen.drift == ("column k: the collation is none today, NOCASE in the backup",)


def test_rows_of_tables_without_common_columns_all_differ(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = tmp_path / "a.db"
    sql(path, "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)")
    backup = backed_up(store, path, "t")
    sql(path, "DROP TABLE t; CREATE TABLE t (b); INSERT INTO t VALUES (1)")
    found = preview_of(store, backup, str(path), 5, Work()).difference
    assert (found.added, found.changed, found.removed) == (2, 0, 1)


def test_options_that_mariadb_has_chosen_are_no_difference_to_another_engine() -> None:
    """A table that had just been restored from PostgreSQL had another schema than its backup."""
    column = (Column("id", "int(11)"),)
    today = TableSchema("t", column, options=("ENGINE=InnoDB", "DEFAULT CHARSET=utf8mb4"))
    assert drift(TableSchema("t", column), today) == ()
    other = TableSchema("t", column, options=("ENGINE=InnoDB", "DEFAULT CHARSET=latin1"))
    assert len(drift(other, today)) == 1
    assert len(drift(TableSchema("t", column), TableSchema("t", column, options=("STRICT",)))) == 1


def test_columns_whose_names_differ_only_in_their_case_are_different_columns() -> None:
    """PostgreSQL distinguishes them, and one that would be restored or removed was not named."""
    both = TableSchema("t", (Column("Id", "integer"), Column("id", "text")))
    one = TableSchema("t", (Column("id", "text"),))
    assert drift(both, one) == ("column Id was removed since the backup: it would be restored",)
    assert drift(one, both) == (
        "column Id was added since the backup: its values would be removed",
    )
    assert drift(both, both) == ()
    other = TableSchema("t", (Column("ID", "text"),))
    assert drift(one, other) == ("column ID: the name is ID today, id in the backup",)
