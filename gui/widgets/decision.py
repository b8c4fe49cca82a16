"""The choice of what happens to files whose target exists."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from core.transfer.values import IfExists

#: The short text of each decision.
LABELS = {
    IfExists.SKIP: "Skip",
    IfExists.OVERWRITE: "Overwrite",
    IfExists.KEEP_BOTH: "Keep both",
    IfExists.IF_DIFFERENT: "If different",
    IfExists.IF_NEWER: "If newer",
    IfExists.IF_SIZE_DIFFERS: "If size differs",
}
#: The text of each decision where there is room for it.
LONG_LABELS = {
    IfExists.SKIP: "Skip them",
    IfExists.OVERWRITE: "Overwrite them",
    IfExists.KEEP_BOTH: "Keep both",
    IfExists.IF_DIFFERENT: "Overwrite those with different content",
    IfExists.IF_NEWER: "Overwrite those that are older",
    IfExists.IF_SIZE_DIFFERS: "Overwrite those of a different size",
}


class DecisionBox(QComboBox):
    """A list of the decisions for all files whose target exists.

    Args:
        name: the accessible name.
        parent: the owner.

    Signals:
        selected: the value of the decision that the user selected.
    """

    selected = Signal(str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        # The list that opens is a separate window.
        self.view().setAccessibleName(name)
        # The longest text must not make the column wider.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        for decision, text in LONG_LABELS.items():
            self.addItem(text, decision.value)
        self.currentIndexChanged.connect(lambda _place: self.selected.emit(self.current))

    @property
    def current(self) -> str:
        """The value of the selected decision."""
        return str(self.currentData())

    @property
    def decision(self) -> IfExists:
        """The selected decision."""
        return IfExists(self.current)

    def select(self, value: str) -> None:
        """Select a decision by its value."""
        self.setCurrentText(LONG_LABELS[IfExists(value)])
