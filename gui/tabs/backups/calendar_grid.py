"""The grid of a month, with the number of backups, the worst state and a mark on each day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QLocale,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from core.backup.calendar import BackupDay, DayState, backup_days, month_grid, moved_by_months
from core.model.backup import Backup
from core.units import in_zone, utc_now
from gui import theme
from gui.clock import follow_time
from gui.widgets.labels import tooltip
from gui.widgets.sorting import bind_sorting

Index = QModelIndex | QPersistentModelIndex

_DAYS = 7
_NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ROW, LOW_ROW, LOWEST_ROW = 28, 22, 17
#: Height of the names of the weekdays, and that with the lowest rows.
_HEAD, _LOWEST_HEAD = 25, 20
_CENTER = Qt.AlignmentFlag.AlignCenter
#: A shape for each state, since colour is never the only indication.
MARKS = {DayState.COMPLETE: "●", DayState.OLD_FORM: "○", DayState.DAMAGED: "✕"}
PROVEN = "✓"
_STEPS = {
    Qt.Key.Key_Left: -1,
    Qt.Key.Key_Right: 1,
    Qt.Key.Key_Up: -_DAYS,
    Qt.Key.Key_Down: _DAYS,
}


def first_weekday(locale: QLocale | None = None) -> int:
    """Return the day on which weeks start in the user's locale, 0 for Monday to 6 for Sunday."""
    return (locale or QLocale.system()).firstDayOfWeek().value - 1


def today() -> date:
    """Return the present day in the zone in which times are shown."""
    return in_zone(utc_now()).date()


class MonthModel(QAbstractTableModel):
    """The six weeks of a month; each cell is a `BackupDay`."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.month = today().replace(day=1)
        self.weekday = first_weekday()
        self._backups: tuple[Backup, ...] = ()
        self._days: Mapping[date, BackupDay] = {}
        self._grid = month_grid(self.month, self.weekday)

    def rowCount(self, parent: Index | None = None) -> int:
        """Return the number of weeks."""
        return 0 if parent is not None and parent.isValid() else len(self._grid) // _DAYS

    def columnCount(self, parent: Index | None = None) -> int:
        """Return the number of days in a week."""
        return 0 if parent is not None and parent.isValid() else _DAYS

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return the name of a weekday."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _NAMES[(self.weekday + section) % _DAYS]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the number of a day, or its description."""
        if not index.isValid():
            return None
        day = self.day(index)
        if role == Qt.ItemDataRole.DisplayRole:
            return str(day.day.day)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return str(day)
        return tooltip(str(day)) if role == Qt.ItemDataRole.ToolTipRole else None

    def day(self, index: Index) -> BackupDay:
        """Return the day of a cell."""
        when = self._grid[index.row() * _DAYS + index.column()]
        return self._days.get(when, BackupDay(when))

    def index_of(self, day: date) -> QModelIndex:
        """Return the cell of a day, which is invalid for a day outside of the six weeks."""
        place = (day - self._grid[0]).days
        if not 0 <= place < len(self._grid):
            return QModelIndex()
        return self.index(place // _DAYS, place % _DAYS)

    def show(self, backups: Sequence[Backup]) -> None:
        """Show the backups of a table."""
        self._backups = tuple(backups)
        self.regroup()

    def regroup(self) -> None:
        """Assign the backups to days again, since another time zone has other days."""
        self._days = backup_days(self._backups)
        self._announce()

    def show_month(self, day: date) -> None:
        """Show the month of a day."""
        self.month = day.replace(day=1)
        self._grid = month_grid(self.month, self.weekday)
        self._announce()

    def _announce(self) -> None:
        # The cells stay the same, so that the view does not lose its current one.
        self.dataChanged.emit(self.index(0, 0), self.index(self.rowCount() - 1, _DAYS - 1))


class CalendarGrid(QTableView):
    """A month in which one day is current; keys move by days, weeks and months.

    Signals:
        moved: another day is current.
        chosen: the user wants the backups of the current day (Enter, double-click).
        month_changed: another month is shown.
    """

    moved = Signal(object)
    chosen = Signal(object)
    month_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.day = today()
        self._model = MonthModel(self)
        self.setModel(self._model)
        self.setItemDelegate(_DayDelegate(self))
        self.setAccessibleName("Calendar of backups")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setFrameShape(QAbstractItemView.Shape.NoFrame)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        for policy in (self.setHorizontalScrollBarPolicy, self.setVerticalScrollBarPolicy):
            policy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setMinimumSectionSize(LOWEST_ROW)
        header = self.horizontalHeader()
        header.setFont(theme.text_font(theme.SMALL_SIZE))
        header.setSectionsClickable(False)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        header.setDefaultAlignment(_CENTER)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setAccessibleName("Weekdays")
        self.set_row_height(ROW)
        self.selectionModel().currentChanged.connect(self._on_current)
        bind_sorting(self)
        self.doubleClicked.connect(self._on_choose)
        follow_time(self, self._on_zone, ticks=False)
        self.set_day(self.day)

    @property
    def month(self) -> date:
        """The first day of the month shown."""
        return self._model.month

    def show_backups(self, backups: Sequence[Backup]) -> None:
        """Show the backups of a table."""
        self._model.show(backups)

    def set_day(self, day: date) -> None:
        """Make a day current, and show its month."""
        if (day.year, day.month) != (self.month.year, self.month.month):
            self._model.show_month(day)
            self.month_changed.emit()
        former, self.day = self.day, day
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.selectionModel().setCurrentIndex(self._model.index_of(day), flags)
        if day != former:
            self.moved.emit(day)

    def move_by_months(self, months: int) -> None:
        """Go to the same day of another month."""
        self.set_day(moved_by_months(self.day, months))

    def set_row_height(self, height: int) -> None:
        """Set the height of a week in pixels."""
        rows = self._model.rowCount()
        for row in range(rows):
            self.setRowHeight(row, height)
        head = _LOWEST_HEAD if height == LOWEST_ROW else _HEAD
        self.horizontalHeader().setFixedHeight(head)
        self.setFixedHeight(head + rows * height)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move by a day, a week or a month, or choose the day."""
        key, days = event.key(), _STEPS.get(Qt.Key(event.key()))
        if days is not None:
            self._move(days)
        elif key in {Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}:
            self.move_by_months(-1 if key == Qt.Key.Key_PageUp else 1)
        elif key == Qt.Key.Key_Home:
            self.set_day(self.month)
        elif key == Qt.Key.Key_End:
            self.set_day(moved_by_months(self.month, 1) - timedelta(days=1))
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._on_choose()
        else:
            super().keyPressEvent(event)

    def _move(self, days: int) -> None:
        try:
            self.set_day(self.day + timedelta(days=days))
        except OverflowError:  # before the year 1 or after 9999
            return

    def _on_current(self, now: QModelIndex, _before: QModelIndex) -> None:
        """Follow a click, or the selection of a cell by a screen reader."""
        if now.isValid():
            self.set_day(self._model.day(now).day)

    def _on_choose(self, *_index: object) -> None:
        self.chosen.emit(self.day)

    def _on_zone(self) -> None:
        self._model.regroup()


class _DayDelegate(QStyledItemDelegate):
    """Paints the number of a day, and the mark and number of its backups."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one cell."""
        view = self.parent()
        if not isinstance(view, CalendarGrid):
            return
        model, tokens = view._model, theme.tokens()  # noqa: SLF001 - the delegate of this view
        day = model.day(index)
        painter.save()
        area: QRect = option.rect.adjusted(1, 1, -1, -1)
        selected = view.day == day.day
        if fill := _fill(option, selected=selected, tokens=tokens):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(fill)
            painter.drawRoundedRect(area, 4, 4)
        if selected and view.hasFocus():
            painter.setPen(tokens.accent)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area, 4, 4)
        inside = day.day.month == model.month.month
        painter.setPen(tokens.text if inside else tokens.muted)
        is_today = day.day == today()
        painter.setFont(theme.bold_font(12, tabular=True) if is_today else theme.number_font(12))
        left = QRect(area.left(), area.top(), area.width() * 9 // 20, area.height())
        text = str(day.day.day)
        painter.drawText(left, _CENTER, text)
        _paint_backups(painter, area.adjusted(left.width(), 0, 0, 0), day, tokens)
        painter.restore()


def _fill(option: QStyleOptionViewItem, *, selected: bool, tokens: theme.Tokens) -> QColor | None:
    if selected:
        return tokens.selection
    state = option.state
    return tokens.hover if state & QStyle.StateFlag.State_MouseOver else None


def _paint_backups(painter: QPainter, area: QRect, day: BackupDay, tokens: theme.Tokens) -> None:
    if day.state is None:
        return
    tones = {
        DayState.COMPLETE: tokens.good,
        DayState.OLD_FORM: tokens.muted,
        DayState.DAMAGED: tokens.danger,
    }
    painter.setPen(tones[day.state])
    painter.setFont(theme.text_font(theme.SMALL_SIZE, tabular=True))
    mark = PROVEN if day.proven and day.state is DayState.COMPLETE else MARKS[day.state]
    proven = PROVEN if day.proven and mark != PROVEN else ""
    count = str(len(day.backups)) if len(day.backups) < 100 else "99+"
    flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(area, flags, f"{mark}{count}{proven}")
