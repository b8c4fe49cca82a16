"""Inspection of an SQLite database: tables, schemas and foreign keys."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import apsw

from core.backup.databases.sqlite.connection import scalar
from core.backup.databases.sqlite.ddl.statements import read_index, read_table, read_trigger
from core.backup.databases.sqlite.dump import rowids_field
from core.backup.databases.sqlite.former_names import former_name
from core.backup.databases.sqlite.tokens import quoted, tokens
from core.errors import Corrupt, NotFound, NotSupported
from core.model.tables import TableSchema

if TYPE_CHECKING:
    from core.model.database import Reference, TableInfo

_UNFIT = {
    "virtual": "a virtual table: back up the tables that it reads",
    "shadow": "a part of a virtual table",
    "view": "a view, which has no rows",
}
#: Of a table with a malformed page, or an index that SQLite counts instead.
_DAMAGED = "not readable: it is damaged in the file, see `PRAGMA integrity_check`"


def list_tables(connection: apsw.Connection) -> tuple[TableInfo, ...]:
    """Return the tables by name, with row counts, without views and internal tables."""
    rows = connection.execute(
        "SELECT name, type FROM pragma_table_list WHERE schema='main' "
        "AND type<>'view' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY lower(name), name"
    ).fetchall()
    return tuple(_info(connection, str(name), str(kind)) for name, kind in rows)


def _info(connection: apsw.Connection, name: str, kind: str) -> TableInfo:
    from core.model.database import TableInfo

    if kind in _UNFIT:
        derived = kind == "shadow" or _has_external_content(connection, name)
        return TableInfo(name, None, _UNFIT[kind], derived=derived)
    try:
        count = scalar(connection, f"SELECT count(*) FROM {quoted(name)}")  # noqa: S608 - the name is quoted
    except apsw.CorruptError:  # the others may be intact
        return TableInfo(name, None, _DAMAGED)
    return TableInfo(name, int(count), former_name=former_name(connection, name))


def _has_external_content(connection: apsw.Connection, name: str) -> bool:
    """Return whether a virtual table is a full-text index over the rows of another table."""
    sql = scalar(connection, "SELECT sql FROM sqlite_schema WHERE name=?", (name,))
    return bool(external_content(str(sql)))


def found_table(connection: apsw.Connection, table: str) -> str:
    """Return the stored name of a table (names are case-insensitive).

    Raises:
        NotFound: When the table does not exist.
        NotSupported: When it is a view or a virtual table.
    """
    rows = connection.execute(
        "SELECT name, type FROM pragma_table_list WHERE schema='main' AND lower(name)=lower(?)",
        (table,),
    ).fetchall()
    if not rows:
        raise NotFound(
            f"There is no table {table}",
            remedy="Choose a table of the database.",
            subject=table,
        )
    name, kind = str(rows[0][0]), str(rows[0][1])
    if kind in _UNFIT:
        raise NotSupported(
            f"{name} is {_UNFIT[kind]}",
            cause="Only ordinary tables can be backed up.",
            remedy="Choose an ordinary table.",
            subject=name,
        )
    return name


def read_schema(connection: apsw.Connection, table: str) -> TableSchema:
    """Return the schema of a table, compared with SQLite's own description.

    Raises:
        NotFound, NotSupported: As `found_table`.
        Corrupt: When its schema text is not understood.
    """
    table = found_table(connection, table)
    texts = connection.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE lower(tbl_name)=lower(?) "
        "AND sql IS NOT NULL ORDER BY rowid",
        (table,),
    ).fetchall()
    bare = next(read_table(str(sql)) for kind, _, sql in texts if kind == "table")
    _agree(connection, table, bare)
    return replace(
        bare,
        table=table,
        indexes=tuple(read_index(str(sql)) for kind, _, sql in texts if kind == "index"),
        triggers=tuple(read_trigger(str(sql)) for kind, _, sql in texts if kind == "trigger"),
        sequence=_sequence(connection, table),
        rowids=rowids_field(bare),
    )


def _agree(connection: apsw.Connection, table: str, schema: TableSchema) -> None:
    """Check that the parsed schema equals SQLite's description; otherwise there is no backup."""
    reported = connection.execute(
        'SELECT name, type, "notnull", hidden FROM pragma_table_xinfo(?)', (table,)
    ).fetchall()
    theirs = [(str(name), kind in (2, 3)) for name, _, _, kind in reported]
    ours = [(column.name, column.generated is not None) for column in schema.columns]
    if theirs != ours:
        raise Corrupt(
            f"The schema of {table} is not understood",
            cause=f"It was parsed as {ours}, but SQLite reports {theirs}.",
            subject=table,
        )


def _sequence(connection: apsw.Connection, table: str) -> int | None:
    exists = scalar(connection, "SELECT count(*) FROM sqlite_schema WHERE name='sqlite_sequence'")
    if not exists:
        return None
    rows = connection.execute("SELECT seq FROM sqlite_sequence WHERE name=?", (table,)).fetchall()
    return int(rows[0][0]) if rows and rows[0][0] is not None else None


def incoming(connection: apsw.Connection, table: str) -> tuple[Reference, ...]:
    """Return the foreign keys of other tables to `table`, which need not exist."""
    from core.model.database import Reference

    rows = connection.execute(
        'SELECT t.name, f.id, f."from", f."to", f.on_delete '
        "FROM pragma_table_list AS t, pragma_foreign_key_list(t.name) AS f "
        "WHERE t.schema='main' AND t.type='table' AND lower(f.\"table\")=lower(?1) "
        "AND lower(t.name)<>lower(?1) ORDER BY t.name, f.id, f.seq",
        (table,),
    ).fetchall()
    found = []
    for (name, _), group in groupby(rows, key=itemgetter(0, 1)):
        parts = list(group)
        parents = tuple(str(part[3]) for part in parts if part[3] is not None)
        if not former_name(connection, str(name)):
            columns = tuple(str(part[2]) for part in parts)
            found.append(Reference(str(name), columns, parents, _rule(str(parts[0][4]))))
    return tuple(found)


def external_content(sql: str) -> str:
    """Return the table or view of a full-text index; empty if the index stores the texts."""
    found = tokens(sql)
    for at, token in enumerate(found[:-2]):
        if token.name.lower() == "content" and found[at + 1].text == "=":
            return found[at + 2].name
    return ""


def _rule(text: str) -> str:
    return "" if text == "NO ACTION" else text
