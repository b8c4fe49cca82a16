"""The tables of the window: collected ranges and results of queries, with their names in SQL."""

from __future__ import annotations

import re
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

_NAME = re.compile(r"[^A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class TableRef:
    """One table on this computer.

    Attributes:
        name: its name in SQL.
        table: its name for `core.collect.querying`.
        rows: the number of rows.
        columns: the names of its columns.
        types: DuckDB's names of their types.
        title: what it contains.
    """

    name: str
    table: str
    rows: int
    columns: tuple[str, ...]
    types: tuple[str, ...]
    title: str


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
