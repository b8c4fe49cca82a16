"""The coverage page: which days and hours of each stream have files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QStackedWidget, QVBoxLayout

from core.coverage.calendars import Calendar
from core.coverage.export import export_gaps
from core.coverage.gaps import Gap, sorted_gaps
from core.coverage.report import CoverageReport, Source
from core.coverage.selection import Selection
from core.errors import ErrorKind, StorageError
from core.layout.kinds import KINDS
from core.layout.parsing import kind_of, parse
from core.units import format_counted, format_estimated_cost, utc_now
from core.work import Progress
from core.workspace import Workspace
from gui.tabs.browser.coverage.calendar_pane import CalendarPane
from gui.tabs.browser.coverage.content_pane import ContentPane
from gui.tabs.browser.coverage.models import Row
from gui.tabs.browser.coverage.tables import StreamTables, found_gaps
from gui.tabs.browser.coverage.texts import LEGEND, freshness_text, rule_text, summary_text
from gui.tabs.browser.pages import BrowserPage
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.exchange import show_only
from gui.widgets.fields import combo_box, filter_of, line_edit
from gui.widgets.labels import AgePill, Elided, muted_label
from gui.widgets.panel import row, rule
from gui.widgets.segmented import Segmented

if TYPE_CHECKING:
    from core.coverage.freshness import StreamState
    from gui.tabs.browser.tab import BrowserTab
    from gui.tasks import Task

_VIEWS = (
    ("calendar", "Calendar"), ("days", "Days"), ("gaps", "Gaps"), ("streams", "Streams"),
    ("content", "Content"),
)  # fmt: skip
_ALL_TIMEFRAMES = "All"
_NOT_LISTED = "The keys were not listed yet"
_COST = (
    "Coverage is computed from keys alone. They are listed once, with one request for a thousand "
    "objects, and later only the new ones."
)
#: Streams that are named in the warning about stopped ones.
_NAMED = 3


class CoveragePage(BrowserPage):
    """A calendar of all streams of a kind, the hours of one of them, and the same as tables.

    Signals:
        loaded: another report is shown.
    """

    loaded = Signal()

    def __init__(self, tab: BrowserTab) -> None:
        super().__init__()
        self._tab = tab
        self._report: CoverageReport | None = None
        self._task: Task | None = None
        self._gaps_shown = False
        self.banner = Banner(self)
        self.kind = combo_box("Kind of data")
        for each in KINDS:
            self.kind.addItem(each.title, each.id)
        self.timeframe = combo_box("Timeframe")
        self.timeframe.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.timeframe.hide()  # until the timeframes are known
        self.filter = line_edit("Filter streams", "Filter streams")
        self.views = Segmented(_VIEWS, name="How the coverage is shown")
        self.age = AgePill()
        self.refresh_button = primary_button("Refresh", self.refresh)
        self.stop = plain_button("Stop", self._on_stop)
        self.export = plain_button("Export gaps…", self._on_export)
        self.readout = Elided("", "plain")
        self.summary = Elided("", "muted")
        self.calendar, self.content = CalendarPane(), ContentPane(self._tab)
        self.tables = StreamTables(self._tab.context.settings, self)
        self._lay_out()
        self._connect()
        self._on_kind()

    # Layout

    def _lay_out(self) -> None:
        filter_of(self.filter, self.calendar.streams)
        legend = muted_label(LEGEND, small=True)
        self._stack = QStackedWidget()
        tables = (self.tables.days, self.tables.gaps, self.tables.streams)
        for part in (self.calendar, *tables, self.content):
            self._stack.addWidget(part)
        self._empty = EmptyState(_NOT_LISTED, _COST, "List the keys", self.refresh)
        self.state = Loadable(self._stack, self._empty)
        self.filter.setMaximumWidth(200)
        selection = row(self.kind, self.timeframe, self.filter, margins=(8, 6, 8, 4), stretch=True)
        line = selection.layout()
        assert line is not None
        for control in (self.age, self.export, self.stop, self.refresh_button):
            line.addWidget(control)
        choice = row(self.views, self.readout, margins=(8, 0, 8, 6))
        bottom = row(self.summary, legend, margins=(8, 4, 8, 4))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        for widget in (selection, choice, rule()):
            box.addWidget(widget)
        box.addWidget(self.state, 1)
        box.addWidget(rule())
        box.addWidget(bottom)

    def _connect(self) -> None:
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.timeframe.currentIndexChanged.connect(self._show_selected)
        self.filter.textChanged.connect(self._show_selected)
        self.views.selected.connect(self._on_view)
        self.calendar.moved.connect(self._on_moved)
        self.calendar.opened.connect(self._on_opened)
        self.content.folder_wanted.connect(self._go)
        self.content.failed.connect(self.banner.show_error)
        self.tables.folder_wanted.connect(self._go)
        self.tables.stream_chosen.connect(self._on_stream_chosen)

    # Calls from the tab

    def open(self, argument: object) -> None:
        """Show the stream of a key or prefix, and read the catalogue if nothing is shown yet."""
        if isinstance(argument, str) and argument:
            self._choose_stream(argument)
        if self._report is None:
            self._read(Source.CATALOG)
        self.calendar.streams.setFocus()

    def close_page(self) -> None:
        """Stop reading."""
        self._on_stop()
        self.content.cancel()

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Show another bucket, or none."""
        self._on_stop()
        self._task = None
        self._forget()
        if workspace is None:
            self.state.show_unconnected(self._tab.choose_profile)
        else:
            self.state.show_empty()
            if self.isVisible():
                self._read(Source.CATALOG)

    def refresh(self) -> None:
        """List the new keys of the kind, and show them."""
        self._read(Source.REFRESH)

    def focus_filter(self) -> None:
        """Focus the field that filters the streams."""
        self.filter.setFocus()
        self.filter.selectAll()

    # Reading

    def _read(self, source: Source) -> None:
        if self._tab.context.workspace is None:
            return
        self.banner.clear()
        selection = Selection(str(self.kind.currentData()))
        self.state.show_loading()
        self._task = self._tab.bulk(
            "Read the coverage", "coverage.read", {"selection": selection, "source": source, "estimate": True},
            self.show_report, failed=self._on_failed, cancelled=self._on_stopped, progress=self._on_progress,
            command=self._tab.command("coverage.read", selection.kind), latest="browser/coverage",
        )  # fmt: skip
        self._show_buttons()

    def show_report(self, report: CoverageReport) -> None:
        """Show another report."""
        self._task = None
        self._report = report
        self.age.set_fetched(report.listed)
        timeframes = sorted({each.stream.timeframe for each in report.calendars} - {""})
        with QSignalBlocker(self.timeframe):
            former = self.timeframe.currentText()
            self.timeframe.clear()
            self.timeframe.addItems([_ALL_TIMEFRAMES, *timeframes])
            self.timeframe.setCurrentText(former)  # the first one if it does not exist any more
        self.timeframe.setVisible(bool(timeframes))
        if not report.calendars:
            self._empty.set_text("There are no such files", "No key is of this kind.", "Refresh")
            self.state.show_empty()
        else:
            self.state.show_view()
        self._show_selected()
        self._show_cost(report)
        self._warn(report.stopped)
        self.loaded.emit()

    def _show_cost(self, report: CoverageReport) -> None:
        """Show in the tooltip what a refresh costs."""
        requests = sum(each.requests or 0 for each in report.refresh)
        cost = sum(each.cost or 0.0 for each in report.refresh)
        count = format_counted(requests, "LIST request")
        self.refresh_button.set_hint(
            f"List the new keys: about {count}, {format_estimated_cost(cost)}"
        )

    def _on_failed(self, error: StorageError) -> None:
        self._task = None
        if self._report is None:
            self.state.show_empty()
        else:
            self.state.show_view()
        # Without a catalogue the empty view offers to make one.
        if error.kind is not ErrorKind.NOT_FOUND or self._report is not None:
            self.banner.show_error(error, self.refresh if error.retryable else None)
        self._show_buttons()

    def _on_progress(self, progress: Progress) -> None:
        self.summary.setText(f"Listing: {format_counted(progress.done, 'object')}")

    def _on_stopped(self) -> None:
        self._task = None
        (self.state.show_view if self._report else self.state.show_empty)()
        self._show_selected()

    def _on_stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _warn(self, stopped: Sequence[StreamState]) -> None:
        """Name the streams that get no more files."""
        if not stopped:
            return
        texts = " ".join(freshness_text(each, utc_now()) for each in stopped[:_NAMED])
        count = format_counted(len(stopped), "stream")
        self.banner.show_warning(
            texts if len(stopped) <= _NAMED else f"{count} get no more files. {texts}",
            action=("Show streams", lambda: self.views.select("streams")),
        )

    def _forget(self) -> None:
        self._report = None
        self.age.clear_age()
        self.banner.clear()
        self._empty.set_text(_NOT_LISTED, _COST, "List the keys")
        self._show_selected()

    # Content

    def _on_kind(self) -> None:
        """Read another kind of data."""
        self._on_stop()
        self._task = None
        self._forget()
        self.views.setToolTip(rule_text(str(self.kind.currentData())))
        self.state.show_empty()
        if self.isVisible():
            self._read(Source.CATALOG)

    def _show_selected(self) -> None:
        """Show the streams that the filter and the timeframe select."""
        calendars = self._selected()
        self._gaps_shown = False
        self.calendar.show_calendars(calendars)
        self.tables.show_streams(calendars, self._report.states if self._report else ())
        self._on_view(self.views.current)
        self._show_buttons()

    def _selected(self) -> Sequence[Calendar]:
        if self._report is None:
            return ()
        text, timeframe = self.filter.text().casefold(), self.timeframe.currentText()
        return [
            each
            for each in self._report.calendars
            if text in str(each.stream).casefold()
            and timeframe in {"", _ALL_TIMEFRAMES, each.stream.timeframe}
        ]

    def _choose_stream(self, place: str) -> None:
        """Select the kind and the name of the stream that a key or prefix belongs to."""
        kind_id = kind_of(place)
        if kind_id == "other":
            return
        self.kind.setCurrentIndex(self.kind.findData(kind_id))
        parsed, parts = parse(place), place.split("/")
        market = len(parts) > 3 and parts[0] == "market-data"
        self.filter.setText(parsed.symbol if parsed else parts[2] if market else "")

    def _show_buttons(self) -> None:
        running = self._task is not None
        show_only((self.stop, self.refresh_button), {self.stop if running else self.refresh_button})
        self.export.allow(bool(self.calendar.streams.calendars), "There are no streams to export.")
        if not running:
            self._show_summary()

    def _show_summary(self) -> None:
        streams = format_counted(len(self.calendar.streams.calendars), "stream")
        calendar = self.calendar.calendar
        if self._report is None:
            self.summary.setText("")
        elif calendar is None:
            self.summary.setText(streams)
        else:
            self.summary.setText(f"{streams}. {calendar.stream}: {summary_text(calendar)}.")

    def _on_view(self, name: str) -> None:
        self._stack.setCurrentIndex([each for each, _title in _VIEWS].index(name))
        if name == "days":
            self.tables.show_days(self.calendar.calendar)
        elif name == "content":
            self.content.set_target(self.calendar.calendar, self.calendar.visible_days)
        elif name == "gaps" and not self._gaps_shown:
            calendars = self.calendar.streams.calendars
            self._tab.run(
                "Find the gaps", lambda _work: found_gaps(calendars), self._on_gaps,
                latest="browser/coverage-gaps", quiet=True,
            )  # fmt: skip

    def _on_gaps(self, found: tuple[list[Row], list[Gap]]) -> None:
        self._gaps_shown = True
        self.tables.show_gaps(found)

    # Navigation

    def _on_moved(self) -> None:
        self.readout.setText(self.calendar.text)
        self._show_summary()

    def _on_opened(self) -> None:
        """Open the folder of the current day or hour, or the nearest one that exists."""
        calendar, day, hour = self.calendar.calendar, self.calendar.streams.day, self.calendar.hour
        if calendar is not None:
            exists = calendar.files_of(day, hour) > 0
            self._go(calendar.stream.folder(day, hour), exists)

    def _go(self, folder: str, exists: bool) -> None:
        if exists:
            self._tab.arrive(folder)
        else:
            self._tab.navigation.go_to_nearest(folder)

    def _on_stream_chosen(self, calendar: Calendar) -> None:
        """Show the calendar of a stream at its latest file."""
        self.views.select("calendar")
        self.calendar.show_stream(calendar)

    # Export

    def _on_export(self) -> None:
        dialog = QFileDialog(self, "Export gaps", str(Path.home() / "gaps.csv"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setNameFilters(["CSV files (*.csv)", "JSON files (*.json)"])
        dialog.setDefaultSuffix("csv")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.export_to)
        dialog.open()

    def export_to(self, path: str) -> None:
        """Write the gaps of the streams shown to a file."""
        calendars = self.calendar.streams.calendars

        def write(_work: object) -> int:
            gaps = sorted_gaps(calendars)
            # The dialog has asked whether an existing file is replaced.
            export_gaps(gaps, Path(path), overwrite=True)
            return len(gaps)

        self._tab.run(
            "Export gaps", write, lambda count: self.banner.show_good(_exported(count, path), passing=True),
            failed=self.banner.show_error,
        )  # fmt: skip


def _exported(count: int, path: str) -> str:
    return f"{format_counted(count, 'gap')} written to {Path(path).name}."


def create(tab: BrowserTab) -> CoveragePage:
    """Return the page of a tab."""
    return CoveragePage(tab)
