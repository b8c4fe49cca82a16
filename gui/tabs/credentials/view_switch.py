"""The switch between the list of secrets and the hygiene report."""

from __future__ import annotations

from gui.widgets.segmented import Segmented

LIST, HYGIENE = "List", "Hygiene"


def view_switch() -> Segmented:
    """Return the switch between the list of secrets and the hygiene report."""
    made = Segmented((LIST, HYGIENE))
    made.setAccessibleName("How secrets are shown")
    return made
