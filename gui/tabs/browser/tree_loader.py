"""Loads the folder tree: folders when they are expanded, and the counts."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject, Signal

from core.errors import StorageError
from core.objects.bucket import Bucket
from core.objects.trash import has_trash
from gui.tabs.base import Tab
from gui.tabs.browser.counting import count_below, stored_counts
from gui.tabs.browser.loading import Page, load_level
from gui.tabs.browser.tree_model import State
from gui.tabs.browser.tree_panel import TreePanel

#: Loading a folder of the tree stops after this many rows: ten requests, since files do not show.
ROWS_AT_ONCE = 10_000
#: Folders that are reloaded after a change; for more, only the first level of the bucket.
_PARENTS = 10


class TreeLoader(QObject):
    """Loads what the folder tree requests.

    Signals:
        counted: the `Counts` of the bucket have arrived.
    """

    counted = Signal(object)

    def __init__(self, tab: Tab, places: TreePanel) -> None:
        super().__init__(tab)
        self._tab, self._places = tab, places
        self.bucket: Bucket | None = None
        places.model.wanted.connect(self._on_wanted)
        self.counted.connect(places.show_counts)

    def set_bucket(self, bucket: Bucket | None) -> None:
        """Show another bucket, or none."""
        self.bucket = bucket
        self._places.clear()
        if bucket is not None:
            self._places.model.load("")
            self.count()
            self._tab.run(
                "Check whether the bucket is versioned", lambda work: has_trash(bucket, work=work),
                lambda found: self._places.model.show_trash(shown=found),
                failed=_no_trash, latest="browser/trash-known", quiet=True,
            )  # fmt: skip

    def reload(self, prefix: str) -> None:
        """Reload a folder of the tree, and the counts."""
        # A folder that is not in the tree is new: the first level may have to show it.
        known = self._places.model.index_of(prefix).isValid()
        self._places.model.load(prefix if known else "", reload=True)
        self.count()

    def reload_changed(self, prefixes: Iterable[str]) -> None:
        """Reload the folders whose sub-folders may have changed, and the counts.

        Args:
            prefixes: the folders whose objects have changed.
        """
        if self.bucket is None:
            return
        model = self._places.model
        parents = {self._nearest(prefix) for prefix in prefixes}
        for parent in parents if len(parents) <= _PARENTS else ("",):
            if model.state_of(parent) is not State.UNKNOWN:  # else it is loaded when it is expanded
                model.load(parent, reload=True)
        self.count()

    def _nearest(self, prefix: str) -> str:
        """Return the nearest parent folder in the tree, at last the bucket."""
        parent = prefix
        while parent:
            parent = parent.rstrip("/").rpartition("/")[0]
            parent = f"{parent}/" if parent else ""
            if self._places.model.index_of(parent).isValid():
                break
        return parent

    def count(self) -> None:
        """Count the objects below every folder, up to the limit."""
        bucket = self.bucket
        if bucket is not None:
            self._tab.run(
                "Count objects",
                lambda work: stored_counts(bucket, work) or count_below(bucket, work),
                self.counted.emit,
                failed=_left_to_the_folders, latest="browser/count", quiet=True,
            )  # fmt: skip

    def _on_wanted(self, prefix: str, token: str | None) -> None:
        bucket = self.bucket
        if bucket is None:
            return
        pages = _Pages(self._places, prefix, fresh=token is None)
        self._tab.run(
            f"Open {prefix or bucket.name}",
            lambda work: load_level(bucket, prefix, token, ROWS_AT_ONCE, work),
            batch=pages.add,
            failed=lambda error: self._places.show_failed(prefix, error),
            latest=f"browser/tree/{prefix}",
            quiet=True,
        )


class _Pages:
    """Collects the pages of one folder; the first page of a new listing replaces the old ones."""

    def __init__(self, places: TreePanel, prefix: str, *, fresh: bool) -> None:
        self._places, self._prefix, self._first = places, prefix, fresh

    def add(self, page: Page) -> None:
        """Pass a page to the tree."""
        first, self._first = self._first, False
        self._places.model.add_page(
            self._prefix, page.rows.folders, len(page.rows.keys), page.token, first=first
        )
        self._places.continue_selection(self._prefix)


def _no_trash(_error: StorageError) -> None:
    """Show no trash, since it is unknown whether the bucket is versioned."""


def _left_to_the_folders(_error: StorageError) -> None:
    """Ignore the failure: folders show their own errors, and counts are optional."""
