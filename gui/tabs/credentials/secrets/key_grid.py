"""Parts of the dialogs that compare secrets: a grid of keys, and pills for changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from core.units import format_counted
from gui import theme
from gui.widgets.labels import Elided, Pill, mono_elided, muted_label
from gui.widgets.panel import scrolling

#: Name and tone of each kind of change.
CHANGES = {
    "added": ("added", "good"),
    "changed": ("changed", "warning"),
    "removed": ("removed", "danger"),
}
#: Widths in pixels of the keys and of the values.
_KEY_WIDTH, _VALUE_WIDTH = 180, 190
#: Height in pixels from which the grid scrolls.
_LONGEST = 300
#: Number of keys with a row; the widgets of thousands would block the window for minutes.
KEYS_SHOWN = 100


def key_grid(
    heads: Sequence[str],
    keys: Sequence[str],
    cells: Callable[[str], tuple[QWidget, ...]],
    *,
    wide: tuple[int, ...] = (),
) -> QWidget:
    """Return a grid of the first keys and their cells; a long grid scrolls.

    Args:
        heads: the column titles, that of the keys first.
        keys: the keys; after the first 100, the number of the others is shown.
        cells: returns the cells of a key.
        wide: the columns that share the free width; without any it stays empty.
    """
    inside = QWidget()
    grid = QGridLayout(inside)
    grid.setContentsMargins(12, 8, 12, 8)
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(8)
    for column, head in enumerate(heads):
        title = Elided(head, "muted")
        title.setFont(theme.text_font(12))
        if column in wide:
            title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            grid.setColumnMinimumWidth(column, _VALUE_WIDTH)
        grid.addWidget(title, 0, column)
    for line, key in enumerate(keys[:KEYS_SHOWN], 1):
        label = mono_elided(key)
        label.setFixedWidth(_KEY_WIDTH)
        grid.addWidget(label, line, 0)
        for column, cell in enumerate(cells(key), 1):
            grid.addWidget(cell, line, column, Qt.AlignmentFlag.AlignVCenter)
    if more := len(keys[KEYS_SHOWN:]):
        note = muted_label(f"… and {format_counted(more, 'more key')}")
        grid.addWidget(note, KEYS_SHOWN + 1, 0, 1, len(heads))
    for column in wide or (len(heads),):
        grid.setColumnStretch(column, 1)
    # An empty row below takes the remaining height, which would otherwise spread the rows.
    grid.setRowStretch(grid.rowCount(), 1)
    return _framed(inside)


def change_pill(change: str) -> QWidget:
    """Return `added`, `changed` or `removed` as a pill; a dash for no change."""
    if change not in CHANGES:
        return muted_label(change or "—")
    return Pill(*CHANGES[change])


def _framed(inside: QWidget) -> QWidget:
    area = scrolling(inside)
    # Two pixels for the border of the frame at both sides.
    area.setFixedHeight(min(inside.sizeHint().height() + 2, _LONGEST))
    frame = QFrame()
    frame.setProperty("surface", "card")
    box = QVBoxLayout(frame)
    box.setContentsMargins(1, 1, 1, 1)
    box.addWidget(area)
    return frame
