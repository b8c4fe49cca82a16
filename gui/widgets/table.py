"""Tables, trees and lists with the window's habits: rows of 28 px, no grid, remembered widths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from PySide6.QtCore import (
    QAbstractItemModel,
    QByteArray,
    QModelIndex,
    QObject,
    QRect,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QPainter, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QListView,
    QStyleOptionHeader,
    QStyleOptionViewItem,
    QTableView,
    QTreeView,
)

from gui import shortcuts, theme
from gui.widgets.cells import PADDING, CellDelegate
from gui.widgets.icons import icon

_WIDEST, _LEAST, _NARROWEST, _NUMBERS, _SAMPLE = 420, 160, 64, 88, 100
_ARROW = 10


class Remembers(Protocol):
    """Where widths are kept: `Context.settings`."""

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value."""

    def set(self, key: str, value: Any) -> None:
        """Keep a value."""


def make_table(  # noqa: PLR0913 - what a table is like, by name
    model: QAbstractItemModel,
    name: str,
    *,
    settings: Remembers | None = None,
    key: str = "",
    sortable: bool = True,
    multiple: bool = False,
    falling: int = -1,
) -> QTableView:
    """Return a table view of `model`; `name` is what screen readers call it.

    With `settings` and `key` the widths, order and sorting of columns come back at the next start;
    before that the rows are in the model's own order, or falling by the column of that number.
    The table sorts through the model: hand in a proxy on `SORT_ROLE` where that is wanted.
    """
    view = QTableView()
    view.setHorizontalHeader(Header(Qt.Orientation.Horizontal, view))
    view.setModel(model)
    _common(view, name, multiple=multiple)
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.setCornerButtonEnabled(False)
    view.verticalHeader().hide()
    view.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    view.verticalHeader().setMinimumSectionSize(theme.ROW)
    view.verticalHeader().setDefaultSectionSize(theme.ROW)
    view.setTabKeyNavigation(False)
    _header(view.horizontalHeader(), sortable=sortable)
    view.horizontalHeader().setAccessibleName(f"{name}: columns")
    view.horizontalHeader().setSortIndicator(falling, Qt.SortOrder.DescendingOrder)
    view.setSortingEnabled(sortable)
    Columns(view, view.horizontalHeader(), settings, key)
    return view


def make_tree(
    model: QAbstractItemModel,
    name: str,
    *,
    settings: Remembers | None = None,
    key: str = "",
    header: bool = False,
    multiple: bool = False,
) -> QTreeView:
    """Return a tree view of `model` with rows of one height."""
    view = QTreeView()
    view.setHeader(Header(Qt.Orientation.Horizontal, view))
    view.setModel(model)
    _common(view, name, multiple=multiple)
    view.setItemDelegate(CellDelegate(view, left=6))
    view.setUniformRowHeights(True)
    view.setIndentation(14)
    view.setHeaderHidden(not header)
    view.setExpandsOnDoubleClick(True)
    _header(view.header(), sortable=False)
    view.header().setAccessibleName(f"{name}: columns")
    if header:
        Columns(view, view.header(), settings, key)
    return view


def make_list(model: QAbstractItemModel, name: str, *, multiple: bool = False) -> QListView:
    """Return a list view of `model`."""
    view = QListView()
    view.setModel(model)
    _common(view, name, multiple=multiple)
    view.setUniformItemSizes(True)
    return view


def on_enter(view: QAbstractItemView, act: Callable[[], object]) -> None:
    """Have Enter in a view do something; in that view only.

    Not by its signal `activated`: on some desktops that is a single click.
    """
    shortcuts.bind("lists.open", view, act)


def columns_of(view: QTableView | QTreeView) -> Columns:
    """Return what sizes the columns of a view that was made here."""
    return next(child for child in view.children() if isinstance(child, Columns))


class Columns(QObject):
    """Sizes columns to their content, and keeps what the user made of them.

    Until the user moves a border the widths follow the width of the view.
    """

    def __init__(
        self,
        view: QTableView | QTreeView,
        header: QHeaderView,
        settings: Remembers | None,
        key: str,
    ) -> None:
        super().__init__(view)
        self._view, self._header, self._settings = view, header, settings
        self._key = f"columns/{key}" if key else ""
        self._natural: list[int] = []
        self._fitting = False
        self._sized = self._touched = self._restore()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self._size)
        view.model().modelReset.connect(self._on_rows)
        view.model().rowsInserted.connect(self._on_rows)
        header.sectionResized.connect(self._on_resized)
        header.sectionMoved.connect(self._save)
        if isinstance(header, Header):
            header.room_changed.connect(self._fit)
        header.sortIndicatorChanged.connect(self._save)
        self._on_rows()

    def refit(self) -> None:
        """Size the columns anew: the view shows other columns now."""
        self._sized = self._touched = False
        self._on_rows()

    def fit_content(self) -> None:
        """Size the columns to what they show now, unless the user has sized them."""
        if not self._touched:
            self._sized = False
            self._on_rows()

    def leave(self) -> None:
        """Leave the widths to whoever owns the view."""
        self._sized = self._touched = True

    def _restore(self) -> bool:
        kept = self._settings.get(self._key) if self._settings and self._key else None
        if not isinstance(kept, str):
            return False
        return self._header.restoreState(QByteArray.fromBase64(kept.encode()))

    def _on_rows(self, *_where: object) -> None:
        if not self._sized and not self._later.isActive():
            self._later.start()

    def _size(self) -> None:
        if self._sized or not self._view.model().rowCount():
            return
        self._natural = [self._wanted(column) for column in range(self._header.count())]
        self._sized = True
        self._fit()

    def _fit(self) -> None:
        """Give the columns their natural widths, the widest one less if there is no room."""
        if self._touched or len(self._natural) != self._header.count():
            return
        self._fitting = True
        for column, width in enumerate(_fitted(self._natural, self._view.viewport().width())):
            self._header.resizeSection(column, width)
        self._fitting = False

    def _on_resized(self, column: int, _old: int, _new: int) -> None:
        """Tell the user's hand from our own, and from the last column that stretches."""
        last = self._header.visualIndex(column) == self._header.count() - 1
        if self._sized and not self._fitting and not last:
            self._touched = True
            self._save()

    def _wanted(self, column: int) -> int:
        delegate, option = self._view.itemDelegate(), self._option()
        width = max(self._header.sectionSizeHint(column), _NARROWEST)
        for index in self._sample(column):
            room = delegate.sizeHint(option, index).width()
            if index.data(Qt.ItemDataRole.TextAlignmentRole) is not None:
                room = max(room, _NUMBERS)  # later rows may hold longer numbers
            inset = 28 if index.parent().isValid() and not column else 0
            width = max(width, room + inset)
        return width

    def _sample(self, column: int) -> Iterator[QModelIndex]:
        """Return the column's first cells, and in a tree those one level below the first rows."""
        model = self._view.model()
        for number in range(min(model.rowCount(), _SAMPLE)):
            yield model.index(number, column)
        for number in range(min(model.rowCount(), 3)):
            parent = model.index(number, 0)
            for child in range(min(model.rowCount(parent), _SAMPLE)):
                yield model.index(child, column, parent)

    def _option(self) -> QStyleOptionViewItem:
        option = QStyleOptionViewItem()
        option.initFrom(self._view)
        return option

    def _save(self, *_what: object) -> None:
        if self._sized and self._settings is not None and self._key:
            state = self._header.saveState().toBase64().toStdString()
            self._settings.set(self._key, state)


def _fitted(widths: list[int], room: int) -> list[int]:
    """Return widths that fit: wide columns take what is left, the widest gives what is missing."""
    fitted = [min(width, _WIDEST) for width in widths]
    spare = room - sum(fitted)
    for column, width in enumerate(widths):
        more = min(width - fitted[column], max(spare, 0))
        fitted[column] += more
        spare -= more
    if spare < 0:
        widest = max(range(len(fitted)), key=fitted.__getitem__)
        fitted[widest] = max(fitted[widest] + spare, min(fitted[widest], _LEAST))
    return fitted


class Header(QHeaderView):
    """A header whose titles stand at the side on which the cells below them stand.

    Signals:
        room_changed: the header is wider or narrower now.
    """

    room_changed = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tell of another width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.room_changed.emit()

    def initStyleOptionForIndex(self, option: QStyleOptionHeader, section: int) -> None:
        """Take the alignment of the column's first cell; the arrow is drawn by `paintSection`."""
        super().initStyleOptionForIndex(option, section)
        option.sortIndicator = QStyleOptionHeader.SortIndicator.None_
        if self._right(section):
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            option.textAlignment = side

    def paintSection(self, painter: QPainter, rect: QRect, section: int) -> None:
        """Draw the title, and the arrow of the sorting on the free side of it."""
        super().paintSection(painter, rect, section)
        if not self.isSortIndicatorShown() or section != self.sortIndicatorSection():
            return
        title = str(self.model().headerData(section, self.orientation()) or "")
        width = QFontMetrics(self.font()).horizontalAdvance(title)
        room = rect.adjusted(PADDING, 0, -PADDING, 0)
        right = self._right(section)
        x = room.right() - width - _ARROW - 3 if right else room.left() + width + 4
        x = max(x, rect.left() + 1) if right else min(x, rect.right() - _ARROW)
        falling = self.sortIndicatorOrder() == Qt.SortOrder.DescendingOrder
        place = QRect(x, rect.center().y() - _ARROW // 2, _ARROW, _ARROW)
        icon("chevron-down" if falling else "chevron-up", "muted").paint(painter, place)

    def _right(self, section: int) -> bool:
        cell = self.model().index(0, section)
        side = cell.data(Qt.ItemDataRole.TextAlignmentRole) if cell.isValid() else None
        if side is None:
            role = Qt.ItemDataRole.TextAlignmentRole
            side = self.model().headerData(section, self.orientation(), role)
        return side is not None and bool(int(side) & int(Qt.AlignmentFlag.AlignRight.value))


def _common(view: QAbstractItemView, name: str, *, multiple: bool) -> None:
    modes = QAbstractItemView.SelectionMode
    view.setAccessibleName(name)
    view.setItemDelegate(CellDelegate(view))
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(modes.ExtendedSelection if multiple else modes.SingleSelection)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    view.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    view.setFrameShape(QAbstractItemView.Shape.NoFrame)
    view.setMouseTracking(True)


def _header(header: QHeaderView, *, sortable: bool) -> None:
    header.setHighlightSections(False)
    header.setStretchLastSection(True)
    header.setSectionsClickable(sortable)
    header.setSectionsMovable(sortable)
    header.setMinimumSectionSize(40)
    header.setFixedHeight(29)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setFont(theme.text_font(12))
