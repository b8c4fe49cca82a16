"""Rectangles between device pixels, thousands of them painted by one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import shiboken6
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QBrush, QColor, QPainter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.int32]


def corners(lefts: Pixels, tops: Pixels, rights: Pixels, bottoms: Pixels) -> Pixels:
    """Return rectangles between device pixels, the right and bottom ones excluded, shape (n, 4).

    Each is at least one pixel wide and high. This is how a `QRect` lies in memory: four 32-bit
    integers, the last pixel included.
    """
    import numpy as np

    found = np.empty((len(lefts), 4), np.int32)
    found[:, 0], found[:, 1] = lefts, tops
    found[:, 2], found[:, 3] = np.maximum(rights - 1, lefts), np.maximum(bottoms - 1, tops)
    return found


def fill_rectangles(painter: QPainter, found: Pixels, fill: QColor | QBrush, ratio: float) -> None:
    """Fill rectangles returned by `corners` on a device with a given pixel ratio.

    One call for all of them: creating thousands of `QRect` objects in Python would take longer than
    painting them.
    """
    if not len(found):
        return
    painter.save()
    painter.scale(1 / ratio, 1 / ratio)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    first = shiboken6.wrapInstance(found.ctypes.data, QRect)
    assert isinstance(first, QRect)
    # Reads the array directly, which exists until the call returns.
    painter.drawRects(first, len(found))
    painter.restore()
