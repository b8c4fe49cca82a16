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
from gui.widgets.columns import SettingsStore
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.labels import AgePill, shown
from gui.widgets.panel import Panel
from gui.widgets.table import choose_row, make_table

#: Widths of the columns after the first, in pixels; rows and size make room for the database.
_WIDTHS = (78, 78, 160, 156)
#: The minimum width in pixels of a time with seconds and of a scroll bar.
_MOMENT = 184
_LEAST_WIDTH = _MOMENT + sum(_WIDTHS[:3])
#: The same without the number of rows, and without the sizes as well.
_LEAST_WIDTH_NARROW = _LEAST_WIDTH - _WIDTHS[0]
_LEAST_WIDTH_VERY_NARROW = _LEAST_WIDTH_NARROW - 60
#: Width of the column Checked in a narrow table, in pixels.
_CHECKED_NARROW = 144


class BackupsPanel(QWidget):
    """Backups of one table, the newest first.

    Signals:
        selected: a `Backup`, or None.
        verify_wanted: a `Backup` to download and check.
    """

    selected = Signal(object)
    verify_wanted = Signal(object)

    def __init__(self, settings: SettingsStore | None) -> None:
        super().__init__()
        self.model = BackupsModel(self)
        self._table = ""
        self._quiet = self._narrow = self._very_narrow = False
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.model)
        self._sorted.setSortRole(SORT_ROLE)
        self.table = make_table(self._sorted, "Backups", settings=settings, key="backups/backups")
        first_look(
            self.table,
            settings,
            "backups/backups",
            _WIDTHS,
            Qt.SortOrder.DescendingOrder,
            first=_MOMENT,
        )
        self.table.setMinimumWidth(_LEAST_WIDTH)
        self.table.hideColumn(BackupsModel.DATABASE)
        self.verify = plain_button("Verify", self._on_verify)
        self.verify.set_hint("Downloads the backup and compares every hash.")
        self._empty = EmptyState("No table is selected", "Its backups are listed here.")
        self.view = Loadable(self.table, self._empty)
        self._panel = Panel("Backups", self.view, actions=(self.verify,))
        self.age = AgePill()
        self._panel.head.add_pill(self.age)
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
        """Show that a table's backups are being listed, and clear those of another table."""
        self._panel.head.set_title(f"Backups of {shown(table)}")
        if table != self._table:
            self._table = table
            self.age.clear_age()
            self._clear()
            self.view.show_loading()
            self.selected.emit(None)
        self._update()

    def show_backups(
        self, table: str, backups: Sequence[Backup], origin: Origin | None, select: str = ""
    ) -> None:
        """Show a table's backups, and select one by its key.

        Args:
            table: Its name.
            backups: The newest first; those of a database other than `origin` come last.
            origin: The open database; None for the bucket.
            select: A key; by default the former selection, or the newest of the open database.
        """
        former = self.current.key if self.current else ""
        self.age.set_fetched()
        self._panel.head.set_title(f"Backups of {shown(table)}")
        self._quiet = True
        self._show(backups, origin)
        if backups:
            self.view.show_view()
        else:
            self._empty.set_text(
                f"No backups of {shown(table)}", "Back it up with the button at the left."
            )
            self.view.show_empty()
        keys = (select, former, self.model.newest_of_this_database())
        self._select(next((key for key in keys if self.model.row_of(key) >= 0), ""))
        self._quiet = False
        self._update()
        self.selected.emit(self.current)

    def _clear(self) -> None:
        self._show((), None)

    def _show(self, backups: Sequence[Backup], origin: Origin | None) -> None:
        self.model.show(backups, origin)
        mixed = self.model.mixed
        self.table.setColumnHidden(BackupsModel.DATABASE, not mixed)
        self._hide_columns()

    def set_narrow(self, *, narrow: bool, very: bool) -> None:
        """Hide the number of rows in a narrow window, and the sizes in a very narrow one."""
        if (narrow, very) != (self._narrow, self._very_narrow):
            self._narrow, self._very_narrow = narrow, very
            least = _LEAST_WIDTH_VERY_NARROW if very else _LEAST_WIDTH_NARROW
            self.table.setMinimumWidth(least if narrow else _LEAST_WIDTH)
            checked = _CHECKED_NARROW if narrow else _WIDTHS[2]
            self.table.setColumnWidth(BackupsModel.CHECKED, checked)
            self._hide_columns()

    def _hide_columns(self) -> None:
        mixed = self.model.mixed
        self.table.setColumnHidden(BackupsModel.ROWS, mixed or self._narrow)
        self.table.setColumnHidden(BackupsModel.SIZE, mixed or self._very_narrow)
        # Beside the database there is no room for the check, which the tooltip also contains.
        self.table.setColumnHidden(BackupsModel.CHECKED, mixed and self._very_narrow)

    def show_failure(self, table: str, summary: str) -> None:
        """Show that a table's backups could not be listed; a former list stays, with its age."""
        self.age.set_failed()
        if table == self._table and self.model.backups:
            self._update()
            return
        self._clear()
        self._empty.set_text(f"The backups of {table} could not be listed", summary)
        self.view.show_empty()
        self._update()

    def show_nothing(self) -> None:
        """Show that no table is selected."""
        self._table = ""
        self._panel.head.set_title("Backups")
        self._clear()
        self._empty.set_text("No table is selected", "Its backups are listed here.")
        self.view.show_empty()
        self._update()

    def set_checked(self, backup: Backup, checked: str) -> None:
        """Show the result of verifying a backup."""
        self.model.set_checked(backup.key, checked)

    def _select(self, key: str) -> None:
        found = self.model.row_of(key)
        if found >= 0:
            place = self._sorted.mapFromSource(self.model.index(found, 0))
            choose_row(self.table, place.row())

    def _on_selection(self, _now: QItemSelection, _before: QItemSelection) -> None:
        self._update()
        if not self._quiet:
            self.selected.emit(self.current)

    def _update(self) -> None:
        self.verify.allow(self.current is not None, "Select a backup first.")

    def _on_verify(self) -> None:
        if self.current is not None:
            self.verify_wanted.emit(self.current)
