"""Find texts that are clipped, controls outside of the window, and nested scroll bars."""

from collections.abc import Callable, Iterator
from typing import Any

from PySide6.QtCore import QModelIndex, QPoint, QRect, Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDialog,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMainWindow,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QScrollBar,
    QSplitterHandle,
    QStyleOptionViewItem,
    QTabBar,
    QTableView,
    QTreeView,
    QWidget,
)

from gui.models.roles import PILL_ROLE, PROGRESS_ROLE
from gui.widgets.banner import Banner
from gui.widgets.buttons import NameButton
from gui.widgets.elide import is_moment
from gui.widgets.labels import Elided
from gui.widgets.panel import SectionHead

#: Pixels by which metrics round.
_ROUNDING = 2
_INSIDE_QT = (QAbstractSpinBox, QComboBox, QLineEdit, QTabBar, QAbstractItemView, QHeaderView)


def problems(root: QWidget) -> list[str]:
    """Return everything in a window or dialog that is clipped, outside, or scrolled twice."""
    found = [
        *_clipped(root), *_outside(root), *_overlapping(root), *_scrolled_twice(root),
        *_sideways(root), *_headings(root),
    ]  # fmt: skip
    return sorted(set(found))


def name_of(widget: QWidget) -> str:
    """Return what a person would call a widget, and where it is."""
    text = getattr(widget, "text", None)
    label = widget.accessibleName() or (str(text())[:40] if callable(text) else "")
    holders = []
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, (QMainWindow, QDialog)):
        if type(parent).__module__.startswith("gui."):
            holders.append(type(parent).__name__)
        parent = parent.parentWidget()
    return f"{type(widget).__name__} {label!r} in {' < '.join(holders[:3])}"


def _visible(root: QWidget) -> list[QWidget]:
    return [w for w in root.findChildren(QWidget) if w.isVisible() and not _of_qt(w)]


def _of_qt(widget: QWidget) -> bool:
    """Return whether a widget is a part that Qt lays out inside one of Qt's controls."""
    parent = widget.parentWidget()
    return isinstance(parent, _INSIDE_QT) and not isinstance(widget, QHeaderView)


def _clipped(root: QWidget) -> Iterator[str]:
    for widget in _visible(root):
        less = next((less(widget) for kind, less in _MEASURES if isinstance(widget, kind)), 0)
        if less > _ROUNDING:
            yield f"clipped by {less} px: {name_of(widget)}"
        if isinstance(widget, (QTableView, QTreeView)):
            yield from _heads(widget)
        if isinstance(widget, QTabBar):
            yield from _tabs(widget)


def _label(label: QLabel) -> int:
    if isinstance(label, Elided) or not label.text():
        return 0
    if label.wordWrap():
        return label.heightForWidth(label.width()) - label.height()
    lines = label.text().split("\n")
    metrics = QFontMetrics(label.font())
    wide = max(metrics.horizontalAdvance(line) for line in lines)
    room = label.contentsRect().width()
    shortened = label.toolTip() and wide > room  # the complete text is in the tooltip
    less = 0 if shortened else wide - room
    return max(less, metrics.ascent() - label.height())


def _lacking(button: QAbstractButton) -> int:
    if not button.text():
        return 0
    if isinstance(button, NameButton):  # the complete text is in the tooltip
        return button.minimumSizeHint().width() - button.width()
    return button.sizeHint().width() - button.width()


def _combo(box: QComboBox) -> int:
    text = QFontMetrics(box.font()).horizontalAdvance(box.currentText())
    return 0 if box.toolTip() else text - (box.width() - 36)


def _placeholder(field: QLineEdit) -> int:
    if field.text() or not field.placeholderText() or field.toolTip():
        return 0
    text = QFontMetrics(field.font()).horizontalAdvance(field.placeholderText())
    return text - (field.width() - 24)


_MEASURES: tuple[tuple[Any, Callable[[Any], int]], ...] = (
    (QLabel, _label),
    ((QPushButton, QCheckBox, QRadioButton), _lacking),
    (QComboBox, _combo),
    (QLineEdit, _placeholder),
)


def _heads(view: QTableView | QTreeView) -> Iterator[str]:
    header = view.horizontalHeader() if isinstance(view, QTableView) else view.header()
    if not header.isVisible():
        return
    metrics = QFontMetrics(header.font())
    for section in range(header.count()):
        title = view.model().headerData(section, Qt.Orientation.Horizontal)
        if header.isSectionHidden(section) or not title:
            continue
        less = metrics.horizontalAdvance(str(title)) + 24 - header.sectionSize(section)
        if less > _ROUNDING:
            yield f"column head {title!r} clipped by {less} px: {name_of(view)}"


def _tabs(bar: QTabBar) -> Iterator[str]:
    for place in range(bar.count()):
        area = bar.tabRect(place)
        if not bar.rect().contains(area.center()) or area.right() > bar.width():
            yield f"tab {bar.tabText(place)!r} is outside: {name_of(bar)}"


def _outside(root: QWidget) -> Iterator[str]:
    for widget in _visible(root):
        parent = widget.parentWidget()
        if parent is None or isinstance(widget, (QSplitterHandle, QScrollBar)):
            continue
        holder = parent.parentWidget()
        if isinstance(holder, QAbstractScrollArea) and holder.viewport() is parent:
            continue  # that is what the scroll bar is for
        if widget.width() and widget.height() and not parent.rect().contains(widget.geometry()):
            yield f"outside its place ({widget.geometry().getRect()}): {name_of(widget)}"


def _overlapping(root: QWidget) -> Iterator[str]:
    for parent in [root, *_visible(root)]:
        if isinstance(parent, (QAbstractScrollArea, *_INSIDE_QT)):
            continue
        parts = [
            part
            for part in parent.children()
            if isinstance(part, QWidget)
            and part.isVisible()
            and not part.isWindow()
            and not isinstance(part, (Banner, QSplitterHandle))
        ]
        for place, one in enumerate(parts):
            for other in parts[place + 1 :]:
                if one.geometry().intersects(other.geometry()):
                    yield f"overlap: {name_of(one)} and {name_of(other)}"


def _scrolled_twice(root: QWidget) -> Iterator[str]:
    areas = [w for w in root.findChildren(QAbstractScrollArea) if w.isVisible()]
    for area in areas:
        for direction in ("verticalScrollBar", "horizontalScrollBar"):
            if not _scrolls(area, direction):
                continue
            outer = area.parentWidget()
            while outer is not None:
                if isinstance(outer, QScrollArea) and _scrolls(outer, direction):
                    yield f"two bars in one direction: {name_of(area)} inside {name_of(outer)}"
                outer = outer.parentWidget()


def _sideways(root: QWidget) -> Iterator[str]:
    """Yield the lists and pages that scroll sideways; a preview has as many columns as its file."""
    for view in root.findChildren(QAbstractScrollArea):
        if not isinstance(view, (QAbstractItemView, QScrollArea)):
            continue
        if view.isVisible() and _scrolls(view, "horizontalScrollBar"):
            yield f"scrolls sideways by {view.horizontalScrollBar().maximum()} px: {name_of(view)}"


def _headings(root: QWidget) -> Iterator[str]:
    """Yield the headings that are shortened; names in their place may be."""
    for head in root.findChildren(SectionHead):
        title = head.title
        less = QFontMetrics(title.font()).horizontalAdvance(title.text()) - title.width()
        if head.isVisible() and title.text() == head.heading and less > _ROUNDING:
            yield f"heading {head.heading!r} shortened by {less} px"


def _scrolls(area: QAbstractScrollArea, direction: str) -> bool:
    bar = getattr(area, direction)()
    return bool(bar.isVisible() and bar.maximum() > bar.minimum())


def positions(root: QWidget) -> dict[int, QRect]:
    """Return where every visible widget of a window is, banners and their parts left out."""
    found = {}
    for widget in root.findChildren(QWidget):
        if widget.isVisible() and not _in_banner(widget):
            found[id(widget)] = QRect(widget.mapTo(root, QPoint()), widget.size())
    return found


def _in_banner(widget: QWidget) -> bool:
    part: QWidget | None = widget
    while part is not None:
        if isinstance(part, Banner):
            return True
        part = part.parentWidget()
    return False


def cut_cells(root: QWidget, *, moments: bool) -> list[str]:
    """Return the cells in sight whose number, pill, progress or moment is not drawn in full.

    Names and other texts may be shortened: the row's tooltip has them in full.

    Args:
        root: the window or dialog.
        moments: whether moments must be drawn in full as well.
    """
    found = []
    for view in root.findChildren(QTableView):
        if view.isVisible() and view.model() is not None:
            found += [what for index in _in_sight(view) if (what := _cut(view, index, moments))]
    return sorted(set(found))


def _in_sight(view: QTableView) -> Iterator[QModelIndex]:
    last = view.rowAt(view.viewport().height() - 1)
    rows = range(max(view.rowAt(0), 0), (last if last >= 0 else view.model().rowCount() - 1) + 1)
    for row in rows:
        for column in range(view.model().columnCount()):
            if not view.isColumnHidden(column):
                yield view.model().index(row, column)


def _cut(view: QTableView, index: QModelIndex, moments: bool) -> str:
    right = index.data(Qt.ItemDataRole.TextAlignmentRole)
    text = str(index.data() or "")
    moment = is_moment(text)
    fixed = (
        (right is not None and not moment)
        or index.data(PILL_ROLE)
        or index.data(PROGRESS_ROLE) is not None
    )
    if not text or not (fixed or (moments and moment)):
        return ""
    option = QStyleOptionViewItem()
    option.initFrom(view)
    option.widget = view
    wanted = view.itemDelegate().sizeHint(option, index).width()
    if wanted <= view.columnWidth(index.column()) + _ROUNDING:
        return ""
    title = view.model().headerData(index.column(), Qt.Orientation.Horizontal)
    return (
        f"cell of {title!r} cut by {wanted - view.columnWidth(index.column())} px: {name_of(view)}"
    )
