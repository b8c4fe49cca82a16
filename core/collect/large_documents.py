"""Rows of documents of the contract that are too large for the memory, in parts; see `read_rows`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from core.collect.json_list import begins_with_list, elements
from core.collect.json_object import OpenStream, elements_of_member
from core.collect.long_rows import MOST_LINE, check_row
from core.collect.rows import Read, UnreadableError, parsed_json, read_rows, reader_of_parts
from core.layout.forms import form_of
from core.units import format_size


def read_large_rows(
    kind_id: str, open_stream: OpenStream, moment: str, check: Callable[[], None]
) -> Iterator[Read]:
    """Yield the rows of a document, some thousands at a time.

    Args:
        kind_id: the kind of the document.
        open_stream: opens its unpacked bytes.
        moment: see `read_rows`.
        check: called between some megabytes; raises if a cancel was requested.

    Raises:
        UnreadableError: it is not the document that its kind announces, or a large one that is no
            list of rows; the rows before may be.
    """
    form = form_of(kind_id)
    if form.shape != "list":
        yield _read_all(kind_id, open_stream, moment)
        return
    read = reader_of_parts(kind_id)
    first = 0
    for rows in _parts(open_stream, form.payload, check):
        check()
        found = read(rows)
        found.blocks = [
            replace(block, rows=[first + number for number in block.rows]) for block in found.blocks
        ]
        yield found
        first += len(rows)


def _parts(open_stream: OpenStream, payload: str, check: Callable[[], None]) -> Iterator[list[Any]]:
    with open_stream() as stream:
        is_list = begins_with_list(stream)
    if not is_list:
        yield from elements_of_member(open_stream, payload, check)
        return
    with open_stream() as stream:
        for text in elements(stream):
            check_row(text)
            yield parsed_json(b"[" + text + b"]")


def _read_all(kind_id: str, open_stream: OpenStream, moment: str) -> Read:
    """Return the rows of a document that is the state at one moment, such as an order book."""
    with open_stream() as stream:
        data = stream.read(MOST_LINE + 1)
    if len(data) > MOST_LINE:
        message = (
            f"It has more than {format_size(MOST_LINE)}, which a document of one moment may have. "
            "Documents with a list of candles or trades may be larger."
        )
        raise UnreadableError(message)
    check_row(data)
    return read_rows(kind_id, data, moment)
