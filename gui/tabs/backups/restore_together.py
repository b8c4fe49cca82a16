"""Restores several tables together: chooses their backups, compares, asks and restores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal
from shiboken6 import isValid

from core.backup.restore import Choices
from core.errors import StorageError
from core.model.restore import RestoreReport
from core.model.table_restores import TablesPlan, TablesPreview, TablesReport
from core.units import format_count, format_counted
from gui import shortcuts
from gui.dialogs.confirm import ask
from gui.tabs.backups.open_databases import OpenDatabases
from gui.tabs.backups.restore_flow import COMPARED_AT_ONCE, RestoreFlow
from gui.tabs.backups.tables_panel import TablesPanel
from gui.tabs.backups.together_dialog import STOPPED, TogetherDialog
from gui.tabs.backups.together_models import TogetherOutcome
from gui.tabs.backups.together_requests import (
    Scopes,
    TogetherChoices,
    TogetherRequest,
    change_line,
    database_name,
    exact_backups,
    loss_text,
    wanted_tables,
)
from gui.tabs.backups.together_results import TogetherResults
from gui.tabs.base import Tab
from gui.tasks import Task
from gui.widgets.dialog import while_exists

_NO_DATABASE = "Open the database to restore into first."
_MOST_NAMED = 3
_ALL = "All tables that have backups"


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
        self._tab, self._tables, self._databases = tab, tables, databases
        self._comparing: Task | None = None
        self._restoring: Task | None = None
        self._results = TogetherResults(tab, databases, flow.undoing)
        self._results.changed.connect(self.changed)
        self._results.preview_wanted.connect(self._on_preview_wanted)
        shortcuts.bind("backups.restore_together", tab, self.open, self.why_not)
        tables.together_wanted.connect(self.open)
        databases.on_change(self.update_allowed)

    def why_not(self) -> str:
        """Return why no tables can be restored together now; empty if they can."""
        if self._tab.context.workspace is None:
            return "Connect to a bucket first."
        if self._restoring is not None and self._restoring.running:
            return "Tables are being restored. Wait for the result."
        if not self._databases.all:
            return _NO_DATABASE
        problem = self._databases.problem
        return f"The database cannot be read. {problem}." if problem else ""

    def update_allowed(self) -> None:
        """Enable the button, or show why it is disabled."""
        self._tables.allow_together(self.why_not())

    def open(self) -> None:
        """Open the dialog for the selected tables, or for all that have backups."""
        why = self.why_not()
        if why:
            self._tab.banner.show_info(why)
            return
        self._open(self._scopes(), self._tables.database)

    def _open(self, scopes: Scopes, database: str, former: TogetherRequest | None = None) -> None:
        context = self._tab.context
        choices = TogetherChoices(scopes, self._databases.all, database, former)
        dialog = TogetherDialog(self._tab, choices, context.settings, context.locked_reason)
        dialog.plan_wanted.connect(partial(self._plan, dialog))
        dialog.compare_wanted.connect(partial(self._compare, dialog))
        dialog.stop_wanted.connect(self._stop)
        dialog.restore_wanted.connect(partial(self._ask, dialog))
        dialog.finished.connect(self._stop_comparing)
        dialog.open()
        dialog.plan()

    def _on_preview_wanted(self, outcome: TogetherOutcome) -> None:
        """Open the dialog for the tables that were not restored, with the same choice of backups."""
        why = self.why_not()
        if why:
            self._tab.banner.show_info(why)
            return
        left = outcome.remaining
        scopes = (_scope("remaining", left), (_ALL, None))
        self._open(scopes, outcome.database, outcome.request)

    def _scopes(self) -> Scopes:
        chosen = self._tables.chosen
        every = (_ALL, None)
        return (every,) if len(chosen) < 2 else (_scope("selected", chosen), every)

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
                "wanted": exact_backups(
                    request, [(b.table, b.id) for b in plan.backups], skip_unusable=True
                ),
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
            previewed_tables=tuple((each.table, each.rows_today or 0) for each in found.tables),
        )
        chosen = [(table.table, table.backup.id) for table in found.tables]
        single = dialog.single_transaction
        done: list[RestoreReport] = []

        def restored(report: RestoreReport) -> None:
            done.append(report)
            if isValid(dialog):
                dialog.show_table(report)

        ended = partial(self._on_ended, dialog, request, found, done, single)
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
        self.update_allowed()

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
        request: TogetherRequest,
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
            request.database, backups, known, found.skipped, error, stopped, complete=complete,
            single_transaction=single, request=request,
        )  # fmt: skip
        if isValid(dialog):
            dialog.accept()
        self.update_allowed()
        self._results.show_result(outcome)
        if known.tables:
            self.changed.emit(request.database, known.tables[-1].table)
        elif not complete:  # the lists show whether it has changed the database
            self.changed.emit(request.database, backups[0].table)


def _scope(kind: str, tables: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the title of some tables, and the tables."""
    names = ", ".join(tables[:_MOST_NAMED]) + ("…" if len(tables) > _MOST_NAMED else "")
    one = len(tables) == 1
    title = f"The {kind} one" if one else f"The {format_count(len(tables))} {kind} ones"
    return f"{title}: {names}", tables
