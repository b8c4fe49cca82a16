"""A bucket in memory for backups, and small databases to back up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw

from core.backup.databases import open_database
from core.backup.listing import backups_in
from core.backup.manifest import from_bytes, to_bytes
from core.backup.restore import Choices, restore_of
from core.backup.run import back_up
from core.backup.store import Stored
from core.errors import AlreadyExists, NotFound, Offline, StorageError
from core.model.backup import Backup
from core.model.objects import Verdict
from core.model.restore import RestoreReport
from core.model.tables import TableSchema
from core.work import Work


class MemoryStore:
    """A store in memory that fails from the n-th write on with `failure`, if a test wants it."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.metadata: dict[str, dict[str, str]] = {}
        self.fail_after: int | None = None
        self.failure: StorageError = Offline("The endpoint cannot be reached")

    @property
    def place(self) -> str:
        return "memory"

    def prepare(self) -> None:
        """Do nothing: a store without a network needs no preparation."""

    def put(
        self, key: str, data: bytes, metadata: dict[str, str], *, work: Work, only_new: bool = True
    ) -> Verdict:
        work.check()
        if self.fail_after is not None:
            if self.fail_after == 0:
                raise self.failure
            self.fail_after -= 1
        if only_new and key in self.objects:
            raise AlreadyExists("There is an object of that key", subject=key)
        self.objects[key], self.metadata[key] = data, metadata
        return Verdict.MD5

    def read(self, key: str, *, work: Work) -> bytes:
        work.check()
        if key not in self.objects:
            raise NotFound("There is no such object", subject=key)
        return self.objects[key]

    def list(self, prefix: str, *, work: Work) -> Iterator[Stored]:
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield Stored(key, len(self.objects[key]), "2026-01-01T00:00:00Z")

    def delete(self, keys: Iterable[str], *, work: Work) -> None:
        for key in keys:
            self.objects.pop(key, None)


def trading_database(path: Path, rows: int = 500) -> Path:
    """Write users and orders that point to them, with an index, a trigger, a view and a sequence."""
    connection = apsw.Connection(str(path))
    connection.execute(
        """
        CREATE TABLE users(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
        CREATE TABLE orders(
            id INTEGER PRIMARY KEY, user_id INT NOT NULL REFERENCES users(id) ON DELETE CASCADE,
            price REAL, status TEXT DEFAULT 'open' CHECK (status <> ''));
        CREATE TABLE audit(what TEXT);
        CREATE INDEX orders_user ON orders(user_id, status DESC);
        CREATE VIEW open_orders AS SELECT * FROM orders WHERE status = 'open';
        CREATE TRIGGER orders_seen AFTER INSERT ON orders
            BEGIN INSERT INTO audit VALUES ('order ' || new.id); END;
        INSERT INTO users(name) VALUES ('ada'), ('bob'), ('cyd');
        """
    )
    with connection:
        connection.executemany(
            "INSERT INTO orders VALUES (?, ?, ?, ?)",
            [(i, i % 3 + 1, i / 7, "open" if i % 2 else "filled") for i in range(1, rows + 1)],
        )
    connection.execute("DELETE FROM audit")
    connection.close()
    return path


def everything(path: Path) -> list[tuple[object, ...]]:
    """Return the complete logical content of a database: its schema and all rows."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    found = connection.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY 1, 2"
    ).fetchall()
    for kind, name, _, _ in list(found):
        if kind == "table":
            found += connection.execute(f"SELECT '{name}', * FROM \"{name}\"").fetchall()
    connection.close()
    return found


def backed_up(store: MemoryStore, path: Path, *tables: str) -> Backup:
    with open_database(str(path)) as source:
        return back_up(store, source, tables, "a note", Work()).backups[0]


def sql(path: Path, text: str) -> list[tuple[object, ...]]:
    connection = apsw.Connection(str(path))
    try:
        return list(connection.execute(text).fetchall())
    finally:
        connection.close()


def schema_of(path: Path, table: str) -> TableSchema:
    with open_database(str(path)) as database:
        return database.schema(table)


def restored(store: MemoryStore, backup: Backup, path: Path, **choices: Any) -> RestoreReport:
    return restore_of(store, backup, str(path), Choices(**choices), Work())


def with_other_content(store: MemoryStore, backup: Backup) -> Backup:
    """Give a backup the hash of other rows, with a valid manifest; return its entry."""
    found = from_bytes(store.objects[backup.key])
    store.objects[backup.key] = to_bytes(replace(found, content="0" * 64))
    (listed,) = (each for each in backups_in(store, backup.table, Work()) if each.id == backup.id)
    return listed
