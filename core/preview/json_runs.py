"""Fast parsing of well-formed JSON in short pieces, so that the window stays responsive.

`jiter` holds the interpreter lock during a call, about 10 ms for a megabyte. A long list of objects
is therefore parsed in runs of complete elements. The end of a run is guessed from the separator
between the first two elements, and verified by the parser: a text from the beginning of an element
to a comma is only valid as the content of a list if the comma separates two elements.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

#: Characters of one run: at most a millisecond of the interpreter's lock.
RUN = 32 * 1024
#: Texts up to here are parsed by one call.
AT_ONCE = 256 * 1024
#: Below this length of a run, elements are read one by one.
_SHORTEST = 2 * 1024
#: How many places are tried for the end of one run before it is halved.
_TRIES = 4
#: `-0` is a number that `jiter` returns as the `int` 0.
_MINUS_ZERO = re.compile(r"-0(?=[\s,\]}]|\Z)(?<![\w\"]-0)")
#: Separator of two elements: brackets, and the name of the first member of the second one.
_SEPARATOR = re.compile(r'[}\]]\s*,\s*[{\[]\s*(?:"(?:[^"\\]|\\.){0,200}"\s*:)?')
#: The beginning of a document that is, or has within two objects, a list of containers.
_LIST_OF_ROWS = re.compile(r"\s*((?:\{[^{}\[\]]{0,4096}){0,2})\[\s*[\[{]")


def parse_exact(text: str) -> Any:
    """Return the one JSON value of `text` with exact numbers (see `core.preview.numbers`).

    Raises:
        ValueError: the text is not JSON, or contains what another reader has to report: names
            twice in one object, NaN, `-0`, numbers of more than 4,300 digits, 200 levels.
    """
    check_minus_zero(text)
    return parse_bytes(text.encode())


def check_minus_zero(text: str) -> None:
    """Raise ValueError if a text has a minus zero, which `parse_bytes` would read as zero."""
    if _MINUS_ZERO.search(text):
        message = "minus zero has no int"
        raise ValueError(message)


def parse_bytes(data: bytes) -> Any:
    """Return the one JSON value of a text in UTF-8 without minus zeros; see `parse_exact`."""
    return _from_json()(
        data,
        allow_inf_nan=False,
        cache_mode="keys",
        catch_duplicate_keys=True,
        float_mode="lossless-float",
    )


@cache
def _from_json() -> Callable[..., Any]:
    """Return the parser; an import in each of 100,000 calls would take longer than parsing."""
    import jiter

    found: Callable[..., Any] = jiter.from_json
    return found


def values_in(text: str, start: int = 0, end: int | None = None) -> int:
    """Return about how many JSON values a part of a text has; a comma within a text counts, too."""
    end = len(text) if end is None else end
    return (
        1 + text.count(",", start, end) + text.count("[", start, end) + text.count("{", start, end)
    )


def levels_above_rows(text: str) -> int | None:
    """Return how many objects hold the list of rows that a document begins with; None without."""
    found = _LIST_OF_ROWS.match(text)
    return found[1].count("{") if found else None


def first_row_of(text: str) -> int | None:
    """Return where the first object of the list of rows begins that a document has; None without."""
    found = _LIST_OF_ROWS.match(text)
    return found.end() - 1 if found and text[found.end() - 1] == "{" else None


class Runs:
    """The elements of one long list, read many at a time.

    Args:
        text: the complete document.
        end: the position just after the first element of the list.
    """

    def __init__(self, text: str, end: int) -> None:
        self._text = text
        # From the closing bracket of the first element.
        found = _SEPARATOR.match(text, end - 1)
        self._separator = found[0] if found else ""
        self._size = RUN

    def read(self, at: int) -> tuple[list[Any], int] | None:
        """Return the elements of the run at `at` and the position of the comma after it.

        None means that the list has to be read element by element: it is short or ends, or there
        is a fault nearby.
        """
        while self._separator and self._size >= _SHORTEST:
            if self._size * 2 > len(self._text) - at:
                self._size = min(self._size, (len(self._text) - at) // 2)
            found = self._run(at)
            if found:
                return found
            # A fault is near: shorter runs get closer to it.
            self._size //= 4
        return None

    def again(self) -> None:
        """Try long runs again: what could not be read in runs has been passed."""
        self._size = RUN

    def _run(self, at: int) -> tuple[list[Any], int] | None:
        place = at + self._size
        for _ in range(_TRIES):
            place = self._text.find(self._separator, place)
            if place < 0:
                return None
            place += 1
            try:
                return parse_exact(f"[{self._text[at:place]}]"), self._text.index(",", place)
            except ValueError:
                continue
        return None
