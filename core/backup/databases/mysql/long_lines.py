"""Rows that are read while they arrive, since a value of 100 MB is not in memory completely."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from core.backup.databases.base import Rows
from core.backup.databases.mysql.rows import HEX, TEXT, line_of, values_of
from core.errors import Corrupt

#: A longer value is compared by its hash. Its beginning, of so many bytes, can be shown.
_COMPARED, _SHOWN = 256 << 10, 1 << 10
#: No name, number or escape is longer.
_LONGEST_MARKUP = 1 << 10
_TAGS = tuple(f'{{"{tag}":"'.encode() for tag in (HEX, TEXT))
_LITERAL = re.compile(rb"(?:null|[-+.0-9eE]+)(?=[,}])")
#: The content of a string up to its end, or up to an escape that continues in the next piece.
_CONTENT = re.compile(rb'(?:[^"\\]++|\\(?:[^u]|u[0-9A-Fa-f]{4}))*+', re.DOTALL)
#: The hash of the rest of a value, also before the end of a binary one as it is shown.
_HASH = re.compile(r"…[0-9A-F]{64}(?='?\Z)")


@dataclass(frozen=True, slots=True)
class Head:
    """The name of a column with the mark before it: `,"name":`."""

    data: bytes
    first: bool


@dataclass(frozen=True, slots=True)
class Literal:
    """A number or null."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Open:
    """The start of a string or of hex digits."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """A piece of a string as JSON writes it; no escape is cut."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Close:
    """The end of a string or of hex digits."""

    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The end of a row."""

    data: bytes = b"}\n"


Token = Head | Literal | Open | Content | Close | End


@dataclass
class LongLine:
    """The tokens of one row, whose columns have the order of `names`."""

    names: Sequence[str]
    _column: int = 0
    _rest: bytes = b""
    _closing: bytes = b""
    _in_value: bool = False
    _found: list[Token] = field(default_factory=list)

    def add(self, data: bytes) -> list[Token]:
        """Return the tokens that are complete with further bytes of the row.

        Raises:
            Corrupt: The row does not match the schema.
        """
        self._found = []
        data, at = self._rest + data, 0
        while (end := self._step(data, at)) is not None:
            at = end
        self._rest = data[at:]
        if len(self._rest) > _LONGEST_MARKUP or self._rest.endswith(b"\n"):
            raise Corrupt(
                "A row of the backup does not match its schema",
                cause="A long row has other columns, or a value in an unknown form.",
                subject=repr(self._rest[:100]),
            )
        return self._found

    def _step(self, data: bytes, at: int) -> int | None:
        """Append the next token, and return where it ends; None if it is not complete."""
        if at == len(data):
            return None
        if self._closing:
            return self._content(data, at)
        if self._in_value:
            return self._value(data, at)
        if self._column == len(self.names):
            return self._append(data, at, End())
        name = json.dumps(self.names[self._column], ensure_ascii=False)
        first = self._column == 0
        self._in_value = True
        end = self._append(data, at, Head(f"{'{' if first else ','}{name}:".encode(), first))
        self._in_value = end is not None
        return end

    def _append(self, data: bytes, at: int, token: Token) -> int | None:
        if not data.startswith(token.data, at):
            return None
        self._found.append(token)
        return at + len(token.data)

    def _value(self, data: bytes, at: int) -> int | None:
        for opening in (b'"', *_TAGS):
            if (end := self._append(data, at, Open(opening))) is not None:
                self._closing = b'"' if opening == b'"' else b'"}'
                return end
        if (match := _LITERAL.match(data, at)) is None:
            return None
        self._found.append(Literal(match.group()))
        self._next_column()
        return match.end()

    def _next_column(self) -> None:
        self._column, self._in_value, self._closing = self._column + 1, False, b""

    def _content(self, data: bytes, at: int) -> int | None:
        match = _CONTENT.match(data, at)
        end = match.end() if match else at
        if end > at:
            self._found.append(Content(data[at:end]))
            return end
        if (end_ := self._append(data, at, Close(self._closing))) is not None:
            self._next_column()
        return end_


def shortened(rows: Iterable[Rows], names: Sequence[str]) -> Iterator[bytes]:
    """Yield lines for a comparison, in which a hash replaces the rest of values above 256 KB.

    Args:
        rows: Pieces of which a long row may have several, with the count 0 except for the last.
        names: The columns in the order of the rows.
    """
    line, short = LongLine(names), _Shortened()
    within = False
    for count, data in rows:
        if count and not within:
            lines = data[:-1].split(b"\n")
            if len(data) > _COMPARED and max(map(len, lines)) > _COMPARED:
                lines = [_short_line(one, names) for one in lines]
            yield from lines
            continue
        short.add(line.add(data))
        within = not count
        if not within:
            yield bytes(short.text[:-1])
            line, short = LongLine(names), _Shortened()


def _short_line(line: bytes, names: Sequence[str]) -> bytes:
    """Return a line in the form in which `shortened` yields long rows; its columns may have any order."""
    if len(line) <= _COMPARED:
        return line
    short = _Shortened()
    try:
        short.add(LongLine(names).add(line + b"\n"))
    except Corrupt:
        (values,) = values_of(line, names)
        short = _Shortened()
        short.add(LongLine(names).add(line_of(names, values) + b"\n"))
    return bytes(short.text[:-1])


class _Shortened:
    """One row; a value that is longer than `_COMPARED` is shortened."""

    def __init__(self) -> None:
        self.text = bytearray()
        self._value = bytearray()
        self._size = 0
        self._hash = hashlib.sha256()

    def add(self, tokens: Iterable[Token]) -> None:
        for token in tokens:
            self._add(token)

    def _add(self, token: Token) -> None:
        if isinstance(token, Content):
            self._hash.update(token.data)
            self._size += len(token.data)
            self._value += token.data[: _COMPARED - len(self._value)]
            return
        if isinstance(token, Open):
            self._value.clear()
            self._hash, self._size = hashlib.sha256(), 0
        elif isinstance(token, Close):
            self.text += self._shown()
        self.text += token.data

    def _shown(self) -> bytes:
        if self._size <= _COMPARED:
            return bytes(self._value)
        begin = _CONTENT.match(self._value[:_SHOWN].decode(errors="ignore").encode())
        # Dots, so that the hash is not shown as a part of the value: see `without_hash`.
        return (begin.group() if begin else b"") + f"…{self._hash.hexdigest().upper()}".encode()


def without_hash(text: str) -> str:
    """Return the text of a value from a line of `shortened` without the hash of its rest."""
    return _HASH.sub("…", text)
