"""The dialog with the result of a restore of several tables, in which each can be undone."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from core.model.restore import RestoreReport
from core.units import format_duration
from gui import theme
from gui.tabs.backups.together_models import ResultModel, TogetherOutcome
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.labels import shown, text_label
from gui.widgets.table import choose_row, make_table

_BUSY = "A restore is being undone."


class TogetherResult(Dialog):
    """The result of each table, with buttons that undo its restore or all of them.

    Args:
        parent: the view that opens the dialog.
        outcome: what the restore has done.
        locked: why nothing can be undone; empty if it can.

    Signals:
        undo_wanted: the `RestoreReport` of a table whose restore is to be undone.
        undo_all_wanted: the reports of all tables to undo, in the order of the undos.
        preview_wanted: the tables that were not restored are to be previewed again.
    """

    undo_wanted = Signal(object)
    undo_all_wanted = Signal(object)
    preview_wanted = Signal()

    def __init__(self, parent: QWidget | None, outcome: TogetherOutcome, locked: str = "") -> None:
        super().__init__(parent, "Result of the restore", width=800, height=460)
        self.outcome, self._locked, self._busy = outcome, locked, False
        self.banner = Banner(self)
        self.model = ResultModel(outcome, self)
        self.table = make_table(self.model, "Results of the tables", sortable=False)
        self.view = Loadable(self.table, EmptyState("No table", "No table was to be restored."))
        self.view.show_view()
        self.summary = text_label(shown(_summary(outcome)), wrap=True)
        self.notes = text_label("\n".join(map(shown, _notes(outcome))), "warning", wrap=True)
        self.notes.setVisible(bool(self.notes.text()))
        self.about = text_label("", "muted", wrap=True)
        self.undo = plain_button("Undo restore…", self._on_undo)
        self.undo_all = plain_button("Undo all…", self._on_undo_all)
        self.preview = plain_button("Preview again…", self.preview_wanted.emit)
        self.preview.setVisible(bool(outcome.remaining))
        for part in (self.summary, self.notes):
            self.body.addWidget(part)
        self.add_stretching(self.view, least=3 * theme.ROW + 32)
        self.body.addWidget(self.about)
        buttons = (self.undo, self.undo_all, self.preview)
        self.add_buttons(primary_button("Close", self.reject), left=buttons)
        self.table.selectionModel().currentChanged.connect(self._update)
        if self.model.rowCount():
            choose_row(self.table, 0)
        self._update()

    @property
    def current(self) -> RestoreReport | None:
        """The restore of the selected table; None if it was not restored."""
        index = self.table.currentIndex()
        return self.model.report(index.row()) if index.isValid() else None

    def refresh(self) -> None:
        """Show which restores were undone since then."""
        self.model.refresh()
        self.summary.setText(shown(_summary(self.outcome)))
        self._update()

    def set_busy(self, *, busy: bool) -> None:
        """Disable the buttons while a restore is being undone."""
        self._busy = busy
        self._update()

    def _update(self, *_changed: object) -> None:
        index = self.table.currentIndex()
        self.about.setText(self.model.about(index.row()) if index.isValid() else "")
        busy = self._locked or (_BUSY if self._busy else "")
        why = busy or _why_not_undo(self.current, self.outcome.undone)
        self.undo.allow(not why, why)
        why = busy or (
            "" if self.outcome.undoable else "No restore of an existing table is left to undo."
        )
        self.undo_all.allow(not why, why)
        self.preview.allow(not self._busy, _BUSY)

    def _on_undo(self) -> None:
        if self.current is not None:
            self.undo_wanted.emit(self.current)

    def _on_undo_all(self) -> None:
        self.undo_all_wanted.emit(self.outcome.undoable)


def _why_not_undo(report: RestoreReport | None, undone: set[str]) -> str:
    if report is None:
        return "The selected table was not restored."
    if not report.kept:
        return "The table did not exist before, so there is no former one."
    return "The restore was undone." if report.kept in undone else ""


def _summary(outcome: TogetherOutcome) -> str:
    took = format_duration(outcome.report.seconds)
    if outcome.error is None and not outcome.stopped:
        return f"{outcome.summary} It took {took}."
    return outcome.summary


def _notes(outcome: TogetherOutcome) -> list[str]:
    report, error = outcome.report, outcome.error
    lines = [f"Foreign keys created at the end: {', '.join(report.attached)}."] * bool(
        report.attached
    )
    if error is not None:
        lines.append(" ".join(filter(None, (f"{error.summary}.", error.cause, error.remedy))))
    return [*lines, *report.problems]
