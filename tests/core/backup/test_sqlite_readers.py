"""Several connections read one SQLite snapshot: all of them the same rows, or only one is used."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import apsw
import pytest
from helpers.backups import MemoryStore

from core.backup.databases import open_database
from core.backup.databases.sqlite import dump, readers
from core.backup.databases.sqlite.readers import readers_of_snapshot
from core.backup.run import back_up
from core.errors import Cancelled, DatabaseError
from core.work import CancelToken, Work

#: Negative rowids, gaps, the last rowid, a text that is not UTF-8, and a BLOB.
_ROWS = [
    *((number * 3 - 50, number) for number in range(40)), (1000, "CAST(x'FF41' AS TEXT)"),
    (1001, "x'00FF'"), (1002, "'é'"), (2**63 - 1, "'last'"),
]  # fmt: skip


@pytest.fixture(params=["wal", "delete"])
def database(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[apsw.Connection]:
    """A connection of another program to a database with either kind of journal."""
    with closing(apsw.Connection(str(tmp_path / "trading.db"))) as connection:
        connection.execute(f"PRAGMA journal_mode={request.param}").fetchall()
        connection.execute("CREATE TABLE t(v)")
        for rowid, value in _ROWS:
            connection.execute(f"INSERT INTO t(rowid, v) VALUES ({rowid}, {value})")
        yield connection


def path_of(connection: apsw.Connection) -> Path:
    return Path(connection.filename)


def lines_of(path: Path) -> tuple[int, bytes]:
    """Return the count and the lines of all rows in a snapshot."""
    with open_database(str(path)) as source, source.snapshot():
        pieces = list(source.dump(source.schema("t")))
    return sum(count for count, _ in pieces), b"".join(lines for _, lines in pieces)


@pytest.mark.parametrize("rows", [1, 3, 64])
def test_ranges_contain_the_same_lines_as_one_connection(
    database: apsw.Connection, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_of(database)
    monkeypatch.setattr(dump, "_FIRST_ROWS", rows)
    monkeypatch.setattr(dump, "_MOST_ROWS", rows)
    parallel = lines_of(path)
    monkeypatch.setattr(readers, "_READERS", 0)
    assert parallel == lines_of(path)
    assert parallel[0] == len(_ROWS)


def test_rows_come_in_the_order_of_their_rowids(tmp_path: Path) -> None:
    """A range is read without ORDER BY: a table with an index on everything has no other order."""
    path, numbers = tmp_path / "t.db", list(range(20_000))
    random.Random(5).shuffle(numbers)
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("CREATE TABLE t(k INTEGER PRIMARY KEY, v)")
        connection.execute("CREATE INDEX i ON t(v, k)")
        with connection:
            connection.executemany(
                "INSERT INTO t VALUES (?, ?)", [(number, -number) for number in numbers]
            )
        connection.execute("ANALYZE")
    count, lines = lines_of(path)
    assert count == len(numbers)
    assert [json.loads(line)["k"] for line in lines.splitlines()] == sorted(numbers)


@pytest.mark.parametrize("rows", [1, 3, 43, 44, 45])
def test_the_ranges_count_the_rows(
    database: apsw.Connection, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dump, "_FIRST_ROWS", rows)
    monkeypatch.setattr(dump, "_MOST_ROWS", rows)
    statements: list[str] = []
    with open_database(str(path_of(database))) as source, source.snapshot():
        list(source.dump(source.schema("t")))
        connection = source._connection  # type: ignore[attr-defined] # of SQLite
        connection.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: statements.append(event["sql"]))
        assert source.count("t") == len(_ROWS)
    assert not any("count" in sql for sql in statements)


def test_a_piece_that_is_lost_is_noticed(
    database: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dump, "_FIRST_ROWS", 4)
    monkeypatch.setattr(dump, "_MOST_ROWS", 4)
    original = dump.Dump.pieces

    def all_but_one(self: dump.Dump, work: Work) -> Iterator[tuple[int, bytes]]:
        yield from islice(original(self, work), 1, None)

    monkeypatch.setattr(dump.Dump, "pieces", all_but_one)
    store = MemoryStore()
    with (
        open_database(str(path_of(database))) as source,
        pytest.raises(DatabaseError, match="rows are missing") as raised,
    ):
        back_up(store, source, ["t"], "", Work())
    assert raised.value.cause == f"Read: 40 rows; counted: {len(_ROWS)}."
    assert not store.objects


def test_all_readers_have_the_view_of_the_transaction(database: apsw.Connection) -> None:
    with open_database(str(path_of(database))) as source, source.snapshot():
        found = source._readers  # type: ignore[attr-defined] # of SQLite
        assert len(found) == 2
        if database.execute("PRAGMA journal_mode").fetchall() == [("wal",)]:
            database.execute("DELETE FROM t")
        for reader in found:
            assert reader.execute("SELECT count(*) FROM t").fetchall() == [(len(_ROWS),)]


@pytest.mark.parametrize("before", [True, False])
def test_a_commit_at_the_beginning_leaves_one_connection(
    database: apsw.Connection, before: bool
) -> None:
    """What is committed around the beginning may be in some of the views only."""
    with closing(apsw.Connection(str(path_of(database)))) as own:

        def begin() -> None:
            if before:
                database.execute("DELETE FROM t WHERE rowid=1000")
            own.execute("BEGIN")
            own.execute("SELECT count(*) FROM t").fetchall()
            if not before and wal:
                database.execute("DELETE FROM t WHERE rowid=1000")

        wal = database.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
        with readers_of_snapshot(path_of(database), begin) as found:
            # A rollback journal locks writers out from the beginning on.
            assert len(found) == (2 if not before and not wal else 0)


@pytest.mark.parametrize("database", ["delete"], indirect=True)
def test_a_writer_that_waits_leaves_one_connection(database: apsw.Connection) -> None:
    with closing(apsw.Connection(str(path_of(database)))) as own:

        def begin() -> None:
            own.execute("BEGIN")
            own.execute("SELECT count(*) FROM t").fetchall()
            database.execute("BEGIN IMMEDIATE")
            database.execute("DELETE FROM t")
            with pytest.raises(apsw.BusyError):  # it has the lock that refuses new readers
                database.execute("COMMIT")

        with readers_of_snapshot(path_of(database), begin) as found:
            assert found == ()
        own.execute("ROLLBACK")
        database.execute("ROLLBACK")


def test_a_cancel_ends_the_reading_of_all_connections(
    database: apsw.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dump, "_FIRST_ROWS", 1)
    monkeypatch.setattr(dump, "_MOST_ROWS", 1)
    work = Work(token=CancelToken())
    with open_database(str(path_of(database))) as source, source.snapshot():
        pieces = source.dump(source.schema("t"), work=work)
        next(pieces)
        work.token.cancel()
        with pytest.raises(Cancelled):
            list(pieces)
