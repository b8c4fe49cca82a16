"""Inspection of a MariaDB or MySQL database: tables, schemas and triggers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.backup.databases.mysql.names import (
    NOTE,
    former_pattern,
    is_being_loaded,
    is_note_name,
)
from core.backup.databases.mysql.reader import read_table
from core.backup.databases.mysql.session import Session
from core.backup.databases.mysql.tokens import literal, quoted, tokens
from core.backup.databases.mysql.writer import check_complete
from core.backup.databases.naming import naming_locked
from core.errors import (
    AccessDenied,
    Conflict,
    Corrupt,
    DatabaseError,
    NotFound,
    NotSupported,
    StorageError,
)
from core.model.tables import Column, TableSchema, Trigger

if TYPE_CHECKING:
    from core.model.database import TableInfo

_UNFIT = {
    "VIEW": "a view, which has no rows",
    "SYSTEM VIEW": "a view of the server",
    "SEQUENCE": "a sequence: back up the tables that use it",
    "SYSTEM VERSIONED": "a table with system versioning, whose history cannot be restored",
}
#: Functions of sequences, in which MariaDB writes `NEXT VALUE FOR`, too.
_OF_SEQUENCES = ("NEXTVAL", "LASTVAL", "SETVAL")
_NO_PRIVILEGE = "not readable for this user, who lacks the privilege SELECT"
#: Tables with at most this many bytes are counted; the others show the server's estimate.
_COUNTED_BYTES = 64 << 20
_TABLES = """
SELECT TABLE_NAME, TABLE_COMMENT, TABLE_TYPE, ENGINE, TABLE_ROWS, DATA_LENGTH
FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE <> 'VIEW' ORDER BY TABLE_NAME
"""
_TRIGGERS = """
SELECT TRIGGER_NAME, ACTION_TIMING, EVENT_MANIPULATION, ACTION_STATEMENT, DEFINER, SQL_MODE
FROM information_schema.TRIGGERS
WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = {table}
ORDER BY EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER
"""


def text(value: Any) -> str:
    """Return a text of the information schema; drivers return some as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)


def list_tables(session: Session) -> tuple[TableInfo, ...]:
    """Return the tables by name, with row counts, without those that a restore is loading."""
    rows = [
        (text(name), *rest)
        for name, comment, *rest in session.query(_TABLES)
        if not is_being_loaded(text(name), text(comment))
    ]
    names = frozenset(name for name, *_ in rows)
    with _short_waits(session):
        found = (
            _info(
                session, name, text(kind), text(engine), int(estimate or 0), int(size or 0), names
            )
            for name, kind, engine, estimate, size in rows
            if not is_note_name(name, names)
        )
        return tuple(info for info in found if info is not None)


def wait_briefly(session: Session) -> int:
    """Wait for locks for a second at most from now on; return the former limit in seconds."""
    usual = int(session.value("SELECT @@lock_wait_timeout"))
    session.run(f"SET SESSION lock_wait_timeout={min(1, usual)}")
    return usual


@contextmanager
def _short_waits(session: Session) -> Iterator[None]:
    """Wait for the lock of each table for a second only; there may be many locked ones."""
    usual = wait_briefly(session)
    try:
        yield
    finally:
        with suppress(StorageError):  # the connection has ended
            session.run(f"SET SESSION lock_wait_timeout={usual}")


def _info(  # noqa: PLR0913, PLR0917 - the columns of one row
    session: Session,
    name: str,
    kind: str,
    engine: str,
    estimate: int,
    size: int,
    names: frozenset[str],
) -> TableInfo | None:
    """Return a table; None if another session has just dropped it."""
    from core.model.database import TableInfo

    if kind in _UNFIT:
        return TableInfo(name, None, _UNFIT[kind], derived=kind == "SEQUENCE")
    count, estimated = estimate, True
    if size <= _COUNTED_BYTES:
        # A table that another session has locked is listed with the estimate.
        with suppress(Conflict):
            try:
                count = int(session.value(f"SELECT COUNT(*) FROM {quoted(name)}"))  # noqa: S608 - the name is quoted
                estimated = False
            except AccessDenied:
                return TableInfo(name, None, _NO_PRIVILEGE)
            except DatabaseError as error:  # for example of a table whose file is damaged
                return TableInfo(name, None, f"not readable: {error.cause.rstrip('.')}")
            except NotFound:
                return None
    former = former_of(session, name) if name + NOTE in names else ""
    problem = engine_problem(engine)
    return TableInfo(name, count, problem, former_name=former, estimated=estimated)


def estimated_rows(session: Session, table: str) -> int | None:
    """Return the server's estimate of the rows of a table; None if it is quick to count them."""
    rows = session.query(
        "SELECT TABLE_ROWS, DATA_LENGTH FROM information_schema.TABLES "  # noqa: S608 - a literal
        f"WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME={literal(table)}"
    )
    if not rows or int(rows[0][1] or 0) <= _COUNTED_BYTES:
        return None
    return int(rows[0][0] or 0)


def engine_problem(engine: str) -> str:
    """Return why a table of a storage engine cannot be backed up; empty if it can."""
    if engine.upper() == "INNODB":
        return ""
    return f"a table of the storage engine {engine}, which has no consistent view of its rows"


def prove_restorable(schema: TableSchema) -> None:
    """Check that a restore can build the table, and that its rows have one view.

    Raises:
        NotSupported: It cannot be backed up; the error names the table.
    """
    engine = next((o.partition("=")[2] for o in schema.options if o.startswith("ENGINE=")), "")
    if problem := engine_problem(engine or "InnoDB"):
        raise NotSupported(
            f"{schema.table} is {problem}",
            cause="Rows that change during the backup would be mixed.",
            remedy="Convert it first: ALTER TABLE … ENGINE=InnoDB.",
            subject=schema.table,
        )
    for column in schema.columns:
        if any(token.matches(*_OF_SEQUENCES) for token in tokens(column.default or "")):
            raise NotSupported(
                f"{schema.table} cannot be backed up, because the column {column.name} uses a sequence",
                cause=f"Its default is {column.default}. A sequence is another object of the "
                "database, which the backup of a table does not contain.",
                remedy="Number the column by AUTO_INCREMENT, or copy the rows to a table without "
                "this default and back up the copy.",
                subject=schema.table,
            )
    try:
        check_complete(schema)
    except (Corrupt, NotSupported) as error:
        raise NotSupported(
            f"{schema.table} cannot be backed up, because a restore could not build it again",
            cause=" ".join(part for part in (error.summary + ".", error.cause) if part),
            remedy="Copy the rows to a plain table (CREATE TABLE copy AS SELECT …) and back up "
            "the copy.",
            subject=schema.table,
            details=error.subject,
        ) from error


def former_of(session: Session, name: str) -> str:
    """Return the original name of a former table, or an empty string for any other table."""
    if not former_pattern.fullmatch(name) or not exists(session, name + NOTE):
        return ""
    rows = session.query(
        f"SELECT name FROM {quoted(name + NOTE)} WHERE kind='table'"  # noqa: S608 - the name is quoted
    )
    return text(rows[0][0]) if rows else ""


def exists(session: Session, name: str) -> bool:
    """Return whether a table or view with this name exists."""
    sql = (
        "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME="  # noqa: S608 - a literal
        + literal(name)
    )
    return bool(session.query(sql))


def read_schema(session: Session, table: str, *, for_rows: bool = False) -> TableSchema:
    """Return the schema of a table.

    Args:
        session: An open connection.
        table: The name of the table.
        for_rows: Whether its rows are read afterwards, in the transaction of the session.

    Raises:
        AccessDenied: `for_rows`, and the user cannot read the rows.
        Conflict: `for_rows`, and another session has locked the table.
        NotFound: The table does not exist.
        NotSupported: It is not an ordinary table, or has a property that is not recorded.
    """
    kind = session.query(
        "SELECT TABLE_NAME, TABLE_TYPE FROM information_schema.TABLES "  # noqa: S608 - a literal
        f"WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME={literal(table)}"
    )
    if not kind:
        raise NotFound(
            f"There is no table {table}",
            remedy="Choose a table of the database.",
            subject=table,
        )
    name = text(kind[0][0])
    if (found := text(kind[0][1])) in _UNFIT:
        raise NotSupported(
            f"{name} is {_UNFIT[found]}",
            cause="Only ordinary tables can be backed up.",
            remedy="Choose an ordinary table.",
            subject=name,
        )
    if for_rows:
        _check_readable(session, name)
    schema = read_table(_definition(session, name))
    return replace(schema, table=name, triggers=triggers(session, name))


def read_columns(session: Session, table: str) -> tuple[Column, ...]:
    """Return the columns of a table."""
    return read_table(_definition(session, table)).columns


def changed_at(session: Session, table: str) -> object:
    """Return when the definition or the name of a table was changed; None if it does not exist."""
    return session.value(
        "SELECT CREATE_TIME FROM information_schema.TABLES "  # noqa: S608 - a literal
        f"WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME={literal(table)}"
    )


def _check_readable(session: Session, name: str) -> None:
    """Read nothing from a table, and release its lock again: its backup may begin much later."""
    session.run("SAVEPOINT strongroom_readable")
    with naming_locked(name, str(session.address)):
        session.run(f"SELECT 1 FROM {quoted(name)} LIMIT 0")  # noqa: S608 - the name is quoted
    session.run("ROLLBACK TO SAVEPOINT strongroom_readable")


def definition(session: Session, table: str) -> str:
    """Return the definition of a table as the server writes it, for reading."""
    return _definition(session, table).encode(errors="backslashreplace").decode()


def _definition(session: Session, table: str) -> str:
    r"""Return the definition; a byte that is no UTF-8 is a lone surrogate, for example `\udcff`.

    The server writes the default value of a binary column as it is.
    """
    with session.undecoded():
        found = session.query(f"SHOW CREATE TABLE {quoted(table)}")[0][1]
    return found.decode(errors="surrogateescape") if isinstance(found, bytes) else str(found)


def triggers(session: Session, table: str) -> tuple[Trigger, ...]:
    """Return the triggers of a table, in their order."""
    return tuple(
        Trigger(
            text(name), text(timing), text(event), text(body), each_row=True,
            definition=f"DEFINER={text(definer)} SQL_MODE={text(mode)}",
        )
        for name, timing, event, body, definer, mode in session.query(
            _TRIGGERS.format(table=literal(table))
        )
    )  # fmt: skip


_DEFINITION = re.compile(
    r"DEFINER=(?P<user>.*)@(?P<host>[^@]*) SQL_MODE=(?P<mode>[A-Z0-9_,]*)", re.DOTALL
)


def trigger_context(trigger: Trigger) -> tuple[str, str]:
    """Return the DEFINER clause and the SQL mode of a trigger; both may be empty."""
    match = _DEFINITION.fullmatch(trigger.definition)
    if match is None:
        return "", ""
    return f"DEFINER={quoted_user(match['user'])}@{quoted_user(match['host'])} ", match["mode"]


def definer_of(trigger: Trigger) -> str:
    """Return the definer of a trigger as `user@host`; empty if it is not recorded."""
    match = _DEFINITION.fullmatch(trigger.definition)
    return f"{match['user']}@{match['host']}" if match else ""


def quoted_user(name: str) -> str:
    """Return the quoted name of a user or host, which may be longer than that of a table."""
    return "`" + name.replace("`", "``").replace("\0", "") + "`"
