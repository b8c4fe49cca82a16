"""The centre column: the backups of the selected table."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelection, QSortFilterProxyModel, Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.model.backup import Backup, Origin
from gui.models.roles import SORT_ROLE
from gui.tabs.backups.columns import first_look
from gui.tabs.backups.models import BackupsModel
from gui.widgets.buttons import plain_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.panel import Panel
from gui.widgets.table import Remembers, make_table

#: Of the columns after the first, in pixels; rows and size give way to the database.
_WIDTHS = (52, 72, 126, 96)
_LEAST_WIDTH = 368


class BackupsPanel(QWidget):
    """Backups of one table, the newest first.

    Signals:
        selected: a `Backup`, or None.
        verify_wanted: a `Backup` to read again.
    """

    selected = Signal(object)
    verify_wanted = Signal(object)

    def __init__(self, settings: Remembers | None) -> None:
        super().__init__()
        self.model = BackupsModel(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.model)
        self._sorted.setSortRole(SORT_ROLE)
        self.table = make_table(self._sorted, "Backups", settings=settings, key="backups/backups")
        first_look(self.table, settings, "backups/backups", _WIDTHS, Qt.SortOrder.DescendingOrder)
        self.table.setMinimumWidth(_LEAST_WIDTH)
        self.table.hideColumn(BackupsModel.DATABASE)
        self.verify = plain_button("Verify", self._on_verify)
        self.verify.set_hint("Read the backup again and compare every hash.")
        self._empty = EmptyState("No table is selected", "Its backups are listed here.")
        self.view = Loadable(self.table, self._empty)
        self._panel = Panel("Backups", self.view, actions=(self.verify,))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._panel)
        self.table.selectionModel().selectionChanged.connect(self._on_selection)
        self._update()

    @property
    def current(self) -> Backup | None:
        """The selected backup."""
        chosen = self.table.selectionModel().selectedRows()
        if not chosen:
            return None
        return self.model.backups[self._sorted.mapToSource(chosen[0]).row()]

    def show_loading(self, table: str) -> None:
        """Show that a table's backups are being listed."""
        self._panel.head.set_title(f"Backups of {table}")
        self._show(())
        self.view.show_loading()
        self._update()

    def show_backups(
        self, table: str, backups: Sequence[Backup], origin: Origin, select: str = ""
    ) -> None:
        """Show a table's backups, and select one by its key: by default the newest.

        Args:
            table: Its name.
            backups: The newest first; those of another database than `origin` stand apart.
            origin: The open database.
            select: A key; empty selects the newest of the open database.
        """
        self._panel.head.set_title(f"Backups of {table}")
        self._show(backups, origin)
        if backups:
            self.view.show_view()
        else:
            self._empty.set_text(
                f"No backups of {table}", "Back it up with the button at the left."
            )
            self.view.show_empty()
        self._select(select or self.model.newest_of_this_database())
        self._update()

    def _show(self, backups: Sequence[Backup], origin: Origin | None = None) -> None:
        self.model.show(backups, origin or Origin())
        mixed = self.model.mixed
        self.table.setColumnHidden(BackupsModel.DATABASE, not mixed)
        for column in (BackupsModel.ROWS, BackupsModel.SIZE):
            self.table.setColumnHidden(column, mixed)

    def show_failure(self, table: str, summary: str) -> None:
        """Show that a table's backups could not be listed."""
        self._show(())
        self._empty.set_text(f"The backups of {table} could not be listed", summary)
        self.view.show_empty()
        self._update()

    def show_nothing(self) -> None:
        """Show that no table is selected."""
        self._panel.head.set_title("Backups")
        self._show(())
        self._empty.set_text("No table is selected", "Its backups are listed here.")
        self.view.show_empty()
        self._update()

    def set_checked(self, backup: Backup, words: str) -> None:
        """Show what reading a backup again found."""
        self.model.set_checked(backup.key, words)

    def _select(self, key: str) -> None:
        found = self.model.row_of(key)
        if found >= 0:
            place = self._sorted.mapFromSource(self.model.index(found, 0))
            self.table.selectRow(place.row())

    def _on_selection(self, _now: QItemSelection, _before: QItemSelection) -> None:
        self._update()
        self.selected.emit(self.current)

    def _update(self) -> None:
        self.verify.allow(self.current is not None, "Select a backup first.")

    def _on_verify(self) -> None:
        if self.current is not None:
            self.verify_wanted.emit(self.current)
