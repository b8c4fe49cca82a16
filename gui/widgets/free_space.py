"""Finds a position for a floating card that covers as little of a view as possible."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from weakref import WeakSet

from PySide6.QtCore import QAbstractItemModel, QPoint, QRect, QSize
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFrame,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTreeView,
    QWidget,
)
from shiboken6 import isValid

from gui import theme

#: Pixels to the edge, and between the heights that are tried.
_MARGIN, _STEP = 12, 24
_CONTROLS = (QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit)
#: Costs of covering the focused widget, the pointer, another card, an essential part, the button
#: that is probably pressed next, another control, a row, or a text.
_FOCUS, _POINTER, _CARD, _ESSENTIAL, _PRIMARY, _CONTROL, _ROW, _TEXT = 100, 30, 20, 20, 9, 3, 2, 1
#: Rows can be scrolled from below a card, but not the titles of their columns.
_KINDS: tuple[tuple[type | tuple[type, ...], int], ...] = (
    (_CONTROLS, _CONTROL),
    (QLabel, _TEXT),
    (QHeaderView, _ESSENTIAL),
)
#: All cards that were placed.
_cards: WeakSet[QWidget] = WeakSet()
#: The property of widgets that a card covers only if there is no other place.
_PROPERTY = "stays_visible"


@dataclass(frozen=True, slots=True)
class FilledList:
    """A list with rows: the area of its rows in a view above it, and the part that is filled."""

    list: QAbstractItemView
    area: QRect
    filled: QRect


def mark_essential(*parts: QWidget) -> None:
    """Mark widgets, such as a heading or a total, that no card should cover."""
    for part in parts:
        part.setProperty(_PROPERTY, True)  # noqa: FBT003 - Qt's own


def free_place(view: QWidget, size: QSize, floating: QWidget) -> QPoint:
    """Return where a card covers least of a view, preferably at the bottom, then at the top.

    In a scrolling page only the visible part of the view counts.

    Args:
        view: the view above which the card floats.
        size: the size of the card in pixels.
        floating: the card itself; what is inside it does not count as covered.
    """
    _cards.add(floating)
    lists = list(filled_lists(view))
    costs = [(focus, _FOCUS) for focus in _focus_places(view, floating)]
    pointer = view.mapFromGlobal(QCursor.pos())
    # A card that appears under the pointer would receive the click that was meant for the view.
    costs.append((QRect(pointer - QPoint(12, 12), QSize(25, 25)), _POINTER))
    costs += _parts(view, floating)
    costs += _other_cards(view, floating)
    costs += [(row, _ROW) for list_ in lists for row in _rows(list_.filled)]
    visible = visible_part(view)
    # The first of equally good positions, so their order is the preference.
    return cheapest((*_candidates(visible, size), *_below_rows(lists, visible, size)), size, costs)


def cheapest(points: Sequence[QPoint], size: QSize, costs: Iterable[tuple[QRect, int]]) -> QPoint:
    """Return the first position with the lowest cost of all that a card covers there.

    In numbers instead of rectangles, and only as long as a position may be the best one: a window
    has 80 positions and 150 parts, and waits for the result.
    """
    # The highest cost first, by which most positions are ruled out.
    parts = sorted(
        (
            (-cost, place.left(), place.top(), place.right(), place.bottom())
            for place, cost in costs
            if place.isValid()
        )
    )
    width, height = size.width(), size.height()
    best, least = points[0], sys.maxsize
    for point in points:
        x, y, total = point.x(), point.y(), 0
        end, bottom = x + width, y + height
        for cost, left, top, right, low in parts:
            if left < end and x <= right and top < bottom and y <= low:
                total -= cost
                if total >= least:
                    break
        else:
            best, least = point, total
            if not total:
                break
    return best


def covers_focus(view: QWidget, card: QRect, floating: QWidget) -> bool:
    """Return whether a card at a position hides the focused widget or row."""
    return any(card.intersects(place) for place in _focus_places(view, floating))


def visible_part(view: QWidget) -> QRect:
    """Return the part of a view that no parent cuts off; the complete view before it is shown.

    Not `visibleRegion`: that leaves out what opaque children cover.
    """
    visible, around = view.rect(), view.parentWidget()
    while view.isVisible() and around is not None and not view.isWindow():
        visible = visible.intersected(QRect(view.mapFrom(around, QPoint()), around.size()))
        around = None if around.isWindow() else around.parentWidget()
    return visible


def _candidates(visible: QRect, size: QSize) -> Iterator[QPoint]:
    """Yield positions in the order of preference."""
    middle = max((visible.width() - size.width()) // 2, 0)
    right = max(visible.width() - size.width() - _MARGIN, 0)
    bottom = max(visible.height() - size.height() - _MARGIN, 0)
    for x in (middle, right, _MARGIN):
        for y in (bottom, min(_MARGIN, bottom)):
            yield visible.topLeft() + QPoint(x, y)
    for y in range(bottom, 0, -_STEP):
        for x in (middle, right, _MARGIN):
            yield visible.topLeft() + QPoint(x, y)


def _focus_places(view: QWidget, floating: QWidget) -> Iterator[QRect]:
    widget = QApplication.focusWidget()
    if widget is None or not view.isAncestorOf(widget) or floating.isAncestorOf(widget):
        return
    if isinstance(widget, QAbstractItemView):
        rect = widget.visualRect(widget.currentIndex())
        inner: QWidget = widget.viewport()
    elif isinstance(widget, QPlainTextEdit):
        rect, inner = widget.cursorRect(), widget.viewport()
    else:
        rect, inner = widget.rect(), widget
    if not rect.isEmpty():
        yield QRect(inner.mapTo(view, rect.topLeft()), rect.size()).adjusted(-4, -4, 4, 4)


def _parts(view: QWidget, floating: QWidget) -> Iterator[tuple[QRect, int]]:
    """Yield the visible areas of what a card should not cover, and their costs.

    These are enabled controls, labels, titles of columns, essential parts, and other messages.
    """
    for part in view.findChildren(QWidget):
        if not part.isVisible():
            continue
        if part.property(_PROPERTY):
            yield QRect(part.mapTo(view, QPoint()), part.size()), _ESSENTIAL
        cost = _cost(part)
        if not (cost or isinstance(part, QFrame)) or floating.isAncestorOf(part):
            continue
        if isinstance(part, QFrame) and (part.property("floating") or part.property("banner")):
            yield QRect(part.mapTo(view, QPoint()), part.size()), _CARD
        if not cost or not part.isEnabled() or (isinstance(part, QLabel) and not part.text()):
            continue
        # The visible region excludes what a scroll area cuts off.
        shown = part.visibleRegion().boundingRect()
        if not shown.isEmpty():
            yield QRect(part.mapTo(view, shown.topLeft()), shown.size()), cost


def _cost(part: QWidget) -> int:
    """Return the cost of covering a widget because of its kind; 0 for none."""
    if part.property("kind") == "primary":
        return _PRIMARY
    return next((cost for kinds, cost in _KINDS if isinstance(part, kinds)), 0)


def _other_cards(view: QWidget, floating: QWidget) -> Iterator[tuple[QRect, int]]:
    """Yield the visible cards of the window that are not inside a view, and their cost.

    Not by a search from the parents of the view: PySide would create wrappers of parents that only
    Qt knows, and invalidate those of other widgets below them when it drops them.
    """
    for card in list(_cards):
        elsewhere = card is not floating and isValid(card) and card.isVisible()
        if elsewhere and card.window() is view.window() and not view.isAncestorOf(card):
            yield QRect(view.mapFromGlobal(card.mapToGlobal(QPoint())), card.size()), _CARD


def filled_lists(view: QWidget) -> Iterator[FilledList]:
    """Yield the lists in a view that have rows, with the area of the rows."""
    for part in view.findChildren(QAbstractItemView):
        model: QAbstractItemModel | None = part.model()
        if not part.isVisible() or model is None or not model.rowCount():
            continue
        area = QRect(part.viewport().mapTo(view, QPoint()), part.viewport().size())
        filled, bottom = QRect(area), _bottom_of_rows(part)
        if bottom is not None:
            filled.setHeight(max(min(bottom, area.height()), 0))
        yield FilledList(part, area, filled)


def _bottom_of_rows(part: QAbstractItemView) -> int | None:
    """Return where the last row ends in the viewport; None if rows fill all of it."""
    model = part.model()
    last = model.index(model.rowCount() - 1, 0)
    if isinstance(part, QTreeView):
        # The last visible row may be a child of the last top-level row.
        while part.isExpanded(last) and model.rowCount(last):
            last = model.index(model.rowCount(last) - 1, 0, last)
    rect = part.visualRect(last)
    return None if rect.isEmpty() else rect.bottom() + 1


def _rows(filled: QRect) -> Iterator[QRect]:
    for top in range(filled.top(), filled.bottom(), theme.ROW):
        yield QRect(filled.left(), top, filled.width(), theme.ROW).intersected(filled)


def _below_rows(lists: Iterable[FilledList], visible: QRect, size: QSize) -> Iterator[QPoint]:
    """Yield positions below the last row of lists with enough room for a card."""
    for each in lists:
        free = QRect(each.area)
        free.setTop(each.filled.bottom() + 1)
        free = free.intersected(visible)
        if free.width() >= size.width() and free.height() >= size.height():
            left = free.left() + (free.width() - size.width()) // 2
            lowest = free.bottom() + 1 - size.height()
            yield QPoint(left, max(lowest - _MARGIN, free.top()))
