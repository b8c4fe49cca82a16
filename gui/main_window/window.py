"""The main window: it holds the tabs, goes where it is asked to, and remembers how it was left."""

from __future__ import annotations

from functools import cached_property, partial
from typing import TYPE_CHECKING, Self

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFrame, QMainWindow, QVBoxLayout, QWidget

from core.errors import LocalIOError, StorageError
from gui import theme
from gui.main_window.memory import Memory
from gui.main_window.tab_bar import TabBar
from gui.tab_list import TABS, place_of

if TYPE_CHECKING:  # what furnishes the window is imported after its first paint
    from PySide6.QtGui import QCloseEvent
    from PySide6.QtWidgets import QSplitter, QStackedWidget

    from core.aws.buckets import BucketBrief
    from core.local.settings import Settings
    from core.model.connection import Profile
    from core.workspace import Workspace
    from gui.context import Context
    from gui.main_window.commands import Command
    from gui.main_window.connecting import Connector
    from gui.main_window.drawer import Drawer
    from gui.main_window.header import Header
    from gui.main_window.status_bar import StatusBar
    from gui.tabs.base import Tab
    from gui.widgets.banner import Banner

_UNLOCK_MINUTES = 15
#: Pixels that the desktop's own title bar may take.
_TITLE_BAR = 32
_VERSIONING: dict[str | None, tuple[str, str]] = {
    "Enabled": ("versioned", "neutral"),
    "Suspended": ("versions suspended", "warning"),
    "": ("not versioned", "warning"),
}


class MainWindow(QMainWindow):
    """The frame; it knows tabs only by `gui.tab_list`.

    It is painted first as a shell - size, place, surfaces, the titles of the tabs - and furnished
    in place: nothing that was seen moves.

    Signals:
        closing: the window is about to go; whoever owns the rest ends it.
    """

    closing = Signal()
    context: Context
    connector: Connector
    header: Header
    banner: Banner
    stack: QStackedWidget
    split: QSplitter
    status: StatusBar
    commands: list[Command]

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.setWindowTitle("Strongroom")
        room = self.screen().availableGeometry()
        self.resize(min(1280, room.width()), min(800, room.height() - _TITLE_BAR))
        self.setMinimumSize(1100, 640)
        self._memory = Memory(settings)
        self.tabs: dict[str, Tab] = {}
        self._sure = self.furnished = False
        self._lay_out_shell()
        self._restore()

    def furnish(self, context: Context, connector: Connector) -> Self:
        """Put everything into the shell that needs more than Qt."""
        from gui.main_window.commands import install
        from gui.models.tasks_model import TasksModel

        self.context, self.connector = context, connector
        self._tasks = TasksModel(context.runner, self)
        self.setUpdatesEnabled(False)
        self._make_parts()
        self._lay_out()
        self.setUpdatesEnabled(True)
        self.commands = self._made_commands()
        install(self, self.commands)
        self._wire()
        self.furnished = True
        self.stack.setFocus()  # rather than the first button of the header
        return self

    @cached_property
    def drawer(self) -> Drawer:
        """The activity drawer, made when it is first wanted."""
        from gui.main_window.drawer import Drawer

        drawer = Drawer(self.context, self._tasks)
        drawer.hide()
        self.split.addWidget(drawer)
        self.split.setSizes([520, 240])
        state = self._memory.state("window/drawer")
        if state is not None:
            self.split.restoreState(state)
            drawer.hide()
        drawer.closed.connect(self.toggle_drawer)
        return drawer

    def tab(self, tab_id: str) -> Tab:
        """Return a tab; it is made now if it was not shown yet."""
        if tab_id not in self.tabs:
            spec = next(spec for spec in TABS if spec.id == tab_id)
            made = spec.factory(self.context)
            self.tabs[tab_id] = made
            holder = self.stack.widget(place_of(tab_id))
            if holder is not None and (box := holder.layout()) is not None:
                box.addWidget(made)
            self._memory.restore_splitters(tab_id, made)
        return self.tabs[tab_id]

    def show_tab(self, tab_id: str, target: object = None) -> Tab:
        """Bring a tab to the front, and have it open `target`."""
        tab = self.tab(tab_id)
        self.bar.setCurrentIndex(place_of(tab_id))
        self._on_tab(place_of(tab_id))
        if target is not None:
            tab.ensure_loaded()
            tab.open_target(target)
        return tab

    @property
    def current_tab(self) -> Tab:
        """The tab in front."""
        return self.tab(TABS[self.bar.currentIndex()].id)

    def show_trouble(self, error: StorageError) -> None:
        """Tell a failure that belongs to no tab."""
        self.banner.show_error(error)

    def toggle_drawer(self) -> None:
        """Open or close the activity drawer."""
        opened = self.drawer.isHidden()
        self.drawer.setVisible(opened)
        self.status.show_drawer(opened)

    def search(self) -> None:
        """Open the command palette."""
        from gui.main_window.commands import switches
        from gui.main_window.palette import Palette

        commands = self.commands + switches(self.context, self.show_trouble)
        palette = Palette(self, commands, self._go_to_key, locked=self.context.read_only)
        palette.popup(self)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask once if work is running in the engine; else remember how the window was left."""
        running = self.context.runner.bulk_running if self.furnished else []
        if running and not self._sure:
            event.ignore()
            self._ask_to_close([task.name for task in running])
            return
        if self.furnished:
            self._remember()
        self.hide()
        self.closing.emit()
        event.accept()

    def leave(self) -> None:
        """Close without a question: nobody may be there to answer it."""
        self._sure = True
        self.close()

    def _lay_out_shell(self) -> None:
        self.bar = TabBar()
        for spec in TABS:
            self.bar.addTab(spec.title)
        strip = QWidget()
        strip.setProperty("surface", "panel")
        line = QVBoxLayout(strip)
        line.setContentsMargins(8, 0, 8, 0)
        line.addWidget(self.bar)
        self._top = _surface("bar", theme.HEADER)
        self._middle = QWidget()
        self._foot = _surface("foot", theme.STATUS)
        whole = QWidget()
        self._box = box = QVBoxLayout(whole)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        for part in (self._top, strip, _surface("rule", 1)):
            box.addWidget(part)
        box.addWidget(self._middle, 1)
        box.addWidget(self._foot)
        self.setCentralWidget(whole)
        self._middle.setFocus()  # rather than the tab bar, which would light up

    def _make_parts(self) -> None:
        from PySide6.QtWidgets import QStackedWidget

        from gui.main_window.header import Header
        from gui.main_window.menus import BucketMenu, ProfileMenu
        from gui.main_window.status_bar import StatusBar
        from gui.widgets.panel import column

        self._profiles = ProfileMenu(self.context, self)
        self._buckets = BucketMenu(self.context, self)
        self.header = Header(self.context, self._profiles, self._buckets)
        self.stack = QStackedWidget()
        for _spec in TABS:
            self.stack.addWidget(column())
        self.status = StatusBar(self.context, self._tasks)

    def _lay_out(self) -> None:
        from gui.widgets.banner import Banner
        from gui.widgets.panel import splitter

        self.split = splitter(self.stack, vertical=True)
        for place, part in (
            (self._top, self.header),
            (self._middle, self.split),
            (self._foot, self.status),
        ):
            self._box.replaceWidget(place, part)
            place.deleteLater()
        self.banner = Banner(self.centralWidget(), over=self.split)

    def _made_commands(self) -> list[Command]:
        from gui.main_window.commands import Command, acts_in_tabs

        views = [
            Command(f"Go to {spec.title}", f"Ctrl+{number}", partial(self.show_tab, spec.id))
            for number, spec in enumerate(TABS, 1)
        ]
        return [
            *views,
            Command("Search keys and actions", "Ctrl+K", self.search),
            Command("Go to a key", "Ctrl+L", self.search),
            Command("Filter this view", "Ctrl+F", self._on_filter),
            Command("Refresh this view", "F5", self._on_refresh),
            *acts_in_tabs(self.show_tab),
            Command("Show or hide activity", "Ctrl+J", self.toggle_drawer),
            Command("Lock or unlock writing", "", self._on_lock),
            Command("Use the light theme", "", lambda: self._set_theme("light")),
            Command("Use the dark theme", "", lambda: self._set_theme("dark")),
            Command("Follow the desktop's theme", "", lambda: self._set_theme("system")),
            Command("New profile…", "", self._on_new_profile),
            Command("Keyboard shortcuts", "F1", self._on_help),
            Command("Quit", "Ctrl+Q", self.close),
        ]

    def _wire(self) -> None:
        self.bar.currentChanged.connect(self._on_tab)
        self.header.search.connect(self.search)
        self.header.theme_toggled.connect(self._on_theme)
        self.header.lock_wanted.connect(self._on_lock)
        self.status.activity.connect(self.toggle_drawer)
        self._profiles.chosen.connect(self.context.switch_profile)
        self._profiles.edit.connect(self._on_edit_profiles)
        self._profiles.new.connect(self._on_new_profile)
        self._buckets.chosen.connect(self.connector.open_bucket)
        self.connector.connecting.connect(self.header.show_connecting)
        self.connector.connected.connect(self._on_well)
        self.banner.dismissed.connect(partial(self.context.set_outage, ""))
        self.connector.failed.connect(self._on_failed)
        self.connector.told.connect(self._on_brief)
        self.context.navigate.connect(self.show_tab)
        self.context.workspace_changed.connect(self._on_workspace)
        self.context.trouble.connect(self.show_trouble)
        self.context.unlock_wanted.connect(self._on_lock)

    def _on_tab(self, place: int) -> None:
        self.tab(TABS[place].id)
        self.stack.setCurrentIndex(place)

    def _on_failed(self, error: StorageError) -> None:
        """Tell it; a connection that was in force before stays so."""
        self.header.show_present()
        if self.context.identity is None:
            self.status.show_failed(error)
        self.context.set_outage(error.summary)
        self.banner.show_error(error, *self.connector.way_on(error))

    def _on_well(self) -> None:
        self.context.set_outage("")
        self.banner.clear()
        self.current_tab.try_again()

    def _on_workspace(self, workspace: Workspace | None) -> None:
        from gui.widgets.labels import shown

        place = f"{workspace.profile.name} · {workspace.profile.bucket} — " if workspace else ""
        self.setWindowTitle(shown(f"{place}Strongroom"))

    def _on_brief(self, brief: BucketBrief) -> None:
        self.header.show_region(brief.region, brief.followed)
        text, tone = _VERSIONING.get(brief.versioning, ("", "neutral"))
        self.header.show_versioned(text, tone)

    def _on_theme(self) -> None:
        self._set_theme("light" if theme.tokens().dark else "dark")

    def _set_theme(self, mode: theme.Mode) -> None:
        self.context.settings.set("theme", mode)
        theme.current().set_mode(mode)

    def _on_lock(self) -> None:
        from gui.dialogs.confirm import ask

        workspace = self.context.workspace
        if workspace is None:
            return
        if not self.context.read_only:
            self.context.lock()
            return
        ask(
            self,
            f"Allow changes on {workspace.profile.name}?",
            f"The profile opens read-only. For {_UNLOCK_MINUTES} minutes everything that your keys "
            "permit can be changed and deleted; then it locks itself again.",
            lambda: self.context.unlock(_UNLOCK_MINUTES),
            button=f"Unlock for {_UNLOCK_MINUTES} minutes",
            danger=True,
        )

    def _on_edit_profiles(self) -> None:
        self.show_tab("credentials")

    def _on_new_profile(self) -> None:
        from gui.dialogs.profile_editor import ProfileEditor

        ProfileEditor(self, self.context, None, self._on_profile).open()

    def _on_profile(self, profile: Profile) -> None:
        from core.engine.operations import change_made
        from core.model.change import ChangeKind

        self.context.announce(
            change_made("profiles.save", ChangeKind.PROFILES, profile.name, "Frame")
        )
        self.context.switch_profile(profile.name)

    def _on_filter(self) -> None:
        self.current_tab.focus_filter()

    def _on_refresh(self) -> None:
        self.current_tab.refresh()

    def _on_help(self) -> None:
        from gui.main_window.shortcuts import ShortcutSheet

        ShortcutSheet(self.commands, self).open()

    def _go_to_key(self, key: str) -> None:
        self.show_tab("browser", key)

    def _ask_to_close(self, names: list[str]) -> None:
        from gui.dialogs.confirm import ask

        ask(
            self,
            "Close while work is running?",
            "It is stopped now. Nothing is left half-written, and what can be resumed is resumed "
            "at the next start.",
            self._close_now,
            names=names,
            button="Stop and close",
            danger=True,
            unchanged="",
        )

    def _close_now(self) -> None:
        QTimer.singleShot(0, self, self.leave)

    def _restore(self) -> None:
        geometry = self._memory.state("window/geometry")
        if geometry is not None:
            self.restoreGeometry(geometry)
        self.bar.setCurrentIndex(self._memory.last_tab([spec.id for spec in TABS]))

    def open_last_tab(self) -> None:
        """Make the tab that was open last; called once the window is on the screen."""
        self._on_tab(self.bar.currentIndex())

    def _remember(self) -> None:
        states = {"window/geometry": self.saveGeometry()}
        if "drawer" in self.__dict__:  # else it was never opened
            states["window/drawer"] = self.split.saveState()
        try:
            self._memory.keep(states, TABS[self.bar.currentIndex()].id, self.tabs)
        except LocalIOError as error:  # the window closes all the same
            self.context.trouble.emit(error)


def _surface(name: str, height: int) -> QFrame:
    frame = QFrame()
    frame.setProperty("surface", name)
    frame.setFixedHeight(height)
    return frame
