"""A database of each engine with a table that is backed up and restored while something fails."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import apsw
from helpers.backups import everything, sql
from helpers.databases import Server, program
from helpers.postgresql_tables import Database, new_database

from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.databases.postgresql.names import TableName
from core.work import Work
from tests.core.backup.mariadb.conftest import PASSWORD, Trading

ROWS = 4_000
#: Too little for a copy of the table: each row has 200 random characters.
_SMALL_DISK = 400_000


class Site(ABC):
    """A database with `orders`, and what can happen to it. The password is that of a test."""

    engine: str
    #: Whether a client of the engine is connected by TCP, so that the connection can end.
    is_server = True

    def __init__(self, address: DatabaseAddress) -> None:
        self.address = address

    @property
    def password(self) -> str:
        return self.address.password.reveal() if self.address.password else ""

    @abstractmethod
    def url(self, port: int) -> str:
        """Return the address by way of another port."""

    @abstractmethod
    def everything(self) -> list[Any]:
        """Return the complete logical content."""

    @abstractmethod
    def change(self) -> None:
        """Change rows after a backup, so that a restore is visible."""

    @abstractmethod
    def texts(self) -> list[str]:
        """Return the distinct texts of the column that `change` changes."""

    @abstractmethod
    def lock(self, table: str = "orders") -> Any:
        """Hold a lock of another session on a table inside the block."""

    @abstractmethod
    def full_disk(self) -> Any:
        """Leave no space for another copy of the table inside the block."""

    def kill(self) -> None:
        """Kill the server."""
        raise AssertionError(f"{self.engine} has no server")

    def recover(self) -> None:
        """Wait for the server, and do what the start of the next restore does."""
        with open_database(self.address, write=True) as opened, opened.change(work=Work()):
            pass

    def undo(self, former: str) -> None:
        """Undo a restore."""
        with open_database(self.address, write=True) as opened, opened.change(work=Work()):
            opened.undo(former)

    def former(self) -> str:
        """Return the name of the former table; empty if there is none."""
        with open_database(self.address) as opened:
            return next((one.name for one in opened.tables() if one.former_name), "")


class SQLiteSite(Site):
    """A file, in a folder that can have a small disk."""

    engine, is_server = "SQLite", False

    def __init__(self, folder: Path) -> None:
        self.path = folder / "trading.db"
        super().__init__(DatabaseAddress(str(self.path)))
        sql(
            self.path,
            "CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, status TEXT, noise TEXT);"
            "CREATE TABLE fills (of INT REFERENCES orders (id)); CREATE INDEX s ON orders (status);"
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {ROWS}) "
            "INSERT INTO orders (status, noise) SELECT 'backed up', hex(randomblob(100)) FROM n;"
            "INSERT INTO fills VALUES (1), (2); CREATE VIEW v AS SELECT id, status FROM orders",
        )

    def url(self, port: int) -> str:
        return self.address.url

    def everything(self) -> list[Any]:
        return everything(self.path)

    def change(self) -> None:
        sql(
            self.path,
            "UPDATE orders SET status = 'changed' WHERE id < 9; DELETE FROM orders WHERE id = 50",
        )

    def texts(self) -> list[str]:
        return sorted(str(row[0]) for row in sql(self.path, "SELECT DISTINCT status FROM orders"))

    @contextmanager
    def lock(self, table: str = "orders") -> Iterator[None]:
        with closing(apsw.Connection(str(self.path))) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        aside = self.path.with_name("aside.db")
        sql(self.path, "VACUUM")  # otherwise the pages of undone restores are used
        with small_disk(self.path.parent / "disk", self.path.stat().st_size + _SMALL_DISK) as disk:
            shutil.copy(self.path, disk)
            self.path.rename(aside)
            self.path.symlink_to(disk / self.path.name)
            try:
                yield
            finally:
                self.path.unlink()
                aside.rename(self.path)


class PostgreSQLSite(Site):
    """A database of a server, whose tables are on a separate disk if disks can be made."""

    engine = "PostgreSQL"

    def __init__(self, server: Server, database: Database) -> None:
        self._server, self._database = server, database
        super().__init__(DatabaseAddress(self.url(server.port), database.address.password))
        noise = " || ".join(["md5(random()::text)"] * 6)
        database.script(
            "CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, status text, noise text)",
            "CREATE TABLE fills (of int REFERENCES orders)",
            "CREATE INDEX ON orders (status)",
            f"INSERT INTO orders (status, noise) SELECT 'backed up', {noise} FROM generate_series(1, {ROWS})",
            "INSERT INTO fills VALUES (1), (2)",
            "CREATE VIEW v AS SELECT id, status FROM orders",
        )

    def url(self, port: int) -> str:
        return f"postgresql://{self._database.user}@127.0.0.1:{port}/{self._database.name}?sslmode=disable"

    def everything(self) -> list[Any]:
        return self._database.everything()

    def change(self) -> None:
        self._database.script(
            "UPDATE orders SET status = 'changed' WHERE id < 9", "DELETE FROM orders WHERE id = 50"
        )

    def texts(self) -> list[str]:
        return [
            str(row[0])
            for row in self._database.run("SELECT DISTINCT status FROM orders ORDER BY 1")
        ]

    @contextmanager
    def lock(self, table: str = "orders") -> Iterator[None]:
        from pg8000.core import CoreConnection

        with closing(
            CoreConnection(
                self._database.user, host="127.0.0.1", port=self._server.port,
                database=self._database.name, password=self.password, ssl_context=False,
            )
        ) as other:  # fmt: skip
            name = TableName.parse(table).sql
            other.execute_simple(f"BEGIN; LOCK TABLE {name} IN ACCESS SHARE MODE")
            yield
            other.execute_simple("ROLLBACK")

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        owner = (self._server.folder / "data").stat()
        with small_disk(self._server.folder / "disk", _SMALL_DISK, owner.st_uid) as disk:
            name = f"small_{uuid4().hex[:8]}"
            self._server.ask(f"CREATE TABLESPACE {name} LOCATION '{disk}'")
            self._server.ask(f"GRANT CREATE ON TABLESPACE {name} TO PUBLIC")
            self._server.ask(f"ALTER ROLE {self._database.user} SET default_tablespace = {name}")
            try:
                yield
            finally:
                self._server.ask(f"ALTER ROLE {self._database.user} RESET default_tablespace")
                self._server.ask(f"DROP TABLESPACE {name}")

    def kill(self) -> None:
        """Kill a process of the server, which ends all the others and recovers from its log."""
        found = self._server.ask(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'strongroom' LIMIT 1"
        )
        for (pid,) in found:
            os.kill(pid, signal.SIGKILL)

    def recover(self) -> None:
        # It may still answer once before it ends all processes.
        until_it_answers(super().recover)


class MariaDBSite(Site):
    """A database of a server, which is started again after it was killed."""

    engine = "MariaDB"

    def __init__(self, server: Server) -> None:
        self._server, self._name, self._started = server, f"t_{uuid4().hex[:10]}", ExitStack()
        server.ask(f"CREATE DATABASE {self._name} CHARACTER SET utf8mb4")
        server.ask("CREATE USER IF NOT EXISTS operator@'%%' IDENTIFIED BY %s", PASSWORD)
        server.ask("GRANT ALL ON *.* TO operator@'%%'")
        self._trading = Trading(server, self._name)
        super().__init__(DatabaseAddress(self.url(server.port), self._trading.address.password))
        self._command = Path(f"/proc/{self._pid}/cmdline").read_bytes().decode().split("\0")[:-1]
        self._trading.sql(
            "CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, status VARCHAR(20), noise TEXT, "
            "KEY (status))",
            "CREATE TABLE fills (id INT, CONSTRAINT f FOREIGN KEY (id) REFERENCES orders (id))",
            "INSERT INTO orders (status, noise) SELECT 'backed up', CONCAT(SHA2(RAND(), 512), "
            f"SHA2(RAND(), 512)) FROM seq_1_to_{ROWS}",
            "INSERT INTO fills VALUES (1), (2)",
            "CREATE VIEW v AS SELECT id, status FROM orders",
        )

    @property
    def _pid(self) -> int:
        return int((self._server.folder / "pid").read_text())

    def url(self, port: int) -> str:
        return f"mysql://operator@127.0.0.1:{port}/{self._name}?tls=disable"

    def close(self) -> None:
        """End the server that was started again."""
        self._started.close()

    def everything(self) -> list[Any]:
        # A server that was killed computes the next numbers again.
        return [
            (found[0], [line.partition(" AUTO_INCREMENT=")[0] for line in found[1]])
            if isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], list)
            else found
            for found in self._trading.everything()
        ]

    def change(self) -> None:
        self._trading.sql(
            "UPDATE orders SET status = 'changed' WHERE id < 9", "DELETE FROM orders WHERE id = 50"
        )

    def texts(self) -> list[str]:
        return [
            row[0] for row in self._trading.sql("SELECT DISTINCT status FROM orders ORDER BY 1")
        ]

    @contextmanager
    def lock(self, table: str = "orders") -> Iterator[None]:
        import pymysql

        with closing(
            pymysql.connect(
                user="operator", password=PASSWORD, host="127.0.0.1", port=self._server.port,
                database=self._name, ssl_disabled=True,
            )
        ) as other:  # fmt: skip
            other.cursor().execute(f"SELECT * FROM {table} LIMIT 1")  # in an open transaction
            yield
            other.rollback()

    @contextmanager
    def full_disk(self) -> Iterator[None]:
        """Use another database, whose folder is a small disk."""
        name, owner = f"small_{uuid4().hex[:8]}", (self._server.folder / "data").stat().st_uid
        with small_disk(self._server.folder / "data" / name, _SMALL_DISK, owner):
            usual, self._name = self._name, name
            address = self.address
            self.address = DatabaseAddress(self.url(self._server.port), address.password)
            trading, self._trading = self._trading, Trading(self._server, name)
            try:
                self._trading.sql("CREATE TABLE orders (id INT, status VARCHAR(20))")
                yield
            finally:
                self._trading.sql("DROP TABLE IF EXISTS orders")
                self._name, self.address, self._trading = usual, address, trading

    def kill(self) -> None:
        pid = self._pid
        os.kill(pid, signal.SIGKILL)
        # Until it has ended it may answer, and would then not be started again.
        for _ in range(400):
            if _has_ended(pid):
                return
            threading.Event().wait(0.1)
        raise AssertionError("the server does not end")

    def recover(self) -> None:
        if not _answers(lambda: self._server.ask("SELECT 1")):
            self._start()
        super().recover()

    def _start(self) -> None:
        as_user = []
        if os.getuid() == 0:
            as_user = [program("setpriv"), "--reuid=mysql", "--regid=mysql", "--clear-groups"]
            as_user.append("--pdeathsig=KILL")
        quiet = subprocess.DEVNULL
        process = subprocess.Popen(
            [*as_user, *self._command], stdin=quiet, stdout=quiet, stderr=quiet, cwd="/"
        )
        self._started.callback(process.wait, 15)
        self._started.callback(process.terminate)
        until_it_answers(lambda: self._server.ask("SELECT 1"))


@contextmanager
def postgresql_site(server: Server) -> Iterator[PostgreSQLSite]:
    """A site in a new database."""
    with new_database(server) as database:
        yield PostgreSQLSite(server, database)


@contextmanager
def mariadb_site(server: Server) -> Iterator[MariaDBSite]:
    """A site in a new database; the server is killed, and not used afterwards."""
    site = MariaDBSite(server)
    try:
        yield site
    finally:
        site.close()


class NoDiskError(Exception):
    """This user may not mount a disk."""


@contextmanager
def small_disk(place: Path, size: int, owner: int = -1) -> Iterator[Path]:
    """Mount a memory disk of a size in bytes.

    Raises:
        NoDiskError: The user may not mount it.
    """
    place.mkdir(exist_ok=True)
    options = f"size={size}" + (f",uid={owner},gid={owner},mode=700" if owner >= 0 else "")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "strongroom-test", str(place)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        place.rmdir()
        raise NoDiskError(mounted.stderr.strip())
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


def until_it_answers(ask: Callable[[], object]) -> None:
    """Wait until a server answers, at most 40 seconds."""
    for _ in range(400):
        if _answers(ask):
            return
        threading.Event().wait(0.1)
    raise AssertionError("the server does not answer")


def _has_ended(pid: int) -> bool:
    """Return whether a process has ended, also if its parent has not waited for it."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return fields[0] in "ZX"


def _answers(ask: Callable[[], object]) -> bool:
    with suppress(Exception):
        ask()
        return True
    return False
