"""The routine of backups in the tab: findings, schedules and retention, with their bar."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog

from core.backup.recovery_kit import write
from core.work import Work
from gui import shortcuts
from gui.tabs.backups.open_databases import OpenDatabases
from gui.tabs.backups.proof_actions import ProofActions
from gui.tabs.backups.retention_actions import RetentionActions
from gui.tabs.backups.retention_dialog import RetentionScope
from gui.tabs.backups.routine_bar import RoutineBar
from gui.tabs.backups.schedule_actions import ScheduleActions
from gui.tabs.base import Tab
from gui.widgets.labels import shown


class Routines(QObject):
    """Connects the bar with the dialogs of findings, schedules and retention.

    Args:
        tab: runs the tasks.
        databases: the open databases.
        proofs: pins and unpins backups.

    Attributes:
        table: the selected table, to which a retention rule applies first; empty for none.

    Signals:
        table_wanted: the name of a table whose backups are to be shown.
        changed: backups were removed, or made by a schedule.
    """

    table_wanted = Signal(str)
    changed = Signal()

    def __init__(self, tab: Tab, databases: OpenDatabases, proofs: ProofActions) -> None:
        super().__init__(tab)
        self._tab, self._databases = tab, databases
        self.table = ""
        self.bar = RoutineBar(tab.context.backup_watch)
        self.schedules = ScheduleActions(tab, databases, self.table_wanted.emit)
        self.retention = RetentionActions(tab, proofs, self.changed.emit)
        self.bar.findings_wanted.connect(self.schedules.show_findings)
        self.bar.schedules_wanted.connect(self.schedules.show_schedules)
        self.bar.retention_wanted.connect(self._on_retention_wanted)
        self.bar.kit_wanted.connect(self.save_kit)
        shortcuts.bind("backups.recovery_kit", tab, self.save_kit)
        tab.context.backup_watch.ended.connect(self._on_ended)
        self.update_allowed()

    def update_allowed(self) -> None:
        """Enable what needs a connection."""
        connected = self._tab.context.workspace is not None
        self.bar.allow_retention("" if connected else "Connect to a bucket first.")

    def save_kit(self) -> None:
        """Prompt for a folder, and write the recovery kit into it."""
        dialog = QFileDialog(self._tab, "Save the recovery kit in a folder", str(Path.home()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(self._write_kit)
        dialog.open()

    def _write_kit(self, folder: str) -> None:
        def written(paths: tuple[Path, ...]) -> None:
            names = " and ".join(path.name for path in paths)
            self._tab.banner.show_good(
                f"Saved in {folder}: {names}. Store them apart from this machine; they contain no key."
            )

        def save(work: Work) -> tuple[Path, ...]:
            work.check()
            return write(folder)

        self._tab.run("Save the recovery kit", save, written)

    def _on_ended(self, _schedule: object, _result: object) -> None:
        """Reload the lists; a run that failed may have backed some tables up."""
        self.changed.emit()

    def _on_retention_wanted(self) -> None:
        scopes = [RetentionScope("All backups in the bucket")]
        for source in self._databases.all:
            if source.origin is not None and str(source.origin):
                title = f"All backups of {shown(source.name)}"
                scopes.append(RetentionScope(title, database=str(source.origin)))
        if self.table:
            scopes.insert(0, RetentionScope(f"Backups of the table {self.table}", self.table))
        self.retention.show_retention(scopes)
