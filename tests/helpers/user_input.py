"""Find visible controls of the window, click them, and type into them."""

from collections.abc import Callable
from typing import Any, TypeVar

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QDialog,
    QLineEdit,
    QWidget,
)

W = TypeVar("W", bound=QWidget)
#: Milliseconds that a step may take on a machine that does other things as well.
PATIENCE = 20_000


class User:
    """Acts on one window as a user does, and waits for each thing until it is there."""

    def __init__(self, qtbot: Any, window: QWidget) -> None:
        self._qtbot = qtbot
        self.window = window

    def until(self, condition: Callable[[], object], timeout: int = PATIENCE) -> None:
        """Let the window live until a condition holds; fail in time."""
        self._qtbot.waitUntil(lambda: bool(condition()), timeout=timeout)

    def press(self, text: str, within: QWidget | None = None) -> None:
        """Click the button of that text or name as soon as it can be clicked."""
        place = within or self.window
        self.until(lambda: self._button(text, place) is not None)
        found = self._button(text, place)
        assert found is not None
        self._qtbot.mouseClick(found, Qt.MouseButton.LeftButton)

    def _button(self, text: str, place: QWidget) -> QAbstractButton | None:
        for button in place.findChildren(QAbstractButton):
            named = text in {button.text().replace("&", ""), button.accessibleName()}
            if named and button.isVisible() and button.isEnabled():
                return button
        return None

    def fill(self, name: str, text: str, within: QWidget | None = None) -> None:
        """Replace the text of the field with that accessible name."""
        place = within or self.window
        fields = [f for f in place.findChildren(QLineEdit) if f.accessibleName() == name]
        assert fields, f"there is no field {name!r}"
        fields[0].setFocus()
        fields[0].selectAll()
        self._qtbot.keyClicks(fields[0], text)

    def dialog(self, kind: type[W]) -> W:
        """Wait for an open dialog of a kind."""
        self.until(lambda: _open_dialogs(kind))
        return _open_dialogs(kind)[0]

    def row(self, view: QAbstractItemView, text: str) -> QModelIndex:
        """Wait for the row with a cell of that text, and return its cell."""
        self.until(lambda: cell(view, text) is not None)
        found = cell(view, text)
        assert found is not None
        return found

    def choose(self, view: QAbstractItemView, text: str) -> None:
        """Select the row with a cell of that text."""
        index = self.row(view, text)
        flags = QItemSelectionModel.SelectionFlag
        view.setFocus()
        view.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)

    def enter(self, view: QAbstractItemView, text: str) -> None:
        """Select the row with a cell of that text and press Enter on it."""
        self.choose(view, text)
        self._qtbot.keyClick(view, Qt.Key.Key_Return)


def _open_dialogs(kind: type[W]) -> list[W]:
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, kind) and w.isVisible()]


def cell(view: QAbstractItemView, text: str) -> QModelIndex | None:
    """Return the first cell whose text or value that is."""
    model = view.model()
    for row in range(model.rowCount()):
        for column in range(model.columnCount()):
            index = model.index(row, column)
            if model.data(index) == text:
                return index
    return None


def open_dialogs() -> list[QDialog]:
    """Return every dialog on the screen."""
    return _open_dialogs(QDialog)
