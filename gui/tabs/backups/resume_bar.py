"""The bar for backups that an outage or the end of a process has interrupted, and its actions."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from core.backup.resume import resumable
from core.errors import StorageError
from core.model.backup import BackupReport
from core.model.backup_listing import UnsentBackup
from core.units import format_counted, format_moment, format_size
from gui.dialogs.confirm import ask
from gui.tabs.base import Tab
from gui.widgets.buttons import link_button
from gui.widgets.labels import Elided, repolish, shown, tooltip


class ResumeBar(QWidget):
    """Shows which backups can be resumed; it is hidden if there is none.

    Args:
        tab: runs the tasks.

    Signals:
        resumed: the backups that were completed.
    """

    resumed = Signal(object)

    def __init__(self, tab: Tab) -> None:
        super().__init__()
        self._tab = tab
        self.found: tuple[UnsentBackup, ...] = ()
        self._why = self._busy = ""
        self._text = Elided("", "inherit", mode=Qt.TextElideMode.ElideRight)
        self.resume = link_button("Resume", self._on_resume)
        self.resume.set_hint("Sends what is missing, without reading the database again.")
        self.discard = link_button("Discard…", self._on_discard)
        frame = QFrame()
        frame.setProperty("banner", "warning")
        line = QHBoxLayout(frame)
        line.setContentsMargins(12, 7, 8, 7)
        line.setSpacing(8)
        line.addWidget(self._text, 1)
        line.addWidget(self.resume)
        line.addWidget(self.discard)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 8, 12, 8)
        box.addWidget(frame)
        repolish(frame)
        self.hide()

    def allow(self, why_not: str) -> None:
        """Enable the buttons, or show why they are disabled."""
        self._why = why_not
        self._update()

    def _update(self) -> None:
        why = self._why or self._busy
        for button in (self.resume, self.discard):
            button.allow(not why, why)

    def _set_busy(self, text: str) -> None:
        self._busy = text
        self._update()

    def refresh(self) -> None:
        """Find the interrupted backups of the present bucket on this computer."""
        workspace = self._tab.context.workspace
        if workspace is None:
            self._show(())
            return
        self._tab.run(
            "Find interrupted backups",
            lambda work: resumable(workspace, work),
            self._show,
            latest="backups/resumable",
            quiet=True,
        )

    def _show(self, found: Sequence[UnsentBackup]) -> None:
        self.found = tuple(found)
        self.setVisible(bool(found))
        if not found:
            return
        first = found[0]
        text = (
            f"The backup of {shown(first.table)} of {format_moment(first.taken)} was interrupted after "
            f"all rows were read."
            if len(found) == 1
            else f"{len(found)} backups were interrupted after all rows were read."
        )
        self._text.setText(text)
        lines = [f"{each.table}: {format_size(each.size)} to send" for each in found]
        self._text.setToolTip(tooltip("\n".join((text, *map(shown, lines)))))
        self.setAccessibleName(text)

    def _arguments(self) -> dict[str, list[str]]:
        """Return the ids of what is shown: another one may have been interrupted since."""
        return {"ids": [each.id for each in self.found]}

    def _on_resume(self) -> None:
        self._set_busy("The backups are being sent.")
        self._tab.bulk(
            "Resume interrupted backups",
            "backup.resume",
            self._arguments(),
            self._on_resumed,
            failed=self._on_failed,
            cancelled=self._on_ended,
            command=self._tab.command("backup.resume"),
        )

    def _on_ended(self) -> None:
        self._set_busy("")
        self.refresh()

    def _on_failed(self, error: StorageError) -> None:
        self._on_ended()
        self._tab.show_error(error)

    def _on_resumed(self, report: BackupReport) -> None:
        rows = sum(backup.rows or 0 for backup in report.backups)
        names = ", ".join(shown(backup.table) for backup in report.backups)
        self._tab.banner.show_good(
            f"The backups of {names} were completed with {format_counted(rows, 'row')}."
            if len(report.backups) != 1
            else f"The backup of {names} was completed with {format_counted(rows, 'row')}."
        )
        self._on_ended()
        self.resumed.emit(report.backups)

    def _on_discard(self) -> None:
        ask(
            self._tab,
            "Discard the interrupted backups?",
            "Their parts are removed from this computer and from the bucket. Their rows may have "
            "changed in the database since.",
            self._discard,
            names=[f"{each.table}, {format_moment(each.taken)}" for each in self.found],
            button="Discard",
            danger=True,
        )

    def _discard(self) -> None:
        self._tab.bulk(
            "Discard interrupted backups",
            "backup.discard",
            self._arguments(),
            lambda _found: self.refresh(),
            command=self._tab.command("backup.discard"),
        )
