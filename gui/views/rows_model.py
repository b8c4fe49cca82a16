"""The table model of a previewed table, whose rows are sorted and filtered by `core.preview`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt, Signal

from core.preview import Table
from core.preview.column_types import EMPTY, MIXED
from core.preview.row_filter import Condition
from core.preview.table_rows import Arranged, Arrangement, TableRows
from gui.models.columns import RIGHT
from gui.models.indexes import NOWHERE, Index
from gui.models.roles import MONO_ROLE, TONE_ROLE
from gui.views.background import Background
from gui.widgets.labels import shown, tooltip

#: The type of a column, in its header.
TYPE_ROLE = Qt.ItemDataRole.UserRole + 20
#: How `core.preview.column.order_of` sorts cells of several kinds.
_MIXED_ORDER = "Sorted as numbers, then times, then texts; empty cells are last in both directions."
#: Spellings of the two sides in the data of exchanges.
_TONES = {
    "buy": "good", "bid": "good", "b": "good", "long": "good",
    "sell": "danger", "ask": "danger", "s": "danger", "short": "danger",
}  # fmt: skip


class RowsModel(QAbstractTableModel):
    """Shows one `Table`; the former order is shown until a worker thread has made the new one.

    Signals:
        waiting: a worker thread sorts or filters the rows.
        arranged: the wanted rows are shown in the wanted order.
        filter_about_to_change: other rows are about to be shown, which ends the selection.
        filter_changed: the rows of another filter are shown.
    """

    waiting = Signal()
    arranged = Signal()
    filter_about_to_change = Signal()
    filter_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        #: Runs the sorting; None to sort in this thread.
        self.background: Background | None = None
        self._table = Table((), (), ())
        self._rows = TableRows(self._table)
        self._shown = self._rows.as_read()
        self._wanted = self._shown.wanted
        self._signs = -1

    @property
    def rows(self) -> TableRows:
        """The table and what was read of its columns."""
        return self._rows

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions that the shown rows meet."""
        return self._shown.wanted.conditions

    @property
    def filtered(self) -> bool:
        """Whether a filter hides rows."""
        return bool(self._shown.wanted.conditions)

    @property
    def total(self) -> int:
        """The number of rows without the filter."""
        return len(self._table.rows)

    def set_table(self, table: Table) -> None:
        """Show another table, in the order of its rows."""
        self.beginResetModel()
        self._table, self._rows = table, TableRows(table)
        self._shown = self._rows.as_read()
        self._wanted = self._shown.wanted
        self._signs = table.columns.index(table.signs) if table.signs in table.columns else -1
        self.endResetModel()

    def set_conditions(self, conditions: tuple[Condition, ...]) -> None:
        """Show only the rows that meet all conditions."""
        self._arrange(replace(self._wanted, conditions=conditions))

    def place_of(self, row: int) -> QModelIndex:
        """Return the present position of a row of the table, both counted from 0."""
        known = 0 <= row < len(self._shown.places)
        place = self._shown.places[row] if known else -1
        return self.index(place, 0) if place >= 0 else QModelIndex()

    def row_at(self, place: int) -> int:
        """Return the row of the table at a present position."""
        return self._shown.rows[place]

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of shown rows."""
        return 0 if parent.isValid() else len(self._shown.rows)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self._table.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, side or tone."""
        if role == Qt.ItemDataRole.DisplayRole:
            return self._table.cell(self._shown.rows[index.row()], index.column())
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if self._table.numeric[index.column()] else None
        if role == TONE_ROLE and index.column() == self._signs:
            text = self._table.cell(self._shown.rows[index.row()], index.column())
            return _TONES.get(text.lower())
        return False if role == MONO_ROLE else None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return a column's title, type or alignment."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self._table.columns):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._table.columns[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if self._table.numeric[section] else None
        kind = self._table.types[section] if section < len(self._table.types) else ""
        return self._type(section, kind, role) if kind else None

    def _type(self, section: int, kind: str, role: int) -> str | None:
        """Return the type of a column for a role of the header."""
        name = self._table.columns[section]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{shown(name)}, {shown(kind)}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(f"{name}\n{self._type_text(kind)}")
        return kind if role == TYPE_ROLE else None

    def _type_text(self, kind: str) -> str:
        if self._table.declared:
            return f"Type in the file: {kind}"
        if kind == EMPTY:
            return "The first rows have no values in this column."
        text = f"Type in the first rows: {kind}"
        return f"{text}\n{_MIXED_ORDER}" if kind == MIXED else text

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column's exact values, or by the original order for -1."""
        if column < len(self._table.columns):
            backwards = column >= 0 and order == Qt.SortOrder.DescendingOrder
            self._arrange(replace(self._wanted, column=max(column, -1), backwards=backwards))

    def _arrange(self, wanted: Arrangement) -> None:
        self._wanted, rows = wanted, self._rows
        if wanted == self._shown.wanted:
            self.arranged.emit()
        elif wanted == Arrangement():
            self._show(rows.as_read())
        elif self.background is None:
            self._show(rows.arrange(wanted))
        else:
            self.waiting.emit()
            self.background(
                self,
                "Sort and filter the rows",
                lambda work: rows.arrange(wanted, work=work),
                lambda done: self._on_arranged(rows, done),
                f"preview/rows/{id(self)}",
            )

    def _on_arranged(self, rows: TableRows, done: Arranged) -> None:
        # The task of another table or order may have ended before it was replaced.
        if rows is self._rows and done.wanted == self._wanted:
            self._show(done)

    def _show(self, done: Arranged) -> None:
        if done.wanted.conditions == self._shown.wanted.conditions:
            self._show_order(done)
        else:
            self.filter_about_to_change.emit()
            self.beginResetModel()
            self._shown = done
            self.endResetModel()
            self.filter_changed.emit()
        self.arranged.emit()

    def _show_order(self, done: Arranged) -> None:
        self.layoutAboutToBeChanged.emit()
        # Else selected rows would be exchanged for those that come to their positions.
        old = self.persistentIndexList()
        rows: Sequence[int] = [self._shown.rows[index.row()] for index in old]
        self._shown = done
        new = [
            self.index(done.places[row], index.column())
            for row, index in zip(rows, old, strict=True)
        ]
        self.changePersistentIndexList(old, new)
        self.layoutChanged.emit()
