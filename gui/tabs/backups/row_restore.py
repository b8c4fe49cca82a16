"""The restore of single rows that are selected in the preview, with a confirmation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal

from core.errors import StorageError
from core.model.restore import RestorePreview
from core.model.row_restore import RowAction, RowsPreview, RowsReport
from core.units import format_counted
from gui.dialogs.confirm import ask
from gui.tabs.backups.former_table_bar import FormerTableBar
from gui.tabs.backups.models import when
from gui.tabs.backups.open_databases import OpenDatabases
from gui.tabs.backups.repeats import has_no_effect, may_succeed
from gui.tabs.backups.restore_panel import RestorePanel
from gui.tabs.base import Tab
from gui.tasks import Task

_SIGNS = {RowAction.INSERT: "+", RowAction.UPDATE: "~", RowAction.DELETE: "\N{MINUS SIGN}"}


class RowRestore(QObject):
    """Previews, confirms and runs the restore of selected rows.

    Signals:
        changed: rows were restored; address of the database, table.
    """

    changed = Signal(str, str)

    def __init__(
        self, tab: Tab, panel: RestorePanel, former_bar: FormerTableBar, databases: OpenDatabases
    ) -> None:
        super().__init__(tab)
        self._tab, self._panel, self._former_bar = tab, panel, former_bar
        self._databases = databases
        self._task: Task | None = None

    @property
    def running(self) -> bool:
        """Whether rows are being restored."""
        return self._task is not None and self._task.running

    def stop(self) -> None:
        """Stop the comparison or the restore, which is one transaction."""
        if self._task is not None:
            self._task.cancel()
        self._task = None

    def request(self, database: str, preview: RestorePreview, keys: tuple[str, ...]) -> None:
        """Compare the selected rows in the engine process, and ask whether to restore them."""
        arguments = {
            "database": self._databases.argument(database),
            "table": preview.backup.table,
            "backup_id": preview.backup.id,
            "keys": list(keys),
        }
        self._task = self._run(
            "Comparing the selected rows…",
            "backup.preview_rows",
            preview,
            arguments,
            partial(self._on_compared, database, preview, arguments),
        )

    def _run(
        self,
        title: str,
        operation: str,
        preview: RestorePreview,
        arguments: dict[str, Any],
        then: Callable[[Any], object],
        target: str = "",
    ) -> Task:
        backup = preview.backup
        self._panel.show_working(backup, title)

        def again() -> None:
            self._task = self._run(title, operation, preview, arguments, then, target)

        return self._tab.bulk(
            f"{title.removesuffix('…')}: {backup.table}, {when(backup.taken)}",
            operation,
            arguments,
            then,
            source=backup.key,
            progress=lambda p: self._panel.show_progress(title, p),
            failed=partial(self._on_failed, again),
            cancelled=self._on_stopped,
            target=target,
        )

    def _on_failed(self, again: Callable[[], object], error: StorageError) -> None:
        self._panel.show_last()
        if not has_no_effect(error):
            self._tab.banner.show_error(error, self._tab.refresh, "Refresh")
        else:
            self._tab.show_error(error, again if may_succeed(error) else None)

    def _on_stopped(self) -> None:
        self._task = None
        self._panel.show_last()
        self._tab.banner.show_info("The restore of rows was stopped. Nothing was changed.")

    def _on_compared(
        self, database: str, preview: RestorePreview, arguments: dict[str, Any], found: RowsPreview
    ) -> None:
        self._task = None
        self._panel.show_last()
        if not found.counts.changes:
            self._tab.banner.show_info(
                "The selected rows are already as in the backup. Nothing was changed."
            )
            return
        ask(
            self._tab,
            f"Restore {format_counted(found.counts.changes, 'row')} of {found.table}?",
            _effect(found, self._databases.source(database).place),
            lambda: self._restore(database, preview, arguments),
            names=[f"{_SIGNS[row.action]} {row.key}" for row in found.rows if row.action in _SIGNS],
            button="Restore rows",
            danger=True,
        )

    def _restore(self, database: str, preview: RestorePreview, arguments: dict[str, Any]) -> None:
        self._task = self._run(
            "Restoring the selected rows…",
            "backup.restore_rows",
            preview,
            arguments,
            partial(self._on_restored, database),
            target=database,
        )

    def _on_restored(self, database: str, report: RowsReport) -> None:
        self._task = None
        self._panel.show_last()
        counts = report.counts
        if report.former:  # show the bar first, so that the message does not cover it
            self._former_bar.show_former(database, report.table, report.former)
        message = (
            f"Rows of {report.table} were restored: {counts.inserted:,} inserted, "
            f"{counts.updated:,} updated, {counts.deleted:,} deleted, {report.verified}"
        )
        self._tab.banner.show_good(f"{message}.")
        self.changed.emit(database, report.table)


def _effect(found: RowsPreview, place: str) -> str:
    counts = found.counts
    numbers = (
        f"Rows to insert: {counts.inserted:,}. Rows to update: {counts.updated:,}. "
        f"Rows to delete: {counts.deleted:,}. Other rows do not change."
    )
    undo = (
        "The present values of these rows are saved in another table until you drop it, so that "
        f"you can undo the restore. Database: {place}."
    )
    return " ".join((numbers, *found.problems, undo))
