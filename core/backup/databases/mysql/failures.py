"""Translation of the errors of MariaDB and MySQL to those of Strongroom."""

from __future__ import annotations

from collections.abc import Callable

from core.backup.databases.mysql.address import ServerAddress
from core.backup.databases.naming import LockedError
from core.backup.databases.server import (
    connection_lost,
    login_refused,
    object_missing,
    other_error,
    tls_unsupported,
    too_many_connections,
)
from core.errors import AccessDenied, Conflict, DatabaseError, StorageError
from core.redaction import redacted


class ReferencedError(Conflict):
    """A foreign key refers to a table or a row that would be removed."""


#: Numbers of errors. Source: MariaDB and MySQL manuals, server and client error references.
_WRONG_LOGIN = frozenset({1045, 1698})
_CONNECTION_ERRORS: dict[int | str, Callable[[ServerAddress, str], StorageError]] = {
    2026: lambda address, _: tls_unsupported(address, "tls", address.tls.value),
    **dict.fromkeys((1040, 1203, 1226), too_many_connections),
    **dict.fromkeys((1053, 1927, 2002, 2003), connection_lost),
}
_LOCKED = frozenset({1099, 1205, 1213, 1412, 1637})
_REFERENCED = frozenset({1217, 1451})
_MISSING = {1049: "database", 1146: "table", 1051: "table"}
#: Values that a column does not store unchanged.
_UNFIT_VALUES = frozenset({1264, 1265, 1292, 1366, 1406})
_REFUSED = frozenset({1044, 1142, 1143, 1227, 1290, 1370, 1410, 1419, 1836})
_REMEDIES = {
    1021: "Free disk space on the server.",
    1878: "Free space in the temporary folder of the server (tmpdir).",
    1114: "Free disk space on the server, or raise its limit.",
    1153: "Raise max_allowed_packet of the server.",
    1062: "Another row has the same unique value: change it, or restore that row too.",
    1452: "Rows would refer to missing rows: restore the referenced rows first.",
    4025: "The values violate a check of the table: change the check first.",
    1215: "Restore the referenced table first.",
    1005: "Check the foreign keys and options of the table against this server.",
    1273: "The server does not have this collation: use a server that has it.",
    1115: "The server does not have this character set: use a server that has it.",
    1286: "The server does not have this storage engine: use a server that has it.",
}
_GROUPS: tuple[tuple[frozenset[int], tuple[type[StorageError], str, str]], ...] = (
    (
        _LOCKED,
        (
            LockedError,
            "Another session uses or changes the table in {name}",
            "Wait until it has ended, then try again.",
        ),
    ),
    (
        _REFERENCED,
        (
            ReferencedError,
            "A foreign key refers to the table or the row in {name}",
            "Drop that foreign key first; it may belong to another database.",
        ),
    ),
    (
        _UNFIT_VALUES,
        (
            DatabaseError,
            "The server does not store the rows as they are in {name}",
            "Restore under a new name, or to a server like that of the backup.",
        ),
    ),
    (
        _REFUSED,
        (
            AccessDenied,
            "The database {name} refuses the action",
            "Grant the user the missing privilege, or use a user that has it.",
        ),
    ),
)


def server_error(code: int | str, message: str, address: ServerAddress) -> StorageError:
    """Return the error for a number and message of the server or its client library."""
    cause = f"{redacted(message).strip().rstrip('.')} ({code})."
    if code in _WRONG_LOGIN:
        remedy = "Check the user and the password, and from which hosts the user may log in."
        return login_refused(address, cause, remedy)
    if code in _CONNECTION_ERRORS:
        return _CONNECTION_ERRORS[code](address, cause)
    for codes, (kind, summary, remedy) in _GROUPS:
        if code in codes:
            return kind(
                summary.replace("{name}", str(address)),
                cause=cause,
                remedy=remedy,
                subject=str(address),
            )
    if isinstance(code, int) and code in _MISSING:
        return object_missing(address, _MISSING[code], cause)
    return other_error(address, cause, _REMEDIES.get(code, "") if isinstance(code, int) else "")


def changed_elsewhere(address: ServerAddress) -> Conflict:
    """Return the error of a database that another restore changes at the moment."""
    return Conflict(
        f"Another restore changes the database {address}",
        remedy="Wait until it has ended, then try again.",
        subject=str(address),
    )
