"""The choice of a target for a backup from the bucket: a new file or an open database."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.model.backup import Backup
from core.units import format_counted, format_size
from gui.tabs.backups.servers import why_not_restored
from gui.tabs.backups.sources import Source, distinct_name
from gui.widgets.buttons import name_button, primary_button
from gui.widgets.labels import heading, muted_label, shown, text_label

_MOST = 5


class TargetPane(QWidget):
    """Describes the backup and offers the databases that it can be compared with.

    Signals:
        file_wanted: the user wants to restore into a new SQLite file.
        database_wanted: the address of the open database to compare with.
    """

    file_wanted = Signal()
    database_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._engine = self._why = ""
        self._title = heading("")
        self._about = text_label("", wrap=True)
        self.new_file = primary_button("New SQLite file…", self.file_wanted.emit)
        self.new_file.set_hint("Select a file; a preview is shown before anything is restored.")
        self._databases = QVBoxLayout()
        self._databases.setSpacing(8)
        note = muted_label("A preview is shown before anything is written.", wrap=True)
        box = QVBoxLayout(self)
        box.setContentsMargins(28, 16, 28, 16)
        box.setSpacing(12)
        for part in (self._title, self._about):
            box.addWidget(part)
        box.addWidget(self.new_file, 0, Qt.AlignmentFlag.AlignLeft)
        box.addLayout(self._databases)
        box.addWidget(note)
        box.addStretch(1)

    def show_backup(self, backup: Backup, databases: Sequence[Source]) -> None:
        """Ask where to restore this backup."""
        self._title.setText(f"Restore {shown(backup.table)} to")
        self._about.setText(_about(backup))
        while (item := self._databases.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._engine = backup.origin.engine
        self.allow(self._why)
        # Databases of the backup's own engine first: the others need a conversion or refuse it.
        ordered = sorted(databases, key=self._needs_conversion)
        for source in ordered[:_MOST]:
            act = partial(self.database_wanted.emit, source.address)
            name = distinct_name(source, databases)
            button = name_button(f"{name}…", act)
            button.setAccessibleName(f"Compare with {name}")
            button.set_hint(f"Compare with {source.hint}")
            why = why_not_restored(self._engine, source.engine)
            button.allow(not why, why)
            self._databases.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)

    def _needs_conversion(self, source: Source) -> bool:
        return bool(self._engine) and source.engine != self._engine

    def allow(self, why_not: str) -> None:
        """Enable the button for a new file, or show why a restore is not possible."""
        self._why = why_not
        why = why_not or why_not_restored(self._engine, "SQLite")
        self.new_file.allow(not why, why)


def _about(backup: Backup) -> str:
    rows = "" if backup.rows is None else f"{format_counted(backup.rows, 'row')}, "
    source = f" from {shown(backup.source)}" if backup.source else ", its database is not recorded"
    return f"{rows}{format_size(backup.size)}{source}."
