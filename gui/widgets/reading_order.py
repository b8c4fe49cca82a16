"""The Tab order of controls, which is their reading order.

Qt's own order is that in which widgets were made, and many are made late: the folders of a path,
the segments of a switch, the views of a preview.
"""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLayout,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QSplitter,
    QStackedLayout,
    QStackedWidget,
    QTabBar,
    QWidget,
)

from gui.widgets.page import scroll_into_view

#: Controls whose inner widgets, such as the buttons of a spin box, are not in the order.
_LEAVES = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
)


def reading_order(root: QWidget) -> list[QWidget]:
    """Return the controls that Tab can reach now in layout order; floating messages come last."""
    laid_out = list(_below(root))
    known = set(laid_out)
    floats = [w for w in root.findChildren(QWidget) if w not in known and _floats(w, root)]
    return [each for each in (*laid_out, *floats) if _reachable(each)]


def focus_next(root: QWidget, *, forward: bool) -> bool:
    """Move the focus to the next or the previous control of a widget; return whether there is one.

    Qt's own focus chain is not used: widgets with a focus proxy cannot be moved in it.
    """
    order = reading_order(root)
    if not order:
        return False
    step, focus = 1 if forward else -1, root.window().focusWidget()
    # Without a focus the first step leads to the first control, or backwards to the last one.
    outside = -1 if forward else 0
    place = (order.index(focus) if focus in order else outside) + step
    reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
    wanted = order[place % len(order)]
    wanted.setFocus(reason)
    scroll_into_view(wanted)  # as Qt does when it moves the focus
    return True


def _reachable(widget: QWidget) -> bool:
    wants = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
    return wants and widget.isVisible() and widget.isEnabled() and widget.focusProxy() is None


def _floats(widget: QWidget, root: QWidget) -> bool:
    """Return whether a widget is in a floating message, which belongs to no layout."""
    part: QWidget | None = widget
    while part is not None and part is not root:
        if part.property("floating"):
            return not isinstance(widget.parentWidget(), _LEAVES)
        part = part.parentWidget()
    return False


def _below(widget: QWidget) -> Iterator[QWidget]:
    """Yield a widget and those below it in the order of their layouts."""
    yield widget
    if isinstance(widget, _LEAVES):
        return
    for part in _parts(widget):
        yield from _below(part)


def _parts(widget: QWidget) -> Iterator[QWidget]:
    # Pages that are not shown are not reachable, although they are children.
    if isinstance(widget, QStackedWidget):
        yield from filter(None, [widget.currentWidget()])
    elif isinstance(widget, QSplitter):
        yield from filter(None, (widget.widget(place) for place in range(widget.count())))
    elif isinstance(widget, QScrollArea):
        yield from filter(None, [widget.widget()])
    elif (layout := widget.layout()) is not None:
        yield from _in_layout(layout)


def _in_layout(layout: QLayout) -> Iterator[QWidget]:
    if isinstance(layout, QStackedLayout):
        yield from filter(None, [layout.currentWidget()])
        return
    for place in range(layout.count()):
        item = layout.itemAt(place)
        if item is None:
            continue
        if (inner := item.layout()) is not None:
            yield from _in_layout(inner)
        elif (part := item.widget()) is not None:
            yield part
