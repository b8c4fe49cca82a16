"""The dialog with the findings about backups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QItemSelection, QObject, Qt, Signal
from PySide6.QtWidgets import QWidget

from core.model.schedule import BackupFinding
from gui.context.backup_watch import BackupWatch
from gui.models.roles import PILL_ROLE
from gui.tabs.backups.rows_model import Rows
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.fitted import FittedText
from gui.widgets.labels import shown, tooltip
from gui.widgets.panel import row
from gui.widgets.table import choose_row, make_table

_ALL = "all tables"
_NONE = "Select a finding first."


class FindingsModel(Rows):
    """The findings, in the order of the examination."""

    heads = ("Finding", "Table", "What was found")
    mono = frozenset((1,))

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.findings: tuple[BackupFinding, ...] = ()

    def show(self, findings: Sequence[BackupFinding]) -> None:
        """Show findings."""
        self.findings = tuple(findings)
        rows = [(each.problem.value, each.table or _ALL, each.text) for each in findings]
        self._replace([tuple(shown(text) for text in row) for row in rows], list(rows))

    def _drawn(self, row: int, column: int, role: int) -> Any:
        if role == PILL_ROLE and column == 0:
            return "warning"
        if role == Qt.ItemDataRole.ToolTipRole:
            finding = self.findings[row]
            return tooltip("\n".join(part for part in (finding.text, finding.database) if part))
        return super()._drawn(row, column, role)


class FindingsDialog(Dialog):
    """The findings about the backups of the bucket; its owner acts on them.

    Args:
        parent: the view that opens the dialog.
        watch: examines the backups.

    Signals:
        show_wanted: a `BackupFinding` whose backups the user wants to see.
        run_wanted: the `Schedule` that makes the backup that a finding misses.
        dismiss_wanted: a `BackupFinding` about a failed run that is no longer to be reported.
        examine_wanted: the user wants to examine the backups again.
    """

    show_wanted = Signal(object)
    run_wanted = Signal(object)
    dismiss_wanted = Signal(object)
    examine_wanted = Signal()

    def __init__(self, parent: QWidget | None, watch: BackupWatch) -> None:
        super().__init__(parent, "Findings about backups", width=760, height=420)
        self._watch = watch
        self.banner = Banner(self)
        self.model = FindingsModel(self)
        self.table = make_table(self.model, "Findings", sortable=False)
        self.table.setTextElideMode(Qt.TextElideMode.ElideRight)  # sentences, not names
        empty = EmptyState("No findings", "All examined backups are as expected.")
        self.view = Loadable(self.table, empty)
        self.text = FittedText("")
        self.text.setMinimumHeight(3 * self.text.fontMetrics().lineSpacing())
        self.text.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.show_backups = plain_button("Show backups", self._on_show)
        self.run = plain_button("Run the schedule now", self._on_run)
        self.dismiss = plain_button("Dismiss", self._on_dismiss)
        self.dismiss.set_hint("Does not report this failure again.")
        self.examine = plain_button("Examine again", self.examine_wanted.emit)
        self.add_stretching(self.view)
        self.body.addWidget(self.text)
        self.body.addWidget(row(self.show_backups, self.run, self.dismiss, stretch=True))
        self.add_buttons(primary_button("Close", self.reject), left=(self.examine,))
        self.table.selectionModel().selectionChanged.connect(self._on_selection)
        watch.changed.connect(self.refresh)
        self.refresh()

    @property
    def current(self) -> BackupFinding | None:
        """The selected finding."""
        chosen = self.table.selectionModel().selectedRows()
        return self.model.findings[chosen[0].row()] if chosen else None

    def refresh(self) -> None:
        """Show the present findings."""
        chosen = self.table.selectionModel().selectedRows()
        place = chosen[0].row() if chosen else 0
        health = self._watch.health
        self.model.show(health.findings if health is not None else ())
        if self.model.findings:
            self.view.show_view()
            choose_row(self.table, min(place, len(self.model.findings) - 1))
        else:
            self.view.show_empty()
        self._update()

    def _on_selection(self, _now: QItemSelection, _before: QItemSelection) -> None:
        self._update()

    def _update(self) -> None:
        finding = self.current
        self.text.setText("" if finding is None else finding.text)
        why = _NONE if finding is None else "" if finding.table else "It is about all tables."
        self.show_backups.allow(not why, why)
        why = _NONE if finding is None else self._why_not_run(finding)
        self.run.allow(not why, why)
        failed = finding is not None and bool(finding.run)
        why = _NONE if finding is None else "It is reported until its cause is fixed."
        self.dismiss.allow(failed, why)

    def _on_show(self) -> None:
        if self.current is not None:
            self.show_wanted.emit(self.current)
            self.accept()

    def _why_not_run(self, finding: BackupFinding) -> str:
        schedule = self._watch.schedule_of(finding)
        return "No schedule makes it." if schedule is None else self._watch.why_not_here(schedule)

    def _on_run(self) -> None:
        schedule = self._watch.schedule_of(self.current) if self.current is not None else None
        if schedule is not None:
            self.run_wanted.emit(schedule)

    def _on_dismiss(self) -> None:
        if self.current is not None:
            self.dismiss_wanted.emit(self.current)
