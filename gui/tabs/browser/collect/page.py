"""The page that collects a time range as one table: its plan, then its rows, chart and export."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout

from core.collect.athena import scan_cost
from core.collect.tables import name_of
from core.errors import StorageError
from core.units import format_counted, format_estimated_cost, format_size
from core.work import Progress
from core.workspace import Workspace
from gui.dialogs.confirm import Confirm, ask
from gui.tabs.browser.collect.form import Range, RangeForm
from gui.tabs.browser.collect.result_pane import ResultPane, give_rest_to_first
from gui.tabs.browser.collect.tables import TableRef, Tables
from gui.tabs.browser.collect.texts import (
    ProblemsModel,
    plan_text,
    progress_text,
    report_text,
)
from gui.tabs.browser.pages import BrowserPage
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.exchange import show_only
from gui.widgets.labels import muted_label
from gui.widgets.panel import column, row, rule
from gui.widgets.segmented import Segmented
from gui.widgets.table import make_table

if TYPE_CHECKING:
    from core.collect.athena import AthenaTexts
    from core.collect.athena_run import AthenaReport
    from core.collect.report import CollectReport, Plan
    from gui.tabs.browser.tab import BrowserTab
    from gui.tasks import Task

_TITLE = "One table from many files"
_TEXT = (
    "Choose a kind, symbols and days. The plan shows the objects, their size and the price of the "
    "requests before anything is read. Repeated rows are omitted, and numbers stay exact."
)
_VIEWS = (("result", "Result"), ("problems", "Problems"))


class CollectPage(BrowserPage):
    """A range, its plan, and the collected table.

    Signals:
        planned: the plan of a range is shown.
        collected: a table is shown.
    """

    planned = Signal()
    collected = Signal()

    def __init__(self, tab: BrowserTab) -> None:
        super().__init__()
        self._tab = tab
        self._plan: Plan | None = None
        self._range: Range | None = None
        self._task: Task | None = None
        self._list_again = False
        self.question: Confirm | None = None
        self.tables = Tables.of(tab)
        self.banner = Banner(self)
        self.form = RangeForm()
        self.text = muted_label("", wrap=True)
        self.plan = primary_button("Plan", self.start_plan)
        self.collect = primary_button("Collect", self.start_collect)
        self.athena = plain_button("Athena…", self.plan_athena)
        self.athena.set_hint(
            "Copies the table and the query of this range for Amazon Athena, and runs it there."
        )
        self.stop = plain_button("Stop", self._on_stop)
        self.result = ResultPane(tab, self.banner, "Collected rows")
        self.problems_model = ProblemsModel(self)
        self.problems = make_table(self.problems_model, "Objects that could not be read completely")
        self.views = Segmented(_VIEWS, name="What is shown of the range")
        self._lay_out()
        self._connect()
        self._forget()

    def _lay_out(self) -> None:
        self._stack = QStackedWidget()
        self._stack.addWidget(self.result)
        self._stack.addWidget(self.problems)
        self._empty = EmptyState(_TITLE, _TEXT)
        self.state = Loadable(self._stack, self._empty)
        line = row(
            self.text,
            self.views,
            self.stop,
            self.athena,
            self.plan,
            self.collect,
            margins=(0, 6, 0, 0),
        )
        give_rest_to_first(line)
        head = column(self.form, line, margins=(8, 6, 8, 6))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(head)
        box.addWidget(rule())
        box.addWidget(self.state, 1)

    def _connect(self) -> None:
        self.form.edited.connect(self._on_edited)
        self.form.submitted.connect(self._on_submitted)
        self.result.query_wanted.connect(lambda table: self._tab.open_page("query", table.name))
        self.views.selected.connect(
            lambda name: self._stack.setCurrentIndex([each for each, _ in _VIEWS].index(name))
        )
        self.problems.doubleClicked.connect(self._on_problem)

    # Calls from the tab

    def open(self, argument: object) -> None:
        """Fill the form from a key or prefix; by default from the folder that is shown."""
        if self._range is None or argument:
            self.form.show_place(
                argument if isinstance(argument, str) and argument else self._tab.prefix
            )
        self.form.names.setFocus()

    def close_page(self) -> None:
        """Stop planning and collecting."""
        self._on_stop()

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Show another bucket, or none."""
        self._on_stop()
        self._forget()
        if workspace is None:
            self.state.show_unconnected(self._tab.choose_profile)

    def refresh(self) -> None:
        """Plan the range again, with the keys that the bucket has now."""
        if not self.form.reason and self._task is None:
            self.start_plan(list_again=True)

    def focus_filter(self) -> None:
        """Focus the field of the names."""
        self.form.names.setFocus()
        self.form.names.selectAll()

    # Plan

    def start_plan(self, *_clicked: object, list_again: bool = False) -> None:
        """Find the objects of the range.

        Args:
            list_again: whether to list them even if the catalogue has their keys.
        """
        chosen = self.form.range
        self._list_again = list_again
        command = self._tab.command(
            "collect.plan", chosen.kind, *chosen.names, options=self._options(chosen)
        )
        self._start(
            self._tab.bulk(
                f"Plan {chosen.title}", "collect.plan", self._arguments(chosen),
                partial(self.show_plan, chosen), failed=partial(self._on_failed, partial(self.start_plan, list_again=list_again)), cancelled=self._on_stopped,
                progress=self._on_progress, command=command, latest="browser/collect",
            ),
            "Listing…",
        )  # fmt: skip

    def show_plan(self, chosen: Range, found: Plan) -> None:
        """Show what will be read."""
        self._task = None
        self._plan, self._range = found, chosen
        self.text.setText(plan_text(found))
        self._update()
        self.planned.emit()

    # Collection

    def start_collect(self) -> None:
        """Read the objects of the planned range."""
        chosen = self._range
        if chosen is None:
            return
        self._start(
            self._tab.bulk(
                f"Collect {chosen.title}", "collect.run", self._arguments(chosen),
                partial(self.show_report, chosen), failed=partial(self._on_failed, self.start_collect), cancelled=self._on_stopped,
                progress=self._on_progress,
                command=self._tab.command(
                    "collect.run", chosen.kind, *chosen.names,
                    options={**self._options(chosen), "output": "table.parquet"},
                ),
                latest="browser/collect",
            ),
            "Reading…",
        )  # fmt: skip

    def show_report(self, chosen: Range, report: CollectReport) -> None:
        """Show the collected table, and what is missing from it."""
        self._task = None
        self._plan = None
        self._show_table(chosen, name_of(report.path), report.rows, report.columns, report.types)
        self.text.setText(report_text(report))
        self.problems_model.show_problems(report.problems)
        self._update()
        if not report.complete:
            count = format_counted(len(report.problems), "object")
            self.banner.show_warning(
                f"The table is not complete: {count} could not be read completely.",
                action=("Show problems", lambda: self.views.select("problems")),
            )
        self.collected.emit()

    def _show_table(
        self,
        chosen: Range,
        table: str,
        rows: int,
        columns: tuple[str, ...],
        types: tuple[str, ...],
    ) -> None:
        name = self.tables.free_name(chosen.kind, *chosen.names[:2], chosen.timeframe)
        shown_table = TableRef(name, table, rows, columns, types, chosen.title)
        self.tables.add(shown_table)
        self.result.show_table(shown_table, f"{format_counted(rows, 'row')} as {name}")
        self.views.select("result")
        self.state.show_view()

    # Athena

    def plan_athena(self) -> None:
        """Copy the statements for Athena, and offer to run them with their price."""
        chosen = self.form.range
        self._start(
            self._tab.bulk(
                f"Plan {chosen.title} for Athena", "collect.athena", chosen.arguments,
                partial(self.show_statements, chosen), failed=partial(self._on_failed, self.plan_athena), cancelled=self._on_stopped,
                progress=self._on_progress, latest="browser/collect",
                command=self._tab.command(
                    "collect.athena", chosen.kind, *chosen.names, options=_options(chosen)
                ),
            ),
            "Listing…",
        )  # fmt: skip

    def show_statements(self, chosen: Range, found: tuple[AthenaTexts, Plan]) -> None:
        """Copy the statements of a range, and ask whether to run them."""
        texts, planned = found
        self._task = None
        QGuiApplication.clipboard().setText(texts.text)
        self.text.setText("")
        self._update()
        scanned, cost = format_size(planned.size), scan_cost(planned.size)
        self.question = ask(
            self,
            "Run the query on Amazon Athena?",
            "The statements for the database, the table and the query were copied.\n\n"
            f"The query scans up to {scanned}, {format_estimated_cost(cost)}. Athena creates the table "
            "in the data catalogue of the account. Its result is written below athena-results/ in the "
            "bucket, downloaded, and removed there.",
            partial(self.start_athena, chosen),
            button="Run on Athena",
            unchanged="",
        )

    def start_athena(self, chosen: Range) -> None:
        """Run the query of a range on Athena."""
        self._start(
            self._tab.bulk(
                f"Query {chosen.title} with Athena", "athena.run", chosen.arguments,
                partial(self.show_athena, chosen), failed=partial(self._on_failed, self.plan_athena), cancelled=self._on_stopped,
                progress=lambda found: self.text.setText(f"Scanning: {format_size(found.done)}"),
                latest="browser/collect",
            ),
            "Athena runs the query…",
        )  # fmt: skip

    def show_athena(self, chosen: Range, report: AthenaReport) -> None:
        """Show the result of Athena."""
        self._task, self._plan = None, None
        found = report.result
        self._show_table(chosen, found.table, found.rows, found.columns, found.types)
        self.text.setText(
            f"Athena scanned {format_size(report.scanned)}, {format_estimated_cost(report.cost)}."
        )
        self.problems_model.clear()
        self._update()

    # State

    def _arguments(self, chosen: Range) -> dict[str, object]:
        return {**chosen.arguments, "list_again": self._list_again}

    def _options(self, chosen: Range) -> dict[str, str | bool]:
        return {**_options(chosen), **({"list-again": True} if self._list_again else {})}

    def _start(self, task: Task, text: str) -> None:
        self._task = task
        self.banner.clear()
        self.text.setText(text)
        self._update()

    def _on_progress(self, progress: Progress) -> None:
        self.text.setText(progress_text(progress))

    def _on_failed(self, again: Callable[[], None], error: StorageError) -> None:
        self._task = None
        self.text.setText(plan_text(self._plan) if self._plan is not None else "")
        self.banner.show_error(error, again if error.retryable else None)
        self._update()

    def _on_stopped(self) -> None:
        self._task = None
        self.text.setText("Stopped. Objects that were read are in the cache.")
        self._update()

    def _on_stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _on_edited(self) -> None:
        self._plan = None
        self._update()

    def _on_submitted(self) -> None:
        button = self.collect if self.collect.isVisible() else self.plan
        if button.isEnabled():
            button.click()

    def _on_problem(self) -> None:
        index = self.problems.currentIndex()
        if index.isValid():
            key = str(self.problems_model.index(index.row(), 0).data())
            self._tab.arrive(key.rpartition("/")[0] + "/", select=key)

    def _forget(self) -> None:
        self._plan, self._range, self._task = None, None, None
        self.text.setText("")
        self.banner.clear()
        self.result.show_table(None)
        self.state.show_empty()
        self._update()

    def _update(self) -> None:
        running = self._task is not None
        ready = self._plan is not None and self._range == self.form.range
        for button in (self.plan, self.athena):
            button.allow(not self.form.reason, self.form.reason)
        some = self._plan is not None and self._plan.objects > 0
        self.collect.allow(some, "There are no objects in this range.")
        idle = {self.collect if ready else self.plan, self.athena}
        buttons = (self.stop, self.collect, self.plan, self.athena)
        show_only(buttons, {self.stop} if running else idle)
        self.views.setVisible(self.problems_model.rowCount() > 0)


def _options(chosen: Range) -> dict[str, str | bool]:
    options: dict[str, str | bool] = {"from": chosen.start, "to": chosen.end}
    return {**options, "timeframe": chosen.timeframe} if chosen.timeframe else options


def create(tab: BrowserTab) -> CollectPage:
    """Return the page of a tab."""
    return CollectPage(tab)
