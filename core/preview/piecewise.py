"""Calls of C functions for many values in pieces, between which other threads can run."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

#: Values of one piece: at most a millisecond of the interpreter's lock.
_PIECE = 2_048


def distinct(of: Callable[[Any], Hashable], values: Sequence[Any]) -> dict[Any, None]:
    """Return the results of a function for all values, each once, in the order of the first ones."""
    found: dict[Any, None] = {}
    for start in range(0, len(values), _PIECE):
        found.update(dict.fromkeys(map(of, values[start : start + _PIECE])))
    return found
