"""Each error of SQLite is reported with its cause and its remedy."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import cast

import apsw
import pytest
from helpers.backups import MemoryStore, backed_up, everything, restored, sql

from core.backup.databases import open_database
from core.backup.databases.sqlite import SQLiteDatabase
from core.backup.databases.sqlite.failures import CAUSES, database_error
from core.errors import Cancelled, DatabaseError, ErrorKind
from core.work import CancelToken, Work

#: result code, SQLite's message -> words of the summary, words of the remedy
CASES = [
    ("SQLITE_READONLY_ROLLBACK", "", "unfinished transaction", "Do not delete the journal"),
    ("SQLITE_READONLY_RECOVERY", "", "unfinished transaction", "Do not delete the journal"),
    ("SQLITE_READONLY_CANTINIT", "", "The folder of", "permission for the folder"),
    ("SQLITE_READONLY_DIRECTORY", "", "The folder of", "permission for the folder"),
    ("SQLITE_READONLY_DBMOVED", "", "moved or replaced", "the present file"),
    ("SQLITE_READONLY", "attempt to write", "cannot be written", "permissions of the file"),
    ("SQLITE_BUSY", "database is locked", "is locked", "Wait until it is done"),
    ("SQLITE_BUSY_RECOVERY", "", "being recovered", "Wait"),
    ("SQLITE_BUSY_SNAPSHOT", "", "is locked", "Wait"),
    ("SQLITE_LOCKED", "table is locked", "in use", "Try again"),
    ("SQLITE_NOTADB", "file is not a database", "not an SQLite database", "another file"),
    ("SQLITE_CORRUPT", "disk image is malformed", "is damaged", "integrity_check"),
    ("SQLITE_CORRUPT", "malformed database schema (x)", "schema of the", "program that"),
    ("SQLITE_CORRUPT_VTAB", "", "is damaged", "rebuild"),
    ("SQLITE_CORRUPT_INDEX", "", "is damaged", "integrity_check"),
    ("SQLITE_ERROR", "unsupported file format", "is newer", "newer version"),
    ("SQLITE_FULL", "disk is full", "disk is full", "Free space"),
    ("SQLITE_NOMEM", "out of memory", "memory", "Close other programs"),
    ("SQLITE_IOERR_WRITE", "disk I/O error", "could not be written", "quota"),
    ("SQLITE_IOERR_FSYNC", "disk I/O error", "could not be written", "quota"),
    ("SQLITE_IOERR_SHORT_READ", "disk I/O error", "could not be read", "Check the disk"),
    ("SQLITE_IOERR_LOCK", "", "cannot be locked", "local disk"),
    ("SQLITE_TOOBIG", "string or blob too big", "too large", "Move the value"),
    ("SQLITE_CANTOPEN", "unable to open", "cannot be opened", "Check the path"),
    ("SQLITE_CANTOPEN_ISDIR", "", "is a folder", "Choose the file"),
    ("SQLITE_CANTOPEN_DIRTYWAL", "", "unfinished transaction", "Do not delete the -wal"),
    ("SQLITE_CANTOPEN_NOTEMPDIR", "", "temporary files", "TMPDIR"),
    ("SQLITE_CONSTRAINT_UNIQUE", "UNIQUE constraint failed: t.a", "violate a constraint", ("new "
    "name")),
    ("SQLITE_MISMATCH", "datatype mismatch", "does not fit", "choose another"),
    ("SQLITE_ERROR", "no such function: REGEXP", "function is missing", "Copy the table"),
    ("SQLITE_ERROR", "no such collation sequence: german", "collation is missing", "Copy"),
    ("SQLITE_ERROR", "no such module: spellfix1", "extension is missing", "Copy the table"),
    ("SQLITE_ERROR", "no such tokenizer: mine", "extension is missing", "Copy the table"),
    ("SQLITE_ERROR", "unsafe use of edit()", "not allowed", "Copy the table"),
    ("SQLITE_ERROR", "no such table: main.x", "does not exist", "Create it again"),
]  # fmt: skip


def raised(code: str, message: str) -> Exception:
    error = apsw.exception_for(getattr(apsw, code))
    error.args = (message,)
    return error


@pytest.mark.parametrize(("code", "message", "summary", "remedy"), CASES)
def test_each_cause_has_its_own_remedy(code: str, message: str, summary: str, remedy: str) -> None:
    found = database_error(raised(code, message), "/nowhere/x.db")
    print(f"{code:28} {found.summary} | {found.cause} | {found.remedy}")  # noqa: T201 - `pytest -s` shows the table
    assert summary in found.summary
    assert remedy in found.remedy
    assert found.cause
    assert "{0}" not in found.cause
    assert found.kind is ErrorKind.DATABASE


def test_every_row_of_the_table_is_met() -> None:
    met = {database_error(raised(code, message), "x").summary for code, message, *_ in CASES}
    assert {row.summary.replace("{name}", "x") for row in CAUSES} <= met


def test_what_no_row_knows_is_passed_on_without_advice_that_may_be_wrong() -> None:
    found = database_error(raised("SQLITE_ERROR", 'near "x": syntax error'), "t")
    assert (found.summary, found.cause) == (
        "The database t reported an error",
        'near "x": syntax error',
    )
    assert (found.effect, found.remedy) == ("Nothing was changed.", "")


def test_constraints_name_what_they_broke() -> None:
    found = database_error(raised("SQLITE_CONSTRAINT_UNIQUE", "UNIQUE failed: t.a"), "t")
    assert found.cause == "UNIQUE failed: t.a."


_WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size=5")
connection.execute("BEGIN")
connection.execute("UPDATE t SET v = 'dirty' || hex(zeroblob(300))")
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["DELETE", "WAL"])
def left_unfinished(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A database whose writer was killed in the middle of a transaction."""
    folder = tmp_path / "db"
    folder.mkdir()
    path = folder / "hot.db"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode={request.param}")
    connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, v)")
    connection.executemany("INSERT INTO t(v) VALUES (?)", [("q" * 900,)] * 300)
    connection.commit()
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert writer.stdout is not None
    assert writer.stdin is not None
    assert writer.stdout.readline() == b"ready\n"
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    writer.stdin.close()
    connection.close()
    return path


def test_a_database_whose_writer_was_killed_is_backed_up(
    store: MemoryStore, left_unfinished: Path, tmp_path: Path
) -> None:
    backup = backed_up(store, left_unfinished, "t")
    assert backup.rows == 300
    restored(store, backup, tmp_path / "new.db")
    assert sql(tmp_path / "new.db", "SELECT DISTINCT v FROM t") == [("q" * 900,)]
    assert not left_unfinished.with_name("hot.db-journal").exists()


def test_the_same_without_permission_to_write_speaks_of_the_transaction(
    store: MemoryStore, left_unfinished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests may run as a user who may write anywhere, so the permission itself is patched."""
    journal = left_unfinished.with_name("hot.db-journal")
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    if not journal.exists():  # a WAL can be read without being recovered
        assert backed_up(store, left_unfinished, "t").rows == 300
        return
    with pytest.raises(DatabaseError, match="unfinished transaction") as refused:
        backed_up(store, left_unfinished, "t")
    assert "journal" in refused.value.cause
    assert "Do not delete the journal" in refused.value.remedy
    assert journal.exists()


def test_a_locked_database_a_folder_and_a_text_are_reported_apart(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("This is a letter, not a database.")
    (tmp_path / "cut.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4000)
    for name, text in (("text.db", "not an SQLite"), ("cut.db", "SQLite"), ("", "opened")):
        with pytest.raises(DatabaseError, match=text):
            open_database(str(tmp_path / name))


def test_a_new_database_in_a_missing_folder_names_the_folder(tmp_path: Path) -> None:
    with (
        pytest.raises(DatabaseError) as caught,
        open_database(str(tmp_path / "none" / "a.db"), write=True, create=True),
    ):
        pass
    assert caught.value.cause == f"The folder {tmp_path / 'none'} does not exist."


def test_a_cancel_ends_the_wait_for_a_lock(path: Path) -> None:
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    token = CancelToken()
    work = Work(token)
    threading.Timer(0.1, token.cancel).start()
    began = time.monotonic()
    with (
        open_database(str(path), write=True) as database,
        pytest.raises(Cancelled),
        database.change(work=work),
    ):
        raise AssertionError
    assert time.monotonic() - began < 2
    other.execute("ROLLBACK")
    other.close()


def test_a_file_that_is_replaced_during_a_restore_keeps_its_rows(
    store: MemoryStore, path: Path, tmp_path: Path
) -> None:
    """What would be committed into a file without a name is refused instead."""
    backup = backed_up(store, path, "orders")
    with open_database(str(path), write=True) as database:
        aside = path.rename(tmp_path / "aside.db")
        sql(path, "CREATE TABLE other(a)")
        with pytest.raises(DatabaseError, match="moved or replaced"), database.change(work=Work()):
            raise AssertionError
    before = everything(aside)
    assert sql(path, "SELECT count(*) FROM other") == [(0,)]
    assert restored(store, backup, aside).rows == 500
    assert len(everything(aside)) > len(before)


class _WithoutSpace:
    """The connection to an empty file on a full disk."""

    def get_autocommit(self) -> bool:
        return True

    def set_busy_timeout(self, _milliseconds: int) -> None:
        pass

    def execute(self, statement: str) -> None:
        raise apsw.FullError(statement)

    def close(self) -> None:
        pass


@pytest.mark.parametrize("content", [b"", b"of another program"])
def test_a_new_file_on_a_full_disk_is_removed_if_it_is_empty(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "new.db"
    path.write_bytes(content)
    SQLiteDatabase(cast("apsw.Connection", _WithoutSpace()), path, created=True).close()
    assert path.exists() == bool(content)
