"""Calendars as charts on one time axis: all streams, and the hours of one stream."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QWidget

from core.coverage.calendars import Calendar, State
from core.coverage.rhythm import HOURS
from gui.tabs.browser.coverage.grid_chart import AXIS, GridChart
from gui.tabs.browser.coverage.texts import cell_text
from gui.widgets.labels import shown

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gui.tabs.browser.coverage.pictures import States


class StreamsChart(GridChart):
    """One row for each stream: days, or hours if they are wide enough."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.calendars: Sequence[Calendar] = ()
        self._labels: list[str] = []
        self.setAccessibleName("Calendar of streams")

    def show_calendars(self, calendars: Sequence[Calendar]) -> None:
        """Show other streams; the current one stays current if it is among them."""
        stream = self.calendar.stream if self.calendar else None
        self.calendars = calendars
        self._labels = [shown(str(each.stream)) for each in calendars]
        streams = [each.stream for each in calendars]
        self.row = streams.index(stream) if stream in streams else 0
        self.top = 0
        if calendars:
            first = min(each.first for each in calendars)
            last = max(each.last for each in calendars)
            self.show_days(first, (last - first).days + 1)
            self.show_row(self.row)
        self.describe()
        self.redraw()

    @property
    def calendar(self) -> Calendar | None:
        """The calendar of the current stream."""
        return self.calendars[self.row] if self.row < len(self.calendars) else None

    def labels(self) -> Sequence[str]:
        """Return the names of the streams."""
        return self._labels

    def cells_of(self, rows: range, first: int, last: int) -> States:
        """Return the states of the hours or days of some streams."""
        import numpy as np

        cells = np.zeros((len(rows), max(1, last - first)), dtype=np.uint8)
        for place, row in enumerate(rows):
            calendar = self.calendars[row]
            values = calendar.hours.reshape(-1) if self.hourly else calendar.days
            start = (calendar.first - self.origin).days * (HOURS if self.hourly else 1) - first
            part = values[max(0, -start) : max(0, last - first - start)]
            cells[place, max(0, start) : max(0, start) + len(part)] = part
        return cells

    def text_at(self, row: int, position: int) -> str:
        """Return the description of a day, or of an hour."""
        day = self.origin + timedelta(days=position // HOURS)
        return cell_text(self.calendars[row], day, position % HOURS if self.hourly else None)

    def step(self, key: Qt.Key) -> tuple[int, int]:
        """Move by a stream, or by a day or hour."""
        length = 1 if self.hourly else HOURS
        return {
            Qt.Key.Key_Left: (0, -length),
            Qt.Key.Key_Right: (0, length),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }[key]

    def sizeHint(self) -> QSize:
        """Return the height of sixteen streams."""
        return QSize(640, AXIS + 16 * self.row_height)

    def next_gap(self, direction: int) -> tuple[int, int] | None:
        """Return row and position of the next or previous cell with too few files.

        After the last gap of a stream follows the first one of the next stream with gaps.
        """
        begin, length = self.cell_of(self.position)
        found = self._gaps_in(self.row)
        later = found[found >= begin + length] if direction > 0 else found[found < begin]
        rows = range(self.row, len(self.calendars)) if direction > 0 else range(self.row, -1, -1)
        for row in rows:
            if len(later):
                return row, int(later[0] if direction > 0 else later[-1])
            later = self._gaps_in(row + direction)
        return None

    def _gaps_in(self, row: int) -> NDArray[np.int64]:
        """Return the positions of all cells of a stream with too few files."""
        import numpy as np

        if not 0 <= row < len(self.calendars):
            return np.empty(0, dtype=np.int64)
        calendar = self.calendars[row]
        first = (calendar.first - self.origin).days
        if self.hourly:
            return np.flatnonzero(calendar.hours.reshape(-1) >= State.THIN) + first * HOURS
        return (np.flatnonzero(calendar.days >= State.THIN) + first) * HOURS


class HoursChart(GridChart):
    """The days of one stream as columns of 24 hours."""

    row_height, bar_height = 6, 5
    #: Width of the labels of the other chart; 0 for that of the hours.
    left_width = 0.0

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.calendar: Calendar | None = None
        self.setAccessibleName("Calendar of hours")
        self.setFixedHeight(AXIS + HOURS * self.row_height + 6)

    def show_calendar(self, calendar: Calendar | None) -> None:
        """Show another stream on the same axis."""
        self.calendar = calendar
        self.describe()
        self.redraw()

    @property
    def hourly(self) -> bool:
        """Hours are rows here, so that columns are always days."""
        return False

    def labels(self) -> Sequence[str]:
        """Return the hours."""
        return _HOUR_LABELS if self.calendar is not None else ()

    def cells_of(self, rows: range, first: int, last: int) -> States:
        """Return the states of some hours of the day, by day."""
        import numpy as np

        assert self.calendar is not None
        cells = np.zeros((len(rows), max(1, last - first)), dtype=np.uint8)
        start = (self.calendar.first - self.origin).days - first
        part = self.calendar.hours[max(0, -start) : max(0, last - first - start)]
        at = max(0, start)
        cells[:, at : at + len(part)] = part.T[rows.start : rows.stop]
        return cells

    def text_at(self, row: int, position: int) -> str:
        """Return the description of an hour."""
        if self.calendar is None:
            return ""
        return cell_text(self.calendar, self.origin + timedelta(days=position // HOURS), row)

    def step(self, key: Qt.Key) -> tuple[int, int]:
        """Move by an hour, or by a day."""
        return {
            Qt.Key.Key_Left: (0, -HOURS),
            Qt.Key.Key_Right: (0, HOURS),
            Qt.Key.Key_Up: (-1, 0),
            Qt.Key.Key_Down: (1, 0),
        }[key]

    def go_to(self, row: int, position: int, *, announce: bool = False) -> None:
        """Make an hour current; the row is the hour of the day."""
        row = max(0, min(row, HOURS - 1))
        super().go_to(row, position // HOURS * HOURS + row, announce=announce)

    def gutter(self) -> float:
        """Return the width of the labels of the chart above, so that both axes are aligned."""
        return self.left_width or super().gutter()


#: Every third hour has a label, since the rows are lower than the text.
_HOUR_LABELS = tuple(f"{hour:02}" if hour % 6 == 0 else "" for hour in range(HOURS))
