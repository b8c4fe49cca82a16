"""Drags over the views of the Browser without the desktop, and the dialog that follows a drop."""

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QMouseEvent,
)
from PySide6.QtWidgets import QApplication

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
COPY, MOVE = Qt.DropAction.CopyAction, Qt.DropAction.MoveAction
_WAIT = 30_000


class Over:
    """Drags data over the views of a tab, as the desktop does.

    Shift stands for a move: outside of a real drag, Qt proposes to copy.
    """

    def __init__(self, data, modifiers=SHIFT):
        self.data, self.modifiers = data, modifiers

    def _how(self):
        return COPY | MOVE, self.data, Qt.MouseButton.LeftButton, self.modifiers

    def move(self, view, at):
        """Enter a view and move; return whether a drop is accepted there."""
        QApplication.sendEvent(view, QDragEnterEvent(at, *self._how()))
        event = QDragMoveEvent(at, *self._how())
        QApplication.sendEvent(view, event)
        return event.isAccepted()

    def drop(self, view, at):
        """Move over a view and drop; return whether it was accepted."""
        accepted = self.move(view, at)
        event = QDropEvent(QPointF(at), *self._how()) if accepted else QDragLeaveEvent()
        QApplication.sendEvent(view, event)
        return accepted


def pulled(viewport, at, modifiers):
    """Move the mouse with the left button pressed, which `QTest.mouseMove` does not do."""
    place = QPointF(at)
    event = QMouseEvent(
        QEvent.Type.MouseMove, place, viewport.mapToGlobal(place), Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton, modifiers,
    )  # fmt: skip
    QApplication.sendEvent(viewport, event)


def dialog_of(tab, qtbot):
    """Return the dialog of a copy or move once its plan is shown."""
    qtbot.waitUntil(lambda: tab.tools.copying.dialog is not None, timeout=_WAIT)
    dialog = tab.tools.copying.dialog
    qtbot.waitUntil(lambda: dialog.plan is not None and dialog.go.isEnabled(), timeout=_WAIT)
    return dialog
