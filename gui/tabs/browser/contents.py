"""The open folders and pages of the Browser: which of them is shown, and where each folder was."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from core.workspace import Workspace
from gui.tabs.browser.pages import PAGES, BrowserPage
from gui.tabs.browser.strip import Strip

#: Maximum number of folders that “Back” can return to, and of folder tabs that are restored.
_HISTORY, _RESTORED = 100, 20


@dataclass(eq=False, slots=True)
class FolderTab:
    """One open folder.

    Attributes:
        prefix: the folder.
        back, forward: the folders that “Back” and “Forward” return to, the nearest one last.
        selected: the keys that were selected when another tab was shown.
        filter: the filter at that moment.
        scrolled: the scroll position at that moment.
    """

    prefix: str = ""
    back: list[str] = field(default_factory=list)
    forward: list[str] = field(default_factory=list)
    selected: tuple[str, ...] = ()
    filter: str = ""
    scrolled: int = 0

    def move(self, prefix: str) -> None:
        """Note that the tab shows another folder."""
        if prefix != self.prefix:
            self.back = [*self.back[1 - _HISTORY :], self.prefix]
            self.forward.clear()
            self.prefix = prefix

    def step(self, *, back: bool) -> str | None:
        """Return the folder of “Back” or “Forward” and note that it is shown; None if none."""
        source, target = (self.back, self.forward) if back else (self.forward, self.back)
        if not source:
            return None
        target.append(self.prefix)
        self.prefix = source.pop()
        return self.prefix


class Contents(QObject):
    """Shows the current folder or page in the middle of the Browser.

    Args:
        owner: the tab.
        stack: the middle; its first widget is the list of the folder.
        create: returns a page of some kind.

    Signals:
        folder_left: a folder tab is no longer current; its state is to be saved in it.
        folder_shown: a folder tab became current, and its folder is to be shown.
        page_shown: a page became current.
        changed: folder tabs were opened, closed or moved to another folder.
    """

    folder_left = Signal(object)
    folder_shown = Signal(object)
    page_shown = Signal(object)
    changed = Signal()

    def __init__(
        self, owner: QWidget, stack: QStackedWidget, create: Callable[[str], BrowserPage]
    ) -> None:
        super().__init__(owner)
        self._stack, self._create = stack, create
        self._pages: dict[str, BrowserPage] = {}
        self._workspace: Workspace | None = None
        self._shown: object = None
        self.folder = FolderTab()
        self.strip = Strip()
        self.strip.chosen.connect(self._on_chosen)
        self.strip.closed.connect(self._on_closed)
        self.strip.page_wanted.connect(self.open_page)
        self.reset(("",), "")

    @property
    def page(self) -> BrowserPage | None:
        """The current page; None while a folder is shown."""
        return self._pages.get(self._shown) if isinstance(self._shown, str) else None

    @property
    def pages(self) -> tuple[BrowserPage, ...]:
        """All pages that were created."""
        return tuple(self._pages.values())

    @property
    def folders(self) -> list[FolderTab]:
        """The folder tabs in their order."""
        return [each for each in self.strip.all() if isinstance(each, FolderTab)]

    # Folders

    def reset(self, prefixes: Sequence[str], current: str) -> None:
        """Close all pages and open other folders, without showing one."""
        old = list(self.strip.all())
        self.strip.blockSignals(True)  # noqa: FBT003 - Qt's own
        folders = [FolderTab(prefix) for prefix in prefixes[:_RESTORED] if prefix != current]
        at = min(list(prefixes).index(current), len(folders)) if current in prefixes else 0
        self.folder = FolderTab(current)
        folders.insert(at, self.folder)
        for folder in folders:
            self._add(folder)
        for each in old:
            self.strip.remove(each)
        self.strip.choose(self.folder)
        self.strip.blockSignals(False)  # noqa: FBT003 - Qt's own
        self._shown = self.folder
        for page in self._pages.values():
            page.close_page()

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Show another bucket, or none, on all pages."""
        self._workspace = workspace
        for page in self._pages.values():
            page.set_workspace(workspace)

    def open_folder(self, prefix: str) -> None:
        """Open a folder in another tab."""
        folder = FolderTab(prefix)
        self._add(folder)
        self.strip.choose(folder)
        self.changed.emit()

    def show_folder(self) -> None:
        """Show the folder that was shown last."""
        if self._shown is not self.folder:
            self.strip.choose(self.folder)

    def moved(self, prefix: str) -> None:
        """Note that the current folder tab shows another folder."""
        self.folder.move(prefix)
        self._name(self.folder)
        self.changed.emit()

    def _add(self, folder: FolderTab) -> None:
        self.strip.open(folder, title_of(folder.prefix), "folder")
        self._name(folder)

    def _name(self, folder: FolderTab) -> None:
        self.strip.set_title(folder, title_of(folder.prefix), folder.prefix or "The entire bucket")

    # Pages

    def open_page(self, name: str, argument: object = None) -> None:
        """Open or raise a page.

        Raises:
            KeyError: there is no such page.
        """
        if name not in self._pages:
            page = self._create(name)
            self._pages[name] = page
            self._stack.addWidget(page)
            page.set_workspace(self._workspace)
        if self.strip.index_of(name) < 0:
            self.strip.open(name, PAGES[name].label, PAGES[name].icon)
        self._pages[name].open(argument)
        self.strip.choose(name)

    # Tabs

    def close_current(self) -> None:
        """Close the current tab."""
        self._on_closed(self.strip.current)

    def reason_not_to_close(self) -> str:
        """Return why the current tab cannot be closed, or an empty text."""
        only = isinstance(self.strip.current, FolderTab) and len(self.folders) == 1
        return "The only folder cannot be closed." if only else ""

    def _on_chosen(self, what: object) -> None:
        if what is self._shown:
            return
        if isinstance(self._shown, FolderTab):
            self.folder_left.emit(self._shown)
        self._shown = what
        if isinstance(what, FolderTab):
            self.folder = what
            self._stack.setCurrentIndex(0)
            self.folder_shown.emit(what)
        elif isinstance(what, str):
            self._stack.setCurrentWidget(self._pages[what])
            self.page_shown.emit(self._pages[what])

    def _on_closed(self, what: object) -> None:
        if isinstance(what, FolderTab):
            if len(self.folders) == 1:
                return
            if what is self.folder and what is not self._shown:
                # A page is shown, which returns to another folder when it is closed.
                self.folder = next(each for each in self.folders if each is not what)
        elif isinstance(what, str):
            self._pages[what].close_page()
            if what == self._shown:
                self.strip.choose(self.folder)
        self.strip.remove(what)
        self.changed.emit()


def title_of(prefix: str) -> str:
    """Return the title of a folder tab: the last part of its prefix."""
    return prefix.removesuffix("/").rpartition("/")[2] or ("(empty name)" if prefix else "Bucket")
