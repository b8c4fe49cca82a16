"""What a MariaDB refuses, loses or hides, and what is reported about it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from helpers.backups import MemoryStore, with_other_content
from helpers.databases import program, running_mariadb

from core.backup.databases import open_database, origin_of
from core.backup.databases.address import DatabaseAddress
from core.backup.databases.mysql.session import Session
from core.backup.preview import preview_of
from core.backup.restore import BY_COUNT, BY_FINGERPRINT, BY_HASH
from core.errors import (
    Cancelled,
    Conflict,
    Corrupt,
    CredentialsInvalid,
    DatabaseError,
    InvalidInput,
    NotFound,
    NotSupported,
    Offline,
    StorageError,
)
from core.model.backup import Backup, BackupState
from core.redaction import Secret
from core.units import utc_now
from core.work import Progress, Work
from tests.core.backup.mariadb.conftest import PASSWORD, Trading

ORDERS = (
    (
        "CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, symbol VARCHAR(20) NOT NULL, price DECIMAL(18,8), "
        "raw BLOB, KEY (symbol))"
    ),
    "INSERT INTO orders (symbol, price, raw) SELECT CONCAT('S', seq), seq/7, UNHEX(HEX(seq)) FROM seq_1_to_2000",
)


@pytest.fixture
def orders(trading: Trading) -> Trading:
    trading.sql(*ORDERS)
    return trading


def test_a_read_only_user_backs_up_and_the_password_is_nowhere(
    orders: Trading, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    reader = Trading(orders.server, orders.name, user="reader")
    backup = reader.backed_up(store, "orders")
    assert backup.rows == 2000
    with reader.open() as database:
        assert [(t.name, t.rows, t.problem) for t in database.tables()] == [("orders", 2000, "")]
        processes = str(orders.sql("SHOW FULL PROCESSLIST"))
    shown = preview_of(store, backup, reader.address, 9, Work())
    assert (shown.difference.added, shown.difference.changed, shown.difference.removed) == (0, 0, 0)
    with pytest.raises(StorageError, match="refuses"):
        reader.restored(store, backup)
    written = str(store.metadata) + "".join(map(repr, store.objects.values()))
    assert PASSWORD not in caplog.text + written + processes
    assert PASSWORD.encode() not in b"".join(store.objects.values())
    manifest = json.loads(next(v for k, v in store.objects.items() if k.endswith("manifest.json")))
    assert manifest["fingerprint"].startswith("crc32-crc32c:2000:")
    logged = [line for line in orders.server.logs.splitlines() if PASSWORD in line]
    assert all("IDENTIFIED BY" in line for line in logged)


def test_a_preview_shows_rows_by_key(orders: Trading, store: MemoryStore) -> None:
    backup = orders.backed_up(store, "orders")
    orders.sql(
        "UPDATE orders SET symbol='new' WHERE id=5",
        "DELETE FROM orders WHERE id IN (1, 2)",
        "INSERT INTO orders (symbol) VALUES ('more')",
    )
    shown = preview_of(store, backup, orders.address, 9, Work())
    difference = shown.difference
    assert (difference.added, difference.changed, difference.removed) == (2, 1, 1)
    assert difference.by_key == ("id",)
    assert sorted(difference.added_rows) == ["1", "2"]
    assert len(difference.removed_rows) == 1
    (cell,) = difference.cells
    assert (cell.key, cell.column, cell.today, cell.backup) == ("5", "symbol", "new", "S5")
    orders.sql("ALTER TABLE orders DROP PRIMARY KEY, MODIFY id INT, ADD extra INT")
    assert preview_of(store, backup, orders.address, 9, Work()).drift


def test_a_table_without_a_key_and_one_with_a_unique_key(
    trading: Trading, store: MemoryStore
) -> None:
    trading.sql(
        "CREATE TABLE bag (a INT, b TEXT, KEY (a, b(9)))",
        "INSERT INTO bag VALUES (2, 'x'), (1, 'y'), (2, 'x'), (NULL, NULL)",
        "CREATE TABLE late (a INT, n BIGINT AUTO_INCREMENT, KEY (n)) AUTO_INCREMENT=77",
        "INSERT INTO late (a) VALUES (1), (2)",
    )
    for table in ("bag", "late"):
        before = trading.sql(f"SHOW CREATE TABLE {table}"), trading.rows(table)
        backup = trading.backed_up(store, table)
        trading.sql(f"DELETE FROM {table} WHERE a=2 LIMIT 1")
        shown = preview_of(store, backup, trading.address, 9, Work()).difference
        assert (shown.added, shown.changed, shown.removed) == (1, 0, 0)
        trading.restored(store, backup)
        assert (trading.sql(f"SHOW CREATE TABLE {table}"), trading.rows(table)) == before


def test_rows_that_are_too_long_for_one_text_are_read_by_column(
    trading: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    trading.sql(
        "CREATE TABLE big (id INT PRIMARY KEY, t LONGTEXT, b LONGBLOB, f FLOAT)",
        "INSERT INTO big VALUES (1, 'ü\\\\\\n', x'00', 0.1), (2, REPEAT('\\'\"x\\n', 900000), REPEAT(x'00ff', 4500000), 0.1), "
        "(3, 'é', NULL, NULL)",
    )
    before = trading.rows("big")
    backup = trading.backed_up(store, "big")
    report = trading.restored(store, backup)
    assert report.verified in (BY_HASH, BY_FINGERPRINT)
    assert trading.rows("big") == before


def test_a_value_that_cannot_be_read_is_an_error_and_not_null(
    trading: Trading, store: MemoryStore
) -> None:
    trading.sql(
        "CREATE TABLE big (id INT PRIMARY KEY, t LONGTEXT CHARACTER SET latin1)",
        "INSERT INTO big VALUES (1, REPEAT(x'e9', 10000000))",
    )
    with pytest.raises(DatabaseError, match="too long"):
        trading.backed_up(store, "big")
    assert not any(key.endswith("manifest.json") for key in store.objects)


def test_a_server_without_local_files_gets_inserts(
    orders: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = orders.everything()
    backup = orders.backed_up(store, "orders")
    orders.sql("DROP TABLE orders")
    orders.server.ask("SET GLOBAL local_infile=0")
    try:
        assert orders.restored(store, backup).verified == BY_FINGERPRINT
    finally:
        orders.server.ask("SET GLOBAL local_infile=1")
    assert orders.everything() == before


def test_the_snapshot_does_not_change_with_the_table(orders: Trading, store: MemoryStore) -> None:
    with orders.open() as source, source.snapshot():
        orders.sql("DELETE FROM orders WHERE id<1000", "UPDATE orders SET symbol='later'")
        pieces = b"".join(lines for _, lines in source.dump(source.schema("orders")))
        assert source.count("orders") == 2000
    assert b"later" not in pieces
    assert pieces.count(b"\n") == 2000


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("CREATE TABLE odd (a INT) ENGINE=MyISAM", "consistent"),
        ("CREATE TABLE odd (a INT) WITH SYSTEM VERSIONING", "versioning"),
        ("CREATE SEQUENCE odd", "sequence"),
        ("CREATE VIEW odd AS SELECT 1 AS a", "view"),
    ],
)
def test_a_table_that_cannot_be_restored_is_refused(
    trading: Trading, store: MemoryStore, statement: str, reason: str
) -> None:
    trading.sql(statement)
    with pytest.raises(NotSupported) as refused:
        trading.backed_up(store, "odd")
    assert reason in str(refused.value).lower()
    assert not store.objects


def test_partitions_come_back(trading: Trading, store: MemoryStore) -> None:
    trading.sql(
        "CREATE TABLE days (id INT, d DATE, PRIMARY KEY (id, d)) PARTITION BY RANGE (TO_DAYS(d)) "
        "SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (PARTITION `p 0` VALUES LESS THAN (737000) COMMENT 'x', "
        "PARTITION pm VALUES LESS THAN MAXVALUE)",
        "INSERT INTO days SELECT seq, '2010-01-01' + INTERVAL seq DAY FROM seq_1_to_5000",
    )
    before = trading.everything()
    backup = trading.backed_up(store, "days")
    trading.sql("DROP TABLE days")
    assert trading.restored(store, backup).verified == BY_FINGERPRINT
    assert trading.everything() == before


def test_an_old_form_backup_is_restored(orders: Trading, store: MemoryStore) -> None:
    records = [{"id": 1, "symbol": "A", "price": "1.5", "raw": None}, {"id": 2, "symbol": "B"}]
    body = {"table_name": "orders", "timestamp": "2026-01-01T00:00:00Z", "records": records}
    for table in ("orders", "others"):
        data = json.dumps({**body, "table_name": table}).encode()
        key = f"database-backups/{table}/old.json"
        store.objects[key] = data
        backup = Backup(
            "old", table, utc_now(), len(data), key=key, state=BackupState.OLD_FORM, rows=2,
        )  # fmt: skip
        report = orders.restored(store, backup)
        assert report.verified == BY_COUNT
        assert orders.sql(f"SELECT id, symbol, price FROM {table} ORDER BY id")[1][:2] == (2, "B")


def test_a_second_restore_waits_and_is_refused(
    orders: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.backup.databases.mysql.session._LOCK_SECONDS", 0)
    backup = orders.backed_up(store, "orders")
    before = orders.everything()
    with (
        orders.open(write=True) as first,
        first.change(work=Work()),
        pytest.raises(Conflict, match="Another restore"),
    ):
        orders.restored(store, backup)
    assert orders.everything() == before


def test_a_cancel_during_the_load_changes_nothing(orders: Trading, store: MemoryStore) -> None:
    backup = orders.backed_up(store, "orders")
    before = orders.everything()
    work = Work()

    def report(progress: Progress) -> None:
        if progress.note == "loading":
            work.token.cancel()

    from core.backup.restore import Choices, restore_of

    with pytest.raises(Cancelled):
        restore_of(store, backup, orders.address, Choices(), Work(work.token, report))
    assert orders.everything() == before


def test_a_missing_part_changes_nothing(orders: Trading, store: MemoryStore) -> None:
    backup = orders.backed_up(store, "orders")
    before = orders.everything()
    part = next(key for key in store.objects if not key.endswith("manifest.json"))
    data = store.objects.pop(part)
    with pytest.raises(NotFound):
        orders.restored(store, backup)
    store.objects[part] = data[:-1] + b"x"
    with pytest.raises(Corrupt):
        orders.restored(store, backup)
    assert orders.everything() == before


def test_a_killed_server_loses_nothing(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is killed during the load, and before and after the rename."""
    with running_mariadb() as server:
        server.ask("CREATE DATABASE shop")
        server.ask("CREATE USER operator@'%%' IDENTIFIED BY %s", PASSWORD)
        server.ask("GRANT ALL ON *.* TO operator@'%%'")
        shop = Trading(server, "shop")
        shop.sql(*ORDERS, "CREATE TABLE fills (id INT, FOREIGN KEY (id) REFERENCES orders (id))")
        backup = shop.backed_up(store, "orders")
        shop.sql("UPDATE orders SET symbol='x' WHERE id=7")
        before = shop.everything()
        command = Path(f"/proc/{_pid(server)}/cmdline").read_bytes().decode().split("\0")[:-1]
        started: list[subprocess.Popen[bytes]] = []
        try:
            for statement in ("LOAD DATA", "RENAME TABLE", "ALTER TABLE `fills`"):
                with monkeypatch.context() as patch:
                    _kill_before(patch, statement, server)
                    with pytest.raises(StorageError):
                        shop.restored(store, backup)
                started.append(_start_again(command, server))
                with shop.open(write=True) as database, database.change(work=Work()):
                    pass
                formers = [t for t in shop.tables() if "__before" in t and "__note" not in t]
                for former in formers:
                    assert shop.sql("SELECT symbol FROM orders WHERE id=7") == (("S7",),)
                    with shop.open(write=True) as database, database.change(work=Work()):
                        database.undo(former)
                # A server that was killed computes the next numbers again.
                found, expected = (
                    re.sub(r" AUTO_INCREMENT=\d+", "", str(c)) for c in (shop.everything(), before)
                )
                assert found == expected, statement
        finally:
            for process in started:
                process.kill()
                process.wait(10)


def _pid(server: Any) -> int:
    return int((server.folder / "pid").read_text())


def _kill_before(patch: pytest.MonkeyPatch, start: str, server: Any) -> None:
    originals = {name: getattr(Session, name) for name in ("query", "load")}
    killed: list[int] = []

    def wrapped(name: str) -> Any:
        def call(self: Session, statement: str, *rest: Any) -> Any:
            if statement.startswith(start) and not killed:
                killed.append(_pid(server))
                os.kill(killed[0], signal.SIGKILL)
            return originals[name](self, statement, *rest)

        return call

    for name in originals:
        patch.setattr(Session, name, wrapped(name))


def _start_again(command: list[str], server: Any) -> subprocess.Popen[bytes]:
    as_user = []
    if os.getuid() == 0:
        as_user = [program("setpriv"), "--reuid=mysql", "--regid=mysql", "--clear-groups"]
        as_user.append("--pdeathsig=KILL")
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([*as_user, *command], stdin=quiet, stdout=quiet, stderr=quiet)
    for _ in range(400):
        try:
            server.ask("SELECT 1")
        except OSError:
            threading.Event().wait(0.05)
        else:
            break
    return process


def test_what_cannot_be_opened_is_explained(trading: Trading) -> None:
    port = trading.server.port
    with pytest.raises(CredentialsInvalid) as refused:
        open_database(DatabaseAddress(f"mysql://operator@127.0.0.1:{port}/x", Secret("wrong-pw-1")))
    assert "wrong-pw-1" not in str(refused.value) + refused.value.subject
    with pytest.raises(NotFound):
        open_database(_missing(trading))
    with pytest.raises(Offline):
        open_database("mysql://a@127.0.0.1:1/b")
    with pytest.raises(Offline, match="does not support TLS"):
        open_database(DatabaseAddress(trading.address.url + "?tls=verify", Secret(PASSWORD)))
    for url in ("mysql://127.0.0.1/", "mysql://a@h/b?tls=maybe", "mysql://a@h/b?x=1"):
        with pytest.raises(InvalidInput):
            open_database(url)
    origin = origin_of("mariadb://a:b@h:5/c")
    assert (origin.engine, origin.host, origin.path) == ("MariaDB", "h:5", "c")


def _missing(trading: Trading) -> DatabaseAddress:
    trading.server.ask("GRANT ALL ON `nothing`.* TO operator@'%%'")
    return DatabaseAddress(trading.address.url.replace(trading.name, "nothing"), Secret(PASSWORD))


def test_rows_that_are_not_those_of_the_manifest_change_nothing(
    orders: Trading, store: MemoryStore
) -> None:
    """They are noticed after the last row was sent, before the server stores any."""
    forged = with_other_content(store, orders.backed_up(store, "orders"))
    before = orders.everything()
    with pytest.raises(Corrupt, match="do not match its manifest"):
        orders.restored(store, forged)
    assert orders.everything() == before
