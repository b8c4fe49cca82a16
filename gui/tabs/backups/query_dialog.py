"""SQL on a backup before it is restored: the dialog with the statement, its result and exports."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QPlainTextEdit, QWidget

from core.errors import StorageError
from core.model.backup import Backup
from core.transfer.local_names import safe_segments
from core.units import format_counted, format_duration, format_size
from core.work import Progress
from gui import theme
from gui.actions import tip
from gui.models.roles import MONO_ROLE
from gui.models.text_rows import TextRows
from gui.shortcuts import bind_button
from gui.tabs.backups.backups_panel import BackupsPanel
from gui.tabs.backups.models import when
from gui.tabs.backups.restore_panel import progress_text
from gui.tabs.base import Tab
from gui.tasks import Task
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog, while_exists
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.labels import muted_label, shown
from gui.widgets.table import columns_of, make_table

if TYPE_CHECKING:  # DuckDB is only needed in the engine process
    from core.backup.export import ExportReport
    from core.backup.query import QueryResult
    from core.sql.result import Cell

#: Height of the field for the statement, in pixels: four lines.
_STATEMENT_HEIGHT = 88
#: Width in pixels that a column of the result has at most at first.
_WIDEST = 420
_NUMBER = re.compile("U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$|DECIMAL|DOUBLE|FLOAT")
#: The formats of an export: the filter of the file dialog, and the ending of the file.
_FORMATS = {
    "CSV (*.csv)": "csv", "JSON (*.json)": "json",
    "SQL statements (*.sql)": "sql", "Parquet (*.parquet)": "parquet",
}  # fmt: skip


class ResultModel(TextRows):
    """The rows of a result; its columns are those of the statement."""

    def show_result(self, found: QueryResult) -> None:
        """Show another result in the order of its statement."""
        self.beginResetModel()
        self.heads = tuple(shown(name) for name in found.columns)
        self.numbers = frozenset(
            place for place, kind in enumerate(found.types) if _NUMBER.match(kind)
        )
        self._sorting = (-1, Qt.SortOrder.AscendingOrder)
        self.endResetModel()
        decimals = {place for place, kind in enumerate(found.types) if kind.startswith("DECIMAL")}
        self._replace([
            (
                tuple(_sort_value(cell, number=place in decimals) for place, cell in enumerate(row)),
                tuple(_cell_text(cell) for cell in row),
            )
            for row in found.rows
        ])  # fmt: skip

    def clear(self) -> None:
        """Show no rows."""
        self._replace([])

    def _drawn(self, row: int, column: int, role: int) -> Any:
        return True if role == MONO_ROLE else super()._drawn(row, column, role)


def _cell_text(cell: Cell) -> str:
    if cell is None:
        return "NULL"
    return str(cell).lower() if isinstance(cell, bool) else shown(str(cell))


def _sort_value(cell: Cell, *, number: bool) -> tuple[Any, ...]:
    """Return a value to sort by: NULL first, then numbers, then texts."""
    if cell is None:
        return (0,)
    if isinstance(cell, str) and not number:
        return (2, cell)
    return (1, float(cell))


class QueryDialog(Dialog):
    """A SELECT statement on a backup, with its result as a table.

    Args:
        parent: the view that opens the dialog.
        backup: the backup.

    Signals:
        run_wanted: run this statement.
        cancel_wanted: stop the statement or the export.
        export_wanted: write all rows of the backup to a `Path` in a format.
    """

    run_wanted = Signal(str)
    cancel_wanted = Signal()
    export_wanted = Signal(object, str)

    def __init__(self, parent: QWidget | None, backup: Backup) -> None:
        title = f"Query the backup of {shown(backup.table)} of {when(backup.taken)}"
        text = (
            f"Nothing is restored or changed. The rows are the table backup, which is also named "
            f"{shown(backup.table)}. The statement is one SELECT in DuckDB's SQL."
        )
        super().__init__(parent, title, text, width=860, height=560)
        self.backup = backup
        self._running = False
        self._stopped = ""
        self.banner = Banner(self)
        self.statement = QPlainTextEdit("SELECT * FROM backup LIMIT 100")
        self.statement.setFont(theme.mono_font())
        self.statement.setAccessibleName("SQL statement")
        self.statement.setTabChangesFocus(True)
        self.statement.setFixedHeight(_STATEMENT_HEIGHT)
        self.model = ResultModel(self)
        self.table = make_table(self.model, "Result of the query", multiple=True)
        self.empty = EmptyState(
            "No result yet",
            f"Run the statement: {format_size(backup.size)} are downloaded and verified first.",
        )
        self.view = Loadable(self.table, self.empty)
        self.note = muted_label("", wrap=True, small=True)
        self.export = plain_button("Export all rows…", self._on_export)
        self.export.set_hint("Writes the complete backup to a CSV, JSON, SQL or Parquet file.")
        self.go = primary_button("Run", self._on_go)
        self.go.setToolTip(tip("query.run"))
        self.body.addWidget(self.statement)
        self.add_stretching(self.view)
        self.body.addWidget(self.note)
        self.add_buttons(plain_button("Close", self.reject), self.export, self.go)
        bind_button("query.run", self.statement, self.go)
        self.statement.textChanged.connect(self._on_statement)
        self.view.show_empty()
        self._update()

    @property
    def sql(self) -> str:
        """The statement as it was entered."""
        return self.statement.toPlainText().strip()

    def show_running(self, title: str, *, rows: bool = True) -> None:
        """Show that the statement or an export is running, with a button to stop it.

        Args:
            title: What is running.
            rows: It replaces the rows of the former statement.
        """
        if rows:
            self.model.clear()
            self._stopped = "Stopped."
        else:
            self._stopped = "Stopped. No file was written."
        self.note.setText("")
        self._running = True
        self.banner.hide()
        self.empty.set_text(title, "")
        self.view.show_empty()
        self._update()

    def show_progress(self, progress: Progress) -> None:
        """Show the progress of what is running."""
        self.note.setText(progress_text(progress) if self._running else self.note.text())

    def show_result(self, found: QueryResult) -> None:
        """Show the result of the statement."""
        self.model.show_result(found)
        self._fit_columns()
        self._stop_running(_summary(found))
        if not found.rows:
            self.empty.set_text("No row meets the statement", "")

    def _fit_columns(self) -> None:
        """Show complete values; the table scrolls if they need more than its width."""
        columns_of(self.table).leave()  # it would shorten times, which are data here
        self.table.resizeColumnsToContents()
        for column in range(self.model.columnCount()):
            self.table.setColumnWidth(column, min(self.table.columnWidth(column), _WIDEST))

    def show_exported(self, report: ExportReport) -> None:
        """Show where the rows were written."""
        self._stop_running("\n".join(report.notes))
        self.banner.show_good(
            f"{format_counted(report.rows, 'row')} ({format_size(report.size)}) were written to "
            f"{report.path}."
        )

    def show_failure(self, error: StorageError) -> None:
        """Show why the statement or the export could not be completed."""
        self._stop_running("")
        self.banner.show_error(error)

    def show_stopped(self) -> None:
        """Show that the statement or the export was stopped."""
        self._stop_running(self._stopped)

    def _stop_running(self, note: str) -> None:
        self._running = False
        self.note.setText(note)
        if self.model.rowCount():
            self.view.show_view()
        else:
            self.empty.set_text("No result yet", "Run the statement.")
            self.view.show_empty()
        self._update()

    def _update(self) -> None:
        self.go.setText("Stop" if self._running else "Run")
        why = "" if self.sql or self._running else "Enter a statement."
        self.go.allow(not why, why)
        why = "Wait for the statement, or stop it." if self._running else ""
        self.export.allow(not why, why)

    def _on_statement(self) -> None:
        """Hide the failure of another statement."""
        if self.banner.failed:
            self.banner.clear()
        self._update()

    def _on_go(self) -> None:
        if self._running:
            self.cancel_wanted.emit()
        elif self.sql:
            self.run_wanted.emit(self.sql)

    def _on_export(self) -> None:
        # A table may have a name that no file can have, or that is too long for one.
        name = safe_segments(f"{self.backup.table}.csv")[0]
        dialog = QFileDialog(self, "Export all rows", str(Path.home() / name))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(list(_FORMATS))
        dialog.setDefaultSuffix("csv")
        dialog.filterSelected.connect(lambda chosen: _use_format(dialog, _FORMATS[chosen]))
        dialog.fileSelected.connect(
            lambda path: self.export_to(path, _FORMATS.get(dialog.selectedNameFilter(), "csv"))
        )
        dialog.open()

    def export_to(self, path: str, usual: str) -> None:
        """Write all rows to a file, in the format of its ending; of another ending in the usual one."""
        ending = Path(path).suffix.removeprefix(".").lower()
        self.export_wanted.emit(Path(path), ending if ending in _FORMATS.values() else usual)


def _use_format(dialog: QFileDialog, ending: str) -> None:
    """Give the file the ending of the chosen format, unless it has one of another kind."""
    dialog.setDefaultSuffix(ending)
    for file in dialog.selectedFiles():
        if (path := Path(file)).suffix.removeprefix(".").lower() in _FORMATS.values():
            dialog.selectFile(path.with_suffix(f".{ending}").name)


def _summary(found: QueryResult) -> str:
    took = f"{format_counted(len(found.rows), 'row')} in {format_duration(found.seconds)}."
    if found.cut:
        took = (
            f"The result has more than {format_counted(len(found.rows), 'row')}; only these are shown. "
            f"It took {format_duration(found.seconds)}."
        )
    return "\n".join([took, *found.notes])


class QueryActions(QObject):
    """Opens the query dialog of a backup, and runs its statements in the engine process.

    Args:
        tab: runs the operations.
        backups: the list of backups.
    """

    def __init__(self, tab: Tab, backups: BackupsPanel) -> None:
        super().__init__(tab)
        self._tab = tab
        backups.query_wanted.connect(self.open)

    def open(self, backup: Backup) -> None:
        """Open the dialog of a backup."""
        dialog = QueryDialog(self._tab, backup)
        tasks: list[Task] = []

        def cancel() -> None:
            for task in tasks:
                task.cancel()

        def start(title: str, operation: str, done: Callable[[Any], None], **more: Any) -> None:
            exporting = operation == "backup.export"
            text = "Exporting all rows…" if exporting else "Running the statement…"
            dialog.show_running(text, rows=not exporting)
            arguments = {"table": backup.table, "backup_id": backup.id, **more}
            tasks[:] = [
                self._tab.bulk(
                    f"{title} {backup.table} of {when(backup.taken)}",
                    operation,
                    arguments,
                    while_exists(dialog, done),
                    failed=while_exists(dialog, dialog.show_failure),
                    progress=while_exists(dialog, dialog.show_progress),
                    cancelled=lambda: while_exists(dialog, lambda _: dialog.show_stopped())(None),
                    source=backup.key,
                    target=str(more.get("path", "")),
                    latest="backups/query",
                )
            ]

        dialog.run_wanted.connect(
            lambda sql: start("Query", "backup.query", dialog.show_result, sql=sql)
        )
        dialog.export_wanted.connect(
            # The file dialog has asked before it replaces a file.
            lambda path, form: start(
                "Export", "backup.export", dialog.show_exported,
                path=str(path), file_format=form, overwrite=True,
            )
        )  # fmt: skip
        dialog.cancel_wanted.connect(cancel)
        dialog.finished.connect(cancel)
        dialog.open()
