"""The line of the query page for a folder: what reading it costs, and its table after that."""

from __future__ import annotations

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
from gui.widgets.labels import muted_label, shown
from gui.widgets.panel import row

if TYPE_CHECKING:
    from core.collect.report import FolderPlan, FolderReport
    from gui.tabs.browser.tab import BrowserTab
    from gui.tasks import Task


class FolderBar(QWidget):
    """Plans a folder and reads it as a table; hidden until a folder is chosen.

    Args:
        tab: runs the tasks.
        banner: shows errors.
        tables: gets the table.

    Signals:
        loaded: a folder was read; its `TableRef`, and whether it replaces a former state of it.
        problems_wanted: show the objects that could not be read completely.
    """

    loaded = Signal(object, bool)
    problems_wanted = Signal()

    def __init__(self, tab: BrowserTab, banner: Banner, tables: Tables) -> None:
        super().__init__()
        self._tab, self._banner, self._tables = tab, banner, tables
        self._folder: str | None = None
        self._task: Task | None = None
        self._plan: FolderPlan | None = None
        self._list_again = False
        # The names of the tables by their folders, so that reading one again replaces its table.
        self._names: dict[str, str] = {}
        self.problems = ProblemsModel(self)
        self.text = muted_label("", wrap=True)
        self.read = plain_button("Read folder", self.start)
        self.stop = plain_button("Stop", self.cancel)
        line = row(self.text, self.stop, self.read, margins=(0, 0, 0, 6))
        give_rest_to_first(line)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(line)
        self._forget()

    def show_folder(self, folder: str, *, list_again: bool = False) -> None:
        """Plan a folder; its objects are read on request.

        Args:
            folder: its prefix.
            list_again: whether to list the keys even if the catalogue has them.
        """
        self._forget()
        self._folder, self._list_again = folder, list_again
        self.setVisible(True)
        self._begin(
            self._tab.bulk(
                f"Plan a query of {folder or 'the bucket'}", "folder.plan", self._arguments(folder),
                partial(self.show_plan, folder), failed=self._on_failed,
                cancelled=self._on_stopped, progress=self._on_progress,
                command=self._command("folder.plan", folder, dry_run=True),
                latest="browser/folder",
            ),
            "Listing…",
        )  # fmt: skip

    def show_plan(self, folder: str, found: FolderPlan) -> None:
        """Show what will be read, and its price."""
        self._task, self._plan = None, found
        self.text.setText(f"{_name(folder)}: {plan_text(found)}")
        self._update()

    def start(self) -> None:
        """Read the objects of the folder."""
        folder = self._folder
        if folder is None or self._task is not None:
            return
        self._begin(
            self._tab.bulk(
                f"Read {folder or 'the bucket'} as a table", "folder.load", self._arguments(folder),
                partial(self.show_report, folder), failed=self._on_failed,
                cancelled=self._on_stopped, progress=self._on_progress,
                command=self._command("folder.load", folder), latest="browser/folder",
            ),
            "Reading…",
        )  # fmt: skip

    def show_report(self, folder: str, report: FolderReport) -> None:
        """Add the table, and name what is missing from it."""
        self._task = None
        again = folder in self._names
        parts = [part for part in folder.split("/") if part][-3:]
        name = self._names.setdefault(folder, self._tables.free_name("folder", *parts))
        now = utc_now()
        moment = f"{format_clock(now)} {zone_name(now)}"
        title = f"{_name(folder)} at {moment}"
        table = TableRef(name, report.table, report.rows, report.columns, report.types, title)
        self._tables.add(table)
        self.problems.show_problems(report)
        self.text.setText(f"{_name(folder)}: {report_text(report)} Read at {moment} as {name}.")
        self._update()
        # First, as the statement that shows the rows clears the banner.
        self.loaded.emit(table, again)
        if not report.complete:
            count = format_counted(len(report.problems), "object")
            self._banner.show_warning(
                f"The table is not complete: {count} could not be read completely.",
                action=("Show problems", self.problems_wanted.emit),
            )

    def cancel(self) -> None:
        """Stop listing or reading."""
        if self._task is not None:
            self._task.cancel()

    def leave_bucket(self) -> None:
        """Show no folder: another bucket has other folders of the same names."""
        self.cancel()
        self._names.clear()
        self._forget()

    def _forget(self) -> None:
        self._folder, self._plan, self._task = None, None, None
        self.problems.clear()
        self.text.setText("")
        self.setVisible(False)
        self._update()

    def refresh(self) -> bool:
        """List the folder again if it is not read yet; return whether there is one."""
        if self._folder is None or self._task is not None:
            return False
        if self._folder not in self._names:
            self.show_folder(self._folder, list_again=True)
            return True
        return False

    def _arguments(self, folder: str) -> dict[str, object]:
        # A folder that is read again may have changed.
        return {"folder": folder, "list_again": self._list_again or folder in self._names}

    def _command(self, operation: str, folder: str, *, dry_run: bool = False) -> str:
        bucket = self._tab.bucket
        place = f"s3://{bucket.name}/{folder}" if bucket else folder
        options: dict[str, str | bool] = {"folder": place}
        options |= {"list-again": True} if self._arguments(folder)["list_again"] else {}
        options |= {"dry-run": True} if dry_run else {}
        return self._tab.command(operation, "SELECT * FROM folder", options=options)

    def _begin(self, task: Task, text: str) -> None:
        self._task = task
        self._banner.clear()
        self.text.setText(text)
        self._update()

    def _on_progress(self, progress: Progress) -> None:
        self.text.setText(progress_text(progress))

    def _on_failed(self, error: StorageError) -> None:
        self._task = None
        self.text.setText(_name(self._folder or ""))
        self._banner.show_error(error)
        self._update()

    def _on_stopped(self) -> None:
        self._task = None
        self.text.setText("Stopped. Objects that were read are in the cache.")
        self._update()

    def _update(self) -> None:
        running = self._task is not None
        self.stop.setVisible(running)
        self.read.setVisible(not running)
        self.read.setText("Read again" if self._folder in self._names else "Read folder")
        some = self._plan is None or self._plan.objects > 0
        self.read.allow(some, "The folder has no CSV, JSON or Parquet files.")


def plan_text(found: FolderPlan) -> str:
    """Return what will be read and what it costs."""
    formats = ", ".join(f"{format_count(count)} {form}" for form, count in found.formats)
    gets = format_counted(found.gets, "GET request")
    objects = format_counted(found.objects, "object") + (f" ({formats})" if formats else "")
    texts = [f"{objects}, {format_size(found.size)}: {gets}, about ${found.cost:.4f}."]
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
    texts = [f"{rows} of {objects}, {format_counted(report.gets, 'GET request')}."]
    if report.plan.listed is not None:
        texts.append(f"Keys from the catalogue, {format_age(report.plan.listed)}.")
    return " ".join([*texts, *report.notes])


def _name(folder: str) -> str:
    return shown(folder) if folder else "The bucket"
