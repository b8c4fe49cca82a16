"""The choice to restore all tables or none."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox

from gui.widgets.fields import allow_field
from gui.widgets.labels import tooltip

_EFFECT = (
    "They are restored in one transaction: a failure changes nothing. The tables are locked until "
    "the last one is restored."
)
_NOT_POSSIBLE = (
    "This database ends its transaction at each change of a table, so that several tables cannot be "
    "restored in one. A failure leaves the tables before it restored, which can be undone."
)


class SingleTransaction(QCheckBox):
    """A check box that is disabled, with the reason, where a database cannot do that."""

    def __init__(self) -> None:
        super().__init__("All tables or none")
        self.offer(possible=True)

    def offer(self, *, possible: bool) -> None:
        """Enable the choice, or disable it and explain why."""
        allow_field(self, possible, _NOT_POSSIBLE)
        if possible:
            self.setAccessibleDescription(_EFFECT)
            self.setToolTip(tooltip(_EFFECT))
        else:
            self.setChecked(False)
