"""Tables of each engine, backed up to independent S3 servers and restored in one transaction."""

import json
from contextlib import contextmanager

import pytest
from helpers.backups import sql
from helpers.databases import mariadb_server, postgresql_server
from helpers.keyrings import memory_keyring
from helpers.postgresql_tables import new_database
from helpers.s3_servers import heavy_servers

from core.errors import ErrorKind
from tests.core.backup.mariadb.conftest import PASSWORD
from tests.core.backup.mariadb.conftest import trading as shop

__all__ = ["mariadb_server", "postgresql_server", "shop"]

pytestmark = pytest.mark.parametrize("s3_server", heavy_servers(), indirect=True)

_TABLES = (
    "CREATE TABLE p1 (id INTEGER PRIMARY KEY, name VARCHAR(20))",
    """CREATE TABLE c1 (id INTEGER PRIMARY KEY, p INTEGER,
        CONSTRAINT c1_p FOREIGN KEY (p) REFERENCES p1 (id))""",
    "INSERT INTO p1 VALUES (1, 'é'), (2, NULL)",
    "INSERT INTO c1 VALUES (7, 1), (8, 2)",
)
_CHANGES = ("DELETE FROM c1", "DELETE FROM p1", "INSERT INTO p1 VALUES (9, 'new')")
_PARTS = "backups/database/c1/"
_BEFORE, _AFTER = [(7, 1), (8, 2)], []
#: The option, where the engine can roll back the exchange of tables.
_TOGETHER = "--single-transaction"


@pytest.fixture(autouse=True)
def keyring_in_memory(monkeypatch):
    yield from memory_keyring(monkeypatch)


class Source:
    """A database: its address on the command line, its password, and statements apart from ours."""

    def __init__(self, address, password, ask, options=(_TOGETHER,)):
        self.address, self.password, self.options = str(address), password, options
        self._ask = ask
        for statement in _TABLES:
            ask(statement)

    def change(self):
        for statement in _CHANGES:
            self._ask(statement)

    def rows(self):
        return [tuple(row) for row in self._ask("SELECT * FROM c1 ORDER BY id")]

    def tables(self):
        return len(self._ask(self.listing))

    listing = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"


@contextmanager
def _postgresql(server):
    with new_database(server) as made:

        def ask(statement):
            return made.run(statement)

        yield Source(made.address.url, made.password, ask)


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def source(request, tmp_path):
    if request.param == "sqlite":
        made = Source(tmp_path / "shop.db", "", lambda text: sql(tmp_path / "shop.db", text))
        made.listing = "SELECT name FROM sqlite_schema WHERE type = 'table'"
        yield made
    elif request.param == "postgresql":
        with _postgresql(request.getfixturevalue("postgresql_server")) as made:
            yield made
    else:
        trading = request.getfixturevalue("shop")
        made = Source(trading.address.url, PASSWORD, trading.sql, options=())
        made.listing = "SHOW TABLES"
        yield made


@pytest.fixture
def logged_in(source, run, feed):
    """The database after its backup; only this test's server has the backup."""
    if source.password:
        feed(source.password.encode())
        run("database", "login", source.address)
    made = json.loads(run("backup", source.address, "--all-tables", "--json").out)
    assert made["verdict"].startswith("verified (")
    source.change()
    return source


def test_tables_are_restored_together_and_undone(logged_in, run):
    address = logged_in.address
    shown = run("restore", address, "p1", "c1", *logged_in.options)
    assert shown.out.index("over p1") < shown.out.index("over c1")
    assert logged_in.rows() == _AFTER
    done = json.loads(
        run("restore", address, "p1", "c1", *logged_in.options, "--yes", "--json").out
    )
    assert [one["table"] for one in done["tables"]] == ["p1", "c1"]
    assert all(one["verified"].startswith("verified (SHA-256") for one in done["tables"])
    assert logged_in.rows() == _BEFORE
    for table in ("c1", "p1"):
        run("restore", address, table, "--undo", "--yes")
    assert logged_in.rows() == _AFTER
    for command in (("drill", "c1"), ("backups", "c1", "--verify")):
        more = ("--into", address) if command[0] == "drill" and logged_in.password else ()
        run(*command, *more)
    counted = json.loads(run("query", "c1", "SELECT count(*) FROM c1", "--json").out)
    assert counted["rows"] == [[2]]


@pytest.mark.parametrize("fault", ["altered", "missing"])
def test_a_broken_part_of_the_last_table_leaves_every_table_as_it_was(
    logged_in, run, s3_client, s3_bucket, fault
):
    tables = logged_in.tables()
    (key,) = [
        each["Key"]
        for each in s3_client.list_objects_v2(Bucket=s3_bucket, Prefix=_PARTS)["Contents"]
        if not each["Key"].endswith("_manifest.json")
    ]
    if fault == "missing":
        s3_client.delete_object(Bucket=s3_bucket, Key=key)
    else:
        data = bytearray(s3_client.get_object(Bucket=s3_bucket, Key=key)["Body"].read())
        data[len(data) // 2] ^= 1
        s3_client.put_object(Bucket=s3_bucket, Key=key, Body=bytes(data))
    broken = ErrorKind.CORRUPT.value
    failed = run("restore", logged_in.address, "p1", "c1", *logged_in.options, "--yes", code=broken)
    assert "c1" in failed.err
    if logged_in.options:
        assert "Nothing was restored." in failed.err
        assert logged_in.tables() == tables
    assert logged_in.rows() == _AFTER


@pytest.mark.parametrize("source", ["mariadb"], indirect=True)
def test_one_transaction_is_refused_where_tables_cannot_be_rolled_back(logged_in, run):
    refused = run(
        "restore", logged_in.address, "p1", "c1", _TOGETHER, "--yes",
        code=ErrorKind.NOT_SUPPORTED.value,
    )  # fmt: skip
    assert "MariaDB" in refused.err
    assert logged_in.rows() == _AFTER
