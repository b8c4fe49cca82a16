"""A table on this computer as a virtual table and as a chart, with its export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QFileDialog,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.collect.charting import has_candles
from core.errors import StorageError
from core.units import format_counted, format_size
from core.work import Work
from gui.tabs.browser.collect.result_model import PAGE, TableModel
from gui.tabs.browser.collect.tables import TableRef
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button
from gui.widgets.fields import combo_box
from gui.widgets.labels import Elided
from gui.widgets.panel import row
from gui.widgets.segmented import Segmented
from gui.widgets.table import make_table

if TYPE_CHECKING:
    from core.collect.report import QueryReport
    from core.preview import Candles
    from core.sql.result import Selection
    from gui.tabs.browser.tab import BrowserTab
    from gui.views.candle_view import CandleView

_VIEWS = (("table", "Table"), ("chart", "Chart"))
_NO_CANDLES = "A chart needs the columns timestamp, open, high, low and close."
#: The formats of an export: the filter of the file dialog, and the ending of the file.
_FORMATS = {
    "CSV (*.csv)": "csv", "Parquet (*.parquet)": "parquet", "JSON lines (*.jsonl)": "jsonl",
    "JSON (*.json)": "json",
}  # fmt: skip


class ResultPane(QWidget):
    """One table; its rows and candles are read in worker threads.

    Args:
        tab: runs the tasks.
        banner: shows errors and the result of an export.
        name: the accessible name of the table.

    Signals:
        query_wanted: write SQL on this table (a `TableRef`).
    """

    query_wanted = Signal(object)

    def __init__(self, tab: BrowserTab, banner: Banner, name: str) -> None:
        super().__init__()
        self._tab, self._banner = tab, banner
        self._order = ("", False)
        self._wanted: set[int] = set()
        self._candles: tuple[Candles, ...] = ()
        self.model = TableModel(self)
        self.table = make_table(self.model, name, multiple=True)
        self.views = Segmented(_VIEWS, name="How the result is shown")
        self.symbol = combo_box("Symbol of the chart")
        self.symbol.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.summary = Elided("", "plain")
        self.export = plain_button("Export…", self._on_export)
        self.query = plain_button("Query…", self._on_query)
        self.chart: CandleView | None = None
        self._stack = QStackedWidget()
        self._stack.addWidget(self.table)
        line = row(self.views, self.symbol, self.summary, margins=(8, 4, 8, 4), stretch=True)
        layout = line.layout()
        assert layout is not None
        for button in (self.query, self.export):
            layout.addWidget(button)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(line)
        box.addWidget(self._stack, 1)
        self.model.page_wanted.connect(self._on_page_wanted)
        self.model.order_wanted.connect(self._on_order)
        self.views.selected.connect(self._on_view)
        self.symbol.currentIndexChanged.connect(self._show_chart)
        self.show_table(None)

    def show_table(self, table: TableRef | None, summary: str = "") -> None:
        """Show a table, or none.

        Args:
            table: the table.
            summary: what it contains and how it was made.
        """
        self._order, self._candles = ("", False), ()
        self._wanted.clear()
        self.model.show_table(table)
        self.summary.setText(summary)
        charted = table is not None and has_candles(table.columns)
        self.views.allow("chart", charted, _NO_CANDLES)
        self.views.select("table")
        self.symbol.setVisible(False)
        why = "" if table is not None else "There is no table yet."
        for button in (self.export, self.query):
            button.allow(not why, why)
        if table is not None and table.rows:
            self._read_page(table, 0, then_fit=True)

    # Rows

    def _on_page_wanted(self, page: int) -> None:
        if self.model.table is not None and page not in self._wanted:
            self._read_page(self.model.table, page)

    def _read_page(self, table: TableRef, page: int, *, then_fit: bool = False) -> None:
        self._wanted.add(page)
        order, falling = self._order
        workspace = self._tab.context.workspace

        def read(work: Work) -> Selection:
            from core.collect.querying import read_page

            assert workspace is not None
            return read_page(
                workspace, work, table=table.table, start=page * PAGE, count=PAGE,
                order_by=order, descending=falling,
            )  # fmt: skip

        def show(found: Selection) -> None:
            if self._order != (order, falling):
                return
            self._wanted.discard(page)
            self.model.add_page(table, page, found.rows)
            if then_fit:
                self.table.resizeColumnsToContents()

        def fail(error: StorageError) -> None:
            # The page stays in `_wanted`: each paint would otherwise repeat the error.
            self._banner.show_error(error)

        self._tab.run("Read rows of a table", read, show, failed=fail, quiet=True)

    def _on_order(self, column: int, falling: bool) -> None:
        table = self.model.table
        if table is None:
            return
        self._order = (table.columns[column], falling)
        self._wanted.clear()
        self.model.forget_pages()

    # Chart

    def _on_view(self, name: str) -> None:
        table = self.model.table
        if name == "table" or table is None:
            self._stack.setCurrentIndex(0)
            self.symbol.setVisible(False)
            return
        if self._candles:
            self._show_chart()
            return
        workspace = self._tab.context.workspace

        def read(work: Work) -> tuple[Candles, ...]:
            from core.collect.charting import read_candles

            assert workspace is not None
            return read_candles(workspace, work, table=table.table)

        self._tab.run(
            "Read the candles of a table", read, self._on_candles, failed=self._banner.show_error,
            latest="browser/table-candles",
        )  # fmt: skip

    def _on_candles(self, found: tuple[Candles, ...]) -> None:
        self._candles = found
        with QSignalBlocker(self.symbol):
            self.symbol.clear()
            self.symbol.addItems([each.symbol for each in found])
        self._show_chart()

    def _show_chart(self, *_index: int) -> None:
        at = max(0, self.symbol.currentIndex())
        if at >= len(self._candles):
            return
        if self.chart is None:
            # It needs numpy, which the window loads only for a chart.
            from gui.views.candle_view import CandleView

            self.chart = CandleView()
            self._stack.addWidget(self.chart)
        self.chart.show_content(self._candles[at])
        self.symbol.setVisible(len(self._candles) > 1)
        self._stack.setCurrentIndex(1)

    # Export and query

    def _on_query(self) -> None:
        if self.model.table is not None:
            self.query_wanted.emit(self.model.table)

    def _on_export(self) -> None:
        table = self.model.table
        if table is None:
            return
        dialog = QFileDialog(self, "Export the table", str(Path.home() / f"{table.name}.csv"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(list(_FORMATS))
        dialog.setDefaultSuffix("csv")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filterSelected.connect(lambda name: dialog.setDefaultSuffix(_FORMATS[name]))
        dialog.fileSelected.connect(self.export_to)
        dialog.open()

    def export_to(self, path: str) -> None:
        """Write the table to a file, whose ending determines the format."""
        table = self.model.table
        if table is None:
            return
        # The file dialog has asked whether an existing file is replaced. A spreadsheet must not
        # compute texts of the bucket.
        arguments = {
            "table": table.table, "path": path, "overwrite": True,
            "formula_safe": path.lower().endswith(".csv"),
        }  # fmt: skip
        self._tab.bulk(
            f"Export {table.title}", "tables.export", arguments, self._on_exported,
            failed=self._banner.show_error, target=path,
        )  # fmt: skip

    def _on_exported(self, report: QueryReport) -> None:
        name, size = Path(report.path).name, format_size(report.size)
        rows = format_counted(report.rows, "row")
        text = " ".join([f"{rows} ({size}) written to {name}.", *report.notes])
        self._banner.show_good(text, passing=not report.notes)


def give_rest_to_first(line: QWidget) -> None:
    """Give the space that a row has left to its first part, and none to its buttons."""
    layout = line.layout()
    assert isinstance(layout, QBoxLayout)
    layout.setStretch(0, 1)
