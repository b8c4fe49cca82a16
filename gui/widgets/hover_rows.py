"""The table view that highlights a row, and whose selected row stays visible in a smaller view."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import QCursor, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QTableView, QWidget

from gui.widgets.visible_selection import show_selection


class HoverRows(QTableView):
    """A table that highlights the row under the pointer instead of only the cell.

    The selected row stays visible when the view becomes smaller.

    Attributes:
        covered: height in pixels at the bottom that a message covers; the last row can be scrolled
            above it.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hovered_row = -1
        self.covered = 0
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)

    def viewportEvent(self, event: QEvent) -> bool:
        """Remove the highlight when the pointer leaves or is below the last row."""
        if event.type() in {QEvent.Type.Leave, QEvent.Type.HoverLeave}:
            self._highlight(-1)
        elif event.type() == QEvent.Type.MouseMove and isinstance(event, QMouseEvent):
            self._highlight(self.rowAt(event.position().toPoint().y()))
        return super().viewportEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let the first arrow key select the current row instead of skipping it."""
        arrow = event.key() in {Qt.Key.Key_Up, Qt.Key.Key_Down}
        plain = not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        current, selection = self.currentIndex(), self.selectionModel()
        if arrow and plain and current.isValid() and not selection.hasSelection():
            flags = QItemSelectionModel.SelectionFlag
            selection.select(current, flags.ClearAndSelect | flags.Rows)
            self.scrollTo(current)
        else:
            super().keyPressEvent(event)

    def moveCursor(
        self, action: QTableView.CursorAction, modifiers: Qt.KeyboardModifier
    ) -> QModelIndex:
        """Let Home and End go to the first and last row, as in lists and trees.

        Qt's tables go to the first and last cell of the row, and rows are selected entirely here.
        """
        actions, last = QTableView.CursorAction, self.model().rowCount() - 1
        ends = {actions.MoveHome: 0, actions.MoveEnd: last}
        if action not in ends or modifiers & Qt.KeyboardModifier.ControlModifier:
            return super().moveCursor(action, modifiers)
        return self.model().index(ends[action], max(self.currentIndex().column(), 0))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Scroll the selected row into the smaller view."""
        super().resizeEvent(event)
        show_selection(self, event)

    def cover(self, pixels: int) -> None:
        """Let the last row be scrolled above a message that covers the bottom of the table."""
        if pixels != self.covered:
            self.covered = pixels
            self.updateGeometries()

    def updateGeometries(self) -> None:
        """Extend the scroll range, if any, by the height that a message covers."""
        super().updateGeometries()
        bar = self.verticalScrollBar()
        if self.covered and bar.maximum():
            bar.setMaximum(bar.maximum() + self.covered)

    def _on_scrolled(self, _value: int) -> None:
        # The rows move below a pointer that does not, so Qt sends no event.
        if self.hovered_row >= 0:
            self._highlight(self.rowAt(self.viewport().mapFromGlobal(QCursor.pos()).y()))

    def _highlight(self, row: int) -> None:
        if row == self.hovered_row:
            return
        for each in (self.hovered_row, row):
            if each >= 0:
                y, height = self.rowViewportPosition(each), self.rowHeight(each)
                # Only the two rows: repainting all visible rows on every mouse move takes
                # milliseconds.
                self.viewport().update(0, y, self.viewport().width(), height)
        self.hovered_row = row
