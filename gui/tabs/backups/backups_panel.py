"""The centre column: the backups of the selected table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from PySide6.QtCore import QItemSelection, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.model.backup import Backup, BackupState, Origin
from gui import clock
from gui.tabs.backups.button_row import ButtonRow
from gui.tabs.backups.calendar_view import LOWEST, BackupCalendar, DayFilter
from gui.tabs.backups.columns import first_look, show_numbers_complete
from gui.tabs.backups.models import BackupsModel
from gui.tabs.backups.note_line import NoteLine
from gui.widgets.buttons import plain_button
from gui.widgets.columns import SettingsStore
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.labels import AgePill, shown
from gui.widgets.panel import Panel, column
from gui.widgets.segmented import Segmented
from gui.widgets.table import choose_row, make_table

#: Widths of the columns after the first, in pixels; rows and size make room for the database.
_WIDTHS = (78, 78, 160, 156)
#: The minimum width in pixels of a time with seconds and of a scroll bar.
_MOMENT = 184
_LEAST_WIDTH = _MOMENT + sum(_WIDTHS[:3])
#: The same without the number of rows, and without the sizes as well.
_LEAST_WIDTH_NARROW = _LEAST_WIDTH - _WIDTHS[0] + 8
_LEAST_WIDTH_VERY_NARROW = _LEAST_WIDTH_NARROW - 68
#: Width of the column Checked in a narrow table, in pixels: that of a check with its date.
_CHECKED_NARROW = 152
#: Height of the header of the list and one row, in pixels.
_ONE_ROW = 58
_VIEW = "backups/view"
_NONE_SELECTED, _SEVERAL_SELECTED = "Select a backup first.", "Select a single backup."


class BackupsPanel(QWidget):
    """Backups of one table as a list, the newest first, or below a calendar.

    Attributes:
        why_no_drill: returns why no restore drill of a backup is possible, or an empty text.

    Signals:
        selected: a `Backup`, or None.
        verify_wanted: a `Backup` to download and check.
        drill_wanted: a `Backup` to restore into a scratch table.
        pin_wanted: a `Backup` to pin, or to unpin if it is pinned.
        compare_wanted: the older and the newer of two selected `Backup`s.
        query_wanted: a `Backup` whose rows are to be queried or exported.
        note_wanted: a `Backup` whose note is to be changed.
    """

    selected = Signal(object)
    verify_wanted = Signal(object)
    drill_wanted = Signal(object)
    pin_wanted = Signal(object)
    compare_wanted = Signal(object, object)
    query_wanted = Signal(object)
    note_wanted = Signal(object)

    def __init__(self, settings: SettingsStore | None) -> None:
        super().__init__()
        self.model = BackupsModel(self)
        self._settings = settings
        self._table = self._why = ""
        self._quiet = self._narrow = self._very_narrow = False
        self.why_no_drill: Callable[[Backup], str] = lambda _backup: ""
        self._sorted = DayFilter(self.model, self)
        self.table = make_table(
            self._sorted, "Backups", settings=settings, key="backups/backups", multiple=True
        )
        first_look(
            self.table,
            settings,
            "backups/backups",
            _WIDTHS,
            Qt.SortOrder.DescendingOrder,
            first=_MOMENT,
        )
        show_numbers_complete(self.table, BackupsModel.ROWS, BackupsModel.SIZE)
        self.table.setMinimumWidth(_LEAST_WIDTH)
        self.table.setMinimumHeight(_ONE_ROW)
        self.table.hideColumn(BackupsModel.DATABASE)
        self._create_buttons()
        self._empty = EmptyState("No table is selected", "Its backups are listed here.")
        nothing = EmptyState("No backup on this day", "The calendar marks the days with backups.")
        self._of_day = Loadable(self.table, nothing)
        content = column(self.calendar, self._of_day)
        self.view = Loadable(content, self._empty)
        self._panel = Panel("Backups", self.view, actions=(self.shape,))
        self._panel.add(self.note)
        self._panel.add(self._buttons)
        self.age = AgePill()
        self._panel.head.add_pill(self.age)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._panel)
        self._connect()

    def _create_buttons(self) -> None:
        self.verify = plain_button("Verify", self._on_verify)
        self.verify.set_hint("Downloads the backup and compares every hash.")
        self.drill = plain_button("Drill…", self._on_drill)
        self.drill.setAccessibleName("Restore drill")
        self.pin = plain_button("Pin…", self._on_pin)
        self.compare = plain_button("Compare", self._on_compare)
        self.compare.set_hint("Shows the rows that differ between the two selected backups.")
        self.query = plain_button("Query…", self._on_query)
        self.query.set_hint(
            "Runs SQL on the rows of the backup, or exports them; nothing is restored."
        )
        self._buttons = ButtonRow(self.query, self.compare, self.pin, self.drill, self.verify)
        self.note = NoteLine()
        self.note.wanted.connect(self._on_note)
        self.calendar = BackupCalendar()
        self.calendar.hide()
        self.shape = Segmented(
            (("list", "List"), ("calendar", "Calendar")),
            name="Show the backups as a list or as a calendar",
        )

    def _connect(self) -> None:
        self.table.selectionModel().selectionChanged.connect(self._on_selection)
        self.shape.selected.connect(self._on_shape)
        self.calendar.moved.connect(self._on_day)
        self.calendar.chosen.connect(self._on_day_chosen)
        clock.current().zone_changed.connect(self._on_zone)
        if self._settings is not None and self._settings.get(_VIEW) == "calendar":
            self.shape.select("calendar")
        self._update()

    @property
    def in_calendar(self) -> bool:
        """Whether the calendar is shown."""
        return self.shape.current == "calendar"

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the calendar and the buttons to the height."""
        super().resizeEvent(event)
        self._buttons.set_low(low=event.size().height() < LOWEST)
        self.calendar.fit(event.size().height())

    @property
    def current(self) -> Backup | None:
        """The selected backup; None if none or several are."""
        chosen = self.chosen
        return chosen[0] if len(chosen) == 1 else None

    @property
    def chosen(self) -> list[Backup]:
        """All selected backups, the oldest first."""
        rows = self.table.selectionModel().selectedRows()
        found = [self.model.backups[self._sorted.mapToSource(row).row()] for row in rows]
        return sorted(found, key=lambda backup: backup.taken)

    @property
    def listed_table(self) -> str:
        """The table whose backups are shown or being listed; empty if none is selected."""
        return self._table

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

        Nothing is shown if another table or source was selected since they were requested.

        Args:
            table: Its name.
            backups: The newest first; those of a database other than `origin` come last.
            origin: The open database; None for the bucket.
            select: A key; by default the former selection, or the newest of the open database.
        """
        if table != self._table:
            return
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
        self.calendar.show_backups(backups)
        self._show_rows()
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
        self.age.clear_age()
        self._empty.set_text("No table is selected", "Its backups are listed here.")
        self.view.show_empty()
        self._update()
        # A list that is cleared does not report that its selection is gone.
        self.selected.emit(None)

    def set_checked(self, backup: Backup, checked: str, *, proven: bool = False) -> None:
        """Show the result of verifying a backup, or that a restore drill has proven it."""
        self.model.set_checked(backup.key, checked, proven=proven)
        self.calendar.show_backups(self.model.backups)

    def allow(self, why_not: str) -> None:
        """Enable changes of backups, or show why they are not possible."""
        self._why = why_not
        self._update()

    def _on_shape(self, name: str) -> None:
        if self._settings is not None:
            self._settings.set(_VIEW, name)
        self.calendar.setVisible(self.in_calendar)
        current = self.current
        if self.in_calendar and current is not None:
            self.calendar.show_backup(current)
        self._show_day(self.calendar.grid.day if self.in_calendar else None)

    def _on_day(self, day: date) -> None:
        """Show the backups of the day; a selected backup of another day is no longer selected."""
        if self.in_calendar:
            self._show_day(day)

    def _on_day_chosen(self, _day: object) -> None:
        """Select the newest backup of the day, so that it is compared."""
        if self._sorted.rowCount():
            choose_row(self.table, 0)
            self.table.setFocus()

    def _show_day(self, day: date | None) -> None:
        self._sorted.set_day(day)
        self._show_rows()

    def _show_rows(self) -> None:
        if self._sorted.rowCount() or not self.in_calendar:
            self._of_day.show_view()
        else:
            self._of_day.show_empty()

    def _on_zone(self) -> None:
        """Show the day of the selected backup in the other time zone."""
        current = self.current
        if self.in_calendar:
            if current is not None:
                self.calendar.show_backup(current)
            self._show_day(self.calendar.grid.day)

    def _select(self, key: str) -> None:
        found = self.model.row_of(key)
        if found >= 0:
            if self.in_calendar:
                self.calendar.show_backup(self.model.backups[found])
            place = self._sorted.mapFromSource(self.model.index(found, 0))
            choose_row(self.table, place.row())

    def _on_selection(self, _now: QItemSelection, _before: QItemSelection) -> None:
        self._update()
        if not self._quiet:
            self.selected.emit(self.current)

    def _update(self) -> None:
        backup, chosen = self.current, self.chosen
        why = _why_no_comparison(chosen)
        self.compare.allow(not why, why)
        none = _SEVERAL_SELECTED if chosen else _NONE_SELECTED
        self.verify.allow(backup is not None, none)
        why = none if backup is None else _why_no_query(backup)
        self.query.allow(not why, why)
        why = none if backup is None else self.why_no_drill(backup)
        self.drill.set_hint("Restores the backup into a scratch table and compares it.")
        self.drill.allow(not why, why)
        pinned = backup is not None and backup.pinned
        self.pin.setText("Unpin" if pinned else "Pin…")
        self.pin.setAccessibleName("Unpin" if pinned else "Pin")
        self.pin.set_hint(
            "Lets retention remove the backup again."
            if pinned
            else "Retention never removes a pinned backup."
        )
        why = none if backup is None else _why_no_pin(backup) or self._why
        self.pin.allow(not why, why)
        self.note.show_note(backup, none if backup is None else self._why)

    def _on_verify(self) -> None:
        if self.current is not None:
            self.verify_wanted.emit(self.current)

    def _on_compare(self) -> None:
        if len(chosen := self.chosen) == 2:
            self.compare_wanted.emit(*chosen)

    def _on_query(self) -> None:
        if self.current is not None:
            self.query_wanted.emit(self.current)

    def _on_drill(self) -> None:
        if self.current is not None:
            self.drill_wanted.emit(self.current)

    def _on_note(self) -> None:
        if self.current is not None:
            self.note_wanted.emit(self.current)

    def _on_pin(self) -> None:
        if self.current is not None:
            self.pin_wanted.emit(self.current)


def _why_no_query(backup: Backup) -> str:
    return "The backup is damaged." if backup.state is BackupState.BROKEN else ""


def _why_no_comparison(chosen: Sequence[Backup]) -> str:
    if len(chosen) != 2:
        return "Select two backups, the second one with Ctrl."
    if any(backup.state is BackupState.BROKEN for backup in chosen):
        return "One of the backups is damaged."
    first, second = (backup.origin.engine for backup in chosen)
    if first and second and first != second:
        return f"Backups of {first} and {second} write the same values in different forms."
    return ""


def _why_no_pin(backup: Backup) -> str:
    if backup.state is BackupState.OLD_FORM:
        return "Retention never removes a backup of the old form, so no pin is necessary."
    return ""
