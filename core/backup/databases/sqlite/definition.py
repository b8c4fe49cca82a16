"""Changes of the text that defines a table, which `ALTER TABLE` cannot make: its foreign keys.

SQLite documents this for constraints, which have no content in the file: "Making Other Kinds Of
Table Schema Changes", https://sqlite.org/lang_altertable.html#otheralter. It belongs to the
transaction, so a kill leaves the former text.
"""

from __future__ import annotations

from typing import Any

import apsw

from core.backup.databases.sqlite.connection import scalar
from core.backup.databases.sqlite.tokens import quoted
from core.errors import NOTHING_CHANGED, Corrupt


def definition_of(connection: apsw.Connection, table: str) -> str:
    """Return the text that defines a table."""
    sql = "SELECT sql FROM sqlite_schema WHERE type='table' AND lower(name)=lower(?)"
    return str(scalar(connection, sql, (table,)))


def define(connection: apsw.Connection, table: str, text: str) -> None:
    """Replace the text that defines a table by one that only differs in foreign keys.

    Raises:
        Corrupt: The table would differ in anything else; roll the transaction back.
    """
    before = _structure(connection, table)
    version = int(scalar(connection, "PRAGMA schema_version"))
    connection.execute("PRAGMA writable_schema=ON")
    try:
        connection.execute(
            "UPDATE sqlite_schema SET sql=? WHERE type='table' AND lower(name)=lower(?)",
            (text, table),
        )
        # Other connections read the schema again if its version differs.
        connection.execute(f"PRAGMA schema_version={version + 1}")
    finally:
        connection.execute("PRAGMA writable_schema=RESET")  # this one reads it again, too
    try:
        same = _structure(connection, table) == before
    except (apsw.SQLError, apsw.CorruptError):  # malformed database schema
        same = False
    if not same:
        raise Corrupt(
            f"The definition of the table {table} cannot be changed",
            cause="SQLite understands it differently without foreign keys.",
            remedy="Report this: it should not happen.",
            effect=NOTHING_CHANGED,
            subject=table,
        )


def _structure(connection: apsw.Connection, table: str) -> list[tuple[Any, ...]]:
    """Return all that the text of a table says about its content: columns and automatic indexes."""
    found = connection.execute(f"PRAGMA table_xinfo({quoted(table)})").fetchall()
    found += connection.execute(
        'SELECT l.name, l."unique", l.origin, l.partial, x.seqno, x.cid, x.name, x."desc", x.coll, '
        "x.key FROM pragma_index_list(?) l, pragma_index_xinfo(l.name) x ORDER BY l.name, x.seqno",
        (table,),
    ).fetchall()
    found += connection.execute(
        "SELECT type, wr, strict FROM pragma_table_list WHERE schema='main' AND lower(name)=lower(?)",
        (table,),
    ).fetchall()
    return found
