"""The list of interrupted transfers, each with Resume and Discard…."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from core.transfer.journal import Unfinished
from core.units import format_age, format_count, format_counted
from gui.dialogs.confirm import ask
from gui.widgets.buttons import plain_button, quiet_button
from gui.widgets.labels import Elided, shown

_SHOWN = 4


class InterruptedTransfers(QWidget):
    """The interrupted transfers; hidden while there are none.

    Signals:
        resume_wanted: an `Unfinished`.
        discard_wanted: an `Unfinished` that the user has confirmed to discard.
    """

    resume_wanted = Signal(object)
    discard_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(0)
        self._rows: list[QWidget] = []
        self.hide()

    def show_all(self, found: Sequence[Unfinished]) -> None:
        """Show the transfers, oldest first, up to a few at once."""
        for old in self._rows:
            old.setParent(None)
            old.deleteLater()
        self._rows = [self._row(transfer) for transfer in found[:_SHOWN]]
        for new in self._rows:
            self._box.addWidget(new)
        self.setVisible(bool(found))

    def _row(self, transfer: Unfinished) -> QWidget:
        bar = QFrame()
        bar.setProperty("surface", "bar")
        box = QHBoxLayout(bar)
        box.setContentsMargins(12, 6, 12, 6)
        box.setSpacing(8)
        left, planned = format_count(len(transfer.left)), format_count(transfer.planned)
        text = (
            f"{transfer.order.title} was interrupted {format_age(transfer.when)}: "
            f"{left} of {planned} files are left"
        )
        box.addWidget(Elided(text, "warning"), 1)
        box.addWidget(plain_button("Resume", partial(self.resume_wanted.emit, transfer)))
        box.addWidget(quiet_button("Discard…", partial(self._on_discard, transfer)))
        return bar

    def _on_discard(self, transfer: Unfinished) -> None:
        """Show which files are left, and request confirmation."""
        files = format_counted(len(transfer.left), "file")
        ask(
            self,
            f"Discard “{shown(transfer.order.title)}”?",
            f"The transfer of {files} is discarded and cannot be resumed. Files that have been "
            "transferred stay. These are all files of the transfer:",
            partial(self.discard_wanted.emit, transfer),
            names=transfer.arguments["keys"],
            button="Discard",
            danger=True,
        )
