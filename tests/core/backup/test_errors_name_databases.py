"""Errors of backups and restores name the database, its file, its table or the backup."""

from __future__ import annotations

import ast
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest
from helpers.backups import MemoryStore, backed_up, restored, trading_database

from core import errors
from core.backup.databases import open_database
from core.backup.databases.mysql import failures as mysql
from core.backup.databases.mysql.address import ServerAddress as MySQLAddress
from core.backup.databases.postgresql import failures as postgresql
from core.backup.databases.postgresql.address import ServerAddress as PostgreSQLAddress
from core.backup.databases.sqlite.connection import open_file
from core.backup.databases.sqlite.failures import CAUSES, Cause, translate_sqlite_errors
from core.backup.package import fetch_package
from core.errors import Corrupt, DatabaseError, StorageError
from core.work import Work

_CODE = Path(errors.__file__).parent / "backup"


@pytest.mark.parametrize("row", CAUSES, ids=[row.summary for row in CAUSES])
def test_every_error_of_sqlite_names_the_file(row: Cause) -> None:
    error = apsw.exception_for(row.codes[0])
    for message in (
        "malformed database schema (t)", "unsupported file format", "no such function: f",
        "no such collation sequence: c", "no such module: m", "unsafe use of f", "no such table: t",
        "anything else",
    ):  # fmt: skip
        error.args = (message,)
        with (
            pytest.raises(DatabaseError, match="/data/shop") as found,
            translate_sqlite_errors("/data/shop.db"),
        ):
            raise error
        assert "{name}" not in str(found.value)


_MYSQL_CODES = sorted(
    {code for codes, _ in mysql._GROUPS for code in codes}
    | set(mysql._WRONG_LOGIN)
    | {code for code in mysql._CONNECTION_ERRORS if isinstance(code, int)}
    | set(mysql._MISSING)
    | set(mysql._REMEDIES)
    | {9999}
)
_POSTGRESQL_CODES = sorted(
    {*postgresql._REMEDIES, *postgresql._WRONG_LOGIN, *postgresql._BY_CODE}
    | {*postgresql._MISSING, postgresql._LOCKED, "XX000"}
)


@pytest.mark.parametrize("code", _MYSQL_CODES)
def test_every_error_of_mariadb_names_the_database(code: int) -> None:
    address = MySQLAddress.parse("mysql://anna@db.example:1234/shop")
    assert address.place in str(mysql.server_error(code, "it failed", address))


@pytest.mark.parametrize("code", _POSTGRESQL_CODES)
def test_every_error_of_postgresql_names_the_database(code: str) -> None:
    address = PostgreSQLAddress.parse("postgresql://anna@db.example:1234/shop")
    assert address.place in str(postgresql.server_error({"C": code, "M": "it failed"}, address))


def _damaged(path: Path, seed: int) -> None:
    """Cut a file, or overwrite a part of it."""
    chance = random.Random(seed)
    data = bytearray(path.read_bytes())
    if seed % 3 == 0:
        data = data[: chance.randrange(100, len(data))]
    else:
        start = chance.randrange(100 if seed % 3 == 1 else 0, len(data) - 4096)
        data[start : start + 6000] = chance.randbytes(6000)
    path.write_bytes(data)


@pytest.mark.parametrize("seed", range(24))
def test_errors_about_a_damaged_file_name_it(store: MemoryStore, tmp_path: Path, seed: int) -> None:
    good = trading_database(tmp_path / "good.db", 2_000)
    backup = backed_up(store, good, "orders")
    path = trading_database(tmp_path / "ledger.db", 2_000)
    _damaged(path, seed)
    before = path.read_bytes()

    def tables() -> None:
        with open_database(str(path)) as database:
            database.tables()

    reasons = []
    for use in (
        tables, lambda: backed_up(store, path, "orders"), lambda: restored(store, backup, path)
    ):  # fmt: skip
        path.write_bytes(before)
        try:
            use()
        except StorageError as error:
            reasons.append(error.reason)
    assert all(str(path) in reason for reason in reasons), reasons


def test_a_cut_and_an_overwritten_file_are_reported_by_their_names(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = trading_database(tmp_path / "ledger.db", 2_000)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size // 2)
    with pytest.raises(DatabaseError) as found:
        backed_up(store, path, "orders")
    assert found.value.summary == f"The database file {path} is damaged"
    path.write_bytes(b"rubbish" * 1000)
    with pytest.raises(DatabaseError, match=f"The file {path} is not an SQLite database"):
        open_file(path)


def test_errors_about_the_rows_of_a_backup_name_it(store: MemoryStore, tmp_path: Path) -> None:
    backup = backed_up(store, trading_database(tmp_path / "shop.db"), "orders")
    with (
        pytest.raises(Corrupt, match=f"The backup is {backup.id} of orders"),
        fetch_package(store, backup, None, Work()),
    ):
        raise Corrupt("A row of the backup is incomplete")


def test_errors_about_a_schema_name_the_table(tmp_path: Path) -> None:
    path = tmp_path / "odd.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE stock(a, b)")
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute("UPDATE sqlite_schema SET sql = 'CREATE TABLE stock(a, b DEFAULT (1 /* '")
    connection.commit()
    connection.close()
    with open_database(str(path)) as database, pytest.raises(StorageError) as found:
        database.schema("stock")
    assert "stock" in found.value.reason


#: Modules whose errors pass `naming_backup`, `naming_table` or the listing, which name the backup
#: or the table, and those whose errors are about an argument of the caller instead of a database.
_NAMED_OUTSIDE = (
    "conversion/", "databases/mysql/load.py", "databases/mysql/long_lines.py",
    "databases/mysql/rows.py", "databases/mysql/tokens.py", "databases/mysql/writer.py",
    "databases/sqlite/ddl/", "databases/sqlite/load.py", "databases/sqlite/long_lines.py",
    "databases/sqlite/rows.py", "databases/sqlite/tokens.py", "encryption.py", "listing.py",
    "manifest.py", "old_form.py", "package.py",
)  # fmt: skip
_OF_ARGUMENTS = frozenset(("InvalidInput", "Cancelled"))
_SUBJECTS = ("databases/", "comparison", "package", "restore", "run.py", "resume")


def _errors_without_names(path: Path) -> Iterator[str]:
    classes = {name for name, found in vars(errors).items() if isinstance(found, type)}
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args):
            continue
        if node.func.id not in classes or node.func.id in _OF_ARGUMENTS:
            continue
        texts = [node.args[0], *(k.value for k in node.keywords if k.arg in ("cause", "remedy"))]
        if all(isinstance(text, ast.Constant) for text in texts):
            yield f"{path.relative_to(_CODE)}:{node.lineno} {ast.unparse(node.args[0])}"


#: The cause of these names the file, or `naming_table` the table.
_CAUSES_THAT_NAME = ("connection.py", "reader.py")


def test_no_summary_of_an_error_of_an_engine_is_a_constant() -> None:
    """A cause that names a column or a size does not name the table."""
    found = [
        f"{path.name}:{node.lineno}"
        for path in sorted((_CODE / "databases").rglob("*.py"))
        if path.name not in _CAUSES_THAT_NAME
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args
        and node.func.id in ("DatabaseError", "NotSupported", "Conflict", "NotFound")
        and isinstance(node.args[0], ast.Constant)
    ]  # fmt: skip
    assert not found


def test_no_error_about_a_database_is_a_constant() -> None:
    found = [
        text
        for path in sorted(_CODE.rglob("*.py"))
        if str(path.relative_to(_CODE)).startswith(_SUBJECTS)
        and not str(path.relative_to(_CODE)).startswith(_NAMED_OUTSIDE)
        for text in _errors_without_names(path)
    ]
    assert not found
