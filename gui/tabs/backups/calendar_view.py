"""The calendar above the list of backups: one month with its buttons, and the filter by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from PySide6.QtCore import (
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Signal,
)
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from core.backup.calendar import DayState, day_of
from core.model.backup import Backup
from core.units import format_day
from gui import theme
from gui.models.roles import SORT_ROLE
from gui.tabs.backups.calendar_grid import (
    LOW_ROW,
    LOWEST_ROW,
    MARKS,
    PROVEN,
    ROW,
    CalendarGrid,
    today,
)
from gui.tabs.backups.models import BackupsModel
from gui.widgets.buttons import icon_button, link_button
from gui.widgets.labels import Elided, heading
from gui.widgets.panel import rule

_LEGEND = (
    f"{MARKS[DayState.COMPLETE]} complete   {PROVEN} proven   {MARKS[DayState.OLD_FORM]} old form   "
    f"{MARKS[DayState.DAMAGED]} damaged"
)
#: Heights in pixels of the column of backups below which the rows of the calendar are lower, and
#: below which nothing is higher than necessary.
_LOW, LOWEST = 520, 400


class DayFilter(QSortFilterProxyModel):
    """The backups of a table, sorted; only those of one day if a day is set."""

    def __init__(self, model: BackupsModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._day: date | None = None
        self.setSourceModel(model)
        self.setSortRole(SORT_ROLE)

    def set_day(self, day: date | None) -> None:
        """Show only the backups of a day; None shows all."""
        self.beginFilterChange()
        self._day = day
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)

    def filterAcceptsRow(self, row: int, _parent: QModelIndex | QPersistentModelIndex) -> bool:
        """Return whether the backup in a row is of the day."""
        return self._day is None or day_of(self._model.backups[row]) == self._day


class BackupCalendar(QWidget):
    """A month with buttons for the month before and after it, and for the present day.

    Signals:
        moved: another day is current.
        chosen: the user wants the backups of the current day.
    """

    moved = Signal(object)
    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.grid = CalendarGrid()
        self.before = icon_button("back", "Show the previous month", lambda: self._go(-1))
        self.after = icon_button("forward", "Show the next month", lambda: self._go(1))
        self.title = heading("")
        self.today = link_button("Today", self._on_today)
        self.today.set_hint("Go to the present day")
        self._legend = Elided(_LEGEND, "muted")
        self._legend.setFont(theme.text_font(theme.SMALL_SIZE))
        self._rule = rule()
        line = QHBoxLayout()
        line.setContentsMargins(8, 2, 8, 0)
        line.setSpacing(4)
        for part in (self.before, self.title, self.after):
            line.addWidget(part)
        line.addWidget(self._legend, 1)
        line.addWidget(self.today)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(line)
        inset = QVBoxLayout()
        inset.setContentsMargins(8, 0, 8, 2)
        inset.addWidget(self.grid)
        box.addLayout(inset)
        box.addWidget(self._rule)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.grid.moved.connect(self.moved)
        self.grid.chosen.connect(self.chosen)
        self.grid.month_changed.connect(self._show_month)
        self._show_month()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide the legend, which tooltips repeat, rather than a part of it."""
        super().resizeEvent(event)
        others = (self.before, self.title, self.after, self.today)
        room = event.size().width() - sum(part.sizeHint().width() for part in others) - 48
        self._legend.setText(
            _LEGEND if self._legend.fontMetrics().horizontalAdvance(_LEGEND) <= room else ""
        )

    def show_backups(self, backups: Sequence[Backup]) -> None:
        """Show the backups of a table."""
        self.grid.show_backups(backups)

    def show_backup(self, backup: Backup) -> None:
        """Go to the day of a backup."""
        self.grid.set_day(day_of(backup))

    def fit(self, height: int) -> None:
        """Use lower rows if the column of backups has little height."""
        self.grid.set_row_height(
            LOWEST_ROW if height < LOWEST else LOW_ROW if height < _LOW else ROW
        )

    def _go(self, months: int) -> None:
        self.grid.move_by_months(months)

    def _on_today(self) -> None:
        self.grid.set_day(today())
        self.grid.setFocus()

    def _show_month(self) -> None:
        self.title.setText(format_day(self.grid.month, year=True))
        self.grid.setAccessibleDescription(f"{self.title.text()}. {_LEGEND}")
