"""The Statistics tab itself."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QTimer
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.errors import StorageError
from core.model.statistics import Share, StorageStatistics
from core.statistics.keeping import keep, kept
from core.units import format_age, format_count
from core.work import Progress
from core.workspace import Workspace
from gui.context import Context
from gui.tabs.base import Tab
from gui.tabs.statistics.cards import Cards
from gui.tabs.statistics.models import LargestModel, SharesModel
from gui.tasks import Task
from gui.views.treemap import Treemap, cells_of
from gui.widgets.buttons import icon_button, plain_button, primary_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.labels import Pill
from gui.widgets.panel import Panel, splitter
from gui.widgets.segmented import Segmented
from gui.widgets.table import make_table

#: What a LIST request lists at most, and what S3 asks for a thousand of them (us-east-1, 2025).
_PER_CALL, _DOLLARS_PER_THOUSAND = 1000, 0.005
_AGE_MS = 10_000
#: Levels that a scan tells apart; deeper ones are the browser's.
_DEEPEST = 4
_GROUPS = (
    ("kinds", "Kind"),
    ("tops", "Folder"),
    ("symbols", "Symbol"),
    ("classes", "Class"),
    ("months", "Month"),
    ("sizes", "Size"),
)


_NO_SCAN = (
    "No scan yet",
    "A scan counts every object: how much is where, by kind, symbol, class and month.",
)


class StatisticsTab(Tab):
    """Figures at the top, the treemap at the left, groups and largest objects at the right."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._found: StorageStatistics | None = None
        #: The last result that counts everything: it comes back when a scan breaks off.
        self._complete: StorageStatistics | None = None
        self._task: Task | None = None
        self._root = ""
        self.cards = Cards()
        self.treemap = Treemap()
        self.shares, self.largest = SharesModel(self), LargestModel(self)
        self.groups = Segmented(_GROUPS)
        self.scan = primary_button("Scan", self._on_scan)
        self.stop = plain_button("Stop", self._on_stop)
        self._up = icon_button("up", "Folder above", self._on_up)
        self._age = Pill("")
        self._empty = EmptyState(
            *_NO_SCAN,
            "Scan",
            self._on_scan,
        )
        self._view = Loadable(self.treemap, self._empty)
        self._clock = QTimer(self)
        self._clock.setInterval(_AGE_MS)
        self._clock.timeout.connect(self._tell_age)
        self._lay_out()
        self.treemap.opened.connect(self._on_opened)
        self.treemap.left.connect(self._on_up)
        self.groups.selected.connect(self._on_group)
        self._show_state()

    def _lay_out(self) -> None:
        self._map = Panel("Where the bytes are", self._view, actions=(self.stop, self.scan))
        self._map.head.add_beside(self._up)
        self._map.head.add_pill(self._age)
        settings = self.context.settings
        shares = make_table(
            self.shares, "Groups", settings=settings, key="statistics/groups", falling=2
        )
        largest = make_table(
            self.largest,
            "Largest objects",
            settings=settings,
            key="statistics/largest",
            falling=1,
        )
        largest.activated.connect(self._on_largest)
        groups = Panel("By", shares)
        groups.head.add_beside(self.groups)
        right = splitter(groups, Panel("Largest", largest), vertical=True, sizes=(300, 260))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.banner)
        box.addWidget(self.cards)
        box.addWidget(splitter(self._map, right, sizes=(800, 480)), 1)

    def present(self) -> None:
        """Scan, unless there is a result."""
        if self._found is None and self._task is None:
            self._on_scan()

    def open_target(self, target: object) -> None:
        """Show one folder."""
        self._show_folder(str(target).rstrip("/"))

    def _do_workspace(self, workspace: Workspace | None) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._found = self._complete = None
        self._root = ""
        self._view.show_empty()
        self._show_state()
        if workspace is not None:
            name, bucket = workspace.profile.name, workspace.profile.bucket
            self.run(
                "Read the last statistics",
                lambda _work: kept(name, bucket),
                self._on_kept,
                quiet=True,
                latest="statistics/kept",
            )

    def _do_refresh(self) -> None:
        self._on_scan()

    def _on_kept(self, found: StorageStatistics | None) -> None:
        if found is not None and self._found is None:
            self._show(found)

    def _on_scan(self) -> None:
        workspace = self.context.workspace
        if workspace is None or self._task is not None:
            return
        self.banner.clear()
        bucket = workspace.profile.bucket
        self._task = self.bulk(
            "Scan the bucket",
            "statistics.scan",
            {"prefix": ""},
            self._on_scanned,
            failed=self._on_failed,
            progress=self._on_progress,
            batch=self._show,
            source=f"s3://{bucket}",
            command=self.command("statistics.scan"),
        )
        self._task.changed.connect(self._on_task_changed)
        if self._found is None:
            self._view.show_loading()
        self._show_state()

    def _on_stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _on_task_changed(self) -> None:
        if self._task is not None and self._task.state == "cancelled":
            self._task = None
            if self._complete is not None:
                age = format_age(self._complete.finished)
                self.banner.show_info(f"The scan was stopped. Shown is the result of {age}.")
            else:
                self.banner.show_info("The scan was stopped: the figures are of a part only.")
            self._go_back()

    def _on_progress(self, progress: Progress) -> None:
        self._age.set(f"scanning: {format_count(progress.done)} objects", "accent")

    def _on_scanned(self, found: StorageStatistics) -> None:
        self._task = None
        self._show(found)
        self._show_state()
        workspace = self.context.workspace
        if workspace is not None:
            name = workspace.profile.name
            self.run("Keep the statistics", lambda _work: keep(name, found), quiet=True)

    def _on_failed(self, error: StorageError) -> None:
        self._task = None
        self._go_back()
        self.show_error(error, self._on_scan)

    def _go_back(self) -> None:
        """Show the last complete result again, with its age; a part is never left in its place."""
        if self._complete is not None:
            self._show(self._complete)
        elif self._found is None:
            self._view.show_empty()
        self._show_state()

    def _show(self, found: StorageStatistics) -> None:
        self._found = found
        if not found.partial:
            self._complete = found
        self.cards.show_statistics(found)
        self.largest.show(found.largest)
        self._on_group(self.groups.current)
        self._show_folder(self._root)
        if found.objects:
            self._view.show_view()
        else:
            self._empty.set_text("The bucket is empty", "There is nothing to count.", "Scan")
            self._view.show_empty()
        self._tell_age()

    def _on_group(self, name: str) -> None:
        if self._found is not None:
            shares: tuple[Share, ...] = getattr(self._found, name)
            self.shares.show(shares, self._found.size)

    def _on_opened(self, folder: str) -> None:
        if self._root == folder or folder.count("/") + 1 >= _DEEPEST:
            self.context.go("browser", f"{folder}/")
        else:
            step = folder.split("/")[: (self._root.count("/") + 2 if self._root else 1)]
            self._show_folder("/".join(step))

    def _on_up(self) -> None:
        self._show_folder(self._root.rpartition("/")[0])

    def _on_largest(self, index: QModelIndex) -> None:
        self.context.go("browser", self.largest.key(index.row()))

    def _show_folder(self, folder: str) -> None:
        self._root = folder
        self._up.setVisible(bool(folder))
        bucket = self._found.bucket if self._found else ""
        self._map.head.set_title("Where the bytes are", f"{bucket} / {folder}" if bucket else "")
        if self._found is not None:
            self.treemap.show_cells(cells_of(self._found.folders, folder))

    def _tell_age(self) -> None:
        if self._found is None or self._task is not None:
            return
        part = "a part only: the scan broke off" if self._found.partial else "live scan"
        tone = "warning" if self._found.partial else "neutral"
        self._age.set(f"{part} · {format_age(self._found.finished)}", tone)
        self._clock.start()

    def _show_state(self) -> None:
        running = self._task is not None
        self.stop.setVisible(running)
        ready = self.context.workspace is not None
        self.scan.allow(
            ready and not running, "A scan is running." if running else "Not connected."
        )
        self.scan.setText("Scan" if self._found is None else "Scan again")
        self.scan.set_hint(self._cost())
        if not ready:
            self._view.show_unconnected(self.choose_profile)
        self._empty.set_text(*_NO_SCAN, "Scan")
        self._empty.button.allow(not running, "A scan is running.")
        if self._found is None:
            self._age.set("")
        self._tell_age()

    def _cost(self) -> str:
        if self._found is None:
            return (
                "One LIST request for each thousand objects: a million objects are 1,000 requests "
                f"or about ${_DOLLARS_PER_THOUSAND}."
            )
        calls = max(1, self._found.list_calls)
        dollars = calls / 1000 * _DOLLARS_PER_THOUSAND
        return f"About {format_count(calls)} LIST requests, as the last time: ${dollars:.4f}."
