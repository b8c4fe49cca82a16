"""Item data roles in addition to Qt's, which the table delegate uses."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt

from core.model.connection import ProfileColour

#: Colours of texts; never the only indication.
Tone = Literal["plain", "muted", "accent", "good", "danger", "warning"]
#: The tone of each profile colour; the name of the profile is always shown beside it.
PROFILE_TONES: dict[ProfileColour, Tone] = {
    ProfileColour.GREEN: "good",
    ProfileColour.AMBER: "warning",
    ProfileColour.RED: "danger",
    ProfileColour.BLUE: "accent",
}

#: The native value to sort by: an int, a float, a text, a datetime.
SORT_ROLE = Qt.ItemDataRole.UserRole + 1
#: A `Tone` for the cell's text.
TONE_ROLE = Qt.ItemDataRole.UserRole + 2
#: A tone name ("neutral", "good", …): the cell's text is drawn as a pill of that tone.
PILL_ROLE = Qt.ItemDataRole.UserRole + 3
#: True: the cell is drawn in the monospaced font.
MONO_ROLE = Qt.ItemDataRole.UserRole + 4
#: A float between 0 and 1: the cell is drawn as a progress bar with its text beside it.
PROGRESS_ROLE = Qt.ItemDataRole.UserRole + 5
#: Further text after the cell's own, muted and at the right edge (counts in a tree).
ASIDE_ROLE = Qt.ItemDataRole.UserRole + 6
#: A tone name: a filled dot of that colour before the text.
DOT_ROLE = Qt.ItemDataRole.UserRole + 7
