"""Tables of a real PostgreSQL server for tests of backup and restore."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from helpers.backups import MemoryStore
from helpers.databases import Server

from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.databases.postgresql.names import TableName
from core.backup.restore import Choices, restore_of
from core.backup.run import back_up
from core.model.backup import Backup
from core.model.restore import RestoreReport
from core.redaction import Secret
from core.work import Work


@dataclass(frozen=True)
class Database:
    """An empty database of a server, and the user who owns it."""

    server: Server
    name: str
    user: str
    password: str

    @property
    def address(self) -> DatabaseAddress:
        """The address with the password."""
        url = f"postgresql://{self.user}@127.0.0.1:{self.server.port}/{self.name}"
        return DatabaseAddress(url, Secret(self.password))

    @contextmanager
    def session(self) -> Iterator[Callable[..., list[list[Any]]]]:
        """Connect as the owner with a plain driver; yield a function that runs one statement."""
        from pg8000.core import CoreConnection

        session = CoreConnection(
            self.user, host="127.0.0.1", port=self.server.port, database=self.name,
            password=self.password, ssl_context=False,
        )  # fmt: skip

        def run(statement: str, *values: Any) -> list[list[Any]]:
            return session.execute_unnamed(statement, values).rows or []

        try:
            session.execute_simple("SET extra_float_digits = 3")
            yield run
        finally:
            session.close()

    def run(self, statement: str, *values: Any) -> list[list[Any]]:
        """Run one statement."""
        with self.session() as run:
            return run(statement, *values)

    def script(self, *statements: str) -> None:
        """Run statements one after the other."""
        with self.session() as run:
            for statement in statements:
                run(statement)

    def content(self, table: str) -> list[str]:
        """Return all rows of a table as text, sorted."""
        return _content(self.run, table)

    def back_up(self, store: MemoryStore, *tables: str) -> Backup:
        """Back up tables, and return the backup of the first one."""
        with open_database(self.address) as source:
            return back_up(store, source, tables, "a note", Work()).backups[0]

    def restore(self, store: MemoryStore, backup: Backup, **choices: Any) -> RestoreReport:
        """Restore a backup."""
        return restore_of(store, backup, self.address, Choices(**choices), Work())

    def everything(self) -> list[Any]:
        """Return the names of all relations with their comments, and the rows of all tables."""
        with self.session() as run:
            relations = run(
                "SELECT n.nspname::text, c.relname::text, c.relkind::text, obj_description(c.oid) "
                "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') "
                "ORDER BY 1, 2"
            )
            tables = [TableName(row[0], row[1]).sql for row in relations if row[2] == "r"]
            constraints = run(
                "SELECT conname::text, pg_get_constraintdef(oid), convalidated FROM pg_constraint "
                "ORDER BY 1, 2"
            )
            return [relations, constraints, [(table, _content(run, table)) for table in tables]]


def _content(run: Callable[..., list[list[Any]]], table: str) -> list[str]:
    return sorted(row[0] for row in run(f"SELECT ROW(t.*)::text FROM {table} t"))


@contextmanager
def new_database(server: Server) -> Iterator[Database]:
    """Create a database and its owner, and drop both afterwards."""
    name, password = f"test_{uuid4().hex[:10]}", f"secret'{uuid4().hex[:10]}"
    quoted = password.replace("'", "''")
    server.ask(f"CREATE ROLE {name} LOGIN PASSWORD '{quoted}'")
    server.ask(f"CREATE DATABASE {name} OWNER {name}")
    try:
        yield Database(server, name, name, password)
    finally:
        server.ask(f"DROP DATABASE {name} WITH (FORCE)")
        server.ask(f"DROP ROLE {name}")


def trading(database: Database) -> Database:
    """Create users and orders that refer to them, fills that refer to orders, a view and a trigger."""
    database.script(
        "CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL UNIQUE)",
        "INSERT INTO users (name) VALUES ('ada'), ('bob'), ('cyd')",
        """CREATE TABLE orders (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            user_id int NOT NULL REFERENCES users (id) ON DELETE CASCADE,
            price numeric(18, 8), status text DEFAULT 'open' CHECK (status <> ''),
            total numeric GENERATED ALWAYS AS (price * 2) STORED)""",
        "INSERT INTO orders (user_id, price, status) SELECT i % 3 + 1, i / 7.0, "
        "CASE WHEN i % 2 = 0 THEN 'open' ELSE 'filled' END FROM generate_series(1, 500) i",
        "CREATE INDEX orders_user ON orders (user_id, status DESC) WHERE price > 0",
        "CREATE TABLE fills (order_id bigint REFERENCES orders (id), amount float8)",
        "INSERT INTO fills SELECT id, random() FROM orders WHERE id <= 20",
        "CREATE VIEW open_orders AS SELECT id, price FROM orders WHERE status = 'open'",
        "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END'",
        "CREATE TRIGGER orders_stamp BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION stamp()",
        r"COMMENT ON TABLE orders IS 'it''s \ a comment'",
        "COMMENT ON COLUMN orders.price IS 'in USDT'",
    )
    return database
