"""Every value and every schema of SQLite is restored exactly."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import apsw
import pytest
from helpers.backups import MemoryStore, backed_up, restored, schema_of
from helpers.doses import generated
from hypothesis import example, given
from hypothesis import strategies as st

from core.backup.databases import open_database
from core.backup.databases.sqlite import SQLiteDatabase
from core.backup.restore import BY_HASH
from core.work import Work

_numbers = itertools.count()

ODD = [
    None,
    "",
    "a\0b",
    '"\\/\b\f\n\r\t\x1f\x7f\u2028',
    "日本 🙂",
    b"",
    b"\x00",
    b"\xff\xfe",
    b'{"$hex":"00"}',
    '{"$hex":"00"}',
    0,
    -0.0,
    0.0,
    1.0,
    1 / 3,
    5e-324,
    1.7976931348623157e308,
    float("inf"),
    float("-inf"),
    2**53 + 1,
    2**63 - 1,
    -(2**63),
]


def copy_of(path: Path, table: str, target: Path) -> None:
    """Back a table up and restore it into another file, without any bucket."""
    with open_database(str(path)) as source:
        schema = source.schema(table)
        with source.snapshot():
            rows = list(source.dump(schema))
            content = source.content(schema)
    with open_database(str(target), create=True) as database, database.change(work=Work()):
        shadow = replace(schema, table="shadow")
        database.create(shadow)
        database.load(shadow, rows, work=Work())
        assert database.content(shadow) == content
        assert database.same(shadow, rows)
        database.publish(schema, "shadow", "", triggers=True)
    with open_database(str(target)) as restored:
        assert restored.schema(table) == schema
        assert restored.content(schema) == content


def raw(path: Path, table: str, columns: list[str]) -> list[tuple[object, ...]]:
    picked = ",".join(
        f"typeof({c}), CASE typeof({c}) WHEN 'text' THEN hex({c}) ELSE {c} END" for c in columns
    )
    rows = apsw.Connection(str(path)).execute(f"SELECT {picked} FROM {table}").fetchall()
    return [tuple(repr(value) for value in row) for row in rows]


def made(tmp_path: Path, *statements: str) -> Path:
    path = tmp_path / f"{next(_numbers)}.db"
    connection = apsw.Connection(str(path))
    for statement in statements:
        connection.execute(statement)
    connection.close()
    return path


@pytest.mark.parametrize("kind", ["", "TEXT", "INTEGER", "REAL", "NUMERIC", "BLOB", "VARCHAR(9)"])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le"])
def test_odd_values_of_every_affinity(tmp_path: Path, kind: str, encoding: str) -> None:
    path = made(tmp_path, f"PRAGMA encoding='{encoding}'", f"CREATE TABLE t (a {kind})")
    with apsw.Connection(str(path)) as connection:
        connection.executemany("INSERT INTO t VALUES (?)", [(value,) for value in ODD])
    copy_of(path, "t", tmp_path / "copy.db")
    if encoding == "UTF-8":
        assert raw(tmp_path / "copy.db", "t", ["a"]) == raw(path, "t", ["a"])


@pytest.mark.parametrize("options", ["", "WITHOUT ROWID"])
def test_text_that_is_not_utf8_comes_back_byte_for_byte(tmp_path: Path, options: str) -> None:
    path = made(
        tmp_path,
        f"CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b) {options}",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 300) "
        "INSERT INTO t SELECT i, 'plain' || i, i/3.0 FROM n",
        "INSERT INTO t VALUES (301, CAST(x'61ff62' AS TEXT), CAST(x'eda080' AS TEXT)), (302,'z',1)",
    )
    copy_of(path, "t", tmp_path / "copy.db")
    assert raw(tmp_path / "copy.db", "t", ["a", "b"]) == raw(path, "t", ["a", "b"])


names = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12
)
values = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.binary(max_size=20),
    st.sampled_from(ODD),
)
kinds = st.sampled_from(
    ["", "INTEGER", "TEXT", "REAL", "NUMERIC", "BLOB", "DECIMAL(10, 5)", "DOUBLE PRECISION"]
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, list[str], list[list[object]], bool]:
    """A statement, the names of its columns after `k`, rows, and whether it numbers them."""

    def quote(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    unique = st.lists(names, min_size=1, max_size=5, unique_by=lambda n: n.lower().upper())
    columns = draw(unique.filter(lambda found: "k" not in map(str.lower, found)))
    types = [draw(kinds) for _ in columns]
    extras = [
        draw(st.sampled_from(["", " COLLATE NOCASE", " DEFAULT 'x''y'", " DEFAULT (1+2)"]))
        for _ in columns
    ]
    body = ", ".join(f"{quote(c)} {t}{e}" for c, t, e in zip(columns, types, extras, strict=True))
    numbered = draw(st.booleans())
    key = "" if numbered else draw(
        st.sampled_from(["", ", PRIMARY KEY (k)", ", UNIQUE (k)", ", CHECK (k IS NOT 0.5)"])
    )  # fmt: skip
    free = "k INTEGER PRIMARY KEY AUTOINCREMENT, " if numbered else "k INTEGER NOT NULL, "
    sql = f"CREATE TABLE t ({free}{body}{key})"
    sql += " WITHOUT ROWID" if "PRIMARY" in key and draw(st.booleans()) else ""
    rows = draw(st.lists(st.tuples(*([values] * len(columns))), max_size=12))
    return sql, columns, [[i, *row] for i, row in enumerate(rows)], numbered


@generated()
@given(tables(), st.sampled_from(["dropped", "in place", "new name"]))
@example(
    ('CREATE TABLE t (k INTEGER NOT NULL, "$hex" TEXT)', ["$hex"], [[1, "zz"]], False), "dropped"
)
def test_any_schema_with_any_rows(
    tmp_path: Path, drawn: tuple[str, list[str], list[list[object]], bool], way: str
) -> None:
    sql, columns, rows, numbered = drawn
    path, store = made(tmp_path, sql), MemoryStore()
    with apsw.Connection(str(path)) as connection:
        marks = ",".join("?" * (len(columns) + 1))
        connection.executemany(f"INSERT INTO t VALUES ({marks})", rows)
        connection.execute("DELETE FROM t WHERE k = (SELECT max(k) FROM t)")
    quoted = ['"' + name.replace('"', '""') + '"' for name in columns]
    before, schema = raw(path, "t", quoted), schema_of(path, "t")
    backup = backed_up(store, path, "t")
    if way == "dropped":
        apsw.Connection(str(path)).execute("DROP TABLE t")
    elif way == "in place":
        apsw.Connection(str(path)).execute("DELETE FROM t; ALTER TABLE t ADD extra_column")
    target = "again" if way == "new name" else None
    report = restored(store, backup, path, target=target)
    assert report.verified == BY_HASH
    assert raw(path, report.table, quoted) == before
    assert replace(schema_of(path, report.table), table="t") == schema
    if numbered and rows:
        insert = f"INSERT INTO {report.table} DEFAULT VALUES RETURNING k"
        assert apsw.Connection(str(path)).execute(insert).fetchall() == [(len(rows),)]


SCHEMAS = [
    "CREATE TABLE t(a,b,c)",
    "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL DEFAULT 'it''s' COLLATE NOCASE)",
    "CREATE TABLE t(id INTEGER PRIMARY KEY DESC, a)",
    "CREATE TABLE t(id INTEGER, a, PRIMARY KEY(id DESC) ON CONFLICT REPLACE)",
    "CREATE TABLE t(a TEXT, b INT, PRIMARY KEY(b, a COLLATE NOCASE DESC)) WITHOUT ROWID, STRICT",
    "CREATE TABLE t(a INT, b INT GENERATED ALWAYS AS (a*2) STORED, c AS (a||'x)') VIRTUAL, d)",
    (
        "CREATE TABLE t([a b] DECIMAL(10, 5) CONSTRAINT pos CHECK ([a b] > 0 AND 'x' <> '--;'), `c` DATE DEFAULT CURRENT_TIMESTAMP, "
        "CONSTRAINT both UNIQUE (`c`, [a b]) ON CONFLICT IGNORE CONSTRAINT last CHECK (1))"
    ),
    (
        "CREATE TABLE t(a REFERENCES t(b) ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED, b UNIQUE NOT NULL, "
        "c INT CONSTRAINT f REFERENCES other MATCH FULL NOT DEFERRABLE NOT NULL, FOREIGN KEY(a, c) REFERENCES other(x, y) ON DELETE NO ACTION)"
    ),
    "CREATE TABLE t(a INTEGER DEFAULT -5, b REAL DEFAULT (random() * 2), c DEFAULT NULL, d DEFAULT x'00ff', e DEFAULT true, f BOOL DEFAULT +1.5e3)",
    'CREATE TABLE t -- a comment\n(a /* another */ UNSIGNED BIG INT, -- ,\n b "my type" NULL)',
    "CREATE TABLE t(a ANY, b INT, c TEXT, d BLOB, e REAL) STRICT",
    'CREATE TABLE t("check" INT, "a""b" TEXT, \'quoted\' INT, ünï TEXT)',
    "CREATE TABLE t(rowid TEXT, _rowid_ TEXT, oid TEXT)",
    "CREATE TABLE t(rowid TEXT, _rowid_ TEXT, oid INTEGER PRIMARY KEY)",
]


@pytest.mark.parametrize("sql", SCHEMAS)
def test_schemas_are_rebuilt_from_data(tmp_path: Path, sql: str) -> None:
    path = made(tmp_path, sql)
    copy_of(path, "t", tmp_path / "copy.db")
    pragmas = [
        [
            apsw.Connection(str(p)).execute(f"SELECT * FROM pragma_{name}('t')").fetchall()
            for name in ("table_xinfo", "index_list", "foreign_key_list", "table_list")
        ]
        for p in (path, tmp_path / "copy.db")
    ]
    output = [{tuple(sorted(map(str, row[1:]))) for row in rows} for rows in pragmas[0]]
    assert output == [{tuple(sorted(map(str, row[1:]))) for row in rows} for rows in pragmas[1]]


def test_indexes_triggers_and_the_next_number(tmp_path: Path) -> None:
    path = made(
        tmp_path,
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT, b INT)",
        "CREATE TABLE log(what)",
        "CREATE UNIQUE INDEX one ON t(a COLLATE NOCASE DESC, lower(a)||b) WHERE b > 0 AND a <> ')'",
        "CREATE TRIGGER seen AFTER UPDATE OF a, b ON t FOR EACH ROW WHEN new.b > 0 "
        "BEGIN INSERT INTO log VALUES (CASE WHEN 1 THEN 'x;' END); DELETE FROM log WHERE 0; END",
        "INSERT INTO t(a, b) VALUES ('x', 1), ('y', 2), ('z', 3)",
        "DELETE FROM t WHERE id > 1",
    )
    copy_of(path, "t", tmp_path / "copy.db")
    again = apsw.Connection(str(tmp_path / "copy.db"))
    again.execute("CREATE TABLE log(what)")
    again.execute("INSERT INTO t(a, b) VALUES ('n', 9)")
    assert again.execute("SELECT id FROM t ORDER BY id").fetchall() == [(1,), (4,)]
    again.execute("UPDATE t SET b = 5 WHERE id = 1")
    assert again.execute("SELECT what FROM log").fetchall() == [("x;",)]


def test_rowids_at_both_ends(tmp_path: Path) -> None:
    path = made(
        tmp_path,
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a)",
        f"INSERT INTO t VALUES ({2**63 - 1}, 'last'), (-9223372036854775808, 'first'), (0, 'mid')",
    )
    copy_of(path, "t", tmp_path / "copy.db")


def test_memory_and_order_stay_with_wide_rows(tmp_path: Path) -> None:
    path = made(
        tmp_path,
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 100) "
        "INSERT INTO t SELECT i, randomblob(100000) FROM n",
    )
    with SQLiteDatabase.open(str(path)) as database:
        pieces = list(database.dump(database.schema("t")))
    assert sum(count for count, _ in pieces) == 100
    assert max(len(piece) for _, piece in pieces) < 20 << 20


def test_a_thousand_columns(tmp_path: Path) -> None:
    columns = [f"c{i}" for i in range(1_100)]
    path = made(tmp_path, f"CREATE TABLE t({','.join(columns)})")
    with apsw.Connection(str(path)) as connection:
        connection.execute(f"INSERT INTO t({columns[0]}, {columns[-1]}) VALUES (1, 'x')")
        connection.execute(f"INSERT INTO t({columns[0]}) VALUES (CAST(x'ff' AS TEXT))")
    copy_of(path, "t", tmp_path / "copy.db")


def test_columns_with_a_collation_of_another_program_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    connection = apsw.Connection(str(path))
    connection.create_collation("german", lambda one, other: (one > other) - (one < other))
    connection.execute(
        "CREATE TABLE t(a TEXT COLLATE german, b COLLATE german); "
        "INSERT INTO t VALUES ('x', -0.0), (x'', NULL), (NULL, x'00')"
    )
    connection.close()
    with open_database(str(path)) as source, source.snapshot():
        lines = b"".join(piece for _, piece in source.dump(source.schema("t"))).splitlines()
    assert lines == [
        b'{"$rowid":1,"a":"x","b":-0.0}',
        b'{"$rowid":2,"a":{"$hex":""},"b":null}',
        b'{"$rowid":3,"a":null,"b":{"$hex":"00"}}',
    ]


@pytest.mark.parametrize(
    "columns",
    [
        "a TEXT UNIQUE, id INTEGER PRIMARY KEY",
        "a INT UNIQUE, b INT UNIQUE, id TEXT CONSTRAINT k PRIMARY KEY DESC, UNIQUE (b, a)",
        "a, b, id INTEGER PRIMARY KEY AUTOINCREMENT, UNIQUE (b), UNIQUE (a)",
    ],
)
def test_unique_columns_before_the_primary_key(
    store: MemoryStore, tmp_path: Path, columns: str
) -> None:
    path = made(tmp_path, f"CREATE TABLE t({columns}); INSERT INTO t(a, id) VALUES (7, 9), (8, 2)")
    assert restored(store, backed_up(store, path, "t"), path).verified == BY_HASH
    with pytest.raises(apsw.ConstraintError, match=r"UNIQUE constraint failed: t\.a"):
        apsw.Connection(str(path)).execute("INSERT INTO t(a) VALUES (8)")
