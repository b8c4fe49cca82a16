"""Execution of a single CREATE statement, with a guard against any other statement."""

from __future__ import annotations

import apsw

from core.backup.databases.sqlite.failures import NOT_BUILDABLE, database_error
from core.errors import NOTHING_CHANGED, Corrupt, NotSupported

_CREATING = frozenset(
    (
        apsw.SQLITE_CREATE_TABLE,
        apsw.SQLITE_CREATE_INDEX,
        apsw.SQLITE_CREATE_TRIGGER,
        apsw.SQLITE_READ,
        apsw.SQLITE_SELECT,
        apsw.SQLITE_REINDEX,
    )
)
_WRITING = frozenset((apsw.SQLITE_INSERT, apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE))
_OWN = frozenset(("sqlite_master", "sqlite_schema", "sqlite_sequence"))
_REFUSED_FUNCTIONS = frozenset(
    ("load_extension", "readfile", "writefile", "edit", "fts3_tokenizer")
)


def create_guarded(connection: apsw.Connection, sql: str) -> None:
    """Run a single CREATE statement; SQLite's authorizer refuses anything else.

    Raises:
        NotSupported: When it requires a function, collation or module that SQLite does not have.
        Corrupt: When the text contains another statement.
    """
    count = 0

    def one_only(_cursor: apsw.Cursor, _sql: str, _bindings: object) -> bool:
        nonlocal count
        count += 1
        return count == 1

    cursor = connection.cursor()
    cursor.exec_trace = one_only
    connection.authorizer = _allowed
    try:
        cursor.execute(sql)
    except (apsw.AuthError, apsw.ExecTraceAbort, apsw.SQLError) as error:
        raise _refusal(error, sql[:300]) from error
    finally:
        connection.authorizer = None


def _refusal(error: apsw.Error, subject: str) -> Corrupt | NotSupported:
    found = database_error(error, subject)
    if found.summary in NOT_BUILDABLE:
        return NotSupported(
            f"The schema could not be built: {found.summary[0].lower()}{found.summary[1:]}",
            cause=found.cause,
            remedy=found.remedy,
            subject=subject,
        )
    return Corrupt(
        "The schema could not be built",
        cause=str(error),
        remedy="The backup's schema is damaged, or was not written by this program.",
        effect=NOTHING_CHANGED,
        subject=subject,
    )


def _allowed(
    operation: int, first: str | None, second: str | None, _database: str | None, _inner: str | None
) -> int:
    if operation in _CREATING:
        return apsw.SQLITE_OK
    if operation in _WRITING and first in _OWN:
        return apsw.SQLITE_OK
    if operation == apsw.SQLITE_FUNCTION and second not in _REFUSED_FUNCTIONS:
        return apsw.SQLITE_OK
    return apsw.SQLITE_DENY
