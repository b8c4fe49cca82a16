"""The former table after a restore: retained under another name, with a note for the undo.

Index and trigger names are unique in a database, so the former table loses them to the restored
one. Its foreign keys would let changes of other tables delete or change its rows. All of these are
recorded in a small view beside it, from which the undo reads them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import apsw

from core.backup.databases.sqlite.ddl.keyless import keyless
from core.backup.databases.sqlite.ddl.statements import read_table
from core.backup.databases.sqlite.definition import define, definition_of
from core.backup.databases.sqlite.former_names import NOTE, former_name, is_there
from core.backup.databases.sqlite.guarded_create import create_guarded
from core.backup.databases.sqlite.inspect import incoming, read_schema
from core.backup.databases.sqlite.orphans import Place, newly_orphaned
from core.backup.databases.sqlite.renaming import rename
from core.backup.databases.sqlite.tokens import quoted
from core.errors import InvalidInput, NotSupported
from core.model.restore import UndoReport, dangling_after_undo
from core.model.tables import ForeignKey


def put_back(connection: apsw.Connection, former: str) -> UndoReport:
    """Undo `set_aside`, dropping the table that came in its place; return the table's name.

    Raises:
        InvalidInput: When `former` is not a former table.
    """
    require_former(connection, former)
    notes = connection.execute(f"SELECT kind, name, sql FROM {quoted(former + NOTE)}").fetchall()  # noqa: S608 - the name is quoted
    table, text = str(notes[0][1]), str(notes[0][2])
    connection.execute(f"DROP VIEW {quoted(former + NOTE)}")
    problems: tuple[str, ...] = ()
    if is_there(connection, table, "table"):
        problems = dangling_after_undo(_newly_orphaned(connection, table, former, text))
        connection.execute(f"DROP TABLE {quoted(table)}")
    rename(connection, former, table)
    problems += _put_back_foreign_keys(connection, table, text)
    for _, _, sql in notes[1:]:
        create_guarded(connection, str(sql))
    return UndoReport(table, problems)


def _foreign_keys(text: str) -> tuple[ForeignKey, ...]:
    """Return the foreign keys in a note; that of an earlier version contains none."""
    return read_table(text).foreign_keys if text else ()


def _put_back_foreign_keys(connection: apsw.Connection, table: str, text: str) -> tuple[str, ...]:
    """Define the foreign keys of a table again; return texts about those that are missing."""
    if not (keys := _foreign_keys(text)):
        return ()
    present = read_table(definition_of(connection, table))
    if replace(present, table="") == replace(keyless(read_table(text)), table=""):
        define(connection, table, text)
        return ()
    names = ", ".join(f"{', '.join(key.columns)} → {key.table}" for key in keys)
    return (f"{table} lacks its foreign keys, since the former table was changed: {names}.",)


def _newly_orphaned(
    connection: apsw.Connection, table: str, former: str, text: str
) -> tuple[tuple[str, int], ...]:
    """Count rows that refer to rows of a table which the former one does not have."""
    with suppress(NotSupported):  # a table that could not be backed up is put back all the same
        schema = replace(
            read_schema(connection, former), table=table, foreign_keys=_foreign_keys(text)
        )
        now, before = Place("main", former), Place("main", table)
        return newly_orphaned(connection, schema, incoming(connection, table), now, before)
    return ()


def drop(connection: apsw.Connection, former: str) -> None:
    """Drop a former table and its note, inside a transaction.

    Raises:
        InvalidInput: When `former` is not a former table.
    """
    require_former(connection, former)
    connection.execute(f"DROP VIEW {quoted(former + NOTE)}")
    connection.execute(f"DROP TABLE {quoted(former)}")


def require_former(connection: apsw.Connection, former: str) -> None:
    """Check that a name is that of a former table.

    Raises:
        InvalidInput: It is not.
    """
    if not (former_name(connection, former) and is_there(connection, former, "table")):
        raise InvalidInput(
            f"{former} is not a former table of a restore",
            remedy="Choose a former table from the list.",
            subject=former,
        )
