"""Password change in PostgreSQL, with pg8000; the password is sent as a verifier."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from core.errors import StorageError
from core.redaction import Secret
from core.rotation.databases import login, sockets
from core.rotation.databases.login import Address
from core.rotation.databases.passwords import md5_verifier, scram_verifier
from core.tls import postgresql_accepts_tls, unverified_context
from core.work import Work

#: SQLSTATEs. Source: PostgreSQL manual, appendix A.
_CODES = login.ErrorCodes(
    refused_login="28P01",
    too_many_connections=frozenset({"53300"}),
    unavailable=frozenset({"57P01", "57P02", "57P03"}),
)


@dataclass(frozen=True, slots=True)
class PostgresqlLogin:
    """A user of PostgreSQL. TLS is used if the server offers it, like libpq's default."""

    address: Address

    def check(self, password: Secret, work: Work) -> None:
        """Log in and run a query; see `DatabaseLogin`."""
        with self._session(password, work) as session:
            session.run("SELECT 1")

    def change(self, from_password: Secret, to_password: Secret, work: Work) -> None:
        """Set the password of the session user, even if the session has another role."""
        from pg8000.native import literal

        with self._session(from_password, work) as session:
            # ALTER ROLE takes no parameters, so the verifier is quoted as a literal.
            stored = literal(self._stored_form(session, to_password))
            # SESSION_USER is who logged in; CURRENT_USER may be a role that was set for this login.
            session.run(f"ALTER ROLE SESSION_USER PASSWORD {stored}")

    def _stored_form(self, session: Any, password: Secret) -> str:
        """Return the password in the form that the server is configured to store."""
        if session.run("SHOW password_encryption")[0][0] == "scram-sha-256":
            return scram_verifier(password)
        return md5_verifier(password, self.address.username)

    @contextmanager
    def _session(self, password: Secret, work: Work) -> Iterator[Any]:
        from pg8000.exceptions import Error
        from pg8000.native import Connection

        at = self.address
        with (
            sockets.connected(at, work) as link,
            sockets.translate_driver_errors(at, self._error_of, work),
        ):
            session = Connection(
                at.username,
                host=at.host,
                port=at.port,
                database=at.database or None,
                password=password.reveal().encode(),
                application_name="strongroom",
                sock=_with_tls(link, at.host),
                ssl_context=False,  # TLS is already established
            )
            try:
                yield session
            finally:
                with suppress(Error, OSError):  # it is already closed
                    session.close()

    def _error_of(self, error: Exception) -> StorageError:
        from pg8000.exceptions import DatabaseError, InterfaceError

        answer = error.args[0] if error.args else ""
        if isinstance(error, DatabaseError) and isinstance(answer, dict):
            code, message = str(answer.get("C", "")), str(answer.get("M", ""))
            return login.login_error(self.address, _CODES, code, message)
        if isinstance(error, InterfaceError) and "network" in str(answer):
            return login.not_reached(self.address, "The connection ended.")
        return login.unexpected_answer(self.address, error)


def _with_tls(link: socket.socket, host: str) -> socket.socket:
    # pg8000 would do the same, but read all certificates of the system for each login.
    if not postgresql_accepts_tls(link):
        return link
    return unverified_context().wrap_socket(link, server_hostname=host)
