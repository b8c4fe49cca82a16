"""The check of a stream of candles by the content of its files: its cost, and its result as a table."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from core.coverage.calendars import Calendar
from core.coverage.content import ContentGap
from core.coverage.content_check import ContentReport
from core.errors import StorageError
from core.model.prices import GET_PRICE
from core.units import format_count, format_counted, format_date_range, format_estimated_cost
from core.work import Progress
from gui.tabs.browser.coverage.models import ContentModel
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.exchange import show_only
from gui.widgets.labels import Elided, shown
from gui.widgets.panel import row, rule
from gui.widgets.table import make_table, on_enter

if TYPE_CHECKING:
    from gui.tabs.browser.tab import BrowserTab
    from gui.tasks import Task

_WHY = (
    "Reads the candle files of the visible days, and lists the intervals without a candle: no file, "
    "rows missing in a file, or a quiet market."
)
_ONLY_CANDLES = "Only candles have intervals that can be missing in a file."


class ContentPane(QWidget):
    """The check of the current stream and the visible days.

    Signals:
        folder_wanted: the user wants the folder of a gap, and whether it has a file.
        failed: the check has ended with an error.
    """

    folder_wanted = Signal(str, bool)
    failed = Signal(object)

    def __init__(self, tab: BrowserTab) -> None:
        super().__init__()
        self._tab = tab
        self._calendar: Calendar | None = None
        self._days: tuple[date, date] | None = None
        self._task: Task | None = None
        self.model = ContentModel(self)
        self.text = Elided("", "muted")
        # Else the button would get half of the line.
        self.text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.check = primary_button("Check", self.start)
        self.stop = plain_button("Stop", self.cancel)
        self.table = make_table(
            self.model, "Intervals without a candle", settings=tab.context.settings,
            key="browser/coverage-content",
        )  # fmt: skip
        self._empty = EmptyState("Not checked yet", _WHY)
        self.state = Loadable(self.table, self._empty)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        line = row(self.text, self.stop, self.check, margins=(8, 6, 8, 6))
        for part in (line, rule(), self.state):
            box.addWidget(part)
        box.setStretch(2, 1)
        on_enter(self.table, lambda: self._on_row(self.table.currentIndex()))
        self.table.doubleClicked.connect(self._on_row)
        self._show_buttons()

    def set_target(self, calendar: Calendar | None, days: tuple[date, date]) -> None:
        """Set the stream and the days that are checked next; another stream clears the result."""
        if self._calendar is None or calendar is None or calendar.stream != self._calendar.stream:
            self.cancel()
            self._show_empty("Not checked yet", _WHY)
        self._calendar, self._days = calendar, days
        self._show_buttons()

    def start(self) -> None:
        """Read the files."""
        calendar, days = self._calendar, self._days
        if calendar is None or days is None or self._task is not None:
            return
        stream = calendar.stream
        arguments = {
            "names": (stream.name,), "timeframe": stream.timeframe, "first": days[0], "last": days[1],
        }  # fmt: skip
        self.state.show_loading()
        self._task = self._tab.bulk(
            f"Check candles of {stream}", "coverage.check", arguments, self._on_report,
            failed=self._on_failed, progress=self._on_progress,
        )  # fmt: skip
        self._task.changed.connect(self._on_task_changed)
        self._show_buttons()

    def cancel(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()

    def _on_report(self, report: ContentReport) -> None:
        self._task = None
        self.model.show(report.gaps)
        if report.gaps:
            self.state.show_view()
        else:
            self._show_empty("Every interval has a candle", "")
        self._show_buttons()
        self.text.setText(_result_text(report))

    def _on_failed(self, error: StorageError) -> None:
        self._task = None
        self._show_empty("Not checked", error.summary)
        self._show_buttons()
        self.failed.emit(error)

    def _on_progress(self, progress: Progress) -> None:
        self.text.setText(f"Read: {format_counted(progress.done, 'file')}")

    def _on_task_changed(self) -> None:
        # A cancelled task calls neither `then` nor `failed`.
        if self._task is not None and self._task.state == "cancelled":
            self._task = None
            self._show_empty("Not checked", "The check was stopped.")
            self._show_buttons()

    def _show_empty(self, title: str, text: str) -> None:
        self.model.show(())
        self._empty.set_text(title, text)
        self.state.show_empty()

    def _show_buttons(self) -> None:
        running = self._task is not None
        candles = self._calendar is not None and self._calendar.stream.kind == "ohlcv"
        self.check.allow(candles, _ONLY_CANDLES)
        show_only((self.stop, self.check), {self.stop if running else self.check})
        if not running:
            self.text.setText(self._cost_text() if candles else _ONLY_CANDLES)

    def _cost_text(self) -> str:
        """Return what the check reads and costs."""
        assert self._calendar is not None
        assert self._days is not None
        part = self._calendar.between(*self._days)
        files = int(part.files.sum()) if part is not None else 0
        days = format_date_range(*self._days)
        name, count = shown(str(self._calendar.stream)), format_counted(files, "file")
        cost = format_estimated_cost(files * GET_PRICE / 1000)
        return f"{name}, {days}: about {count}, {cost} for requests."

    def _on_row(self, index: QModelIndex) -> None:
        if index.isValid():
            gap: ContentGap = self.model.item(index.row())
            calendar = self._calendar
            exists = calendar is not None and calendar.files_of(gap.begin.date()) > 0
            self.folder_wanted.emit(gap.stream.folder(gap.begin.date()), exists)


def _result_text(report: ContentReport) -> str:
    total, present = sum(report.intervals.values()), sum(report.present.values())
    text = f"{format_count(present)} of {format_counted(total, 'interval')} have a candle."
    if not report.unread:
        return text
    key, reason = report.unread[0]
    count = format_counted(len(report.unread), "file")
    return f"{text} Not readable: {count}, for example {shown(key)}: {reason}"
