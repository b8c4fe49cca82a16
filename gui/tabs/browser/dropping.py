"""Targets of drags in the Browser: folders of the tree and the list, breadcrumbs and folder tabs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractItemView, QTableView, QTreeView, QWidget

from gui import theme
from gui.shortcuts import explain, withdraw
from gui.tabs.browser.contents import FolderTab
from gui.tabs.browser.folder_model import FolderModel
from gui.tabs.browser.object_selection import ObjectSelection, local_files
from gui.tabs.browser.path_bar import PathBar
from gui.tabs.browser.strip import Strip
from gui.tabs.browser.tree_model import PREFIX_ROLE

#: Milliseconds after which a folder below the pointer opens, and between two steps of scrolling.
_OPEN_MS, _SCROLL_MS = 700, 60
#: Height in pixels of the edges of a list that scroll it.
_EDGE = 24


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a view that stands for a folder.

    Attributes:
        prefix: the folder.
        place: the rectangle to highlight, in the coordinates of the view.
        open: opens the folder while something is held above it; None if that does nothing.
    """

    prefix: str
    place: QRect
    open: Callable[[], object] | None = field(default=None, compare=False)


FindSpot = Callable[[QPoint], Spot | None]


class DropTargets(QObject):
    """Accepts drags of objects and of local files above the views that are added.

    Args:
        owner: the Browser tab.
        dragged: returns what is being dragged inside the Browser, or None.
        reason: returns why a selection, or files (None), cannot be put into a folder, or an empty
            text.

    Signals:
        objects_dropped: an `ObjectSelection`, the prefix of the folder, and whether to move (else
            copy).
        files_dropped: the prefix of the folder, and the paths of files of another program.
    """

    objects_dropped = Signal(object, str, bool)
    # As an object: Qt would replace the bytes of names that are not UTF-8 in a list of texts.
    files_dropped = Signal(str, object)

    def __init__(
        self,
        owner: QWidget,
        dragged: Callable[[], ObjectSelection | None],
        reason: Callable[[ObjectSelection | None, str], str],
    ) -> None:
        super().__init__(owner)
        self._dragged, self._reason = dragged, reason
        self._views: dict[QWidget, FindSpot] = {}
        self._mark: _Mark | None = None
        self._spot: Spot | None = None
        self._view: QWidget | None = None
        self._at = QPoint()
        self._refusal = ""
        self._has_files = False  # whether the data above a view contains local files
        self._opening = _timer(self, _OPEN_MS, self._open, single=True)
        self._scrolling = _timer(self, _SCROLL_MS, self._scroll)

    def add(self, view: QWidget, find: FindSpot) -> None:
        """Accept drags above a view; `find` returns the place at a position, or None."""
        view.setAcceptDrops(True)
        view.installEventFilter(self)
        self._views[view] = find

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Handle the events of drags instead of the views."""
        kind = event.type()
        if kind is QEvent.Type.DragLeave and watched is self._view:
            self._show(None, None)
        elif isinstance(event, QDropEvent) and isinstance(watched, QWidget):
            if kind is QEvent.Type.Drop:
                self._drop(watched, event)
            else:
                self._hover(watched, event)
            return True
        return super().eventFilter(watched, event)

    def _hover(self, view: QWidget, event: QDropEvent) -> None:
        """Accept or refuse a place; Qt sends no moves to a view that has refused the entry."""
        spot, why = self._judge(view, event)
        if spot is None or why:
            event.setAccepted(event.type() is QEvent.Type.DragEnter and self._is_known(event))
        else:
            self._accept(event)
        if why and spot != self._spot:
            explain(view, why)
        if spot is not None:
            if self._refusal and not why:
                withdraw(view, self._refusal)
            self._refusal = why
        self._at = event.position().toPoint()
        self._show(view, spot, refused=bool(why))

    def _drop(self, view: QWidget, event: QDropEvent) -> None:
        spot, why = self._judge(view, event)
        self._show(None, None)
        if spot is None or why:
            event.ignore()
            explain(view, why)
            return
        self._accept(event)
        what, paths = self._dragged(), local_files(event.mimeData())
        move = event.proposedAction() is Qt.DropAction.MoveAction
        prefix = spot.prefix
        # Later: a dialog must not open inside the drag.
        if what is not None:
            QTimer.singleShot(0, self, lambda: self.objects_dropped.emit(what, prefix, move))
        else:
            QTimer.singleShot(0, self, lambda: self.files_dropped.emit(prefix, paths))

    def _judge(self, view: QWidget, event: QDropEvent) -> tuple[Spot | None, str]:
        """Return the place below the pointer, and why nothing can be dropped there."""
        spot = self._views[view](event.position().toPoint())
        if spot is None or not self._is_known(event):
            return None, ""
        return spot, self._reason(self._dragged(), spot.prefix)

    def _is_known(self, event: QDropEvent) -> bool:
        # Only when a view is entered: a drag of tens of thousands of files would lag at each move.
        if event.type() is QEvent.Type.DragEnter:
            self._has_files = bool(local_files(event.mimeData()))
        return self._dragged() is not None or self._has_files

    def _accept(self, event: QDropEvent) -> None:
        if self._dragged() is None:
            event.setDropAction(Qt.DropAction.CopyAction)  # an upload never removes the files
            event.accept()
        else:
            event.acceptProposedAction()

    # Feedback

    def _show(self, view: QWidget | None, spot: Spot | None, *, refused: bool = False) -> None:
        """Highlight a place, and open or scroll what is below the pointer after a while."""
        if self._mark is not None and (view is not self._view or spot is None or refused):
            self._mark.hide()
            self._mark.deleteLater()
            self._mark = None
        if view is not None and spot is not None and not refused:
            self._mark = self._mark or _Mark(view)
            self._mark.setGeometry(spot.place)
            self._mark.show()
        if spot != self._spot:
            self._opening.stop()
            if spot is not None and spot.open is not None:
                self._opening.start()
        self._view, self._spot = view, spot
        if self._scroll_step() and not self._scrolling.isActive():
            self._scrolling.start()
        elif not self._scroll_step():
            self._scrolling.stop()

    def _open(self) -> None:
        if self._spot is not None and self._spot.open is not None:
            self._spot.open()

    def _scroll_step(self) -> int:
        """Return by how much the view below the pointer scrolls: -1, 0 or 1 rows."""
        view = self._view
        if view is None or not isinstance(view.parentWidget(), QAbstractItemView):
            return 0
        return (self._at.y() > view.height() - _EDGE) - (self._at.y() < _EDGE)

    def _scroll(self) -> None:
        view = self._view.parentWidget() if self._view is not None else None
        if isinstance(view, QAbstractItemView):
            bar = view.verticalScrollBar()
            bar.setValue(bar.value() + self._scroll_step() * theme.ROW)


class _Mark(QWidget):
    """The frame around the place where something would be dropped."""

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        # Qt looks for the target of a drag below it.
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setObjectName("drop mark")

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw a frame in the accent colour with a transparent fill."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        accent = theme.current().tokens.accent
        fill = QColor(accent)
        fill.setAlpha(36)
        painter.setBrush(fill)
        painter.setPen(QPen(accent, 2))
        painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 4, 4)
        painter.end()


def _timer(
    owner: QObject, interval: int, act: Callable[[], object], *, single: bool = False
) -> QTimer:
    timer = QTimer(owner)
    timer.setSingleShot(single)
    timer.setInterval(interval)
    timer.timeout.connect(act)
    return timer


def in_tree(view: QTreeView) -> FindSpot:
    """Return a function that finds the folder of a tree below a position in its viewport."""

    def find(at: QPoint) -> Spot | None:
        index = view.indexAt(at)
        prefix = index.data(PREFIX_ROLE) if index.isValid() else None
        if not isinstance(prefix, str):
            return None
        return Spot(prefix, _row(view, at), lambda: view.expand(view.indexAt(at)))

    return find


def in_list(view: QTableView, model: FolderModel) -> FindSpot:
    """Return a function that finds a folder row, or else the listed folder, in a viewport."""

    def find(at: QPoint) -> Spot | None:
        index = view.indexAt(at)
        if index.isValid() and model.entry(index.row()).folder:
            return Spot(model.key(index.row()), _row(view, at))
        return Spot(model.prefix, view.viewport().rect())

    return find


def in_pane(pane: QWidget, model: FolderModel) -> FindSpot:
    """Return a function that finds the listed folder anywhere in its pane."""
    return lambda _at: Spot(model.prefix, pane.rect())


def in_path(path: PathBar) -> FindSpot:
    """Return a function that finds the folder of a breadcrumb."""

    def find(at: QPoint) -> Spot | None:
        found = path.folder_at(at)
        return Spot(*found) if found is not None else None

    return find


def in_strip(strip: Strip) -> FindSpot:
    """Return a function that finds the folder of a folder tab."""

    def find(at: QPoint) -> Spot | None:
        index = strip.bar.tabAt(at)
        what = strip.at(index) if index >= 0 else None
        if not isinstance(what, FolderTab):
            return None
        return Spot(what.prefix, strip.bar.tabRect(index), lambda: strip.choose(what))

    return find


def _row(view: QAbstractItemView, at: QPoint) -> QRect:
    place = view.visualRect(view.indexAt(at))
    return QRect(0, place.y(), view.viewport().width(), place.height())
