"""The columns of one folder: 200,000 rows are sorted or filtered in a few milliseconds.

Objects for each row would take a second to create and to sort, so a row becomes an `Entry` only
when it is painted or selected.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import compress
from typing import Any, overload

from core.model.listing import ObjectRow
from gui.tabs.browser.folder_rows import (
    MODIFIED,
    NAME,
    SIZE,
    Entry,
    Rows,
    Texts,
    Wanted,
    folder_text,
    matching,
    object_text,
)
from gui.tabs.browser.row_positions import (
    chained,
    extended,
    follows,
    max_of,
    ordered,
    places_of,
    positions_of,
    rows_at,
    runs_of,
    sum_of,
    without_index,
)

#: Number of keys from which all keys are copied to find them.
_FEW_KEYS = 1_000
#: A filter, the column by which rows are sorted, and whether the order is reversed.
Order = tuple[Wanted, int, bool]


class FolderColumns:
    """The columns of a folder, and the order in which its rows are shown: folders first."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.folders, self._folder_names = Texts(), Texts()
        self.keys, self._names, self._kinds = Texts(), Texts(), Texts()
        self._classes, self._etags = Texts(), Texts()
        self._sizes, self._times = array("q"), array("d")
        self._known: set[str] = set()
        self._size, self._newest = 0, 0.0
        # Those of the shown objects, once they are calculated: with a filter it takes long.
        self._totals: tuple[int, float | None] | None = None
        # The numbers of folders and objects of a copy that is to be arranged.
        self._counts: tuple[int, int] | None = None
        # Whether the keys arrived in order, as all servers but directory buckets return them.
        self._ordered = True
        self._wanted: Wanted = ""
        self._column, self._backwards = NAME, False
        #: The shown rows, as positions in `folders` and `keys`.
        self.shown_folders: Sequence[int] = range(0)
        self.shown: Sequence[int] = range(0)

    def __len__(self) -> int:
        return len(self.shown_folders) + len(self.shown)

    @property
    def _lengths(self) -> tuple[int, int]:
        """The numbers of folders and objects without the filter."""
        return self._counts or (len(self.folders), len(self.keys))

    @property
    def total(self) -> int:
        """The number of rows without the filter."""
        return len(self.folders) + len(self.keys)

    @property
    def in_order_of_arrival(self) -> bool:
        """Whether new rows follow the shown ones of their kind, so that nothing has to be sorted."""
        return self._column == NAME and not self._backwards and self._ordered

    # Rows

    def key(self, row: int) -> str:
        """Return the key of a shown row."""
        folders = len(self.shown_folders)
        if row < folders:
            return self.folders[self.shown_folders[row]]
        return self.keys[self.shown[row - folders]]

    def entry(self, row: int) -> Entry:
        """Return a shown row."""
        folders = len(self.shown_folders)
        if row < folders:
            return Entry(self.folders[self.shown_folders[row]], None)
        return self.object_at(self.shown[row - folders])

    def value(self, row: int, column: int) -> Any:
        """Return the native value of a cell: a name, a size in bytes, a time in seconds, or a kind.

        The size and time of a folder are None.
        """
        folders = len(self.shown_folders)
        if row < folders:
            text = folder_text(self.prefix, self.folders[self.shown_folders[row]])
            return (text, None, None, "folder")[column]
        at = self.shown[row - folders]
        if column == NAME:
            return object_text(self.prefix, self.keys[at])
        return (
            self._sizes if column == SIZE else self._times if column == MODIFIED else self._kinds
        )[at]

    def entries(self, runs: Iterable[tuple[int, int]]) -> Entries:
        """Return shown rows, which stay the same when others are added or removed.

        Args:
            runs: the first and last row of each range; ranges may overlap.
        """
        begin, keys = len(self.shown_folders), []
        positions: list[Sequence[int]] = []
        end = 0
        for first, last in sorted(runs):
            start = max(first, end)
            end = max(last + 1, end)
            keys += [self.folders[self.shown_folders[row]] for row in range(start, min(end, begin))]
            if end > max(start, begin):
                positions.append(self.shown[max(start, begin) - begin : end - begin])
        return Entries(self, keys, chained(positions))

    def object_at(self, at: int) -> Entry:
        """Return an object by its position."""
        moment = datetime.fromtimestamp(self._times[at], UTC)
        row = ObjectRow(self.keys[at], self._sizes[at], moment, self._etags[at], self._classes[at])
        return Entry(row.key, row)

    def size_of(self, positions: Sequence[int]) -> int:
        """Return the total size of objects by their positions, in bytes."""
        return sum_of(self._sizes, positions)

    def rows_of_keys(self, keys: Iterable[str]) -> list[int]:
        """Return the shown rows of some keys, in order."""
        wanted = frozenset(keys)
        start = len(self.shown_folders)
        folders = positions_of(self.folders, wanted, ordered=self._ordered)
        objects = rows_at(self.shown, positions_of(self.keys, wanted, ordered=self._ordered))
        return rows_at(self.shown_folders, folders) + [start + row for row in objects]

    def runs_of_keys(self, keys: Iterable[str]) -> list[tuple[int, int]]:
        """Return the shown rows of some keys as ranges: the first and last row of each."""
        return runs_of(self.rows_of_keys(keys))

    def to_search(self) -> FolderColumns:
        """Return a copy in which another thread may search rows while those of this one change."""
        other = self.to_arrange(self.order)
        # Arrays cannot change while numpy uses their buffers; a range never changes.
        other.shown_folders, other.shown = self.shown_folders[:], self.shown[:]
        return other

    def totals(self) -> tuple[int, float | None]:
        """Return the size of all shown objects, and the time of the newest in seconds."""
        count = self._lengths[1]
        if len(self.shown) == count:
            return self._size, self._newest if count else None
        if not len(self.shown):
            return 0, None
        if self._totals is None:
            self._totals = (
                sum_of(self._sizes, self.shown),
                max_of(self._times, self.shown),
            )
        return self._totals

    # Changes

    def new_folders(self, rows: Rows) -> Rows:
        """Return a page without the folders that a former page had: S3 may repeat one."""
        if not self._known.intersection(rows.folders):
            return rows
        new = [key not in self._known for key in rows.folders]
        return Rows(
            tuple(compress(rows.folders, new)), tuple(compress(rows.folder_names, new)), rows.keys,
            rows.names, rows.sizes, rows.times, rows.kinds, rows.classes, rows.etags, rows.size,
            rows.newest,
        )  # fmt: skip

    def append(self, rows: Rows) -> tuple[list[int], list[int]]:
        """Append a page without showing its rows; return the folders and objects to show."""
        folders, keys = len(self.folders), len(self.keys)
        self._ordered = self._ordered and follows(self.keys, rows.keys)
        self._ordered = self._ordered and follows(self.folders, rows.folders)
        self._known.update(rows.folders)
        self.folders.append(rows.folders)
        self._folder_names.append(rows.folder_names)
        self.keys.append(rows.keys)
        self._names.append(rows.names)
        self._sizes += rows.sizes
        self._times += rows.times
        self._kinds.append(rows.kinds)
        self._classes.append(rows.classes)
        self._etags.append(rows.etags)
        self._size, self._newest = self._size + rows.size, max(self._newest, rows.newest)
        return (
            matching(self._folder_names, self._wanted, folders),
            matching(self._names, self._wanted, keys),
        )

    def show_folders(self, positions: Sequence[int]) -> None:
        """Show appended folders after the others."""
        self.shown_folders = extended(self.shown_folders, positions)

    def show_objects(self, positions: Sequence[int]) -> None:
        """Show appended objects after the others."""
        self.shown = extended(self.shown, positions)
        if positions:
            self._totals = None

    def set_filter(self, wanted: Wanted) -> bool:
        """Show only rows whose names match; return False if the filter is the same."""
        if wanted == self._wanted:
            return False
        self._wanted = wanted
        self.arrange()
        return True

    def set_order(self, column: int, *, backwards: bool) -> None:
        """Sort by a column; folders precede objects in both directions."""
        self._column, self._backwards = column, backwards
        self.arrange()

    def arrange(self) -> None:
        """Filter and sort all rows."""
        self.shown_folders = self._sorted_folders()
        self.shown = self._sorted_objects()
        self._totals = None

    @property
    def order(self) -> Order:
        """The filter, the column and whether the order is reversed, as the rows are shown."""
        return self._wanted, self._column, self._backwards

    def to_arrange(self, order: Order) -> FolderColumns:
        """Return a copy that another thread may arrange while more pages are appended to this one."""
        other = FolderColumns(self.prefix)
        other._ordered = self._ordered
        other._wanted, other._column, other._backwards = order
        # Columns of texts only grow at their ends, so that those of this object are used, up to
        # their present lengths.
        other.folders, other._folder_names = self.folders, self._folder_names
        other.keys, other._names, other._kinds = self.keys, self._names, self._kinds
        other._counts = self._lengths
        # An array cannot grow while numpy uses its buffer, so these are copied.
        other._sizes, other._times = self._sizes[:], self._times[:]
        other._size, other._newest = self._size, self._newest
        return other

    def arranged_at_once(self, order: Order) -> bool:
        """Return whether an order needs no sorting: all rows, by their names."""
        wanted, column, _backwards = order
        return self._ordered and not wanted and column == NAME

    def arranged(self) -> FolderColumns:
        """Return this object after its rows are filtered, sorted and summed."""
        self.arrange()
        self.totals()
        return self

    def adopt(self, other: FolderColumns) -> bool:
        """Show the rows as an arranged copy does, and after them those appended since it was made.

        Returns:
            Whether there are later ones, which may have to be sorted.
        """
        self._wanted, self._column, self._backwards = other.order
        self.shown_folders, self.shown, self._totals = (
            other.shown_folders, other.shown, other._totals,
        )  # fmt: skip
        folders_then, objects_then = other._lengths
        folders = matching(self._folder_names, self._wanted, folders_then)
        objects = matching(self._names, self._wanted, objects_then)
        self.show_folders(folders)
        self.show_objects(objects)
        return bool(folders or objects)

    def _sorted_folders(self) -> Sequence[int]:
        """Return the matching folders; by all columns but the name they are equal."""
        found = self._matching(self._folder_names, self._lengths[0])
        if self._column != NAME:
            return found
        if not self._ordered:
            return sorted(found, key=self.folders.__getitem__, reverse=self._backwards)
        return found[::-1] if self._backwards else found

    def _sorted_objects(self) -> Sequence[int]:
        found = self._matching(self._names, self._lengths[1])
        if self._column == NAME:
            if not self._ordered:
                return sorted(found, key=self.keys.__getitem__, reverse=self._backwards)
            return found[::-1] if self._backwards else found
        if self._column == SIZE:
            return ordered(self._sizes, found, backwards=self._backwards)
        if self._column == MODIFIED:
            return ordered(self._times, found, backwards=self._backwards)
        kinds = tuple(self._kinds.between(0, self._lengths[1]))
        return ordered(kinds, found, backwards=self._backwards)

    def _matching(self, names: Texts, count: int) -> Sequence[int]:
        return matching(names, self._wanted, until=count) if self._wanted else range(count)

    def without(self, keys: Iterable[str]) -> FolderColumns:
        """Return the rows without some keys, in the same order; this one stays as it is."""
        removed = frozenset(keys)
        other = FolderColumns(self.prefix)
        other._known = self._known - removed
        other._ordered, other._wanted = self._ordered, self._wanted
        other._column, other._backwards = self._column, self._backwards
        rest = [key not in removed for key in self.folders]
        for name in ("folders", "_folder_names"):
            getattr(other, name).append(tuple(compress(getattr(self, name), rest)))
        rest = [key not in removed for key in self.keys]
        for name in ("keys", "_names", "_kinds", "_classes", "_etags"):
            getattr(other, name).append(tuple(compress(getattr(self, name), rest)))
        other._sizes = array("q", compress(self._sizes, rest))
        other._times = array("d", compress(self._times, rest))
        other._size, other._newest = sum(other._sizes), max(other._times, default=0.0)
        other.arrange()
        return other

    def places(self, positions: Sequence[tuple[bool, int]]) -> list[int]:
        """Return the shown rows of folders and objects; -1 for those that are not shown."""
        start = len(self.shown_folders)
        folders = places_of(self.shown_folders, [at for folder, at in positions if folder])
        objects = places_of(self.shown, [at for folder, at in positions if not folder])
        return [
            folders.get(at, -1) if folder else objects.get(at, -1 - start) + start
            for folder, at in positions
        ]

    def position(self, row: int) -> tuple[bool, int]:
        """Return whether a shown row is a folder, and its position."""
        folders = len(self.shown_folders)
        at = self.shown_folders[row] if row < folders else self.shown[row - folders]
        return row < folders, at

    def hide(self, row: int) -> None:
        """Hide a row until the rows are arranged again."""
        self._totals = None
        folders = len(self.shown_folders)
        if row < folders:
            self.shown_folders = without_index(self.shown_folders, row)
        else:
            self.shown = without_index(self.shown, row - folders)


class Entries(Sequence[Entry]):
    """Rows of a folder that are created when they are used, since all of 200,000 may be selected.

    Attributes:
        folders: the keys of the folders, which precede the objects.
    """

    def __init__(self, rows: FolderColumns, folders: list[str], positions: Sequence[int]) -> None:
        self._rows, self.folders, self._positions = rows, folders, positions

    @property
    def size(self) -> int:
        """The total size of the objects in bytes."""
        return self._rows.size_of(self._positions)

    @property
    def all_keys(self) -> list[str]:
        """The keys of all rows, without creating the rows."""
        keys: Sequence[str] = self._rows.keys
        if len(self._positions) > _FEW_KEYS:  # a page has to be found for each otherwise
            keys = list(keys)
        return [*self.folders, *[keys[at] for at in self._positions]]

    def __len__(self) -> int:
        return len(self.folders) + len(self._positions)

    @overload
    def __getitem__(self, index: int) -> Entry: ...

    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...

    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        at = range(len(self))[index]
        if at < len(self.folders):
            return Entry(self.folders[at], None)
        return self._rows.object_at(self._positions[at - len(self.folders)])
