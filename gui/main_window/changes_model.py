"""The log of changes as rows, newest first, filtered by a text."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QModelIndex, QObject, QSortFilterProxyModel, Qt

from core.local.activity import LoggedChange
from core.units import format_moment, iso_utc
from gui.models.columns import Columns
from gui.models.indexes import Index
from gui.models.roles import MONO_ROLE, SORT_ROLE, TONE_ROLE

COLUMNS = ("Time", "Profile", "Action", "Object", "Made in", "Request id")
#: Columns in the monospaced font.
_MONO = frozenset({3, 5})
#: Fields that a spreadsheet would run as formulas get a leading quote (OWASP ASVS 1.2.10).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\0")


class ChangesModel(Columns):
    """The changes in the log, and those added later."""

    heads = COLUMNS
    moments = frozenset({0})

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[LoggedChange] = []

    def show(self, changes: Sequence[LoggedChange]) -> None:
        """Show changes, given oldest first as in the log."""
        self.beginResetModel()
        # The log is stored oldest first, because entries are appended.
        self._rows = list(reversed(changes))
        self.endResetModel()

    def add(self, entry: LoggedChange) -> None:
        """Add a change at the top."""
        self.beginInsertRows(QModelIndex(), 0, 0)
        self._rows.insert(0, entry)
        self.endInsertRows()

    def entry(self, row: int) -> LoggedChange:
        """Return the change of a row."""
        return self._rows[row]

    def _count(self) -> int:
        return len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        entry, column = self._rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            # Files have ISO 8601 in UTC, the table has the selected format.
            return fields(entry)[column] if column else format_moment(entry.change.when, zone=False)
        if role == SORT_ROLE:
            return entry.change.when.timestamp() if column == 0 else fields(entry)[column]
        return _appearance(column, role)


class ChangesFilter(QSortFilterProxyModel):
    """Shows the changes that contain all words of a text in any column."""

    def __init__(self, source: ChangesModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._terms: list[str] = []
        self.setSourceModel(source)
        self.setSortRole(SORT_ROLE)

    def set_text(self, text: str) -> None:
        """Show only changes that contain all words of `text`."""
        self.beginFilterChange()
        self._terms = text.casefold().split()
        self.endFilterChange()

    def filterAcceptsRow(self, row: int, _parent: Index) -> bool:
        """Return whether a row contains all words."""
        source = self.sourceModel()
        texts = (source.index(row, column).data() for column in range(len(COLUMNS)))
        line = " ".join(map(str, texts)).casefold()
        return all(word in line for word in self._terms)

    def rows(self) -> list[tuple[str, ...]]:
        """Return the shown rows as texts for files."""
        source = self.sourceModel()
        assert isinstance(source, ChangesModel)
        shown = (self.mapToSource(self.index(row, 0)).row() for row in range(self.rowCount()))
        return [fields(source.entry(row)) for row in shown]


def fields(entry: LoggedChange) -> tuple[str, ...]:
    """Return a change as texts for files: the time is ISO 8601 in UTC."""
    change = entry.change
    return (
        iso_utc(change.when),
        entry.profile,
        change.action,
        change.subject,
        change.origin,
        change.request_id,
    )


def as_csv(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as CSV with a header; no field can be run as a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows([_without_formula(field) for field in row] for row in rows)
    return out.getvalue()


def as_json(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a JSON list of objects."""
    keys = [column.lower().replace(" ", "_") for column in COLUMNS]
    return json.dumps([dict(zip(keys, row, strict=True)) for row in rows], indent=1)


def _appearance(column: int, role: int) -> Any:
    if role == MONO_ROLE:
        return column in _MONO
    return "muted" if role == TONE_ROLE and column in {0, 4, 5} else None


def _without_formula(field: str) -> str:
    return f"'{field}" if field.startswith(_FORMULA) else field
