"""The rows of a folder as pages of columns, and what is shown and filtered in them."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate
from itertools import chain, islice
from operator import itemgetter
from sys import intern
from typing import Any, overload

from core.model.listing import ObjectRow
from core.objects.level import modified_of
from core.objects.pages import Columns
from core.preview.releasing import hand_over_pages

NAME, SIZE, MODIFIED, KIND = range(4)
#: Maximum number of cached kinds of file extensions.
_CACHED_KINDS = 1_000
_kinds: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: a folder (`row` is None) or an object."""

    key: str
    row: ObjectRow | None

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""
        return self.row is None


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of a folder as columns, created in the worker thread.

    `names` are the names in `folders` and `keys` as they are filtered; `times` are seconds since
    1970, and `kinds` are texts such as `JSON, gzip`. `size` is the total, `newest` the latest time.
    """

    folders: tuple[str, ...]
    folder_names: tuple[str, ...]
    keys: tuple[str, ...]
    names: tuple[str, ...]
    sizes: array[int]
    times: array[float]
    kinds: tuple[str, ...]
    classes: tuple[str, ...]
    etags: tuple[str, ...]
    size: int
    newest: float

    def __len__(self) -> int:
        return len(self.folders) + len(self.keys)

    @property
    def texts(self) -> tuple[tuple[str, ...], ...]:
        """The columns of texts."""
        return (
            self.folders, self.folder_names, self.keys, self.names, self.kinds, self.classes,
            self.etags,
        )  # fmt: skip


class Texts(Sequence[str]):
    """A column of texts as the pages that arrived; another thread may read what it had before.

    The garbage collector examines each element of a list again and again, which takes 30 ms for
    the columns of 200,000 rows, but that of a tuple of texts only once.
    """

    def __init__(self) -> None:
        self._pages: list[tuple[str, ...]] = []
        self._starts: list[int] = []  # the position of the first text of each page
        self._count = 0

    def __del__(self) -> None:
        """Let the window free the texts a few at a time: those of 200,000 rows take 30 ms."""
        hand_over_pages(self._pages)

    def append(self, page: tuple[str, ...]) -> None:
        """Append the texts of a page."""
        if page:
            self._starts.append(self._count)
            self._pages.append(page)
            self._count += len(page)

    def between(self, start: int, end: int) -> Iterator[str]:
        """Return the texts from one position on, before another one."""
        first = max(bisect_right(self._starts, start) - 1, 0)
        before = self._starts[first] if self._starts else 0
        texts = chain.from_iterable(islice(self._pages, first, None))
        return islice(texts, start - before, max(start, end) - before)

    def find(self, text: str) -> int:
        """Return the first position of a text, or -1."""
        for start, page in zip(self._starts, self._pages, strict=False):
            if text in page:
                return start + page.index(text)
        return -1

    def find_sorted(self, text: str) -> int:
        """Return the position of a text among sorted texts, or -1."""
        number = bisect_right(self._pages, text, key=itemgetter(0)) - 1
        if number < 0:
            return -1
        page = self._pages[number]
        at = bisect_left(page, text)
        return self._starts[number] + at if at < len(page) and page[at] == text else -1

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._pages)

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return list(self)[at]
        if not -self._count <= at < self._count:
            raise IndexError(at)
        at %= self._count
        page = bisect_right(self._starts, at) - 1
        return self._pages[page][at - self._starts[page]]


def rows_of(prefix: str, folders: Iterable[str], objects: Iterable[ObjectRow]) -> Rows:
    """Return the rows of one page of `prefix`."""
    rows = tuple(objects)
    columns = Columns(
        [row.key for row in rows], [row.size for row in rows], [],
        [row.storage_class for row in rows], [row.etag for row in rows], list(folders),
    )  # fmt: skip
    return _rows(prefix, columns, array("d", [row.modified.timestamp() for row in rows]))


def rows_of_columns(prefix: str, columns: Columns) -> Rows:
    """Return the rows of one page of `prefix` without an object for each of them.

    Creating 200,000 objects would take a second, in which the window often waits for its turn.

    Raises:
        NotAnS3Answer: a time does not exist.
    """
    # Objects that were stored together have the same time.
    seconds = {text: modified_of(text).timestamp() for text in set(columns.modified)}
    return _rows(prefix, columns, array("d", map(seconds.__getitem__, columns.modified)))


def _rows(prefix: str, columns: Columns, times: array[float]) -> Rows:
    folders, keys = tuple(columns.folders), tuple(columns.keys)
    return Rows(
        folders, _folded(prefix, folders, folder_text), keys, _folded(prefix, keys, object_text),
        array("q", columns.sizes), times, tuple([kind_text(key.rpartition("/")[2]) for key in keys]),
        # One object for each class: the window frees 200,000 texts more slowly than it paints.
        tuple(map(intern, columns.classes)), tuple(columns.etags),
        sum(columns.sizes), max(times, default=0.0),
    )  # fmt: skip


def joined(pages: Sequence[Rows]) -> Rows:
    """Return several pages as one."""
    if len(pages) == 1:
        return pages[0]
    sizes, times = array("q"), array("d")
    for page in pages:
        sizes += page.sizes
        times += page.times
    names = ("folders", "folder_names", "keys", "names", "kinds", "classes", "etags")
    texts = {
        name: tuple(chain.from_iterable(getattr(page, name) for page in pages)) for name in names
    }
    size, newest = sum(page.size for page in pages), max(page.newest for page in pages)
    return Rows(**texts, sizes=sizes, times=times, size=size, newest=newest)


def _folded(prefix: str, keys: tuple[str, ...], text_of: Any) -> tuple[str, ...]:
    """Return the texts of rows for comparisons without regard to case."""
    start = len(prefix)
    names = [key[start:] for key in keys]
    if not all(names) or "/" in names:  # the few names that are shown with another text
        names = [text_of(prefix, key) for key in keys]
    # One call for many names is much faster than one for each.
    folded = "\n".join(names).casefold().split("\n")
    return tuple(folded if len(folded) == len(names) else [name.casefold() for name in names])


def folder_text(prefix: str, key: str) -> str:
    """Return the name of a sub-folder as it is shown."""
    name = key[len(prefix) :]
    return name if name != "/" else "(empty name)/"


def object_text(prefix: str, key: str) -> str:
    """Return the name of an object as it is shown; a key equal to the prefix is the folder marker."""
    return key[len(prefix) :] or "(marker of this folder)"


def kind_text(name: str) -> str:
    """Return the kind according to the file extension, for example `JSON, gzip`."""
    ending = name[-24:].partition(".")[2] if "." in name else ""
    if ending not in _kinds or name.startswith("."):
        # Names in the same folder have few extensions, or dates and numbers that look like one.
        if len(_kinds) > _CACHED_KINDS:
            _kinds.clear()
        found = _kind_text(name)
        if name.startswith(".") or not ending:
            return found
        _kinds[ending] = found
    return _kinds[ending]


def _kind_text(name: str) -> str:
    stem, _, ending = name.lower().rpartition(".")
    if not stem:
        return "object"
    if ending in ("gz", "zst", "bz2", "xz"):
        packing = {"gz": "gzip", "zst": "zstd", "bz2": "bzip2"}.get(ending, ending)
        inner = _kind_text(stem)
        return packing if inner == "object" else f"{inner}, {packing}"
    return ending.upper() if len(ending) <= 8 and ending.isalnum() else "object"


Wanted = re.Pattern[str] | str


def matcher(text: str) -> Wanted:
    """Return the matcher of a filter: a pattern if it has `*` or `?`, else a plain text."""
    folded = text.strip().casefold()
    return re.compile(translate(f"*{folded}*")) if set("*?") & set(folded) else folded


def fits(wanted: Wanted, folded: str) -> bool:
    """Return whether a folded name matches what `matcher` returned."""
    return wanted in folded if isinstance(wanted, str) else wanted.match(folded) is not None


def matching(
    names: Texts, wanted: Wanted, start: int = 0, *, until: int | None = None
) -> list[int]:
    """Return the positions of matching names from `start` on, before `until`."""
    end = len(names) if until is None else until
    if not wanted:
        return list(range(start, end))
    numbered = zip(range(start, end), names.between(start, end), strict=False)
    if isinstance(wanted, str):
        return [at for at, name in numbered if wanted in name]
    match = wanted.match
    return [at for at, name in numbered if match(name)]
