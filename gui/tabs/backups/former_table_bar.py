"""The bar shown after a restore, which offers to undo it or to drop the former table."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from gui.widgets.buttons import icon_button, link_button
from gui.widgets.labels import Elided, mono_elided, repolish
from gui.widgets.page import scroll_into_view


class FormerTableBar(QWidget):
    """Shows the name of one former table, with its buttons.

    Args:
        near: the widget that gets the focus when the focused bar is hidden.

    Signals:
        undo_wanted: undo the restore; address of the database, restored table, former table.
        drop_wanted: drop the former table; address of the database, former table.
    """

    undo_wanted = Signal(str, str, str)
    drop_wanted = Signal(str, str)

    def __init__(self, near: QWidget | None = None) -> None:
        super().__init__()
        self._near = near
        self.former = self.database = self.table = ""
        self._text = Elided("", "inherit")
        self._name = mono_elided("")
        self.undo = link_button("Undo restore…", self._on_undo)
        self.drop = link_button("Drop…", self._on_drop)
        self.keep = icon_button("close", "Keep the table and close this message", self.hide)
        frame = QFrame()
        frame.setProperty("banner", "accent")
        self._line = line = QHBoxLayout(frame)
        line.setSpacing(8)
        line.addWidget(self._text)
        line.addWidget(self._name, 1)
        for button in (self.undo, self.drop, self.keep):
            line.addWidget(button)
        self._box = QVBoxLayout(self)
        self._box.addWidget(frame)
        self.set_low(low=False)
        repolish(frame)
        self.hide()

    def set_low(self, *, low: bool) -> None:
        """Leave no space around the bar in a low window."""
        inside = 1 if low else 7
        self._line.setContentsMargins(12, inside, 8, inside)
        self._box.setContentsMargins(*((0, 0, 0, 0) if low else (12, 8, 12, 8)))

    def show_former(self, database: str, table: str, former: str) -> None:
        """Offer to undo the restore of `table`, or to drop its former rows: all, or single ones."""
        self.database, self.table, self.former = database, table, former
        self._text.setText(f"Former rows of {table} were saved as")
        self._name.setText(former)
        self.setAccessibleName(f"Former rows of {table} were saved as {former}")
        self.show()
        # In a low window it may be below the visible part; it has no place yet.
        QTimer.singleShot(0, self, lambda: scroll_into_view(self))

    def hideEvent(self, event: QHideEvent) -> None:
        """Hide the bar, and move the focus to the widget nearby instead of the start of the window."""
        inside = self.window().focusWidget() in (self.undo, self.drop, self.keep)
        if self._near is not None and inside:
            self._near.setFocus()
        super().hideEvent(event)

    def _on_undo(self) -> None:
        self.undo_wanted.emit(self.database, self.table, self.former)

    def _on_drop(self) -> None:
        self.drop_wanted.emit(self.database, self.former)
