"""Passwords in `~/.pgpass` and `~/.my.cnf`: read as the databases' own programs read them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from helpers.databases import Server, mariadb_server, postgresql_server, program
from helpers.postgresql_tables import Database, new_database

from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress, resolve_address, store_password
from core.backup.databases.mysql.address import ServerAddress as MariaDBAddress
from core.backup.databases.password_files import password_of_option_file, password_of_pgpass
from core.backup.databases.postgresql.address import ServerAddress
from core.backup.databases.url import DatabaseUrl
from core.errors import DatabaseLoginRefused
from core.local.vault import SessionVault
from core.redaction import Secret
from core.work import Work

__all__ = ["mariadb_server", "postgresql_server"]

#: Characters that are special in one of the files, in a URL or in a shell.
PASSWORD = r"s3cret:with\odd 'chars' \"#$x"
#: PostgreSQL's password files. NAME, PORT, USER and SECRET are replaced; the last one is escaped.
PGPASS = {
    "exact": "127.0.0.1:PORT:NAME:USER:SECRET\n",
    "stars": "*:*:*:*:SECRET\n",
    "no end of line": "*:*:*:*:SECRET",
    "Windows": "*:*:*:*:SECRET\r\n",
    "the first line that matches": "*:*:other:*:wrong\n*:*:NAME:*:SECRET\n*:*:*:*:wrong\n",
    "an earlier line": "*:*:*:*:wrong\n127.0.0.1:PORT:NAME:USER:SECRET\n",
    "a comment": "# *:*:*:*:wrong\n#:*:*:*:wrong\n*:*:*:USER:SECRET\n",
    "a line of too few fields": "*:*:NAME\n\n*:*:*:*:SECRET\n",
    "an escaped letter": "127.0.0.\\1:*:*:*:SECRET\n",
    "an escaped star": "\\*:*:*:*:SECRET\n",
    "another host": "localhost:*:*:*:SECRET\n",
    "another user": "*:*:*:USERx:SECRET\n",
    "a space": " *:*:*:*:SECRET\n",
    "nothing": "",
    "no password": "*:*:*:*:\n",
    "a fifth field": "*:*:*:*:SECRET:wrong\n",
    "a backslash at the end": "*:*:*:*:SECRET\\\n",
    "a comment in another encoding": "# B\udcfcro\n*:*:*:*:SECRET\n",
}
#: Option files of MariaDB; SECRET is replaced by the password in double quotes.
OPTIONS = {
    "quoted": "[client]\npassword=SECRET\n",
    "spaces": "[client]\n  password =   SECRET  \n",
    "a comment behind it": "[client]\npassword = SECRET # the password\n",
    "comments": "# password=x\n[client]\n;password=y\n#password=z\npassword=SECRET\n",
    "the last one": "[client]\npassword=wrong\n[mysqld]\npassword=wrong\n[client]\npassword=SECRET\n",
    "a group of the server behind it": "[client]\npassword=SECRET\n[mysqld]\npassword=wrong\n",
    "another group": "[mysqld]\npassword=SECRET\n",
    "the group of MariaDB's clients": "[client-mariadb]\npassword=SECRET\n",
    "a later group": "[client-mariadb]\npassword=SECRET\n[client]\npassword=wrong\n",
    "no value": "[client]\npassword\n",
    "Windows": "[client]\r\npassword=SECRET\r\n",
    "not quoted": "[client]\npassword=wrong\n",
    "a comment behind the group": "[client] # mine\npassword=SECRET\n",
    "a space before the group": "[ client]\npassword=SECRET\n",
    "text behind the quotes": "[client]\npassword=SECRETx\n",
    "a comment in another encoding": "# B\udcfcro\n[client]\npassword=SECRET\n",
}


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_bytes(text.encode(errors="surrogateescape"))
    path.chmod(mode)
    return path


@pytest.fixture(scope="module")
def postgresql(postgresql_server: Server) -> Iterator[Database]:
    with new_database(postgresql_server) as made:
        quoted = PASSWORD.replace("'", "''")
        postgresql_server.ask(f"ALTER ROLE {made.user} PASSWORD '{quoted}'")
        yield made


@pytest.fixture(scope="module")
def mariadb(mariadb_server: Server) -> str:
    """A URL of a user with the password."""
    user = f"reader_{uuid4().hex[:8]}"
    mariadb_server.ask("CREATE USER %s@'%%' IDENTIFIED BY %s", user, PASSWORD)
    mariadb_server.ask("GRANT SELECT ON trading.* TO %s@'%%'", user)
    return f"mysql://{user}@127.0.0.1:{mariadb_server.port}/trading"


def logs_in(url: str) -> bool:
    try:
        open_database(url).close()
    except DatabaseLoginRefused:
        return False
    return True


@pytest.mark.parametrize("text", PGPASS.values(), ids=PGPASS)
def test_a_password_file_means_the_same_as_to_psql(postgresql: Database, text: str) -> None:
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    values = {
        "PORT": str(postgresql.server.port), "NAME": postgresql.name, "USER": postgresql.user,
        "SECRET": escaped,
    }  # fmt: skip
    for name, value in values.items():
        text = text.replace(name, value)
    write(Path.home() / ".pgpass", text)
    url = postgresql.address.url
    psql = subprocess.run(
        ["psql", "-qw", url, "-c", "SELECT 1"], capture_output=True, check=False, timeout=60
    )
    assert logs_in(url) is (psql.returncode == 0), psql.stderr


@pytest.mark.parametrize("text", OPTIONS.values(), ids=OPTIONS)
def test_an_option_file_means_the_same_as_to_mariadb(mariadb: str, text: str) -> None:
    quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
    write(Path.home() / ".my.cnf", text.replace("SECRET", f'"{quoted}"'))
    address = MariaDBAddress.parse(mariadb)
    login = ["-h", address.host, "-P", str(address.port), "-u", address.user, address.database]
    client = subprocess.run(
        ["mariadb", *login, "-e", "SELECT 1"], capture_output=True, check=False, timeout=60
    )
    assert logs_in(mariadb) is (client.returncode == 0), client.stderr


@pytest.mark.parametrize(
    "value",
    [
        "it's#1", "a#b", "a # b", '"a#b" # c', "'a#b'", '"a"b"', '"abc"def', '"abc', "'\"'",
        r'"a\"b#c"', r"a\"b#c", r"a\\b", r"a\qb", "a\\", '"a\\"', r"\sa\s", "a;b", "a=b", '"',
        "' a '", "a'b'#c", "''",
    ],
)  # fmt: skip
def test_a_value_means_the_same_as_to_mariadb(value: str) -> None:
    path = write(Path.home() / ".my.cnf", f"[client]\npassword = {value}\n")
    printed = subprocess.run(
        [program("my_print_defaults"), f"--defaults-file={path}", "client"],
        capture_output=True, check=True, text=True, timeout=60,
    )  # fmt: skip
    expected = printed.stdout.removeprefix("--password=").removesuffix("\n")
    found = password_of_option_file(MariaDBAddress.parse("mysql://ada@h/trading")).password
    assert (found.reveal() if found else "") == expected


#: Option files that include others; DIR is the folder of these.
INCLUDES = [
    "[client]\nuser=ada\n!include DIR/one.cnf\npassword=top\n",
    "[client]\npassword=top\n  !include   DIR/one.cnf  \n",
    "[client]\npassword=top\n! include\tDIR/one.cnf\n",
    "[mysqld]\n!include DIR/one.cnf\npassword=wrong\n",
    "!include DIR/one.cnf\n!includedir DIR/more.d\n",
    "!includedir DIR/more.d/\n!include DIR/nested.cnf\n",
    "[client]\npassword=top\n!include DIR/one.cnf # no comment\n!includes DIR/one.cnf\n",
    "[client]\npassword=top\n!include DIR/missing.cnf\n!include 'DIR/one.cnf'\n",
    "[client]\npassword=top\n!include DIR/everyone.cnf\n",
    "[client]\npassword=top\n!include DIR/itself.cnf\n",
    "[client]\npassword=top\n#!include DIR/one.cnf\n",
    "!include one.cnf\n",
]


@pytest.mark.parametrize("text", INCLUDES)
def test_included_files_mean_the_same_as_to_mariadb(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(Path.home() / ".my.cnf", text.replace("DIR", str(tmp_path)))
    files = {
        "one.cnf": "one",
        **{f"more.d/{n}.cnf": str(n) for n in range(8)},
        "more.d/g.txt": "g", "more.d/h.cnf.bak": "h", "everyone.cnf": "everyone\nuser=bob",
    }  # fmt: skip
    (tmp_path / "more.d").mkdir()
    for name, password in files.items():
        write(tmp_path / name, f"[client]\npassword={password}\n")
    (tmp_path / "everyone.cnf").chmod(0o666)
    write(tmp_path / "nested.cnf", f"[client]\n!include {tmp_path}/one.cnf\nport=3306\n")
    write(tmp_path / "itself.cnf", f"!include {tmp_path}/itself.cnf\n[client]\npassword=deep\n")
    monkeypatch.chdir(tmp_path)
    printed = subprocess.run(
        [program("my_print_defaults"), f"--defaults-file={path}", "client"],
        capture_output=True, check=True, text=True, timeout=60,
    )  # fmt: skip
    options = dict(line[2:].split("=") for line in printed.stdout.splitlines())
    found = password_of_option_file(MariaDBAddress.parse("mysql://ada@h/trading"))
    assert found.password == Secret(options["password"])


def test_an_included_file_that_others_can_read_restricts_but_has_no_password(
    tmp_path: Path,
) -> None:
    included = write(tmp_path / "shared.cnf", "[client]\npassword=x\n")
    included.chmod(0o644)
    home = write(Path.home() / ".my.cnf", f"!include {included}\n")
    address = MariaDBAddress.parse("mysql://ada@h/trading")
    found = password_of_option_file(address)
    assert found.password is None
    assert found.missing.startswith(f"The password of {included} was not read: other users")
    home.write_text(f"[client]\npassword=own\n!include {included}\n")
    assert password_of_option_file(address).password == Secret("own")
    included.write_text("[client]\nhost=elsewhere\n")
    assert password_of_option_file(address).password is None


@pytest.mark.skipif(sys.platform == "win32", reason="a profile folder is always known there")
def test_a_user_without_home_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)  # raises KeyError, as for an unknown user
    found = password_of_pgpass(ServerAddress.parse("postgresql://ada@h/trading"), "trading")
    assert found.missing == "There is no file ~/.pgpass."


@pytest.mark.parametrize(
    ("options", "used"),
    [
        ("", True),
        ("user=ada\nhost=db.example.com\nport=3306\n", True),
        ("user=other\n", False),
        ("host=localhost\n", False),
        ("port=3307\n", False),
    ],
)
def test_a_password_is_not_sent_for_another_user_or_server(options: str, *, used: bool) -> None:
    write(Path.home() / ".my.cnf", f"[client]\n{options}password=x\n")
    found = password_of_option_file(MariaDBAddress.parse("mysql://ada@db.example.com/trading"))
    assert (found.password == Secret("x")) is used
    assert bool(found.missing) is not used


def test_a_socket_in_the_usual_folder_has_the_lines_of_localhost() -> None:
    write(Path.home() / ".pgpass", "localhost:5432:trading:ada:x\n")
    for folder, used in (("/run/postgresql", True), ("/srv/sockets", False)):
        address = ServerAddress.parse(f"postgresql://ada@/trading?host={folder}")
        assert bool(password_of_pgpass(address, "trading").password) is used


def test_the_environment_names_another_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(Path.home() / ".pgpass", "*:*:*:*:wrong\n")
    other = write(tmp_path / "passwords", "*:*:*:*:right\n")
    monkeypatch.setenv("PGPASSFILE", str(other))
    found = password_of_pgpass(ServerAddress.parse("postgresql://ada@h/trading"), "trading")
    assert found.password == Secret("right")
    assert "right" not in repr(found)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (lambda path: write(path, "*:*:*:*:x\n", 0o640), "its mode must be 0600"),
        (lambda path: write(path, "*:*:*:*:x\n", 0o602), "its mode must be 0600"),
        (os.mkfifo, "it is not a file"),
        (Path.mkdir, "it is not a file"),
        (lambda path: path.write_bytes(b"\xff"), "its mode must be 0600"),
        (lambda path: (write(path, ""), path.write_bytes(b"*:*:*:*:\xff\n")), "not UTF-8"),
        (lambda path: write(path, "*:*:x:*:x\n"), "no password for this host"),
        (lambda path: path.symlink_to(path), "cannot be read: Too many levels of symbolic links"),
        (lambda _path: None, "There is no file"),
    ],
)
def test_a_file_that_is_not_used_is_named_with_the_reason(
    postgresql: Database, made: Callable[[Path], object], reason: str
) -> None:
    path = Path.home() / ".pgpass"
    made(path)
    address = resolve_address(postgresql.address.url, None, Work(), vault=SessionVault())
    with pytest.raises(DatabaseLoginRefused) as failed:
        open_database(address)
    cause = failed.value.cause
    assert "tried without a password. The keyring has no password for this URL. " in cause
    assert str(path) in cause
    assert reason in cause


def test_the_file_of_a_wrong_password_is_named(postgresql: Database) -> None:
    path = write(Path.home() / ".pgpass", "*:*:*:*:wr0ng-p4ss\n")
    with pytest.raises(DatabaseLoginRefused, match="refuses") as failed:
        open_database(postgresql.address.url)
    assert f"The password in {path} was used." in failed.value.cause
    assert "wr0ng-p4ss" not in f"{failed.value.cause}{failed.value!r}"
    with pytest.raises(DatabaseLoginRefused) as entered:
        open_database(DatabaseAddress(postgresql.address.url, Secret("wrong, too")))
    assert str(path) not in entered.value.cause


def test_the_keyring_has_precedence(postgresql: Database) -> None:
    write(Path.home() / ".pgpass", "*:*:*:*:wrong\n")
    vault = SessionVault()
    store_password(postgresql.address.url, Secret(PASSWORD), vault=vault)
    open_database(resolve_address(postgresql.address.url, None, Work(), vault=vault)).close()


class AddressSecret:
    """Secrets Manager with one secret, which contains the address of a database."""

    def __init__(self, url: str, **password: str | None) -> None:
        parts = DatabaseUrl.parse(url)
        self.fields = {
            "engine": parts.engine, "host": parts.host, "port": parts.port,
            "database": parts.database, "username": parts.username, **password,
        }  # fmt: skip

    def get_secret(self, name: str, *, work: Work | None = None) -> dict[str, Any]:
        assert (name, work is None) == ("app/database", False)
        return self.fields


@pytest.mark.parametrize("password", [{}, {"password": None}, {"password": ""}])
@pytest.mark.parametrize("engine", ["postgresql", "mariadb"])
def test_a_secret_without_a_password_has_that_of_the_keyring_or_the_file(
    postgresql: Database, mariadb: str, engine: str, password: dict[str, str | None]
) -> None:
    url = postgresql.address.url if engine == "postgresql" else mariadb
    secrets: Any = AddressSecret(url, **password)
    vault = SessionVault()

    def opened() -> None:
        open_database(resolve_address("secret:app/database", secrets, Work(), vault=vault)).close()

    with pytest.raises(DatabaseLoginRefused) as failed:
        opened()
    reasons = "The secret app/database has no password. The keyring has no password for this URL. "
    assert f"{reasons}There is no file {Path.home()}" in failed.value.cause
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    write(Path.home() / ".pgpass", f"*:*:*:*:{escaped}\n")
    quoted = PASSWORD.replace("\\", "\\\\").replace('"', '\\"')
    write(Path.home() / ".my.cnf", f'[client]\npassword="{quoted}"\n')
    opened()
    (Path.home() / ".pgpass").unlink()
    (Path.home() / ".my.cnf").unlink()
    store_password(url, Secret(PASSWORD), vault=vault)
    opened()
