"""Foreign keys to a table, also from tables of other databases of the server.

The information schema only contains keys of tables that the user may change in some way. InnoDB
lists all keys, which requires the privilege PROCESS.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from core.backup.databases.mysql.inspect import former_of, text
from core.backup.databases.mysql.session import Session
from core.backup.databases.mysql.tokens import literal
from core.errors import NOTHING_CHANGED, AccessDenied, Conflict
from core.model.database import Reference

#: What a user without the privilege PROCESS does not know.
UNSEEN = (
    "Foreign keys of other databases are only visible with the privilege PROCESS, which the user "
    "does not have"
)
_VISIBLE = """
SELECT CASE WHEN k.TABLE_SCHEMA = DATABASE() THEN '' ELSE k.TABLE_SCHEMA END, k.TABLE_NAME,
  k.CONSTRAINT_NAME, k.COLUMN_NAME, k.REFERENCED_COLUMN_NAME, r.DELETE_RULE, r.UPDATE_RULE
FROM information_schema.KEY_COLUMN_USAGE k
JOIN information_schema.REFERENTIAL_CONSTRAINTS r ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA
  AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME
WHERE k.TABLE_SCHEMA {here} DATABASE() AND k.REFERENCED_TABLE_SCHEMA = DATABASE()
  AND k.REFERENCED_TABLE_NAME = {table}
  AND NOT (k.TABLE_SCHEMA = DATABASE() AND k.TABLE_NAME = {table})
ORDER BY 1, k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION
"""
#: The names are those of files: `odd@002dname`. The rules are bits of TYPE.
_OF_ENGINE = """
SELECT f.FOR_NAME, f.ID, c.FOR_COL_NAME, c.REF_COL_NAME, f.TYPE
FROM information_schema.{prefix}FOREIGN f
JOIN information_schema.{prefix}FOREIGN_COLS c ON c.ID = f.ID
WHERE f.REF_NAME = {parent} AND f.FOR_NAME NOT LIKE {own} ORDER BY f.FOR_NAME, f.ID, c.POS
"""
_CASCADES, _SETS_NULL = 1, 2


@dataclass(frozen=True, slots=True)
class ReferringKey:
    """A foreign key of `table`, in `database` if that is another one (otherwise empty)."""

    name: str
    table: str
    columns: tuple[str, ...]
    parents: tuple[str, ...]
    on_delete: str
    on_update: str
    database: str = ""

    @property
    def place(self) -> str:
        """The name of the table, with its database if that is another one."""
        return f"{self.database}.{self.table}" if self.database else self.table


def referring_keys(session: Session, table: str) -> list[ReferringKey]:
    """Return the foreign keys of other tables to `table`, as far as the user may see them."""
    found = _visible(session, table, "=")
    try:
        found += _of_engine(session, table)
    except AccessDenied:  # callers state it where it matters: `sees_all`
        # The information schema opens every table of the server for this.
        found += _visible(session, table, "<>")
    return found


def sees_all(session: Session) -> bool:
    """Return whether the user may see the foreign keys of every database."""
    prefix = _prefix(session)
    try:
        session.query(f"SELECT 1 FROM information_schema.{prefix}FOREIGN LIMIT 1")  # noqa: S608 - a constant
    except AccessDenied:
        return False
    return True


def incoming(session: Session, table: str) -> tuple[Reference, ...]:
    """Return the foreign keys of other tables to `table`, which need not exist."""
    found = []
    for key in referring_keys(session, table):
        if key.database or not former_of(session, key.table):
            rule = "" if key.on_delete in ("NO ACTION", "RESTRICT") else key.on_delete
            found.append(Reference(key.place, key.columns, key.parents, rule, key.database))
    return tuple(found)


def refuse_other_databases(session: Session, table: str) -> None:
    """Refuse to replace a table to which tables of other databases refer.

    Raises:
        Conflict: There is such a foreign key, which would refer to the replaced table.
    """
    for key in referring_keys(session, table):
        if key.database:
            raise Conflict(
                f"A table of another database refers to {table}",
                cause=f"The foreign key {key.name} of {key.place} would refer to the replaced table.",
                remedy="Restore under a new name, or drop that foreign key first and add it again "
                "afterwards.",
                effect=NOTHING_CHANGED,
                subject=table,
            )


def _visible(session: Session, table: str, here: str) -> list[ReferringKey]:
    rows = session.query(_VISIBLE.format(table=literal(table), here=here))
    return [
        ReferringKey(
            text(name), text(child), _texts(parts, 3), _texts(parts, 4), text(parts[0][5]),
            text(parts[0][6]), text(database),
        )
        for (database, child, name), group in groupby(rows, key=itemgetter(0, 1, 2))
        if (parts := list(group))
    ]  # fmt: skip


def _texts(rows: Sequence[Sequence[Any]], place: int) -> tuple[str, ...]:
    return tuple(text(row[place]) for row in rows)


def _of_engine(session: Session, table: str) -> Iterator[ReferringKey]:
    own = _file_name(session, "DATABASE()")
    parent = f"{own}/{_file_name(session, literal(table))}"
    pattern = own.replace("_", r"\_") + "/%"
    statement = _OF_ENGINE.format(
        prefix=_prefix(session), parent=literal(parent), own=literal(pattern)
    )
    for (child, identity), group in groupby(session.query(statement), key=itemgetter(0, 1)):
        parts = list(group)
        database, _, name = text(child).partition("/")
        rules = int(parts[0][4])
        yield ReferringKey(
            text(identity).partition("/")[2], _from_file_name(session, name), _texts(parts, 2),
            _texts(parts, 3),
            "CASCADE" if rules & _CASCADES else "SET NULL" if rules & _SETS_NULL else "RESTRICT",
            "RESTRICT", _from_file_name(session, database),
        )  # fmt: skip


def _prefix(session: Session) -> str:
    return "INNODB_SYS_" if session.is_mariadb else "INNODB_"


def _file_name(session: Session, name: str) -> str:
    """Return the name of the files of a table, whose name is given as an expression."""
    return text(session.value(f"SELECT CAST(CONVERT({name} USING filename) AS BINARY)"))


def _from_file_name(session: Session, name: str) -> str:
    return text(session.value(f"SELECT CONVERT(_filename{literal(name)} USING utf8mb4)"))
