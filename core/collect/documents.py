"""Rows of objects of any CSV or JSON, for queries of a folder; numbers stay as they are written.

- CSV: the first line has the names of the columns. An empty field is NULL.
- JSON: the elements of a list are rows, and an object is one row. An object with exactly one list
  of objects, such as candles with their symbol, becomes the rows of that list; the other members
  are repeated in each row, with `document_` before a name that the rows have, too.
- JSON lines: each line is a row.
"""

from __future__ import annotations

import csv
import io
import re
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, BinaryIO, TextIO

from core.aws.limits import MIB
from core.collect.long_rows import MOST_LINE, check_row
from core.collect.rows import (
    Block,
    Read,
    UnreadableError,
    blocks_of_records,
    parsed_json,
)
from core.units import format_size

#: Formats by the ending of a key, before `.gz` or `.zst`.
FORMATS = {
    ".csv": "CSV", ".tsv": "CSV", ".json": "JSON", ".jsonl": "JSON lines",
    ".ndjson": "JSON lines", ".parquet": "Parquet",
}  # fmt: skip
_PACKED = (".gz", ".zst")
_DELIMITERS = ",;\t|"
_QUOTED = re.compile(r'"[^"]*"?')
#: Rows of CSV, and bytes of JSON lines, that are in memory at a time; then bytes of one line.
_PART_ROWS, _PART_BYTES, _LONGEST_LINE = 20_000, 4 * MIB, MOST_LINE


def format_of_key(key: str) -> str:
    """Return the format of an object, a value of `FORMATS`, by its key; empty for any other."""
    name = key.rpartition("/")[2].lower()
    for ending in _PACKED:
        name = name.removesuffix(ending)
    point = name.rfind(".")
    return FORMATS.get(name[point:], "") if point > 0 else ""


@dataclass(slots=True)
class EmptyLists:
    """Documents whose only list is empty: whether they are rows is known from the other documents.

    Attributes:
        exploded: the names of the lists that were rows in other documents.
        waiting: the number, the names of the empty lists and the row of each document.
    """

    exploded: set[str] = field(default_factory=set)
    waiting: list[tuple[int, frozenset[str], Block]] = field(default_factory=list)

    def rows(self) -> list[tuple[int, Block]]:
        """Return the documents that are rows themselves, after all documents were read."""
        return [
            (number, block)
            for number, names, block in self.waiting
            if names.isdisjoint(self.exploded)
        ]


def read_document(form: str, data: bytes, number: int, empty: EmptyLists) -> Read:
    """Return the rows of an object.

    Args:
        form: `CSV`, `JSON` or `JSON lines`.
        data: its unpacked bytes.
        number: the number of the object.
        empty: receives documents whose list is empty.

    Raises:
        UnreadableError: the bytes are not of that format.
    """
    if not data.strip():
        return Read()
    if form == "JSON":
        return _read_json(data, number, empty)
    return _read_csv(data) if form == "CSV" else _read_lines(data)


def _read_json(data: bytes, number: int, empty: EmptyLists) -> Read:
    try:
        document = parsed_json(data)
    except UnreadableError:
        # Many programs write JSON lines to files that end with .json.
        if data.strip().count(b"\n") and _is_json(data.strip().split(b"\n", 1)[0]):
            return _read_lines(data)
        raise
    if isinstance(document, list):
        return blocks_of_records(document)
    if not isinstance(document, dict):
        message = "It is neither a list nor an object."
        raise UnreadableError(message)
    return _read_object(document, number, empty)


def _is_json(line: bytes) -> bool:
    try:
        parsed_json(line)
    except UnreadableError:
        return False
    return True


def begins_with_line(stream: BinaryIO) -> bool:
    """Return whether the first line of a JSON object is a value by itself."""
    line = stream.readline(MIB)
    return line.endswith(b"\n") and _is_json(line)


def _read_object(document: dict[str, Any], number: int, empty: EmptyLists) -> Read:
    lists = [name for name, value in document.items() if _is_records(value)]
    filled = [name for name in lists if document[name]]
    if len(filled) != 1:
        read = blocks_of_records([document])
        if filled or not lists:
            return read
        empty.waiting += [(number, frozenset(lists), block) for block in read.blocks]
        return Read()
    (name,) = filled
    empty.exploded.add(name)
    others = {other: value for other, value in document.items() if other != name}
    read = blocks_of_records(document[name])
    return with_others(read, others, names_of(read))


def names_of(read: Read) -> set[str]:
    """Return the names of the columns of rows."""
    return {column for block in read.blocks for column in block.names}


def with_others(read: Read, others: Mapping[str, Any], used: Collection[str]) -> Read:
    """Repeat the members beside a list of rows in each row.

    Args:
        read: the rows, which are changed.
        others: the members by their names.
        used: the names that rows of the list have; `document_` precedes those of such members.
    """
    names = tuple(f"document_{other}" if other in used else other for other in others)
    read.blocks = [
        Block(
            names + block.names,
            (*([value] * len(block.rows) for value in others.values()), *block.columns),
            block.rows,
        )
        for block in read.blocks
    ]
    return read


def _is_records(value: Any) -> bool:
    """Return whether a value is a list of objects, or an empty list."""
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


def _read_lines(data: bytes) -> Read:
    return _together(_parts_of_lines(io.BytesIO(data)))


def _together(parts: Iterable[Read]) -> Read:
    read = Read()
    for part in parts:
        read.blocks += part.blocks
        read.refused += part.refused
    return read


def read_parts(form: str, stream: BinaryIO) -> Iterator[Read]:
    """Yield the rows of a large object, some thousands at a time.

    Args:
        form: `CSV` or `JSON lines`.
        stream: its unpacked bytes.

    Raises:
        UnreadableError: the bytes are not of that format; the rows before may be.
    """
    if form == "JSON lines":
        yield from _parts_of_lines(stream)
        return
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
    try:
        yield from _parts_of_csv(text)
    except UnicodeDecodeError:
        message = "It is not text in UTF-8."
        raise UnreadableError(message) from None
    finally:
        text.detach()  # the caller closes the stream


def _parts_of_lines(stream: BinaryIO) -> Iterator[Read]:
    first = bad = 0
    while lines := _some_lines(stream):
        rows: list[Any] = []
        refused = 0
        for line in lines:
            try:
                rows.append(parsed_json(line))
            except UnreadableError:
                refused += 1
        read = blocks_of_records(rows, first=first)
        read.refused += refused
        bad += refused
        first += len(rows)
        yield read
    if bad and not first:
        message = "No line of it is valid JSON."
        raise UnreadableError(message)


def _some_lines(stream: BinaryIO) -> list[bytes]:
    """Return the next lines that are not empty; none at the end."""
    lines: list[bytes] = []
    size = 0
    while size < _PART_BYTES and (line := stream.readline(_LONGEST_LINE)):
        if len(line) == _LONGEST_LINE:
            message = f"A line has {format_size(_LONGEST_LINE)} or more."
            raise UnreadableError(message)
        check_row(line)
        size += len(line)
        if line.strip():
            lines.append(line)
    return lines


def _read_csv(data: bytes) -> Read:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"It is not text in UTF-8: byte {error.start:,} is not valid."
        raise UnreadableError(message) from None
    return _together(_parts_of_csv(io.StringIO(text, newline="")))


def _parts_of_csv(text: TextIO) -> Iterator[Read]:
    head = text.readline()
    # The first of those that occur most often, not within quotation marks: a comma without any.
    delimiter = max(_DELIMITERS, key=_QUOTED.sub("", head).count)
    reader = csv.reader(_checked(chain([head], text)), delimiter=delimiter, strict=True)
    names: tuple[str, ...] | None = None
    first = 0
    while True:
        try:
            with _LONG_CELLS:
                if names is None:
                    names = _unique([name.strip() for name in next(reader, [])])
                found = list(islice(reader, _PART_ROWS))
        except csv.Error as error:
            message = f"It is not valid CSV: {error} in line {reader.line_num:,}."
            raise UnreadableError(message) from None
        if not found:
            return
        rows = [row for row in found if row]
        yield _csv_rows(names, rows, first)
        first += len(rows)


def _checked(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if "\0" in line:
            message = "It contains null characters, so it is not CSV."
            raise UnreadableError(message)
        yield line


def _csv_rows(names: tuple[str, ...], rows: list[list[str]], first: int) -> Read:
    numbers = [number for number, row in enumerate(rows, first) if len(row) == len(names)]
    fitting = rows if len(numbers) == len(rows) else [r for r in rows if len(r) == len(names)]
    columns = tuple([cell or None for cell in column] for column in zip(*fitting, strict=True))
    blocks = [Block(names, columns, numbers, are_fields=True)] if fitting else []
    return Read(blocks, len(rows) - len(numbers))


class _LongCells:
    """Accepts cells of up to `MOST_LINE` characters while a thread is within it.

    The limit of the csv module is that of the entire process, and previews rely on it: a quote that
    does not close must not take all of a text.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = 0
        self._usual = csv.field_size_limit()

    def __enter__(self) -> None:
        with self._lock:
            self._within += 1
            csv.field_size_limit(MOST_LINE)

    def __exit__(self, *_error: object) -> None:
        with self._lock:
            self._within -= 1
            if not self._within:
                csv.field_size_limit(self._usual)


_LONG_CELLS = _LongCells()


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    """Number names that occur twice, as equal members of an object are no different columns."""
    found: dict[str, None] = {}
    for place, name in enumerate(names, 1):
        unique, number = name or f"column_{place}", 1
        while unique in found:
            number += 1
            unique = f"{name or f'column_{place}'}_{number}"
        found[unique] = None
    return tuple(found)
