"""Bookmarks and recent folders of a bucket, in a menu beside the path."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QMenu

from gui import shortcuts
from gui.models.names import Name, NameList
from gui.tabs.base import Tab
from gui.tabs.browser.folder_pane import FolderPane
from gui.tabs.browser.listing import Listing
from gui.widgets.labels import shown, tooltip

#: Maximum number of bookmarks and of recent folders.
_BOOKMARKS, _RECENT = 100, 12
#: Milliseconds after which an opened folder counts as visited, and not only passed.
_VISITED_MS = 1_500
_NO_BUCKET = "Connect to a bucket first."


class Bookmarks(QObject):
    """The bookmarked folders and objects of the current bucket, and the folders visited last.

    Args:
        tab: the Browser tab.
        pane: the list of the folder, which has the button.
        listing: the folder shown.
        go: goes to a prefix or key.
    """

    def __init__(
        self, tab: Tab, pane: FolderPane, listing: Listing, go: Callable[[str], object]
    ) -> None:
        super().__init__(tab)
        self._tab, self._pane, self._listing, self._go = tab, pane, listing, go
        self.menu = QMenu(pane.bookmarks)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self._fill)
        pane.bookmarks.setMenu(self.menu)
        self._visited = QTimer(self)
        self._visited.setSingleShot(True)
        self._visited.setInterval(_VISITED_MS)
        self._visited.timeout.connect(self._on_visited)
        listing.moved.connect(lambda _prefix: self._visited.start())
        shortcuts.bind("browser.bookmark", tab, self.toggle, self._reason)
        shortcuts.bind("browser.bookmarks", tab, pane.bookmarks.showMenu, self._reason)

    def all(self) -> list[str]:
        """Return the bookmarked keys and prefixes, the oldest first."""
        return self._stored("bookmarks")

    def recent(self) -> list[str]:
        """Return the folders visited last, the latest first."""
        return self._stored("recent")

    def names(self) -> NameList:
        """Return the bookmarks for the search (Ctrl+K)."""
        return NameList(Name("Bookmark", key, key) for key in self.all() if key)

    def toggle(self) -> None:
        """Add the folder shown to the bookmarks, or remove it."""
        prefix = self._listing.prefix
        self.toggle_all([prefix])
        name = prefix or "The entire bucket"
        added = prefix in self.all()
        text = f"{name} is bookmarked." if added else f"{name} is no longer bookmarked."
        shortcuts.explain(self._tab, text)

    def toggle_all(self, keys: Sequence[str]) -> None:
        """Add keys to the bookmarks or, if all of them are bookmarks, remove them."""
        before = self.all()
        if all(key in before for key in keys):
            after = [key for key in before if key not in keys]
        else:
            after = [*before, *(key for key in keys if key not in before)][-_BOOKMARKS:]
        self._tab.context.settings.set(self._setting("bookmarks"), after)

    def _reason(self) -> str:
        return _NO_BUCKET if self._listing.bucket is None else ""

    def _on_visited(self) -> None:
        prefix = self._listing.prefix
        if prefix and self._listing.bucket is not None:
            others = [each for each in self.recent() if each != prefix]
            self._tab.context.settings.set(self._setting("recent"), [prefix, *others][:_RECENT])

    def _fill(self) -> None:
        """Fill the menu when it opens."""
        menu, prefix = self.menu, self._listing.prefix
        menu.clear()
        if self._reason():
            menu.addAction(_NO_BUCKET).setEnabled(False)
            return
        marked = prefix in self.all()
        entry = shortcuts.menu_action("browser.bookmark", menu, self.toggle)
        entry.setText("Remove this folder from the bookmarks" if marked else entry.text())
        menu.addAction(entry)
        for title, keys in (("Bookmarks", self.all()), ("Recent folders", self.recent())):
            if keys:
                menu.addSeparator()
                # The title of `addSection` is not drawn with a style sheet.
                menu.addAction(title).setEnabled(False)
            for key in keys:
                self._add(key)

    def _add(self, key: str) -> None:
        # An ampersand would underline the next letter.
        text = shown(key).replace("&", "&&") or "The entire bucket"
        text = text if len(text) <= 60 else f"…{text[-59:]}"
        entry = self.menu.addAction(text, lambda: self._go(key))
        entry.setToolTip(tooltip(key or "The entire bucket"))

    def _stored(self, what: str) -> list[str]:
        stored = self._tab.context.settings.get(self._setting(what), [])
        return [str(each) for each in stored] if isinstance(stored, list) else []

    def _setting(self, what: str) -> str:
        workspace = self._tab.context.workspace
        name = f"{workspace.profile.name}/{workspace.profile.bucket}" if workspace else ""
        return f"browser/{what}/{name}"
