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
# The server compares these names without regard to case and accents: `_is_here` compares them
# again.
_GRANTS = """
SELECT TABLE_SCHEMA, TABLE_NAME, GRANTEE, '', PRIVILEGE_TYPE, IS_GRANTABLE
FROM information_schema.TABLE_PRIVILEGES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {table}
UNION ALL SELECT TABLE_SCHEMA, TABLE_NAME, GRANTEE, COLUMN_NAME, PRIVILEGE_TYPE, IS_GRANTABLE
FROM information_schema.COLUMN_PRIVILEGES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = {table}
ORDER BY 4, 3, 5
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
    folds_case = int(session.value("SELECT @@lower_case_table_names")) > 0
    here = (text(session.value("SELECT DATABASE()")), table)
    for row in session.query(_GRANTS.format(table=literal(table))):
        schema, name, grantee, column, privilege, grantable = map(text, row)
        right = privilege + ("*" if grantable == "YES" else "")
        if privilege != _USAGE and _is_here((schema, name), here, folds_case=folds_case):
            found.setdefault((_recorded_role(grantee), column), []).append(right)
    return tuple(
        str(Grant(role, tuple(rights), COLUMN if column else "", column))
        for (role, column), rights in found.items()
    )


def _is_here(place: tuple[str, str], here: tuple[str, str], *, folds_case: bool) -> bool:
    """Return whether a database and a table are those, as the server distinguishes their names."""
    if folds_case:
        place, here = (place[0].lower(), place[1].lower()), (here[0].lower(), here[1].lower())
    return place == here


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
    for statement, what, role in (each for grant in missing for each in _statements(grant, schema)):
        try:
            if role and not _is_role(session, role):
                yield f"The grant of {what} is missing: this server has no such role."
                continue
            session.run(statement)
        except StorageError as error:
            yield f"The grant of {what} is missing: {error.cause or error.summary}"
    with suppress(StorageError):  # the connection has ended
        session.run(f"SET SESSION sql_mode={literal(SQL_MODE)}")


def _is_role(session: Session, name: str) -> bool:
    """Return whether a role exists: the server would take the name of a user without a host, too.

    Raises:
        StorageError: the user may not read the list of roles.
    """
    query = f"SELECT 1 FROM mysql.user WHERE User = BINARY {literal(name)} AND is_role = 'Y'"  # noqa: S608 - a literal
    return bool(list(session.query(query)))


def _mode(session: Session) -> str:
    """Return a mode in which GRANT fails for a user who does not exist, instead of creating one."""
    newer = int(session.version.partition(".")[0]) >= _NEVER_CREATES_USERS
    return SQL_MODE if newer and not session.is_mariadb else f"{SQL_MODE},NO_AUTO_CREATE_USER"


def _statements(recorded: str, schema: TableSchema) -> Iterator[tuple[str, str, str]]:
    """Yield the statement for each privilege of a grant, what it grants to whom, and its role.

    The role is empty for a user and for the public.
    """
    grant = Grant.parse(recorded)
    column = f" ({quoted(grant.name)})" if grant.kind else ""
    (role, named), place = _role(grant.role), f" on {grant.kind} {grant.name}" * bool(grant.kind)
    names = {COLUMN: [each.name for each in schema.columns]}
    for privilege, grantable in grant.checked(_PRIVILEGES, names):
        word = "DELETE HISTORY" if privilege == "DELETE VERSIONING ROWS" else privilege
        option = " WITH GRANT OPTION" if grantable else ""
        statement = f"GRANT {word}{column} ON {quoted(schema.table)} TO {role}{option}"
        yield statement, f"{privilege}{place} to {grant.role}", named


def _role(role: str) -> tuple[str, str]:
    """Return a recorded role or user as SQL, and the name of a role; empty for others.

    Raises:
        Corrupt: It is neither.
    """
    match = _ROLE.fullmatch(role)
    if role == _PUBLIC:
        return role, ""
    if match is None or "\0" in role:
        raise invalid_grant(role, "is not a user or role")
    user, host = match["user"].replace("''", "'"), match["host"]
    name = literal(user)
    if host is None:
        return name, user
    return f"{name}@{literal(host.replace(chr(39) * 2, chr(39)))}", ""
