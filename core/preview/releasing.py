"""Release of large previews in small pieces.

Python frees an object when nothing refers to it any more. For the half million objects of a large
JSON file this takes 50 ms, in which no other thread can run. Those objects are therefore handed
over to the window when their preview ends, and it frees a few at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

#: Lists with fewer elements are freed at once.
LARGE = 5_000
#: How deep lists are searched for, within containers of so many elements at most.
_DEPTH, _FEW = 3, 64

_takers: list[Callable[[list[Any]], None]] = []


def release_with(take: Callable[[list[Any]], None] | None) -> None:
    """Hand over what is to be freed to `take`, in any thread; None frees it at once."""
    _takers[:] = [] if take is None else [take]


def hand_over(value: Any) -> None:
    """Hand over the elements of large lists in a value that ends.

    The lists themselves are not changed, since something else may still use them.
    """
    for take in _takers:
        for elements in _large(value, _DEPTH):
            take(elements)


def _large(value: Any, depth: int) -> Iterator[list[Any]]:
    if not isinstance(value, list | tuple | dict):
        return
    elements = value.values() if isinstance(value, dict) else value
    if len(elements) >= LARGE:
        yield list(elements)
    elif depth and len(elements) <= _FEW:
        for element in elements:
            yield from _large(element, depth - 1)
