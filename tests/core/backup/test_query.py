"""SQL on backups of SQLite tables: exact values and types, and nothing but the backup can be read."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import apsw
import duckdb
import pytest
from helpers.backups import MemoryStore, backed_up
from helpers.reading_examples import rows_of_example, rows_of_pandas

from core.backup.listing import backups_in
from core.backup.query import query_of
from core.backup.query.rows import loaded_backup
from core.errors import Cancelled, Corrupt, InvalidInput
from core.sql.csv_text import csv_line
from core.sql.session import run
from core.work import CancelToken, Work

#: No quotes are valid in this name without being doubled.
HOSTILE = 'a"b\'; DROP TABLE "x"--'


def made(path: Path, *statements: str) -> Path:
    connection = apsw.Connection(str(path))
    for statement in statements:
        connection.execute(statement)
    connection.close()
    return path


def asked(store: MemoryStore, sql: str, limit: int = 100, table: str | None = None):
    (backup,) = backups_in(store, table, Work())
    return query_of(store, backup, sql, limit, Work())


def test_the_rows_have_the_types_of_their_columns(store, path):
    backed_up(store, path, "orders")
    found = asked(store, "SELECT * FROM orders ORDER BY id LIMIT 2")
    assert found.columns == ("id", "user_id", "price", "status")
    assert found.types == ("BIGINT", "BIGINT", "DOUBLE", "VARCHAR")
    assert found.rows == ((1, 2, 1 / 7, "open"), (2, 3, 2 / 7, "filled"))
    assert asked(store, "SELECT count(*), sum(id) FROM backup").rows == ((500, 125250),)
    assert (found.cut, found.notes) == (False, ())


def test_a_longer_result_is_cut_and_reported(store, path):
    backed_up(store, path, "orders")
    found = asked(store, "SELECT id FROM orders ORDER BY id DESC", limit=3)
    assert (found.rows, found.cut) == (((500,), (499,), (498,)), True)
    assert not asked(store, "SELECT id FROM orders WHERE id < 4", limit=3).cut


def test_null_empty_and_every_large_value_are_exact(store, tmp_path):
    path = made(
        tmp_path / "t.db",
        "CREATE TABLE t(i INT, s TEXT, r REAL, b BLOB, n NUMERIC)",
        "INSERT INTO t VALUES (9223372036854775807, '', 0.1, x'00ff', 1), "
        "(-9007199254740993, NULL, 9e999, x'', 2.5), (NULL, 'x' || char(0) || '\"é', -0.0, NULL, 3)",
    )
    backed_up(store, path, "t")
    found = asked(store, "SELECT * FROM t")
    assert found.types == ("BIGINT", "VARCHAR", "DOUBLE", "BLOB", "DOUBLE")
    assert found.rows == (
        (9223372036854775807, "", 0.1, "\\x00ff", 1.0),
        (-9007199254740993, None, "Infinity", "\\x", 2.5),
        (None, 'x\0"é', 0.0, None, 3.0),
    )
    assert asked(store, "SELECT octet_length(b) FROM t WHERE i > 0").rows == ((2,),)


@pytest.mark.parametrize(
    ("declared", "values", "expected"),
    [
        ("INT", "(1), (1.5)", [1.0, 1.5]),
        ("INT", "(1), ('x')", ["1", "x"]),
        ("NUMERIC", "(9007199254740993), (1.5)", ["9007199254740993", "1.5"]),
        ("TEXT", "('{\"$hex\":\"00\"}'), (x'00')", ['{"$hex":"00"}', '{"$hex":"00"}']),
        ("REAL", "(0.5), ('x')", ["0.5", "x"]),
        ("", "('1'), (1)", ["1", "1"]),
        ("DATETIME", "('2024-01-01'), (NULL)", ["2024-01-01", None]),
        ("BLOB", "(x'ff'), ('t')", ['{"$hex":"FF"}', "t"]),
    ],
)
def test_a_column_of_several_types_loses_nothing(store, tmp_path, declared, values, expected):
    path = made(
        tmp_path / "t.db", f"CREATE TABLE t(c {declared})", f"INSERT INTO t VALUES {values}"
    )
    backed_up(store, path, "t")
    found = asked(store, "SELECT c FROM t")
    assert [row[0] for row in found.rows] == expected
    several = "c is read as text" in "".join(found.notes)
    assert several == (expected[0] != 1.0 and expected[1] is not None)


def test_hostile_names_are_only_names(store, tmp_path):
    name = '"' + HOSTILE.replace('"', '""') + '"'
    path = made(
        tmp_path / "t.db",
        f'CREATE TABLE {name}({name} INT, "select" TEXT, "É" INT, "é" INT, "{{$hex}}" TEXT)',
        f"INSERT INTO {name} VALUES (1, 'a', 2, 3, 'b')",
    )
    backed_up(store, path, HOSTILE)
    found = asked(store, f'SELECT {name}, "select", * FROM {name}')
    assert found.columns[2:] == (HOSTILE, "select", "É", "é_2", "{$hex}")
    assert found.rows == ((1, "a", 1, "a", 2, 3, "b"),)
    assert found.notes == ("The column é is named é_2, because another differs only in case.",)


@pytest.mark.parametrize(
    "statement",
    [
        "COPY orders TO '{out}'", "COPY (SELECT 1) TO '{out}' (FORMAT csv)", "ATTACH '{out}'",
        "EXPORT DATABASE '{out}'", "INSTALL httpfs", "LOAD httpfs", "PRAGMA version",
        "SET enable_external_access = true", "RESET lock_configuration", "SELECT 1; SELECT 2",
        "SELECT 1; COPY orders TO '{out}'", "CREATE TABLE x(a INT)", "DROP VIEW backup",
        "EXPLAIN ANALYZE COPY orders TO '{out}'", "CALL pragma_version()", "CHECKPOINT", "", ";",
        "WITH x AS (INSERT INTO strongroom_rows_backup FROM backup RETURNING 1) SELECT * FROM x",
    ],
)  # fmt: skip
def test_only_one_select_is_run(store, path, tmp_path, statement):
    backed_up(store, path, "orders")
    out = tmp_path / "out"
    with pytest.raises(InvalidInput):
        asked(store, statement.format(out=out))
    assert not out.exists()


@pytest.mark.parametrize(
    "source",
    [
        "read_csv('{file}')", "read_text('{file}')", "read_blob('{file}')", "'{file}'",
        "read_json('{file}')", "read_parquet('{file}')", "parquet_metadata('{file}')",
        "glob('{folder}/*')", "sniff_csv('{file}')", "read_text('http://127.0.0.1:9/')",
        "query('COPY orders TO ''{folder}/out''')", "store",
    ],
)  # fmt: skip
def test_a_query_reads_no_file_and_no_variable(store, path, tmp_path, source):
    backed_up(store, path, "orders")
    file = tmp_path / "secret.csv"
    file.write_text("a,b\n1,2\n")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InvalidInput) as error:
        asked(store, f"SELECT * FROM {source.format(file=file, folder=tmp_path)}")
    assert "1,2" not in str(error.value)
    assert sorted(each for each in tmp_path.iterdir() if each.name != "home") == [
        each for each in before if each.name != "home"
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "COPY backup TO '{out}'", "ATTACH '{out}'", "INSTALL httpfs", "SET threads = 1",
        "SET enable_external_access = true", "CREATE TABLE x(a INT)",
        "INSERT INTO strongroom_rows_backup SELECT * FROM strongroom_rows_backup",
    ],
)  # fmt: skip
def test_the_session_refuses_what_a_check_of_the_statement_may_miss(
    store, path, tmp_path, statement
):
    backup = backed_up(store, path, "users")
    with loaded_backup(store, backup, Work()) as loaded, pytest.raises(duckdb.Error):
        loaded.connection.execute(statement.format(out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_damaged_part_is_not_queried(store, path):
    backup = backed_up(store, path, "orders")
    key = next(key for key in store.objects if "part-" in key)
    store.objects[key] = store.objects[key][:-1] + b"x"
    with pytest.raises(Corrupt):
        query_of(store, backup, "SELECT 1", 1, Work())


def test_a_cancel_interrupts_a_running_query(store, path):
    backup = backed_up(store, path, "orders")
    token = CancelToken()
    with loaded_backup(store, backup, Work()) as loaded:
        timer = threading.Timer(0.2, token.cancel)
        timer.start()
        endless = "SELECT count(*) FROM range(1000000000000) a, range(1000) b WHERE a.range = -1"
        with pytest.raises(Cancelled), run(loaded.connection, Work(token)):
            loaded.connection.sql(endless).fetchall()
        timer.join()


def test_no_progress_bar_is_written_to_standard_output(store, path):
    backed_up(store, path, "orders")
    setting = "SELECT current_setting('enable_progress_bar')"
    assert asked(store, setting).rows == ((False,),)


def test_empty_and_old_form_backups_are_queried(store, tmp_path):
    backed_up(store, made(tmp_path / "t.db", "CREATE TABLE e(a INT, b TEXT)"), "e")
    assert asked(store, "SELECT count(*), max(a) FROM e", table="e").rows == ((0, None),)
    old = {"table_name": "o", "records": [{"id": 2**60, "v": "", "x": None}, {"id": 1, "v": True}]}
    store.objects["backups/database/o/2026/01/02/2026-01-02T00:00:00Z.json"] = json.dumps(
        old
    ).encode()
    found = asked(store, "SELECT * FROM o", table="o")
    assert found.rows[0][:2] == (2**60, "")


def test_csv_distinguishes_null_from_empty_and_disarms_formulas():
    assert csv_line([None, "", "a,b", 'q"', 1.5, True]) == ',"","a,b","q""",1.5,true\n'
    assert csv_line(["=1+1", -5, "@x"], formula_safe=True) == "'=1+1,-5,'@x\n"
    # Decimals are texts in results.
    assert csv_line(["-1.50", "+2e-3", "-1+2", "-"], formula_safe=True) == "-1.50,+2e-3,'-1+2,'-\n"


def test_the_documented_example_reads_the_parts(store, tmp_path):
    path = made(
        tmp_path / "t.db",
        "CREATE TABLE orders(id INTEGER PRIMARY KEY, price REAL, status TEXT, payload BLOB)",
        "INSERT INTO orders VALUES (9223372036854775807, 0.1, '', x'00ff'), (1, NULL, NULL, NULL)",
    )
    backup = backed_up(store, path, "orders")
    rows = rows_of_example("SQLite", store, backup, tmp_path)
    expected = [(1, None, None, None), (9223372036854775807, 0.1, "", b"\x00\xff")]
    assert rows == expected
    assert rows_of_pandas("SQLite", store, backup, tmp_path) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "SELEC * FROM backup",
        "SELECT nme FROM backup",
        "SELECT b.nme FROM backup AS b",
        "SELECT * FROM others",
        "SELECT no_function(id) FROM orders",
        "SELECT status, count(*) FROM orders",
        "SELECT id FROM orders WHERE count(*) > 1",
        "SELECT * FROM read_csv('/etc/hostname')",
    ],
)
def test_a_wrong_statement_is_refused_before_the_parts_are_read(store, path, statement):
    backup = backed_up(store, path, "orders")
    for key in [key for key in store.objects if "part-" in key]:
        del store.objects[key]
    with pytest.raises(InvalidInput):
        query_of(store, backup, statement, 10, Work())


def test_a_statement_for_the_types_of_the_rows_is_not_refused_early(store, tmp_path):
    path = made(tmp_path / "t.db", "CREATE TABLE t(n REAL)", "INSERT INTO t VALUES ('Abc')")
    backup = backed_up(store, path, "t")
    assert query_of(store, backup, "SELECT lower(n) FROM t", 10, Work()).rows == (("abc",),)
    with pytest.raises(InvalidInput, match="is one SELECT"):
        query_of(store, backup, "DROP TABLE t", 10, Work())
