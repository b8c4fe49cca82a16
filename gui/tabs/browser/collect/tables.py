"""The tables of the window: collected ranges, folders and results of queries, with their names in SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

_NAME = re.compile(r"[^A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class TableRef:
    """One table on this computer, or a folder of the bucket, which statements read.

    Attributes:
        name: its name in SQL.
        table: its name for `core.collect.querying`; empty for a folder that is not on this
            computer.
        rows: the number of rows.
        columns: the names of its columns; empty for a folder that no statement has read yet.
        types: DuckDB's names of their types.
        title: what it contains.
        folder: the address of a folder; empty for other tables.
    """

    name: str
    table: str
    rows: int
    columns: tuple[str, ...]
    types: tuple[str, ...]
    title: str
    folder: str = ""


class Tables(QObject):
    """The tables of one tab since the window was opened.

    Signals:
        added: a table was added.
    """

    added = Signal(object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.known: dict[str, TableRef] = {}

    @classmethod
    def of(cls, tab: QObject) -> Tables:
        """Return the tables of a tab, which all of its pages share."""
        found = tab.findChild(cls)
        return found if isinstance(found, cls) else cls(tab)

    def free_name(self, *parts: str) -> str:
        """Return a name for SQL that no other table has, from parts such as a symbol."""
        name = "_".join(_NAME.sub("_", part).strip("_").lower() for part in parts if part)
        name = name if name and not name[0].isdigit() else f"t_{name}"
        free, number = name, 1
        while free in self.known:
            number += 1
            free = f"{name}_{number}"
        return free

    def add(self, table: TableRef) -> None:
        """Add a table."""
        self.known[table.name] = table
        self.added.emit(table)

    def forget_folders(self) -> None:
        """Remove the folders of a bucket that is left; what was read of them stays a table."""
        for name, table in list(self.known.items()):
            if table.folder and table.table:
                self.add(replace(table, folder=""))
            elif table.folder:
                del self.known[name]
