"""The calendar of all streams above the hours of the current one, on the same time axis."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QScrollBar, QSizePolicy, QVBoxLayout, QWidget

from core.coverage.calendars import Calendar
from core.coverage.rhythm import HOURS
from gui.tabs.browser.coverage.charts import HoursChart, StreamsChart
from gui.tabs.browser.coverage.grid_chart import GridChart
from gui.widgets.panel import row, rule


class CalendarPane(QWidget):
    """Both charts; the current cell and the visible part of the axis are those of both.

    Signals:
        moved: another cell is current.
        opened: the user wants the folder of the current cell.
    """

    moved = Signal()
    opened = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.streams, self.hours = StreamsChart(), HoursChart()
        self.scroll_bar = QScrollBar(Qt.Orientation.Vertical)
        self.scroll_bar.setAccessibleName("Scroll the streams")
        #: The description of the current cell.
        self.text = ""
        charts = row(self.streams, self.scroll_bar, spacing=0)
        charts.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        for part in (charts, rule(), self.hours):
            box.addWidget(part)
        box.setStretch(0, 1)
        self.streams.moved.connect(self._on_stream_moved)
        self.hours.moved.connect(self._on_hour_moved)
        self.streams.range_changed.connect(self._on_range_of_streams)
        self.hours.range_changed.connect(self._on_range_of_hours)
        self.scroll_bar.valueChanged.connect(self.streams.scroll_to)
        for chart in (self.streams, self.hours):
            chart.opened.connect(self.opened)
            chart.gap_wanted.connect(self.go_to_gap)

    @property
    def calendar(self) -> Calendar | None:
        """The calendar of the current stream."""
        return self.streams.calendar

    @property
    def hour(self) -> int | None:
        """The current hour of the day; None if a day is current and not an hour."""
        by_hour = self.streams.hourly or self.hours.hasFocus()
        return self.streams.position % HOURS if by_hour else None

    @property
    def visible_days(self) -> tuple[date, date]:
        """The first and the last visible day."""
        visible, origin = self.streams.visible_range, self.streams.origin
        first = origin + timedelta(days=int(visible.left // HOURS))
        # A day that only touches the edge is not visible.
        return first, max(first, origin + timedelta(days=int((visible.right - 1) // HOURS)))

    def show_calendars(self, calendars: Sequence[Calendar]) -> None:
        """Show other streams on an axis from their first to their last day."""
        self.streams.show_calendars(calendars)
        with QSignalBlocker(self.hours):
            self.hours.show_days(self.streams.origin, self.streams.days)
        self.hours.left_width = self.streams.gutter() if calendars else 0.0
        self._on_stream_moved()

    def show_stream(self, calendar: Calendar) -> None:
        """Go to the latest file of a stream."""
        row_of_stream = list(self.streams.calendars).index(calendar)
        last = (calendar.last - self.streams.origin).days * HOURS
        self.streams.go_to(row_of_stream, last + calendar.latest.hour)
        self.streams.setFocus()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Scroll as far as the new height requires."""
        super().resizeEvent(event)
        self._show_scroll_bar()

    def _on_stream_moved(self) -> None:
        if self.hours.calendar is not self.calendar:
            self.hours.show_calendar(self.calendar)
        with QSignalBlocker(self.hours):
            self.hours.go_to(self.streams.position % HOURS, self.streams.position)
        self._show_cell(self.streams)

    def _on_hour_moved(self) -> None:
        with QSignalBlocker(self.streams):
            self.streams.go_to(self.streams.row, self.hours.position)
        self._show_cell(self.hours)

    def _show_cell(self, chart: GridChart) -> None:
        self.text = chart.text_at(chart.row, chart.position) if chart.labels() else ""
        self._show_scroll_bar()
        self.moved.emit()

    def _show_scroll_bar(self) -> None:
        more = max(0, len(self.streams.calendars) - self.streams.visible_rows)
        with QSignalBlocker(self.scroll_bar):
            self.scroll_bar.setRange(0, more)
            self.scroll_bar.setPageStep(self.streams.visible_rows)
            self.scroll_bar.setValue(self.streams.top)
        self.scroll_bar.setVisible(more > 0)
        margin = self.scroll_bar.sizeHint().width() if more else 0
        if margin != self.hours.right_margin:
            self.hours.right_margin = margin
            self.hours.redraw()

    def _on_range_of_streams(self) -> None:
        with QSignalBlocker(self.hours):
            self.hours.show_part(self.streams.visible_range)
        self._show_scroll_bar()

    def _on_range_of_hours(self) -> None:
        with QSignalBlocker(self.streams):
            self.streams.show_part(self.hours.visible_range)

    def go_to_gap(self, direction: int) -> None:
        """Go to the next (1) or the previous (-1) gap, also of another stream."""
        found = self.streams.next_gap(direction)
        if found is not None:
            self.streams.go_to(*found, announce=True)
