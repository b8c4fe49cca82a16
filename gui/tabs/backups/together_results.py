"""Shows the result of a restore of several tables, and undoes it for one of them or all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal
from shiboken6 import isValid

from core.errors import StorageError
from core.model.restore import RestoreReport, UndoReport
from core.units import format_counted
from gui import shortcuts
from gui.dialogs.confirm import ask
from gui.tabs.backups.open_databases import OpenDatabases
from gui.tabs.backups.together_models import TogetherOutcome
from gui.tabs.backups.together_requests import database_name, failing_text
from gui.tabs.backups.together_result import TogetherResult
from gui.tabs.backups.undo_flow import UndoFlow, UndoOptions
from gui.tabs.base import Tab
from gui.widgets.banner import Action
from gui.widgets.dialog import while_exists


class TogetherResults(QObject):
    """Opens the dialog with the result of a restore of several tables, and runs its undos.

    Args:
        tab: runs the operations.
        databases: the open databases.
        undoing: undoes the restore of a table.

    Signals:
        changed: restores were undone; address of the database, a table.
        preview_wanted: the tables that a `TogetherOutcome` lacks are to be previewed again.
    """

    changed = Signal(str, str)
    preview_wanted = Signal(object)

    def __init__(self, tab: Tab, databases: OpenDatabases, undoing: UndoFlow) -> None:
        super().__init__(tab)
        self._tab, self._databases, self._undoing = tab, databases, undoing
        #: The last restore of several tables, the dialog that shows it, and the message in the tab.
        self._last: TogetherOutcome | None = None
        self._shown: TogetherResult | None = None
        self._message = ""
        shortcuts.bind("backups.undo", tab, self.undo_last, self._why_no_undo)
        undoing.undone.connect(self._on_undone)

    def show_result(self, outcome: TogetherOutcome) -> TogetherResult:
        """Show what a restore has done, in a dialog that the banner can open again."""
        dialog = TogetherResult(self._tab, outcome, self._tab.context.locked_reason)
        dialog.undo_wanted.connect(partial(self._undo, dialog))
        dialog.undo_all_wanted.connect(partial(self._on_undo_all_wanted, dialog))
        dialog.preview_wanted.connect(partial(self._on_preview_wanted, dialog))
        dialog.open()
        self._last, self._shown = outcome, dialog
        self._message = outcome.summary
        banner, again = self._tab.banner, self._again(outcome)
        if outcome.error is not None or outcome.stopped or outcome.report.problems:
            why = outcome.error.reason if outcome.error is not None else ""
            banner.show_warning(self._message, why, action=again)
        else:
            banner.show_good(self._message, action=again, passing=True)
        return dialog

    def _on_preview_wanted(self, dialog: TogetherResult) -> None:
        dialog.reject()
        self.preview_wanted.emit(dialog.outcome)

    def _again(self, outcome: TogetherOutcome) -> Action:
        return "Show the result…", partial(self.show_result, outcome)

    def undo_last(self) -> None:
        """Ask whether to undo the restore that the bar offers, or show the last one of several."""
        offered = self._undoing.offered
        if offered is not None:
            self._undoing.undo(*offered)
        elif self._last is not None:
            self.show_result(self._last)

    def _why_no_undo(self) -> str:
        if self._undoing.offered is None and (self._last is None or not self._last.undoable):
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
        self._undoing.undo(dialog.outcome.database, report.table, report.kept, options)

    def _on_undo_all_wanted(self, dialog: TogetherResult, reports: Sequence[RestoreReport]) -> None:
        self._undoing.list_failing(
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
            partial(self._undo_next, dialog, dialog.outcome, tuple(reports), ()),
            names=[f"{each.kept} replaces {each.table}" for each in reports],
            button="Undo all",
            danger=True,
            typed=database_name(source),
        )

    def _undo_next(
        self,
        dialog: TogetherResult,
        outcome: TogetherOutcome,
        left: tuple[RestoreReport, ...],
        undone: tuple[UndoReport, ...],
    ) -> None:
        """Undo the first restore of `left`, and then the others, until one fails."""
        if isValid(dialog):
            dialog.set_busy(busy=bool(left))
        if not left:
            self._on_undos_ended(dialog, outcome, left, undone)
            return
        report, rest = left[0], left[1:]

        def then(result: UndoReport) -> None:
            self._undoing.undone.emit(report.kept)
            self._undo_next(dialog, outcome, rest, (*undone, result))

        ended = partial(self._on_undos_ended, dialog, outcome, left, undone)
        self._tab.bulk(
            f"Undo the restore of {report.table}",
            "backup.undo",
            {"database": self._databases.argument(outcome.database), "former": report.kept},
            then,
            target=outcome.database,
            failed=ended,
            cancelled=ended,
        )

    def _on_undos_ended(
        self,
        dialog: TogetherResult,
        outcome: TogetherOutcome,
        left: tuple[RestoreReport, ...],
        undone: tuple[UndoReport, ...],
        error: StorageError | None = None,
    ) -> None:
        """Show what was undone, in the dialog and instead of the result of the restore."""
        tab, banners = self._tab.banner, [self._tab.banner]
        if isValid(dialog):
            dialog.set_busy(busy=False)
            # A message about something else stays, and so does the result if it is unchanged.
            outdated = undone and tab.text == self._message
            banners = [dialog.banner, *([tab] if outdated else ())]
        text, why = _undo_texts(left, undone, error)
        for banner in banners:
            if left or why:
                again = self._again(outcome) if banner is tab else None
                banner.show_warning(text, why, action=again)
            else:
                banner.show_good(text)
        if undone:
            self.changed.emit(outcome.database, undone[-1].table)


def _undo_texts(
    left: Sequence[RestoreReport], undone: Sequence[UndoReport], error: StorageError | None
) -> tuple[str, str]:
    """Return which restores were undone and which not, and the problems."""
    texts = [
        f"{title}: {', '.join(each.table for each in tables)}."
        for title, tables in (("Undone", undone), ("Not undone", left))
        if tables
    ]
    problems = [problem for each in undone for problem in each.problems]
    if error is not None:
        problems += [f"{error.summary}.", error.cause, error.remedy]
    return " ".join(texts), " ".join(filter(None, problems))
