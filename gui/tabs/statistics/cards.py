"""The figures at the top of the tab, each with a note below it."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from core.model.statistics import StorageStatistics
from core.units import format_count, format_size
from gui import theme
from gui.widgets.labels import Elided, figure
from gui.widgets.panel import card

_NOTHING = "\u2013"


class Card(QWidget):
    """A card with a title, a figure and a note."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self._figure = figure(_NOTHING)
        self._note = Elided("", "muted", mode=Qt.TextElideMode.ElideRight)
        self._note.setFont(theme.text_font(12))
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        name = Elided(title, "muted", mode=Qt.TextElideMode.ElideRight)
        name.setFont(theme.text_font(12))
        box.addWidget(card(name, self._figure, self._note, spacing=2))

    def set(self, value: str, note: str = "", tone: str = "muted") -> None:
        """Show a figure and its note."""
        self._figure.setText(value)
        self._note.setText(note)
        self._note.set_tone(tone)
        self.setAccessibleName(f"{self._title}: {value}. {note}")


class Cards(QFrame):
    """Number of objects, size, small objects, largest object, storage class and cost of the scan."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("surface", "background")
        self.objects, self.total = Card("Objects"), Card("Size")
        self.small, self.largest = Card("Below 128 KB"), Card("Largest object")
        self.classes, self.calls = Card("Storage class"), Card("This scan")
        box = QHBoxLayout(self)
        box.setContentsMargins(16, 12, 16, 12)
        box.setSpacing(12)
        parts = (self.objects, self.total, self.small, self.largest, self.classes, self.calls)
        for part in parts:
            box.addWidget(part, 1)

    def show_statistics(self, found: StorageStatistics) -> None:
        """Show the figures of a complete or partial result."""
        average = found.size // found.objects if found.objects else 0
        self.objects.set(format_count(found.objects), "so far" if found.partial else "all objects")
        part = ", so far" if found.partial else ""
        self.total.set(format_size(found.size), f"{format_size(average)} on average{part}")
        self._show_small(found)
        largest = found.largest[0] if found.largest else None
        name = largest.key.rpartition("/")[2] if largest else ""
        note = f"so far: {_short(name)}" if found.partial and largest else _short(name)
        self.largest.set(format_size(largest.size) if largest else _NOTHING, note)
        self._show_classes(found)
        seconds = (found.finished - found.started).total_seconds()
        calls = format_count(found.list_calls)
        self.calls.set(f"{calls} LIST", f"requests, {seconds:.1f} s")

    def _show_small(self, found: StorageStatistics) -> None:
        part = found.small_objects / found.objects if found.objects else 0.0
        many = part > 0.5
        everything = "of those found so far" if found.partial else "of all objects"
        note = "expensive to archive" if many else everything
        # Rounded down, so that "100 %" always means all objects.
        self.small.set(f"{math.floor(part * 1000) / 10:g} %", note, "warning" if many else "muted")

    def _show_classes(self, found: StorageStatistics) -> None:
        if not found.classes:
            self.classes.set(_NOTHING)
            return
        first = found.classes[0]
        part = first.size / found.size if found.size else 1.0
        self.classes.set(f"{part:.0%}", f"{first.name}, so far" if found.partial else first.name)


def _short(name: str) -> str:
    return name if len(name) <= 26 else f"{name[:12]}…{name[-12:]}"
