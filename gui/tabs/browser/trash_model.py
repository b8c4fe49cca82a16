"""The table model of the trash: deleted objects, filtered and sorted by native values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Qt

from core.local.activity import LoggedChange
from core.objects.trash import DeletedObject
from core.units import format_moment, format_size, short_id
from gui.models.columns import CellText
from gui.models.text_rows import TextRows
from gui.tabs.browser.folder_rows import fits, matcher
from gui.tabs.browser.listing import parent_of

KEY, SIZE, DELETED, BY = range(4)
#: Owner ids that some servers report for every account.
_NO_OWNER = frozenset({"", "anonymous"})
#: Seconds within which this program logs a delete after its markers were created.
_LOGGED_WITHIN = 120
#: Seconds that the clock of this computer may be behind that of the server.
_SKEW = 2
_Row = tuple[tuple[Any, ...], tuple[CellText, ...]]
Who = Callable[[DeletedObject], str]


class TrashModel(TextRows):
    """Deleted objects with key, size, time and, if known, who deleted them."""

    heads = ("Key", "Size", "Deleted", "Deleted by")
    numbers = frozenset({SIZE, DELETED})
    moments = frozenset({DELETED})
    mono = KEY

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: dict[str, tuple[DeletedObject, _Row]] = {}
        self._filter = ""
        self.sort(DELETED, Qt.SortOrder.DescendingOrder)

    @property
    def total(self) -> int:
        """The number of rows without the filter."""
        return len(self._all)

    @property
    def objects(self) -> list[DeletedObject]:
        """The shown rows in their order."""
        return [self.item(row) for row in range(self.rowCount())]

    def clear(self) -> None:
        """Remove all rows."""
        self._all.clear()
        self._show()

    def add(self, objects: Iterable[DeletedObject], who: Who) -> None:
        """Add a page of rows; `who` returns who deleted an object."""
        self._all.update((each.key, (each, _row(each, who(each)))) for each in objects)
        self._show()

    def remove(self, keys: Iterable[str]) -> None:
        """Remove rows, for example after a restore."""
        for key in keys:
            self._all.pop(key, None)
        self._show()

    def set_filter(self, text: str) -> None:
        """Show only the rows whose key contains `text` or, with `*` or `?`, matches it."""
        if text != self._filter:
            self._filter = text
            self._show()

    def row_of(self, key: str) -> int:
        """Return the row of a key, or -1."""
        rows = range(self.rowCount())
        return next((row for row in rows if self.item(row).key == key), -1)

    def _show(self) -> None:
        wanted = matcher(self._filter)
        shown = [each for each in self._all.values() if fits(wanted, each[0].key.casefold())]
        self._replace([row for _object, row in shown], [each for each, _row in shown])

    def _tooltip(self, row: int, column: int) -> str:
        return self.item(row).key if column == KEY else ""


def _row(each: DeletedObject, who: str) -> _Row:
    """Return the sort values and the texts; the time is formatted in the selected zone."""
    written = partial(format_moment, each.deleted, zone=False)
    values = (each.key, each.size, each.deleted.timestamp(), who)
    return values, (each.key, format_size(each.size), written, who)


def owner_of(deleted: DeletedObject) -> str:
    """Return the account that owns the delete marker as text; S3 records no user."""
    return "" if deleted.owner in _NO_OWNER else f"account {short_id(deleted.owner)}"


def deleted_by(changes: Iterable[LoggedChange], bucket: str, title: str) -> Who:
    """Return a function that finds who deleted an object.

    Deletes from this computer are in the log of changes; for others only the account is known.

    Args:
        changes: the log of changes.
        bucket: the `s3://` address of the bucket.
        title: the action that the log records for deletes.
    """
    deletes = [each for each in changes if each.change.action == title]
    by_prefix: dict[str, list[LoggedChange]] = {}
    for each in deletes:
        for prefix in each.change.prefixes:
            by_prefix.setdefault(prefix, []).append(each)

    def who(deleted: DeletedObject) -> str:
        found = _logged(by_prefix, deleted, bucket)
        return f"profile {found.profile}, here" if found is not None else owner_of(deleted)

    return who


def _logged(
    by_prefix: Mapping[str, list[LoggedChange]], deleted: DeletedObject, bucket: str
) -> LoggedChange | None:
    prefix = parent_of(deleted.key)
    near: list[LoggedChange] = [*by_prefix.get("", ()), *by_prefix.get(prefix, ())]
    # The last delete first: a key may have been deleted and restored several times.
    for each in reversed(near):
        change = each.change
        seconds = (change.when - deleted.deleted).total_seconds()
        # The subject of a single delete is its address, that of several is their number.
        several = not change.subject.startswith("s3://")
        same = several or change.subject == f"{bucket}/{deleted.key}"
        if same and -_SKEW <= seconds <= _LOGGED_WITHIN:
            return each
    return None
