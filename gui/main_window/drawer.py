"""The activity drawer: tasks and the log of changes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from core.errors import StorageError
from core.local.activity import LoggedChange
from core.local.atomic import write_atomically
from core.model.change import Change
from core.units import format_counted
from core.work import Work
from gui.context import Context
from gui.main_window.changes_model import ChangesFilter, ChangesModel, as_csv, as_json
from gui.main_window.tasks_model import TasksModel
from gui.tasks import Task
from gui.widgets.banner import Banner
from gui.widgets.buttons import button_menu, icon_button, link_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.fields import filter_of, line_edit
from gui.widgets.panel import SectionHead
from gui.widgets.segmented import Segmented
from gui.widgets.table import make_table


class Drawer(QWidget):
    """Two pages at the bottom of the window.

    Signals:
        closed: the user closed it.
    """

    closed = Signal()

    def __init__(self, context: Context, tasks: TasksModel) -> None:
        super().__init__()
        self._context = context
        self.setMinimumHeight(140)
        self.pages = Segmented(
            (("tasks", "Tasks"), ("changes", "Changes")), name="Tasks or changes"
        )
        self.pages.selected.connect(self._on_page)
        self.banner = Banner(self)
        self.tasks_page = TasksPage(context, tasks)
        self.changes_page = ChangesPage(context, self.banner)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.tasks_page)
        self._stack.addWidget(self.changes_page)
        self._tools = QStackedWidget()
        self._tools.addWidget(self.tasks_page.tools)
        self._tools.addWidget(self.changes_page.tools)
        head = SectionHead("Activity")
        head.add_beside(self.pages)
        head.add_action(self._tools)
        head.add_action(icon_button("close", "Close the activity drawer", self.closed.emit))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(head)
        box.addWidget(self._stack, 1)

    def _on_page(self, name: str) -> None:
        page = 0 if name == "tasks" else 1
        self._stack.setCurrentIndex(page)
        self._tools.setCurrentIndex(page)
        if page:
            self.changes_page.load()


class TasksPage(QWidget):
    """The list of running and completed tasks."""

    def __init__(self, context: Context, model: TasksModel) -> None:
        super().__init__()
        self._model = model
        self.table = make_table(
            model, "Tasks", settings=context.settings, key="activity/tasks", sortable=False
        )
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.table.customContextMenuRequested.connect(self._on_menu)
        self._view = Loadable(
            self.table,
            EmptyState("No tasks", "Uploads, downloads, scans and backups appear here."),
        )
        self.cancel = link_button("Cancel", self._on_cancel)
        self.retry = link_button("Retry", self._on_retry)
        self.copy = link_button("Copy command", self._on_copy)
        self.clear = link_button("Clear finished", self._on_clear)
        self.tools = _tools(self.cancel, self.retry, self.copy, self.clear)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._view)
        self.table.selectionModel().selectionChanged.connect(self._update)
        # A task may end or be removed without a change of the selection.
        for signal in (model.rowsInserted, model.rowsRemoved, model.modelReset, model.dataChanged):
            signal.connect(self._update)
        self._update()

    @property
    def task(self) -> Task | None:
        """The selected task."""
        return self._model.task(self.table.currentIndex().row())

    def _update(self, *_what: object) -> None:
        task = self.task
        running = task is not None and task.running
        again = task is not None and task.state in {"failed", "cancelled"}
        self.cancel.allow(running, "Select a running task first.")
        self.retry.allow(again, "Select a failed or cancelled task first.")
        command = bool(task is not None and task.command)
        self.copy.allow(command, "The selected task has no command line.")
        if self._model.rowCount():
            self._view.show_view()
        else:
            self._view.show_empty()

    def _on_menu(self, place: QPoint) -> None:
        button_menu(
            self.table, place, [("", each) for each in (self.cancel, self.retry, self.copy)]
        )

    def _on_cancel(self) -> None:
        if self.task is not None:
            self.task.cancel()

    def _on_retry(self) -> None:
        if self.task is not None:
            self.task.retry()

    def _on_copy(self) -> None:
        if self.task is not None:
            QGuiApplication.clipboard().setText(self.task.command)

    def _on_clear(self) -> None:
        self._model.clear_finished()


class ChangesPage(QWidget):
    """The log of changes with its filter and export."""

    def __init__(self, context: Context, banner: Banner) -> None:
        super().__init__()
        self._context, self._banner = context, banner
        self._model = ChangesModel(self)
        self._shown = ChangesFilter(self._model, self)
        self.table = make_table(
            self._shown,
            "Changes",
            settings=context.settings,
            key="activity/changes",
            falling=0,
        )
        self._view = Loadable(
            self.table,
            EmptyState("No changes yet", "Each write to AWS is recorded here, without secrets."),
        )
        self.filter = filter_of(line_edit("Filter changes", "Filter changes"), self.table)
        self.filter.setFixedWidth(200)
        self.filter.textChanged.connect(self._shown.set_text)
        self.tools = _tools(self.filter, link_button("Export…", self._on_export))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._view)
        context.changed.connect(self._on_change)
        # The log is read when the page is first opened, since it can be long.
        self._loaded = self._reading = False

    def load(self) -> None:
        """Read the log once; later changes are added as they are made."""
        if not self._loaded:
            self._loaded = True
            self._read()

    def _read(self) -> None:
        self._reading = True
        log = self._context.log
        self._context.runner.run(
            "Read the log of changes",
            lambda _work: log.read(),
            owner=self,
            then=self._on_read,
            failed=self._on_not_read,
            latest="activity/changes",
            quiet=True,
        )

    def _on_read(self, changes: tuple[LoggedChange, ...]) -> None:
        self._reading = False
        self._model.show(changes)
        self._update()

    def _on_not_read(self, error: StorageError) -> None:
        self._loaded = self._reading = False  # the page reads the log when it is opened again
        self._banner.show_error(error)

    def _on_change(self, change: Change) -> None:
        if self._reading:
            # It may have been read before this change was written: its rows would hide the change.
            self._read()
        elif self._loaded:  # else `load` will read it from the log
            workspace = self._context.workspace
            self._model.add(LoggedChange(change, workspace.profile.name if workspace else ""))
            self._update()

    def _update(self) -> None:
        if self._model.rowCount(QModelIndex()):
            self._view.show_view()
        else:
            self._view.show_empty()

    def _on_export(self) -> None:
        dialog = QFileDialog(self, "Export changes", "strongroom-changes.csv")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(["CSV (*.csv)", "JSON (*.json)"])
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._on_export_to)
        dialog.open()

    def _on_export_to(self, name: str) -> None:
        path, rows = Path(name), self._shown.rows()
        text = as_json(rows) if path.suffix.lower() == ".json" else as_csv(rows)

        def write(_work: Work) -> None:
            # Names of local files may contain surrogates, which UTF-8 cannot encode.
            write_atomically(path, text.encode("utf-8", "backslashreplace"))

        self._context.runner.run(
            f"Export {format_counted(len(rows), 'change')}",
            write,
            owner=self,
            then=lambda _done: self._banner.show_good(f"Exported to {path}."),
            failed=self._on_failed,
        )

    def _on_failed(self, error: StorageError) -> None:
        self._banner.show_error(error)


def _tools(*parts: QWidget) -> QWidget:
    holder = QWidget()
    box = QHBoxLayout(holder)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(8)
    box.addStretch(1)
    for part in parts:
        box.addWidget(part)
    return holder
