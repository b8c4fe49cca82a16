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
    """Return the most severe state of each pixel column, for each row.

    Args:
        values: states of consecutive cells, shape (rows, cells).
        first: the position of the first cell on the axis, in cells.
        edges: the edges of the pixel columns on the axis in cells, rising, one more than columns;
            from the first cell to the last one at most.
    """
    import numpy as np

    last = values.shape[1] - 1
    if edges[1] - edges[0] < 1:
        # Columns are narrower than cells: the cell at the middle, since two may touch one column.
        middle = ((edges[:-1] + edges[1:]) / 2 - first).astype(np.int64)
        return values[:, np.clip(middle, 0, last)]
    begin = np.clip((edges[:-1] - first).astype(np.int64), 0, last)
    return np.asarray(np.maximum.reduceat(values, begin, axis=1))


def separated(states: States, edges: Edges) -> States:
    """Return the states with a free column before each cell, if the cells are wide enough."""
    import numpy as np

    if (edges[1] - edges[0]) * _SEPARATED > 1:
        return states
    cells = np.floor((edges[:-1] + edges[1:]) / 2)
    states[:, 1:][:, np.diff(cells) > 0] = _BETWEEN
    return states


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


def picture(rows: States, bar: int, gap: int) -> QImage:
    """Return the picture of rows of states.

    Args:
        rows: the states of the pixel columns, shape (rows, columns).
        bar: the height of a bar in device pixels.
        gap: the height of the space below it.
    """
    import numpy as np

    width = rows.shape[1]
    table = colour_table(bar)
    pixels = np.full((len(rows), bar + gap, width), _rgb(theme.tokens().panel), dtype=np.uint32)
    for place, states in enumerate(rows):
        np.take(table, states, axis=1, out=pixels[place, :bar])
    height = len(rows) * (bar + gap)
    # The image copies the pixels, since it does not hold a reference to the array.
    return QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGB32).copy()


def _rgb(colour: QColor) -> int:
    return colour.rgb()
