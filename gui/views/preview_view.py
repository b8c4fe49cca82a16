"""The preview of an object: heading, switch between its representations, the representation, and its problems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.preview import (
    Book,
    BookHistory,
    Candles,
    Comparison,
    HexDump,
    Holdings,
    Lines,
    Panes,
    Picture,
    Preview,
    Problem,
    Representation,
    Table,
    Trades,
    Tree,
)
from gui.views.background import Background
from gui.views.holdings_view import HoldingsView
from gui.views.lines_view import LinesView
from gui.views.picture_view import PictureView
from gui.views.problems_bar import ProblemsBar
from gui.views.rows_view import HexView, TreeView
from gui.views.table_view import TableView
from gui.widgets.empty import EmptyState, Skeleton
from gui.widgets.labels import Pill
from gui.widgets.panel import SectionHead
from gui.widgets.reading_order import focus_next
from gui.widgets.segmented import Segmented
from gui.widgets.stack import VisibleStack


class ContentView(Protocol):
    """The interface of all views of a representation."""

    def show_content(self, representation: Any, /) -> None:
        """Show a representation."""

    def go_to(self, problem: Problem) -> None:
        """Make the position of a problem visible."""


def _candle_view() -> QWidget:
    from gui.views.candle_view import CandleView  # imports numpy, so only when a chart is shown

    return CandleView()


def _compare_view() -> QWidget:
    from gui.views.series_views import CompareView

    return CompareView()


def _panes_view() -> QWidget:
    from gui.views.series_views import PanesView

    return PanesView()


def _depth_view() -> QWidget:
    from gui.views.depth_view import DepthView

    return DepthView()


def _replay_view() -> QWidget:
    from gui.views.replay_view import ReplayView

    return ReplayView()


def _trades_view() -> QWidget:
    from gui.views.trades_view import TradesView

    return TradesView()


#: The view of each representation. A new representation needs a view and one line here.
VIEWS: tuple[tuple[type, Callable[[], QWidget]], ...] = (
    (Candles, _candle_view),
    (Comparison, _compare_view),
    (Panes, _panes_view),
    (Book, _depth_view),
    (BookHistory, _replay_view),
    (Trades, _trades_view),
    (Holdings, HoldingsView),
    (Table, TableView),
    (Tree, TreeView),
    (Lines, LinesView),
    (Picture, PictureView),
    (HexDump, HexView),
)


#: Pixels of the head for its margins, for a title at most, and between its parts.
_MARGINS, _TITLE, _BETWEEN = 24, 160, 8
#: The buttons that are shown with several objects.
JOIN, COLLECT = "Show together", "Collect a time range…"


class PreviewView(QWidget):
    """Shows a preview, or why there is none.

    Signals:
        picture_wanted: a `Picture` to be decoded; answer with `picture_view().show_image`.
        retry_wanted: the user wants the failed preview tried again.
        joined_wanted: the user wants one preview of all selected objects.
        collect_wanted: the user wants to collect a time range of them instead.
    """

    picture_wanted = Signal(object)
    retry_wanted = Signal()
    joined_wanted = Signal()
    collect_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preview: Preview | None = None
        self._views: dict[type, QWidget] = {}
        self._drawn: dict[type, str] = {}
        #: Runs the sorting of many rows in a worker thread; None to sort them in this thread.
        self.background: Background | None = None
        self.switch = Segmented(name="How the object is shown")
        self.switch.selected.connect(self._on_switched)
        self._preferred = ""
        self.head = SectionHead("Preview")
        self._count = self.head.add_pill(Pill())
        self._packed = self.head.add_pill(Pill())
        self._part = self.head.add_pill(Pill())
        self.head.add_action(self.switch)
        self.problems = ProblemsBar()
        self.problems.chosen.connect(self._on_problem)
        self._empty = EmptyState("", "")
        self._failed = EmptyState("", "", "Try again", self.retry_wanted.emit)
        self._several = EmptyState("", "", JOIN, self._on_several)
        self._loading = Skeleton(8)
        self._stack = VisibleStack()
        for part in (self._empty, self._failed, self._several, self._loading):
            self._stack.addWidget(part)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.head)
        box.addWidget(self._stack, 1)
        box.addWidget(self.problems)
        self.show_empty("Nothing selected", "Select an object to preview it.")

    @property
    def preview(self) -> Preview | None:
        """The current preview."""
        return self._preview

    @property
    def content_view(self) -> QWidget | None:
        """The view of the current representation, or the state shown instead."""
        return self._stack.currentWidget()

    def show_preview(self, preview: Preview) -> None:
        """Show a preview, with the representation chosen before if it has it."""
        self._preview = preview
        self._drawn.clear()
        self._head(preview.title, preview.packed)
        part = "" if preview.complete else "beginning"
        self._part.set(
            part, hint="Only the first bytes were read. Download the object to see all of it."
        )
        labels = [representation.label for representation in preview.representations]
        self.switch.set_items(labels)
        self.switch.setVisible(len(labels) > 1)
        # New labels have no width until they are laid out.
        QTimer.singleShot(0, self, self._fit_count)
        # The representation that the user has chosen for one object is used for the next.
        label = self._preferred if self._preferred in labels else labels[0]
        # The user has not selected it: it must not become the preferred one.
        self.switch.blockSignals(True)  # noqa: FBT003 - Qt's own
        self.switch.select(label)
        self.switch.blockSignals(False)  # noqa: FBT003 - Qt's own
        self._on_representation(label)
        if preview.empty:
            self._empty.set_text("This object is empty", "It has no bytes.")
            self._stack.setCurrentWidget(self._empty)
        self.problems.show_problems(preview)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the count out of a head that has no room for it."""
        super().resizeEvent(event)
        self._fit_count()

    def _fit_count(self) -> None:
        if self._preview is None:
            return
        # Its labels must not be cut, which would happen before the pill is.
        pills = [pill for pill in (self._packed, self._part) if not pill.isHidden()]
        shown = [self.switch, *pills] if len(self._preview.representations) > 1 else pills
        widths = [part.sizeHint().width() for part in shown]
        if self._preview.count:
            # Showing the pill to measure it would widen the head, and this would be called again.
            widths.append(self._count.width_with(self._preview.count))
        title = min(_TITLE, self.head.title.sizeHint().width())
        needed = _MARGINS + title + sum(width + _BETWEEN for width in widths)
        count = self._preview.count if needed <= self.width() else ""
        if count != self._count.text():
            self._count.set(count)

    def show_empty(self, title: str, text: str) -> None:
        """Show why there is no preview."""
        self._without("Preview")
        self._empty.set_text(title, text)
        self._stack.setCurrentWidget(self._empty)

    def show_several(self, title: str, text: str, button: str = JOIN) -> None:
        """Show what is selected, and a button.

        Args:
            title: what is selected, or why it was not joined.
            text: the actions that are possible.
            button: `JOIN`, `COLLECT`, or empty for none.
        """
        if not button and self._several.button.hasFocus():
            # Else Qt would move the focus of the hidden button to any other control.
            focus_next(self.window(), forward=False)
        self._without("Preview")
        self._several.set_text(title, text, button)
        self._stack.setCurrentWidget(self._several)

    def show_failed(self, title: str, text: str) -> None:
        """Show an error and the button to try again."""
        self._without(title)
        self._failed.set_text("This object cannot be shown", text)
        self._stack.setCurrentWidget(self._failed)

    def show_loading(self, title: str) -> None:
        """Show that the next preview is being loaded; the old one stays visible until then."""
        # Otherwise the old content would flicker with every step through a list.
        if self._preview is None:
            self._without(title)
            self._stack.setCurrentWidget(self._loading)

    def picture_view(self) -> PictureView | None:
        """Return the view of pictures, when there is one."""
        view = self._views.get(Picture)
        return view if isinstance(view, PictureView) else None

    def _without(self, title: str) -> None:
        self._preview = None
        self._head(title, "")
        self.switch.hide()
        self.problems.hide()

    def _head(self, title: str, packed: str) -> None:
        self.head.set_title(title)
        self._count.set("")
        self._part.set("")
        self._packed.set(packed, hint=f"The content was decompressed: {packed}")

    def _on_several(self) -> None:
        """Emit the signal of the button that is shown with several objects."""
        joins = self._several.button.text() == JOIN
        (self.joined_wanted if joins else self.collect_wanted).emit()

    def _on_switched(self, label: str) -> None:
        """Store the representation that the user selected; the first one means the default."""
        first = self._preview.representations[0].label if self._preview else ""
        self._preferred = "" if label == first else label
        self._on_representation(label)

    def _on_representation(self, label: str) -> None:
        representations = self._preview.representations if self._preview else ()
        representation = next((one for one in representations if one.label == label), None)
        if representation is not None:
            self._stack.setCurrentWidget(self._view(representation))

    def _view(self, representation: Representation) -> QWidget:
        """Return the view of a representation, created on first use and filled once per preview."""
        kind = type(representation)
        if kind not in self._views:
            view = next(make for of, make in VIEWS if of is kind)()
            if isinstance(view, PictureView):
                view.wanted.connect(self.picture_wanted)
            if isinstance(view, TableView):
                view.set_background(self.background)
            self._views[kind] = view
            self._stack.addWidget(view)
        # A preview may have two tables, which share a view.
        if self._drawn.get(kind) != representation.label:
            self._drawn[kind] = representation.label
            view = self._views[kind]
            if isinstance(view, TableView):
                view.partial = self._preview is not None and not self._preview.complete
            cast("ContentView", self._views[kind]).show_content(representation)
        return self._views[kind]

    def _on_problem(self, problem: Problem) -> None:
        view = self._stack.currentWidget()
        if view in self._views.values():
            cast("ContentView", view).go_to(problem)
