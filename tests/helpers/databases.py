"""Real PostgreSQL and MariaDB servers for tests: temporary, on loopback, gone with the run.

Each logs every statement, so that a test can look for what must not be in it. PostgreSQL offers
TLS, MariaDB does not: both ways are used.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

_FOLDERS = (*map(str, Path("/usr/lib/postgresql").glob("*/bin")), "/usr/sbin", "/usr/local/sbin")
_START_SECONDS = 40.0


@dataclass
class Login:
    """A user made for one test."""

    server: "Server"
    username: str = field(default_factory=lambda: f'us"er {uuid4().hex[:8]}')
    password: str = field(default_factory=lambda: f"old'pass\\{uuid4().hex[:8]}")

    @property
    def values(self) -> dict[str, str]:
        return {
            "host": "127.0.0.1",
            "port": str(self.server.port),
            "database": self.server.database,
            "username": self.username,
            "password": self.password,
            "engine": self.server.engine,
        }


@dataclass
class Server:
    """A running server; `ask` runs statements as its administrator, apart from our code."""

    engine: str
    folder: Path
    port: int
    ask: Callable[..., Any] = print

    @property
    def database(self) -> str:
        return "postgres" if self.engine == "postgresql" else "trading"

    def login(self) -> Login:
        """Make a user that may do nothing but log in."""
        login = Login(self)
        if self.engine == "postgresql":
            name = login.username.replace('"', '""')
            password = login.password.replace("'", "''")
            self.ask(f"CREATE ROLE \"{name}\" LOGIN PASSWORD '{password}'")
        else:
            self.ask("CREATE USER %s@'%%' IDENTIFIED BY %s", login.username, login.password)
            self.ask("GRANT SELECT ON trading.* TO %s@'%%'", login.username)
        return login

    def let_in(self, login: Login, *, allowed: bool) -> None:
        """Lock a user out whatever the password, or let it in again."""
        if self.engine == "postgresql":
            name = login.username.replace('"', '""')
            self.ask(f'ALTER ROLE "{name}" {"LOGIN" if allowed else "NOLOGIN"}')
        else:
            word = "UNLOCK" if allowed else "LOCK"
            self.ask(f"ALTER USER %s@'%%' ACCOUNT {word}", login.username)

    def accepts(self, login: Login, password: str) -> bool:
        """Whether a password logs in, asked with the plain driver."""
        return _plain_login(self, login.username, password)

    @property
    def logs(self) -> str:
        """All that the server has written into its logs."""
        return "".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))


def program(name: str) -> str:
    """Return the path of a server's program; skip the test where it is not installed."""
    found = shutil.which(name, path=os.pathsep.join((os.environ["PATH"], *_FOLDERS)))
    if not found:
        pytest.skip(f"{name} is not installed: run .ci/test-servers")
    return found


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    """The server of `running_postgresql`."""
    with running_postgresql() as server:
        yield server


@contextmanager
def running_postgresql(
    shared_buffers: str = "16MB", log_statement: str = "all"
) -> Iterator[Server]:
    """A PostgreSQL that knows passwords by SCRAM only."""
    initdb, postgres = program("initdb"), program("postgres")
    with _folder("postgres") as (folder, as_user):
        data = folder / "data"
        arguments = ("-U", "admin", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync")
        _run([*as_user, initdb, "-D", str(data), "-E", "UTF8", "--locale=C", *arguments])
        write_certificate(folder, data)
        port = _free_port()
        options = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": folder,
            "fsync": "off",
            "shared_buffers": shared_buffers,
            "max_connections": 30,
            "log_statement": log_statement,
            "log_connections": "on",
            "ssl": "on",
        }
        command = [postgres, "-D", str(data)]
        command += [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        server = Server("postgresql", folder, port)
        server.ask = lambda statement: _query_postgresql(server, statement)
        with _running([*as_user, *command], server, "SELECT 1"):
            yield server


@contextmanager
def running_standby(primary: Server, **options: str) -> Iterator[Server]:
    """A hot standby of a server, which streams its changes.

    Args:
        primary: The server that is copied.
        options: Settings of the standby.
    """
    copy, postgres = program("pg_basebackup"), program("postgres")
    with _folder("postgres") as (folder, as_user):
        data, port = folder / "data", _free_port()
        source = ("-h", str(primary.folder), "-p", str(primary.port), "-U", "admin")
        _run(
            [
                *as_user,
                copy,
                *source,
                "-D",
                str(data),
                "-R",
                "-X",
                "stream",
                "-c",
                "fast",
                "--no-sync",
            ]
        )
        command = [postgres, "-D", str(data)]
        settings = {
            "port": str(port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "shared_buffers": "16MB",
            "max_connections": "30",  # not less than on the primary server
            "ssl": "on",
            "wal_retrieve_retry_interval": "100ms",
            **options,
        }
        command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server = Server("postgresql", folder, port)
        server.ask = lambda statement: _query_postgresql(server, statement)
        with _running([*as_user, *command], server, "SELECT 1"):
            yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[Server]:
    """The server of `running_mariadb`."""
    with running_mariadb() as server:
        yield server


@contextmanager
def running_mariadb(
    buffer_pool: str = "16M", *, log_statements: bool = True, tls: bool = False
) -> Iterator[Server]:
    """A MariaDB that writes down every statement as it comes.

    With `tls` it has the certificate `server.crt` in its folder of data; otherwise no TLS.
    """
    install, mariadbd = program("mariadb-install-db"), program("mariadbd")
    with _folder("mysql") as (folder, as_user):
        data = folder / "data"
        certificate: tuple[str, ...] = ()
        # A server that starts removes the temporary tables of every other one in its folder.
        temporary = f"--tmpdir={_owned(folder / 'temporary', 'mysql')}"
        arguments = ("--auth-root-authentication-method=normal", "--skip-test-db", "--basedir=/usr")
        _run([*as_user, install, "--no-defaults", f"--datadir={data}", temporary, *arguments])
        if tls:
            write_certificate(folder, data)
            certificate = (f"--ssl-cert={data}/server.crt", f"--ssl-key={data}/server.key")
        port = _free_port()
        server = Server("mariadb", folder, port)
        server.ask = lambda statement, *values: _query_mariadb(server, statement, *values)
        command = [
            mariadbd, "--no-defaults", f"--datadir={data}", f"--socket={folder}/sock",
            f"--port={port}", "--bind-address=127.0.0.1", "--skip-name-resolve",
            f"--pid-file={folder}/pid", f"--log-error={folder}/error.log", temporary,
            f"--general-log={int(log_statements)}", f"--general-log-file={folder}/general.log",
            f"--innodb-buffer-pool-size={buffer_pool}",
            "--innodb-flush-log-at-trx-commit=0",
            # The smallest redo log, which a value of 16 MB fills, as 90 MB fill the default one.
            f"--innodb-log-file-size={'16M' if log_statements else '96M'}",
            *certificate,
        ]  # fmt: skip
        with _running([*as_user, *command], server, "CREATE DATABASE IF NOT EXISTS trading"):
            yield server


@contextmanager
def _folder(user: str) -> Iterator[tuple[Path, list[str]]]:
    """Make a folder for a server, and what to put before its command when we are root."""
    folder = Path(tempfile.mkdtemp(prefix="strongroom-", dir="/tmp"))  # short: a socket's path
    as_user: list[str] = []
    if os.getuid() == 0:  # no server runs as root
        shutil.chown(folder, user, user)
        as_user = [program("setpriv"), f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        as_user += ["--pdeathsig=KILL"]
    try:
        yield folder, as_user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _owned(folder: Path, user: str) -> Path:
    """Create a folder that the user of a server may write to, and return it."""
    folder.mkdir()
    if os.getuid() == 0:
        shutil.chown(folder, user, user)
    return folder


@contextmanager
def _running(command: list[str], server: Server, first: str) -> Iterator[None]:
    with (server.folder / "output.log").open("wb") as output:
        process = subprocess.Popen(
            command, cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        _until_it_answers(process, server, first)
        yield
        if process.poll() not in {None, 0, -signal.SIGKILL}:  # a test may have killed it
            pytest.fail(f"{server.engine} ended with {process.poll()}:\n{server.logs[-3000:]}")
    finally:
        process.terminate() if server.engine == "mariadb" else process.send_signal(2)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def _until_it_answers(process: Any, server: Server, first: str) -> None:
    end = time.monotonic() + _START_SECONDS
    while True:
        if process.poll() is not None or time.monotonic() > end:
            pytest.fail(f"{server.engine} does not start:\n{server.logs[-3000:]}")
        with suppress(Exception):
            server.ask(first)
            return
        threading.Event().wait(0.05)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_certificate(folder: Path, data: Path) -> None:
    """Give a server a self-signed certificate for the name `localhost`."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = datetime.now(timezone.utc)  # noqa: UP017 - as cryptography's examples
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    made = made.public_key(key.public_key()).serial_number(x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    made = made.add_extension(names, critical=False)
    owner = folder.stat()
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    for file, content in (
        ("server.crt", made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)),
        ("server.key", key.private_bytes(serialization.Encoding.PEM, form, plain)),
    ):
        (data / file).write_bytes(content)
        (data / file).chmod(0o600)
        os.chown(data / file, owner.st_uid, owner.st_gid)


def _query_postgresql(server: Server, statement: str) -> Any:
    from pg8000.native import Connection

    place = f"{server.folder}/.s.PGSQL.{server.port}"
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(place)
        session = Connection("admin", sock=link, database="postgres", ssl_context=False)
        with closing(session):
            return session.run(statement)


def _query_mariadb(server: Server, statement: str, *values: str) -> Any:
    from pymysql import Connection

    with socket.socket(socket.AF_UNIX) as link:
        link.connect(f"{server.folder}/sock")
        with closing(
            Connection(user="root", defer_connect=True, autocommit=True, ssl_disabled=True)
        ) as session:
            session.connect(link)
            cursor = session.cursor()
            cursor.execute(statement, values)
            return cursor.fetchall()


def _plain_login(server: Server, username: str, password: str) -> bool:
    """Return whether a login without TLS, which would cost more than the login, is accepted."""
    import pg8000.native
    import pymysql

    where = {"host": "127.0.0.1", "port": server.port, "database": server.database}
    try:
        if server.engine == "postgresql":
            pg8000.native.Connection(
                username, password=password, ssl_context=False, **where
            ).close()
        else:
            pymysql.connect(user=username, password=password, ssl_disabled=True, **where).close()
    except (pg8000.native.Error, pymysql.MySQLError):
        return False
    return True
