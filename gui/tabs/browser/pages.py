"""The pages that open beside the folders of the Browser: search, coverage, collections, queries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from core.model.change import Change
from core.workspace import Workspace
from gui.shortcuts import explain
from gui.tabs.browser.folder_rows import Entry


class BrowserPage(QWidget):
    """One page; it is created when it is first opened, and hidden when its tab is closed.

    Signals:
        object_selected: the key that the object pane should show; empty for none.
        selection_changed: other rows are selected, so other actions may be possible.
    """

    object_selected = Signal(str)
    selection_changed = Signal()

    def open(self, argument: object) -> None:
        """Show what the caller of `BrowserTab.open_page` passed; None for no particular content."""

    def close_page(self) -> None:
        """Stop work that only matters while the page is open."""

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Show another bucket, or none; called before `open` and whenever the bucket changes."""

    def selected(self) -> Sequence[Entry]:
        """Return the selected objects, to which the actions of the list apply."""
        return []

    def refresh(self) -> None:
        """Reload the content (F5)."""

    def focus_filter(self) -> None:
        """Focus the field that filters the content (Ctrl+F)."""
        explain(self, "There is nothing to filter on this page.")

    def on_change(self, change: Change) -> None:
        """Handle a change of objects, possibly made by another view."""


@dataclass(frozen=True, slots=True)
class PageKind:
    """A kind of page.

    Attributes:
        label: the title of its tab.
        icon: an icon of `resources/icons`.
        create: returns the page of a `BrowserTab`, which imports this module itself.
        wide: whether it uses the area of the object pane too.
    """

    label: str
    icon: str
    create: Callable[[Any], BrowserPage]
    wide: bool = False


@dataclass(frozen=True, slots=True)
class FolderPlace:
    """A folder to be queried, as the argument of `BrowserTab.open_page`."""

    prefix: str


def _creator(package: str) -> Callable[[Any], BrowserPage]:
    """Return `create` of a package's module `page`, which is imported when it is first called."""
    # Pages need numpy or DuckDB, which take longer to load than the window may.
    return lambda tab: import_module(f"gui.tabs.browser.{package}.page").create(tab)


#: All pages in the order of their buttons, by name. The text and keys of a page are in the row
#: `browser.<name>` of `gui.actions.ACTIONS`.
PAGES: dict[str, PageKind] = {
    "search": PageKind("Search", "search", _creator("search")),
    "coverage": PageKind("Coverage", "calendar", _creator("coverage"), wide=True),
    "collect": PageKind("Collect", "table", _creator("collect"), wide=True),
    "query": PageKind("Query", "database", _creator("query"), wide=True),
}
