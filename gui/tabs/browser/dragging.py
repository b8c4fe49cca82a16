"""Starts drags of rows and of folders: into folders of this window, or as files to other programs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QDrag, QMouseEvent, QPainter, QPixmap, QWindow
from PySide6.QtWidgets import QAbstractItemView, QApplication, QTableView, QTreeView, QWidget

from core.units import format_counted
from gui import theme
from gui.tabs.browser.object_selection import ObjectSelection, Paths, SelectionData

#: Returns the folder of a row of a tree as a selection, or None.
FolderAt = Callable[[QModelIndex], ObjectSelection | None]
_ACTIONS = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
_CTRL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@dataclass(frozen=True, slots=True)
class _Pressed:
    """A row below the pressed button: its list, the position, and whether to deselect it later."""

    table: QTableView
    at: QPoint
    index: QModelIndex
    toggles: bool


@dataclass(frozen=True, slots=True)
class _HeldPress:
    """A press on a folder of a tree, which the tree gets only if it ends as a click."""

    tree: QTreeView
    event: QMouseEvent
    what: ObjectSelection

    @property
    def at(self) -> QPoint:
        """The position in the viewport."""
        return self.event.position().toPoint()


class DragSource(QObject):
    """Turns a pull at selected rows, or at the name of any row, into a drag.

    Elsewhere in a row, pulling selects several rows, as in other lists. A pull at a folder of a
    tree drags it without opening it.

    Args:
        owner: the Browser tab.
        selection: returns the selection, or None.
        fetch: called when a drag leaves the window: another program may want files.
        paths: returns the local files of the selection as far as they are known; None if it has
            none for other programs.
    """

    def __init__(
        self,
        owner: QWidget,
        selection: Callable[[], ObjectSelection | None],
        fetch: Callable[[ObjectSelection], object],
        paths: Callable[[ObjectSelection], Paths | None],
    ) -> None:
        super().__init__(owner)
        self._selection, self._fetch, self._paths = selection, fetch, paths
        self._pressed: _Pressed | None = None
        self._tables: dict[QObject, QTableView] = {}
        self._held: _HeldPress | None = None
        self._passing = False  # whether a held press is being passed to its tree
        self._trees: dict[QObject, tuple[QTreeView, FolderAt]] = {}
        self._window: QWindow | None = None
        #: The selection that is being dragged; None otherwise.
        self.current: ObjectSelection | None = None

    def add(self, table: QTableView) -> None:
        """Let rows of a list be dragged."""
        self._tables[table.viewport()] = table
        table.viewport().installEventFilter(self)

    def add_tree(self, tree: QTreeView, folder_at: FolderAt) -> None:
        """Let folders of a tree be dragged; `folder_at` returns that of a row, or None."""
        self._trees[tree.viewport()] = (tree, folder_at)
        tree.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the mouse in the lists, and a drag that leaves the window."""
        if event.type() is QEvent.Type.DragLeave and watched is self._window:
            if self.current is not None:
                self._fetch(self.current)
        elif isinstance(event, QMouseEvent) and watched in self._tables:
            if event.type() is QEvent.Type.MouseButtonPress:
                return self._press(self._tables[watched], event)
            if event.type() is QEvent.Type.MouseMove and self._pressed is not None:
                return self._move(self._pressed, event)
            if event.type() is QEvent.Type.MouseButtonRelease:
                return self._release()
        elif isinstance(event, QMouseEvent) and watched in self._trees:
            return self._follow_in_tree(*self._trees[watched], event)
        return super().eventFilter(watched, event)

    def _press(self, table: QTableView, event: QMouseEvent) -> bool:
        at = event.position().toPoint()
        index, keys = table.indexAt(at), event.modifiers()
        self._pressed = None
        if event.button() != Qt.MouseButton.LeftButton or not index.isValid() or keys & _SHIFT:
            return False
        selected = table.selectionModel().isSelected(index)
        # Ctrl would deselect the row at once, but with Ctrl a drag copies.
        toggles = bool(keys & _CTRL) and selected
        if selected or index.column() == 0:
            self._pressed = _Pressed(table, at, index, toggles)
        if toggles:
            table.setFocus(Qt.FocusReason.MouseFocusReason)
        return toggles

    def _move(self, pressed: _Pressed, event: QMouseEvent) -> bool:
        """Start the drag; until then the list must not take the movement for a selection."""
        if not event.buttons() & Qt.MouseButton.LeftButton:
            self._pressed = None
            return False
        distance = (event.position().toPoint() - pressed.at).manhattanLength()
        if distance >= QApplication.startDragDistance():
            self._pressed = None
            self.start(pressed.table)
        return True

    def _release(self) -> bool:
        pressed, self._pressed = self._pressed, None
        if pressed is None or not pressed.toggles:
            return False
        flags, chosen = QItemSelectionModel.SelectionFlag, pressed.table.selectionModel()
        chosen.select(pressed.index, flags.Toggle | flags.Rows)
        chosen.setCurrentIndex(pressed.index, flags.NoUpdate)
        return True

    def _follow_in_tree(self, tree: QTreeView, folder_at: FolderAt, event: QMouseEvent) -> bool:
        """Hold a press back until it is a click: selecting a folder opens it, and a drag must not."""
        held, kind = self._held, event.type()
        if self._passing:
            return False
        if kind is QEvent.Type.MouseButtonPress:
            self._held = _held_press(tree, folder_at, event)
            return self._held is not None
        if held is None:
            return False
        if kind is QEvent.Type.MouseMove and event.buttons() & Qt.MouseButton.LeftButton:
            distance = (event.position().toPoint() - held.at).manhattanLength()
            if distance >= QApplication.startDragDistance():
                self._held = None
                self._drag(tree, held.what)
            return True
        self._held = None
        if kind is QEvent.Type.MouseButtonRelease:
            self._passing = True
            QApplication.sendEvent(tree.viewport(), held.event)
            self._passing = False
        return False

    def start(self, table: QTableView) -> None:
        """Drag the selection of a list until it is dropped."""
        what = self._selection()
        if what is not None:
            self._drag(table, what)

    def _drag(self, view: QAbstractItemView, what: ObjectSelection) -> None:
        drag = QDrag(view)
        data = SelectionData(what, self._paths(what))
        drag.setMimeData(data)
        text = format_counted(len(what.entries), "item")
        drag.setPixmap(_label(text, view))
        drag.setHotSpot(QPoint(-12, -8))
        self._window = view.window().windowHandle()
        if self._window is not None:
            self._window.installEventFilter(self)
        self.current = what
        try:
            # The result is ignored: what another program does with the files changes no object.
            run_drag(drag)
        finally:
            self.current = None
            if self._window is not None:
                self._window.removeEventFilter(self)


def _held_press(tree: QTreeView, folder_at: FolderAt, event: QMouseEvent) -> _HeldPress | None:
    """Return a press on the name of a folder; None for another one, for example on its branch."""
    at = event.position().toPoint()
    index, keys = tree.indexAt(at), event.modifiers()
    left = event.button() == Qt.MouseButton.LeftButton and not keys & _SHIFT
    if not left or not index.isValid() or at.x() < tree.visualRect(index).left():
        return None
    what = folder_at(index)
    if what is None:
        return None
    # A copy, since Qt destroys the event after it was handled.
    places = (event.position(), event.scenePosition(), event.globalPosition())
    again = QMouseEvent(event.type(), *places, event.button(), event.buttons(), keys)
    return _HeldPress(tree, again, what)


def run_drag(drag: QDrag) -> None:
    """Run a drag until it ends; by default it moves, with Ctrl (on macOS Option) it copies."""
    drag.exec(_ACTIONS, Qt.DropAction.MoveAction)


def _label(text: str, view: QWidget) -> QPixmap:
    """Return the picture below the pointer: the number of rows."""
    metrics, ratio = view.fontMetrics(), view.devicePixelRatioF()
    place = QRect(0, 0, metrics.horizontalAdvance(text) + 20, metrics.height() + 8)
    pixmap = QPixmap(place.size() * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter, tokens = QPainter(pixmap), theme.current().tokens
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(view.font())
    painter.setBrush(tokens.accent)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.drawRoundedRect(place, 4, 4)
    painter.setPen(tokens.on_accent)
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)
    painter.end()
    return pixmap
