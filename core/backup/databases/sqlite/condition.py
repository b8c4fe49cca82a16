"""Check of an operator's condition by SQLite's own compiler."""

from __future__ import annotations

from typing import Any

import apsw

from core.backup.databases.condition import checks_of
from core.backup.databases.sqlite.tokens import quoted
from core.errors import InvalidInput

#: Actions of a statement that only reads. In addition, full-text tables read the version of their
#: data by a pragma.
_READING = frozenset(
    (apsw.SQLITE_SELECT, apsw.SQLITE_READ, apsw.SQLITE_FUNCTION, apsw.SQLITE_RECURSIVE)
)


def check_condition(connection: apsw.Connection, table: str, where: str) -> None:
    """Compile a condition in two places without running it.

    Raises:
        InvalidInput: It is not a condition on the rows of the table, or it contains a second
            statement, a parameter, or an action that does more than read.
    """
    for statement in checks_of(quoted(table), where):
        _compile(connection, statement)


def _compile(connection: apsw.Connection, statement: str) -> None:
    compiled: list[str] = []

    def stop(_cursor: apsw.Cursor, text: str, _bindings: Any) -> bool:
        compiled.append(text)
        return False  # the statement is not run

    cursor = connection.cursor()
    cursor.exec_trace = stop
    connection.authorizer = _authorize
    try:
        cursor.execute(statement)
    except apsw.ExecTraceAbort:
        pass
    except (apsw.SQLError, apsw.AuthError, apsw.BindingsError) as error:
        # The general translation would report a damaged schema for a name that does not exist.
        raise InvalidInput(
            "SQLite does not accept it",
            cause=f"{error}.",
            remedy="Correct the condition; the dialect is SQLite's.",
        ) from error
    finally:
        connection.authorizer = None
        cursor.close(force=True)
    # SQLite compiles one statement after the other, so the first one must be the complete text.
    if compiled != [statement]:
        raise InvalidInput(
            "The condition contains a second statement",
            remedy="Use one SQL condition, as it is written after WHERE.",
        )


def _authorize(action: int, subject: str | None, *_place: object) -> int:
    if action in _READING or (action == apsw.SQLITE_PRAGMA and subject == "data_version"):
        return apsw.SQLITE_OK
    return apsw.SQLITE_DENY
