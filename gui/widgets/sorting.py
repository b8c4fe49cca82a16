"""Sorting of tables by keyboard, and its announcement to screen readers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QActionGroup
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QTableView

from gui import actions, shortcuts

_FIXED = "The rows of this list have a fixed order."
#: The entry of the menu for the column by which a table is sorted.
_SORTED_ENTRIES = {
    Qt.SortOrder.AscendingOrder: "{title}, ascending",
    Qt.SortOrder.DescendingOrder: "{title}, descending",
}
_UNSORTED = "Original order"
_SORTED_TEXTS = {
    Qt.SortOrder.AscendingOrder: "Sorted by {title}, ascending",
    Qt.SortOrder.DescendingOrder: "Sorted by {title}, descending",
}


def bind_sorting(view: QAbstractItemView) -> None:
    """Bind the shortcut for sorting to a menu of a view's columns, or to why it cannot be sorted.

    A right click on the header opens the same menu. Each new order, by mouse or keyboard, is
    announced to screen readers.
    """
    shortcuts.bind("lists.sort", view, partial(open_sort_menu, view), partial(_reason, view))
    header = _header(view)
    if header is not None:
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(lambda _where: open_sort_menu(view))
        header.sortIndicatorChanged.connect(partial(_announce, view))
        header.setAccessibleDescription(sort_order_text(view))


def open_sort_menu(view: QAbstractItemView) -> QMenu | None:
    """Open the menu of a table's columns below the title by which it is sorted.

    Selecting that column again reverses the order. If it is descending already, and a click on the
    title would restore the order of the rows themselves, so does the menu.

    Returns:
        The menu; None for a view that cannot be sorted.
    """
    header = _header(view)
    if header is None:
        return None
    menu = QMenu(view)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.setAccessibleName(actions.action("lists.sort").text)
    group = QActionGroup(menu)
    present = header.sortIndicatorSection()
    for column in _columns(header):
        text = _title(header, column)
        if column == present:
            text = _SORTED_ENTRIES[header.sortIndicatorOrder()].format(title=text)
        # Qt reads a single ampersand as the mark of an access key.
        action = menu.addAction(text.replace("&", "&&"), partial(_sort, header, column))
        action.setCheckable(True)
        action.setChecked(column == present)
        group.addAction(action)
        # With a keyboard the menu starts at the column by which the table is sorted.
        if column == present or menu.activeAction() is None:
            menu.setActiveAction(action)
    x = header.sectionViewportPosition(present) if present >= 0 else 0
    menu.popup(header.mapToGlobal(QPoint(max(x, 0), header.height())))
    return menu


def sort_order_text(view: QAbstractItemView) -> str:
    """Return the sort order of a table as text, for example `Sorted by Size, descending`."""
    header = _header(view)
    if header is None or header.sortIndicatorSection() < 0:
        return ""
    title = _title(header, header.sortIndicatorSection())
    return _SORTED_TEXTS[header.sortIndicatorOrder()].format(title=title)


def _header(view: QAbstractItemView) -> QHeaderView | None:
    """Return the header of a table that can be sorted."""
    sortable = isinstance(view, QTableView) and view.isSortingEnabled()
    return view.horizontalHeader() if sortable and isinstance(view, QTableView) else None


def _reason(view: QAbstractItemView) -> str:
    return "" if _header(view) is not None else _FIXED


def _columns(header: QHeaderView) -> Iterator[int]:
    """Yield the visible columns with a title from left to right."""
    for place in range(header.count()):
        column = header.logicalIndex(place)
        if not header.isSectionHidden(column) and _title(header, column):
            yield column


def _title(header: QHeaderView, column: int) -> str:
    return str(header.model().headerData(column, Qt.Orientation.Horizontal) or "")


def _sort(header: QHeaderView, column: int) -> None:
    again = column == header.sortIndicatorSection()
    rising = header.sortIndicatorOrder() == Qt.SortOrder.AscendingOrder
    if again and not rising and header.isSortIndicatorClearable():
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        return
    # A new column starts in ascending order, as with a click on the header.
    falling = again and rising
    orders = Qt.SortOrder
    header.setSortIndicator(column, orders.DescendingOrder if falling else orders.AscendingOrder)


def _announce(view: QAbstractItemView, *_order: object) -> None:
    text, header = sort_order_text(view), _header(view)
    # Clearing an order that is not there, for example for other rows, is no change.
    if header is None or text == header.accessibleDescription():
        return
    header.setAccessibleDescription(text)
    if QAccessible.isActive():
        event = QAccessibleAnnouncementEvent(view, f"{view.accessibleName()}: {text or _UNSORTED}")
        QAccessible.updateAccessibility(event)
