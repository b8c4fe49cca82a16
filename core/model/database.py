"""An open database as data: its tables in a list, and what refers to a table."""

from __future__ import annotations

from dataclasses import dataclass

from core.units import format_estimate


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key from the perspective of the referenced table.

    The `columns` of `table` refer to `parents` of this table; empty `parents` means the primary
    key. A table of another `database` is named with it (`other.orders`).
    """

    table: str
    columns: tuple[str, ...]
    parents: tuple[str, ...] = ()
    on_delete: str = ""
    database: str = ""


@dataclass(frozen=True, slots=True)
class Dependant:
    """Another object of the database that reads, indexes or refers to a table.

    `kind` is `view`, `trigger`, `foreign key`, `full-text index` or `virtual table`, among others;
    `type` and `extension` are those that the table needs and that prevent a restore. `problem` is
    what a restore breaks or requires; empty if the object works as before. `blocks`: the table can
    only be restored under a new name.
    """

    kind: str
    name: str
    problem: str = ""
    blocks: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" + (f": {self.problem}" if self.problem else "")


@dataclass(frozen=True, slots=True)
class TableInfo:
    """A table in the list of a database; `problem` states why it cannot be backed up.

    `former_name` names the table that this one was before a restore replaced it. `derived`: all it
    holds is computed from other tables, so that nothing is lost without a backup of it.
    `estimated`: the number of rows is an estimate of the server.
    """

    name: str
    rows: int | None
    problem: str = ""
    former_name: str = ""
    derived: bool = False
    estimated: bool = False

    @property
    def rows_text(self) -> str:
        """The number of rows for lists; empty if it is unknown."""
        return "" if self.rows is None else format_estimate(self.rows, estimated=self.estimated)


@dataclass(frozen=True, slots=True)
class DatabaseInfo:
    """An open database: engine, version, name (without a password) and tables.

    `untested` is a sentence about a server whose version is not tested; otherwise empty.
    """

    engine: str
    version: str
    name: str
    tables: tuple[TableInfo, ...]
    untested: str = ""
