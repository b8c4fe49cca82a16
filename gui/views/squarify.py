"""Squarified treemaps (Bruls, Huizing, van Wijk, 2000): areas by size, shapes near squares."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from PySide6.QtCore import QPointF, QRectF

#: Factor by which the distance of a tile to the side is weighted.
_ASIDE = 3.0


class Direction(Enum):
    """A direction; the value is the step to the right and down."""

    LEFT = (-1, 0)
    RIGHT = (1, 0)
    UP = (0, -1)
    DOWN = (0, 1)


def neighbour(places: Sequence[QRectF], start: int, direction: Direction) -> int:
    """Return the number of the nearest rectangle in a direction, or `start` if there is none.

    A rectangle counts if its centre lies beyond the edge of the one at `start`; those straight
    ahead come before those aside.
    """
    here = places[start]
    distances = {
        number: _distance(here, place, direction)
        for number, place in enumerate(places)
        if number != start and not place.isEmpty() and _is_beyond(here, place, direction)
    }
    return min(distances, key=distances.__getitem__, default=start)


def _is_beyond(here: QRectF, place: QRectF, direction: Direction) -> bool:
    centre = place.center()
    return {
        Direction.LEFT: centre.x() < here.left(),
        Direction.RIGHT: centre.x() > here.right(),
        Direction.UP: centre.y() < here.top(),
        Direction.DOWN: centre.y() > here.bottom(),
    }[direction]


def _distance(here: QRectF, place: QRectF, direction: Direction) -> float:
    """Return how far a rectangle is from the middle of another one, in a direction."""
    nearest = QPointF(
        min(max(here.center().x(), place.left()), place.right()),
        min(max(here.center().y(), place.top()), place.bottom()),
    )
    step = nearest - here.center()
    across, along = (step.y(), step.x()) if direction.value[0] else (step.x(), step.y())
    return abs(along) + _ASIDE * abs(across)


def squarified(sizes: Sequence[float], area: QRectF) -> list[QRectF]:
    """Return one rectangle per size in the same order; sizes are positive, the largest first."""
    total = sum(sizes)
    if not sizes or total <= 0 or area.isEmpty():
        return [QRectF() for _ in sizes]
    scale = area.width() * area.height() / total
    weights = [size * scale for size in sizes]
    found: list[QRectF] = []
    rest = QRectF(area)
    begin = 0
    while begin < len(weights):
        end = _row_end(weights, begin, min(rest.width(), rest.height()))
        placed, rest = _placed(weights[begin:end], rest)
        found += placed
        begin = end
    return found


def _row_end(weights: list[float], begin: int, side: float) -> int:
    """Return the end of the row from `begin` whose rectangles are nearest to squares."""
    total, best = 0.0, float("inf")
    for end in range(begin, len(weights)):
        total += weights[end]
        worst = _worst(weights[begin], weights[end], total, side)
        # Adding a tile to a row improves the shapes up to a point and worsens them afterwards.
        if worst > best:
            return end
        best = worst
    return len(weights)


def _worst(largest: float, smallest: float, total: float, side: float) -> float:
    """Return the worst aspect ratio of the rectangles in a row; 1 is a square."""
    # The formula of the paper: only the largest and the smallest tile of a row can be the worst.
    square, complete = side * side, total * total
    if complete == 0 or smallest == 0:
        return float("inf")
    return max(square * largest / complete, complete / (square * smallest))


def _placed(row: list[float], area: QRectF) -> tuple[list[QRectF], QRectF]:
    """Lay a row along the shorter side; return its rectangles and what is left."""
    total = sum(row)
    if area.width() >= area.height():
        width = total / area.height() if area.height() else 0.0
        return _column(row, area, width), area.adjusted(width, 0, 0, 0)
    height = total / area.width() if area.width() else 0.0
    # A row is a column of the area with swapped axes.
    turned = QRectF(area.y(), area.x(), area.height(), area.width())
    column = _column(row, turned, height)
    return [QRectF(r.y(), r.x(), r.height(), r.width()) for r in column], area.adjusted(
        0, height, 0, 0
    )


def _column(row: list[float], area: QRectF, width: float) -> list[QRectF]:
    placed, top = [], area.y()
    for weight in row:
        height = weight / width if width else 0.0
        placed.append(QRectF(area.x(), top, width, height))
        top += height
    return placed
