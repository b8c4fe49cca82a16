"""Reading of JSON lines with long values in pieces; the values are stored in a temporary table."""

from __future__ import annotations

import binascii
import codecs
import json
import re
from contextlib import closing
from types import TracebackType
from typing import Any, NamedTuple, Self

import apsw

from core.backup.databases.sqlite.connection import encoding_of
from core.backup.databases.sqlite.rows import HEX, TEXT, untagged
from core.errors import Corrupt

#: Strings with more bytes are values that are stored apart.
_LONG = 256 << 10
_PIECE = 1 << 20
_TABLE = 'temp."strongroom long values"'
_PLACE = "$long"
#: SQLite joins 64 tables at most. A value of a join is in memory twice, one of a subquery three
#: times.
JOINED = 60
_QUOTE, _LONGEST_ESCAPE = ord('"'), 12
#: Characters of a string: complete escapes, of which a surrogate has two parts.
_CHARACTERS = re.compile(
    rb'(?:[^"\\]++|\\[^u]|\\u(?![dD][89abAB])[0-9a-fA-F]{4}|\\u[dD][89abAB]..\\u....)*+',
    re.DOTALL,
)


class LongValue(NamedTuple):
    """A value in the temporary table."""

    number: int
    is_text: bool

    @property
    def _name(self) -> str:
        return f"v{self.number:d}"

    @property
    def sql(self) -> str:
        """The SQL of the value in a SELECT from `source`; beyond `JOINED` values without it."""
        if self.number >= JOINED:
            source = f"SELECT v FROM {_TABLE} WHERE id={self.number:d}"  # noqa: S608 - a constant and a number
            return f"CAST(({source}) AS TEXT)" if self.is_text else f"({source})"
        return f"CAST({self._name}.v AS TEXT)" if self.is_text else f"{self._name}.v"

    @property
    def source(self) -> str:
        """The SQL of the table, of which a join has exactly one row."""
        return f"(SELECT v FROM {_TABLE} WHERE id={self.number:d}) {self._name}"  # noqa: S608 - a constant and a number


class LongValues:
    """The long values of one row, in a temporary table of a connection.

    A value whose length is known can be written to a table in pieces; within a row, SQLite needs
    the row and its longest value in memory.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.encoding = encoding_of(connection)
        self._count = 0
        self._created = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._created and error is None:  # otherwise the transaction is rolled back
            self._connection.execute(f"DROP TABLE {_TABLE}")

    def add(self, data: bytearray) -> int:
        """Store a value and empty `data`; return its number."""
        if not self._created:
            self._connection.execute(f"CREATE TABLE {_TABLE}(id INTEGER PRIMARY KEY, v BLOB)")
            self._created = True
        insert = f"INSERT INTO {_TABLE} VALUES (?, zeroblob(?))"  # noqa: S608 - a constant
        self._connection.execute(insert, (self._count, len(data)))
        opened = self._connection.blob_open("temp", _TABLE[6:-1], "v", self._count, True)  # noqa: FBT003 - as in apsw
        with closing(opened) as blob, memoryview(data) as view:
            for at in range(0, len(view), _PIECE):
                blob.write(view[at : at + _PIECE])
        data.clear()
        self._count += 1
        return self._count - 1

    def clear(self) -> None:
        """Remove the values of a row."""
        if self._count:
            self._connection.execute(f"DELETE FROM {_TABLE}")  # noqa: S608 - a constant
            self._count = 0


class LongLine:
    """The JSON line of one row, which is read piece by piece.

    Its long strings are moved to `values`. What remains is a short line, in which `{"$long":
    number}` replaces each of them.
    """

    def __init__(self, values: LongValues) -> None:
        self._values = values
        self._short = bytearray()
        self._rest = b""
        #: The string that is being read: its JSON, or its content since it is long.
        self._string: bytearray | None = None
        self._content: _Content | None = None
        self._texts = list[bool]()

    def add(self, piece: bytes) -> None:
        """Read the next piece.

        Raises:
            Corrupt: It is not the JSON of a row.
        """
        data = self._rest + piece
        self._rest, at = b"", 0
        try:
            while at < len(data):
                if self._string is None:
                    at = self._between(data, at)
                    continue
                match = _CHARACTERS.match(data, at)
                end = match.end() if match else at
                self._characters(data[at:end])
                at = end
                if at < len(data) and data[at] == _QUOTE:
                    self._end_string()
                    at += 1
                elif len(data) - at > _LONGEST_ESCAPE:
                    raise Corrupt("A row of the backup contains an invalid text")
                else:  # an escape that ends in the next piece
                    self._rest, at = data[at:], len(data)
        except ValueError as error:
            raise _unreadable(error) from error

    def _between(self, data: bytes, at: int) -> int:
        """Read what is not in a string, up to the next one; return where that begins."""
        start = data.find(b'"', at)
        if start < 0:
            self._short += data[at:]
            return len(data)
        self._short += data[at:start]
        self._string = bytearray()
        return start + 1

    def _characters(self, data: bytes) -> None:
        if self._content is not None:
            self._content.add(data)
            return
        assert self._string is not None
        self._string += data
        if len(self._string) > _LONG:
            digits = self._short.endswith((b'{"%s":' % HEX.encode(), b'{"%s":' % TEXT.encode()))
            self._content = _Digits() if digits else _Text(self._values.encoding)
            self._content.add(bytes(self._string))
            self._string.clear()

    def _end_string(self) -> None:
        assert self._string is not None
        if self._content is None:
            self._short += b'"%s"' % self._string
        else:
            number = self._values.add(self._content.finished())
            self._short += b'{"%s":%d}' % (_PLACE.encode(), number)
            self._texts.append(isinstance(self._content, _Text))
        self._string = self._content = None

    def row(self) -> dict[str, Any]:
        """Return the values by their names, after the last piece.

        Raises:
            Corrupt: The line is not that of one row.
        """
        if self._string is not None:
            raise Corrupt("A row of the backup is incomplete")
        try:
            found = json.loads(self._short)
        except (ValueError, RecursionError) as error:
            raise _unreadable(error) from error
        if type(found) is not dict:
            raise Corrupt("A row of the backup is not an object")
        return {
            name: self._value(value) if type(value) is dict else value
            for name, value in found.items()
        }

    def _value(self, found: dict[str, Any]) -> Any:
        if len(found) != 1:
            return untagged(found)
        ((tag, inner),) = found.items()
        place = inner if tag == _PLACE else inner.get(_PLACE) if type(inner) is dict else None
        if type(place) is not int or not 0 <= place < len(self._texts):
            return untagged(found)
        if self._texts[place] is not (tag == _PLACE) or tag not in (_PLACE, HEX, TEXT):
            return untagged({})
        return LongValue(place, tag != HEX)


class _Digits:
    """The bytes of hexadecimal digits."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._half = b""

    def add(self, digits: bytes) -> None:
        digits = self._half + digits
        even = len(digits) & ~1
        self._data += binascii.unhexlify(digits[:even])
        self._half = digits[even:]

    def finished(self) -> bytearray:
        if self._half:
            raise ValueError("a BLOB has an odd number of digits")
        return self._data


class _Text:
    """The bytes of a text in the encoding of the database."""

    def __init__(self, encoding: str) -> None:
        self._data = bytearray()
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def add(self, characters: bytes) -> None:
        text = self._decoder.decode(characters)
        self._data += json.loads(f'"{text}"').encode(self._encoding)

    def finished(self) -> bytearray:
        self._decoder.decode(b"", final=True)
        return self._data


_Content = _Digits | _Text


def _unreadable(error: Exception) -> Corrupt:
    return Corrupt("A row of the backup cannot be read", cause=str(error))
