"""The columns of tables and trees: widths, and stored widths and sorting."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from typing import Any, Protocol

from PySide6.QtCore import (
    QByteArray,
    QModelIndex,
    QObject,
    Qt,
    QTimer,
)
from PySide6.QtWidgets import (
    QHeaderView,
    QStyleOptionViewItem,
    QTableView,
    QTreeView,
)

from gui.widgets.column_header import Header, title_width
from gui.widgets.elide import is_moment

#: Pixels that a column takes at most while others lack room, and to which one of texts shrinks.
_WIDEST, _LEAST = 420, 140
#: Minimum widths in pixels of a column, and of one of numbers.
_NARROWEST, _NUMBERS = 64, 88
#: Number of first cells that are measured.
_SAMPLE = 100
#: Minimum and preferred width in pixels of a column of names that takes the remaining width.
_FILLING, _NAME = 100_000, 260
#: Width to which a time may shrink, "15 Jan 10:00", with the padding of a cell.
_DAY = 112
#: Width by which times of the same form can differ: "1 Jul" and "30 Nov".
_MONTH = 14
#: Number of first cells that determine to what width a column may shrink.
_HEAD = 20
#: Milliseconds after a change of a cell until empty columns are checked again.
_EMPTY_MS = 200


class SettingsStore(Protocol):
    """The store of widths and sorting: `Context.settings`."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value."""

    def set(self, key: str, value: Any) -> None:
        """Store a value."""


class Columns(QObject):
    """Sizes columns to their content, and stores widths, order and sorting.

    Until the user moves a border, the widths follow the width of the view. In a narrow view empty
    columns shrink to their titles first, then times, then other texts, and the names in the first
    column last. Numbers never shrink. Widths are stored once the user has moved a border; the
    sorting always is.

    Args:
        view: the table or tree, which owns this object.
        header: its header.
        settings: the store; None to store nothing.
        key: the settings key without the prefix `columns/`; empty to store nothing.
    """

    def __init__(
        self,
        view: QTableView | QTreeView,
        header: QHeaderView,
        settings: SettingsStore | None,
        key: str,
    ) -> None:
        super().__init__(view)
        self._view, self._header, self._settings = view, header, settings
        self._key = f"columns/{key}" if key else ""
        self._natural: list[int] = []
        self._least: list[int] = []
        self._empty: frozenset[int] = frozenset()
        self._known: tuple[int, ...] = ()
        self._names = 0
        self._fitting = self._left = False
        self._touched = self._restore()
        self._sized = self._touched
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)  # once for all signals that a model emits while it is filled
        self._later.timeout.connect(self._size)
        view.model().modelReset.connect(self._on_rows)
        view.model().rowsInserted.connect(self._on_inserted)
        self._filled = QTimer(self)
        self._filled.setSingleShot(True)
        self._filled.setInterval(_EMPTY_MS)
        self._filled.timeout.connect(self._on_filled)
        view.model().dataChanged.connect(self._on_changed)
        header.sectionResized.connect(self._on_resized)
        header.sectionMoved.connect(self._on_moved)
        if isinstance(header, Header):
            header.width_changed.connect(self._fit)
        header.sortIndicatorChanged.connect(self._save)
        self._on_rows()

    def fit_content(self) -> None:
        """Size the columns to their content unless the user has sized them."""
        if not self._touched:
            self._sized = False
            self._on_rows()

    def fill_with_names(self, *widths: int) -> None:
        """Give the first column the remaining width; the others have fixed widths in pixels."""
        self._known = widths
        self._header.setStretchLastSection(False)
        self._size()

    def leave(self) -> None:
        """Let the owner of the view set the widths."""
        self._sized = self._touched = self._left = True

    def widen(self, column: int, width: int) -> None:
        """Set the width of a column, which does not count as the user's."""
        self._fitting = True
        self._header.resizeSection(column, width)
        self._fitting = False

    def _restore(self) -> bool:
        """Restore the stored state; return whether the widths are the user's."""
        stored = self._settings.get(self._key) if self._settings and self._key else None
        if isinstance(stored, str):  # as written by earlier versions
            stored = {"state": stored, "touched": True}
        if not isinstance(stored, dict) or not isinstance(stored.get("state"), str):
            return False
        state = QByteArray.fromBase64(stored["state"].encode())
        return self._header.restoreState(state) and bool(stored.get("touched"))

    def _on_inserted(self, parent: QModelIndex, first: int, _last: int) -> None:
        # Rows behind the measured ones change nothing: measuring again would take 10 ms and more
        # for each page of a long list.
        if parent.isValid() or first < _SAMPLE or not self._sized:
            self._on_rows()

    def _on_rows(self) -> None:
        if (not self._sized or self._known) and not self._left and not self._later.isActive():
            self._later.start()

    def _size(self) -> None:
        if self._left or not (self._known or self._sized or self._view.model().rowCount()):
            return
        if self._sized and not self._known:
            self._fit()
            return
        columns = range(self._header.count())
        self._natural = [self._wanted(column) for column in columns]
        self._names = self._measured(0) if self._known else 0
        self._empty = self._empty_columns()
        self._least = [self._needed(column) for column in columns]
        self._sized = True
        self._fit()

    def _empty_columns(self) -> frozenset[int]:
        """Return the columns whose first cells are all empty."""
        if not self._view.model().rowCount():
            return frozenset()
        columns = range(1, self._header.count())
        return frozenset(column for column in columns if not any(self._shown(column)))

    def _shown(self, column: int) -> Iterator[bool]:
        """Yield for each of the first cells of a column whether it has a text."""
        picture = Qt.ItemDataRole.DecorationRole
        for index in self._sample(column):
            yield bool(index.data()) or index.data(picture) is not None

    def _on_changed(self, *_where: object) -> None:
        """Schedule a check for empty columns."""
        if self._sized and not self._left and not self._filled.isActive():
            self._filled.start()

    def _on_filled(self) -> None:
        """Resize the columns if one was filled or emptied, or needs a different width."""
        if len(self._natural) != self._header.count():  # not measured, or those of other columns
            return
        began = time.monotonic()
        before, self._empty = (self._empty, self._least), self._empty_columns()
        self._least = [self._needed_if_shown(column) for column in range(self._header.count())]
        spent = time.monotonic() - began
        # A transfer changes cells all the time: the checks may take a twentieth of it.
        self._filled.setInterval(max(_EMPTY_MS, int(spent * 20_000)))
        if before != (self._empty, self._least):
            self._fit()

    def _fit(self) -> None:
        """Set the natural widths of the columns, or smaller ones in a narrow view."""
        columns = [c for c in range(self._header.count()) if not self._header.isSectionHidden(c)]
        if not columns or len(self._natural) != self._header.count() or self._left:
            return
        if self._touched:
            self._fill(columns)
            return
        available = self._view.viewport().width()
        natural = [self._natural[column] for column in columns]
        least = [self._least[column] for column in columns]
        first = {place for place, column in enumerate(columns) if column in self._empty}
        fitted = _fitted(natural, least, available, names=self._names, first=first)
        # `sectionResized` is emitted for these changes as well and must not count as the user's.
        self._fitting = True
        for column, width in zip(columns, fitted, strict=True):
            self._header.resizeSection(column, width)
        self._fitting = False

    def _fill(self, columns: list[int]) -> None:
        """Let the names fill the width beside columns that the user has sized."""
        if self._known and columns:
            others = sum(self._header.sectionSize(column) for column in columns[1:])
            self._fitting = True
            left = self._view.viewport().width() - others
            self._header.resizeSection(columns[0], max(left, _LEAST))
            self._fitting = False

    def _on_resized(self, column: int, old: int, new: int) -> None:
        """Store widths set by the user, not those set by this class or by stretching."""
        last = self._header.stretchLastSection() and column == self._last_shown()
        if not old or not new:  # a column was hidden or shown
            self._later.start()
        elif self._sized and not self._fitting and not last:
            self._touched = True
            self._save()

    def _last_shown(self) -> int:
        """Return the last visible column."""
        shown = [c for c in range(self._header.count()) if not self._header.isSectionHidden(c)]
        return max(shown, key=self._header.visualIndex, default=-1)

    def _on_moved(self) -> None:
        self._touched = True
        self._save()

    def _needed_if_shown(self, column: int) -> int:
        """Return the width of a visible column; it is measured when it is shown otherwise."""
        hidden = self._header.isSectionHidden(column)
        return self._least[column] if hidden else self._needed(column)

    def _needed(self, column: int) -> int:
        """Return the width in pixels to which a column may shrink; numbers never shrink."""
        natural = self._natural[column]
        if not column:
            return min(natural, _LEAST)
        if column in self._empty:
            return min(natural, title_width(self._header, column))
        cells = [index for index in self._sample(column, _HEAD) if index.data()]
        if cells and all(is_moment(str(index.data())) for index in cells):
            return min(natural, max(_DAY, self._header.sectionSizeHint(column)))
        # A shortened number would be read as another number.
        if any(index.data(Qt.ItemDataRole.TextAlignmentRole) is not None for index in cells):
            return natural
        return self._needed_by_texts(column)

    def _needed_by_texts(self, column: int) -> int:
        """Return the width in pixels to which a column of texts may shrink."""
        natural = self._natural[column]
        if self._known:  # the natural width has room for longer texts than present
            return min(natural, self._measured(column, _HEAD))
        return natural if natural <= _LEAST else max(self._header.sectionSizeHint(column), _LEAST)

    def _wanted(self, column: int) -> int:
        if self._known:
            return self._known[column - 1] if column else _FILLING
        return self._measured(column)

    def _measured(self, column: int, most: int = _SAMPLE) -> int:
        """Return the width in pixels that the title and the first cells of a column need."""
        delegate, option = self._view.itemDelegate(), self._option()
        width = max(title_width(self._header, column), _NARROWEST)
        measured: set[str] = set()
        for index in self._sample(column, most):
            text = str(index.data() or "")
            if text in measured and column:  # measuring a state or a size once is enough
                continue
            measured.add(text)
            needed = delegate.sizeHint(option, index).width()
            if index.data(Qt.ItemDataRole.TextAlignmentRole) is not None:
                needed = max(needed, _NUMBERS)  # later rows may hold longer numbers
            if is_moment(text):
                needed += _MONTH  # later rows may be of another month
            # The indentation of one level and its branch, in pixels.
            inset = 28 if index.parent().isValid() and not column else 0
            width = max(width, needed + inset)
        return width

    def _sample(self, column: int, most: int = _SAMPLE) -> Iterator[QModelIndex]:
        """Return the column's first cells, and in a tree those one level below the first rows."""
        model = self._view.model()
        for number in range(min(model.rowCount(), most)):
            yield model.index(number, column)
        for number in range(min(model.rowCount(), 3)):
            parent = model.index(number, 0)
            for child in range(min(model.rowCount(parent), most)):
                yield model.index(child, column, parent)

    def _option(self) -> QStyleOptionViewItem:
        option = QStyleOptionViewItem()
        option.initFrom(self._view)
        return option

    def _save(self, *_what: object) -> None:
        if self._sized and self._settings is not None and self._key:
            state = self._header.saveState().toBase64().toStdString()
            touched = self._touched and not self._left
            self._settings.set(self._key, {"state": state, "touched": touched})


def _fitted(
    natural: list[int],
    least: list[int],
    available: int,
    *,
    names: int = 0,
    first: Collection[int] = (),
) -> list[int]:
    """Return column widths that fit into a given width in pixels.

    Args:
        natural: the natural width of each column.
        least: the minimum width of each column.
        available: the total width.
        names: the width that the first column needs for names; it shrinks last.
        first: the columns that shrink before all others.
    """
    fitted = [min(width, max(_WIDEST, small)) for width, small in zip(natural, least, strict=True)]
    if natural[:1] == [_FILLING]:
        fitted[0] = min(max(names, least[0]), _NAME)
    # Columns that were limited to `_WIDEST` get the remaining width first.
    spare = available - sum(fitted)
    for column, width in enumerate(natural):
        more = min(width - fitted[column], max(spare, 0))
        fitted[column] += more
        spare -= more
    # Empty columns shrink first, then those that can give most.
    giving = sorted(
        range(1, len(fitted)),
        key=lambda column: (column not in first, least[column] - fitted[column]),
    )
    for column in (*giving, 0):
        less = min(fitted[column] - least[column], max(-spare, 0))
        fitted[column] -= less
        spare += less
    return fitted
