"""How much lies below each folder: number of objects, bytes, and the newest one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

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
from gui.models.folder_model import Entry, FolderModel
from gui.models.tree_model import Total

#: Counting the bucket stops here by itself: fifty requests, about 0.0003 USD.
COUNTED_AT_MOST = 50_000
#: Counting one selected folder stops here: ten requests.
FOLDER_AT_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Counts:
    """What lies below each prefix that ends in `/`, and in all of the bucket.

    `until` is the last key counted, None when all are. `keys` are the keys that were counted, in
    order: the search (Ctrl+K) finds them.
    """

    total: Total
    below: Mapping[str, Total]
    until: str | None = None
    keys: tuple[str, ...] = ()


@dataclass(slots=True)
class _Sum:
    """Count, bytes, and the newest moment as the server wrote it: in one form, so texts compare."""

    count: int = 0
    size: int = 0
    newest: str = ""

    def add(self, count: int, size: int, newest: str) -> None:
        """Add objects."""
        self.count += count
        self.size += size
        self.newest = max(self.newest, newest)

    def total(self) -> Total:
        """Return the sum as the window shows it."""
        newest = modified_of(self.newest) if self.newest else None
        return Total(self.count, self.size, newest)


def count_below(bucket: Bucket, work: Work) -> Counts:
    """Count what lies below every prefix of the bucket, the first 50,000 objects of it.

    Raises:
        StorageError: the bucket cannot be listed.
    """
    folders: dict[str, _Sum] = {}
    keys: list[str] = []
    until: str | None = None
    for page in list_pages(bucket, work=work, fan_out=1):  # one after the other: in order of keys
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


def count_folder(bucket: Bucket, prefix: str, work: Work) -> tuple[Total, bool]:
    """Return what lies below one prefix, and whether that is all: ten requests at most.

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
    """Add each object of a page to the folder in which it lies."""
    for key, size, modified in zip(page.keys, page.sizes, page.modified, strict=True):
        folder = key[: key.rfind("/") + 1]
        if folder not in folders:
            folders[folder] = _Sum()
        folders[folder].add(1, size, modified)


def below_each(folders: Mapping[str, _Sum]) -> dict[str, _Sum]:
    """Return the sums below every prefix, empty for the bucket, from those of single folders."""
    below: dict[str, _Sum] = {}
    for folder, each in folders.items():
        for prefix in _prefixes(folder):
            below.setdefault(prefix, _Sum()).add(each.count, each.size, each.newest)
    return below


def _prefixes(folder: str) -> Iterable[str]:
    """Yield the prefixes of a folder: the empty one, `a/`, `a/b/`."""
    yield ""
    at = folder.find("/")
    while at >= 0:
        yield folder[: at + 1]
        at = folder.find("/", at + 1)


def total_words(total: Total, *, whole: bool, day: bool = False) -> str:
    """Return `741 objects · 3.2 MB · newest 15 Jan 2024 10:00:00 UTC`.

    Args:
        total: what was counted.
        whole: False if there may be more: the count then has a plus, as in the tree.
        day: give the day of the newest object only, where there is little room.
    """
    noun = "object" if total.count == 1 and whole else "objects"
    words = [f"{format_count(total.count)}{'' if whole else '+'} {noun}"]
    words.append(format_size(total.size) if whole else f"at least {format_size(total.size)}")
    if total.newest is not None:
        newest = format_date(in_zone(total.newest)) if day else format_moment(total.newest)
        words.append(f"newest {newest}")
    return " · ".join(words)


def list_words(model: FolderModel, *, more: bool, below: tuple[Total, bool] | None) -> str:
    """Return what a listed folder holds, with the number that the tree shows for it.

    Args:
        model: the rows that are listed.
        more: whether the listing runs or stopped before its end.
        below: what lies below the folder, and whether that is all; None while it is not known.
    """
    rows, total = model.rowCount(), model.total
    entries = f"{format_count(total)}{'+' if more else ''} {'entry' if total == 1 else 'entries'}"
    if rows != total:
        return f"{format_count(rows)} of {entries} · {format_size(model.total_size)}"
    if total and not model.has_folders:
        return total_words(Total(total, model.total_size, model.newest), whole=not more, day=True)
    return (
        entries
        if below is None
        else f"{entries} · {total_words(below[0], whole=below[1], day=True)}"
    )


def selected_words(
    chosen: Sequence[Entry], total_of: Callable[[str], tuple[Total, bool] | None]
) -> str:
    """Return how many rows are selected, and what they hold together as far as that is known."""
    size = sum(entry.row.size for entry in chosen if entry.row)
    folders = [total_of(entry.key) for entry in chosen if entry.folder]
    known = [each for each in folders if each is not None]
    whole = len(known) == len(folders) and all(all_of_it for _total, all_of_it in known)
    size += sum(total.size for total, _all_of_it in known)
    words = f"{format_count(len(chosen))} selected"
    if folders:
        count = len(chosen) - len(folders) + sum(total.count for total, _all_of_it in known)
        objects = format_counted(count, "object") if whole else f"{format_count(count)}+ objects"
        words += f" · {objects}"
    return f"{words} · {'' if whole else 'at least '}{format_size(size)}"
