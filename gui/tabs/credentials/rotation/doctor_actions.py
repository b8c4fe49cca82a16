"""Runs the doctor: examines, confirms each repair, and examines again."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from core.errors import StorageError
from core.model.doctor import Finding, Repair
from core.work import Work
from core.workspace import Workspace
from gui.dialogs.confirm import ask
from gui.tabs.base import Tab
from gui.tabs.credentials.rotation.doctor_dialog import DoctorDialog
from gui.tasks import Task


class DoctorActions(QObject):
    """Opens the doctor for the connection of a tab.

    Signals:
        changed: the name of a secret that a repair has changed, or whose access keys it has
            changed.
    """

    changed = Signal(str)

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        self._tab = tab
        self.dialog: DoctorDialog | None = None
        self._examination: Task | None = None

    def open(self) -> None:
        """Examine, and show the findings."""
        if self._tab.context.workspace is None:
            return
        dialog = self.dialog = DoctorDialog(self._tab)
        dialog.examine_clicked.connect(self._examine)
        dialog.repair_clicked.connect(self._confirm)
        dialog.secret_wanted.connect(self._show_secret)
        dialog.finished.connect(self._on_closed)
        if reason := self._tab.context.locked_reason:
            dialog.set_locked(reason)
        dialog.open()
        self._examine()

    def _on_closed(self) -> None:
        """Stop the running examination, since its dialog was closed."""
        self.dialog = None
        if self._examination is not None:
            self._examination.cancel()
            self._examination = None

    def _examine(self) -> None:
        if self.dialog is None:
            return
        self.dialog.show_loading()
        workspace = self._workspace()
        self._examination = self._tab.run(
            "Examine the secrets",
            lambda work: workspace.doctor.examine(work=work),
            # The user may have closed the dialog before the end.
            lambda found: self.dialog.show_diagnosis(found) if self.dialog else None,
            failed=lambda error: self.dialog.show_not_examined(error) if self.dialog else None,
            latest="credentials/doctor",
        )

    def _show_secret(self, name: str) -> None:
        if self.dialog is not None:
            self.dialog.accept()
        self._tab.open_target(name)

    def _confirm(self, finding: Finding, repair: Repair) -> None:
        ask(
            self.dialog,
            f"{repair.title}?",
            f"{repair.text} Undo: {repair.undo}",
            lambda: self._repair(finding, repair),
            button=repair.title,
            danger=bool(repair.typed),
            typed=repair.typed or None,
        )

    def _repair(self, finding: Finding, repair: Repair) -> None:
        workspace, connections = self._workspace(), self._tab.context.connections

        def repair_finding(work: Work) -> str:
            return workspace.repairer(connections).repair(finding, repair, work=work)

        self._tab.run(
            repair.title,
            repair_finding,
            lambda done: self._on_done(finding, done),
            failed=self._on_failed,
            call=self._tab.call("doctor.repair", origin="Doctor", finding=finding, repair=repair),
        )

    def _on_done(self, finding: Finding, done: str) -> None:
        self.changed.emit(finding.secret)
        if self.dialog is not None:
            named = done.startswith(finding.secret)  # names have no other case in a sentence
            text = done if named else f"{done[0].upper()}{done[1:]}"
            self.dialog.banner.show_good(f"{text}.")
        self._examine()

    def _on_failed(self, error: StorageError) -> None:
        if self.dialog is not None:
            self.dialog.show_error(error)
        else:
            self._tab.show_error(error)

    def _workspace(self) -> Workspace:
        return self._tab.context.require_workspace()
