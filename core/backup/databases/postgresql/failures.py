"""Translation of PostgreSQL's errors to those of Strongroom."""

from __future__ import annotations

from collections.abc import Mapping

from core.backup.databases.naming import LockedError
from core.backup.databases.postgresql.address import ServerAddress
from core.backup.databases.server import (
    Address,
    connection_lost,
    login_refused,
    object_missing,
    other_error,
    too_many_connections,
)
from core.errors import (
    AccessDenied,
    AlreadyExists,
    DatabaseError,
    DatabaseOffline,
    StorageError,
)
from core.redaction import redacted

_READ_ONLY = "The server or the connection is read-only: use the primary server to restore."
#: SQLSTATEs with a particular remedy. Source: PostgreSQL manual, appendix A.
_REMEDIES = {
    "53100": "Free disk space on the server.",
    "53200": "Free memory on the server, or lower its work_mem, then try again.",
    "25006": _READ_ONLY,
    "0A000": "The server's version does not support this.",
    "42704": "Create the missing object, for example a collation or a role, in this database first.",
    "42883": "Create the missing function or operator, or its extension, in this database first.",
    "40001": "Another transaction interfered: run it again.",
    "40P01": "Another transaction interfered: run it again.",
    "23503": "Rows would refer to missing rows: restore the referenced table first.",
    "23505": "Another row has the same unique value: change it, or restore that row too.",
    "23514": "The values violate a check of the table: change the check first.",
    "22021": "Correct the texts that are not valid UTF-8; an SQL_ASCII database allows any bytes.",
    "22P05": "Restore into a database with the encoding UTF8.",
    "2BP01": "Other objects use the table: drop or change them first.",
}
_CONFLICT = (
    "The standby server ended the transaction, because it had to apply changes of the primary "
    "server. Try again, or set hot_standby_feedback or a larger max_standby_streaming_delay on the "
    "standby server."
)
#: Errors of a standby server, by SQLSTATE and beginning of the function in the server that reports
#: them: the language of the message depends on the server.
_OF_STANDBYS = {
    ("40001", "ProcessInterrupts"): _CONFLICT,
    ("40001", "ProcessRecoveryConflict"): _CONFLICT,
    ("0A000", "call_bool_check_hook"): _READ_ONLY,  # of transaction_read_only
}
_WRONG_LOGIN = frozenset(("28P01", "28000"))
_MISSING = {"3D000": "database", "42P01": "table or sequence", "3F000": "schema"}
_LOCKED = "55P03"
_USED = "2BP01"
#: Number of objects in the error about those that use a dropped one.
_USERS = 3


def _rows_hidden(address: Address, cause: str) -> StorageError:
    return DatabaseError(
        f"Row-level security hides rows of the table in {address} from this user",
        cause=cause,
        remedy="Use a user with BYPASSRLS, or the owner if row-level security is not forced: a backup "
        "without the hidden rows would be incomplete.",
        subject=str(address),
    )


def _refused(address: Address, cause: str) -> StorageError:
    return AccessDenied(
        f"The database {address} refuses the action",
        cause=cause,
        remedy="Grant the user the missing permission, or use a user that has it.",
        subject=str(address),
    )


def _starting(address: Address, cause: str) -> StorageError:
    return DatabaseOffline(
        f"The database server {address.place} does not accept connections yet",
        cause=cause,
        remedy="It is starting or stopping: try again in a moment.",
        subject=str(address),
    )


def _exists(address: Address, cause: str) -> StorageError:
    # A restore has chosen a free name: another one, at the same time, was faster.
    return AlreadyExists(
        f"A table, index or sequence of this name already exists in {address}",
        cause=cause,
        remedy="Another program has just created it: try again, or choose another name.",
        subject=str(address),
    )


#: Errors by SQLSTATE with a particular summary.
_BY_CODE = {
    **dict.fromkeys(("57P01", "57P02", "08006", "08003", "08001"), connection_lost),
    "53300": too_many_connections,
    "57P03": _starting,
    "42501": _refused,
    "42P07": _exists,
}
#: Errors by the function in the server that reports them, if the SQLSTATE says less.
_ROUTINES = {"check_enable_rls": _rows_hidden}


def server_error(fields: Mapping[str, str], address: ServerAddress) -> StorageError:
    """Return the error for the fields of an error message: `C` code, `M` message, `D` detail."""
    code, message = fields.get("C", ""), redacted(fields.get("M", "")).strip()
    message = f"{message[:1].upper()}{message[1:]}"
    if code == "23505" and fields.get("n", "").startswith("pg_"):  # names of a system catalog
        code = "42P07"
    if code.startswith("22"):  # errors in data: the quoted end of the message is a value of a row
        message = message.partition(': "')[0]
    if code in _WRONG_LOGIN:
        remedy = "Check the user and the password, and the server's pg_hba.conf."
        return login_refused(address, f"{message}.", remedy)
    special = _ROUTINES.get(fields.get("R", "")) or _BY_CODE.get(code)
    if special:
        return special(address, f"{message}.")
    if code == _LOCKED:
        return LockedError(
            f"Another session holds a lock on a table in {address}",
            cause=f"{message}.",
            remedy="Wait until it has ended, or end it, then try again.",
            subject=str(address),
        )
    if code in _MISSING:
        return object_missing(address, _MISSING[code], f"{message}.")
    if code == _USED:
        message = f"{message}: {_users(fields.get('D', ''))}".removesuffix(": ")
    return other_error(address, f"{message} ({code}).", _remedy(code, fields.get("R", "")))


def _users(detail: str) -> str:
    """Return the first objects that use a dropped one, from lines such as "view b depends on table a"."""
    lines = redacted(detail).strip().splitlines()
    more = f"; and {len(lines) - _USERS} more" if len(lines) > _USERS else ""
    return "; ".join(lines[:_USERS]) + more


def _remedy(code: str, routine: str) -> str:
    for (of_standby, beginning), remedy in _OF_STANDBYS.items():
        if code == of_standby and routine.startswith(beginning):
            return remedy
    return _REMEDIES.get(code, "")
