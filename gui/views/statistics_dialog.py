"""The dialog with the statistics of one column of a table."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from core.preview.column_statistics import ColumnStatistics
from core.units import format_count
from gui.models.text_rows import TextRows
from gui.views.rows_view import copy_with
from gui.widgets.buttons import plain_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import combo_box
from gui.widgets.labels import muted_label, shown
from gui.widgets.panel import splitter
from gui.widgets.table import columns_of, make_table

#: Widths in pixels of the rows and the share of a frequent value.
_WIDTHS = (84, 80)
#: Milliseconds after which a column counts as chosen: an arrow key that is held down requests
#: nothing, and the dialog is drawn before a worker thread competes for the interpreter.
_DEBOUNCE_MS = 80
_CALCULATING = "Calculating…"


class FactsModel(TextRows):
    """One row for each statistic."""

    heads = ("Statistic", "Value")

    def show_facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Show other statistics."""
        self._replace([(fact, fact) for fact in facts])


class FrequentModel(TextRows):
    """The most frequent values with the number of their rows."""

    heads = ("Most frequent value", "Rows", "Share")
    numbers = frozenset({1, 2})

    def show_frequent(self, found: ColumnStatistics) -> None:
        """Show the values of another column."""
        filled = max(1, found.rows - found.empty)
        self._replace(
            [
                (
                    (each.value, each.rows, each.rows),
                    (each.value, format_count(each.rows), f"{each.rows / filled:.1%}"),
                )
                for each in found.frequent
            ]
        )


class StatisticsDialog(Dialog):
    """Shows the statistics of a column, which can be replaced by another one.

    Args:
        parent: the view of the table.
        columns: the names of all columns.

    Signals:
        wanted: the number of a column whose statistics are to be shown.
    """

    wanted = Signal(int)

    def __init__(self, parent: QWidget | None, columns: Sequence[str]) -> None:
        super().__init__(parent, "Statistics of a column", width=800, height=540)
        self.box = combo_box("Column")
        self.box.addItems([shown(name) for name in columns])
        self.facts = FactsModel(self)
        self.frequent = FrequentModel(self)
        self.facts_table = make_table(self.facts, "Statistics", sortable=False, multiple=True)
        self.frequent_table = make_table(self.frequent, "Most frequent values", multiple=True)
        columns_of(self.frequent_table).fill_with_names(*_WIDTHS)
        for table in (self.facts_table, self.frequent_table):
            table.setTextElideMode(
                Qt.TextElideMode.ElideRight
            )  # the first digits are the large ones
        copy_with(self.facts_table)
        copy_with(self.frequent_table)
        self.note = muted_label(_CALCULATING)
        self.copy = plain_button("Copy all", self._on_copy)
        self._shown: ColumnStatistics | None = None
        self.body.addWidget(self.box)
        parts = splitter(self.facts_table, self.frequent_table, sizes=(410, 350), stretch=(1, 0))
        self.add_stretching(parts, least=200)
        self.add_buttons(self.copy, plain_button("Close", self.reject), left=(self.note,))
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_DEBOUNCE_MS)
        self._later.timeout.connect(self._on_settled)
        self.box.activated.connect(lambda _column: self._on_column())
        self._set_copy()

    def choose(self, column: int) -> None:
        """Select a column and request its statistics."""
        self.box.setCurrentIndex(column)
        self._on_column()

    def show_statistics(self, found: ColumnStatistics) -> None:
        """Show the statistics of the selected column."""
        self._shown = found
        self.note.setText("")
        self.facts.show_facts(found.facts())
        self.frequent.show_frequent(found)
        self.frequent_table.setVisible(bool(found.frequent))
        self._set_copy()

    def _on_column(self) -> None:
        self._shown = None
        self.note.setText(_CALCULATING)
        self._set_copy()
        self._later.start()

    def _on_settled(self) -> None:
        self.wanted.emit(self.box.currentIndex())

    def _set_copy(self) -> None:
        self.copy.allow(self._shown is not None, "The statistics are being calculated.")

    def _on_copy(self) -> None:
        if self._shown is not None:
            QGuiApplication.clipboard().setText(self._shown.as_text())
            self.note.setText("Copied.")
