"""Translation of PostgreSQL's errors to those of Strongroom."""

from __future__ import annotations

from collections.abc import Mapping

from core.backup.databases.postgresql.address import ServerAddress
from core.errors import (
    Conflict,
    DatabaseBusy,
    DatabaseError,
    DatabaseLoginRefused,
    DatabaseOffline,
    NotFound,
    StorageError,
)
from core.redaction import redacted

#: SQLSTATEs with a particular remedy. Source: PostgreSQL manual, appendix A.
_REMEDIES = {
    "42501": "Grant the user the missing permission, or use a user that has it.",
    "53100": "Free disk space on the server. Nothing was changed.",
    "53200": "The server ran out of memory. Nothing was changed.",
    "25006": "The server or the connection is read-only: use the primary server to restore.",
    "0A000": "The server's version does not support this.",
    "42704": "Create the missing object, for example a collation or a role, in this database first.",
    "42883": "Create the missing function or operator, or its extension, in this database first.",
    "40001": "Another transaction interfered: run it again.",
    "40P01": "Another transaction interfered: run it again.",
    "23503": "Rows would refer to missing rows: restore the referenced table first.",
    "22021": "Correct the texts that are not valid UTF-8; an SQL_ASCII database allows any bytes.",
    "22P05": "Restore into a database with the encoding UTF8.",
    "2BP01": "Other objects use the table: drop or change them first.",
}
_WRONG_LOGIN = frozenset(("28P01", "28000"))
_MISSING = {"3D000": "database", "42P01": "table", "3F000": "schema"}
_STOPPING = frozenset(("57P01", "57P02", "57P03", "08006", "08003", "08001"))
#: Conditions that pass: error class, summary and remedy.
_PASSING: dict[str, tuple[type[StorageError], str, str]] = {
    "53300": (
        DatabaseBusy,
        "The database does not accept more connections",
        "Wait a moment, then try again.",
    ),
    "55P03": (
        Conflict,
        "Another session holds a lock on the table",
        "Wait until it has ended, or end it, then try again. Nothing was changed.",
    ),
}


def server_error(fields: Mapping[str, str], address: ServerAddress) -> StorageError:
    """Return the error for the fields of an error message: `C` code, `M` message, `D` detail."""
    code, message = fields.get("C", ""), redacted(fields.get("M", "")).strip()
    if code.startswith("22"):  # errors in data: the quoted end of the message is a value of a row
        message = message.partition(': "')[0]
    if code in _WRONG_LOGIN:
        return DatabaseLoginRefused(
            f"The database refuses the login of {address.user}",
            cause=f"{message}.",
            remedy="Check the user and the password, and the server's pg_hba.conf.",
            subject=str(address),
        )
    if code in _STOPPING:
        return connection_lost(address, f"{message}.")
    if code in _PASSING:
        kind, summary, remedy = _PASSING[code]
        return kind(summary, cause=f"{message}.", remedy=remedy, subject=str(address))
    if code in _MISSING:
        return NotFound(
            f"The {_MISSING[code]} does not exist",
            cause=f"{message}.",
            remedy="Check the name and the database in the address.",
            subject=str(address),
        )
    return DatabaseError(
        "The database reported an error",
        cause=f"{message} ({code}).",
        remedy=_REMEDIES.get(code, "Check the message of the server."),
        subject=str(address),
    )


def not_reached(address: ServerAddress, error: OSError) -> StorageError:
    """Return the error of a server that cannot be reached."""
    return DatabaseOffline(
        f"The database server {address.place} cannot be reached",
        cause=f"{error.strerror or error}.",
        remedy="Check the host and port, the network, and whether the server is running.",
        subject=str(address),
    )


def connection_lost(address: ServerAddress, cause: str) -> StorageError:
    """Return the error of a connection that ended; the server has rolled back its transaction."""
    return DatabaseOffline(
        f"The connection to the database {address} ended",
        cause=cause,
        remedy="Check the server and the network, then try again.",
        subject=str(address),
    )


def tls_refused(address: ServerAddress) -> StorageError:
    """Return the error of a server without TLS."""
    return DatabaseOffline(
        f"The database server {address.host} does not support TLS",
        cause=f"The connection requires it (sslmode={address.tls.value}).",
        remedy="Enable TLS in the server, or set sslmode=prefer in the URL.",
        subject=str(address),
    )
