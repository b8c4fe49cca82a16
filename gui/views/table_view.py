"""The view of a table: a filter, sortable columns with their types, and statistics of a column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QFontMetricsF
from PySide6.QtWidgets import QHBoxLayout, QTableView, QVBoxLayout, QWidget

from core.errors import InvalidInput
from core.preview import Problem, Table
from core.preview.row_filter import parse_filter
from core.units import format_count, format_counted
from gui import actions, shortcuts, theme
from gui.views.background import Background
from gui.views.rows_model import RowsModel
from gui.views.rows_view import copy_with, reveal
from gui.views.statistics_dialog import StatisticsDialog
from gui.views.typed_header import TypedHeader
from gui.widgets.banner import Banner
from gui.widgets.buttons import icon_button
from gui.widgets.cells import PADDING
from gui.widgets.fields import filter_of, line_edit
from gui.widgets.labels import muted_label, set_tooltip, shown
from gui.widgets.sorting import open_sort_menu
from gui.widgets.table import columns_of, make_table

_PLACEHOLDER = "Filter: text, or column > value"
_SYNTAX = (
    "Shows the rows that contain a text, or that meet conditions:\n"
    "price > 100 · price >= 0.5 · side = buy · side != sell\n"
    "symbol ~ BTC* · * is any text, ? one character\n"
    'note = "" · empty cells; !~ excludes\n'
    "side = buy and price > 100 · both conditions\n"
    'Quotes search for a text with = < > or ~ in it: "a=b"'
)
#: Names that need no quotes in a filter.
_PLAIN_NAME = re.compile(r"\w+\Z")
#: Milliseconds without a key press after which the filter is applied, and what is wrong with it is
#: shown: while one is typed it is incomplete. Then those after which a slow filter is announced.
_FILTER_MS, _PROBLEM_MS, _WAITING_MS = 150, 900, 250
#: Characters of a filter at most.
_MOST_CHARS = 1_000
_SAMPLE_CELLS = 2_000
_NARROWEST, _WIDEST = 56, 300


class TableView(QWidget):
    """A table that is sorted and filtered; copied cells cannot run as spreadsheet formulas."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model = RowsModel(self)
        header = TypedHeader()
        self.view = make_table(self.model, "Rows of this object", multiple=True, header=header)
        header.set_height()
        # The third click on a title restores the order of the file.
        header.setSortIndicatorClearable(True)
        # Qt would sort by the first column as soon as sorting is enabled.
        self.view.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        columns_of(self.view).leave()
        self.filter = line_edit("Filter the rows of this table", _PLACEHOLDER)
        self.filter.setMaxLength(_MOST_CHARS)
        filter_of(self.filter, self.view)
        self.count = muted_label()
        self.banner = Banner(self)
        #: Whether the object has more rows than this table.
        self.partial = False
        self._columns: tuple[str, ...] = ()
        self._fitted: list[int] = []
        self._chosen = self._awaited = -1
        self._later, self._slow = self._timer(_FILTER_MS), self._timer(_WAITING_MS)
        self._typed = self._timer(_PROBLEM_MS)
        self._lay_out()
        self._connect()
        set_tooltip(self.filter, _SYNTAX)
        self._show_problem(None)

    def _timer(self, milliseconds: int) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        return timer

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(12, 6, 8, 6)
        bar.setSpacing(8)
        bar.addWidget(self.filter, 1)
        bar.addWidget(self.count)
        tip = actions.tip("table.statistics")
        bar.addWidget(icon_button("chart", tip, self.open_statistics))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(bar)
        box.addWidget(self.view, 1)
        self.setFocusProxy(self.view)
        self.setMinimumHeight(theme.ROW * 6)

    def _connect(self) -> None:
        self._later.timeout.connect(lambda: self._apply(typing=True))
        self._typed.timeout.connect(self._apply)
        self._slow.timeout.connect(lambda: self.count.setText("Working…"))
        self.filter.textChanged.connect(self._later.start)
        self.filter.textChanged.connect(self._typed.stop)
        self.filter.returnPressed.connect(self._apply)
        self.model.waiting.connect(self._slow.start)
        self.model.arranged.connect(self._on_arranged)
        self.model.filter_about_to_change.connect(self._before_filter)
        self.model.filter_changed.connect(self._after_filter)
        header = self.view.horizontalHeader()
        header.customContextMenuRequested.disconnect()  # the menu for sorting alone
        header.customContextMenuRequested.connect(self._on_header_menu)
        copy_with(self.view)
        shortcuts.bind("table.filter", self.view, self.filter.setFocus)
        shortcuts.bind("table.statistics", self.view, self.open_statistics)

    def set_background(self, background: Background | None) -> None:
        """Set what runs sorting, filters and statistics in a worker thread."""
        self.model.background = background

    def show_content(self, table: Table) -> None:
        """Show a table in its original order, without a filter."""
        fresh = table.columns != self._columns
        self._columns = table.columns
        self._awaited = -1
        # Before the order and the filter are cleared, which would arrange the former table.
        self.model.set_table(table)
        self.view.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.filter.clear()
        self._apply()
        # Widths that the user has changed stay while the columns are the same. Others only grow, so
        # that the columns of similar tables stay where they are.
        if fresh or self._widths() == self._fitted:
            fit_columns(self.view, table, least=() if fresh else self._fitted)
            self._fitted = self._widths()

    def _widths(self) -> list[int]:
        """Return the widths of all columns but the last one, which fills the view."""
        return [self.view.columnWidth(column) for column in range(len(self._columns) - 1)]

    def go_to(self, problem: Problem) -> None:
        """Select the row of a problem; a filter that hides it is cleared."""
        if problem.row is None:
            return
        index = self.model.place_of(problem.row)
        if index.isValid():
            reveal(self.view, index)
        elif self.model.filtered:
            self._awaited = problem.row
            self.filter.clear()
            self._apply()

    def open_statistics(self, column: int = -1) -> StatisticsDialog | None:
        """Open the statistics of a column, by default of the current one."""
        if not self._columns:
            shortcuts.explain(self.view, "This table has no columns.")
            return None
        current = self.view.currentIndex()
        if column < 0:
            column = current.column() if current.isValid() else 0
        dialog = StatisticsDialog(self, self._columns)
        dialog.wanted.connect(partial(self._on_statistics, dialog))
        dialog.choose(column)
        dialog.open()
        return dialog

    def _on_statistics(self, dialog: StatisticsDialog, column: int) -> None:
        """Compute the statistics of a column for the dialog, which may be closed before."""
        compute = partial(
            self.model.rows.statistics, column,
            conditions=self.model.conditions, partial=self.partial,
        )  # fmt: skip
        if self.model.background is None:
            dialog.show_statistics(compute())
            return
        self.model.background(
            dialog, "Statistics of a column", lambda work: compute(work=work),
            dialog.show_statistics, f"preview/statistics/{id(self)}",
        )  # fmt: skip

    def _on_header_menu(self, where: QPoint) -> None:
        """Open the menu for sorting with the actions of the column under the pointer."""
        column = self.view.horizontalHeader().logicalIndexAt(where)
        menu = open_sort_menu(self.view)
        if menu is None or column < 0:
            return
        menu.addSeparator()
        entry = shortcuts.menu_action(
            "table.statistics", menu, lambda: self.open_statistics(column)
        )
        # Qt reads a single ampersand as the mark of an access key.
        name = self._columns[column].replace("&", "&&")
        entry.setText(f"Statistics of “{name}”…")
        menu.addAction(entry)
        menu.addAction(f"Filter by “{name}”", lambda: self._begin_filter(column))

    def _begin_filter(self, column: int) -> None:
        """Write the name of a column into the filter, so that a condition can follow."""
        name = self._columns[column]
        quoted = '"' + name.replace('"', '""') + '"'
        self.filter.setText(f"{name if _PLAIN_NAME.match(name) else quoted} = ")
        self.filter.setFocus()

    def _apply(self, *, typing: bool = False) -> None:
        self._later.stop()
        self._typed.stop()
        try:
            conditions = parse_filter(self.filter.text(), self._columns)
        except InvalidInput as error:
            if typing:
                self._typed.start()
            else:
                self._show_problem(error)
            return
        self._show_problem(None)
        self.model.set_conditions(conditions)

    def _show_problem(self, error: InvalidInput | None) -> None:
        """Show what is wrong with the filter; the rows of the last valid one stay."""
        self._slow.stop()
        self._show_count()
        self.filter.setAccessibleDescription(_SYNTAX if error is None else str(error))
        if error is None:
            self.banner.clear()
        else:
            self.banner.show_error(error)

    def _show_count(self) -> None:
        if not self.model.filtered:
            self.count.setText("")
            return
        total = format_counted(self.model.total, "row")
        self.count.setText(f"{format_count(self.model.rowCount())} of {total}")

    def _on_arranged(self) -> None:
        self._slow.stop()
        self._show_count()
        if self._awaited >= 0 and not self.model.filtered:
            reveal(self.view, self.model.place_of(self._awaited))
            self._awaited = -1

    def _before_filter(self) -> None:
        # A single selected row stays selected if it is still shown.
        rows = self.view.selectionModel().selectedRows()
        self._chosen = self.model.row_at(rows[0].row()) if len(rows) == 1 else -1

    def _after_filter(self) -> None:
        self._show_count()
        if self._chosen >= 0:
            reveal(self.view, self.model.place_of(self._chosen))
        if self.model.filtered:
            self._announce(self.count.text())

    def _announce(self, text: str) -> None:
        if QAccessible.isActive():
            event = QAccessibleAnnouncementEvent(self.view, text)
            QAccessible.updateAccessibility(event)


def fit_columns(view: QTableView, table: Table, least: Sequence[int] = ()) -> None:
    """Size the columns to their titles, types and some cells; wide tables scroll.

    Args:
        view: the view of the table.
        table: the table.
        least: the smallest widths of the first columns.
    """
    header = view.horizontalHeader()
    names = QFontMetricsF(header.font())
    cells = QFontMetricsF(theme.number_font())
    # From all of the table: the numbers of later rows may be longer.
    count = max(5, _SAMPLE_CELLS // max(1, len(table.columns)))
    sample = [*table.rows[:: -(-len(table.rows) // count) or 1], *table.rows[-1:]]
    for column, name in enumerate(table.columns):
        # The longest text is not always the widest, but measuring each one would take too long.
        longest = max((row[column] for row in sample), key=len, default="")
        text = cells.horizontalAdvance(shown(longest[:60]))
        width = max(names.horizontalAdvance(name[:60]) + 18, text)
        if isinstance(header, TypedHeader):
            width = max(width, header.type_width(column))
        width = min(max(width + 2 * PADDING + 2, _NARROWEST), _WIDEST)
        floor = least[column] if column < len(least) else 0
        view.setColumnWidth(column, max(floor, int(width)))
