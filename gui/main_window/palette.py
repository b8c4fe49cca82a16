"""The command palette (Ctrl+K): type a few letters of an act, a view, or a whole key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
)
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from gui.main_window.commands import Command, matching
from gui.models.roles import ASIDE_ROLE
from gui.widgets.panel import rule
from gui.widgets.table import make_list

_NOWHERE = QModelIndex()
_LOCKED = "read-only: unlock first"


class Palette(QDialog):
    """A field above a list; Enter runs the chosen line, Escape closes."""

    def __init__(
        self,
        parent: QWidget,
        commands: Sequence[Command],
        open_key: Callable[[str], object],
        *,
        locked: bool = False,
    ) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setWindowTitle("Search")
        self.setObjectName("palette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._commands, self._open_key = commands, open_key
        self._model = _Lines(self, locked=locked)
        self.field = QLineEdit()
        self.field.setPlaceholderText("Go to a view, an action, or a key such as market-data/…")
        self.field.setAccessibleName("Search keys and actions")
        self.field.textChanged.connect(self._on_text)
        self.field.installEventFilter(self)
        self.list = make_list(self._model, "Actions")
        self.list.clicked.connect(self._on_chosen)
        self.list.activated.connect(self._on_chosen)
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 8, 8, 8)
        box.setSpacing(8)
        box.addWidget(self.field)
        box.addWidget(rule())
        box.addWidget(self.list)
        self.setFixedSize(min(560, parent.width() - 40), 380)
        self._on_text("")

    def popup(self, window: QWidget) -> None:
        """Open below the header, in the middle."""
        corner = window.mapToGlobal(window.rect().topLeft())
        self.move(corner.x() + (window.width() - self.width()) // 2, corner.y() + 56)
        self.show()
        self.field.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the arrow keys of the field walk through the list, and Enter run its line."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
            if event.key() in steps:
                self._walk(steps[Qt.Key(event.key())])
                return True
            if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
                self._on_chosen(self.list.currentIndex())
                return True
        return super().eventFilter(watched, event)

    def _walk(self, step: int) -> None:
        rows = self._model.rowCount()
        if rows:
            row = (self.list.currentIndex().row() + step) % rows
            self.list.setCurrentIndex(self._model.index(row))

    def _on_text(self, text: str) -> None:
        lines = matching(self._commands, text)
        if "/" in text or "." in text:
            key = text.strip()
            lines.insert(0, Command(f"Go to {key}", "", lambda: self._open_key(key)))
        self._model.show(lines)
        self.list.setCurrentIndex(self._model.index(0))

    def _on_chosen(self, index: QModelIndex) -> None:
        command = self._model.command(index.row())
        self.close()
        if command is not None:
            command.run()


class _Lines(QAbstractListModel):
    """The lines of the palette; while the profile is locked, what changes something says so."""

    def __init__(self, parent: QObject | None = None, *, locked: bool = False) -> None:
        super().__init__(parent)
        self._locked = locked
        self._lines: list[Command] = []

    def show(self, lines: list[Command]) -> None:
        """Show other lines."""
        self.beginResetModel()
        self._lines = lines
        self.endResetModel()

    def command(self, row: int) -> Command | None:
        """Return the command of a line."""
        return self._lines[row] if 0 <= row < len(self._lines) else None

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = _NOWHERE) -> int:
        """Return the number of lines."""
        return 0 if parent.isValid() else len(self._lines)

    def data(
        self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return a line's words, and its keys at the right."""
        command = self.command(index.row())
        if command is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return command.title
        if role != ASIDE_ROLE:
            return None
        return _LOCKED if self._locked and command.changes else command.keys
