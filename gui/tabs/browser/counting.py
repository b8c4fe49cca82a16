"""Totals of each folder: number of objects, bytes, and the time of the newest object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from core.objects.bucket import Bucket
from core.objects.level import modified_of
from core.objects.listing import list_pages
from core.objects.pages import Columns
from core.units import (
    format_count,
    format_counted,
    format_date,
    format_moment,
    format_size,
    in_zone,
)
from core.work import Work
from gui.tabs.browser.folder_columns import Entries
from gui.tabs.browser.folder_model import FolderModel
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.tree_model import Total

#: Counting the bucket stops after this many objects: 50 requests, about 0.0003 USD.
COUNTED_AT_MOST = 50_000
#: Depth of folders and age of the catalogue up to which its totals are used for larger buckets.
_STORED_DEPTH, _STORED_AGE = 5, timedelta(days=1)
#: Counting a selected folder stops after this many objects: ten requests.
FOLDER_AT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Counts:
    """The totals of each folder (a prefix that ends in `/`) and of the bucket.

    `until` is the last key that was counted, None when all were. `keys` are the counted keys in
    order, which the search (Ctrl+K) uses.
    """

    total: Total
    below: Mapping[str, Total]
    until: str | None = None
    keys: tuple[str, ...] = ()


@dataclass(slots=True)
class _Sum:
    """Count, bytes, and the newest time as the server wrote it, whose texts can be compared."""

    count: int = 0
    size: int = 0
    # As text: times of one format compare alike, which saves parsing one for each object.
    newest: str = ""

    def add(self, count: int, size: int, newest: str) -> None:
        """Add objects to the total."""
        self.count += count
        self.size += size
        self.newest = max(self.newest, newest)

    def total(self) -> Total:
        """Return the total as the models use it."""
        newest = modified_of(self.newest) if self.newest else None
        return Total(self.count, self.size, newest)


def count_below(bucket: Bucket, work: Work) -> Counts:
    """Count the objects below every prefix, up to the first 50,000 objects of the bucket.

    Raises:
        StorageError: the bucket cannot be listed.
    """
    folders: dict[str, _Sum] = {}
    keys: list[str] = []
    until: str | None = None
    for page in list_pages(bucket, work=work, fan_out=1):  # one page after another, in key order
        _add_page(folders, page)
        keys.extend(page.keys)
        if len(keys) >= COUNTED_AT_MOST:
            until = page.keys[-1]
            break
        work.check()
    below = below_each(folders)
    everything = below.pop("", _Sum()).total()
    return Counts(
        everything, {key: each.total() for key, each in below.items()}, until, tuple(keys)
    )


def stored_counts(bucket: Bucket, work: Work) -> Counts | None:
    """Return the totals of the catalogue of a large bucket, without a request.

    None if counting reaches all objects, or if the keys were not listed within a day.
    """
    from core.catalog.catalog import Catalog
    from core.catalog.totals import folder_totals

    catalog = Catalog(bucket)
    state, age = catalog.state, catalog.age()
    # A count of few objects takes few requests, and is not older than the folders beside it.
    if state is None or age is None or state.objects <= COUNTED_AT_MOST or age > _STORED_AGE:
        return None
    found = {
        name: Total(each.objects, each.size, each.newest)
        for name, each in folder_totals(catalog, _STORED_DEPTH, work).items()
    }
    return Counts(found.pop(""), found)


def count_folder(bucket: Bucket, prefix: str, work: Work) -> tuple[Total, bool]:
    """Return the total of one prefix, and whether it is complete; makes at most ten requests.

    Raises:
        StorageError: the folder cannot be listed.
    """
    found = _Sum()
    for page in list_pages(bucket, prefix, work=work, fan_out=1):
        found.add(len(page), sum(page.sizes), max(page.modified, default=""))
        if found.count >= FOLDER_AT_MOST:
            return found.total(), False
        work.check()
    return found.total(), True


def _add_page(folders: dict[str, _Sum], page: Columns) -> None:
    """Add each object of a page to the total of its folder."""
    for key, size, modified in zip(page.keys, page.sizes, page.modified, strict=True):
        folder = key[: key.rfind("/") + 1]
        if folder not in folders:
            folders[folder] = _Sum()
        folders[folder].add(1, size, modified)


def below_each(folders: Mapping[str, _Sum]) -> dict[str, _Sum]:
    """Return the totals of all prefixes, computed from those of single folders; empty is the bucket."""
    below: dict[str, _Sum] = {}
    for folder, each in folders.items():
        for prefix in _prefixes(folder):
            below.setdefault(prefix, _Sum()).add(each.count, each.size, each.newest)
    return below


def _prefixes(folder: str) -> Iterable[str]:
    """Yield the prefixes of a folder from the outermost: the empty one, `a/`, `a/b/`."""
    yield ""
    at = folder.find("/")
    while at >= 0:
        yield folder[: at + 1]
        at = folder.find("/", at + 1)


def total_text(total: Total, *, complete: bool, day: bool = False) -> str:
    """Return `741 objects · 3.2 MB · newest 15 Jan 2024 10:00:00 UTC`.

    Args:
        total: what was counted.
        complete: False if there may be more; the count then has a plus, as in the tree.
        day: show only the date of the newest object, for narrow places.
    """
    count, size, *_newest = total_lines(total, complete=complete)
    if total.newest is None:
        return f"{count} · {size}"
    newest = format_date(in_zone(total.newest)) if day else format_moment(total.newest)
    return f"{count} · {size} · newest {newest}"


def total_lines(total: Total, *, complete: bool) -> list[str]:
    """Return the count, the size and the newest object of a total as separate lines."""
    size = format_size(total.size)
    lines = (
        [format_counted(total.count, "object"), size]
        if complete
        else [f"{format_count(total.count)}+ objects", f"at least {size}"]
    )
    newest = [] if total.newest is None else [f"newest {format_moment(total.newest)}"]
    return lines + newest


def list_text(model: FolderModel, *, more: bool, below: tuple[Total, bool] | None) -> str:
    """Return the summary of a listed folder, with the count that the tree shows for it.

    Args:
        model: the listed rows.
        more: whether the listing is running or stopped before its end.
        below: the total of the folder and whether it is complete; None while it is unknown.
    """
    rows, total = model.rowCount(), model.total
    if more:
        entries = f"{format_count(total)}+ entries"
    else:
        entries = "1 entry" if total == 1 else f"{format_count(total)} entries"
    if rows != total:
        return f"{format_count(rows)} of {entries} · {format_size(model.total_size)}"
    if total and not model.has_folders:
        return total_text(Total(total, model.total_size, model.newest), complete=not more, day=True)
    return (
        entries
        if below is None
        else f"{entries} · {total_text(below[0], complete=below[1], day=True)}"
    )


def selection_text(
    chosen: Sequence[Entry], total_of: Callable[[str], tuple[Total, bool] | None]
) -> str:
    """Return the number of selected rows and their known total."""
    size, keys = summary_of(chosen)
    folders = [total_of(key) for key in keys]
    known = [each for each in folders if each is not None]
    complete = len(known) == len(folders) and all(all_of_it for _total, all_of_it in known)
    size += sum(total.size for total, _all_of_it in known)
    selected = format_count(len(chosen))
    if not folders:
        return f"{selected} selected · {format_size(size)}"
    count = len(chosen) - len(folders) + sum(total.count for total, _all_of_it in known)
    objects, bytes_ = total_lines(Total(count, size), complete=complete)
    return f"{selected} selected · {objects} · {bytes_}"


def summary_of(chosen: Sequence[Entry]) -> tuple[int, list[str]]:
    """Return the total size of selected objects in bytes, and the keys of selected folders."""
    if isinstance(chosen, Entries):  # without creating an entry for each of possibly 200,000 rows
        return chosen.size, chosen.folders
    return sum(entry.row.size for entry in chosen if entry.row), folders_of(chosen)


def folders_of(chosen: Sequence[Entry]) -> list[str]:
    """Return the keys of selected folders."""
    if isinstance(chosen, Entries):
        return chosen.folders
    return [entry.key for entry in chosen if entry.folder]
