"""Section headers and panels, with one-pixel separators instead of boxes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import (
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.widgets.labels import Elided, Pill

#: Minimum width in pixels of a name that replaces a heading.
_NAME = 56


def column(
    *parts: QWidget, margins: tuple[int, int, int, int] = (0, 0, 0, 0), spacing: int = 0
) -> QWidget:
    """Return the widgets in a column."""
    return _boxed(QBoxLayout.Direction.TopToBottom, parts, margins, spacing)


def row(
    *parts: QWidget,
    margins: tuple[int, int, int, int] = (0, 0, 0, 0),
    spacing: int = 8,
    stretch: bool = False,
) -> QWidget:
    """Return the widgets in a row; with `stretch` they have their sizes, at its left."""
    holder = _boxed(QBoxLayout.Direction.LeftToRight, parts, margins, spacing)
    box = holder.layout()
    if stretch and isinstance(box, QBoxLayout):
        box.addStretch(1)
    return holder


def rule() -> QFrame:
    """Return a horizontal one-pixel line."""
    line = QFrame()
    line.setProperty("surface", "rule")
    line.setFixedHeight(1)
    return line


def card(*parts: QWidget, spacing: int = 4) -> QFrame:
    """Return the widgets in a column on a card with a thin border."""
    frame = QFrame()
    frame.setProperty("surface", "card")
    box = QVBoxLayout(frame)
    box.setContentsMargins(14, 12, 14, 12)
    box.setSpacing(spacing)
    for part in parts:
        box.addWidget(part)
    return frame


def scrolling(part: QWidget) -> QScrollArea:
    """Return the widget in a view that scrolls vertically if necessary."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    # Tab would stop at the area, in which there is nothing to do.
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(part)
    area.setMinimumWidth(part.minimumSizeHint().width())
    return area


def splitter(
    *parts: QWidget,
    vertical: bool = False,
    sizes: tuple[int, ...] = (),
    stretch: tuple[int, ...] = (),
) -> QSplitter:
    """Return the widgets with movable one-pixel lines between them.

    Args:
        parts: the widgets, in order.
        vertical: arrange them in a column instead of a row.
        sizes: their initial sizes in pixels.
        stretch: how they share additional space; by default the last one takes all.
    """
    split = QSplitter(Qt.Orientation.Vertical if vertical else Qt.Orientation.Horizontal)
    split.setHandleWidth(1)
    # A part that was dragged to nothing would be hard to find again.
    split.setChildrenCollapsible(False)
    for part in parts:
        split.addWidget(part)
    if sizes:
        split.setSizes(list(sizes))
    for place, factor in enumerate(stretch or (0,) * (len(parts) - 1) + (1,)):
        split.setStretchFactor(place, factor)
    return split


def restore_sizes(split: QSplitter, stored: object) -> None:
    """Set the sizes of the parts as they were stored, unless that is not a list of as many."""
    if isinstance(stored, list) and len(stored) == split.count():
        split.setSizes([int(size) for size in stored])


def set_last_shown(split: QSplitter, *, shown: bool) -> None:
    """Show or hide the last part; only the part before it changes its size."""
    last = split.count() - 1
    part = split.widget(last)
    if part is None or part.isHidden() is not shown:
        return
    sizes = split.sizes()
    # Qt would distribute the size among all other parts, and forgets it while the part is hidden.
    if not shown:
        split.setProperty("hidden_size", sizes[last])
    size = int(split.property("hidden_size") or 0)
    part.setVisible(shown)
    sizes[last - 1] = max(sizes[last - 1] + (-size if shown else size), 1)
    sizes[last] = size if shown else 0
    split.setSizes(sizes)


class SectionHead(QFrame):
    """A bar of 36 px with a bold title, pills or muted text after it, and actions at the right.

    In a narrow bar notes and ages are hidden first. The original heading is never shortened; a
    name that replaces it is shortened last.

    Attributes:
        heading: the original title.
    """

    def __init__(self, title: str = "", *actions: QWidget, note: str = "") -> None:
        super().__init__()
        self.setProperty("surface", "bar")
        self.setFixedHeight(theme.SECTION)
        self.heading = title
        self._title = Elided(title)
        self._title.setFont(theme.bold_font())
        self._note = Elided(note, "muted")
        # A minimum of 0 means that Qt uses the minimum size hint.
        self._note.setMinimumWidth(1)
        self._box = QHBoxLayout(self)
        self._box.setContentsMargins(12, 1, 12, 0)
        self._box.setSpacing(8)
        self._box.addWidget(self._title)
        self._box.addWidget(self._note)
        self._note.setVisible(bool(note))
        self._box.addStretch(1)
        self._left = 2
        for action in actions:
            self.add_action(action)
        self._fit_title()

    @property
    def title(self) -> Elided:
        """The label of the title."""
        return self._title

    def set_title(self, title: str, note: str = "") -> None:
        """Show another title, and muted text after it."""
        self._title.setText(title)
        self._note.setText(note)
        self._note.setVisible(bool(note))
        self._fit_title()

    def minimumSizeHint(self) -> QSize:
        """Return the width of the heading and of all parts that cannot shrink."""
        least = super().minimumSizeHint()
        other = least.width() - self._title.minimumWidth()
        return QSize(other + self._least_title(), least.height())

    def event(self, event: QEvent) -> bool:
        """Give the title the remaining width whenever another part changes."""
        # The layout itself cannot know that a name may shrink, but a heading may not.
        if event.type() in {QEvent.Type.LayoutRequest, QEvent.Type.Resize}:
            self._fit_title()
        return super().event(event)

    def _fit_title(self) -> None:
        others = self._box.minimumSize().width() - self._title.minimumWidth()
        reserved = max(min(self._title_width(), self.width() - others), self._least_title())
        # Setting it always would request another layout without end.
        if reserved != self._title.minimumWidth():
            self._title.setMinimumWidth(reserved)

    def _least_title(self) -> int:
        wide = self._title_width()
        return wide if self._title.text() == self.heading else min(wide, _NAME)

    def _title_width(self) -> int:
        return self._title.fontMetrics().horizontalAdvance(self._title.text()) + 2

    def add_pill(self, pill: Pill) -> Pill:
        """Add a pill (or any small widget) after the title."""
        self.add_beside(pill)
        return pill

    def add_beside(self, widget: QWidget) -> None:
        """Add a widget after the title."""
        self._box.insertWidget(self._left, widget)
        self._left += 1

    def add_action(self, widget: QWidget) -> None:
        """Add a button or a switch at the right edge."""
        self._box.addWidget(widget)


class Panel(QWidget):
    """A section header above a body."""

    def __init__(self, title: str = "", *body: QWidget, actions: tuple[QWidget, ...] = ()) -> None:
        super().__init__()
        self.head = SectionHead(title, *actions)
        self.body = QVBoxLayout()
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(0)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.head)
        box.addLayout(self.body, 1)
        for part in body:
            self.body.addWidget(part)

    def add(self, widget: QWidget, stretch: int = 0) -> None:
        """Add a widget below the others."""
        self.body.addWidget(widget, stretch)


def _boxed(
    direction: QBoxLayout.Direction,
    parts: tuple[QWidget, ...],
    margins: tuple[int, int, int, int],
    spacing: int,
) -> QWidget:
    holder = QWidget()
    box = QBoxLayout(direction, holder)
    box.setContentsMargins(*margins)
    box.setSpacing(spacing)
    for part in parts:
        box.addWidget(part)
    return holder
