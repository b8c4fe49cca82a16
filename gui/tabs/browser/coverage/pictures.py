"""States as pictures: one row of pixels columns for each stream or hour, computed with numpy.

Each state has its own form as well as its colour: a full bar is complete, a bar of half the height
thin, a line in the middle missing, and a dotted line at the bottom not expected.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QColor, QImage

from core.coverage.calendars import State
from gui import theme
from gui.views.canvas import blended

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    States = NDArray[np.uint8]
    Edges = NDArray[np.float64]
    Colours = NDArray[np.uint32]

#: Width in device pixels of a cell from which on a line separates it from the next one.
_SEPARATED = 5
#: Colours are in a table of states and heights: the state for the line between cells follows.
_BETWEEN = len(State)


def sampled(values: States, first: int, edges: Edges) -> States:
    """Return the most severe state of each pixel column.

    Args:
        values: states of consecutive cells.
        first: the position of the first cell on the axis, in cells.
        edges: the edges of the pixel columns on the axis in cells, rising, one more than columns.
    """
    import numpy as np

    begin = np.floor(edges[:-1]).astype(np.int64) - first
    end = np.ceil(edges[1:]).astype(np.int64) - first
    inside = (end > 0) & (begin < len(values))
    # The additional cell is the last one for columns after the end.
    padded = np.append(values, np.uint8(State.OUTSIDE))
    if edges[1] - edges[0] < 1:
        # Columns are narrower than cells: the cell at the middle, since two may touch one column.
        middle = np.floor((edges[:-1] + edges[1:]) / 2).astype(np.int64) - first
        found = padded[np.clip(middle, 0, len(values))]
        return np.where((middle >= 0) & inside, found, State.OUTSIDE).astype(np.uint8)
    found = np.maximum.reduceat(padded, np.clip(begin, 0, len(values)))
    return np.where(inside, found, State.OUTSIDE).astype(np.uint8)


def separated(states: States, edges: Edges) -> States:
    """Return the states with a free column before each cell, if the cells are wide enough."""
    import numpy as np

    if (edges[1] - edges[0]) * _SEPARATED > 1:
        return states
    cells = np.floor((edges[:-1] + edges[1:]) / 2)
    found = states.copy()
    found[1:][np.diff(cells) > 0] = _BETWEEN
    return found


def colour_table(height: int) -> Colours:
    """Return the colour of each line of a bar of some height for each state, shape (lines, states)."""
    import numpy as np

    tokens = theme.tokens()
    ground = tokens.panel
    table = np.full((height, len(State) + 1), _rgb(ground), dtype=np.uint32)
    table[:, State.COMPLETE] = _rgb(blended(tokens.good, ground, 0.55))
    table[height // 2 :, State.THIN] = _rgb(tokens.warning)
    table[: height // 2, State.THIN] = _rgb(tokens.warning_soft)
    table[:, State.MISSING] = _rgb(tokens.danger_soft)
    line = max(1, height // 6)
    top = (height - line) // 2
    table[top : top + line, State.MISSING] = _rgb(tokens.danger)
    table[height - 1, State.IDLE] = _rgb(tokens.line)
    return table


def picture(rows: list[States], bar: int, gap: int) -> QImage:
    """Return the picture of rows of states.

    Args:
        rows: the states of each row, of equal length.
        bar: the height of a bar in device pixels.
        gap: the height of the space below it.
    """
    import numpy as np

    width = len(rows[0])
    table = colour_table(bar)
    pixels = np.full((len(rows), bar + gap, width), _rgb(theme.tokens().panel), dtype=np.uint32)
    for place, states in enumerate(rows):
        np.take(table, states, axis=1, out=pixels[place, :bar])
    height = len(rows) * (bar + gap)
    # The image copies the pixels, since it does not hold a reference to the array.
    return QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGB32).copy()


def _rgb(colour: QColor) -> int:
    return colour.rgb()
