"""The Browser tab: folder tree at the left, one folder in the middle, one object at the right."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.model.change import Change, ChangeKind
from core.objects.bucket import Bucket
from core.workspace import Workspace
from gui import shortcuts
from gui.context import Context
from gui.models.names import NameSource
from gui.tabs.base import Tab
from gui.tabs.browser.actions import NO_BUCKET, Actions, Slot, Subject
from gui.tabs.browser.bookmarks import Bookmarks
from gui.tabs.browser.catalog_names import CatalogNames
from gui.tabs.browser.contents import Contents
from gui.tabs.browser.counting import Counts
from gui.tabs.browser.downloads import Downloads
from gui.tabs.browser.folder_model import key_entry
from gui.tabs.browser.folder_pane import FolderPane
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.handling import Handling
from gui.tabs.browser.inspecting import Inspecting
from gui.tabs.browser.listing import Listing, parent_of
from gui.tabs.browser.navigation import Navigation
from gui.tabs.browser.object_pane import ObjectPane
from gui.tabs.browser.object_tools import ObjectTools
from gui.tabs.browser.open_folders import OpenFolders
from gui.tabs.browser.pages import PAGES, BrowserPage
from gui.tabs.browser.removal import Removal
from gui.tabs.browser.trash import Trash
from gui.tabs.browser.trash_pane import TrashPane
from gui.tabs.browser.tree_loader import TreeLoader
from gui.tabs.browser.tree_panel import TreePanel
from gui.tabs.path_completion import PathCompletion
from gui.widgets.panel import restore_sizes, set_last_shown, splitter
from gui.widgets.stack import VisibleStack


class BrowserTab(Tab):
    """Connects the three panes with the workspace."""

    origin = "browser"

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.tree_panel = TreePanel()
        self.folder = FolderPane(context)
        self.trash_pane = TrashPane(context)
        self.middle = VisibleStack()
        self.object = ObjectPane()
        self.listing = Listing(self, self.folder)
        self.tree_loader = TreeLoader(self, self.tree_panel)
        self.downloads = Downloads(self, self.listing)
        self.removal = Removal(self, self.folder, self.listing, self.on_restored)
        self.tools = ObjectTools(self, self.folder, self.listing, self.object, self.removal.steps)
        self.navigation = Navigation(self, self.listing, self.arrive)
        PathCompletion(self, self.folder.path.field, lambda: self.bucket)
        self.trash = Trash(self, self.trash_pane, self.removal)
        self.folder.total_of = self.object.total_of = self.tree_panel.model.total_of
        self.object.folders_in = self.tree_panel.model.folders_in
        Inspecting(self, self.listing, self.object)
        self._arriving = False
        self._catalog_names = CatalogNames(lambda: self.bucket)
        self.middle.addWidget(self.folder)
        self.middle.addWidget(self.trash_pane)
        self.contents = Contents(self, self.middle, self._create_page)
        self.open_folders = OpenFolders(self, self.contents, self.folder, self.listing)
        self.bookmarks = Bookmarks(self, self.folder, self.listing, self._go_to_bookmark)
        self.handling = Handling(
            self, self.folder, self.tree_panel.view, self.contents, self.listing, self.tools.copying
        )
        self._lay_out()
        self.object_actions = Actions(
            self, self.folder.table, self.tree_panel.view, self._slots(),
            {"undo": lambda _subject: self.removal.reason_not_to_undo(),
             "trash": lambda _subject: self._reason_no_trash(),
             "paste": self.handling.reason_not_to_paste},
            lambda: Subject(self.selected, self.prefix, self.prefix),
        )  # fmt: skip
        self._connect()
        self._on_selection()

    def _slots(self) -> dict[str, Slot]:
        """Return the function of each action of the menus, by its name in `LIST_ACTIONS`."""
        return {
            "open": self._on_open, "preview": self._on_preview,
            "download": lambda subject: self.downloads.ask(subject.entries, subject.below),
            "delete": lambda subject: self.removal.ask(subject.entries),
            "upload": lambda subject: self.context.go("uploads", subject.folder),
            "link": lambda subject: self.context.go("links", [e.key for e in subject.entries]),
            "up": lambda _subject: self.go_up(), "goto": lambda _subject: self._edit_path(),
            "refresh": lambda _subject: self.refresh(),
            "undo": lambda _subject: self.removal.undo(),
            "trash": lambda _subject: self.show_trash(),
            **self.tools.slots(), **self.handling.slots(),
        }  # fmt: skip

    def _lay_out(self) -> None:
        self._panes = splitter(
            self.tree_panel, self.middle, self.object, sizes=(252, 552, 476), stretch=(1, 4, 6)
        )
        restore_sizes(self._panes, self.context.settings.get("browser/panes"))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.contents.strip)
        box.addWidget(self._panes, 1)

    def _connect(self) -> None:
        self.tree_panel.chosen.connect(self.go_to)
        self.tree_panel.trash_chosen.connect(self.show_trash)
        self.trash_pane.selection_changed.connect(self._on_selection)
        self.trash_pane.left.connect(self._on_left_trash)
        self.listing.moved.connect(self._on_moved)
        self.listing.missing.connect(self._on_missing)
        self.listing.arrived.connect(self._on_arrived)
        self.tree_loader.counted.connect(self._on_counted)
        self.folder.path.chosen.connect(self.go_to)
        self.folder.path.typed.connect(self.navigation.go)
        self.folder.selection_changed.connect(self._on_selection)
        self.folder.opened.connect(self._on_opened)
        self.folder.filtered.connect(self._save_filter)
        self.folder.bind_unfilter(self.tree_panel.view, listed=False)
        for part in self.folder.state.stand_ins:
            shortcuts.bind("objects.up", part, self.go_up, listed=False)
        self.folder.upload.clicked.connect(self._on_upload)
        self.folder.upload_wanted.connect(self._on_upload)
        self.folder.nearest_wanted.connect(lambda: self.navigation.go_to_nearest(self.prefix))
        self.folder.download.clicked.connect(lambda: self.downloads.ask(self.selected, self.prefix))
        self.object.preview.collect_wanted.connect(
            lambda: self.open_page("collect", self.object.selection[0].key)
        )
        self.context.read_only_changed.connect(self._on_selection)
        self._panes.splitterMoved.connect(self._save_panes)
        self.contents.folder_left.connect(lambda _folder: self.trash.stop())
        self.contents.folder_shown.connect(self._on_folder_shown)
        self.contents.page_shown.connect(self._on_page_shown)
        for name in PAGES:
            shortcuts.bind(f"browser.{name}", self, partial(self.open_page, name))

    @property
    def bucket(self) -> Bucket | None:
        """The current bucket."""
        return self.listing.bucket

    @property
    def prefix(self) -> str:
        """The prefix of the folder shown."""
        return self.listing.prefix

    # Calls from the window

    def _do_workspace(self, workspace: Workspace | None) -> None:
        bucket = workspace.bucket if workspace else None
        self.removal.set_bucket(bucket)
        self.handling.copies.forget()
        self.trash.set_bucket(bucket)
        self.show_list()
        self.contents.set_workspace(workspace)
        self.listing.set_bucket(bucket)
        self.tree_loader.set_bucket(bucket)
        self._on_selection()
        if bucket is None:
            self.contents.reset(("",), "")
            self.folder.show_unconnected(self.choose_profile)
        else:
            wanted = str(self.context.settings.get(self._setting("filter"), ""))
            last = str(self.context.settings.get(self._setting(), ""))
            self.open_folders.restore(last)
            self.listing.show(last)
            # After the folder, since showing another folder clears the filter.
            self.folder.filter.setText(wanted)

    def _do_refresh(self) -> None:
        self.banner.clear()
        if self.contents.page is not None:
            self.contents.page.refresh()
            return
        if self.in_trash:
            self.trash.show()
            return
        self.listing.invalidate()
        self.listing.reload()
        self.tree_loader.reload(self.prefix)

    def _do_filter(self) -> None:
        if self.contents.page is not None:
            self.contents.page.focus_filter()
            return
        field = self.trash_pane.filter if self.in_trash else self.folder.filter
        field.setFocus()
        field.selectAll()

    def _do_change(self, change: Change) -> None:
        if change.kind in (ChangeKind.OBJECTS, ChangeKind.BACKUPS):
            self.handling.copies.forget()
            if self.listing.invalidate(change.prefixes or ("",)):
                self.listing.reload()
            self.tree_loader.reload_changed(change.prefixes or ("",))
            for page in self.contents.pages:
                page.on_change(change)

    def perform(self, action_id: str) -> bool:
        """Upload to the folder shown or focused, or open the field of the path bar."""
        if action_id == "upload":
            self.context.go("uploads", self.object_actions.subject().folder)
        elif action_id == "go_to":
            self._edit_path()
        return action_id in {"upload", "go_to"}

    def searchable(self) -> Sequence[NameSource]:
        """Return bookmarks, the keys and folders listed in this session, and keys of the catalogue."""
        return (self.bookmarks.names(), self.listing.seen_keys, self._catalog_names)

    def open_target(self, target: object) -> None:
        """Show a folder (ending in `/`), an object in its folder, or a page with its argument."""
        if isinstance(target, str):
            self.navigation.go(target)
        elif isinstance(target, tuple):
            self.open_page(*target)

    def _setting(self, what: str = "last") -> str:
        """Return the settings key of the last folder or its filter."""
        workspace = self.context.workspace
        name = f"{workspace.profile.name}/{workspace.profile.bucket}" if workspace else ""
        return f"browser/{what}/{name}"

    def _save_filter(self, text: str) -> None:
        self.context.settings.set(self._setting("filter"), text)

    def _save_panes(self, *_where: int) -> None:
        if not self.object.isHidden():  # else its width would be stored as 0
            self.context.settings.set("browser/panes", self._panes.sizes())

    # Folders

    def go_to(self, prefix: str) -> None:
        """Show a folder."""
        self.show_list()
        if prefix != self.prefix or not self.folder.model.total:
            self.listing.show(prefix)

    def _go_to_bookmark(self, key: str) -> None:
        self.navigation.go(key) if key else self.go_to("")

    def arrive(self, prefix: str, select: str = "") -> None:
        """Show a folder, select a key in it and focus the list."""
        self.show_list()
        self._arriving = True
        self.listing.show(prefix, select=select)

    def on_restored(self, keys: Sequence[str]) -> None:
        """Select restored objects as soon as the folder shown lists them again."""
        if self.in_trash:
            self.trash_pane.remove(tuple(keys))
            self.trash_pane.focus_list()
        else:
            self.listing.select_later(keys)

    def _on_counted(self, counts: Counts) -> None:
        self.listing.seen_keys.set_counted((*counts.keys, *counts.below))
        self.folder.show_total(self.prefix, self.tree_panel.model.total_of(self.prefix))
        self.object.show_totals()

    # The trash

    @property
    def in_trash(self) -> bool:
        """Whether the trash is shown instead of a folder."""
        return self.middle.currentWidget() is self.trash_pane

    def show_trash(self) -> None:
        """List and show the trash."""
        self.show_list()
        self.banner.clear()
        self.middle.setCurrentWidget(self.trash_pane)
        if not self.tree_panel.view.hasFocus():  # opened elsewhere, for example from the menu
            self.trash_pane.focus_soon()
        self.tree_panel.select_trash()
        self.trash.show()
        self._on_selection()

    def _reason_no_trash(self) -> str:
        known = self.tree_panel.model.trash_index().isValid()
        return "" if known else "This bucket is not versioned, so it has no trash."

    def _on_left_trash(self) -> None:
        self.show_list()
        self.folder.focus_list()

    def _edit_path(self) -> None:
        self.show_list()
        self.folder.path.edit()

    def show_list(self) -> None:
        """Show the list of the current folder instead of a page or the trash."""
        self.contents.show_folder()
        if self.in_trash:
            self.trash.stop()
            self.middle.setCurrentWidget(self.folder)
            self.tree_panel.select_folder(self.prefix)
            self._on_selection()

    def go_up(self) -> None:
        """Show the parent folder with this one selected."""
        self.show_list()
        if self.prefix:
            self.listing.show(parent_of(self.prefix), select=self.prefix)

    def open_page(self, name: str, argument: object = None) -> None:
        """Open or raise a page of `PAGES`, and pass it what to show; None for nothing particular.

        Raises:
            KeyError: there is no such page.
        """
        self.contents.open_page(name, argument)

    def _create_page(self, name: str) -> BrowserPage:
        page = PAGES[name].create(self)
        page.object_selected.connect(partial(self._on_object_of_page, page))
        page.selection_changed.connect(self._on_selection)
        return page

    def _on_object_of_page(self, page: BrowserPage, key: str) -> None:
        if page is self.contents.page:
            self.object.show_selection([key_entry(key)] if key else [])

    def _on_page_shown(self, _page: object) -> None:
        set_last_shown(self._panes, shown=not PAGES[str(self.contents.strip.current)].wide)
        self._on_selection()
        if not self.selected:  # else the selection of the folder would seem to be that of the page
            self.object.show_selection([])

    def _on_folder_shown(self, _folder: object) -> None:
        set_last_shown(self._panes, shown=True)
        self.tree_panel.select_folder(self.prefix)
        self._on_selection()

    def _on_moved(self, prefix: str) -> None:
        self.banner.clear()
        self.context.settings.set(self._setting(), prefix)
        self._save_filter("")
        self.tree_panel.select_folder(prefix)

    def _on_missing(self, key: str) -> None:
        if not key.endswith("/"):  # else this folder has disappeared with its last object
            self.banner.show_warning(f"There is no object {key} in this folder.")

    def _on_arrived(self) -> None:
        arriving, self._arriving = self._arriving, False
        # The trash may have been opened before the first folder was listed.
        if (arriving and not self.in_trash) or self.folder.table.hasFocus():
            self.folder.focus_list()

    # Objects

    @property
    def selected(self) -> Sequence[Entry]:
        """The selected rows of the folder or page shown."""
        if self.contents.page is not None:
            return self.contents.page.selected()
        return [] if self.in_trash else self.folder.selected

    def _on_selection(self, *_what: object) -> None:
        entries = self.selected
        connected = self.context.workspace is not None
        self.object_actions.allow(entries, locked=self.context.locked_reason, connected=connected)
        self.folder.download.allow(bool(entries), "Select objects first.")
        writable = connected and not self.context.read_only
        self.folder.upload.allow(writable, self.context.locked_reason or NO_BUCKET)
        if self.in_trash:
            self.object.show_deleted(self.trash_pane.selected)
        elif self.contents.page is None or entries:  # a page may only know a key: `object_selected`
            self.object.show_selection(entries)

    # Actions

    def _on_opened(self, entry: Entry) -> None:
        if entry.folder:
            self.go_to(entry.key)
        else:
            self.object.preview_now()

    def _on_open(self, subject: Subject) -> None:
        for entry in subject.entries[:1]:
            self._on_opened(entry)

    def _on_preview(self, subject: Subject) -> None:
        if subject.of_tree:
            self.object.show_selection(subject.entries)
        self.object.preview_now()

    def _on_upload(self) -> None:
        self.context.go("uploads", self.prefix)
