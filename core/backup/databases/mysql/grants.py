"""Privileges on a table and its columns, which the server stores by the name of the table.

So a restore in place retains them. A restore under another name, or into another database, grants
those of the backup on request. Without a privilege on the database `mysql` a user only sees the
own ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from core.backup.databases.grants import COLUMN, Grant, invalid_grant
from core.backup.databases.mysql.inspect import text
from core.backup.databases.mysql.session import SQL_MODE, Session
from core.backup.databases.mysql.tokens import literal, quoted
from core.errors import StorageError
from core.model.tables import TableSchema

_OF_COLUMNS = frozenset(("SELECT", "INSERT", "UPDATE", "REFERENCES"))
_PRIVILEGES = {
    "": _OF_COLUMNS
    | frozenset(
        (
            "DELETE", "CREATE", "DROP", "INDEX", "ALTER", "CREATE VIEW", "SHOW VIEW", "TRIGGER",
            "DELETE HISTORY", "DELETE VERSIONING ROWS",
        )
    ),
    COLUMN: _OF_COLUMNS,
}  # fmt: skip
_GRANTS = """
SELECT GRANTEE, '', PRIVILEGE_TYPE, IS_GRANTABLE FROM information_schema.TABLE_PRIVILEGES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {table}
UNION ALL SELECT GRANTEE, COLUMN_NAME, PRIVILEGE_TYPE, IS_GRANTABLE
FROM information_schema.COLUMN_PRIVILEGES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {table}
ORDER BY 2, 1, 3
"""
#: User and host as the server writes them, without doubled quotes; a role has no host.
_GRANTEE = re.compile(r"'(?P<user>.*)'@'(?P<host>[^']*)'", re.DOTALL)
_ROLE = re.compile(r"'(?P<user>(?:[^']|'')*)'(?:@'(?P<host>(?:[^']|'')*)')?")
_PUBLIC = "PUBLIC"
#: The right to grant a privilege on, which the server lists beside the privileges.
_USAGE = "USAGE"
#: The first version of MySQL in which GRANT never creates a user.
_NEVER_CREATES_USERS = 8


def grants_of(session: Session, table: str) -> tuple[str, ...]:
    """Return the grants on a table and its columns that the user may see."""
    found: dict[tuple[str, str], list[str]] = {}
    for grantee, column, privilege, grantable in session.query(
        _GRANTS.format(table=literal(table))
    ):
        right = text(privilege) + ("*" if text(grantable) == "YES" else "")
        if text(privilege) != _USAGE:
            found.setdefault((_recorded_role(text(grantee)), text(column)), []).append(right)
    return tuple(
        str(Grant(role, tuple(rights), COLUMN if column else "", column))
        for (role, column), rights in found.items()
    )


def _recorded_role(grantee: str) -> str:
    match = _GRANTEE.fullmatch(grantee)
    user, host = (match["user"], match["host"]) if match else (grantee.strip("'"), "")
    if not host:
        return _PUBLIC if user == _PUBLIC else _single_quoted(user)
    return f"{_single_quoted(user)}@{_single_quoted(host)}"


def _single_quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def check_grants(schema: TableSchema) -> None:
    """Check the recorded grants before anything is changed.

    Raises:
        Corrupt: One is not a privilege on the table or on one of its columns.
    """
    for grant in schema.grants:
        list(_statements(grant, schema))


def missing_grants(session: Session, schema: TableSchema) -> tuple[str, ...]:
    """Return the recorded grants that the server does not have for a table of this name."""
    present = set(grants_of(session, schema.table)) if schema.grants else set()
    return tuple(grant for grant in schema.grants if grant not in present)


def apply_grants(session: Session, schema: TableSchema) -> Iterator[str]:
    """Grant what the schema contains; yield what could not be granted. Nothing is revoked.

    Roles and privileges are data: a name is quoted, and never part of a statement as it is. It is
    called after the swap, so that an error of the server is only reported.

    Raises:
        Corrupt: A grant is not one of the table or of one of its columns.
    """
    if not schema.grants:
        return
    try:
        missing = missing_grants(session, schema)
        session.run(f"SET SESSION sql_mode={literal(_mode(session))}")
    except StorageError as error:
        yield f"The grants of the backup are missing: {error.cause or error.summary}"
        return
    for statement, what in (each for grant in missing for each in _statements(grant, schema)):
        try:
            session.run(statement)
        except StorageError as error:
            yield f"The grant of {what} is missing: {error.cause or error.summary}"
    with suppress(StorageError):  # the connection has ended
        session.run(f"SET SESSION sql_mode={literal(SQL_MODE)}")


def _mode(session: Session) -> str:
    """Return a mode in which GRANT fails for a user who does not exist, instead of creating one."""
    newer = int(session.version.partition(".")[0]) >= _NEVER_CREATES_USERS
    return SQL_MODE if newer and not session.is_mariadb else f"{SQL_MODE},NO_AUTO_CREATE_USER"


def _statements(recorded: str, schema: TableSchema) -> Iterator[tuple[str, str]]:
    """Yield the statement for each privilege of a grant, and what it grants to whom."""
    grant = Grant.parse(recorded)
    column = f" ({quoted(grant.name)})" if grant.kind else ""
    role, place = _role(grant.role), f" on {grant.kind} {grant.name}" if grant.kind else ""
    names = {COLUMN: [each.name for each in schema.columns]}
    for privilege, grantable in grant.checked(_PRIVILEGES, names):
        word = "DELETE HISTORY" if privilege == "DELETE VERSIONING ROWS" else privilege
        option = " WITH GRANT OPTION" if grantable else ""
        statement = f"GRANT {word}{column} ON {quoted(schema.table)} TO {role}{option}"
        yield statement, f"{privilege}{place} to {grant.role}"


def _role(role: str) -> str:
    """Return a recorded role or user as SQL.

    Raises:
        Corrupt: It is neither.
    """
    match = _ROLE.fullmatch(role)
    if role == _PUBLIC:
        return role
    if match is None or "\0" in role:
        raise invalid_grant(role, "is not a user or role")
    user, host = match["user"].replace("''", "'"), match["host"]
    name = literal(user)
    return name if host is None else f"{name}@{literal(host.replace(chr(39) * 2, chr(39)))}"
