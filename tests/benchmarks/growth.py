"""How time and memory of a backup and a restore grow from 1,000,000 to 10,000,000 rows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.figures import Figure

SMALL, LARGE = 1_000_000, 10_000_000
#: The larger table may take so many times as long, and each process so many MB.
MOST_RATIO, MOST_MB = 11.0, 300.0

_CODE = """
import sys
from pathlib import Path
root, operation, url, folder, table = sys.argv[1:]
sys.path[:0] = [root, root + "/tests"]
from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.listing import backups_in
from core.backup.restore import Choices, restore_of
from core.backup.run import back_up
from core.redaction import Secret
from core.work import Work
from helpers.folder_store import FolderStore
store, password = FolderStore(Path(folder)), sys.stdin.read()
address = DatabaseAddress(url, Secret(password) if password else None)
if operation == "backup":
    with open_database(address) as source:
        back_up(store, source, [table], "", Work())
else:
    (backup,) = backups_in(store, table, Work())
    report = restore_of(store, backup, address, Choices("restored"), Work())
    assert report.verified.startswith("verified (SHA-256"), report.verified
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


@dataclass(frozen=True)
class Source:
    """A database; `make` creates a table with so many rows, `drop` removes one.

    `peer` is the name of a tool that loads its own dump, which `dump` writes and `load` reads: how
    its time grows shows what the server and the disk contribute.
    """

    engine: str
    url: str
    password: str
    make: Callable[[str, int], None]
    drop: Callable[[str], None]
    peer: str = ""
    dump: Callable[[str, Path], None] | None = None
    load: Callable[[Path], None] | None = None


@dataclass(frozen=True)
class Run:
    """Wall time and processor time of a process in seconds, and its peak memory in MB."""

    seconds: float
    processor: float
    memory: float


def sqlite() -> Iterator[Figure]:
    """Yield the figures of SQLite."""
    with tempfile.TemporaryDirectory() as name:
        yield from _figures(sqlite_source(Path(name) / "trading.db"), Path(name))


def sqlite_long() -> Iterator[Figure]:
    """Yield time and memory of SQLite with three random values of 100 MB, binary and text."""
    for kind, value in (("binary", "randomblob(100000000)"), ("text", "hex(randomblob(50000000))")):
        with tempfile.TemporaryDirectory() as name:
            folder, path = Path(name), Path(name) / "trading.db"
            source = sqlite_source(path)
            _execute(path, "CREATE TABLE long (id INTEGER PRIMARY KEY, v, n INT)")
            for number in range(3):
                _execute(path, f"INSERT INTO long VALUES ({number}, {value}, {number})")
            for operation in ("backup", "restore"):
                run = _run(source, operation, folder, "long")
                yield Figure(
                    f"memory of a {operation} of SQLite, {kind} values of 100 MB", run.memory, "MB",
                    MOST_MB, note=f"({run.seconds:.1f} s, processor time {run.processor:.1f} s)",
                )  # fmt: skip


def postgresql() -> Iterator[Figure]:
    """Yield the figures of PostgreSQL."""
    with postgresql_source() as source, tempfile.TemporaryDirectory() as name:
        yield from _figures(source, Path(name))


def mariadb() -> Iterator[Figure]:
    """Yield the figures of MariaDB."""
    with mariadb_source() as source, tempfile.TemporaryDirectory() as name:
        yield from _figures(source, Path(name))


def _figures(source: Source, folder: Path) -> Iterator[Figure]:
    runs = {rows: _runs(source, folder, rows) for rows in (SMALL, LARGE)}
    for operation in ("backup", "restore"):
        small, large = runs[SMALL][operation], runs[LARGE][operation]
        yield Figure(
            f"{operation} of {source.engine}, 10 M : 1 M rows", large.seconds / small.seconds, "x",
            MOST_RATIO, note=f"({large.seconds:.1f} s : {small.seconds:.1f} s; processor time "
            f"{large.processor:.1f} s : {small.processor:.1f} s"
            f"{_peer(source, runs) if operation == 'restore' else ''})",
        )  # fmt: skip
        yield Figure(
            f"memory of a {operation} of 10 M rows of {source.engine}", large.memory, "MB", MOST_MB,
            note=f"({small.memory:.0f} MB for 1 M rows)",
        )  # fmt: skip


def _peer(source: Source, runs: dict[int, dict[str, Run]]) -> str:
    if not source.peer:
        return ""
    small, large = runs[SMALL]["peer"].seconds, runs[LARGE]["peer"].seconds
    return f"; {source.peer} {large / small:.2f} x, {large:.1f} s : {small:.1f} s"


def _runs(source: Source, folder: Path, rows: int) -> dict[str, Run]:
    store, table = folder / f"store{rows}", f"orders_{rows}"
    store.mkdir()
    source.make(table, rows)
    runs = {"backup": _run(source, "backup", store, table)}
    if source.dump is not None:
        source.dump(table, folder / "dump.sql")
    source.drop(table)
    runs["restore"] = _run(source, "restore", store, table)
    source.drop("restored")
    if source.load is not None:
        began = time.perf_counter()
        source.load(folder / "dump.sql")
        runs["peer"] = Run(time.perf_counter() - began, 0.0, 0.0)
        source.drop(table)
        (folder / "dump.sql").unlink()
    shutil.rmtree(store)
    return runs


def _run(source: Source, operation: str, store: Path, table: str) -> Run:
    """Run an operation in a new process, and return what it took."""
    root = str(Path(__file__).parents[2])
    arguments = [sys.executable, "-c", _CODE, root, operation, source.url, str(store), table]
    home = {**os.environ, "STRONGROOM_HOME": str(store / "home")}
    began = time.perf_counter()
    process = subprocess.Popen(arguments, env=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(source.password.encode())
    process.stdin.close()
    # Not `ru_maxrss`, which counts the memory of this process before the other program starts.
    peak = process.stdout.read()
    process.stdout.close()
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        message = f"{operation} of {source.engine} failed with {process.returncode}"
        raise SystemExit(message)
    return Run(took, usage.ru_utime + usage.ru_stime, int(peak) / 1024)


def _execute(path: Path, text: str) -> None:
    import apsw

    connection = apsw.Connection(str(path))
    connection.execute(text)
    connection.close()


def sqlite_source(path: Path) -> Source:
    """Return a new file."""

    def make(table: str, rows: int) -> None:
        _execute(
            path,
            f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, user_id INT NOT NULL, symbol TEXT, side "
            "TEXT, price REAL, quantity REAL, status TEXT, created_at TEXT); "
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {rows}) "
            f"INSERT INTO {table} SELECT i, abs(random() % 5000), CASE i % 3 WHEN 0 THEN 'BTC-USD' "
            "WHEN 1 THEN 'ETH-USD' ELSE 'SOL-USD' END, CASE random() % 2 WHEN 0 THEN 'buy' ELSE "
            "'sell' END, abs(random() % 6000000) / 100.0, abs(random() % 1000000) / 333333.0, "
            "'filled', datetime(1767225600 + i, 'unixepoch') FROM n",
        )

    return Source(
        "SQLite", str(path), "", make, lambda table: _execute(path, f"DROP TABLE {table}")
    )


@contextmanager
def postgresql_source() -> Iterator[Source]:
    """Start a server with a database."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from helpers.databases import running_postgresql
    from helpers.postgresql_tables import new_database

    def make(table: str, rows: int) -> None:
        database.script(
            f"CREATE TABLE {table} (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, "
            "user_id int NOT NULL, symbol text, side text, price numeric(18,2), quantity float8, "
            "status text, created_at timestamptz)",
            f"INSERT INTO {table} (user_id, symbol, side, price, quantity, status, created_at) SELECT "
            "random() * 5000, (ARRAY['BTC-USD','ETH-USD','SOL-USD'])[1 + i % 3], CASE WHEN random() "
            "< 0.5 THEN 'buy' ELSE 'sell' END, 10 + random() * 60000, random() * 3, 'filled', "
            f"timestamptz '2026-11-01' + i * interval '1 second' FROM generate_series(1, {rows}) i",
            f"ANALYZE {table}",
        )

    with (
        running_postgresql(shared_buffers="256MB", log_statement="none") as server,
        new_database(server) as database,
    ):
        yield Source(
            "PostgreSQL", database.address.url + "?sslmode=disable", database.password, make,
            lambda table: database.script(f"DROP TABLE {table}"),
        )  # fmt: skip


@contextmanager
def mariadb_source() -> Iterator[Source]:
    """Start a server with a database."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from helpers.databases import running_mariadb

    password = "of-the-benchmark"
    with running_mariadb(buffer_pool="256M", log_statements=False) as server:

        def make(table: str, rows: int) -> None:
            server.ask(
                f"CREATE TABLE bench.{table} (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, user_id "
                "INT NOT NULL, symbol VARCHAR(16), side VARCHAR(4), price DECIMAL(18,2), quantity "
                "DOUBLE, status VARCHAR(12), created_at DATETIME, KEY user_id (user_id))"
            )
            server.ask(
                f"INSERT INTO bench.{table} SELECT seq, FLOOR(RAND(7)*5000), "
                "ELT(1+seq%%3,'BTC-USD','ETH-USD','SOL-USD'), IF(RAND(8)<0.5,'buy','sell'), "
                "ROUND(10+RAND(9)*60000,2), RAND(10)*3, 'filled', '2026-01-01'+INTERVAL seq SECOND "
                f"FROM bench.seq_1_to_{rows}"
            )

        server.ask("CREATE DATABASE bench CHARACTER SET utf8mb4")
        server.ask("CREATE USER bench@'%%' IDENTIFIED BY %s", password)
        server.ask("GRANT ALL ON bench.* TO bench@'%%'")
        # Through the socket, as the administrator without a password.
        login = ["--no-defaults", f"--socket={server.folder}/sock", "--user=root"]

        def dump(table: str, file: Path) -> None:
            command = ["mariadb-dump", *login, "--single-transaction", "bench", table]
            with file.open("wb") as output:
                subprocess.run(command, stdout=output, check=True)

        def load(file: Path) -> None:
            with file.open("rb") as dumped:
                subprocess.run(["mariadb", *login, "bench"], stdin=dumped, check=True)

        yield Source(
            "MariaDB", f"mysql://bench@127.0.0.1:{server.port}/bench", password, make,
            lambda table: server.ask(f"DROP TABLE bench.{table}"), "mariadb < mariadb-dump", dump, load,
        )  # fmt: skip
