"""Formats of the rows in the parts of a backup: JSON lines, or CSV as PostgreSQL's COPY writes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.backup.databases.base import Rows
from core.backup.databases.long_rows import LONGEST_LINE
from core.errors import Corrupt
from core.model.backup import Part

#: A longer line is yielded in pieces by `long_lines`, in bytes.
_LONG_LINE = 4 << 20


def rows_of(
    chunks: Iterable[bytes],
    part: Part,
    parts_format: str,
    *,
    complete: bool = True,
    long_rows: bool = False,
) -> Iterator[Rows]:
    """Yield decompressed bytes of a part as pieces with the number of rows that end in each.

    A piece of JSON lines ends at a line end, unless `complete` is false: then it may end anywhere
    too. With `long_rows` only a long line is divided, see `long_lines`. A piece of CSV may end
    anywhere: databases load it as a stream.

    Raises:
        Corrupt: When a line is too long, or the last row is incomplete.
    """
    if parts_format == "csv":
        yield from _csv_rows(chunks, part)
    elif not complete:
        yield from _counted_lines(chunks, part)
    elif long_rows:
        yield from long_lines(chunks, part)
    else:
        for lines in complete_lines(chunks, part):
            yield lines.count(b"\n"), lines


def _counted_lines(chunks: Iterable[bytes], part: Part) -> Iterator[Rows]:
    last = b"\n"
    for chunk in chunks:
        last = chunk[-1:]
        yield chunk.count(b"\n"), chunk
    if last != b"\n":
        raise incomplete(part)


def _csv_rows(chunks: Iterable[bytes], part: Part) -> Iterator[Rows]:
    quoted, last = False, b"\n"
    for chunk in chunks:
        count, quoted = _count_rows(chunk, quoted=quoted)
        last = chunk[-1:]
        yield count, chunk
    if quoted or last != b"\n":
        raise incomplete(part)


def _count_rows(chunk: bytes, *, quoted: bool) -> tuple[int, bool]:
    """Return the number of line ends outside of quotes, and whether the chunk ends inside.

    A quote in a value is doubled, which leaves this state as it was.
    """
    if b'"' not in chunk:
        return (0 if quoted else chunk.count(b"\n")), quoted
    segments = chunk.split(b'"')
    first = 1 if quoted else 0
    count = sum(segment.count(b"\n") for segment in segments[first::2])
    return count, quoted ^ (len(segments) % 2 == 0)


def complete_lines(chunks: Iterable[bytes], part: Part) -> Iterator[bytes]:
    """Yield the bytes of `chunks` split at line ends; each byte is only copied once.

    Raises:
        Corrupt: When a line is too long, or the last line is incomplete.
    """
    pending: list[bytes] = []
    size = 0
    for chunk in chunks:
        end = chunk.rfind(b"\n") + 1
        if end:
            yield b"".join((*pending, chunk[:end]))
            pending, size = [], 0
        if end < len(chunk):
            pending.append(chunk[end:])
            size += len(chunk) - end
            _check_length(size, part)
    if pending:
        raise incomplete(part)


def long_lines(chunks: Iterable[bytes], part: Part) -> Iterator[Rows]:
    """Yield lines and their number like `complete_lines`, but a long line in several pieces.

    Only the last piece of a long line has a number, which is 1, and it ends with the line.

    Raises:
        Corrupt: When a line is too long, or the last line is incomplete.
    """
    pending: list[bytes] = []
    size = passed = 0
    for each in chunks:
        chunk = each
        if passed:
            end = chunk.find(b"\n") + 1
            yield (1, chunk[:end]) if end else (0, chunk)
            passed += len(chunk)
            _check_length(passed, part)
            if not end:
                continue
            chunk, passed = chunk[end:], 0
        end = chunk.rfind(b"\n") + 1
        if end:
            lines = b"".join((*pending, chunk[:end]))
            yield lines.count(b"\n"), lines
            pending, size = [], 0
        if end < len(chunk):
            pending.append(chunk[end:])
            size += len(chunk) - end
        if size > _LONG_LINE:
            yield 0, b"".join(pending)
            pending, size, passed = [], 0, size
    if pending or passed:
        raise incomplete(part)


def _check_length(size: int, part: Part) -> None:
    if size > LONGEST_LINE:
        raise mismatch(part, "A row is longer than a database allows.")


def incomplete(part: Part) -> Corrupt:
    """Return the error of a part that ends too early."""
    return mismatch(part, "The part is incomplete.")


def mismatch(part: Part, cause: str) -> Corrupt:
    """Return the error of a part that is not what the manifest describes."""
    return Corrupt(
        f"Part {part.index} does not match the manifest",
        cause=cause,
        remedy="Choose another backup of the table.",
    )
