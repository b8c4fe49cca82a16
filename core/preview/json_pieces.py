"""Fast parsing of large JSON of any form in pieces, also if its end is missing.

`jiter` holds the interpreter lock during a call, about 10 ms for a megabyte. The brackets and
commas outside of texts are therefore located with numpy, a megabyte at a time. Containers that are
longer than a run are divided at their own commas, and the parts are parsed one by one. The division
is only a guess until the parser has accepted every part, so that a text which is not JSON is never
read wrongly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.preview.json_runs import RUN, parse_bytes
from core.preview.numbers import is_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Positions = NDArray[np.int64]
    Marks = NDArray[np.uint8]

#: Bytes whose brackets are located at once.
_CHUNK = 1024 * 1024
_QUOTE, _BACKSLASH = b'"'[0], b"\\"[0]
_OPENERS, _CLOSERS = b"[{", b"]}"
_SPACE = b" \t\n\r"
#: Levels of containers that are longer than a run.
_DEPTH = 100


@dataclass(frozen=True, slots=True)
class Pieces:
    """The value of a text; `cut` means that its end is missing, `more` that `most` was reached."""

    value: Any
    cut: bool
    more: bool


def parse_pieces(data: bytes, most: int, overdue: Callable[[], bool]) -> Pieces:
    """Return the JSON container that a text consists of, or what precedes its missing end.

    Args:
        data: the text in UTF-8; its first character that is no space is a bracket.
        most: the number of values that are read; the others are left out.
        overdue: returns whether the time is up.

    Raises:
        ValueError: the text is not such a container, or the time is up.
    """
    marks = _located(data, most, overdue)
    return _Parser(data, marks, overdue).parsed()


@dataclass(frozen=True, slots=True)
class _Located:
    """Brackets and commas outside of texts, in order.

    Attributes:
        places: their positions.
        marks: their bytes.
        levels: the level of the container that each belongs to, from 1.
        end: the position where the read part of the text ends.
        more: whether there was too much for the rest of the text.
    """

    places: Positions
    marks: Marks
    levels: NDArray[np.int32]
    end: int
    more: bool


def _located(data: bytes, most: int, overdue: Callable[[], bool]) -> _Located:
    import numpy as np

    every = np.frombuffer(data, np.uint8)
    chosen = np.zeros(256, bool)
    chosen[list(b'",[]{}')] = True
    steps = np.zeros(256, np.int32)
    steps[list(_OPENERS)], steps[list(_CLOSERS)] = 1, -1
    found: list[tuple[Positions, Marks, NDArray[np.int32]]] = []
    start = inside = depth = count = 0
    while start < len(data) and count <= most:
        if overdue():
            message = "too slow"
            raise ValueError(message)
        end = _chunk_end(data, start)
        places, marks, inside = outside_texts(every[start:end], chosen, inside)
        step = steps[marks]
        after = np.cumsum(step, dtype=np.int32) + np.int32(depth)
        depth = int(after[-1]) if len(after) else depth
        # A closing bracket belongs to the container that it ends.
        found.append((places + start, marks, after + (step < 0)))
        count += int(np.count_nonzero(step >= 0))
        start = end
    places, marks, levels = (np.concatenate(each) for each in zip(*found, strict=True))
    if count <= most:
        return _Located(places, marks, levels, len(data), more=False)
    last = int(np.searchsorted(np.cumsum(steps[marks] >= 0), most, "right"))
    return _Located(places[:last], marks[:last], levels[:last], int(places[last]), more=True)


def _chunk_end(data: bytes, start: int) -> int:
    """Return where a chunk ends, never between a backslash and what it escapes."""
    end = min(start + _CHUNK, len(data))
    part = data[start:end]
    return min(len(data), end + (len(part) - len(part.rstrip(b"\\"))) % 2)


def outside_texts(
    part: Marks, chosen: NDArray[np.bool_], inside: int
) -> tuple[Positions, Marks, int]:
    """Return the positions and bytes of brackets and commas outside of texts.

    Args:
        part: the bytes.
        chosen: for each byte whether it is a quote, a bracket or a comma.
        inside: 1 if the part begins within a text.

    Returns:
        The positions, the bytes, and whether the part ends within a text.
    """
    import numpy as np

    wanted = chosen[part]
    slashes = np.flatnonzero(part == _BACKSLASH)
    if len(slashes):
        breaks = np.flatnonzero(np.diff(slashes) != 1)
        first = slashes[np.concatenate(([0], breaks + 1))]
        last = slashes[np.concatenate((breaks, [len(slashes) - 1]))]
        escaped = last[(last - first) % 2 == 0] + 1
        wanted[escaped[escaped < len(part)]] = False
    places = np.flatnonzero(wanted)
    marks = part[places]
    quotes = marks == _QUOTE
    texts = (np.cumsum(quotes, dtype=np.int32) + np.int32(inside)) & 1
    inside = int(texts[-1]) if len(texts) else inside
    outside = ~quotes & (texts == 0)
    return places[outside], marks[outside], inside


class _Parser:
    """Parses containers from the outer to the inner ones."""

    def __init__(self, data: bytes, located: _Located, overdue: Callable[[], bool]) -> None:
        self._data, self._located, self._overdue = data, located, overdue
        self._levels: dict[int, tuple[Positions, Positions]] = {}
        self._cut = False

    def parsed(self) -> Pieces:
        """Return the value of the text."""
        begin = len(self._data) - len(self._data.lstrip(_SPACE))
        _require(self._opener(0, begin, 1))
        value, end = self._container(0, 1)
        if not self._cut:
            # What follows the document is for another reader.
            _require(not self._data[end:].strip(_SPACE) and not self._located.more)
        return Pieces(value, self._cut, self._located.more)

    def _opener(self, mark: int, at: int, level: int) -> bool:
        """Return whether a mark is the opening bracket of a level at a position."""
        located = self._located
        return (
            mark < len(located.places)
            and int(located.places[mark]) == at
            and int(located.levels[mark]) == level
            and int(located.marks[mark]) in _OPENERS
        )

    def _at_level(self, level: int) -> tuple[Positions, Positions]:
        """Return the marks of a level, and the places in this list of those that close a container."""
        import numpy as np

        if level not in self._levels:
            located = self._located
            of_level = np.flatnonzero(located.levels == level)
            marks = located.marks[of_level]
            closing = np.flatnonzero((marks == _CLOSERS[0]) | (marks == _CLOSERS[1]))
            self._levels[level] = of_level, closing
        return self._levels[level]

    def _container(self, mark: int, level: int) -> tuple[Any, int]:
        """Return the container that a mark opens, and the position after it."""
        import numpy as np

        _require(level <= _DEPTH)
        of_level, closing = self._at_level(level)
        first = int(np.searchsorted(of_level, mark))
        next_closing = int(np.searchsorted(closing, first))
        closed = next_closing < len(closing)
        located = self._located
        is_list = int(located.marks[mark]) == _OPENERS[0]
        if closed:
            last = int(closing[next_closing])
            _require(int(located.marks[of_level[last]]) == _CLOSERS[0 if is_list else 1])
            marks = of_level[first : last + 1]
            edges = located.places[marks]
        else:
            self._cut = True
            marks = of_level[first:]
            edges = np.append(located.places[marks], located.end)
        members = _Members(self, marks, edges, level, is_list=is_list, closed=closed)
        return members.read(), int(edges[-1]) + 1

    # What `_Members` uses.

    def parse(self, start: int, end: int, *, is_list: bool) -> Any:
        """Return the elements of a part of a container."""
        if self._overdue():
            message = "too slow"
            raise ValueError(message)
        opener, closer = (b"[", b"]") if is_list else (b"{", b"}")
        return parse_bytes(opener + self._data[start:end] + closer)

    def inner(self, mark: int, start: int, end: int, level: int) -> tuple[bytes, Any] | None:
        """Return the container of one element, and what precedes it; None if it is no container."""
        located = self._located
        if mark >= len(located.places):
            return None
        at = int(located.places[mark])
        if not (start <= at < end and self._opener(mark, at, level + 1)):
            return None
        value, after = self._container(mark, level + 1)
        _require(not self._data[after:end].strip(_SPACE))
        return self._data[start:at], value


class _Members:
    """The elements of one container: short ones are parsed together, long ones by themselves."""

    def __init__(
        self,
        parser: _Parser,
        marks: Positions,
        edges: Positions,
        level: int,
        *,
        is_list: bool,
        closed: bool,
    ) -> None:
        self._parser, self._marks, self._edges, self._level = parser, marks, edges, level
        self._is_list, self._closed = is_list, closed
        self._values: Any = [] if is_list else {}

    def read(self) -> Any:
        """Return the container."""
        count = len(self._edges) - 1
        if count == 1 and self._closed and self._edges[1] - self._edges[0] <= RUN:
            return self._parser.parse(*self._range(0, 1), is_list=self._is_list)
        complete = count if self._closed else count - 1
        at = 0
        while at < complete:
            at = self._read_some(at, complete)
        if not self._closed:
            self._read_last(complete)
        return self._values

    def _range(self, first: int, after: int) -> tuple[int, int]:
        return int(self._edges[first]) + 1, int(self._edges[after])

    def _read_some(self, at: int, complete: int) -> int:
        """Read one long element or several short ones; return the number of the next one."""
        import numpy as np

        bound = int(
            np.searchsorted(self._edges[: complete + 1], int(self._edges[at]) + RUN, "right")
        )
        following = max(at + 1, bound - 1)
        start, end = self._range(at, following)
        if end - start > RUN:
            found = self._parser.inner(int(self._marks[at]) + 1, start, end, self._level)
            if found is not None:
                self._add(self._named(*found), 1)
                return following
        self._add(self._parser.parse(start, end, is_list=self._is_list), following - at)
        return following

    def _read_last(self, at: int) -> None:
        """Read what there is of the element in which the text ends."""
        start, end = self._range(at, at + 1)
        found = self._parser.inner(int(self._marks[at]) + 1, start, end, self._level)
        if found is not None:
            self._add(self._named(*found), 1)
            return
        try:
            value = self._parser.parse(start, end, is_list=self._is_list)
        except ValueError:
            return  # nothing of it can be read
        last = (value if self._is_list else list(value.values()))[-1:]
        # The last digits of a number may be missing.
        if last and not is_number(last[0]):
            self._add(value, 1)

    def _named(self, before: bytes, value: Any) -> Any:
        """Return an element as a part of its container."""
        if self._is_list:
            _require(not before.strip(_SPACE))
            return [value]
        members = parse_bytes(b"{" + before + b"0}")
        _require(isinstance(members, dict) and len(members) == 1)
        return dict.fromkeys(members, value)

    def _add(self, values: Any, count: int) -> None:
        """Add elements, of which there must be as many as commas announce."""
        before = len(self._values)
        if self._is_list:
            self._values += values
        else:
            self._values |= values
        # Fewer: nothing between two commas, or a name that occurs twice.
        _require(len(self._values) == before + count)


def _require(holds: bool) -> None:
    if not holds:
        message = "not a JSON container"
        raise ValueError(message)
