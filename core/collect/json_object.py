"""Rows of large JSON objects with one list of rows, such as candles with their symbol, in parts.

The first reading finds the members by brackets and commas, the second one reads those beside the
list, and the others read the list. As in `json_list`, the parser must accept every part.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO

from core.aws.limits import MIB
from core.collect.documents import EmptyLists, names_of, read_document, with_others
from core.collect.json_list import elements
from core.collect.long_rows import MOST_LINE, check_row
from core.collect.rows import (
    BYTE_ORDER_MARK,
    Read,
    UnreadableError,
    blocks_of_records,
    parsed_json,
)
from core.preview.json_pieces import outside_texts
from core.units import format_count, format_size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SPACE = b" \t\n\r"
_BLOCK_BYTES = 4 * MIB
#: Bytes of an object that is one row, and of the members beside a list of rows.
_MOST_ROW_BYTES = MOST_LINE
_MOST_MEMBERS = 10_000
#: The name of a member and the bracket of its list. A longer beginning is not that of a column.
_HEAD = re.compile(rb'\s*("(?:[^"\\]|\\.)*")\s*:\s*\[', re.DOTALL)
_HEAD_BYTES = 64 * 1024
_COMMA, _LIST, _OBJECT, _END = b",[{}"

OpenStream = Callable[[], AbstractContextManager[BinaryIO]]


def parts_of_object(
    open_stream: OpenStream, number: int, empty: EmptyLists, check: Callable[[], None]
) -> Iterator[Read]:
    """Yield the rows of a JSON object, some thousands at a time; see `read_document`.

    Args:
        open_stream: opens its unpacked bytes.
        number: the number of the object.
        empty: see `read_document`.
        check: called between some megabytes; raises if a cancel was requested.

    Raises:
        UnreadableError: it is not an object in JSON, or one row that is too large.
    """
    with open_stream() as stream:
        found = _Scan(check).run(stream)
    lists = [member for member in found.members if member.is_rows]
    if len(lists) != 1 or found.size - lists[0].size > _MOST_ROW_BYTES:
        if found.size > _MOST_ROW_BYTES:
            raise _too_large(len(lists))
        with open_stream() as stream:
            data = stream.read()
        check_row(data)
        yield read_document("JSON", data, number, empty)
        return
    with open_stream() as stream:
        name, others = _read_members(stream, found.members)
    empty.exploded.add(name)
    with open_stream() as stream:
        used = _used_names(_elements(stream, lists[0]), others, check)
    first = 0
    with open_stream() as stream:
        for text in _elements(stream, lists[0]):
            check_row(text)
            rows = parsed_json(b"[" + text + b"]")
            yield with_others(blocks_of_records(rows, first=first), others, used)
            first += len(rows)


def elements_of_member(
    open_stream: OpenStream, name: str, check: Callable[[], None]
) -> Iterator[list[Any]]:
    """Yield the elements of a list that is a member of a large JSON object, some thousands at a time.

    Args:
        open_stream: opens its unpacked bytes.
        name: the name of the member.
        check: see `parts_of_object`.

    Raises:
        UnreadableError: it is not an object in JSON, or has no such list.
    """
    with open_stream() as stream:
        found = _Scan(check).run(stream)
    with open_stream() as stream:
        member = _list_named(stream, found.members, name)
    if found.size - member.size > _MOST_ROW_BYTES:
        raise _too_large(1)
    with open_stream() as stream:
        # The other members are valid, and none has the same name.
        _read_members(stream, [replace(each, is_rows=each is member) for each in found.members])
    with open_stream() as stream:
        for text in _elements(stream, member):
            check_row(text)
            yield parsed_json(b"[" + text + b"]")


def _list_named(stream: BinaryIO, members: Iterable[_Member], name: str) -> _Member:
    place = 0
    for member in members:
        _skip(stream, member.start - place)
        text = stream.read(min(member.size, _HEAD_BYTES))
        place = member.start + len(text)
        head = _HEAD.match(text)
        if head is not None and parsed_json(b"[" + head[1] + b"]") == [name]:
            return member
    message = f"It has no member “{name}” that is a list."
    raise UnreadableError(message)


def _too_large(lists: int) -> UnreadableError:
    size = format_size(_MOST_ROW_BYTES)
    if lists == 1:
        why = f"the members beside its list of rows have more than {size}"
    else:
        count = format_count(lists) if lists else "none"
        why = f"it is one row of more than {size}: {count} of its members are lists of rows"
    return UnreadableError(
        f"It is one JSON object that does not fit in memory, because {why}. Store its rows as a "
        "JSON list, JSON lines, CSV or Parquet, which may be larger."
    )


def _invalid(why: str) -> UnreadableError:
    return UnreadableError(f"It is not valid JSON: {why}.")


@dataclass(frozen=True, slots=True)
class _Member:
    """A member: its first byte, the one behind it, and whether it seems to be a list of objects."""

    start: int
    end: int
    is_rows: bool

    @property
    def size(self) -> int:
        return self.end - self.start


class _Scan:
    """Finds the members of an object.

    Attributes:
        members: the members.
        size: the number of bytes.
    """

    def __init__(self, check: Callable[[], None]) -> None:
        import numpy as np

        self.members: list[_Member] = []
        self.size = 0
        self._check = check
        self._chosen = np.zeros(256, bool)
        self._chosen[list(b'",[]{}')] = True
        self._depth = self._inside = 0
        #: The places of the commas between members, the opening bracket of each value, and the
        #: brackets and commas one level below by the numbers of their members.
        self._commas: list[int] = []
        self._brackets: dict[int, int] = {}
        self._below: Counter[tuple[int, int]] = Counter()

    def run(self, stream: BinaryIO) -> _Scan:
        """Read a stream to its end."""
        data = stream.read(_BLOCK_BYTES)
        begin = len(data) - len(data.removeprefix(BYTE_ORDER_MARK).lstrip(_SPACE))
        if data[begin : begin + 1] != b"{":
            message = "It is neither a list nor an object."
            raise UnreadableError(message)
        first = base = begin + 1
        end, data, held = None, data[first:] or stream.read(_BLOCK_BYTES), b""
        while data:
            self._check()
            self.size = base + len(data) + len(held)
            data = held + data
            if end is not None:
                rest = data
            else:
                # A backslash and what it escapes belong together.
                odd = (len(data) - len(data.rstrip(b"\\"))) % 2
                data, held = (data[:-1], data[-1:]) if odd else (data, b"")
                end = self._scan(data, base)
                rest = b"" if end is None else data[end - base + 1 :]
                base += len(data)
            if rest.strip(_SPACE):
                raise _invalid("text follows its object")
            data = stream.read(_BLOCK_BYTES)
        if end is None:
            raise _invalid("its object has no end")
        starts, ends = [first, *(at + 1 for at in self._commas)], [*self._commas, end]
        self.members = [
            _Member(start, stop, self._is_rows(number))
            for number, (start, stop) in enumerate(zip(starts, ends, strict=True))
        ]
        return self

    def _scan(self, data: bytes, base: int) -> int | None:
        """Take the next bytes; return the place of the end of the object, or None before it."""
        import numpy as np

        places, marks, self._inside = outside_texts(
            np.frombuffer(data, np.uint8), self._chosen, self._inside
        )
        opening = np.isin(marks, (_LIST, _OBJECT))
        steps = opening.astype(np.int64) - np.isin(marks, list(b"]}"))
        after = np.cumsum(steps) + self._depth
        closed = np.flatnonzero(after < 0)
        end, within = None, slice(len(marks))
        if len(closed):
            if marks[closed[0]] != _END:
                raise _invalid("its object ends with another bracket")
            end, within = base + int(places[closed[0]]), slice(int(closed[0]))
        depths = (after - steps)[within]
        self._note(places[within] + base, marks[within], depths, opening[within])
        self._depth = int(after[-1]) if len(after) else self._depth
        return end

    def _note(
        self,
        places: NDArray[np.int64],
        marks: NDArray[np.uint8],
        depths: NDArray[np.int64],
        opening: NDArray[np.bool_],
    ) -> None:
        import numpy as np

        between = (marks == _COMMA) & (depths == 0)
        numbers = len(self._commas) + np.cumsum(between)
        for at in np.flatnonzero(opening & (depths == 0))[: _MOST_MEMBERS + 1].tolist():
            self._brackets.setdefault(int(numbers[at]), int(marks[at]))
        below = (opening | (marks == _COMMA)) & (depths == 1)
        pairs, counts = np.unique(numbers[below] * 256 + marks[below], return_counts=True)
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
            self._below[divmod(pair, 256)] += count
        self._commas += places[between].tolist()
        if len(self._commas) >= _MOST_MEMBERS:
            message = f"It is one JSON object of more than {format_count(_MOST_MEMBERS)} members."
            raise UnreadableError(message)

    def _is_rows(self, number: int) -> bool:
        objects = self._below[number, _OBJECT]
        return (
            self._brackets.get(number) == _LIST
            and not self._below[number, _LIST]
            and 0 < objects == self._below[number, _COMMA] + 1
        )


def _read_members(stream: BinaryIO, members: Sequence[_Member]) -> tuple[str, dict[str, Any]]:
    """Return the name of the list of rows, and the other members."""
    texts, name, place = [], b"", 0
    for member in members:
        _skip(stream, member.start - place)
        read = min(member.size, _HEAD_BYTES) if member.is_rows else member.size
        text, place = stream.read(read), member.start + read
        if member.is_rows:
            head = _HEAD.match(text)
            if head is None:
                raise _invalid("its list of rows has no name")
            name = head[1]
            text = name + b":null"
        texts.append(text)
    others = parsed_json(b"{" + b",".join(texts) + b"}")
    (text,) = parsed_json(b"[" + name + b"]")
    del others[text]
    return text, others


def _used_names(
    parts: Iterable[bytes], others: Collection[str], check: Callable[[], None]
) -> set[str]:
    """Return the names of columns of rows that other members may have, too."""
    written = [json.dumps(name, ensure_ascii=False).encode() for name in others]
    used: set[str] = set()
    for text in parts:
        check()
        # A name may be written with escapes.
        if written and (b"\\" in text or any(name in text for name in written)):
            used |= names_of(blocks_of_records(parsed_json(b"[" + text + b"]")))
    return used


def _elements(stream: BinaryIO, member: _Member) -> Iterator[bytes]:
    """Yield the elements of a list of rows in parts."""
    _skip(stream, member.start)
    head = stream.read(min(member.size, _HEAD_BYTES))
    found = _HEAD.match(head)
    if found is None:
        raise _invalid("its list of rows has no name")
    return elements(_Rest(head[found.end() - 1 :], stream, member.size - len(head)))


def _skip(stream: BinaryIO, count: int) -> None:
    while count and (data := stream.read(min(count, MIB))):
        count -= len(data)


class _Rest:
    """A beginning, and the next bytes of a stream."""

    def __init__(self, start: bytes, stream: BinaryIO, left: int) -> None:
        self._start, self._stream, self._left = start, stream, left

    def read(self, count: int) -> bytes:
        """Return the next bytes; none at the end."""
        if self._start:
            data, self._start = self._start[:count], self._start[count:]
            return data
        data = self._stream.read(min(count, self._left))
        self._left -= len(data)
        return data
