"""A switch of words: Chart  Table  JSON."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSizePolicy, QWidget

from gui.widgets.buttons import Button


class Segmented(QWidget):
    """One of several words is chosen; the arrow keys walk through them.

    Signals:
        selected: the id of the word that the user (or `select`) chose.
    """

    selected = Signal(str)

    def __init__(
        self, items: Sequence[str | tuple[str, str]] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, Button] = {}
        self._box = QHBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(0)
        self.set_items(items)

    def set_items(self, items: Sequence[str | tuple[str, str]]) -> None:
        """Offer other words: texts, or pairs of id and text. The first is chosen, silently."""
        kept = self.current
        for button in self._buttons.values():
            self._group.removeButton(button)
            self._box.removeWidget(button)
            button.hide()
            button.deleteLater()
        self._buttons = {}
        for item in items:
            name, text = (item, item) if isinstance(item, str) else item
            self._add(name, text)
        wanted = kept if kept in self._buttons else next(iter(self._buttons), "")
        if wanted:
            self._buttons[wanted].setChecked(True)

    @property
    def current(self) -> str:
        """The id of the chosen word, or an empty text."""
        return next((name for name, b in self._buttons.items() if b.isChecked()), "")

    def select(self, name: str) -> None:
        """Choose a word as the user would."""
        if name in self._buttons and name != self.current:
            self._buttons[name].setChecked(True)
            self.selected.emit(name)

    def allow(self, name: str, allowed: bool, reason: str = "") -> None:
        """Enable a word, or disable it and say why."""
        self._buttons[name].allow(allowed, reason)

    def _add(self, name: str, text: str) -> None:
        button = Button(text, kind="quiet")
        button.setCheckable(True)
        button.clicked.connect(lambda _checked=False: self.selected.emit(name))
        self._group.addButton(button)
        self._buttons[name] = button
        self._box.addWidget(button)
