"""Connects the folder tabs with the list: each tab returns to its rows, selection and history."""

from __future__ import annotations

from PySide6.QtCore import QObject

from gui import shortcuts
from gui.tabs.base import Tab
from gui.tabs.browser.contents import Contents, FolderTab
from gui.tabs.browser.folder_pane import FolderPane
from gui.tabs.browser.listing import Listing


class OpenFolders(QObject):
    """Saves where a folder tab was, shows another one there, and goes back and forward in it."""

    def __init__(self, tab: Tab, contents: Contents, pane: FolderPane, listing: Listing) -> None:
        super().__init__(tab)
        self._tab, self._contents, self._pane, self._listing = tab, contents, pane, listing
        # The folder tab whose rows and selection the list has.
        self._listed = contents.folder
        contents.folder_left.connect(self._on_left)
        contents.folder_shown.connect(self._on_shown)
        contents.changed.connect(self._on_changed)
        contents.strip.new_wanted.connect(self.open_another)
        listing.moved.connect(contents.moved)
        pane.back.clicked.connect(lambda: self.step(back=True))
        pane.forward.clicked.connect(lambda: self.step(back=False))
        shortcuts.bind("browser.back", tab, lambda: self.step(back=True), self._no_back)
        shortcuts.bind("browser.forward", tab, lambda: self.step(back=False), self._no_forward)
        shortcuts.bind("browser.new_tab", tab, self.open_another)
        shortcuts.bind(
            "browser.close_tab", tab, contents.close_current, contents.reason_not_to_close
        )
        shortcuts.bind("browser.next_tab", tab, lambda: contents.strip.step(1), self._only)
        shortcuts.bind("browser.previous_tab", tab, lambda: contents.strip.step(-1), self._only)
        self._allow()

    def restore(self, last: str) -> None:
        """Open the folders of the last session with this bucket, without showing one.

        Args:
            last: the folder that was shown.
        """
        stored = self._tab.context.settings.get(self._setting(), [])
        prefixes = [str(each) for each in stored] if isinstance(stored, list) else []
        self._contents.reset(prefixes if last in prefixes else [last], last)
        self._listed = self._contents.folder
        self._allow()

    def open_another(self) -> None:
        """Open the current folder once more, in a tab beside it."""
        self._contents.open_folder(self._listing.prefix)

    def step(self, *, back: bool) -> None:
        """Go back to the folder shown before, or forward again."""
        self._contents.show_folder()
        former = self._listing.prefix
        prefix = self._contents.folder.step(back=back)
        if prefix is not None:
            inside = former.startswith(prefix)
            rest = former[len(prefix) :].partition("/")[0]
            self._listing.show(prefix, select=f"{prefix}{rest}/" if inside and rest else "")

    def _only(self) -> str:
        single = self._contents.strip.bar.count() == 1
        return "There is no other folder tab or page." if single else ""

    def _no_back(self) -> str:
        return "" if self._contents.folder.back else "There is no former folder."

    def _no_forward(self) -> str:
        return "" if self._contents.folder.forward else "There is no next folder."

    def _on_left(self, folder: FolderTab) -> None:
        folder.selected = tuple(entry.key for entry in self._pane.selected)
        folder.filter = self._pane.filter.text()
        folder.scrolled = self._pane.table.verticalScrollBar().value()

    def _on_shown(self, folder: FolderTab) -> None:
        """Show the folder of a tab as it was; after a page, its rows still exist."""
        if folder is not self._listed:
            self._listed = folder
            self._listing.show(folder.prefix)
            self._pane.filter.setText(folder.filter)
            self._pane.scroll_later(folder.scrolled)
            self._listing.select_later(folder.selected)
        self._allow()

    def _on_changed(self) -> None:
        prefixes = [each.prefix for each in self._contents.folders]
        self._tab.context.settings.set(self._setting(), prefixes)
        self._allow()

    def _allow(self) -> None:
        self._pane.back.allow(not self._no_back(), self._no_back())
        self._pane.forward.allow(not self._no_forward(), self._no_forward())

    def _setting(self) -> str:
        workspace = self._tab.context.workspace
        name = f"{workspace.profile.name}/{workspace.profile.bucket}" if workspace else ""
        return f"browser/tabs/{name}"
