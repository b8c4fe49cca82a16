"""The main window: contains the tabs, navigates, and restores its state."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Self

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QMainWindow, QVBoxLayout, QWidget

from core.errors import LocalIOError, StorageError
from gui.main_window.shell import Shell
from gui.main_window.window_state import WindowState
from gui.tab_list import TABS, place_of
from gui.widgets.screen import available_area

if TYPE_CHECKING:  # the contents of the window are imported after its first paint
    from PySide6.QtGui import QCloseEvent, QKeyEvent
    from PySide6.QtWidgets import QSplitter, QStackedWidget

    from core.aws.buckets import BucketBrief
    from core.local.settings import Settings
    from core.workspace import Workspace
    from gui.context import Context
    from gui.context.backup_watch import BackupWatch
    from gui.context.transfers import TransferQueue
    from gui.main_window.commands import Commands
    from gui.main_window.connecting import Connector
    from gui.main_window.drawer import Drawer
    from gui.main_window.header import Header
    from gui.main_window.status_bar import StatusBar
    from gui.main_window.stored_names import StoredNames
    from gui.tabs.base import Tab
    from gui.widgets.banner import Banner

#: Height in pixels that the desktop's title bar may take.
_TITLE_BAR = 32
_VERSIONING: dict[str | None, tuple[str, str]] = {
    "Enabled": ("versioned", "neutral"),
    "Suspended": ("versions suspended", "warning"),
    "": ("not versioned", "warning"),
}


class MainWindow(QMainWindow):
    """The main window; it knows tabs only through `gui.tab_list`.

    It is first painted as a shell with size, position, surfaces and tab titles, and then completed
    in place without moving anything.

    Signals:
        closing: the window is about to close; the program stops everything else.
    """

    closing = Signal()
    context: Context
    connector: Connector
    header: Header
    banner: Banner
    stack: QStackedWidget
    split: QSplitter
    status: StatusBar
    hint: Banner
    commands: Commands

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.setWindowTitle("Strongroom")
        screen = available_area(self)
        self.resize(min(1280, screen.width()), min(800, screen.height() - _TITLE_BAR))
        self.setMinimumSize(800, 480)
        self._state = WindowState(settings)
        self.tabs: dict[str, Tab] = {}
        self._close_confirmed = self.completed = False
        self._shell = Shell(spec.title for spec in TABS)
        self.bar = self._shell.bar
        self.setCentralWidget(self._shell)
        self._shell.focus_content()
        self._restore_state()

    def complete(self, context: Context, connector: Connector) -> Self:
        """Add everything to the shell that needs more than Qt."""
        from gui.main_window.tasks_model import TasksModel

        self.context, self.connector = context, connector
        self._tasks = TasksModel(context.runner, self)
        self.setUpdatesEnabled(False)
        self._make_parts()
        self._lay_out()
        self.setUpdatesEnabled(True)
        self._make_commands()
        self._wire()
        self.completed = True
        self.stack.setFocus()  # rather than the first button of the header
        return self

    @cached_property
    def drawer(self) -> Drawer:
        """The activity drawer, created on first use."""
        from gui.main_window.drawer import Drawer

        drawer = Drawer(self.context, self._tasks)
        drawer.hide()
        self.split.addWidget(drawer)
        self.split.setSizes([520, 240])
        state = self._state.state("window/drawer")
        if state is not None:
            self.split.restoreState(state)
            drawer.hide()
        drawer.closed.connect(self.toggle_drawer)
        return drawer

    @cached_property
    def names(self) -> StoredNames:
        """The names that the search finds, loaded when it is first opened."""
        from gui.main_window.stored_names import StoredNames

        return StoredNames(self.context, self.tabs, self)

    def tab(self, tab_id: str) -> Tab:
        """Return a tab, which is created on first use."""
        if tab_id not in self.tabs:
            spec = next(spec for spec in TABS if spec.id == tab_id)
            made = spec.factory(self.context)
            self.tabs[tab_id] = made
            made.settled.connect(self._on_settled)
            self._pages[place_of(tab_id)].addWidget(made)
            self._state.restore_splitters(tab_id, made)
        return self.tabs[tab_id]

    def show_tab(self, tab_id: str, target: object = None) -> Tab:
        """Show a tab and let it open `target`."""
        tab = self.tab(tab_id)
        self.bar.setCurrentIndex(place_of(tab_id))
        self._on_tab(place_of(tab_id))  # the bar emits no signal for the tab that is current
        self._focus_tab(tab)
        if target is not None:
            tab.ensure_loaded()
            tab.open_target(target)
        return tab

    def _focus_tab(self, tab: Tab) -> None:
        """Focus a tab opened by a shortcut: the last focused widget, or the first.

        While the tab has nothing to focus yet, `_on_settled` calls this again after loading.
        """
        from PySide6.QtCore import Qt  # after the first paint: its enumerations load slowly

        from gui.widgets.reading_order import reading_order

        focus: QWidget | None = self.focusWidget()  # the stubs omit None
        if focus is None or not tab.isVisible() or tab.isAncestorOf(focus):
            return
        former: QWidget | None = tab.focusWidget()
        if former is not None and former.isVisible() and former.isEnabled():
            former.setFocus(Qt.FocusReason.ShortcutFocusReason)
        elif order := reading_order(tab):
            order[0].setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _on_settled(self) -> None:
        """Move the focus into a tab that had nothing for it while it was loading."""
        tab = self.current_tab
        focus: QWidget | None = self.focusWidget()
        if focus is not None and focus.isAncestorOf(tab):  # else the user has moved it elsewhere
            self._focus_tab(tab)

    @property
    def current_tab(self) -> Tab:
        """The current tab."""
        return self.tab(TABS[self.bar.currentIndex()].id)

    def show_findings_of(self, watch: BackupWatch) -> None:
        """Show the findings about backups on their tab, and notify of new ones."""
        from gui.main_window.backup_findings import FindingsNotifier, TabBadge

        badge = TabBadge(self.bar, place_of("backups"))
        FindingsNotifier(watch, badge, partial(self._show_in_front, "backups"), self)

    def follow_transfers(self, queue: TransferQueue) -> None:
        """Notify of transfers that end, and report those that continue after the start."""
        from gui.main_window.notifier import DesktopNotifier, TransfersNotifier

        desktop = DesktopNotifier(self)
        desktop.clicked.connect(partial(self._show_in_front, "uploads"))
        TransfersNotifier(queue, desktop, self)
        queue.continued.connect(self._on_continued)

    def _on_continued(self, count: int) -> None:
        self.hint.show_info(
            "1 interrupted transfer continues."
            if count == 1
            else f"{count:,} interrupted transfers continue.",
            action=("Show the queue", partial(self.show_tab, "uploads")),
        )

    def _show_in_front(self, tab_id: str) -> None:
        from PySide6.QtCore import Qt  # after the first paint: its enumerations load slowly

        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.activateWindow()
        self.show_tab(tab_id)

    def show_trouble(self, error: StorageError) -> None:
        """Show a failure that belongs to no tab."""
        self.banner.show_error(error)

    def toggle_drawer(self) -> None:
        """Open or close the activity drawer."""
        opened = self.drawer.isHidden()
        self.drawer.setVisible(opened)
        self.status.show_drawer(opened)

    def search(self) -> None:
        """Open the search for actions and for everything with a name."""
        from gui.main_window.palette import Palette, Tabs

        self.names.fetch()
        tabs = Tabs(self.current_tab, self.names, self.show_tab)
        Palette(self, self.context, self.commands, tabs).popup(self)

    def explain(self, text: str) -> None:
        """Show why a key or control had no effect, and what to do."""
        if text == self.context.locked_reason:
            self.hint.show_warning(text, action=("Unlock…", self.commands.toggle_lock))
        else:
            self.hint.show_info(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Apply a key to the current tab, or show where it applies instead."""
        super().keyPressEvent(event)
        if not self.completed:
            return
        # The focus may be in the tab bar or the header. The drawer has lists with their own keys.
        focus: QWidget | None = self.focusWidget()
        opened = focus is not None and "drawer" in vars(self)  # it is created on first use
        in_drawer = opened and self.drawer.isAncestorOf(self.focusWidget())
        if not in_drawer and self.commands.perform_in_tab(event):
            return
        if text := self.commands.other_scopes_text(event):
            self.explain(text)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Request confirmation if the engine is working; else store the state of the window."""
        running = self.context.runner.bulk_running if self.completed else []
        if running and not self._close_confirmed:
            event.ignore()
            from gui.main_window.closing import ask_to_close

            ask_to_close(self, self.context.runner, self._close_now, self.explain)
            return
        if self.completed:
            self._save_state()
        self.hide()
        self.closing.emit()
        event.accept()

    def close_unconfirmed(self) -> None:
        """Close without a question, since no user may be present."""
        self._close_confirmed = True
        self.close()

    def _make_parts(self) -> None:
        from PySide6.QtWidgets import QStackedWidget

        from gui.main_window.header import Header
        from gui.main_window.menus import BucketMenu, ProfileMenu
        from gui.main_window.status_bar import StatusBar
        from gui.widgets.page import Page

        self._profiles = ProfileMenu(self.context, self)
        self._buckets = BucketMenu(self.context, self)
        self.header = Header(self.context, self._profiles, self._buckets)
        self.stack = QStackedWidget()
        self._pages: list[QVBoxLayout] = []
        for _spec in TABS:
            holder = QWidget()
            self._pages.append(QVBoxLayout(holder))
            self._pages[-1].setContentsMargins(0, 0, 0, 0)
            self.stack.addWidget(Page(holder))
        self.status = StatusBar(self.context, self._tasks)

    def _lay_out(self) -> None:
        from gui.widgets.banner import Banner
        from gui.widgets.panel import splitter

        self.split = splitter(self.stack, vertical=True)
        self._shell.fill(self.header, self.split, self.status)
        self.banner = Banner(self._shell, over=self.split)
        self.hint = Banner(self._shell, over=self.split)

    def _make_commands(self) -> None:
        from gui.actions import tip
        from gui.main_window.commands import Commands, WindowActions
        from gui.main_window.event_filters import ExplanationFilter, FieldKeys, TabKeys
        from gui.widgets.labels import tooltip

        def current() -> Tab:
            return self.current_tab

        frame = WindowActions(self, self.show_tab, current, self.search, self.toggle_drawer)
        self.commands = Commands(self.context, frame)
        FieldKeys(self)
        TabKeys(self)
        for number, spec in enumerate(TABS):
            self.bar.setTabToolTip(number, tooltip(tip(f"tab.{spec.id}")))
        ExplanationFilter(self, self.explain, self.hint)

    def _wire(self) -> None:
        self.bar.currentChanged.connect(self._on_tab)
        self.header.search.connect(self.search)
        self.header.theme_toggled.connect(self.commands.toggle_theme)
        self.header.lock_wanted.connect(self.commands.toggle_lock)
        self.status.activity.connect(self.toggle_drawer)
        self._profiles.chosen.connect(self.context.switch_profile)
        self._profiles.edit.connect(self._on_edit_profiles)
        self._profiles.new.connect(self.commands.create_profile)
        self._buckets.chosen.connect(self.connector.open_bucket)
        self.connector.connecting.connect(self.header.show_connecting)
        self.connector.connected.connect(self._on_connected)
        self.banner.dismissed.connect(partial(self.context.set_outage, ""))
        self.connector.failed.connect(self._on_failed)
        self.connector.bucket_described.connect(self._on_brief)
        self.context.navigate.connect(self.show_tab)
        self.context.workspace_changed.connect(self._on_workspace)
        self.context.trouble.connect(self.show_trouble)
        self.context.unlock_wanted.connect(self.commands.toggle_lock)

    def _on_tab(self, place: int) -> None:
        self.tab(TABS[place].id)
        if self.stack.currentIndex() != place:
            self.hint.clear()  # it belonged to the former tab
        self.stack.setCurrentIndex(place)

    def _on_failed(self, error: StorageError) -> None:
        """Show the failure; a former connection stays."""
        self.header.show_present()
        self.context.set_outage(error.summary)
        self.banner.show_error(error, *self.connector.recovery(error))

    def _on_connected(self) -> None:
        self.context.set_outage("")
        self.banner.clear()
        for tab in self.tabs.values():
            tab.try_again()

    def _on_workspace(self, workspace: Workspace | None) -> None:
        from gui.widgets.labels import shown

        if workspace is None:
            self.setWindowTitle("Strongroom")
            return
        profile = workspace.profile
        self.setWindowTitle(shown(f"{profile.name} · {profile.bucket} — Strongroom"))

    def _on_brief(self, brief: BucketBrief) -> None:
        self.header.show_region(brief.region, brief.followed)
        text, tone = _VERSIONING.get(brief.versioning, ("", "neutral"))
        self.header.show_versioned(text, tone)

    def _on_edit_profiles(self) -> None:
        self.show_tab("credentials")

    def _close_now(self) -> None:
        # Later, since the confirmation, a child of this window, is still emitting its signal.
        QTimer.singleShot(0, self, self.close_unconfirmed)

    def _restore_state(self) -> None:
        geometry = self._state.state("window/geometry")
        if geometry is not None:
            self.restoreGeometry(geometry)
        self.bar.setCurrentIndex(self._state.last_tab([spec.id for spec in TABS]))

    def open_last_tab(self) -> None:
        """Create the last open tab; called after the first paint."""
        self._on_tab(self.bar.currentIndex())

    def _save_state(self) -> None:
        states = {"window/geometry": self.saveGeometry()}
        if "drawer" in self.__dict__:  # else it was never created
            states["window/drawer"] = self.split.saveState()
        try:
            self._state.save(states, TABS[self.bar.currentIndex()].id, self.tabs)
        except LocalIOError as error:  # the window closes anyway
            self.context.trouble.emit(error)
