"""The steps of a restore: compare, confirm, restore."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from core.backup.previewed import TableChangedError
from core.errors import StorageError
from core.hints import Hint
from core.model.backup import Backup, BackupState
from core.model.restore import RestorePreview, RestoreReport
from core.units import format_counted
from gui.dialogs.confirm import ask
from gui.tabs.backups.former_table_bar import FormerTableBar
from gui.tabs.backups.models import when
from gui.tabs.backups.open_databases import OpenDatabases
from gui.tabs.backups.preview_texts import loss_text
from gui.tabs.backups.repeats import has_no_effect, may_succeed
from gui.tabs.backups.restore_panel import RestorePanel
from gui.tabs.backups.retrieval import show_error_with_retrieval
from gui.tabs.backups.row_restore import RowRestore
from gui.tabs.backups.undo_flow import UndoFlow
from gui.tabs.base import Tab
from gui.tasks import Task

#: Larger backups (in bytes) are compared only on demand, since they are downloaded completely.
COMPARED_AT_ONCE = 64_000_000
_SHOWN_AGAIN = "Nothing was restored. The preview is updated: decide again."


@dataclass(frozen=True, slots=True)
class _Request:
    """A confirmed restore: a repetition has the same options, and the same database."""

    backup: Backup
    table: str
    database: str
    arguments: dict[str, Any]


class RestoreFlow(QObject):
    """Controls the right column.

    Signals:
        changed: a table was restored or dropped, or a restore undone; address of the database,
            table.
    """

    changed = Signal(str, str)

    def __init__(
        self, tab: Tab, panel: RestorePanel, former_bar: FormerTableBar, databases: OpenDatabases
    ) -> None:
        super().__init__(tab)
        self._tab, self._panel, self._former_bar = tab, panel, former_bar
        self._databases = databases
        self._database = self._compared = ""
        #: The id of the backup of the last restore.
        self._restored = ""
        self._backup: Backup | None = None
        self._selected = 0
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
        self.undoing = UndoFlow(tab, former_bar, databases)
        self.undoing.changed.connect(self.changed)

    def show(self, database: str, backup: Backup | None, selected: int = 0) -> None:
        """Show what a restore of a backup would change; small backups are compared at once.

        A running restore continues when another backup is selected; only its Cancel stops it.

        Args:
            database: The address of the open database; empty to prompt for the target.
            backup: The only selected backup, or None.
            selected: The number of selected backups.
        """
        self._database, self._backup, self._selected = database, backup, selected
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
            failed=partial(self._on_compare_failed, self._database, backup),
            progress=lambda p: self._panel.show_progress(title, p),
            cancelled=self._on_compare_stopped,
            latest="backups/preview",
        )

    def _on_compared(self, database: str, preview: RestorePreview) -> None:
        """Show a preview, and store its database as the target regardless of later selections."""
        self._compared = database
        self._panel.show_preview(preview, self._databases.source(database).engine)

    def _on_compare_failed(self, database: str, backup: Backup, error: StorageError) -> None:
        self._panel.show_failure(backup, error)
        if Hint.NEW_TABLE_NAME in error.hints and error.hint_value:
            restore = partial(self._restore_unseen, database, backup, error.hint_value)
            self._tab.banner.show_error(error, restore, "Restore as new table")
        elif not show_error_with_retrieval(self._tab, backup, error):
            self._tab.show_error(error, self.compare if may_succeed(error) else None)

    def _on_compare_stopped(self) -> None:
        """Show that nothing is compared any more after a cancel in the list of activities."""
        # Otherwise the panel shows what has replaced the comparison.
        if self._task is not None and not self._task.running:
            self._on_cancel_wanted()

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
            "previewed_rows": None if name else preview.rows_today or 0,
        }
        self._run(_Request(backup, table, database, arguments))

    def _restore_unseen(self, database: str, backup: Backup, name: str) -> None:
        """Restore under a new name without a preview, since the present table cannot be read."""
        arguments: dict[str, Any] = {
            "database": self._databases.argument(database),
            "table": backup.table,
            "backup_id": backup.id,
            "target": name,
            "allow_orphans": False,
            "with_triggers": False,
            "with_grants": False,
            "existing": True,
            "previewed_rows": None,
        }
        self._run(_Request(backup, name, database, arguments))

    def _run(self, request: _Request) -> None:
        self._stop()  # of a comparison that runs when a restore is repeated
        backup, title = request.backup, f"Restoring {request.table}…"
        self._panel.show_working(backup, title)
        self._restored = backup.id
        self._restoring = self._tab.bulk(
            f"Restore {request.table} from {when(backup.taken)}",
            "backup.restore",
            request.arguments,
            partial(self._on_restored, request.database),
            source=backup.key,
            target=request.database,
            command=self._command(request),
            progress=lambda p: self._panel.show_progress(title, p),
            failed=partial(self._on_restore_failed, partial(self._run, request)),
            cancelled=self._on_restore_stopped,
        )

    def _command(self, request: _Request) -> str:
        arguments, backup = request.arguments, request.backup
        return self._tab.command(
            "backup.restore",
            request.database,
            backup.table,
            options={
                "--id": backup.id,
                "--as": arguments["target"] or "",
                "--allow-orphans": bool(arguments["allow_orphans"]),
                "--with-triggers": bool(arguments["with_triggers"]),
                "--with-grants": bool(arguments["with_grants"]),
            },
        )

    def _on_restore_failed(self, again: Callable[[], object], error: StorageError) -> None:
        self._restoring = None
        self._show_selected()
        if isinstance(error, TableChangedError):
            self.compare()
            self._tab.banner.show_warning(f"{error.summary}.", f"{error.cause} {_SHOWN_AGAIN}")
        elif not has_no_effect(error):
            self._tab.banner.show_error(error, self._tab.refresh, "Refresh")
        else:
            self._tab.show_error(error, again if may_succeed(error) else None)

    def _on_restore_stopped(self) -> None:
        """Show the preview again: the restore was one transaction, which was rolled back."""
        self._restoring = None
        self._show_selected()
        self._tab.banner.show_info("The restore was stopped. Nothing was changed.")

    def _show_selected(self) -> None:
        """Show the preview again, or the backup that was selected during the restore."""
        if self._backup is not None and self._backup.id == self._restored:
            self._panel.show_last()
        else:
            self.show(self._database, self._backup, self._selected)

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
