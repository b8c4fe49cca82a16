"""An empty database on a real MariaDB for each test, with a user for it and a read-only one."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import apsw
import pytest
from helpers.backups import MemoryStore
from helpers.databases import Server, mariadb_server, postgresql_server  # noqa: F401 - fixtures
from helpers.postgresql_tables import Database, new_database

from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.databases.mysql import MySQLDatabase
from core.backup.databases.mysql.tokens import quoted
from core.backup.restore import Choices, restore_of
from core.backup.run import back_up
from core.model.backup import Backup
from core.model.restore import RestoreReport
from core.model.tables import TableSchema
from core.redaction import Secret
from core.work import Work

PASSWORD = "s3cret-of-the-test"


@dataclass
class Trading:
    """A database; `sql` runs statements as the administrator, apart from our code."""

    server: Server
    name: str
    user: str = "operator"

    @property
    def address(self) -> DatabaseAddress:
        url = f"mysql://{self.user}@127.0.0.1:{self.server.port}/{self.name}"
        return DatabaseAddress(url, Secret(PASSWORD))

    @property
    def without_tls(self) -> DatabaseAddress:
        """The address without an attempt to use TLS, which costs more than a small table."""
        return DatabaseAddress(f"{self.address.url}?tls=disable", self.address.password)

    def sql(self, *statements: str, use_unicode: bool = True) -> Any:
        from pymysql import Connection

        with socket.socket(socket.AF_UNIX) as link:
            link.connect(f"{self.server.folder}/sock")
            session = Connection(
                user="root", database=self.name, charset="utf8mb4", defer_connect=True,
                use_unicode=use_unicode,
                ssl_disabled=True,  # otherwise PyMySQL reads the certificates of the system first
                autocommit=True, sql_mode="NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES",
                init_command="SET time_zone='+00:00'",
            )  # fmt: skip
            with closing(session):
                session.connect(link)
                cursor = session.cursor()
                for statement in statements:
                    cursor.execute(statement)
                return cursor.fetchall()

    def open(self, *, write: bool = False) -> MySQLDatabase:
        database = open_database(self.address, write=write)
        assert isinstance(database, MySQLDatabase)
        return database

    def backed_up(self, store: MemoryStore, *tables: str) -> Backup:
        with self.open() as source:
            return back_up(store, source, tables, "a note", Work()).backups[0]

    def restored(self, store: MemoryStore, backup: Backup, **choices: Any) -> RestoreReport:
        return restore_of(store, backup, self.address, Choices(**choices), Work())

    def schema(self, table: str) -> TableSchema:
        with self.open() as database:
            return database.schema(table)

    def tables(self) -> list[str]:
        return sorted(str(row[0]) for row in self.sql("SHOW TABLES"))

    def rows(self, table: str) -> Any:
        return self.sql(f"SELECT * FROM {quoted(table)}")

    def definition(self, table: str) -> str:
        """Return the definition of a table; default values of binary columns may be no UTF-8."""
        found = self.sql(f"SHOW CREATE TABLE {quoted(table)}", use_unicode=False)
        return str(found[0][1].decode(errors="surrogateescape"))

    def everything(self) -> list[Any]:
        """Return the logical content: definitions of all tables and triggers, and all rows.

        The order of the indexes in a definition has no meaning; notes of restores are no content.
        """
        found: list[Any] = []
        for name in self.tables():
            if name.endswith("__note"):
                found.append(name)
                continue
            definition = self.definition(name)
            found.append((name, sorted(line.rstrip(",") for line in definition.splitlines())))
            found.append(self.rows(name))
        found.append(
            self.sql(
                "SELECT TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_STATEMENT, DEFINER FROM "
                "information_schema.TRIGGERS WHERE TRIGGER_SCHEMA=DATABASE() ORDER BY 1"
            )
        )
        return found


@pytest.fixture
def trading(mariadb_server: Server) -> Iterator[Trading]:  # noqa: F811 - the fixture
    name = f"t_{uuid4().hex[:12]}"
    mariadb_server.ask(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    for user, rights in (("operator", "ALL PRIVILEGES"), ("reader", "SELECT, SHOW VIEW")):
        mariadb_server.ask(f"CREATE USER IF NOT EXISTS {user}@'%%' IDENTIFIED BY %s", PASSWORD)
        mariadb_server.ask(f"GRANT {rights} ON {name}.* TO {user}@'%%'")
    mariadb_server.ask("GRANT SUPER, SET USER, PROCESS ON *.* TO operator@'%%'")
    yield Trading(mariadb_server, name)
    mariadb_server.ask(f"DROP DATABASE IF EXISTS {name}")


@dataclass
class Place:
    """A database of one engine: its address, and a function that runs a statement."""

    address: str | DatabaseAddress
    run: Callable[[str], Any]


@pytest.fixture
def postgresql(postgresql_server: Server) -> Iterator[Database]:  # noqa: F811 - the fixture
    with new_database(postgresql_server) as made:
        yield made


@pytest.fixture
def places(postgresql: Database, trading: Trading, tmp_path: Path) -> dict[str, Place]:
    path = tmp_path / "other.db"

    def run(statement: str) -> list[Any]:
        connection = apsw.Connection(str(path))
        try:
            return list(connection.execute(statement).fetchall())
        finally:
            connection.close()

    return {
        "PostgreSQL": Place(postgresql.address, postgresql.run),
        "MariaDB": Place(trading.address, trading.sql),
        "SQLite": Place(str(path), run),
    }
