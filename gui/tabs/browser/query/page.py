"""The page that runs SQL on folders, collected tables and the catalogue, and shows the result."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPlainTextEdit, QStackedWidget, QVBoxLayout

from core.catalog.columns import COLUMNS
from core.collect.querying import KEYS
from core.errors import StorageError
from core.hints import Hint
from core.units import format_counted, format_duration, format_estimated_cost, format_size
from core.work import Progress
from core.workspace import Workspace
from gui import theme
from gui.shortcuts import bind_button
from gui.tabs.browser.collect.result_pane import ResultPane, give_rest_to_first
from gui.tabs.browser.collect.tables import TableRef, Tables
from gui.tabs.browser.collect.texts import progress_text
from gui.tabs.browser.pages import BrowserPage, FolderPlace
from gui.tabs.browser.query.folder import FolderBar
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.exchange import show_only
from gui.widgets.fields import combo_box
from gui.widgets.labels import Elided, muted_label, shown
from gui.widgets.panel import column, row, rule
from gui.widgets.segmented import Segmented
from gui.widgets.table import make_table

if TYPE_CHECKING:
    from core.collect.report import FolderQueryReport, QueryReport, StatementPlan
    from gui.tabs.browser.tab import BrowserTab
    from gui.tasks import Task

#: Height of the field for the statement, in pixels: five lines.
_STATEMENT_HEIGHT = 104
#: Widths of the list of tables, in pixels: at least and at most.
_SOURCE_LEAST, _SOURCE_MOST = 240, 320
_EXAMPLE = "SELECT kind, symbol, count(*) AS objects, sum(size) AS bytes FROM keys GROUP BY ALL"
_TITLE = "SQL on folders, collected ranges and the catalogue"
_TEXT = (
    "Write one SELECT statement of DuckDB's SQL. The table keys has all keys of the catalogue; "
    "collected ranges and folders (“Query this folder…” in their menu) are tables, too. A statement "
    "can read nothing else, and changes nothing."
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
        self.plan = plain_button("Plan", self.start_plan)
        self.plan.set_hint("Show what the statement will read of its folders, and the price.")
        self.stop = plain_button("Stop", self._on_stop)
        self.text = Elided("", "plain")
        self.result = ResultPane(tab, self.banner, "Result of the query")
        self.problems = make_table(
            self.folder.problems, "Objects that could not be read completely"
        )
        self.views = Segmented(_VIEWS, name="How the result is shown")
        self._lay_out()
        self._connect()
        self._fill_sources()
        self._forget()

    def _lay_out(self) -> None:
        self._stack = QStackedWidget()
        self._stack.addWidget(self.result)
        self._stack.addWidget(self.problems)
        self.state = Loadable(self._stack, EmptyState(_TITLE, _TEXT))
        self.source.setMinimumWidth(_SOURCE_LEAST)
        self.source.setMaximumWidth(_SOURCE_MOST)
        sources = row(
            self.columns, muted_label("Table"), self.source, self.insert, margins=(0, 0, 0, 4)
        )
        line = row(self.text, self.views, self.plan, self.stop, self.go, margins=(0, 6, 0, 0))
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
        self.folder.planned.connect(self._on_planned)
        self.folder.problems_wanted.connect(lambda: self.views.select("problems"))
        self.problems.doubleClicked.connect(self._on_problem)
        self.views.selected.connect(
            lambda name: self._stack.setCurrentIndex([each for each, _ in _VIEWS].index(name))
        )
        bind_button("query.run", self.statement, self.go)

    # Calls from the tab

    def open(self, argument: object) -> None:
        """List a folder, or write a statement on a table of the window, if one is given."""
        if isinstance(argument, FolderPlace):
            self.folder.show_folder(argument.prefix)
        elif isinstance(argument, str) and argument in self.tables.known:
            self.show_table(argument)
        self.statement.setFocus()

    def close_page(self) -> None:
        """Stop the statement, and listing a folder."""
        self._on_stop()
        self.folder.cancel()

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Query the catalogue of another bucket."""
        self._on_stop()
        self.folder.leave_bucket()
        self._fill_sources()
        self._forget()
        if workspace is None:
            self.state.show_unconnected(self._tab.choose_profile)

    def refresh(self) -> None:
        """List the folder again that no statement has read, or run the statement again."""
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
        self.banner.clear()
        self.source.setCurrentIndex(max(0, self.source.findData(name)))
        self._on_insert()

    def start(self) -> None:
        """Run the statement."""
        if not self._can_start():
            return
        arguments = {**self.arguments(), "retain": True}
        self._begin(
            "Running…",
            self._tab.bulk(
                "Run a query", "tables.query", arguments, self.show_report,
                failed=partial(self._on_failed, self.start), cancelled=self._on_stopped, progress=self._on_progress,
                command=self._command(arguments), latest="browser/query",
            ),
        )  # fmt: skip

    def start_plan(self) -> None:
        """Show what the statement will read of its folders."""
        if not self._can_start():
            return
        arguments = self.arguments()
        self._begin(
            "Planning…",
            self._tab.bulk(
                "Plan a query", "tables.plan", arguments, self.show_plan,
                failed=partial(self._on_failed, self.start_plan), cancelled=self._on_stopped, progress=self._on_progress,
                command=self._command(arguments, dry_run=True), latest="browser/query",
            ),
        )  # fmt: skip

    def show_plan(self, plans: Mapping[str, StatementPlan]) -> None:
        """Show what the statement will read, and its price."""
        self._task = None
        self.text.setText(statement_text(plans))
        self._update()

    def show_report(self, report: FolderQueryReport) -> None:
        """Show the result, and what was read of folders."""
        self._task = None
        self.folder.show_reports(report.folders)
        if report.result is None:
            assert report.failure is not None
            self._on_failed(self.start, report.failure)
            return
        self._show_result(report.result)

    def _show_result(self, report: QueryReport) -> None:
        name = self.tables.free_name("result")
        table = TableRef(name, report.table, report.rows, report.columns, report.types, "a result")
        self.tables.add(table)
        rows = format_counted(report.rows, "row")
        self.text.setText(" ".join([f"{rows} in {format_duration(report.seconds)}", *report.notes]))
        self.result.show_table(table, f"{rows} as {name}")
        self.state.show_view()
        self.views.select("result")
        self._update()
        self.answered.emit()

    def _can_start(self) -> bool:
        connected = self._tab.context.workspace is not None
        return bool(self.sql) and self._task is None and connected

    def _begin(self, text: str, task: Task) -> None:
        self.banner.clear()
        self.text.setText(text)
        self._task = task
        self._update()

    def _used(self) -> dict[str, TableRef]:
        """Return the tables of the statement by their names."""
        named = self._named()
        return {name: each for name, each in self.tables.known.items() if name.casefold() in named}

    def _named(self) -> set[str]:
        return set(map(str.casefold, re.findall(r"\w+", self.sql)))

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the operations for the statement and its tables."""
        used = self._used()
        folders = {name: each for name, each in used.items() if each.folder}
        return {
            "sql": self.sql,
            "folders": {name: each.folder for name, each in folders.items()},
            "loaded": {name: each.table for name, each in folders.items() if each.table},
            "tables": {name: each.table for name, each in used.items() if not each.folder},
            "catalog": KEYS in self._named() and KEYS not in used,
            "list_again": self.folder.lists_again(folders),
        }

    def _command(self, arguments: Mapping[str, Any], *, dry_run: bool = False) -> str:
        """Return the command line of a statement; empty if it uses tables of the window."""
        if arguments["tables"]:
            return ""
        options: dict[str, str | bool | Sequence[str]] = {
            "folder": [f"{name}={place}" for name, place in arguments["folders"].items()],
            "catalog": arguments["catalog"], "list-again": arguments["list_again"],
            "dry-run": dry_run,
        }  # fmt: skip
        options = {name: value for name, value in options.items() if value}
        return self._tab.command("tables.query", arguments["sql"], options=options)

    def _on_progress(self, progress: Progress) -> None:
        self.text.setText(progress_text(progress))

    def _on_planned(self, table: TableRef, again: bool) -> None:
        """Write a statement on a folder, unless there is one on its former state."""
        if again and table.name in self.sql:
            self.statement.setFocus()
        else:
            self.show_table(table.name)

    def _on_problem(self) -> None:
        index = self.problems.currentIndex()
        if index.isValid():
            key = str(self.folder.problems.index(index.row(), 0).data())
            self._tab.arrive(key.rpartition("/")[0] + "/", select=key)

    def _on_failed(self, again: Callable[[], None], error: StorageError) -> None:
        self._task = None
        self.text.setText("")
        if Hint.LIST_KEYS in error.hints:
            self.banner.show_error(error, partial(self._tab.open_page, "search"), "Open the search")
        else:
            self.banner.show_error(error, again if error.retryable else None)
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
        unread = table is not None and not table.columns
        text = "The first statement shows the columns." if unread else ", ".join(map(shown, names))
        self.columns.setText(text)

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
        unread = any(each.folder and not each.table for each in self._used().values())
        self.views.setVisible(self.folder.problems.rowCount() > 0)
        self.go.allow(bool(self.sql), "Enter a statement.")
        ready = {self.go, self.plan} if unread else {self.go}
        show_only((self.stop, self.go, self.plan), {self.stop} if running else ready)


def statement_text(plans: Mapping[str, StatementPlan]) -> str:
    """Return what a statement will read of its folders."""
    if not plans:
        return "The statement reads no folder: its tables are on this computer."
    size, total = (
        sum(each.size for each in plans.values()),
        sum(each.folder.size for each in plans.values()),
    )
    gets = format_counted(sum(each.gets for each in plans.values()), "GET request")
    footers = sum(each.footers for each in plans.values())
    more = f" and {format_counted(footers, 'request')} for this plan" if footers else ""
    cost = sum(each.cost for each in plans.values())
    read = f"{format_size(size)} of {format_size(total)}" if size < total else format_size(total)
    return f"The statement reads {read}: {gets}{more}, {format_estimated_cost(cost)}."


def create(tab: BrowserTab) -> QueryPage:
    """Return the page of a tab."""
    return QueryPage(tab)
