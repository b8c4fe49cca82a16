"""The model of one folder, for 100,000 rows whose texts are prepared in advance."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import translate
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from PySide6.QtGui import QIcon

from core.model.objects import ObjectRow
from core.units import format_moment, format_size, zoned
from gui.models.indexes import NOWHERE, Index
from gui.models.roles import MONO_ROLE, SORT_ROLE, TONE_ROLE

NAME, SIZE, MODIFIED, KIND = range(4)
_HEADERS = ("Name", "Size", "Modified", "Kind")
#: Up to this many rows are removed one by one; for more the model is reset, which is faster.
_ONE_BY_ONE = 50
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: a folder (`row` is None) or an object, with its texts and native sort keys."""

    key: str
    row: ObjectRow | None
    texts: tuple[str, str, str, str]
    keys: tuple[tuple[bool, str], tuple[bool, int], tuple[bool, float], tuple[bool, str]]
    folded: str

    @property
    def folder(self) -> bool:
        """Whether it is a folder."""
        return self.row is None


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of a folder as rows, created in the worker thread (10 ms per thousand)."""

    folders: tuple[Entry, ...]
    objects: tuple[Entry, ...]


def rows_of(prefix: str, folders: Iterable[str], objects: Iterable[ObjectRow]) -> Rows:
    """Return the rows of one page of `prefix`."""
    return Rows(
        tuple(folder_entry(prefix, key) for key in folders),
        tuple(object_entry(prefix, row) for row in objects),
    )


def folder_entry(prefix: str, key: str) -> Entry:
    """Return the row of a sub-folder."""
    name = key[len(prefix) :]
    text = name if name != "/" else "(empty name)/"
    # False sorts before True, so folders come before objects; their sizes and times are unknown.
    keys = ((False, name), (False, -1), (False, 0.0), (False, ""))
    return Entry(key, None, (text, "", "", "folder"), keys, text.casefold())


def object_entry(prefix: str, row: ObjectRow) -> Entry:
    """Return the row of an object; a key equal to the prefix is the folder marker."""
    name = row.key[len(prefix) :]
    text = name or "(marker of this folder)"
    kind = kind_text(name)
    texts = (text, format_size(row.size), "", kind)
    keys = ((True, name), (True, row.size), (True, row.modified.timestamp()), (True, kind))
    return Entry(row.key, row, texts, keys, text.casefold())


def key_entry(key: str) -> Entry:
    """Return the row of an object of which only the key is known."""
    prefix = key[: key.rfind("/") + 1]
    return object_entry(prefix, ObjectRow(key, 0, datetime.fromtimestamp(0, UTC), "", ""))


def kind_text(name: str) -> str:
    """Return the kind according to the file extension, for example `JSON, gzip`."""
    stem, _, ending = name.lower().rpartition(".")
    if not stem:
        return "object"
    if ending in ("gz", "zst", "bz2", "xz"):
        packing = {"gz": "gzip", "zst": "zstd", "bz2": "bzip2"}.get(ending, ending)
        inner = kind_text(stem)
        return packing if inner == "object" else f"{inner}, {packing}"
    return ending.upper() if len(ending) <= 8 and ending.isalnum() else "object"


def _shown(entry: Entry, column: int) -> str:
    """Return a cell's prepared text; times are formatted now, since the zone can change."""
    if column == MODIFIED and entry.row is not None:
        return format_moment(entry.row.modified, zone=False)
    return entry.texts[column]


def matcher(text: str) -> re.Pattern[str] | str:
    """Return the matcher of a filter: a pattern if it has `*` or `?`, else a plain text."""
    folded = text.strip().casefold()
    return re.compile(translate(f"*{folded}*")) if set("*?") & set(folded) else folded


def fits(wanted: re.Pattern[str] | str, folded: str) -> bool:
    """Return whether a folded name matches what `matcher` returned."""
    return wanted in folded if isinstance(wanted, str) else wanted.match(folded) is not None


class FolderModel(QAbstractTableModel):
    """The rows of a folder, added page by page, sorted and filtered by prepared keys."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.prefix = ""
        self._entries: list[Entry] = []
        self._order: list[int] = []
        self._folders = 0  # in the order shown
        self._known: set[str] = set()
        self._wanted: re.Pattern[str] | str = ""
        # The order in which S3 lists keys, so that pages can be appended without sorting.
        self._column, self._backwards = NAME, False
        self._icons: dict[bool, QIcon] = {}

    # Content

    def clear(self, prefix: str) -> None:
        """Remove all rows, for another folder."""
        self.beginResetModel()
        self.prefix = prefix
        self._entries, self._order, self._folders = [], [], 0
        self._known.clear()
        self.endResetModel()

    def set_icons(self, folder: QIcon, file: QIcon) -> None:
        """Set the icons of folders and files, which are shown only in lists with folders."""
        self._icons = {True: folder, False: file}

    def add(self, rows: Rows) -> None:
        """Add one page of the listing."""
        new = [entry for entry in rows.folders if entry.key not in self._known]
        self._known.update(entry.key for entry in new)
        if self._column == NAME and not self._backwards:
            before = len(self._order)
            self._insert(new, at=self._folders)
            self._folders += len(self._order) - before
            self._insert(rows.objects, at=len(self._order))
        else:
            self._merge([*new, *rows.objects])

    def _insert(self, entries: Sequence[Entry], *, at: int) -> None:
        """Insert entries at a position; pages arrive in the order of names."""
        start = len(self._entries)
        self._entries.extend(entries)
        rows = [start + n for n, entry in enumerate(entries) if self._matches(entry)]
        if rows:
            self.beginInsertRows(QModelIndex(), at, at + len(rows) - 1)
            self._order[at:at] = rows
            self.endInsertRows()

    def _merge(self, entries: Sequence[Entry]) -> None:
        """Append entries and sort again, which is fast: timsort uses that most of the list is sorted."""
        self._insert(entries, at=len(self._order))
        self._folders = sum(1 for at in self._order if self._entries[at].folder)
        self.sort(
            self._column,
            Qt.SortOrder.DescendingOrder if self._backwards else Qt.SortOrder.AscendingOrder,
        )

    def remove(self, keys: Iterable[str]) -> None:
        """Remove rows, for example after a delete."""
        removed = set(keys)
        self._known -= removed
        rows = [n for n, at in enumerate(self._order) if self._entries[at].key in removed]
        if len(rows) > _ONE_BY_ONE:
            self.beginResetModel()
            self._drop(removed)
            self._folders = sum(1 for at in self._order if self._entries[at].folder)
            self.endResetModel()
            return
        for row in reversed(rows):
            self.beginRemoveRows(QModelIndex(), row, row)
            self._folders -= self._entries[self._order[row]].folder
            del self._order[row]
            self.endRemoveRows()
        self._drop(removed)

    def _drop(self, removed: set[str]) -> None:
        """Remove entries, and renumber the others."""
        shown = [at for at in self._order if self._entries[at].key not in removed]
        remaining = {at for at, entry in enumerate(self._entries) if entry.key not in removed}
        places = {at: number for number, at in enumerate(sorted(remaining))}
        self._entries = [self._entries[at] for at in sorted(remaining)]
        self._order = [places[at] for at in shown]

    def set_filter(self, text: str) -> None:
        """Show only the rows whose name contains `text` or, with `*` or `?`, matches it."""
        wanted = matcher(text)
        if wanted == self._wanted:
            return
        self.beginResetModel()
        self._wanted = wanted
        self._order = [at for at, entry in enumerate(self._entries) if self._matches(entry)]
        self._sort_order()
        self._folders = sum(1 for at in self._order if self._entries[at].folder)
        self.endResetModel()

    def _matches(self, entry: Entry) -> bool:
        return fits(self._wanted, entry.folded)

    # Queries of the panes

    @property
    def total(self) -> int:
        """The number of rows without the filter."""
        return len(self._entries)

    @property
    def total_size(self) -> int:
        """The total size of the shown objects in bytes."""
        rows = (self._entries[at].row for at in self._order)
        return sum(row.size for row in rows if row)

    @property
    def newest(self) -> datetime | None:
        """The time of the newest shown object; None without objects."""
        rows = (self._entries[at].row for at in self._order)
        return max((row.modified for row in rows if row), default=None)

    @property
    def has_folders(self) -> bool:
        """Whether there are folders among the rows, with or without the filter."""
        return any(entry.folder for entry in self._entries)

    def entry(self, row: int) -> Entry:
        """Return the entry of a row in the present order."""
        return self._entries[self._order[row]]

    def index_of(self, key: str) -> QModelIndex:
        """Return the index of a key, or an invalid index."""
        found = next((n for n, at in enumerate(self._order) if self._entries[at].key == key), -1)
        return self.index(found, NAME) if found >= 0 else QModelIndex()

    def runs_of(self, keys: Iterable[str]) -> list[tuple[int, int]]:
        """Return the rows of keys as ranges: the first and last row of each."""
        wanted = set(keys)
        runs: list[tuple[int, int]] = []
        for row, at in enumerate(self._order):
            if self._entries[at].key not in wanted:
                continue
            if runs and runs[-1][1] == row - 1:
                runs[-1] = (runs[-1][0], row)
            else:
                runs.append((row, row))
        return runs

    # Qt interface

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of shown rows."""
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = NOWHERE) -> int:
        """Return 4."""
        return 0 if parent.isValid() else len(_HEADERS)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's data; the text, the most frequent request, is handled first."""
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return _shown(self._entries[self._order[index.row()]], column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if column in (SIZE, MODIFIED) else None
        if role == MONO_ROLE:
            return column == NAME
        if role == TONE_ROLE:
            return "muted" if column >= MODIFIED else None
        return self._rare_role(index, role)

    def _rare_role(self, index: Index, role: int) -> Any:
        """Return the data of less frequent roles, or of the first column."""
        entry = self._entries[self._order[index.row()]]
        if role == Qt.ItemDataRole.DecorationRole and index.column() == NAME and self._folders:
            # Without folders all icons would be the same.
            return self._icons.get(entry.folder)
        if role == SORT_ROLE:
            return entry.keys[index.column()][1]
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == NAME:
            return entry.key
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return the title or alignment of a column."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole and section in (SIZE, MODIFIED):
            return _RIGHT
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        return zoned(_HEADERS[section]) if section == MODIFIED else _HEADERS[section]

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by native keys; folders precede objects in both directions."""
        self._column = max(NAME, column)
        self._backwards = column >= 0 and order == Qt.SortOrder.DescendingOrder
        self.layoutAboutToBeChanged.emit()
        # The selection and the current row are persistent indexes, which must follow their rows.
        remaining = [(old, self._order[old.row()]) for old in self.persistentIndexList()]
        self._sort_order()
        places = {at: place for place, at in enumerate(self._order)} if remaining else {}
        for old, at in remaining:
            self.changePersistentIndex(old, self.index(places[at], old.column()))
        self.layoutChanged.emit()

    def _sort_order(self) -> None:
        entries, column = self._entries, self._column
        folders = [at for at in self._order if entries[at].folder]
        files = [at for at in self._order if not entries[at].folder]
        for part in (folders, files):
            part.sort(key=lambda at: entries[at].keys[column], reverse=self._backwards)
        self._order = folders + files
