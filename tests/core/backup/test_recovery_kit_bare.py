"""The recovery kit in a bare root folder restores tables of all three engines."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from helpers.backups import MemoryStore, backed_up, sql
from helpers.bare_root import BareRoot
from helpers.databases import Server, mariadb_server, postgresql_server  # noqa: F401 - fixtures
from helpers.postgresql_tables import new_database, trading
from helpers.recovery import copied

from tests.core.backup.mariadb.conftest import PASSWORD
from tests.core.backup.mariadb.conftest import Trading as Shop
from tests.core.backup.mariadb.conftest import trading as shop  # noqa: F401 - fixture

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="namespaces are a part of Linux")


@pytest.fixture
def bare(tmp_path: Path) -> BareRoot:
    root = BareRoot(tmp_path / "bare")
    found = root.run("--help")
    assert found.returncode == 0, found.stderr
    assert sorted(one.name for one in (root.root / "bin").iterdir()) == ["mariadb", "psql", "zstd"]
    return root


def test_sqlite(bare: BareRoot, store: MemoryStore, path: Path) -> None:
    backed_up(store, path, "orders")
    copied(store, bare.work / "copy")
    done = bare.run("restore", "orders", "--folder", "/inside/copy", "--sqlite", "/inside/new.db")
    assert (done.returncode, done.stderr) == (0, "")
    rows = "SELECT * FROM orders ORDER BY id"
    assert sql(bare.work / "new.db", rows) == sql(path, rows)


def test_postgresql(
    bare: BareRoot,
    store: MemoryStore,
    postgresql_server: Server,  # noqa: F811 - the fixture
) -> None:
    with new_database(postgresql_server) as database:
        trading(database).back_up(store, "orders")
        before = database.content("orders")
        database.script("DROP TABLE orders CASCADE")
        copied(store, bare.work / "copy")
        password = database.password.replace("\\", "\\\\").replace(":", "\\:")
        (bare.work / "pgpass").write_text(f"*:*:*:*:{password}\n")
        (bare.work / "pgpass").chmod(0o600)
        port = database.server.port
        options = f"-w -h 127.0.0.1 -p {port} -U {database.user} -d {database.name}"
        place = ("--folder", "/inside/copy", "--output", "/inside/out", f"--psql={options}")
        done = bare.run("restore", "orders", *place, PGPASSFILE="/inside/pgpass")
        assert done.returncode == 0, done.stderr
        assert database.content("orders") == before


def test_mariadb(bare: BareRoot, store: MemoryStore, shop: Shop) -> None:  # noqa: F811 - the fixture
    shop.sql(
        "CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, t TEXT, b BLOB)",
        "INSERT INTO orders (t, b) VALUES ('é\\'\\n', x'00ff'), (NULL, '')",
    )
    shop.backed_up(store, "orders")
    before = shop.everything()
    shop.sql("DROP TABLE orders")
    copied(store, bare.work / "copy")
    (bare.work / "client.cnf").write_text(f"[client]\npassword={PASSWORD}\n")
    options = (
        f"--defaults-extra-file=/inside/client.cnf --protocol=TCP -h 127.0.0.1 "
        f"-P {shop.server.port} -u {shop.user} --skip-ssl {shop.name}"
    )
    place = ("--folder", "/inside/copy", "--output", "/inside/out", f"--mariadb={options}")
    done = bare.run("restore", "orders", *place)
    assert done.returncode == 0, done.stderr
    assert shop.everything() == before
