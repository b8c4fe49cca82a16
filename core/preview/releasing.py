"""Release of large previews in small pieces.

Python frees an object when nothing refers to it any more. For the half million objects of a large
JSON file this takes 50 ms, in which no other thread can run. Those objects are therefore handed
over to the window when their preview ends, and it frees a few at a time. So are the rows of large
folders and the results of operations on many objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

#: Containers with fewer elements, also together, are freed at once.
LARGE = 5_000
#: How deep lists are searched for; among more than a few elements only those with many elements
#: themselves.
_DEPTH, _FEW, _MANY = 3, 64, 128

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


def hand_over_pages(pages: Iterable[tuple[Any, ...]]) -> None:
    """Hand over pages of values that end, whose elements are not containers.

    Pages are not copied here, which would take milliseconds for a million elements.
    """
    found = list(pages)
    for take in _takers if found else ():
        take(found)


def hand_over_fields(value: Any) -> None:
    """Hand over the elements of long tuples in the fields of a dataclass that ends."""
    if is_dataclass(value):
        found = (getattr(value, each.name) for each in fields(value))
        hand_over_pages(each for each in found if type(each) is tuple and len(each) >= LARGE)


def _large(value: Any, depth: int, least: int = LARGE) -> Iterator[list[Any]]:
    """Yield the elements of containers that have `least` of them, the outer ones first.

    What is in a container is only free after it, so its elements come before theirs.
    """
    if not isinstance(value, list | tuple | dict):
        return
    elements = value.values() if isinstance(value, dict) else value
    several = len(elements) > _FEW
    if len(elements) >= least:
        yield list(elements)
    elif depth:
        inner = [each for each in elements if _has(each, _MANY if several else 1)]
        if several and inner:
            yield list(elements)
        # Many containers that are not large by themselves are, together.
        fewer = _MANY if sum(map(len, inner)) >= LARGE else LARGE
        for element in inner:
            yield from _large(element, depth - 1, fewer)


def _has(value: Any, count: int) -> bool:
    return isinstance(value, list | tuple | dict) and len(value) >= count
