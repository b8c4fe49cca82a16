"""The page that runs SQL on folders, collected tables and the catalogue, and shows the result."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPlainTextEdit, QStackedWidget, QVBoxLayout

from core.catalog.columns import COLUMNS
from core.collect.querying import KEYS
from core.errors import StorageError
from core.units import format_counted, format_duration
from core.workspace import Workspace
from gui import theme
from gui.shortcuts import bind_button
from gui.tabs.browser.collect.result_pane import ResultPane, give_rest_to_first
from gui.tabs.browser.collect.tables import TableRef, Tables
from gui.tabs.browser.pages import BrowserPage, FolderPlace
from gui.tabs.browser.query.folder import FolderBar
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.fields import combo_box
from gui.widgets.labels import Elided, muted_label, shown
from gui.widgets.panel import column, row, rule
from gui.widgets.segmented import Segmented
from gui.widgets.table import make_table

if TYPE_CHECKING:
    from core.collect.report import QueryReport
    from gui.tabs.browser.tab import BrowserTab
    from gui.tasks import Task

#: Height of the field for the statement, in pixels: five lines.
_STATEMENT_HEIGHT = 104
_SOURCE_WIDTH = 320
_EXAMPLE = "SELECT kind, symbol, count(*) AS objects, sum(size) AS bytes FROM keys GROUP BY ALL"
_TITLE = "SQL on folders, collected ranges and the catalogue"
_TEXT = (
    "Write one SELECT statement of DuckDB's SQL. The table keys has all keys of the catalogue; "
    "collected ranges and folders that were read (“Query this folder…” in their menu) are tables, "
    "too. A statement can read nothing else, and changes nothing."
)
_VIEWS = (("result", "Result"), ("problems", "Problems"))


class QueryPage(BrowserPage):
    """A statement and its result, which is a table for further statements.

    Signals:
        answered: a result is shown.
    """

    answered = Signal()

    def __init__(self, tab: BrowserTab) -> None:
        super().__init__()
        self._tab = tab
        self._task: Task | None = None
        self.tables = Tables.of(tab)
        self.banner = Banner(self)
        self.folder = FolderBar(tab, self.banner, self.tables)
        self.statement = QPlainTextEdit(_EXAMPLE)
        self.statement.setFont(theme.mono_font())
        self.statement.setAccessibleName("SQL statement")
        self.statement.setTabChangesFocus(True)
        self.statement.setFixedHeight(_STATEMENT_HEIGHT)
        self.source = combo_box("Table")
        self.columns = Elided("", "muted")
        self.insert = plain_button("Insert", self._on_insert)
        self.insert.set_hint("Write a statement on the chosen table.")
        self.go = primary_button("Run", self.start)
        self.stop = plain_button("Stop", self._on_stop)
        self.text = Elided("", "plain")
        self.result = ResultPane(tab, self.banner, "Result of the query")
        self.problems = make_table(
            self.folder.problems, "Objects that could not be read completely"
        )
        self.views = Segmented(_VIEWS)
        self._lay_out()
        self._connect()
        self._fill_sources()
        self._forget()

    def _lay_out(self) -> None:
        self._stack = QStackedWidget()
        self._stack.addWidget(self.result)
        self._stack.addWidget(self.problems)
        self.state = Loadable(self._stack, EmptyState(_TITLE, _TEXT))
        self.source.setMaximumWidth(_SOURCE_WIDTH)
        sources = row(
            self.columns, muted_label("Table"), self.source, self.insert, margins=(0, 0, 0, 4)
        )
        line = row(self.text, self.views, self.stop, self.go, margins=(0, 6, 0, 0))
        for each in (sources, line):
            give_rest_to_first(each)
        head = column(self.folder, sources, self.statement, line, margins=(8, 6, 8, 6))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(head)
        box.addWidget(rule())
        box.addWidget(self.state, 1)

    def _connect(self) -> None:
        self.tables.added.connect(lambda _table: self._fill_sources())
        self.source.currentIndexChanged.connect(self._show_columns)
        self.statement.textChanged.connect(self._update)
        self.result.query_wanted.connect(lambda table: self.show_table(table.name))
        self.folder.loaded.connect(self._on_loaded)
        self.folder.problems_wanted.connect(lambda: self.views.select("problems"))
        self.problems.doubleClicked.connect(self._on_problem)
        self.views.selected.connect(
            lambda name: self._stack.setCurrentIndex([each for each, _ in _VIEWS].index(name))
        )
        bind_button("query.run", self.statement, self.go)

    # Calls from the tab

    def open(self, argument: object) -> None:
        """Plan a folder, or write a statement on a table of the window, if one is given."""
        if isinstance(argument, FolderPlace):
            self.folder.show_folder(argument.prefix)
        elif isinstance(argument, str) and argument in self.tables.known:
            self.show_table(argument)
        self.statement.setFocus()

    def close_page(self) -> None:
        """Stop the statement, and reading a folder."""
        self._on_stop()
        self.folder.cancel()

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Query the catalogue of another bucket."""
        self._on_stop()
        self.folder.leave_bucket()
        self._forget()
        if workspace is None:
            self.state.show_unconnected(self._tab.choose_profile)

    def refresh(self) -> None:
        """Plan the folder again that is not read yet, or run the statement again."""
        if not self.folder.refresh():
            self.start()

    def focus_filter(self) -> None:
        """Focus the statement."""
        self.statement.setFocus()

    # Statement

    @property
    def sql(self) -> str:
        """The statement as it was entered."""
        return self.statement.toPlainText().strip()

    def show_table(self, name: str) -> None:
        """Choose a table and write a statement on it."""
        self.source.setCurrentIndex(max(0, self.source.findData(name)))
        self._on_insert()

    def start(self) -> None:
        """Run the statement."""
        sql = self.sql
        if not sql or self._task is not None or self._tab.context.workspace is None:
            return
        used = set(map(str.casefold, re.findall(r"\w+", sql)))
        tables = {
            name: each.table for name, each in self.tables.known.items() if name.casefold() in used
        }
        arguments = {"sql": sql, "tables": tables, "catalog": KEYS in used and KEYS not in tables}
        self.banner.clear()
        self.text.setText("Running…")
        self._task = self._tab.bulk(
            "Run a query", "tables.query", arguments, self.show_report,
            failed=self._on_failed, cancelled=self._on_stopped, latest="browser/query",
        )  # fmt: skip
        self._update()

    def show_report(self, report: QueryReport) -> None:
        """Show the result."""
        self._task = None
        name = self.tables.free_name("result")
        table = TableRef(name, report.table, report.rows, report.columns, report.types, "a result")
        self.tables.add(table)
        rows = format_counted(report.rows, "row")
        self.text.setText(f"{rows} in {format_duration(report.seconds)}")
        self.result.show_table(table, f"{rows} as {name}")
        self.state.show_view()
        self.views.select("result")
        self._update()
        self.answered.emit()

    def _on_loaded(self, table: TableRef, again: bool) -> None:
        """Show the rows of a folder; a statement on its former state is run again."""
        if again and table.name in self.sql:
            self.statement.setFocus()
        else:
            self.show_table(table.name)
        self.start()

    def _on_problem(self) -> None:
        index = self.problems.currentIndex()
        if index.isValid():
            key = str(self.folder.problems.index(index.row(), 0).data())
            self._tab.arrive(key.rpartition("/")[0] + "/", select=key)

    def _on_failed(self, error: StorageError) -> None:
        self._task = None
        self.text.setText("")
        self.banner.show_error(error)
        self._update()

    def _on_stopped(self) -> None:
        self._task = None
        self.text.setText("Stopped.")
        self._update()

    def _on_stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    # Tables

    def _fill_sources(self) -> None:
        former = self.source.currentData()
        self.source.clear()
        self.source.addItem("keys (catalogue)", KEYS)
        for name, table in self.tables.known.items():
            self.source.addItem(f"{name} ({table.title})", name)
        self.source.setCurrentIndex(max(0, self.source.findData(former)))

    def _show_columns(self, *_index: int) -> None:
        table = self.tables.known.get(str(self.source.currentData()))
        names = table.columns if table else COLUMNS
        self.columns.setText(", ".join(map(shown, names)))

    def _on_insert(self) -> None:
        name = str(self.source.currentData())
        sql = f"SELECT * FROM {name} LIMIT 1000"  # noqa: S608 - the user sees and runs it
        self.statement.setPlainText(_EXAMPLE if name == KEYS else sql)
        self.statement.setFocus()

    # State

    def _forget(self) -> None:
        self._task = None
        self.text.setText("")
        self.banner.clear()
        self.result.show_table(None)
        self.state.show_empty()
        self._update()

    def _update(self) -> None:
        running = self._task is not None
        self.stop.setVisible(running)
        self.go.setVisible(not running)
        self.views.setVisible(self.folder.problems.rowCount() > 0)
        self.go.allow(bool(self.sql), "Enter a statement.")


def create(tab: BrowserTab) -> QueryPage:
    """Return the page of a tab."""
    return QueryPage(tab)
