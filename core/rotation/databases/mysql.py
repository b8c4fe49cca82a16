"""Password change in MySQL and MariaDB, with PyMySQL."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from core.errors import NotSupported, StorageError
from core.redaction import Secret
from core.rotation.databases import login, sockets
from core.rotation.databases.login import Address
from core.rotation.databases.passwords import native_hash
from core.tls import unverified_context
from core.work import Work

#: Source: MySQL manual, server and client error message references.
_CODES = login.ErrorCodes(
    refused_login="1045",
    too_many_connections=frozenset({"1040", "1203", "1226"}),
    unavailable=frozenset({"1053", "2002", "2003", "2006", "2013"}),
)


@dataclass(frozen=True, slots=True)
class MysqlLogin:
    """A user of MySQL or MariaDB; the server reports which of the two it is.

    TLS is used if the server offers it, like the default of MySQL's client.
    """

    address: Address

    def check(self, password: Secret, work: Work) -> None:
        """Log in and run a query; see `DatabaseLogin`."""
        with self._session(password, work) as (session, _link):
            _query(session, "SELECT 1")

    def change(self, from_password: Secret, to_password: Secret, work: Work) -> None:
        """Set the password of the user who logged in.

        MariaDB logs statements unchanged, so it is sent the hash that it stores. MySQL uses other
        hashes and needs the password itself, which it masks in its logs (manual, "Passwords and
        logging"); it is only sent over an encrypted connection.
        """
        with self._session(from_password, work) as (session, link):
            if "mariadb" in session.get_server_info().lower():
                _query(session, "SET PASSWORD = %s", native_hash(to_password))
                return
            self._check_private(session, link)
            _query(session, "ALTER USER CURRENT_USER() IDENTIFIED BY %s", to_password.reveal())

    def _check_private(self, session: Any, link: socket.socket) -> None:
        # Nothing on the loopback leaves this machine.
        here = ipaddress.ip_address(link.getpeername()[0]).is_loopback
        if not here and not _query(session, "SHOW SESSION STATUS LIKE 'Ssl_cipher'")[0][1]:
            raise NotSupported(
                f"{self.address.host} does not support TLS",
                cause="A new password is sent to MySQL in plain text, and could be read by others "
                "on the network.",
                remedy="Enable TLS in the server, then try again.",
                subject=str(self.address),
            )

    @contextmanager
    def _session(self, password: Secret, work: Work) -> Iterator[tuple[Any, socket.socket]]:
        from pymysql import Connection, Error

        at = self.address
        with (
            sockets.connected(at, work) as link,
            link.dup() as peer,  # TLS takes over the socket; this handle still has the peer's address
            sockets.translate_driver_errors(at, self._error_of, work),
        ):
            session = Connection(
                user=at.username,
                host=at.host,
                port=at.port,
                database=at.database or None,
                # As bytes: PyMySQL would encode a text as Latin-1.
                password=password.reveal().encode(),
                charset="utf8mb4",
                autocommit=True,
                read_timeout=sockets.ANSWER_SECONDS,
                write_timeout=sockets.ANSWER_SECONDS,
                # The socket was connected before, with its own time limit and cancel.
                defer_connect=True,
                # Without these settings, PyMySQL would read all certificates of the system.
                ssl=unverified_context(),
            )
            # PyMySQL requires TLS if it is given settings for it.
            vars(session).update(_ssl_required=False)
            try:
                session.connect(link)
                yield session, peer
            finally:
                with suppress(Error, OSError):  # it is already closed
                    session.close()

    def _error_of(self, error: Exception) -> StorageError:
        from pymysql import MySQLError

        code = error.args[0] if isinstance(error, MySQLError) and error.args else None
        if not isinstance(code, int):
            return login.unexpected_answer(self.address, error)
        message = str(error.args[1]) if len(error.args) > 1 else type(error).__name__
        return login.login_error(self.address, _CODES, str(code), message)


def _query(session: Any, statement: str, *values: str) -> Any:
    with session.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall()
