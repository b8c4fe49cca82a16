"""The Statistics tab: scans the bucket and shows the result by folder and group."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from core.errors import AccessDenied, StorageError
from core.model.statistics import Share, StorageStatistics
from core.statistics.levels import Level, base_of, is_inside, level_of
from core.statistics.saved import load, load_entire, save
from core.statistics.totals import ROOT
from core.units import format_age, format_counted
from core.work import Progress
from core.workspace import Workspace
from gui.clock import follow_time
from gui.context import Context
from gui.tabs.base import Tab
from gui.tabs.statistics.cards import Cards, cost_of_scan
from gui.tabs.statistics.export import choose_file, show_allowed, write_file
from gui.tabs.statistics.path_bar import PathBar
from gui.tabs.statistics.prefix_field import PrefixField
from gui.tabs.statistics.tables import GroupsPanel, LargestModel, SharesModel
from gui.tasks import Task
from gui.views.treemap import Treemap, cells_of
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.labels import Pill
from gui.widgets.panel import Panel, column, splitter
from gui.widgets.segmented import Segmented
from gui.widgets.table import columns_of, make_table, on_enter

_GROUPS = (
    ("kinds", "Kind"),
    ("tops", "Folder"),
    ("symbols", "Symbol"),
    ("classes", "Class"),
    ("months", "Month"),
    ("sizes", "Size"),
)
#: Width in pixels of the sizes of the largest objects.
_SIZE_WIDTH = 92
#: Pixels of an exported picture for each pixel of the window, so that its texts stay sharp.
_PICTURE_SCALE = 2
#: Why there may be no group of a kind.
_NOTHING = {"tops": "There are no folders", "symbols": "No object here has a symbol"}
#: Groups that only a completed scan has for a single folder.
_DETAILED = frozenset({"classes", "months", "sizes"})
_NO_DETAILS = (
    "This result has groups for the entire bucket only. Scan again to get them for each folder; in "
    "a bucket with very many folders the deepest ones have none."
)

_NO_SCAN = (
    "No scan yet",
    "A scan counts every object and groups the sizes by kind, symbol, storage class and month.",
)
_DENIED = (
    "The keys may not be listed",
    "If you may list some folders only, type the prefix of one of them above, and scan it.",
)


class StatisticsTab(Tab):
    """Figures at the top, the treemap at the left, groups and largest objects at the right."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._found: StorageStatistics | None = None
        #: The last complete result; it is shown again when a scan fails or is stopped.
        self._complete: StorageStatistics | None = None
        self._task: Task | None = None
        self._root = ""
        self._level: Level | None = None
        self.cards = Cards()
        self.treemap = Treemap()
        self.shares, self.largest = SharesModel(self), LargestModel(self)
        self.groups = Segmented(_GROUPS, name="How objects are grouped")
        self.scope = PrefixField(self)
        self.scan = primary_button("Scan", self._on_scan)
        self.stop = plain_button("Stop", self._on_stop)
        self.export = plain_button("Export…", self._on_export)
        self.path = PathBar()
        self._age = Pill("")
        # The last scan failed, so the result shown is older; it failed because of missing rights.
        self._scan_failed = self._denied = False
        self._empty = EmptyState(*_NO_SCAN, "Scan", self._on_scan)
        self._view = Loadable(column(self.path, self.treemap), self._empty)
        follow_time(self, self._show_age)
        self._lay_out()
        self.treemap.entered.connect(self._show_folder)
        self.treemap.left.connect(self._on_up)
        self.treemap.menu_wanted.connect(self._on_menu)
        self.scope.entered.connect(self._on_scan)
        self.path.chosen.connect(self._on_path)
        self.path.browser_wanted.connect(lambda: self._open_in_browser(self._root))
        self.groups.selected.connect(self._on_group)
        self._show_state()

    def _lay_out(self) -> None:
        body = column(self.scope, self._view)
        self._map = Panel("Size by folder", body, actions=(self.export, self.stop, self.scan))
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
        columns_of(largest).fill_with_names(_SIZE_WIDTH)
        on_enter(shares, lambda: self._on_share(shares.currentIndex()))
        shares.doubleClicked.connect(self._on_share)
        on_enter(largest, lambda: self._on_largest(largest.currentIndex()))
        largest.doubleClicked.connect(self._on_largest)
        self._groups_panel = groups = GroupsPanel(shares)
        groups.head.add_beside(self.groups)
        self._largest_panel = Panel("Largest objects", largest)
        right = splitter(
            groups, self._largest_panel, vertical=True, sizes=(300, 260), stretch=(1, 1)
        )
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.cards)
        box.addWidget(splitter(self._map, right, sizes=(660, 440), stretch=(1, 1)), 1)

    def open_target(self, target: object) -> None:
        """Show one folder."""
        self._show_folder(str(target).rstrip("/"))

    def _do_workspace(self, workspace: Workspace | None) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._found = self._complete = None
        self._root, self._level, self._denied = "", None, False
        self.scope.field.clear()
        self._view.show_empty()
        self._show_state()
        if workspace is not None:
            profile = workspace.profile
            self.run(
                "Read the last statistics",
                lambda _work: load(profile.name, profile.bucket),
                self._on_saved,
                quiet=True,
                latest="statistics/saved",
            )

    def _do_refresh(self) -> None:
        self._on_scan()

    def _on_saved(self, found: StorageStatistics | None) -> None:
        # A scan may have begun before the stored result was read.
        if found is not None and self._found is None and self._task is None:
            self.scope.show_prefix(found.prefix)
            self._show(found)
            self._show_state()

    def _on_scan(self) -> None:
        workspace = self.context.workspace
        if workspace is None or self._task is not None:
            return
        self.banner.clear()
        bucket = workspace.profile.bucket
        prefix = self.scope.prefix
        if self._found is not None and self._found.prefix != prefix:
            self._root = base_of(prefix)
        self._task = self.bulk(
            f"Scan {prefix}" if prefix else "Scan the bucket",
            "statistics.scan",
            {"prefix": prefix},
            self._on_scanned,
            failed=self._on_failed,
            progress=self._on_progress,
            batch=self._show,
            here=True,
            source=f"s3://{bucket}/{prefix}" if prefix else f"s3://{bucket}",
            command=self.command("statistics.scan", *filter(None, [prefix])),
        )
        self._task.changed.connect(self._on_task_changed)
        self._show_state()
        if self._found is None:
            self._view.show_loading()

    def _on_stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _on_task_changed(self) -> None:
        # A cancelled task calls neither `then` nor `failed`.
        if self._task is not None and self._task.state == "cancelled":
            self._task = None
            if self._complete is not None:
                age = format_age(self._complete.finished)
                self.banner.show_info(f"The scan was stopped. The result of {age} is shown.")
            else:
                self.banner.show_info(
                    "The scan was stopped: the figures cover only a part of the objects."
                )
            self._show_complete()

    def _on_progress(self, progress: Progress) -> None:
        self._age.set(f"scanning: {format_counted(progress.done, 'object')}", "accent")

    def _on_scanned(self, found: StorageStatistics) -> None:
        self._task, self._scan_failed, self._denied = None, False, False
        self._show(found)
        self._show_state()
        name = self.context.require_workspace().profile.name
        self.run("Save the statistics", lambda _work: save(name, found), quiet=True)

    def _on_failed(self, error: StorageError) -> None:
        self._task, self._scan_failed = None, True
        self._denied = isinstance(error, AccessDenied)
        self._show_complete()
        self.show_error(error, self._on_scan)

    def _show_complete(self) -> None:
        """Show the last complete result again, with its age, instead of a partial one."""
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
        self._show_folder(self._root)
        if found.objects:
            self._view.show_view()
        else:
            nothing = "No object has this prefix" if found.prefix else "The bucket is empty"
            self._empty.set_text(nothing, "There is nothing to count.", "Scan")
            self._view.show_empty()
        self._show_age()

    def _on_group(self, name: str) -> None:
        if self._level is not None:
            shares: tuple[Share, ...] = getattr(self._level, name)
            self.shares.show(shares, self._level.size)
            self._groups_panel.show_count(len(shares), _NOTHING.get(name, "There are no objects"))

    def _on_share(self, index: QModelIndex) -> None:
        """Show the folder of a row."""
        name = self.shares.name(index.row()) if index.isValid() else ""
        if self.groups.current == "tops" and name and name != ROOT:
            self._show_folder(f"{self._root}/{name}" if self._root else name)

    def _on_path(self, folder: str) -> None:
        """Show a folder of the path; of those above a scanned one there may be an older result."""
        found, workspace = self._found, self.context.workspace
        if found is None or workspace is None or is_inside(folder, base_of(found.prefix)):
            self._show_folder(folder)
            return
        name, bucket = workspace.profile.name, workspace.profile.bucket
        self.run(
            "Read the last statistics of the bucket",
            lambda _work: load_entire(name, bucket),
            partial(self._on_entire, folder),
            latest="statistics/saved",
        )

    def _on_entire(self, folder: str, found: StorageStatistics | None) -> None:
        if self._task is not None:
            return
        self.scope.show_prefix(found.prefix if found else folder and f"{folder}/")
        if found is None:
            self.banner.show_info(
                "Only this folder was scanned. Scan again to count the folder above it."
            )
            return
        self._root = folder
        self._show(found)
        self._show_state()

    def _on_up(self) -> None:
        self._show_folder(self._root.rpartition("/")[0])

    def _on_largest(self, index: QModelIndex) -> None:
        if index.isValid():
            self.context.go("browser", self.largest.key(index.row()))

    def _open_in_browser(self, folder: str) -> None:
        self.context.go("browser", f"{folder}/" if folder and folder != ROOT else "")

    def _on_export(self) -> None:
        if self._found is not None:
            choose_file(self, self._found, self.export_to)

    def export_to(self, path: str) -> None:
        """Write the figures of the folder shown to a file, whose ending determines the format."""
        found, folder = self._found, self._root
        if found is None or found.partial:  # a scan has begun while the dialog was open
            self.banner.show_info("The figures are incomplete now. Export them after the scan.")
            return
        picture = self.treemap.image(_PICTURE_SCALE)
        self.run(
            "Export statistics",
            lambda _work: write_file(found, folder, Path(path), picture),
            lambda text: self.banner.show_good(text, passing=True),
        )

    def _on_menu(self, folder: str, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        enter = menu.addAction("Enter this folder")
        menu.setToolTipsVisible(True)
        enter.setEnabled(folder not in {self._root, ROOT})
        if not enter.isEnabled():
            shown = folder == self._root
            enter.setToolTip("It is shown now." if shown else "These objects are in no folder.")
        enter.triggered.connect(lambda: self._show_folder(folder))
        menu.addAction("Open in Browser", lambda: self._open_in_browser(folder))
        clipboard = QGuiApplication.clipboard()
        menu.addAction("Copy the folder's name", lambda: clipboard.setText(f"{folder}/"))
        menu.popup(place)

    def _show_folder(self, folder: str) -> None:
        """Show one folder: its tiles, its groups and its largest objects."""
        found = self._found
        if found is None:
            # Shown once there is a result, for example when another tab opens a folder here.
            self._root = folder
            return
        base = base_of(found.prefix)
        folder = folder if is_inside(folder, base) else base
        level = level_of(found, folder)
        if folder != base and not level.objects:  # deleted, or the scan has no entry for it
            folder, level = base, level_of(found, base)
        self._root, self._level = folder, level
        self.path.show_folder(found.bucket, folder, base)
        self.treemap.show_cells(cells_of(found.folders, folder))
        self._allow_groups(level)
        self._on_group(self.groups.current)
        largest = level.largest
        if not level.detailed:
            # Only those among the largest of the entire bucket are known.
            largest = tuple(o for o in found.largest if o.key.startswith(f"{folder}/"))
        self.largest.show(largest)
        note = "" if level.detailed else "among the largest in the bucket"
        self._largest_panel.head.set_title("Largest objects", note)

    def _allow_groups(self, level: Level) -> None:
        """Enable the groups that the result has for this folder."""
        # A running scan has the details of folders only at its end.
        has_all = level.detailed or self._task is not None
        for name in _DETAILED:
            self.groups.allow(name, has_all, _NO_DETAILS)
        if not has_all and self.groups.current in _DETAILED:
            self.groups.select("kinds")

    def _show_age(self) -> None:
        if self._found is None or self._task is not None:
            return
        age = format_age(self._found.finished)
        scan = "live scan of one prefix" if self._found.prefix else "live scan"
        if self._found.partial:
            self._age.set(f"partial: the scan was interrupted · {age}", "warning")
        elif self._scan_failed:
            self._age.set(f"{scan} · {age} · could not be refreshed", "warning")
        else:
            self._age.set(f"{scan} · {age}", "neutral")

    def _show_state(self) -> None:
        running = self._task is not None
        focus = self.window().focusWidget()
        used = focus in {self.scan, self.stop, self._empty.button}
        self.stop.show()
        ready = self.context.workspace is not None
        self.scan.allow(
            ready and not running, "A scan is running." if running else "Not connected."
        )
        self.scan.setText("Scan" if self._found is None else "Scan again")
        self.scan.set_hint(cost_of_scan(self._found, self.scope.prefix))
        if not ready:
            self._view.show_unconnected(self.choose_profile)
        if self._found is None:
            self._empty.set_text(*(_DENIED if self._denied else _NO_SCAN), "Scan")
        self._empty.button.allow(not running, "A scan is running.")
        show_allowed(self.export, self._found, running=running)
        if used:  # Qt would move the focus to any other widget
            (self.stop if running else self.scan).setFocus()
        self.stop.setVisible(running)
        if self._found is None:
            self._age.set("")
        self._show_age()
