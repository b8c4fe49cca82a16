"""The steps of a restore: compare, confirm, restore, undo, drop the former table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from core.engine.operations import operation
from core.errors import ErrorKind, StorageError
from core.model.backup import Backup, BackupState
from core.model.restore import RestorePreview, RestoreReport, UndoReport
from core.units import format_counted
from core.work import Work
from gui.dialogs.confirm import ask
from gui.tabs.backups.former_table_bar import FormerTableBar
from gui.tabs.backups.models import when
from gui.tabs.backups.open_databases import OpenDatabases, connect
from gui.tabs.backups.preview_texts import loss_text
from gui.tabs.backups.restore_panel import RestorePanel
from gui.tabs.backups.retrieval import show_error_with_retrieval
from gui.tabs.backups.row_restore import RowRestore
from gui.tabs.backups.together_requests import failing_text
from gui.tabs.base import Tab
from gui.tasks import Task

#: Larger backups (in bytes) are compared only on demand, since they are downloaded completely.
COMPARED_AT_ONCE = 64_000_000


@dataclass(frozen=True, slots=True)
class UndoOptions:
    """Where an undo is confirmed and reported: by default in the tab.

    Attributes:
        parent: the view that asks.
        failed: gets the error instead of the banner of the tab.
        failing: sentences about views and triggers that fail after the undo.
    """

    parent: QWidget
    failed: Callable[[StorageError], object] | None = None
    failing: tuple[str, ...] = ()


class RestoreFlow(QObject):
    """Controls the right column and the bar of the former table.

    Signals:
        changed: a table was restored or dropped, or a restore undone; address of the database, table.
        undone: a restore was undone; the name of its former table.
    """

    changed = Signal(str, str)
    undone = Signal(str)

    def __init__(
        self, tab: Tab, panel: RestorePanel, former_bar: FormerTableBar, databases: OpenDatabases
    ) -> None:
        super().__init__(tab)
        self._tab, self._panel, self._former_bar = tab, panel, former_bar
        self._databases = databases
        self._database = self._compared = ""
        self._backup: Backup | None = None
        self._task: Task | None = None
        self._restoring: Task | None = None
        panel.preview_wanted.connect(self.compare)
        panel.restore_wanted.connect(self._on_restore_wanted)
        self._rows = RowRestore(tab, panel, former_bar, databases)
        self._rows.changed.connect(self.changed)
        panel.rows_wanted.connect(
            lambda preview, keys: self._rows.request(self._compared, preview, keys)
        )
        panel.cancel_wanted.connect(self._on_cancel_wanted)
        panel.target_wanted.connect(self.choose_target)
        panel.targets.database_wanted.connect(self.compare_with)
        former_bar.undo_wanted.connect(self.undo)
        former_bar.drop_wanted.connect(self._on_drop_wanted)

    def show(self, database: str, backup: Backup | None, selected: int = 0) -> None:
        """Show what a restore of a backup would change; small backups are compared at once.

        A running restore continues when another backup is selected; only its Cancel stops it.

        Args:
            database: The address of the open database; empty to prompt for the target.
            backup: The only selected backup, or None.
            selected: The number of selected backups.
        """
        self._database, self._backup = database, backup
        self._panel.chosen_target = ""
        if self._rows.running or (self._restoring is not None and self._restoring.running):
            return
        self._stop()
        if backup is None:
            self._panel.show_nothing(selected=selected)
        elif backup.state is BackupState.BROKEN:
            self._panel.show_backup(backup, problem=backup.problem)
        elif not database:
            self._panel.show_targets(backup)
        elif backup.size > COMPARED_AT_ONCE:
            self._panel.show_backup(backup)
        else:
            self.compare()

    def compare_with(self, database: str) -> None:
        """Compare the selected backup of the bucket with the database that the user has chosen."""
        backup = self._backup
        if backup is None:
            return
        self.show(database, backup)
        self._panel.chosen_target = database

    def choose_target(self) -> None:
        """Ask again where to restore the selected backup."""
        self.show("", self._backup)

    def compare(self) -> None:
        """Compare the backup with the present table, in the engine process."""
        backup = self._backup
        if backup is None or not self._database:
            return
        title = "Comparing with the present table…"
        self._panel.show_working(backup, title)
        self._task = self._tab.bulk(
            f"Compare {backup.table} with its backup of {when(backup.taken)}",
            "backup.preview",
            {
                "database": self._databases.argument(self._database),
                "table": backup.table,
                "backup_id": backup.id,
            },
            partial(self._on_compared, self._database),
            failed=lambda error: self._on_compare_failed(backup, error),
            progress=lambda p: self._panel.show_progress(title, p),
            latest="backups/preview",
        )

    def _on_compared(self, database: str, preview: RestorePreview) -> None:
        """Show a preview, and store its database as the target regardless of later selections."""
        self._compared = database
        self._panel.show_preview(preview, self._databases.source(database).engine)

    def _on_compare_failed(self, backup: Backup, error: StorageError) -> None:
        self._panel.show_failure(backup, error)
        if not show_error_with_retrieval(self._tab, backup, error):
            self._tab.show_error(error, self.compare if error.retryable else None)

    def _on_cancel_wanted(self) -> None:
        self._stop()
        if self._panel.preview is not None:
            self._panel.show_last()
        elif self._backup is not None:
            self._panel.show_backup(self._backup)

    def _stop(self) -> None:
        for task in (self._task, self._restoring):
            if task is not None:
                task.cancel()
        self._task = self._restoring = None
        self._rows.stop()

    def _on_restore_wanted(self, preview: RestorePreview, name: str) -> None:
        if name or not preview.exists:
            self._restore(preview, name)
            return
        ask(
            self._tab,
            f"Restore {preview.table} in place?",
            loss_text(preview, self._databases.source(self._compared).place),
            lambda: self._restore(preview, ""),
            names=preview.drift,
            button="Restore in place",
            danger=True,
            typed=preview.table,
        )

    def _restore(self, preview: RestorePreview, name: str) -> None:
        backup, table, database = preview.backup, name or preview.table, self._compared
        arguments: dict[str, Any] = {
            "database": self._databases.argument(database),
            "table": backup.table,
            "backup_id": backup.id,
            "target": name or None,
            "allow_orphans": bool(preview.orphans),
            "with_triggers": self._panel.with_triggers,
            "with_grants": self._panel.with_grants,
            "existing": preview.exists,
        }
        title = f"Restoring {table}…"
        self._panel.show_working(backup, title)
        self._restoring = self._tab.bulk(
            f"Restore {table} from {when(backup.taken)}",
            "backup.restore",
            arguments,
            partial(self._on_restored, database),
            source=backup.key,
            target=database,
            command=self._tab.command(
                "backup.restore",
                database,
                backup.table,
                options={
                    "--id": backup.id,
                    "--as": name,
                    "--allow-orphans": bool(arguments["allow_orphans"]),
                    "--with-triggers": bool(arguments["with_triggers"]),
                    "--with-grants": bool(arguments["with_grants"]),
                },
            ),
            progress=lambda p: self._panel.show_progress(title, p),
            failed=self._on_restore_failed,
            cancelled=self._on_restore_stopped,
        )

    def _on_restore_failed(self, error: StorageError) -> None:
        self._panel.show_last()
        self._tab.show_error(error)

    def _on_restore_stopped(self) -> None:
        """Show the preview again: the restore was one transaction, which was rolled back."""
        self._restoring = None
        self._panel.show_last()
        self._tab.banner.show_info("The restore was stopped. Nothing was changed.")

    def _on_restored(self, database: str, report: RestoreReport) -> None:
        self._restoring = None
        self._panel.show_last()
        backup = report.backup
        message = (
            f"{report.table} was restored: {format_counted(report.rows, 'row')} from the backup of "
        )
        message += f"{when(backup.taken)} ({backup.id}), {report.verified}"
        if report.kept:  # show the bar first, so that the message does not cover it
            self._former_bar.show_former(database, report.table, report.kept)
        if report.problems:
            self._tab.banner.show_warning(message, " ".join(report.problems))
        else:
            self._tab.banner.show_good(f"{message}.")
        self.changed.emit(database, report.table)

    @property
    def offered(self) -> tuple[str, str, str] | None:
        """Database, table and former table of the restore whose undo the bar offers."""
        bar = self._former_bar
        return None if bar.isHidden() else (bar.database, bar.table, bar.former)

    def undo(
        self, database: str, table: str, former: str, options: UndoOptions | None = None
    ) -> None:
        """Determine what an undo would drop, restore and break, and request confirmation."""
        where = options or UndoOptions(self._tab)

        def then(failing: tuple[str, ...]) -> None:
            self._count_to_undo(database, table, former, replace(where, failing=failing))

        self.list_failing(database, (former,), then, where.failed)

    def list_failing(
        self,
        database: str,
        formers: Sequence[str],
        then: Callable[[tuple[str, ...]], object],
        failed: Callable[[StorageError], object] | None,
    ) -> None:
        """Find the views and triggers that fail after an undo; `then` gets a sentence about each."""
        self._tab.bulk(
            f"Check what uses {', '.join(formers)}",
            "backup.failing_after_undo",
            {"database": self._databases.argument(database), "formers": tuple(formers)},
            then,
            failed=failed,
            latest="backups/undo",
            quiet=True,
        )

    def _count_to_undo(self, database: str, table: str, former: str, options: UndoOptions) -> None:
        address, workspace = self._databases.argument(database), self._tab.context.workspace

        def count(work: Work) -> tuple[int, int, bool]:
            with connect(address, workspace, work) as opened:
                counts = opened.count(table, work=work), opened.count(former, work=work)
                return *counts, opened.has_former_rows(former)

        self._tab.run(
            f"Count the rows of {table} and {former}",
            count,
            lambda rows: self._ask_to_undo(database, table, former, rows, options),
            failed=options.failed,
            latest="backups/undo",
            quiet=True,
        )

    def _ask_to_undo(
        self,
        database: str,
        table: str,
        former: str,
        rows: tuple[int, int, bool],
        options: UndoOptions,
    ) -> None:
        if rows[2]:
            self._ask_to_undo_rows(database, table, former, rows[1], options)
            return
        lost, back = (format_counted(number, "row") for number in rows[:2])
        ask(
            options.parent if isValid(options.parent) else self._tab,
            f"Undo the restore of {table}?",
            f"The present table ({lost}) is dropped, with every change since the restore: it "
            f"can only be restored from a backup. The former table "
            f"({back}) replaces it. {failing_text(options.failing)}"
            f"Database: {self._databases.source(database).place}.",
            lambda: self._undo(database, former, options),
            names=[f"− {table}: {lost}", f"+ {former}: {back}"],  # noqa: RUF001 - a minus sign, as people read it
            button="Undo restore",
            danger=True,
            typed=table,
        )

    def _ask_to_undo_rows(
        self, database: str, table: str, former: str, count: int, options: UndoOptions
    ) -> None:
        ask(
            options.parent if isValid(options.parent) else self._tab,
            f"Undo the restore of {format_counted(count, 'row')} of {table}?",
            "These rows get the values from before the restore, and inserted rows are deleted. "
            "Changes of these rows since the restore are lost; other rows do not change. "
            f"{failing_text(options.failing)}"
            f"Database: {self._databases.source(database).place}.",
            lambda: self._undo(database, former, options),
            names=[former],
            button="Undo restore",
            danger=True,
            typed=table,
        )

    def _undo(self, database: str, former: str, options: UndoOptions) -> None:
        message = "The restore was undone"

        def done(report: UndoReport) -> None:
            self._former_bar.hide()
            if report.problems:
                self._tab.banner.show_warning(message, " ".join(report.problems))
            else:
                self._tab.banner.show_good(f"{message}.")
            self.undone.emit(former)
            self.changed.emit(database, report.table)

        self._change_former("backup.undo", database, former, done, options.failed)

    def _on_drop_wanted(self, database: str, former: str) -> None:
        table = self._former_bar.table
        ask(
            self._tab,
            "Drop the former table?",
            "It cannot be restored from this database, only from a backup. "
            f"Database: {self._databases.source(database).place}.",
            lambda: self._drop(database, table, former),
            names=[former],
            button="Drop",
            danger=True,
            typed=former,
        )

    def _drop(self, database: str, table: str, former: str) -> None:
        """Drop a former table, and select the table whose former rows it had."""

        def done(_name: str) -> None:
            self._former_bar.hide()
            self._tab.banner.show_good("The former table was dropped.")
            self.changed.emit(database, table)

        def failed(error: StorageError) -> None:
            # Another program has dropped it, or renamed it; which of them depends on the engine.
            if error.kind in {ErrorKind.NOT_FOUND, ErrorKind.INVALID_INPUT}:
                self._former_bar.hide()
                self.changed.emit(database, table)
            self._tab.show_error(error)

        self._change_former("backup.drop_former", database, former, done, failed)

    def _change_former(
        self,
        name: str,
        database: str,
        former: str,
        done: Callable[[Any], object],
        failed: Callable[[StorageError], object] | None,
    ) -> None:
        arguments = {"database": self._databases.argument(database), "former": former}
        title = f"{operation(name).title}: {former}"
        self._tab.bulk(title, name, arguments, done, target=database, failed=failed)
