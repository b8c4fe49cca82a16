"""Renaming of a table, also as the former one, with a note for the undo."""

from __future__ import annotations

import apsw

from core.backup.databases.sqlite.ddl.keyless import without_foreign_keys
from core.backup.databases.sqlite.ddl.statements import read_table
from core.backup.databases.sqlite.definition import define, definition_of
from core.backup.databases.sqlite.former_names import NOTE
from core.backup.databases.sqlite.tokens import literal, quoted


def set_aside(connection: apsw.Connection, table: str, former: str) -> None:
    """Rename `table` to `former` without its indexes, triggers and foreign keys, and note these."""
    owned = connection.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE lower(tbl_name)=lower(?) "
        "AND type IN ('index','trigger') AND sql IS NOT NULL ORDER BY rowid",
        (table,),
    ).fetchall()
    text = definition_of(connection, table)
    notes = [("table", table, text), *((str(k), str(n), str(s)) for k, n, s in owned)]
    values = ", ".join(f"({literal(k)}, {literal(n)}, {literal(s)})" for k, n, s in notes)
    connection.execute(f"CREATE VIEW {quoted(former + NOTE)} (kind, name, sql) AS VALUES {values}")
    for kind, name, _ in notes[1:]:
        connection.execute(f"DROP {kind.upper()} {quoted(name)}")
    rename(connection, table, former)
    if read_table(text).foreign_keys:
        define(connection, former, without_foreign_keys(definition_of(connection, former)))


def rename(connection: apsw.Connection, table: str, name: str) -> None:
    """Rename a table and nothing else: with the legacy rule, references elsewhere stay."""
    connection.execute("PRAGMA legacy_alter_table=ON")
    connection.execute(f"ALTER TABLE {quoted(table)} RENAME TO {quoted(name)}")
