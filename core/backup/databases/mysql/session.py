"""Connections to MariaDB and MySQL: statements with PyMySQL, and rows in blocks.

PyMySQL makes an object of every row and value. `stream` reads the socket in blocks of 64 KB
instead, and removes the few bytes before each row. It uses PyMySQL's packet functions, which are
private: `pyproject.toml` names the tested versions.
"""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import Any, Self

from core.backup.databases.mysql.address import ServerAddress, TlsMode
from core.backup.databases.mysql.failures import server_error
from core.backup.databases.mysql.packets import LongPiece, Packets
from core.backup.databases.mysql.sending import send_all
from core.backup.databases.mysql.tokens import literal
from core.backup.databases.server import (
    CLOSED,
    ServerConnection,
    closing_on_cancel,
    connect,
    connection_lost,
    network_error,
)
from core.errors import NotSupported, StorageError
from core.redaction import Secret
from core.work import Work

_CONNECT_SECONDS = 10.0
_LOGIN_SECONDS = 30.0
#: Seconds that another session's lock on a table is waited for.
_LOCK_SECONDS = 10
#: Size of a block in bytes; memory of a larger one would be mapped and returned for each read.
_BLOCK = 64 << 10
_QUERY = 3
_LOAD_BLOCK = 1 << 20
#: Settings under which values are written and read as text without loss. In this mode zero dates
#: and invalid dates are values, 0 is no request for a new number, and a backslash escapes.
SQL_MODE = "STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_ENGINE_SUBSTITUTION"
_SETTINGS = (
    f"sql_mode='{SQL_MODE}'",
    "time_zone='+00:00'",
    "sql_quote_show_create=1",
    "sql_big_selects=1",
    "foreign_key_checks=0",
    # With one of these checks, LOAD DATA fills an empty table in bulk: `load` describes the danger.
    "unique_checks=0",
    "innodb_strict_mode=0",
    "net_read_timeout=3600",
    "net_write_timeout=3600",
    f"lock_wait_timeout={_LOCK_SECONDS}",
    f"innodb_lock_wait_timeout={_LOCK_SECONDS}",
)
#: Settings that only one of the two servers has.
_OPTIONAL = (
    "check_constraint_checks=0",  # rows that violate a check are restored unchanged
    "max_statement_time=0",
    "max_execution_time=0",
    "sql_select_limit=18446744073709551615",
    "idle_transaction_timeout=0",
    "system_versioning_insert_history=0",
    "sql_generate_invisible_primary_key=0",
    "sql_require_primary_key=0",
)
_UNKNOWN_VARIABLE = 1193
#: PyMySQL's numbers for a connection that ended before or during a statement.
_ENDED = frozenset({2006, 2013})


class Session(ServerConnection):
    """An open connection. It is not thread-safe, except that a cancel of `work` closes it."""

    def __init__(self, driver: Any, link: socket.socket, address: ServerAddress) -> None:
        super().__init__(link)
        self._driver = driver
        self.address = address

    @classmethod
    def open(cls, address: ServerAddress, password: Secret | None, work: Work) -> Self:
        """Connect and log in; a cancel ends the attempt.

        Raises:
            CredentialsInvalid: The server refuses the password.
            DatabaseError: The server reports another error.
            NotSupported: The server has no TLS, which the address requires.
            Offline: The server cannot be reached.
        """
        work.check()
        link = connect(address, _CONNECT_SECONDS, work)
        handle = link.dup()  # TLS takes over the first one; closing either closes the connection
        try:
            with closing_on_cancel(handle, work), _translated(address):
                driver = _driver(address, password)
                driver.connect(link)
                # A long statement is ended by a cancel, not by a time limit.
                vars(driver).update(_read_timeout=None, _write_timeout=None)
            session = cls(driver, handle, address)
            with session.cancellable(work):
                session.apply_settings()
        except BaseException:
            link.close()
            handle.close()
            raise
        return session

    def apply_settings(self) -> None:
        """Apply the settings under which values are exact."""
        self.run(f"SET SESSION {', '.join(_SETTINGS)}")
        for setting in _OPTIONAL:
            with suppress(_UnknownVariableError):
                self.run(f"SET SESSION {setting}")

    @property
    def version(self) -> str:
        """The version of the server, for example `10.11.6`."""
        text = str(self._driver.get_server_info())
        return text.removeprefix("5.5.5-").split("-")[0]

    @property
    def is_mariadb(self) -> bool:
        """Whether the server is MariaDB, and not MySQL."""
        return "mariadb" in str(self._driver.get_server_info()).lower()

    @property
    def encrypted(self) -> bool:
        """Whether the connection uses TLS."""
        return bool(self._driver._secure and self._driver.ssl)  # noqa: SLF001 - no public name

    def query(self, statement: str) -> tuple[tuple[Any, ...], ...]:
        """Run one statement and return its rows; several statements in one text are an error.

        Raises:
            StorageError: The server reports an error, or the connection ended.
        """
        with _translated(self.address), self._driver.cursor() as cursor:
            cursor.execute(statement)
            return tuple(cursor.fetchall())

    @contextmanager
    def undecoded(self) -> Iterator[None]:
        """Return texts as bytes inside the block, for values that may be no UTF-8."""
        vars(self._driver).update(use_unicode=False)
        try:
            yield
        finally:
            vars(self._driver).update(use_unicode=True)

    def run(self, statement: str) -> None:
        """Run one statement without rows."""
        self.query(statement)

    def value(self, statement: str) -> Any:
        """Return the first column of the first row; None if there is none."""
        rows = self.query(statement)
        return rows[0][0] if rows else None

    def warnings(self) -> list[str]:
        """Return the warnings of the last statement, without its notes."""
        rows = self.query("SHOW WARNINGS")
        return [str(message) for level, _, message in rows if level != "Note"]

    def rows(self, statement: str, work: Work) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query one by one, as bytes, numbers of MariaDB's text and None."""
        from pymysql.cursors import SSCursor

        with self.cancellable(work), _translated(self.address):
            cursor = SSCursor(self._driver)
            try:
                cursor.execute(statement)
                while batch := cursor.fetchmany(500):
                    work.check()
                    yield from batch
            finally:
                cursor.close()

    def stream(
        self, statement: str, work: Work
    ) -> Generator[tuple[list[bytes], bool] | LongPiece, None, None]:
        """Yield the values of a query with one column, in lists, as they are received.

        A list ends early, with True, where a value is NULL. Values of more than 1 MB are yielded in
        pieces. A generator that is closed early closes
        the connection: the rest of the rows would have to be read otherwise.
        """
        complete, driver = False, self._driver
        try:
            with self.cancellable(work), _translated(self.address):
                driver._execute_command(_QUERY, statement)  # noqa: SLF001 - see the module
                columns = driver._read_packet().read_length_encoded_integer()  # noqa: SLF001 - see the module
                for _ in range(columns + 1):
                    driver._read_packet()  # noqa: SLF001 - see the module
            packets = Packets()
            with closing(self._blocks(work)) as blocks:
                while not packets.ended:
                    packets.add(next(blocks))
                    yield from _received(packets, blocks)
            if packets.error:
                complete = True
                raise server_error(*packets.error, self.address)
            complete = True
        finally:
            if not complete:
                self.cut()

    def _blocks(self, work: Work) -> Generator[bytes, None, None]:
        """Yield what the server sends, as it is received."""
        # One registration of the cancel for all blocks: a server sends its rows 16 KB at a time.
        with self.cancellable(work), _translated(self.address):
            while block := self._driver._rfile.read1(_BLOCK):  # noqa: SLF001 - see the module
                yield block
                work.check()
        raise connection_lost(self.address, "The server closed the connection.")

    def load(self, statement: str, pieces: Iterable[bytes], work: Work) -> None:
        """Run LOAD DATA LOCAL INFILE, whose file is the bytes of `pieces`.

        If the pieces end with an error, the connection is closed and the server stores no row.

        Raises:
            NotSupported: The server does not allow LOCAL; no piece was read.
        """
        driver, complete = self._driver, False
        with self.cancellable(work):
            # An error before the server requests the rows leaves the connection usable.
            with _translated(self.address):
                driver._execute_command(_QUERY, statement)  # noqa: SLF001 - see the module
                first = driver._read_packet()  # noqa: SLF001 - see the module
                if not first.is_load_local_packet():
                    raise connection_lost(self.address, "The server did not request the rows.")
            vars(driver).update(_write_bytes=partial(send_all, driver))
            try:
                for data in pieces:
                    work.check()
                    with _translated(self.address):
                        for start in range(0, len(data), _LOAD_BLOCK):
                            driver.write_packet(data[start : start + _LOAD_BLOCK])
                with _translated(self.address):
                    driver.write_packet(b"")
                    driver._read_packet()  # noqa: SLF001 - see the module
                complete = True
            finally:
                del vars(driver)["_write_bytes"]
                if not complete:
                    self.cut()

    def close(self) -> None:
        """Close the connection; repeated calls are allowed."""
        from pymysql import Error

        with suppress(Error, OSError):  # it has already ended
            self._driver.close()
        with suppress(OSError):
            self._link.close()


def _received(
    packets: Packets, blocks: Iterator[bytes]
) -> Iterator[tuple[list[bytes], bool] | LongPiece]:
    """Yield what was received, and the rest of a long value."""
    found = True
    while found:
        found = False
        while (values := packets.values())[0] or values[1]:
            yield values
        for piece in packets.long_value(blocks):
            found = True
            yield piece


class _UnknownVariableError(StorageError):
    """The server does not have a variable."""


class _LocalRefusedError(NotSupported):
    """The server does not allow LOAD DATA LOCAL."""


def _driver(address: ServerAddress, password: Secret | None) -> Any:
    from pymysql import Connection
    from pymysql.constants import CLIENT

    driver = Connection(
        user=address.user,
        host=address.host,
        port=address.port,
        database=address.database,
        password=password.reveal().encode() if password else b"",
        charset="utf8mb4",
        autocommit=True,
        ssl=address.tls_context(),
        ssl_disabled=address.tls is TlsMode.DISABLE,
        # Only this flag, not `local_infile`: with that PyMySQL would send any file for which a
        # server asks. `load` sends rows from memory instead.
        client_flag=CLIENT.LOCAL_FILES,
        read_timeout=_LOGIN_SECONDS,
        write_timeout=_LOGIN_SECONDS,
        defer_connect=True,
    )
    if address.tls is TlsMode.PREFER:
        # PyMySQL requires TLS if it receives a context; its own one reads the system's
        # certificates.
        vars(driver).update(_ssl_required=False)
    return driver


@contextmanager
def _translated(address: ServerAddress) -> Iterator[None]:
    """Translate the errors of the socket and of PyMySQL."""
    from pymysql import MySQLError

    try:
        yield
    except StorageError:
        raise
    except MySQLError as error:
        code, message = (*error.args, "", "")[:2]
        if code == _UNKNOWN_VARIABLE:
            raise _UnknownVariableError(str(message)) from None
        if code in (1148, 3948, 4166):
            raise _LocalRefusedError("The server does not allow LOAD DATA LOCAL") from None
        # PyMySQL reports a failed TLS handshake as a host that cannot be reached.
        if isinstance(cause := getattr(error, "original_exception", None), ssl.SSLError):
            raise network_error(address, cause) from None
        if code in _ENDED:  # with the error of the socket in the message, as Python writes it
            why = error.__context__
            raise (
                network_error(address, why)
                if isinstance(why, OSError)
                else connection_lost(address, CLOSED)
            ) from None
        raise server_error(code, str(message or code), address) from None
    except (OSError, ValueError, AttributeError, IndexError, struct.error) as error:
        # PyMySQL raises the last four after answers that are cut or not of a MySQL server.
        raise network_error(address, error) from None


def named_lock(name: str) -> str:
    """Return the statement that takes an advisory lock of the server for this session."""
    return f"SELECT GET_LOCK({literal(name)}, {_LOCK_SECONDS})"
