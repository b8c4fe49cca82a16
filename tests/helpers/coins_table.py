"""A small SQLite table with the features that a restore of single rows has to respect."""

from pathlib import Path

import apsw
import pytest
from helpers.backups import MemoryStore

from core.backup.databases import open_database
from core.backup.run import back_up
from core.model.backup import Backup
from core.work import Work


def run_sql(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """Run statements on a database file, and return the rows of the last."""
    with apsw.Connection(str(path)) as connection:
        connection.execute("PRAGMA foreign_keys=OFF")
        rows: list[tuple[object, ...]] = []
        for statement in statements:
            rows = list(connection.execute(statement).fetchall())
    connection.close()
    return rows


@pytest.fixture
def coins(tmp_path: Path) -> Path:
    """A database with the table `coins`, which other tables and a trigger refer to."""
    path = tmp_path / "coins.db"
    run_sql(
        path,
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)",
        "INSERT INTO users VALUES (1, 'ada'), (2, 'bob')",
        "CREATE TABLE coins (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT COLLATE NOCASE UNIQUE,"
        " data, owner INT REFERENCES users, twice INT AS (id * 2) STORED)",
        "INSERT INTO coins (name, data, owner) VALUES ('btc', 1.5, 1), ('eth', x'00FF', 1), "
        "('xmr', CAST(x'C3' AS TEXT), 2), ('ltc', NULL, 2)",
        "CREATE TABLE fills (coin INT REFERENCES coins ON DELETE CASCADE)",
        "INSERT INTO fills VALUES (1)",
        "CREATE TABLE log (text)",
        "CREATE TRIGGER coins_log AFTER UPDATE ON coins BEGIN INSERT INTO log VALUES (new.id); END",
    )
    return path


def backed_up(store: MemoryStore, path: Path, table: str) -> Backup:
    """Back a table up, and return its backup."""
    with open_database(str(path)) as source:
        return back_up(store, source, [table], "", Work()).backups[0]
