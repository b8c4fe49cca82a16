"""A database of every earlier schema is migrated to the newest without losing a row."""

import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from core.local.state.database import Database
from core.local.state.migrations import MIGRATIONS, migrate

ROOT = Path(__file__).resolve().parents[3]
#: SHA-256 of the SQL of each step. A step in use is never changed: databases have its result.
RELEASED: tuple[str, ...] = (
    "12e4aadaf18bc5aab45260f9950c2b3218026410518c9e8eaf6df8601bd6d8ab",
    "fe725e795052caf9dcb64d8511b70b360049f875c04d90d6bd022f7be34fa2e0",
    "ee87ec796b0726ad44a28e3ab3c6437c914898e62fefae0fb06aedd912a3cab9",
    "5811cc11d04ed3ebeebb8f7b31e67121157c2d169fe51d369deff5d44804908d",
    "330dcc192d58242551bd7db9c8ee21d87dafa2105088ea03192983fc44b4e365",
    "111f140991d2c9d86069cb1fff953c2e7caeef992b77f6a7b26f67cd126c30bf",
    "7697d4f12fcd395de8f3a1a74ab8e36900a5449e2190c8b4a7380804fa494de9",
    "32ef12c1c50470b0cc6b68f4a9a330aa25e2436eaa0c8f6244feaad5b5b8fdbd",
    "f1e3a0521af88ad74ab952b87d9817827ed6f7d8171fa7a6d1bb81edbaca4e9e",
    "aba2b002353a92c6b090908901aa4f29efda2ca6beb1c36e1c34ee23ada4673d",
    "fa4e293e6a1c57244db8390fff1ae9c21476be23a1d0b94bfbb2343fc690e2c7",
    "effe2dc67d06264dd120be993baa54a41dc82e4db213eef4e19bdf6eb3fc2850",
    "c4b3ad79a8bdc249fb1d359f138845576b213fc21c7e8f11005d6036926c1e7b",
    "0fe7c57de99e0c7597d6646f95104538ab5c4a9a5e63d1f4b3e0e730218a2cf6",
    "e5566cfd82207c739e78a1953c9f55e4737aa6f2bdffe2cc0614d0019c31292c",
    "2987c5df0579e40559e015b50ba08830f026c02dae4416eeccbb8163c94f16b5",
    "0bfa311c379665feff9e0ffce5e74f1f1191dbff93fdb664ad2eb302c9d5b1e7",
    "1c024c31758af5b7e0235d0b64faff9474c61426fca30e927539fae2728ec636",
    "d488d82657e801cb306e2489b3d85d7d1204ca5ad0894132ed2c0c365baf1c9b",
    "edc3d73a3121e77147e4dc16edeebdcf7aeec0d2ca6f32da570d82536ee750b2",
)
#: A row for each table, by the step that creates the table.
ROWS = {
    1: "INSERT INTO damaged_files VALUES ('p', 'm', 'r');"
    "INSERT INTO imported_files VALUES ('p', 'h', 's', 'm', 1, '[]', 't')",
    2: "INSERT INTO rotations VALUES ('i', 's', 'r')",
    3: "INSERT INTO transfers VALUES (7, 'i', NULL, 'm', 2, 'r');"
    "INSERT INTO transfer_files VALUES (7, 1, 0)",
    4: "INSERT INTO uploads VALUES (3, 'o', 'u', 'r')",
    5: "INSERT INTO profiles VALUES (1, 'n', 'r'); INSERT INTO current_profile VALUES (1, 'n')",
    6: "INSERT INTO settings VALUES ('k', '1')",
    7: "INSERT INTO links VALUES (1, 'b', 'k', 'GET', 'm', 'e', 'me', 'id', 1)",
    8: "INSERT INTO changes VALUES (1, 'm', 'p', 'k', 'a', 's', 'o', '[]', '')",
    9: "INSERT INTO used_actions VALUES ('p', 'a', 'f', 'l')",
    10: "INSERT INTO download_folders VALUES ('o', x'2f')",
    11: "INSERT INTO unfinished_backups VALUES (1, 'o', 'p', 'f');"
    "INSERT INTO verifications VALUES (1, 'p', 'k', 'h', 'm', 'o', '')",
    12: "INSERT INTO check_secrets VALUES (1, 'o', 'n', 'e', 'r', 'b')",
    13: "INSERT INTO statistics VALUES ('p', 'b', 0, x'7b7d')",
    14: "INSERT INTO former_lifecycle_rules VALUES (1, 'b', 'm', '{}')",
    15: "INSERT INTO drills VALUES (1, 'p', 'k', 'h', 'm', 't', 'v', '')",
    16: "INSERT INTO schedules VALUES ('n', '{}')",
    17: "INSERT INTO backup_runs VALUES ('n', 'o', '{}')",
    18: "INSERT INTO queue VALUES (7, 1, 0, '', '', '{}');"
    "INSERT INTO queue_files VALUES (7, 0, 0, '{}')",
    19: "INSERT INTO partial_downloads VALUES"
    " (x'2f61', x'2f62', 'e', 'b', 'k', '', 't', 3, 1, 'h', 'm')",
    20: "INSERT INTO link_versions VALUES (1, 'v')",
}
TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"


def contents(connection):
    """Return the rows of all tables by the table's name."""
    names = [name for (name,) in connection.execute(TABLES)]
    return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}


def made(path, version):
    """Create a database of an earlier schema with a row in each table."""
    connection = apsw.Connection(str(path))
    migrate(connection, path, MIGRATIONS[:version])
    for step in range(1, version + 1):
        connection.execute(ROWS[step])
    return connection


@pytest.fixture
def newest(tmp_path):
    connection = made(tmp_path / "newest.db", len(MIGRATIONS))
    yield connection
    connection.close()


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_each_earlier_schema_becomes_the_newest(tmp_path, newest, version):
    path = tmp_path / "state.db"
    earlier = made(path, version)
    before = contents(earlier)
    earlier.close()
    database = Database(path)
    assert database.rows(SCHEMA) == newest.execute(SCHEMA).fetchall()
    assert database.rows("PRAGMA user_version") == [(len(MIGRATIONS),)]
    assert database.rows("PRAGMA integrity_check") == [("ok",)]
    assert database.rows("PRAGMA foreign_key_check") == []
    with database.transaction() as connection:
        after = contents(connection)
        assert {name: after[name] for name in before} == before
    database.close()


def test_each_table_has_a_row_here_and_checks_its_types(newest):
    found = contents(newest)
    assert all(found.values()), "a new step needs a row in ROWS"
    strict = {name for (name,) in newest.execute("SELECT name FROM pragma_table_list WHERE strict")}
    assert set(found) <= strict


KILLED = """
import os, signal, sys
from pathlib import Path
import apsw
from core.local.state import migrations
path, step = Path(sys.argv[1]), int(sys.argv[2])
connection = apsw.Connection(str(path))
count = 0
def trace(cursor, sql, bindings):
    global count
    count += sql.startswith("PRAGMA user_version =")
    if count > step:
        os.kill(os.getpid(), signal.SIGKILL)
    return True
connection.exec_trace = trace
migrations.migrate(connection, path)
"""


@pytest.mark.parametrize("step", [0, 2, len(MIGRATIONS) - 1])
def test_a_kill_in_a_step_leaves_the_schema_before_it(tmp_path, newest, step):
    path = tmp_path / "state.db"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), str(step)], cwd=ROOT, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    left = apsw.Connection(str(path))
    assert left.pragma("user_version") == step
    left.close()
    database = Database(path)
    assert database.rows(SCHEMA) == newest.execute(SCHEMA).fetchall()
    database.close()


def test_a_step_that_was_released_is_never_changed():
    hashes = [hashlib.sha256(step.encode()).hexdigest() for step in MIGRATIONS]
    assert hashes[: len(RELEASED)] == list(RELEASED)


def test_each_step_is_recorded():
    assert len(RELEASED) == len(MIGRATIONS), "add the SHA-256 of the new step to RELEASED"
