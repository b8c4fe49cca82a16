"""The line of the query page for a folder: what reading it costs, and what statements have read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.errors import StorageError
from core.units import (
    format_age,
    format_clock,
    format_count,
    format_counted,
    format_estimated_cost,
    format_size,
    utc_now,
    zone_name,
)
from core.work import Progress
from gui.tabs.browser.collect.result_pane import give_rest_to_first
from gui.tabs.browser.collect.tables import TableRef, Tables
from gui.tabs.browser.collect.texts import ProblemsModel, catalog_text, progress_text
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button
from gui.widgets.exchange import show_only
from gui.widgets.labels import muted_label, shown
from gui.widgets.panel import row

if TYPE_CHECKING:
    from core.collect.report import FolderPlan, FolderReport, Problem
    from gui.tabs.browser.tab import BrowserTab
    from gui.tasks import Task


class FolderBar(QWidget):
    """Lists a folder, which statements can then read as a table; hidden until a folder is chosen.

    Args:
        tab: runs the tasks.
        banner: shows errors.
        tables: gets the table.

    Signals:
        planned: a folder was listed; its `TableRef`, and whether it was a table before.
        problems_wanted: show the objects that could not be read completely.
    """

    planned = Signal(object, bool)
    problems_wanted = Signal()

    def __init__(self, tab: BrowserTab, banner: Banner, tables: Tables) -> None:
        super().__init__()
        self._tab, self._banner, self._tables = tab, banner, tables
        self._folder: str | None = None
        self._task: Task | None = None
        # The names of the tables by their folders, so that listing one again replaces its table.
        self._names: dict[str, str] = {}
        # The folders whose keys are not taken from the catalogue.
        self._listed_again: set[str] = set()
        self._problems: dict[str, tuple[Problem, ...]] = {}
        self.problems = ProblemsModel(self)
        self.text = muted_label("", wrap=True)
        self.again = plain_button("List again", self.list_again)
        self.again.set_hint("The next statement reads the present objects of the folder.")
        self.stop = plain_button("Stop", self.cancel)
        line = row(self.text, self.stop, self.again, margins=(0, 0, 0, 6))
        give_rest_to_first(line)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(line)
        self._forget()

    def show_folder(self, folder: str, *, list_again: bool = False) -> None:
        """List a folder; its objects are read by statements.

        Args:
            folder: its prefix.
            list_again: whether to list the keys even if the catalogue has them.
        """
        self._forget()
        self._folder = folder
        if list_again:
            self._listed_again.add(folder)
        self.setVisible(True)
        place, again = self._place(folder), folder in self._listed_again
        options: dict[str, str | bool] = {"folder": place, "dry-run": True}
        options |= {"list-again": True} if again else {}
        self._task = self._tab.bulk(
            f"Plan a query of {folder or 'the bucket'}", "folder.plan",
            {"folder": place, "list_again": again}, partial(self.show_plan, folder),
            failed=self._on_failed, cancelled=self._on_stopped, progress=self._on_progress,
            command=self._tab.command("folder.plan", "SELECT * FROM folder", options=options),
            latest="browser/folder",
        )  # fmt: skip
        self._banner.clear()
        self.text.setText("Listing…")
        self._update()

    def show_plan(self, folder: str, found: FolderPlan) -> None:
        """Show what will be read, and its price; a statement can name the folder now."""
        self._task = None
        self.text.setText(f"{_name(folder)}: {plan_text(found)}")
        self._update()
        if not found.objects:
            return
        again = folder in self._names
        parts = [part for part in folder.split("/") if part][-3:]
        name = self._names.setdefault(folder, self._tables.free_name("folder", *parts))
        table = TableRef(name, "", 0, (), (), f"{_name(folder)}, not read", self._place(folder))
        self._show_problems({name: ()})
        self._tables.add(table)
        self.planned.emit(table, again)

    def show_reports(self, reports: Mapping[str, FolderReport]) -> None:
        """Show what a statement has read, and name what is missing from it.

        Args:
            reports: what was read of each folder, by the names of their tables.
        """
        now = utc_now()
        moment = f"{format_clock(now)} {zone_name(now)}"
        for name, report in reports.items():
            former = self._tables.known.get(name)
            if former is None:
                continue
            title = f"{_name(report.plan.folder)} at {moment}" if report.table else former.title
            self._tables.add(
                replace(
                    former, table=report.table, rows=report.rows, columns=report.columns,
                    types=report.types, title=title.removesuffix(", not read"),
                )
            )  # fmt: skip
            if name == self._names.get(self._folder or ""):
                where = f"{_name(report.plan.folder)} (table {name})"
                self.text.setText(f"{where}: {report_text(report)} Read at {moment}.")
        self._show_problems({name: report.problems for name, report in reports.items()})
        missing = sum(len(report.problems) for report in reports.values())
        if missing:
            count = format_counted(missing, "object")
            self._banner.show_warning(
                f"The table is not complete: {count} could not be read completely.",
                action=("Show problems", self.problems_wanted.emit),
            )

    def lists_again(self, names: Mapping[str, object]) -> bool:
        """Return whether the keys of one of these tables are not to come from the catalogue."""
        return any(self._names.get(folder) in names for folder in self._listed_again)

    def list_again(self) -> None:
        """List the folder, and forget what was read of it."""
        if self._folder is not None and self._task is None:
            self.show_folder(self._folder, list_again=True)

    def cancel(self) -> None:
        """Stop listing."""
        if self._task is not None:
            self._task.cancel()

    def leave_bucket(self) -> None:
        """Show no folder: another bucket has other folders of the same names."""
        self.cancel()
        self._names.clear()
        self._listed_again.clear()
        self._problems.clear()
        self._tables.forget_folders()
        self.problems.clear()
        self._forget()

    def _forget(self) -> None:
        self._folder, self._task = None, None
        self.text.setText("")
        self.setVisible(False)
        self._update()

    def refresh(self) -> bool:
        """List the folder again if no statement has read it; return whether there is one."""
        if self._folder is None or self._task is not None:
            return False
        table = self._tables.known.get(self._names.get(self._folder, ""))
        if table is None or not table.columns:
            self.list_again()
            return True
        return False

    def _place(self, folder: str) -> str:
        bucket = self._tab.bucket
        return f"s3://{bucket.name}/{folder}" if bucket else folder

    def _show_problems(self, problems: Mapping[str, tuple[Problem, ...]]) -> None:
        self._problems |= problems
        self.problems.show_problems([each for some in self._problems.values() for each in some])

    def _on_progress(self, progress: Progress) -> None:
        self.text.setText(progress_text(progress))

    def _on_failed(self, error: StorageError) -> None:
        self._task = None
        self.text.setText(_name(self._folder or ""))
        self._banner.show_error(error, self.list_again if error.retryable else None)
        self._update()

    def _on_stopped(self) -> None:
        self._task = None
        self.text.setText("Stopped.")
        self._update()

    def _update(self) -> None:
        running = self._task is not None
        show_only((self.stop, self.again), {self.stop if running else self.again})


def plan_text(found: FolderPlan) -> str:
    """Return what will be read and what it costs."""
    formats = ", ".join(f"{format_count(count)} {form}" for form, count in found.formats)
    gets = format_counted(found.gets, "GET request")
    objects = format_counted(found.objects, "object") + (f" ({formats})" if formats else "")
    reading = f"{objects}, {format_size(found.size)}: {gets}, {format_estimated_cost(found.cost)}."
    if not found.objects:
        texts = [f"{objects} in CSV, JSON or Parquet."]
    elif found.ranged:
        texts = [reading, "A statement reads the columns and row groups that it needs: see Plan."]
    else:
        texts = [reading, "The first statement reads them."]
    if found.cached:
        texts.append(f"In the cache of this computer: {format_count(found.cached)}.")
    if found.listed is not None:
        texts.append(catalog_text(found.listed))
    if found.archived:
        texts.append(f"Archived, and cannot be read: {format_count(found.archived)}.")
    if found.other:
        texts.append(f"Of other formats, and omitted: {format_count(found.other)}.")
    return " ".join(texts)


def report_text(report: FolderReport) -> str:
    """Return what was read."""
    rows = format_counted(report.rows, "row")
    objects = format_counted(report.plan.objects, "object")
    gets = format_counted(report.gets, "GET request")
    if report.received is None:
        texts = [f"{rows} of {objects}, {gets}."]
    else:
        size = f"{format_size(report.received)} of {format_size(report.plan.size)}"
        texts = [f"{rows} of {objects}; read {size}, {gets}."]
    if report.plan.listed is not None:
        texts.append(f"Keys from the catalogue, {format_age(report.plan.listed)}.")
    return " ".join([*texts, *report.notes])


def _name(folder: str) -> str:
    return shown(folder) if folder else "The bucket"
