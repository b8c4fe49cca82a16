"""The figures at the top of the tab, each with a note below it."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from core.model.prices import LIST_PRICE
from core.model.statistics import StorageStatistics
from core.units import format_count, format_estimated_cost, format_size
from gui import theme
from gui.widgets.labels import Elided, figure
from gui.widgets.panel import card

_NOTHING = "\u2013"


class Card(QWidget):
    """A card with a title, a figure and a note.

    Args:
        title: what the figure counts.
        elastic: shorten a long note instead of widening the card for it.
    """

    def __init__(self, title: str, *, elastic: bool = False) -> None:
        super().__init__()
        self._title = title
        self._figure = figure(_NOTHING)
        end = Qt.TextElideMode.ElideMiddle if elastic else Qt.TextElideMode.ElideRight
        self._note = Elided("", "muted", mode=end)
        self._note.setFont(theme.text_font(12))
        if elastic:
            self._note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
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
        self.small, self.largest = Card("Below 128 KB"), Card("Largest object", elastic=True)
        self.classes, self.calls = Card("Storage class"), Card("This scan")
        box = QHBoxLayout(self)
        box.setContentsMargins(12, 12, 12, 12)
        box.setSpacing(8)
        # Without stretch factors the layout shares the width equally, but gives a card whose note
        # is longer more of it: in a narrow window equal cards would shorten some notes.
        for part in (self.objects, self.total, self.small, self.largest, self.classes, self.calls):
            box.addWidget(part)

    def show_statistics(self, found: StorageStatistics) -> None:
        """Show the figures of a complete or partial result."""
        partial = found.partial
        average = format_size(found.size // found.objects if found.objects else 0)
        counted = "below the prefix" if found.prefix else "all objects"
        self.objects.set(format_count(found.objects), "so far" if partial else counted)
        self.total.set(
            format_size(found.size),
            f"{average} on average, so far" if partial else f"{average} on average",
        )
        self._show_small(found)
        self._show_largest(found)
        self._show_classes(found)
        seconds = (found.finished - found.started).total_seconds()
        noun = "LIST request" if found.list_calls == 1 else "LIST requests"
        self.calls.set(format_count(found.list_calls), f"{noun}, {seconds:.1f} s")

    def _show_small(self, found: StorageStatistics) -> None:
        part = found.small_objects / found.objects if found.objects else 0.0
        # Rounded down, so that "100%" always means all objects.
        figure = f"{math.floor(part * 1000) / 10:g}%"
        if part > 0.5:
            self.small.set(figure, "expensive to archive", "warning")
        else:
            self.small.set(figure, "of those found so far" if found.partial else "of all objects")

    def _show_largest(self, found: StorageStatistics) -> None:
        if not found.largest:
            self.largest.set(_NOTHING)
            return
        largest = found.largest[0]
        name = largest.key.rpartition("/")[2]
        self.largest.set(format_size(largest.size), f"so far: {name}" if found.partial else name)

    def _show_classes(self, found: StorageStatistics) -> None:
        if not found.classes:
            self.classes.set(_NOTHING)
            return
        first = found.classes[0]
        part = first.size / found.size if found.size else 1.0
        self.classes.set(f"{part:.0%}", f"{first.name}, so far" if found.partial else first.name)


def cost_of_scan(found: StorageStatistics | None, prefix: str) -> str:
    """Return the price of a scan as a text.

    Args:
        found: the last result, if there is one.
        prefix: the prefix that would be scanned.
    """
    if found is None or found.prefix != prefix:
        return (
            "One LIST request per thousand objects: a million objects need 1,000 requests, "
            f"{format_estimated_cost(LIST_PRICE)}."
        )
    calls = max(1, found.list_calls)
    cost = format_estimated_cost(calls / 1000 * LIST_PRICE)
    return f"About {format_count(calls)} LIST requests, as for the last scan: {cost}."
