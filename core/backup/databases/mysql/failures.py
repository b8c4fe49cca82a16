"""Translation of the errors of MariaDB and MySQL to those of Strongroom."""

from __future__ import annotations

from core.backup.databases.mysql.address import ServerAddress
from core.errors import (
    AccessDenied,
    Conflict,
    DatabaseBusy,
    DatabaseError,
    DatabaseLoginRefused,
    DatabaseOffline,
    NotFound,
    StorageError,
)
from core.redaction import redacted

#: Numbers of errors. Source: MariaDB and MySQL manuals, server and client error references.
_WRONG_LOGIN = frozenset({1045, 1698})
_TOO_MANY = frozenset({1040, 1203, 1226})
_ENDED = frozenset({1053, 1927, 2002, 2003, 2006, 2013})
_LOCKED = frozenset({1099, 1205, 1213, 1412, 1637})
_MISSING = {1049: "database", 1146: "table", 1051: "table"}
_REFUSED = frozenset({1044, 1142, 1143, 1227, 1290, 1370, 1410, 1419, 1836})
_REMEDIES = {
    1021: "Free disk space on the server. Nothing was changed.",
    1114: "Free disk space on the server, or raise its limit. Nothing was changed.",
    1153: "Raise max_allowed_packet of the server.",
    1215: "Restore the referenced table first.",
    1005: "Check the foreign keys and options of the table against this server.",
    1273: "The server does not have this collation: use a server that has it.",
    1115: "The server does not have this character set: use a server that has it.",
    1286: "The server does not have this storage engine: use a server that has it.",
}
_GROUPS: tuple[tuple[frozenset[int], tuple[type[StorageError], str, str]], ...] = (
    (
        _TOO_MANY,
        (
            DatabaseBusy,
            "The database does not accept more connections",
            "Wait a moment, then try again.",
        ),
    ),
    (
        _LOCKED,
        (
            Conflict,
            "Another session uses or changes the table",
            "Wait until it has ended, then try again. Nothing was changed.",
        ),
    ),
    (
        _REFUSED,
        (
            AccessDenied,
            "The database refuses the action",
            "Grant the user the missing privilege, or use a user that has it.",
        ),
    ),
)


def server_error(code: object, message: str, address: ServerAddress) -> StorageError:
    """Return the error for a number and message of the server or its client library."""
    cause = f"{redacted(message).strip().rstrip('.')} ({code})."
    subject = str(address)
    if code in _WRONG_LOGIN:
        return DatabaseLoginRefused(
            f"The database refuses the login of {address.user}",
            cause=cause,
            remedy="Check the user and the password, and from which hosts the user may log in.",
            subject=subject,
        )
    if code in _ENDED:
        return connection_lost(address, cause)
    for codes, (kind, summary, remedy) in _GROUPS:
        if code in codes:
            return kind(summary, cause=cause, remedy=remedy, subject=subject)
    if isinstance(code, int) and code in _MISSING:
        return NotFound(
            f"The {_MISSING[code]} does not exist",
            cause=cause,
            remedy="Check the name and the database in the address.",
            subject=subject,
        )
    remedy = _REMEDIES.get(code, "") if isinstance(code, int) else ""
    return DatabaseError(
        "The database reported an error",
        cause=cause,
        remedy=remedy or "Check the message of the server.",
        subject=subject,
    )


def not_reached(address: ServerAddress, error: OSError) -> StorageError:
    """Return the error of a server that cannot be reached."""
    return DatabaseOffline(
        f"The database server {address.host}:{address.port} cannot be reached",
        cause=f"{error.strerror or error}.",
        remedy="Check the host and port, the network, and whether the server is running.",
        subject=str(address),
    )


def connection_lost(address: ServerAddress, cause: str) -> StorageError:
    """Return the error of a connection that ended."""
    return DatabaseOffline(
        f"The connection to the database {address} ended",
        cause=cause,
        remedy="Check the server and the network, then try again.",
        subject=str(address),
    )
