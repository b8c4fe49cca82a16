"""Runs backups and verifications, and reports their results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from glob import escape

from PySide6.QtCore import QObject, Signal

from core.backup.databases.address import DatabaseAddress
from core.backup.filters import plan_backup
from core.backup.schedule import where_options
from core.errors import InvalidInput, StorageError
from core.hints import Hint
from core.model.backup import Backup, BackupReport, BackupState
from core.model.backup_plan import BackupPlan
from core.model.selection import Selection
from core.model.verification import VerifyReport
from core.units import format_counted, format_progress, iso_utc, utc_now
from core.work import Progress
from gui.tabs.backups.backups_panel import BackupsPanel
from gui.tabs.backups.condition_dialog import ConditionDialog
from gui.tabs.backups.encryption_dialog import EncryptionDialog, chosen_key, store_chosen_key
from gui.tabs.backups.models import when
from gui.tabs.backups.open_databases import OpenDatabases
from gui.tabs.backups.repeats import may_succeed
from gui.tabs.backups.retrieval import show_error_with_retrieval
from gui.tabs.backups.selection_dialog import SelectionDialog
from gui.tabs.backups.tables_panel import TablesPanel
from gui.tabs.base import Tab
from gui.widgets.banner import Action
from gui.widgets.dialog import while_exists


class BackupActions(QObject):
    """Starts the operations on tables and backups.

    Signals:
        made: the backups that were written.
    """

    made = Signal(object)

    def __init__(
        self, tab: Tab, tables: TablesPanel, backups: BackupsPanel, databases: OpenDatabases
    ) -> None:
        super().__init__(tab)
        self._tab, self._tables, self._backups = tab, tables, backups
        self._databases = databases
        tab.context.backup_watch.changed.connect(self._on_examined)

    def _on_examined(self) -> None:
        health = self._tab.context.backup_watch.health
        self._tables.set_examined(health.last if health is not None else ())

    def back_up_some_rows(self, table: str) -> None:
        """Prompt for a condition, and back up the rows of a table that meet it."""
        context, database = self._tab.context, self._databases.argument(self._tables.database)
        if context.workspace is None:
            return
        ConditionDialog(
            self._tab, context, context.workspace, database, table,
            lambda condition, note: self.back_up([table], note, condition),
            note=self._tables.note_of_backup,
        ).open()  # fmt: skip

    def choose_tables(self) -> None:
        """Prompt for patterns and conditions, and back up the tables and rows that meet them."""
        database = self._tables.database
        if self._tab.context.workspace is None:
            return
        dialog = SelectionDialog(
            self._tab, self._tables.database_name, self._tables.own, self.back_up_selection,
            note=self._tables.note_of_backup,
        )  # fmt: skip
        dialog.plan_wanted.connect(partial(self._plan, dialog, self._databases.argument(database)))
        dialog.open()

    def _plan(
        self,
        dialog: SelectionDialog,
        database: str | DatabaseAddress,
        selection: Selection,
        then: Callable[[BackupPlan], object],
    ) -> None:
        workspace = self._tab.context.workspace
        if workspace is None:
            dialog.show_error(
                InvalidInput("The tables cannot be read", remedy="Connect to a bucket first.")
            )
            return
        self._tab.run(
            "Plan a backup",
            lambda work: plan_backup(
                workspace, work, database=database, selection=selection, exact=False
            ),
            while_exists(dialog, then),
            latest="backups/plan",
            quiet=True,
            failed=while_exists(dialog, dialog.show_error),
        )

    def back_up(self, tables: Sequence[str], note: str = "", condition: str = "") -> None:
        """Back up tables of the open database; without names all of them.

        Args:
            tables: their names.
            note: a note for the backups; empty for none.
            condition: an SQL condition on the rows of the only table; empty for all rows.
        """
        where = {tables[0]: condition} if condition else {}
        self.back_up_selection(Selection(tuple(tables) or None, where), note)

    def back_up_selection(self, selection: Selection, note: str = "") -> None:
        """Back up tables and rows of the open database."""
        self._run(self._tables.database, selection, note)

    def _run(self, database: str, selection: Selection, note: str) -> None:
        tables = selection.tables or ()
        some = selection.include or selection.exclude
        what = tables[0] if tables else "the chosen tables" if some else "all tables"
        key = chosen_key(self._tab.context.settings, database)
        self._tab.bulk(
            f"Back up {what}",
            "backup.run",
            {
                "database": self._databases.argument(database),
                "tables": list(tables) or None,
                "note": note,
                "encrypt_with": key,
                "where": dict(selection.where),
                "include": list(selection.include),
                "exclude": list(selection.exclude),
            },
            partial(self._on_backed_up, database, note),
            source=database,
            target=self._bucket_name(),
            command=self._tab.command(
                "backup.run",
                database,
                *tables,
                options={
                    "--all-tables": not tables,
                    "--include": selection.include,
                    "--exclude": selection.exclude,
                    "--where": where_options(tables, selection.where),
                    "--note": note,
                    "--encrypt": key,
                },
            ),
            progress=lambda p: self._tables.show_activity(database, f"Backing up {_rows(p)}"),
            failed=partial(
                self._on_backup_failed, database, partial(self._run, database, selection, note)
            ),
            cancelled=partial(self._on_backup_stopped, database),
        )
        self._tables.show_activity(database, f"Backing up {what}…")

    def choose_encryption(self) -> None:
        """Open the dialog for the key that encrypts backups of the open database."""
        context, database = self._tab.context, self._tables.database
        if context.workspace is None:
            return

        def use(name: str) -> None:
            store_chosen_key(context.settings, database, name)
            self._tables.show_encryption()

        present = chosen_key(context.settings, database)
        EncryptionDialog(self._tab, context, context.workspace, present, use).open()

    def _on_backup_failed(
        self, database: str, again: Callable[[], object], error: StorageError
    ) -> None:
        self._tables.show_activity(database, "")
        # A backup that can be resumed must not be read again: the bar for it has the button.
        repeatable = may_succeed(error) and not error.hints & Hint.RESUME
        self._tab.show_error(error, again if repeatable else None)
        self.made.emit(())  # tables before the failed one may be backed up

    def _on_backup_stopped(self, database: str) -> None:
        self._tables.show_activity(database, "")
        self._tab.banner.show_info(
            "The backup was stopped. Backups that were already complete remain."
        )
        self.made.emit(())

    def _on_backed_up(self, database: str, note: str, report: BackupReport) -> None:
        rows = sum(backup.rows or 0 for backup in report.backups)
        names = ", ".join(backup.table for backup in report.backups) or "no table"
        self._tables.show_activity(database, "")
        # A note that was typed since then is that of the next backup.
        if any(backup.note == self._tables.note_of_backup for backup in report.backups):
            self._tables.remark.clear()
        message = f"Backed up {names}: {format_counted(rows, 'row')} in {report.seconds:.1f} s, "
        message += f"written, {report.verdict.value}"
        if report.skipped:
            left = " ".join(f"{each.table} was skipped: {each.problem}" for each in report.skipped)
            again = self._retry_action(database, note, report)
            self._tab.banner.show_warning(f"{message}.", left, action=again)
        else:
            self._tab.banner.show_good(
                f"{message}.", action=self._note_action(report), passing=True
            )
        self.report_made(report)

    def _retry_action(self, database: str, note: str, report: BackupReport) -> Action | None:
        """Return the button for another backup of the tables that were locked."""
        locked = tuple(escape(each.table) for each in report.skipped if each.locked)
        # As patterns: those that are still locked are skipped again, which named ones are not.
        chosen = Selection(include=locked)
        return ("Retry", partial(self._run, database, chosen, note)) if locked else None

    def _note_action(self, report: BackupReport) -> Action | None:
        """Return the button for a note of the only backup of a run; several get one beforehand."""
        if len(report.backups) != 1 or report.backups[0].note:
            return None
        return "Add a note…", partial(self._backups.note_wanted.emit, report.backups[0])

    def report_made(self, report: BackupReport) -> None:
        """Emit `made` for the backups of a run."""
        self.made.emit(report.backups)

    def verify(self, backup: Backup) -> None:
        """Download a backup and compare every hash."""
        self._tab.bulk(
            f"Verify {backup.table} of {when(backup.taken)}",
            "backup.verify",
            {"table": backup.table, "backup_id": backup.id},
            self._on_verified,
            failed=partial(self._on_verify_failed, backup),
            source=self._bucket_name(),
            command=self._tab.command("backup.verify", backup.table, options={"--id": backup.id}),
        )

    def _on_verify_failed(self, backup: Backup, error: StorageError) -> None:
        if not show_error_with_retrieval(self._tab, backup, error):
            self._tab.show_error(
                error, partial(self.verify, backup) if may_succeed(error) else None
            )

    def _on_verified(self, report: VerifyReport) -> None:
        now = iso_utc(utc_now().replace(microsecond=0))
        taken = when(report.backup.taken)
        if not report.good:
            self._backups.set_checked(report.backup, f"found damaged on {now}")
            self._tab.banner.show_warning(
                f"The backup of {taken} is damaged.", " ".join(report.problems[:3])
            )
            return
        message = f"The backup of {taken} ({report.backup.id}): {report.outcome}."
        if report.backup.state is BackupState.OLD_FORM:
            self._tab.banner.show_info(message)
        else:
            self._backups.set_checked(report.backup, f"verified on {now}")
            self._tab.banner.show_good(message)

    def _bucket_name(self) -> str:
        workspace = self._tab.context.workspace
        return "" if workspace is None else f"s3://{workspace.profile.bucket}/"


def _rows(progress: Progress) -> str:
    return f"{progress.note}: {format_progress(progress.done, progress.total, 'rows')}"
