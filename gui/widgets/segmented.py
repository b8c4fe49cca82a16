"""A segmented control, for example: Chart  Table  JSON."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QSizePolicy, QWidget

from gui.widgets.buttons import Button, set_flush


class Segmented(QWidget):
    """A choice of one of several segments; the arrow keys move it.

    Args:
        items: the segments, as in `set_items`.
        name: what is chosen: the accessible name, and the tooltip of each segment.
        flush: whether the text of the first segment is aligned with the left edge.
        parent: the view.

    Signals:
        selected: the id of the segment selected by mouse, keyboard, screen reader or `select`.
    """

    selected = Signal(str)

    def __init__(
        self,
        items: Sequence[str | tuple[str, str]] = (),
        *,
        name: str,
        flush: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self._flush = flush
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._group = QButtonGroup(self)
        self._silent = False
        self._buttons: dict[str, Button] = {}
        self._box = QHBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(0)
        self.set_items(items)

    def set_items(self, items: Sequence[str | tuple[str, str]]) -> None:
        """Set the segments: texts, or pairs of id and text. The first is selected without a signal."""
        # The selection of the user survives new segments with the same id.
        former = self.current
        for button in self._buttons.values():
            self._group.removeButton(button)
            self._box.removeWidget(button)
            # `deleteLater` acts after the next event; until then the old segment would be
            # clickable.
            button.hide()
            button.deleteLater()
        self._buttons = {}
        for item in items:
            name, text = (item, item) if isinstance(item, str) else item
            self._add(name, text)
        wanted = former if former in self._buttons else next(iter(self._buttons), "")
        if wanted:
            self._silent = True  # the user has not selected it
            self._buttons[wanted].setChecked(True)
            self._silent = False

    @property
    def current(self) -> str:
        """The id of the selected segment, or an empty text."""
        return next((name for name, b in self._buttons.items() if b.isChecked()), "")

    def select(self, name: str) -> None:
        """Select a segment like the user."""
        if name in self._buttons and name != self.current:
            self._buttons[name].setChecked(True)

    def allow(self, name: str, allowed: bool, reason: str = "") -> None:
        """Enable a segment, or disable it with a reason."""
        self._buttons[name].allow(allowed, reason)

    def _add(self, name: str, text: str) -> None:
        button = Button(text, kind="quiet")
        button.setCheckable(True)
        button.set_hint(self.accessibleName())
        if self._flush and not self._buttons:
            set_flush(button)
        button.setAutoExclusive(True)  # a screen reader then announces "radio button"
        # Not `clicked`: the action "Toggle" of a screen reader checks without a click.
        button.toggled.connect(lambda checked: self._on_toggled(name, checked=checked))
        self._group.addButton(button)
        self._buttons[name] = button
        self._box.addWidget(button)

    def _on_toggled(self, name: str, *, checked: bool) -> None:
        if checked and not self._silent:
            self.selected.emit(name)
