"""Restores several tables together: chooses their backups, compares, asks, restores and undoes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal
from shiboken6 import isValid

from core.backup.restore import Choices
from core.errors import StorageError
from core.model.backup import RestoreReport, UndoReport
from core.model.table_restores import TablesPlan, TablesPreview, TablesReport
from core.units import format_count, format_counted
from gui import shortcuts
from gui.dialogs.confirm import ask
from gui.tabs.backups.open_databases import OpenDatabases
from gui.tabs.backups.restore_flow import COMPARED_AT_ONCE, RestoreFlow, UndoOptions
from gui.tabs.backups.tables_panel import TablesPanel
from gui.tabs.backups.together_dialog import (
    STOPPED,
    TogetherChoices,
    TogetherDialog,
    TogetherRequest,
)
from gui.tabs.backups.together_models import TogetherOutcome
from gui.tabs.backups.together_requests import (
    change_line,
    database_name,
    exact_backups,
    failing_text,
    loss_text,
    wanted_tables,
)
from gui.tabs.backups.together_result import TogetherResult
from gui.tabs.base import Tab
from gui.tasks import Task
from gui.widgets.dialog import while_exists

_NO_DATABASE = "Open the database to restore into first."
_MOST_NAMED = 3


class RestoreTogether(QObject):
    """Opens the dialog for several tables and runs what it requests.

    Args:
        tab: runs the operations.
        tables: the list of tables, whose selection is offered.
        databases: the open databases.
        flow: undoes the restore of a table.

    Signals:
        changed: tables were restored or restores undone; address of the database, a table.
    """

    changed = Signal(str, str)

    def __init__(
        self, tab: Tab, tables: TablesPanel, databases: OpenDatabases, flow: RestoreFlow
    ) -> None:
        super().__init__(tab)
        self._tab, self._tables = tab, tables
        self._databases, self._flow = databases, flow
        self._comparing: Task | None = None
        self._restoring: Task | None = None
        #: The last restore of several tables, and the dialog that shows it.
        self._last: TogetherOutcome | None = None
        self._shown: TogetherResult | None = None
        shortcuts.bind("backups.restore_together", tab, self.open, self.why_not)
        shortcuts.bind("backups.undo", tab, self.undo_last, self._why_no_undo)
        tables.together_wanted.connect(self.open)
        flow.undone.connect(self._on_undone)

    def why_not(self) -> str:
        """Return why no tables can be restored together now; empty if they can."""
        if self._tab.context.workspace is None:
            return "Connect to a bucket first."
        if self._restoring is not None and self._restoring.running:
            return "Tables are being restored. Wait for the result."
        return "" if self._databases.all else _NO_DATABASE

    def open(self) -> None:
        """Open the dialog for the selected tables, or for all that have backups."""
        why = self.why_not()
        if why:
            self._tab.banner.show_info(why)
            return
        context = self._tab.context
        choices = TogetherChoices(self._scopes(), self._databases.all, self._tables.database)
        dialog = TogetherDialog(self._tab, choices, context.settings, context.locked_reason)
        dialog.plan_wanted.connect(partial(self._plan, dialog))
        dialog.compare_wanted.connect(partial(self._compare, dialog))
        dialog.stop_wanted.connect(self._stop)
        dialog.restore_wanted.connect(partial(self._ask, dialog))
        dialog.finished.connect(self._stop_comparing)
        dialog.open()
        dialog.plan()

    def _scopes(self) -> tuple[tuple[str, tuple[str, ...] | None], ...]:
        chosen = self._tables.chosen
        every = ("All tables that have backups", None)
        if len(chosen) < 2:
            return (every,)
        names = ", ".join(chosen[:_MOST_NAMED]) + ("…" if len(chosen) > _MOST_NAMED else "")
        return ((f"The {format_count(len(chosen))} selected ones: {names}", chosen), every)

    def _stop(self) -> None:
        for task in (self._comparing, self._restoring):
            if task is not None:
                task.cancel()

    def _stop_comparing(self) -> None:
        if self._comparing is not None:
            self._comparing.cancel()

    # Choose and compare

    def _plan(self, dialog: TogetherDialog, request: TogetherRequest) -> None:
        def planned(plan: TablesPlan) -> None:
            dialog.show_plan(request, plan, wait=plan.size > COMPARED_AT_ONCE)

        self._comparing = self._tab.bulk(
            "Choose backups of several tables",
            "backup.plan_tables",
            {
                "database": self._databases.argument(request.database),
                "wanted": wanted_tables(request),
            },
            while_exists(dialog, planned),
            failed=while_exists(dialog, dialog.show_error),
            stopped=while_exists(dialog, self._show_stopped(dialog)),
            latest="backups/together",
            quiet=True,
        )

    def _show_stopped(self, dialog: TogetherDialog) -> Callable[[object], None]:
        return lambda _partial: dialog.show_stopped(STOPPED)

    def _compare(self, dialog: TogetherDialog, request: TogetherRequest, plan: TablesPlan) -> None:
        def compared(found: TablesPreview) -> None:
            # The tables without a backup were left out of the second request.
            shown = TablesPreview(found.tables, (*plan.skipped, *found.skipped), plan.notes)
            dialog.show_preview(request, shown)

        self._comparing = self._tab.bulk(
            f"Compare {format_counted(len(plan.backups), 'table')} with the backups",
            "backup.preview_tables",
            {
                "database": self._databases.argument(request.database),
                "wanted": exact_backups(request, [(b.table, b.id) for b in plan.backups]),
            },
            while_exists(dialog, compared),
            batch=while_exists(dialog, dialog.show_table),
            progress=while_exists(dialog, dialog.show_progress),
            failed=while_exists(dialog, dialog.show_error),
            stopped=while_exists(dialog, self._show_stopped(dialog)),
            latest="backups/together",
        )

    # Restore

    def _ask(self, dialog: TogetherDialog, request: TogetherRequest, found: TablesPreview) -> None:
        replaced = [table for table in found.tables if table.exists]
        restore = partial(self._restore, dialog, request, found)
        if not replaced:
            restore()
            return
        source = self._databases.source(request.database)
        ask(
            dialog,
            f"Replace {format_counted(len(replaced), 'table')}?",
            loss_text(found, source.place, single_transaction=dialog.single_transaction),
            restore,
            names=[change_line(table) for table in found.tables],
            button="Restore tables",
            danger=True,
            typed=database_name(source),
        )

    def _restore(
        self, dialog: TogetherDialog, request: TogetherRequest, found: TablesPreview
    ) -> None:
        choices = Choices(
            allow_orphans=any(table.orphans for table in found.tables),
            with_triggers=dialog.with_triggers,
            with_grants=dialog.with_grants,
        )
        chosen = [(table.table, table.backup.id) for table in found.tables]
        single = dialog.single_transaction
        done: list[RestoreReport] = []

        def restored(report: RestoreReport) -> None:
            done.append(report)
            if isValid(dialog):
                dialog.show_table(report)

        ended = partial(self._on_ended, dialog, request.database, found, done, single)
        self._restoring = self._tab.bulk(
            f"Restore {format_counted(len(chosen), 'table')} together",
            "backup.restore_tables",
            {
                "database": self._databases.argument(request.database),
                "wanted": exact_backups(request, chosen, single_transaction=single),
                "choices": choices,
            },
            ended,
            target=request.database,
            command=self._command(request, choices, chosen, single),
            batch=restored,
            progress=while_exists(dialog, dialog.show_progress),
            failed=lambda error: ended(error.partial, error=error),
            stopped=partial(ended, stopped=True),
        )
        dialog.show_restoring()

    def _command(
        self,
        request: TogetherRequest,
        choices: Choices,
        chosen: Sequence[tuple[str, str]],
        single: bool,
    ) -> str:
        every = request.tables is None
        tables = [table for table, _id in chosen]
        return self._tab.command(
            "backup.restore_tables",
            request.database,
            *(() if every else tables),
            options={
                "--all-tables": every,
                "--at": request.at,
                "--from-other-source": request.any_source,
                "--source": request.source,
                "--allow-orphans": choices.allow_orphans,
                "--with-triggers": choices.with_triggers,
                "--with-grants": choices.with_grants,
                "--single-transaction": single,
            },
        )

    def _on_ended(  # noqa: PLR0913 - the last two by name
        self,
        dialog: TogetherDialog,
        database: str,
        found: TablesPreview,
        done: Sequence[RestoreReport],
        single: bool,
        report: Any,
        *,
        error: StorageError | None = None,
        stopped: bool = False,
    ) -> None:
        """Show the result; without the engine's report it is made of the tables until then."""
        complete = isinstance(report, TablesReport)
        known = report if complete else TablesReport(tuple(done), sum(e.seconds for e in done))
        backups = tuple(table.backup for table in found.tables)
        outcome = TogetherOutcome(
            database, backups, known, found.skipped, error, stopped, complete=complete,
            single_transaction=single,
        )  # fmt: skip
        if isValid(dialog):
            dialog.accept()
        self.show_result(outcome)
        if known.tables:
            self.changed.emit(database, known.tables[-1].table)
        elif not complete:  # the lists show whether it has changed the database
            self.changed.emit(database, backups[0].table)

    def show_result(self, outcome: TogetherOutcome) -> TogetherResult:
        """Show what a restore has done, in a dialog that the banner can open again."""
        dialog = TogetherResult(self._tab, outcome, self._tab.context.locked_reason)
        dialog.undo_wanted.connect(partial(self._undo, dialog))
        dialog.undo_all_wanted.connect(partial(self._on_undo_all_wanted, dialog))
        dialog.open()
        self._last, self._shown = outcome, dialog
        again = ("Show the result…", partial(self.show_result, outcome))
        banner = self._tab.banner
        if outcome.error is not None or outcome.stopped or outcome.report.problems:
            banner.show_warning(outcome.summary, action=again)
        else:
            banner.show_good(outcome.summary, action=again, passing=True)
        return dialog

    # Undo

    def undo_last(self) -> None:
        """Ask whether to undo the restore that the bar offers, or show the last one of several."""
        offered = self._flow.offered
        if offered is not None:
            self._flow.undo(*offered)
        elif self._last is not None:
            self.show_result(self._last)

    def _why_no_undo(self) -> str:
        if self._flow.offered is None and (self._last is None or not self._last.undoable):
            return "There is no restore to undo. Select a former table to undo an earlier one."
        return self._tab.context.locked_reason

    def _on_undone(self, former: str) -> None:
        """Note in the last result that a restore was undone, wherever this was requested."""
        if self._last is not None:
            self._last.undone.add(former)
        if self._shown is not None and isValid(self._shown):
            self._shown.refresh()

    def _undo(self, dialog: TogetherResult, report: RestoreReport) -> None:
        options = UndoOptions(
            dialog,
            while_exists(dialog, dialog.banner.show_error),
        )
        self._flow.undo(dialog.outcome.database, report.table, report.kept, options)

    def _on_undo_all_wanted(self, dialog: TogetherResult, reports: Sequence[RestoreReport]) -> None:
        self._flow.list_failing(
            dialog.outcome.database,
            [each.kept for each in reports],
            while_exists(dialog, partial(self._ask_to_undo_all, dialog, reports)),
            while_exists(dialog, dialog.banner.show_error),
        )

    def _ask_to_undo_all(
        self, dialog: TogetherResult, reports: Sequence[RestoreReport], failing: tuple[str, ...]
    ) -> None:
        source = self._databases.source(dialog.outcome.database)
        ask(
            dialog,
            f"Undo the restore of {format_counted(len(reports), 'table')}?",
            "The present tables are dropped, with every change since the restore, and the former "
            f"ones replace them, one after the other. {failing_text(failing)}"
            f"Database: {source.place}.",
            partial(self._undo_next, dialog, dialog.outcome.database, tuple(reports), ()),
            names=[f"{each.kept} replaces {each.table}" for each in reports],
            button="Undo all",
            danger=True,
            typed=database_name(source),
        )

    def _undo_next(
        self,
        dialog: TogetherResult,
        database: str,
        left: tuple[RestoreReport, ...],
        undone: tuple[UndoReport, ...],
    ) -> None:
        """Undo the first restore of `left`, and then the others, until one fails."""
        exists = isValid(dialog)
        banner = dialog.banner if exists else self._tab.banner
        if exists:
            dialog.set_busy(busy=bool(left))
        text = f"Undone: {', '.join(each.table for each in undone)}."
        if not left:
            problems = " ".join(problem for each in undone for problem in each.problems)
            if problems:
                banner.show_warning(text, problems)
            else:
                banner.show_good(text)
            self.changed.emit(database, undone[-1].table)
            return
        report, rest = left[0], left[1:]

        def then(result: UndoReport) -> None:
            self._flow.undone.emit(report.kept)
            self._undo_next(dialog, database, rest, (*undone, result))

        def ended(error: StorageError | None) -> None:
            if isValid(dialog):
                dialog.set_busy(busy=False)
            missing = f"Not undone: {', '.join(each.table for each in left)}."
            shown = f"{text} {missing}" if undone else missing
            why = (
                "" if error is None else " ".join((f"{error.summary}.", error.cause, error.remedy))
            )
            (dialog.banner if isValid(dialog) else self._tab.banner).show_warning(shown, why)
            if undone:
                self.changed.emit(database, undone[-1].table)

        self._tab.bulk(
            f"Undo the restore of {report.table}",
            "backup.undo",
            {"database": self._databases.argument(database), "former": report.kept},
            then,
            target=database,
            failed=ended,
            cancelled=lambda: ended(None),
        )
