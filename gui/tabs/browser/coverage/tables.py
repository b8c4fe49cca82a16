"""The tables of the coverage page, which have the same content as its calendars."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QModelIndex, QObject, Signal

from core.coverage.calendars import Calendar
from core.coverage.freshness import StreamState
from core.coverage.gaps import Gap, sorted_gaps
from gui.tabs.browser.coverage.models import DaysModel, GapsModel, Row, StreamsModel, gap_rows
from gui.widgets.columns import SettingsStore
from gui.widgets.table import make_table, on_enter


class StreamTables(QObject):
    """The tables of streams, of the days of the current one, and of gaps.

    Signals:
        folder_wanted: the user wants a folder, and whether it has files.
        stream_chosen: the user wants the calendar of a stream.
    """

    folder_wanted = Signal(str, bool)
    stream_chosen = Signal(object)

    def __init__(self, settings: SettingsStore, parent: QObject) -> None:
        super().__init__(parent)
        self.days_model, self.gaps_model = DaysModel(self), GapsModel(self)
        self.streams_model = StreamsModel(self)
        self._calendar: Calendar | None = None
        key = "browser/coverage-"
        self.days = make_table(
            self.days_model, "Days of the stream", settings=settings, key=f"{key}days"
        )
        self.gaps = make_table(self.gaps_model, "Gaps", settings=settings, key=f"{key}gaps")
        self.streams = make_table(
            self.streams_model, "Streams", settings=settings, key=f"{key}streams", rising=1
        )
        for table, act in (
            (self.days, self._on_day), (self.gaps, self._on_gap), (self.streams, self._on_stream),
        ):  # fmt: skip
            on_enter(table, _on_current(table.currentIndex, act))
            table.doubleClicked.connect(act)

    def show_streams(self, calendars: Sequence[Calendar], states: Sequence[StreamState]) -> None:
        """Show all streams."""
        self.streams_model.show(calendars, states)

    def show_days(self, calendar: Calendar | None) -> None:
        """Show the days of a stream."""
        self._calendar = calendar
        self.days_model.show(calendar)

    def show_gaps(self, found: tuple[list[Row], list[Gap]]) -> None:
        """Show the result of `found_gaps`."""
        self.gaps_model.show(*found)

    def _on_day(self, index: QModelIndex) -> None:
        if index.isValid() and self._calendar is not None:
            day = self.days_model.item(index.row())
            exists = self._calendar.files_of(day) > 0
            self.folder_wanted.emit(self._calendar.stream.folder(day), exists)

    def _on_gap(self, index: QModelIndex) -> None:
        if index.isValid():
            gap: Gap = self.gaps_model.item(index.row())
            self.folder_wanted.emit(gap.folder, gap.files > 0)

    def _on_stream(self, index: QModelIndex) -> None:
        if index.isValid():
            self.stream_chosen.emit(self.streams_model.item(index.row()))


def found_gaps(calendars: Sequence[Calendar]) -> tuple[list[Row], list[Gap]]:
    """Return the rows of all gaps and the gaps, for `show_gaps`; it can run in a worker thread."""
    gaps = sorted_gaps(calendars)
    return gap_rows(gaps), gaps


def _on_current(
    current: Callable[[], QModelIndex], act: Callable[[QModelIndex], object]
) -> Callable[[], object]:
    return lambda: act(current())
