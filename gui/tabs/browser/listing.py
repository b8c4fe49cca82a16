"""Lists folders page by page for the centre column, and caches the most recent ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os.path import commonprefix

from PySide6.QtCore import QObject, Signal

from core.errors import StorageError
from core.objects.bucket import Bucket
from core.preview.releasing import hand_over_pages
from core.transfer.selection import folder_of
from gui.models.names import SeenKeys
from gui.tabs.base import Tab
from gui.tabs.browser.folder_pane import FolderPane
from gui.tabs.browser.loading import ROWS_AT_ONCE, Page, load_level
from gui.tasks import Task

#: How many folders are cached, and the number of rows above which a folder is not: about 80 MB.
_CACHED_FOLDERS, _CACHED_ROWS = 40, 250_000
#: Up to this many rows are selected again after a refresh; finding more takes too long.
_SELECTED_AGAIN = 20_000
#: The number of rows of all cached folders together.
_ALL_CACHED_ROWS = 500_000

Keys = Callable[[], Sequence[str]]


@dataclass(slots=True)
class _CachedFolder:
    """The cached pages of a folder, shown at once when the user returns to it.

    Attributes:
        pages: the pages, or only the last ones if it was too large before.
        token: what continues the listing.
        complete: whether `pages` are the complete folder.
        too_large: whether pages were dropped.
    """

    pages: list[Page] = field(default_factory=list)
    token: str | None = None
    complete: bool = False
    too_large: bool = False

    def __del__(self) -> None:
        """Let the window free the texts a few at a time, unless they are shown."""
        for page in self.pages:
            hand_over_pages(page.rows.texts)

    @property
    def rows(self) -> int:
        """The number of rows."""
        return sum(len(page.rows) for page in self.pages)

    def has(self, key: str) -> bool:
        """Whether the folder is completely listed and contains a key, if one is given."""
        pages = (page.rows.folders if key.endswith("/") else page.rows.keys for page in self.pages)
        return self.complete and (not key or any(key in keys for keys in pages))


class Listing(QObject):
    """Loads the rows of the folder shown.

    Signals:
        moved: a different prefix is shown.
        missing: the key to select is not in the folder.
        arrived: the folder is listed to its end or to the limit.
    """

    moved = Signal(str)
    missing = Signal(str)
    arrived = Signal()

    def __init__(self, tab: Tab, pane: FolderPane) -> None:
        super().__init__(tab)
        self._tab, self._pane = tab, pane
        self._cache: dict[str, _CachedFolder] = {}
        self._task: Task | None = None
        self._wanted = ""
        #: Returns the keys to select once the folder is listed.
        self._selected: Keys | None = None
        #: Keys and folders that the search (Ctrl+K) finds.
        self.seen_keys = SeenKeys()
        self.bucket: Bucket | None = None
        self.prefix = ""
        pane.stop_wanted.connect(self.stop)
        pane.more_wanted.connect(self.more)

    def set_bucket(self, bucket: Bucket | None) -> None:
        """Use another bucket, or none."""
        self.stop()
        self._cache.clear()
        self.seen_keys.clear()
        self.bucket, self.prefix, self._wanted = bucket, "", ""

    def show(self, prefix: str, *, select: str = "", fresh: bool = False) -> None:
        """Show a folder and select a key in it; `fresh` ignores the cache."""
        if self.bucket is None:
            return
        self._cancel()
        self._wanted, self._selected = select, None
        moved = prefix != self.prefix
        self.prefix = prefix
        self._pane.show_rows_of(prefix)
        if moved:
            self.moved.emit(prefix)
        # A cached folder without the key to select may be older than the object: list it again.
        seen = self._cache.get(prefix)
        if seen is not None and seen.has(select) and not fresh:
            for page in seen.pages:
                self._show_page(page)
            self._finish(more=False)
            return
        self._cache.pop(prefix, None)
        self._list(self.bucket, prefix, None)

    def reload(self) -> None:
        """List the folder again; the selection stays."""
        select, several = self._select_again()
        self.show(self.prefix, select=self._wanted or select, fresh=True)
        self._selected = several

    def select_remaining(self) -> None:
        """Note after a removal of rows that a running listing is to select the rows selected now."""
        if self._task is not None:
            self._wanted, self._selected = self._select_again()

    def _select_again(self) -> tuple[str, Keys | None]:
        """Return the single selected key, or else what returns those that are selected again."""
        chosen = self._pane.selected
        # A single key is selected as soon as its page arrives, several at the end of the listing.
        if len(chosen) == 1:
            return chosen[0].key, None
        return "", (lambda: chosen.all_keys) if 0 < len(chosen) <= _SELECTED_AGAIN else None

    def select_later(self, keys: Sequence[str]) -> None:
        """Select the rows of some keys once the listing has ended."""
        prefix = self.prefix
        self._selected = (lambda: rows_of(prefix, keys)) if keys else None
        self._wanted = ""
        if self._task is None:
            self._select_rest()

    def _select_rest(self) -> None:
        keys, self._selected = self._selected, None
        if keys is not None:
            self._pane.select_all_of(keys)

    def invalidate(self, prefixes: tuple[str, ...] = ("",)) -> bool:
        """Remove changed folders from the cache; return whether the one shown is among them."""
        for known in list(self._cache):
            if any(related(known, prefix) for prefix in prefixes):
                del self._cache[known]
        return any(related(self.prefix, prefix) for prefix in prefixes)

    def stop(self) -> None:
        """Stop the listing."""
        if self._cancel():
            self._pane.finished(more=self._token() is not None)

    def more(self) -> None:
        """Continue a listing that stopped."""
        if self.bucket is not None and self._token() is not None:
            self._pane.show_listing(running=True, more=False)
            self._list(self.bucket, self.prefix, self._token())

    def _cancel(self) -> bool:
        running = self._task is not None and self._task.running
        if running and self._task is not None:
            self._task.cancel()
        self._task = None
        return running

    def _token(self) -> str | None:
        seen = self._cache.get(self.prefix)
        return None if seen is None else seen.token

    def _list(self, bucket: Bucket, prefix: str, token: str | None) -> None:
        self._task = self._tab.run(
            f"List {prefix or bucket.name}",
            lambda work: load_level(bucket, prefix, token, ROWS_AT_ONCE, work),
            lambda token: self._on_listed(prefix, token),
            batch=lambda page: self._on_page(prefix, page),
            failed=lambda error: self._on_failed(prefix, error),
            latest="browser/folder",
            quiet=True,
        )

    def _on_page(self, prefix: str, page: Page) -> None:
        if prefix != self.prefix:
            return  # the user has opened another folder since the page was requested
        seen = self._cache.setdefault(prefix, _CachedFolder())
        keys = (*page.rows.folders, *page.rows.keys)
        self.seen_keys.add(prefix, keys, first=not seen.pages)
        seen.pages.append(page)
        seen.token = page.token
        self._show_page(page)

    def _show_page(self, page: Page) -> None:
        if self._pane.add(page, self._wanted):
            self._wanted = ""

    def _on_listed(self, prefix: str, token: str | None) -> None:
        if prefix != self.prefix:
            return
        seen = self._cache.setdefault(prefix, _CachedFolder())
        seen.complete = token is None and not seen.too_large
        self._trim(prefix, seen)
        self._finish(more=token is not None)

    def _finish(self, *, more: bool) -> None:
        self._task = None
        self._pane.finished(more=more)
        self._select_rest()
        if self._wanted and not more:  # an unlisted rest of the folder may contain the key
            key, self._wanted = self._wanted, ""
            self.missing.emit(key)
        self.arrived.emit()

    def _trim(self, prefix: str, seen: _CachedFolder) -> None:
        """Cache the folder if it is small; only the most recent ones are retained."""
        # The entry stays with its token, which “Load more” needs, but without pages.
        if seen.rows > _CACHED_ROWS:
            # Their rows are shown now.
            seen.complete, seen.pages, seen.too_large = False, [], True
        left = sum(each.rows for each in self._cache.values())
        for oldest in list(self._cache):
            if len(self._cache) <= _CACHED_FOLDERS and left <= _ALL_CACHED_ROWS:
                return
            if oldest != prefix:
                left -= self._cache.pop(oldest).rows

    def _on_failed(self, prefix: str, error: StorageError) -> None:
        self._cache.pop(prefix, None)
        if prefix == self.prefix:
            self._task = None
            self._pane.failed(error)
            # The age of the rows states the failure; the result of the change that has caused this
            # refresh is only in the message.
            if not (self._pane.model.total and self._tab.banner.text):
                self._tab.show_error(error, self.reload)


def related(prefix: str, other: str) -> bool:
    """Return whether one prefix contains the other."""
    return prefix.startswith(other) or other.startswith(prefix)


def rows_of(prefix: str, keys: Sequence[str]) -> list[str]:
    """Return the rows of a folder that contain some keys: the keys themselves, or sub-folders."""
    start = len(prefix)
    # Without a call for each key: the window does this for 50,000 keys at once.
    rows = [
        key if (slash := key.find("/", start)) < 0 else key[: slash + 1]
        for key in keys
        if key.startswith(prefix)
    ]
    return list(dict.fromkeys(rows))


def parent_of(key: str) -> str:
    """Return the prefix of the parent folder of a key or folder."""
    head, slash, _ = key.removesuffix("/").rpartition("/")
    return head + slash


def common_folder(keys: Sequence[str]) -> str:
    """Return the prefix of the deepest folder that contains all of some objects and folders."""
    parents = [parent_of(key) for key in keys]
    # The smallest and the largest text share the least, so their common start is that of all.
    first, last = min(parents), max(parents)
    start = commonprefix([first, last])  # noqa: RUF071 - keys are texts; cut at a slash below
    return first if first == last else folder_of(start)
