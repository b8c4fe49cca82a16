"""A former SQLite table loses no rows by its foreign keys, which an undo creates again."""

from __future__ import annotations

import pickle
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from helpers.backups import MemoryStore, backed_up, everything, restored, sql

from core.backup.databases.sqlite.ddl.keyless import without_foreign_keys
from core.backup.databases.sqlite.definition import define
from core.backup.undo import describe_former_table, drop_former_table, failing_after_undo, undo
from core.errors import Conflict, Corrupt
from core.model.restore import UndoReport

_USERS = "CREATE TABLE users(id INTEGER PRIMARY KEY); INSERT INTO users VALUES (0), (1), (2);"
#: Definitions whose keys are written in every way, and whose automatic indexes have an order.
TABLES = {
    "column": "CREATE TABLE t(b TEXT PRIMARY KEY, a INT UNIQUE REFERENCES users ON DELETE CASCADE "
    "NOT NULL)",
    "named": "CREATE TABLE t(b TEXT CONSTRAINT one UNIQUE, a INT CONSTRAINT two REFERENCES users(id) "
    "ON DELETE CASCADE ON UPDATE SET NULL MATCH FULL DEFERRABLE INITIALLY DEFERRED "
    "CONSTRAINT three CHECK (a > -1), PRIMARY KEY (b)) WITHOUT ROWID",
    "table": "CREATE TABLE t(a INT, b TEXT, c INT, PRIMARY KEY (b, a), -- REFERENCES x\n"
    " FOREIGN KEY (a) REFERENCES users(id) ON DELETE CASCADE, UNIQUE (c))",
    "last": "CREATE TABLE [t](a INT DEFAULT 7, b TEXT, CHECK (a <> 5) CONSTRAINT k FOREIGN KEY (a) "
    "REFERENCES users(id) ON DELETE CASCADE)",
    "no comma": "CREATE TABLE t(a INT, b TEXT, FOREIGN KEY (a) REFERENCES users ON DELETE CASCADE "
    "UNIQUE (b, a)) STRICT",
    "itself": "CREATE TABLE t(a INT REFERENCES users ON DELETE CASCADE, b TEXT UNIQUE, "
    "up TEXT REFERENCES t(b) ON DELETE CASCADE /* end */)",
    "words": "CREATE TABLE t(a INT CHECK (a <> 'REFERENCES users') REFERENCES users ON DELETE CASCADE, "
    "b TEXT DEFAULT 'FOREIGN KEY', \"references\" AS (a) REFERENCES users)",
}  # fmt: skip


def _with_keys(path: Path, text: str) -> list[tuple[object, ...]]:
    """Run statements as an application does that enforces foreign keys."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.executescript(text)
        return connection.execute("PRAGMA integrity_check").fetchall()


@pytest.mark.parametrize("name", TABLES)
def test_deletes_in_a_referenced_table_do_not_change_the_former_one(
    store: MemoryStore, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "d.db"
    sql(path, f"{_USERS} {TABLES[name]}; INSERT INTO t(a, b) VALUES (1, 'x'), (2, 'y');")
    sql(path, "CREATE INDEX of_b ON t(b) WHERE a > 0")
    before, rows = everything(path), sql(path, "SELECT * FROM t")
    backup = backed_up(store, path, "t")
    report = restored(store, backup, path)
    keys = "SELECT * FROM pragma_foreign_key_list('t')"
    assert sql(path, keys)
    former = f'SELECT * FROM "{report.kept}"'
    assert _with_keys(path, "DELETE FROM t WHERE a = 2; DELETE FROM users WHERE id = 1") == [
        ("ok",)
    ]
    assert sql(path, former) == rows
    undo(None, database=str(path), former=report.kept)
    assert sql(path, "SELECT * FROM t") == rows
    assert _with_keys(path, "INSERT INTO users VALUES (1)") == [("ok",)]
    assert everything(path) == before


def test_two_restores_and_their_undos_return_the_same_definition(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = tmp_path / "d.db"
    sql(path, f"{_USERS} {TABLES['itself']}; INSERT INTO t(a, b) VALUES (1, 'x')")
    before, backup = everything(path), backed_up(store, path, "t")
    first, second = restored(store, backup, path), restored(store, backup, path)
    for report in (second, first):
        assert undo(None, database=str(path), former=report.kept) == UndoReport("t")
    assert everything(path) == before


def test_an_undo_names_rows_that_refer_to_missing_ones(store: MemoryStore, tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    sql(path, f"{_USERS} {TABLES['column']}; INSERT INTO t VALUES ('x', 1), ('y', 2)")
    report = restored(store, backed_up(store, path, "t"), path)
    _with_keys(path, "DELETE FROM users WHERE id = 1")
    undone = undo(None, database=str(path), former=report.kept)
    assert undone.problems == ("1 row of t refers to missing rows.",)


def test_a_former_table_that_was_changed_is_put_back_without_its_keys(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = tmp_path / "d.db"
    sql(path, f"{_USERS} {TABLES['column']}; INSERT INTO t VALUES ('x', 1)")
    report = restored(store, backed_up(store, path, "t"), path)
    sql(path, f'ALTER TABLE "{report.kept}" ADD COLUMN extra')
    undone = undo(None, database=str(path), former=report.kept)
    assert sql(path, "SELECT * FROM t") == [("x", 1, None)]
    text = "t lacks its foreign keys, since the former table was changed: a → users."
    assert undone.problems == (text,)
    assert _with_keys(path, "INSERT INTO t VALUES ('z', 9, 1)") == [("ok",)]


_CHILD = """
import os, pickle, signal, sys
from core.backup.databases.sqlite import definition
from core.backup.restore import Choices, restore_of
from core.backup.undo import describe_former_table, drop_former_table, undo
from core.work import Work

path, saved, former = sys.argv[1:]
define = definition.define

def killed(connection, table, text):
    define(connection, table, text)
    connection.cache_flush()  # so that the file has the change, as with a small cache
    os.kill(os.getpid(), signal.SIGKILL)

from core.backup.databases.sqlite import renaming, undo as undoing
renaming.define = undoing.define = killed
with open(saved, "rb") as file:
    store, backup = pickle.load(file)
if former:
    undo(None, database=path, former=former)
else:
    restore_of(store, backup, path, Choices(), Work())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_kill_within_the_change_of_the_definition_changes_nothing(
    store: MemoryStore, tmp_path: Path, mode: str
) -> None:
    path, saved = tmp_path / "d.db", tmp_path / "saved.pickle"
    sql(path, f"PRAGMA journal_mode={mode}; {_USERS} {TABLES['named']}")
    sql(path, "INSERT INTO t(a, b) VALUES (1, 'x'), (2, 'y')")
    backup = backed_up(store, path, "t")
    saved.write_bytes(pickle.dumps((store, backup)))

    def killed(former: str) -> None:
        before = everything(path)
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, str(path), str(saved), former],
            env={"PYTHONPATH": ":".join(sys.path), "STRONGROOM_HOME": str(tmp_path / "home")},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == -9, done.stderr
        assert _with_keys(path, "") == [("ok",)]  # it rolls the journal back
        assert everything(path) == before

    killed("")
    report = restored(store, backup, path)
    killed(report.kept)
    undo(None, database=str(path), former=report.kept)
    assert sql(path, "SELECT b FROM t ORDER BY b") == [("x",), ("y",)]


def test_an_open_connection_of_an_application_reads_the_changed_definition(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = tmp_path / "d.db"
    sql(path, f"{_USERS} {TABLES['column']}; INSERT INTO t VALUES ('x', 1)")
    backup = backed_up(store, path, "t")
    with closing(sqlite3.connect(path, isolation_level=None)) as application:
        application.execute("PRAGMA foreign_keys=ON")
        application.execute("SELECT * FROM t, users").fetchall()
        report = restored(store, backup, path)
        application.execute("DELETE FROM users")
        assert application.execute(f'SELECT count(*) FROM "{report.kept}"').fetchall() == [(1,)]


@pytest.mark.parametrize("text", ["CREATE TABLE t(b TEXT PRIMARY KEY, a INT UNIQUE)", "nonsense"])
def test_a_text_with_another_meaning_is_refused(tmp_path: Path, text: str) -> None:
    connection = apsw.Connection(str(tmp_path / "d.db"))
    connection.execute("CREATE TABLE t(a INT UNIQUE, b TEXT PRIMARY KEY)")
    with closing(connection), pytest.raises(Corrupt, match="cannot be changed"), connection:
        define(connection, "t", text)
    assert sql(tmp_path / "d.db", "SELECT sql FROM sqlite_schema")[0] == (
        "CREATE TABLE t(a INT UNIQUE, b TEXT PRIMARY KEY)",
    )


@pytest.mark.parametrize("name", TABLES)
def test_nothing_but_the_keys_is_removed(name: str) -> None:
    text = without_foreign_keys(TABLES[name])
    without = re.sub(r"--.*|/\*.*?\*/|'[^']*'|\"[^\"]*\"", "", text)
    assert "REFERENCES" not in without
    assert "FOREIGN" not in without
    for rest in ("UNIQUE", "PRIMARY KEY", "CHECK", "DEFAULT", "STRICT", "WITHOUT", "NOT NULL"):
        assert (rest in TABLES[name]) == (rest in text)


def script(path: Path, text: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(text)


def test_a_view_on_a_former_table_is_named_before_and_after_an_undo(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = tmp_path / "a.db"
    script(path, "CREATE TABLE o(id INTEGER PRIMARY KEY); INSERT INTO o VALUES (1), (2)")
    backup = backed_up(store, path, "o")
    script(path, "DELETE FROM o WHERE id = 1; CREATE VIEW today AS SELECT * FROM o")
    former = restored(store, backup, path).kept
    script(path, f"CREATE VIEW changed AS SELECT id FROM o EXCEPT SELECT id FROM {former}")
    named = f"The view changed uses {former}, which does not exist after the undo: let it use o."
    before = everything(path)
    assert describe_former_table(str(path), "o").undo_effect.endswith(named)
    assert failing_after_undo(None, database=str(path), formers=[former]) == (named,)
    with pytest.raises(Conflict, match=f"{former} is used by the view changed"):
        drop_former_table(None, database=str(path), former=former)
    assert everything(path) == before
    assert undo(None, database=str(path), former=former).problems == (named,)
    assert sql(path, "SELECT * FROM today") == [(2,)]


def test_a_former_table_that_nothing_uses_is_dropped(store: MemoryStore, tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    script(path, "CREATE TABLE o(id INTEGER PRIMARY KEY); CREATE VIEW v AS SELECT * FROM o")
    former = restored(store, backed_up(store, path, "o"), path).kept
    drop_former_table(None, database=str(path), former=former)
    assert not sql(path, f"SELECT 1 FROM sqlite_schema WHERE name LIKE '{former}%'")
